# SPDX-License-Identifier: MIT
# serve.py PORT FILE: the file as OpenMetrics on loopback, whatever the path.
import http.server
import sys


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        with open(sys.argv[2], "rb") as f:
            body = f.read()
        accepted = "openmetrics" if "openmetrics" in self.headers.get("Accept", "") else "other"
        print(accepted, file=sys.stderr, flush=True)
        self.send_response(200)
        self.send_header("Content-Type", "application/openmetrics-text; version=1.0.0; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
