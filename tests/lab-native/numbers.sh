# SPDX-License-Identifier: MIT
# Every number beside the kernel's own files, known behaviour, and docker stats. Sourced by run.

# bracketed_snapshot ARGS...: the kernel's files just before and just after
bracketed_snapshot() {
        local name
        LOW=() HIGH=()
        for name in "${ROWS[@]}"; do kernel_read "${ID[$name]}" "${PID[$name]}"; done
        snapshot "$@"
        for name in "${ROWS[@]}"; do kernel_read "${ID[$name]}" "${PID[$name]}"; done
}

# How far the kernel's lazily flushed counters may lie apart.
slack_of() { # NAME METRIC
        case $2 in
        cpu.user_usec | cpu.system_usec) echo 20000 ;; # split by sampled ticks
        memory.limit_bytes) echo 0 ;;
        memory.peak_bytes) echo 65536 ;;
        memory.oom_kills) echo 0 ;;
        memory.*) [[ $1 == oom ]] && echo 20971520 || echo 131072 ;;
        pids.current) [[ $1 == oom ]] && echo 1 || echo 0 ;;
        pressure.*) echo 3 ;;
        *) echo 0 ;;
        esac
}

METRICS=(cpu.usage_usec cpu.user_usec cpu.system_usec cpu.throttled_usec memory.usage_bytes
        memory.working_set_bytes memory.anon_bytes memory.file_bytes memory.shmem_bytes
        memory.slab_bytes memory.needed_bytes memory.swap_bytes memory.peak_bytes memory.oom_kills
        pids.current pids.limit network.rx_bytes network.tx_bytes network.rx_errors
        network.tx_errors network.rx_dropped network.tx_dropped pressure.cpu_some pressure.cpu_full
        pressure.memory_some pressure.memory_full pressure.io_some pressure.io_full)

check_numbers() { # NAME
        local id=${ID[$1]} metric slack low high
        for metric in "${METRICS[@]}"; do
                low=${LOW["$id $metric"]:-null}
                # nothing was enforced, nothing is told: as for the share of periods
                [[ $metric == cpu.throttled_usec && ${HIGH["$id periods"]:-0} == 0 &&
                        ${S["$id $metric"]:-} == null ]] && low=null
                if [[ $low == null ]]; then
                        same "$1: $metric: the kernel tells none" null "${S["$id $metric"]:-no row}"
                        continue
                fi
                high=${HIGH["$id $metric"]} slack=$(slack_of "$1" "$metric")
                between "$1: $metric" $((low > slack ? low - slack : 0)) $((high + slack)) \
                        "${S["$id $metric"]:-no row}"
        done
        # another file of the kernel's for the same thing, counted on its own
        [[ ${LOW["$id cpuacct"]:-} ]] && between "$1: cpu.usage_usec beside cpuacct" \
                $((${LOW["$id cpuacct"]} - 30000)) $((${HIGH["$id cpuacct"]} + 30000)) "${S["$id cpu.usage_usec"]}"
        check_io "$1"
}

# v1 accounts a device only where the root's own file lists it; else docker's 0 is a lie.
check_io() {
        local id=${ID[$1]} metric root=${MOUNT[blkio]:-}/blkio.throttle.io_service_bytes_recursive
        [[ ${MOUNT[blkio]:-} ]] || return 0
        grep -q ' Read ' "$root" 2>/dev/null && return 0
        for metric in read_bytes write_bytes read_ops write_ops read_bytes_per_second write_bytes_per_second; do
                same "$1: io.$metric: no device is accounted" null "${S["$id io.$metric"]:-no row}"
        done
}

check_all_numbers() {
        local name
        bracketed_snapshot -d 0.5
        for name in "${ROWS[@]}"; do check_numbers "$name"; done
}

# --- behaviour that we chose ----------------------------------------------------------------------

# The kernel's own word over the same time: a host that is busy otherwise leaves less than the limit.
check_busy() {
        local id=${ID[busy]} start=${EPOCHREALTIME/./} share periods
        bracketed_snapshot -d 2
        share=$(((${HIGH["$id cpu.usage_usec"]} - ${LOW["$id cpu.usage_usec"]}) * 100 / (${EPOCHREALTIME/./} - start)))
        periods=$((${HIGH["$id periods"]} - ${LOW["$id periods"]}))
        near "busy: cpu.percent is what the kernel counted" "$share" 6 "${S["$id cpu.percent"]}"
        between "busy: not above its limit of 0.3" 1 33 "${S["$id cpu.percent"]}"
        share=$(((${HIGH["$id throttled"]} - ${LOW["$id throttled"]}) * 100 / (periods ? periods : 1)))
        near "busy: throttled_percent is what the kernel counted" "$share" 25 "${S["$id cpu.throttled_percent"]}"
        if ((share < 40)); then
                skip "busy: verdict" "this host is too busy: the loop was throttled in $share % of periods"
                return
        fi
        same "busy: throttled by itself" "${S["$id cpu.limit_source"]}" "${S["$id cpu.throttled_source"]}"
        same "busy: verdict" "throttled" "${S["$id verdict.code"]}"
}

