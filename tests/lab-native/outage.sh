# SPDX-License-Identifier: MIT
# Without the engine's help, and without privileges. Sourced by run.

# What stays when only time goes on: numbers that move become their type, and a busy host throttles
# a loop in one second and not in the next.
STILL='def kind: if . == null then null else type end;
        [.containers[] | select(.id as $id | $ids | index($id)) |
        (.cpu.percent, .cpu.usage_usec, .cpu.user_usec, .cpu.system_usec, .cpu.throttled_usec,
         .cpu.throttled_percent, .memory.working_set_bytes, .memory.usage_bytes,
         .memory.needed_bytes, .memory.anon_bytes, .memory.file_bytes, .memory.shmem_bytes,
         .memory.slab_bytes, .memory.peak_bytes, .memory.oom_kills, .pids.current,
         .io[], .pressure[], .network.rx_bytes, .network.tx_bytes, .network.rx_dropped, .network.rx_errors,
         .network.rx_bytes_per_second, .network.tx_bytes_per_second, .verdict.percent) |= kind |
        del(.cpu.throttled_source) |
        if .cpu.limit_cores then del(.verdict) else . end] | sort_by(.id)[]'

still() { # the last snapshot as text, one row a line; the OOM one has a verdict that moves
        local ids
        ids=$(printf '%s\n' "${ALL_IDS[@]}" | jq -R . | jq -sc .)
        jq -Sc --argjson ids "$ids" --arg oom "${ID[oom]}" \
                "$STILL | if .id == \$oom then del(.verdict) else . end" "$T/snap.json"
}

same_rows() { # WHAT BEFORE AFTER: files
        if cmp -s "$2" "$3"; then pass "$1"; else
                fail "$1" "the same rows" "$(diff "$2" "$3" | jq -R -s -r \
                        '[split("\n")[] | select(test("^[<>]")) | .[2:] | fromjson] | if length == 2 then
                        [paths(scalars) as $p | select((.[0] | getpath($p[1:])) != (.[1] | getpath($p[1:]))) |
                        $p | tostring] | .[0:4] | join(" ") else "\(length) rows differ" end' 2>&1)"
        fi
}

millis() { # COMMAND... -> REPLY: how long it took
        local start=${EPOCHREALTIME/./}
        "$@" >/dev/null 2>&1
        REPLY=$(((${EPOCHREALTIME/./} - start) / 1000))
}

engine_signal() {
        local pid
        for pid in $DOCKERD $CONTAINERD; do kill "-$1" "$pid"; done
}

check_stopped_engine() {
        local round alive=999999 silent=999999 state
        snapshot -d 1
        still >"$T/still.before"
        same "the comparison holds all rows" "${#ALL_IDS[@]}" "$(grep -c . "$T/still.before")"
        engine_signal STOP
        state=$(sed -n 's/^State:\t\(.\).*/\1/p' "/proc/$DOCKERD/status")
        same "dockerd is stopped" T "$state"
        snapshot -d 1
        still >"$T/still.after"
        same_rows "dockerd stopped: the output is the same" "$T/still.before" "$T/still.after"
        for round in 1 2 3 4 5; do # side by side, the best of each
                engine_signal STOP
                millis "$T/ctop-c" --once -f json -d 0.1
                ((REPLY < silent)) && silent=$REPLY
                engine_signal CONT
                millis "$T/ctop-c" --once -f json -d 0.1
                ((REPLY < alive)) && alive=$REPLY
        done
        echo "      --once -d 0.1: $alive ms with dockerd, $silent ms with dockerd stopped"
        between "dockerd stopped: as fast" 0 $((alive * 13 / 10 + 20)) "$silent"
}

check_killed_engine() {
        local name
        engine_signal KILL
        until_true 5 no_process "$DOCKERD"
        snapshot -d 1
        still >"$T/still.after"
        same_rows "dockerd killed: the output is the same" "$T/still.before" "$T/still.after"
        for name in "${DOCKER_NAMES[@]}"; do
                same "dockerd killed: name of $name" "$name" "${S["${ID[$name]} name"]:-no row}"
        done
        DOCKERD='' CONTAINERD=''
}

# --- unprivileged ---------------------------------------------------------------------------------

check_nobody() {
        local name id path AS_NOBODY=1
        bracketed_snapshot -d 0.5
        for name in "${ROWS[@]}"; do
                id=${ID[$name]}
                same "nobody: $name is a row" "local/${RUNTIME[$name]}/0/$id" "${S["$id key"]:-no row}"
                same "nobody: $name: pid" "${PID[$name]}" "${S["$id pid"]:-}"
                for path in isolation.namespaces.pid isolation.namespaces.net isolation.namespaces.mnt \
                        isolation.namespaces.user network.namespace; do
                        same "nobody: $name: $path may not be read" null "${S["$id $path"]:-}"
                done
                same "nobody: $name: capabilities" "$(caps_of "${PID[$name]}")" "${S["$id isolation.capabilities"]:-}"
                LABEL="nobody: " check_numbers "$name"
        done
        same "nobody: state of frozen" paused "${S["${ID[frozen]} state"]}"
        same "nobody: mode of hostnet" host "${S["${ID[hostnet]} network.mode"]}"
        same "nobody: mode of busy" none "${S["${ID[busy]} network.mode"]}"
        same "nobody: mode of net and shared" "shared shared" \
                "${S["${ID[net]} network.mode"]} ${S["${ID[shared]} network.mode"]}"
        same "nobody: sources say so, in one line" 1 \
                "$(jq '[.host.sources[] | select(.name == "namespaces" and .status == "denied" and .detail)] | length' "$T/snap.json")"
        same "nobody: nothing on stderr" "" "$(<"$T/snap.err")"
}
