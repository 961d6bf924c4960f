# SPDX-License-Identifier: MIT
# The other formats, each in front of a reader that is not ours. Sourced by run.

check_json() {
        holds "json: jq takes it" jq -e '.schema == "ctop-c/1" and (.containers | length) > 0' "$T/snap.json"
        same "json: names, filtered" '["mem"]' "$("$T/ctop-c" --once -d 0 -f json -F "id~${ID[mem]}" |
                jq -c '[.containers[].name]')"
        same "json: --fail-if-any" 3 "$("$T/ctop-c" --once -d 0 -f json --fail-if-any -F "id~${ID[mem]}" >/dev/null; echo $?)"
        same "json: --fail-if-any, none left" 0 \
                "$("$T/ctop-c" --once -d 0 -f json --fail-if-any -F "name=$LAB-nobody" >/dev/null; echo $?)"
        same "json: sorted by memory" true "$("$T/ctop-c" --once -d 0 -f json --sort memory |
                jq '[.containers[].memory.working_set_bytes | select(. != null)] | . == (sort | reverse)')"
}

check_csv() {
        "$T/ctop-c" --once -d 0 -f csv >"$T/out.csv"
        python3 "$HERE/csv_to_json.py" <"$T/out.csv" >"$T/csv.json"
        snapshot -d 0
        same "csv: as many rows as json" "$(jq '.containers | length' "$T/snap.json")" "$(jq length "$T/csv.json")"
        same "csv: every row is as wide as the header" true "$(jq 'all(.[]; has("null") | not)' "$T/csv.json")"
        local name id
        for name in mem Odd_name.with-42 pmem; do
                [[ ${ID[$name]:-} ]] || continue
                id=${ID[$name]}
                same "csv: $name" "$name ${RUNTIME[$name]} running ${S["$id image"]} ${PID[$name]}" "$(jq -r --arg id "$id" \
                        '.[] | select(.id == $id) | "\(.name) \(.runtime) \(.state) \(.image) \(.pid)"' "$T/csv.json")"
        done
}

# --- openmetrics ----------------------------------------------------------------------------------

metric_of() { # NAME METRIC: the value in the exposition
        awk -v m="$2{" -v id="id=\"${ID[$1]}\"" 'index($0, m) == 1 && index($0, id) { print $NF }' "$T/out.om"
}

check_openmetrics() {
        "$T/ctop-c" --once -d 0.5 -f openmetrics >"$T/out.om"
        same "openmetrics: ends with EOF" "# EOF" "$(tail -n 1 "$T/out.om")"
        if python3 -c 'import prometheus_client' 2>/dev/null; then
                holds "openmetrics: a strict parser takes it" python3 -c '
import sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse
assert sum(len(f.samples) for f in parse(open(sys.argv[1]).read())) > 50' "$T/out.om"
        else
                skip "openmetrics: a strict parser" "python3-prometheus-client is not installed"
        fi
        if command -v promtool >/dev/null; then
                # promtool reads the older text format: a counter there is named with its _total
                holds "openmetrics: promtool check metrics" promtool_check
        else
                skip "openmetrics: promtool" "prometheus is not installed"
        fi
        between "openmetrics: memory of mem" $((57 << 20)) $((60 << 20)) \
                "$(metric_of mem ctop_container_memory_working_set_bytes)"
        same "openmetrics: no sample for the unknown" "" "$(grep -iE ' (nan|null)$' "$T/out.om")"
        local namespace
        namespace=$(of net .network.namespace)
        same "openmetrics: a shared network counts once" 1 \
                "$(grep -c "^ctop_container_network_rx_bytes_total{.*namespace=\"$namespace\"" "$T/out.om")"
}

promtool_check() {
        sed 's/^# \(HELP\|TYPE\) \(.*\)$/# \1 \2/; /^# \(UNIT\|EOF\)/d' "$T/out.om" | awk '
                /^# TYPE .* counter$/ { counter[$3] = 1 }
                { line[NR] = $0 }
                END {
                        for (i = 1; i <= NR; i++) {
                                n = split(line[i], w, " ")
                                if (w[1] == "#" && w[3] in counter)
                                        sub(" " w[3] " ", " " w[3] "_total ", line[i])
                                print line[i]
                        }
                }' | promtool check metrics
}