check_behaviour() {
        local id
        check_busy
        id=${ID[Odd_name.with-42]}
        same "odd: 20 of 50 ms are 0.4 cores" 0.4 "${S["$id cpu.limit_cores"]}"
        between "odd: idle" 0 3 "${S["$id cpu.percent"]}"
        same "odd: verdict" ok "${S["$id verdict.code"]}"
        id=${ID[mem]}
        between "mem: anon is the 57 MiB it holds" $((57 << 20)) $((58 << 20)) "${S["$id memory.anon_bytes"]}"
        between "mem: needed" $((57 << 20)) $((60 << 20)) "${S["$id memory.needed_bytes"]}"
        id=${ID[files]}
        between "files: shmem is its 8 MiB in a tmpfs" $((8 << 20)) $((9 << 20)) "${S["$id memory.shmem_bytes"]}"
        between "files: file is 6 MiB of pages and the tmpfs" $((14 << 20)) $((16 << 20)) "${S["$id memory.file_bytes"]}"
        between "files: working set leaves out what is inactive" $((8 << 20)) $((10 << 20)) \
                "${S["$id memory.working_set_bytes"]}"
        id=${ID[oom]}
        between "oom: kills" 1 100000 "${S["$id memory.oom_kills"]}"
        same "oom: verdict" oom_killed "${S["$id verdict.code"]}"
        same "oom: itself still runs" running "${S["$id state"]}"
        id=${ID[pids]}
        same "pids: 10 of 10" "10 10" "${S["$id pids.current"]} ${S["$id pids.limit"]}"
        same "pids: verdict" "pids 100" "${S["$id verdict.code"]} ${S["$id verdict.percent"]}"
        id=${ID[frozen]}
        same "frozen: state" paused "${S["$id state"]}"
        same "frozen: verdict" paused "${S["$id verdict.code"]}"
        same "frozen: cpu" 0 "${S["$id cpu.percent"]}"
        for id in "${ROWS[@]}"; do
                is_number "${S["${ID[$id]} cpu.percent"]}" && continue
                fail "$id: cpu.percent of two samples" "a number" "${S["${ID[$id]} cpu.percent"]}"
        done
}

# One sample has no rates, and what is no rate is there.
check_one_sample() {
        local id=${ID[busy]} path
        snapshot -d 0
        for path in cpu.percent cpu.throttled_percent network.rx_bytes_per_second; do
                same "one sample: $path" null "${S["$id $path"]}"
        done
        is_whole "${S["$id cpu.usage_usec"]}" && pass "one sample: cpu.usage_usec" ||
                fail "one sample: cpu.usage_usec" "a number" "${S["$id cpu.usage_usec"]}"
        same "one sample: host.cpu_percent" null "$(jq .host.cpu_percent "$T/snap.json")"
}

# Bytes of a known size: 20 echo requests of 1000 bytes and their answers.
check_traffic() {
        local id=${ID[net]} address before_rx before_tx rx tx
        if [[ $BRIDGE == none ]] && ! make_veth; then
                skip "traffic" "neither a bridge nor a veth pair can be made here"
                return
        fi
        address=$(nsenter -t "${PID[net]}" -n ip -4 -o addr show scope global | awk '{ sub("/.*", "", $4); print $4 }')
        snapshot -d 0
        before_rx=${S["$id network.rx_bytes"]} before_tx=${S["$id network.tx_bytes"]}
        "$T/rootfs/bin/ping" -q -c 20 -i 0.02 -s 1000 "$address" >"$T/ping.log" 2>&1 ||
                skip "traffic" "ping $address does not work: $(tail -n 1 "$T/ping.log")"
        bracketed_snapshot -d 0
        rx=$((${S["$id network.rx_bytes"]} - before_rx)) tx=$((${S["$id network.tx_bytes"]} - before_tx))
        between "net: bytes received" 20840 24000 "$rx" # 1042 on the wire each, and some ARP
        between "net: bytes sent" 20840 24000 "$tx"
        check_numbers net
        same "shared: the same counter" "${S["$id network.rx_bytes"]}" "${S["${ID[shared]} network.rx_bytes"]}"
        check_network_rate "$address"
}

