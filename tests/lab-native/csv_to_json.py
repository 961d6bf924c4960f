# SPDX-License-Identifier: MIT
# csv on stdin -> a JSON array of objects; a row wider than the header has the key "null".
import csv
import json
import sys

print(json.dumps(list(csv.DictReader(sys.stdin, strict=True))))