# --- a real prometheus ----------------------------------------------------------------------------

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

query() { curl -sf --get "http://127.0.0.1:$PROM_PORT/api/v1/query" --data-urlencode "query=$1"; }

scraped() { query 'up{job="ctop"}' | grep -q '"value":\[[0-9.]*,"1"\]'; }

check_prometheus() {
        local port version
        if ! command -v prometheus >/dev/null; then
                skip "prometheus" "not installed"
                return
        fi
        port=$(free_port) PROM_PORT=$(free_port)
        python3 "$HERE/serve.py" "$port" "$T/out.om" >"$T/serve.log" 2>&1 &
        EXTRA_PIDS+=($!)
        disown $!
        cat >"$T/prometheus.yml" <<-END
		global: {scrape_interval: 1s, scrape_timeout: 1s}
		scrape_configs: [{job_name: ctop, honor_labels: true, static_configs: [{targets: ['127.0.0.1:$port']}]}]
		END
        prometheus --config.file="$T/prometheus.yml" --storage.tsdb.path="$T/tsdb" \
                --web.listen-address="127.0.0.1:$PROM_PORT" >"$T/prometheus.log" 2>&1 &
        EXTRA_PIDS+=($!)
        disown $!
        if ! until_true 20 scraped; then
                fail "prometheus: scrapes it" "up 1" "$(curl -s "http://127.0.0.1:$PROM_PORT/api/v1/targets" |
                        jq -c '.data.activeTargets[0].lastError')"
                return
        fi
        pass "prometheus: scrapes it"
        same "prometheus: was told OpenMetrics" openmetrics "$(grep -m 1 -o openmetrics "$T/serve.log")"
        same "prometheus: every sample arrived" "$(grep -vc '^#' "$T/out.om")" \
                "$(query 'scrape_samples_scraped{job="ctop"}' | jq -r '.data.result[0].value[1]')"
        same "prometheus: memory of mem" "$(metric_of mem ctop_container_memory_working_set_bytes)" \
                "$(query "ctop_container_memory_working_set_bytes{id=\"${ID[mem]}\"}" |
                        jq -r '.data.result[0].value[1]')"
        same "prometheus: labels of mem" '["mem","docker","lab/bb:7"]' \
                "$(query "ctop_container_memory_working_set_bytes{id=\"${ID[mem]}\"}" |
                        jq -c '.data.result[0].metric | [.name, .runtime, .image]')"
        same "prometheus: a counter is a counter" counter "$(curl -sf \
                "http://127.0.0.1:$PROM_PORT/api/v1/metadata?metric=ctop_container_cpu_seconds" |
                jq -r '.data[][0].type')"
}

# --- who ------------------------------------------------------------------------------------------

check_who() {
        local child peer
        read -r child _ <"/proc/${PID[pids]}/task/${PID[pids]}/children"
        if "$T/ctop-c" who "$child" 2>&1 | grep -q 'not there yet'; then
                skip "who" "this build has no verb 'who' yet"
                return
        fi
        who_is "a child of pids" pids "$child"
        [[ $BRIDGE == none ]] && return
        who_is "the published port" net ":$(docker port net 80/tcp | sed 's/.*://')"
        peer=$(nsenter -t "${PID[net]}" -n ip -o link show eth0 | sed 's/.*eth0@if\([0-9]*\).*/\1/')
        who_is "the interface on the host's side" net \
                "$(ip -o link | sed -n "s/^$peer: \([^:@]*\).*/\1/p")"
}

# The row is among those printed below the answer.
who_is() { # WHAT NAME QUESTION
        local out
        out=$("$T/ctop-c" who "$3" 2>&1)
        if grep -q "^$2 .* running " <<<"$out"; then pass "who $3: $1"; else fail "who $3: $1" "$2" "'$out'"; fi
}