check_network_rate() { # ADDRESS
        local id=${ID[net]} ping
        "$T/rootfs/bin/ping" -q -c 10000 -i 0.02 -s 1000 "$1" >/dev/null 2>&1 &
        ping=$!
        "$T/ctop-c" --batch -n 4 -d 0.4 -f json >"$T/batch.json" 2>/dev/null
        kill "$ping"
        wait "$ping" 2>/dev/null
        same "batch: as many objects as asked for, one a line" 4 "$(grep -c '^{"schema":"ctop-c/1".*}$' "$T/batch.json")"
        same "net: a rate is the change over the interval" '[true,true,true]' "$(jq -sc --arg id "$id" '
                [.[] | {i: .interval_seconds, n: (.containers[] | select(.id == $id) | .network)}] |
                [range(1; length) as $k | (.[$k].n.rx_bytes - .[$k - 1].n.rx_bytes) as $change |
                        $change > 0 and (.[$k].n.rx_bytes_per_second * .[$k].i / $change | . > 0.95 and . < 1.05)]' "$T/batch.json")"
}

# --- beside docker stats and podman stats ---------------------------------------------------------

# Their second and ours are not the same one: a busy host gets three tries to agree.
check_stats() {
        local try name line cpu
        for try in 1 2 3; do
                take_stats
                for name in busy again; do
                        read -r _ cpu _ < <(grep "^${ID[$name]:0:12}" "$T/stats")
                        awk -v a="${cpu%\%}" -v b="${S["${ID[$name]} cpu.percent"]}" \
                                'BEGIN { exit !(a - b < 5 && b - a < 5) }' || continue 2
                done
                break
        done
        compare_stats
}

take_stats() {
        local stats
        docker stats --no-stream --no-trunc --format '{{.ID}} {{.CPUPerc}} {{.PIDs}} {{.MemUsage}}' \
                "${DOCKER_NAMES[@]}" >"$T/stats" 2>&1 &
        stats=$!
        snapshot -d 1.5
        wait "$stats"
        ((${#PODMAN_NAMES[@]})) && podman stats --no-stream --no-reset \
                --format '{{.ID}} {{.CPUPerc}} {{.PIDS}} {{.MemUsage}}' "${PODMAN_NAMES[@]}" >>"$T/stats" 2>&1
}

compare_stats() {
        local name line cpu memory pids id
        for name in "${ROWS[@]}"; do
                id=${ID[$name]}
                line=$(grep -m 1 "^${id:0:12}" "$T/stats")
                if [[ -z $line ]]; then
                        fail "$name: in the engine's stats" "a line" "$(tail -n 1 "$T/stats")"
                        continue
                fi
                read -r _ cpu pids memory <<<"$line"
                memory=$(to_bytes "${memory%% /*}")
                [[ $name == oom ]] && continue # eats in gusts: no two looks are alike
                near "$name: cpu beside the engine's" "${cpu%\%}" 5 "${S["$id cpu.percent"]}"
                near "$name: memory beside the engine's" "$memory" $((memory / 20 + 65536)) \
                        "${S["$id memory.working_set_bytes"]}"
                same "$name: pids beside the engine's" "$pids" "${S["$id pids.current"]}"
        done
}

# --- a container that starts anew between two samples ---------------------------------------------

grown() { (($(wc -l <"$1") >= $2)); }

check_restart() {
        local id=${ID[again]} old=${PID[again]} batch=0
        "$T/ctop-c" --batch -n 100 -d 0.7 -f json >"$T/batch.json" 2>/dev/null &
        batch=$!
        until_true 5 test -s "$T/batch.json"
        docker restart -t 0 again >/dev/null
        until_true 10 grown "$T/batch.json" $(($(wc -l <"$T/batch.json") + 3))
        kill -INT "$batch"
        wait "$batch"
        jq -c --arg id "$id" '.containers[] | select(.id == $id)' "$T/batch.json" >"$T/again.json"
        inspect_all
        same "again: two lives were seen" 2 \
                "$(jq -s 'map(.pid) | unique | map(select(. != null)) | length' "$T/again.json")"
        same "again: one key through both" 1 "$(jq -s 'map(.key) | unique | length' "$T/again.json")"
        same "again: no rate is negative" '[]' "$(jq -sc '[.[] | .. | numbers | select(. < 0)]' "$T/again.json")"
        same "again: no rate across the restart" null "$(jq -s --argjson old "$old" \
                'map(select(.pid != $old and .pid != null)) | .[0].cpu.percent' "$T/again.json")"
        same "again: usage began anew" true "$(jq -s --argjson old "$old" '
                (map(select(.pid == $old)) | last | .cpu.usage_usec) >
                (map(select(.pid != $old and .pid != null)) | .[0].cpu.usage_usec)' "$T/again.json")"
        between "again: and has a rate again" 1 14 "$(jq -s 'last | .cpu.percent' "$T/again.json")"
        same "batch: percent is the change over the interval" '[]' "$(jq -sc --arg id "${ID[busy]}" '
                [.[] | {i: .interval_seconds, c: (.containers[] | select(.id == $id) | .cpu)}] |
                [range(1; length) as $n | ((.[$n].c.usage_usec - .[$n - 1].c.usage_usec) /
                        .[$n].i / 10000 - .[$n].c.percent) | fabs | select(. > 1)]' "$T/batch.json")"
}
