# SPDX-License-Identifier: MIT
# Two tables: S["ID path"] is what ctop-c says, LOW/HIGH["ID path"] what the kernel's own files said
# just before and just after. Sourced by run.

declare -A S LOW HIGH

# snapshot ARGS...: --once -f json into $T/snap.json and S
snapshot() {
        local -a as=()
        if [[ ${AS_NOBODY:-} ]]; then
                as=(setpriv --reuid 65534 --regid 65534 --clear-groups)
        fi
        if ! "${as[@]}" "$T/ctop-c" --once -f json "$@" >"$T/snap.json" 2>"$T/snap.err"; then
                fail "ctop-c --once -f json $*" "exit 0" "$(head -c 300 "$T/snap.err")"
        fi
        load "$T/snap.json"
}

# Objects are flattened, two levels; arrays, labels and ports stay JSON.
load() {
        local key value
        S=()
        while IFS=$'\x1f' read -r key value; do
                S["$key"]=$value
        done < <(jq -rS '
                def text: if type == "string" then . else tojson end;
                def leaf($path): "\($path)\u001f\(text)";
                .containers[] | .id as $id | to_entries[] | "\($id) \(.key)" as $p |
                if .key == "ports" then
                        .value | map("\(.host_ip):\(.host_port)>\(.container_port)/\(.protocol)") |
                        sort | leaf($p)
                elif .key == "labels" or (.value | type) != "object" then
                        .value | leaf($p)
                else
                        .value | to_entries[] | "\($p).\(.key)" as $q |
                        if (.value | type) == "object" then
                                .value | to_entries[] | "\($q).\(.key)" as $r | .value | leaf($r)
                        else .value | leaf($q) end
                end' "$1")
}

# --- the kernel's files ---------------------------------------------------------------------------

declare -A MOUNT # controller -> mount point; "unified" is cgroup v2
find_mounts() {
        local line fields root type options option
        while read -r line; do
                read -ra fields <<<"${line%% - *}"
                read -r type _ options <<<"${line##* - }"
                root=${fields[3]}
                [[ $root == / ]] || continue
                [[ $type == cgroup2 ]] && MOUNT[unified]=${fields[4]}
                [[ $type == cgroup ]] || continue
                for option in ${options//,/ }; do
                        [[ $option == rw || $option == ro ]] || MOUNT[$option]=${fields[4]}
                done
        done </proc/self/mountinfo
}

declare -A CG # of one pid: controller -> directory
find_cgroups() {
        local line controller path
        CG=()
        while IFS= read -r line; do
                path=${line#*:} controller=${path%%:*} path=${path#*:}
                [[ $controller ]] || controller=unified
                for controller in ${controller//,/ }; do
                        [[ ${MOUNT[$controller]:-} ]] && CG[$controller]=${MOUNT[$controller]}$path
                done
        done 2>/dev/null <"/proc/$1/cgroup"
}

number_of() { # FILE -> REPLY, "null" where there is none
        REPLY=null
        [[ -r $1 ]] && read -r REPLY <"$1"
        [[ $REPLY ]] || REPLY=null
}

declare -A KEYS
keys_of() { # FILE -> KEYS
        local key value
        KEYS=()
        [[ -r $1 ]] || return 0
        while read -r key value _; do
                KEYS[$key]=$value
        done <"$1"
}

# kernel ID METRIC VALUE: widens the bracket
kernel() {
        local key="$1 $2"
        [[ $3 == null || -z $3 ]] && { LOW["$key"]=null HIGH["$key"]=null; return; }
        if [[ -z ${LOW["$key"]:-} || ${LOW["$key"]} == null ]]; then
                LOW["$key"]=$3 HIGH["$key"]=$3
        else
                (($3 < ${LOW["$key"]})) && LOW["$key"]=$3
                (($3 > ${HIGH["$key"]})) && HIGH["$key"]=$3
        fi
        return 0
}

kernel_cpu() {
        local id=$1
        keys_of "${CG[unified]:-/none}/cpu.stat"
        if [[ ${KEYS[usage_usec]:-} ]]; then
                kernel "$id" cpu.usage_usec "${KEYS[usage_usec]}"
                kernel "$id" cpu.user_usec "${KEYS[user_usec]}"
                kernel "$id" cpu.system_usec "${KEYS[system_usec]}"
        fi
        if [[ ${CG[cpuacct]:-} ]]; then
                number_of "${CG[cpuacct]}/cpuacct.usage"
                kernel "$id" cpuacct "$((REPLY / 1000))"
        fi
        [[ ${CG[cpu]:-} ]] && keys_of "${CG[cpu]}/cpu.stat"
        if [[ ${KEYS[throttled_time]:-} ]]; then
                kernel "$id" cpu.throttled_usec $((KEYS[throttled_time] / 1000))
        else
                kernel "$id" cpu.throttled_usec "${KEYS[throttled_usec]:-null}"
        fi
        kernel "$id" periods "${KEYS[nr_periods]:-null}"
        kernel "$id" throttled "${KEYS[nr_throttled]:-null}"
}

kernel_memory_v1() {
        local id=$1 dir=${CG[memory]} usage
        number_of "$dir/memory.usage_in_bytes"
        usage=$REPLY
        keys_of "$dir/memory.stat"
        kernel "$id" memory.usage_bytes "$usage"
        kernel "$id" memory.working_set_bytes \
                $((usage > KEYS[total_inactive_file] ? usage - KEYS[total_inactive_file] : 0))
        kernel "$id" memory.anon_bytes "${KEYS[total_rss]}"
        kernel "$id" memory.file_bytes "${KEYS[total_cache]}"
        kernel "$id" memory.shmem_bytes "${KEYS[total_shmem]}"
        kernel "$id" memory.swap_bytes "${KEYS[total_swap]:-null}"
        kernel "$id" memory.limit_bytes "${KEYS[hierarchical_memory_limit]}"
        number_of "$dir/memory.kmem.usage_in_bytes"
        kernel "$id" memory.needed_bytes $((KEYS[total_rss] + KEYS[total_shmem] + REPLY))
        number_of "$dir/memory.max_usage_in_bytes"
        kernel "$id" memory.peak_bytes "$REPLY"
        keys_of "$dir/memory.oom_control"
        kernel "$id" memory.oom_kills "${KEYS[oom_kill]:-null}"
}

kernel_memory_v2() {
        local id=$1 dir=${CG[unified]} usage
        number_of "$dir/memory.current"
        usage=$REPLY
        [[ $usage == null ]] && return 0
        keys_of "$dir/memory.stat"
        kernel "$id" memory.usage_bytes "$usage"
        kernel "$id" memory.working_set_bytes \
                $((usage > KEYS[inactive_file] ? usage - KEYS[inactive_file] : 0))
        kernel "$id" memory.anon_bytes "${KEYS[anon]}"
        kernel "$id" memory.file_bytes "${KEYS[file]}"
        kernel "$id" memory.shmem_bytes "${KEYS[shmem]}"
        kernel "$id" memory.slab_bytes "${KEYS[slab]}"
        kernel "$id" memory.needed_bytes $((KEYS[anon] + KEYS[shmem] + KEYS[slab_unreclaimable] +
                KEYS[kernel_stack] + KEYS[pagetables]))
        number_of "$dir/memory.swap.current"
        kernel "$id" memory.swap_bytes "$REPLY"
        number_of "$dir/memory.peak"
        kernel "$id" memory.peak_bytes "$REPLY"
        keys_of "$dir/memory.events"
        kernel "$id" memory.oom_kills "${KEYS[oom_kill]:-null}"
}

# The sum over the interfaces that docker, podman and this lab make; "host" has none.
kernel_network() {
        local id=$1 pid=$2 line name v i
        local -a sum=(0 0 0 0 0 0) at=(0 8 2 10 3 11)
        [[ $(readlink "/proc/$pid/ns/net") == "${HOST_NS[net]}" ]] && return 0
        while read -r line; do
                name=${line%%:*}
                [[ $name =~ ^(eth|lab)[0-9]+$ ]] || continue
                read -ra v <<<"${line#*:}"
                for i in 0 1 2 3 4 5; do sum[i]=$((sum[i] + v[at[i]])); done
        done <"/proc/$pid/net/dev"
        local -a names=(rx_bytes tx_bytes rx_errors tx_errors rx_dropped tx_dropped)
        for i in 0 1 2 3 4 5; do kernel "$id" "network.${names[i]}" "${sum[i]}"; done
}

kernel_pressure() {
        local id=$1 what kind average
        for what in cpu memory io; do
                [[ -r ${CG[unified]:-/none}/$what.pressure ]] || continue
                while read -r kind average _; do
                        average=${average#avg10=}
                        kernel "$id" "pressure.${what}_$kind" $((10#${average/./} / 100))
                done 2>/dev/null <"${CG[unified]}/$what.pressure"
        done
}

# kernel_read ID PID: everything of one container, into LOW and HIGH
kernel_read() {
        find_cgroups "$2"
        [[ ${#CG[@]} -gt 0 ]] || return 0
        kernel_cpu "$1"
        if [[ ${CG[memory]:-} ]]; then kernel_memory_v1 "$1"; else kernel_memory_v2 "$1"; fi
        number_of "${CG[pids]:-${CG[unified]}}/pids.current"
        kernel "$1" pids.current "$REPLY"
        number_of "${CG[pids]:-${CG[unified]}}/pids.max"
        kernel "$1" pids.limit "${REPLY/max/null}"
        kernel_network "$1" "$2"
        kernel_pressure "$1"
}
