# SPDX-License-Identifier: MIT
# Who is who: ctop-c's rows beside docker inspect, podman inspect and /proc. Sourced by run.

CAP_NAMES=(chown dac_override dac_read_search fowner fsetid kill setgid setuid setpcap linux_immutable
        net_bind_service net_broadcast net_admin net_raw ipc_lock ipc_owner sys_module sys_rawio
        sys_chroot sys_ptrace sys_pacct sys_admin sys_boot sys_nice sys_resource sys_time
        sys_tty_config mknod lease audit_write audit_control setfcap mac_override mac_admin syslog
        wake_alarm block_suspend audit_read perfmon bpf checkpoint_restore)

# --- engines --------------------------------------------------------------------------------------

declare -A D # "ID field" of docker inspect and podman inspect
inspect_all() {
        local key value
        docker inspect "${DOCKER_NAMES[@]/#/}" >"$T/docker.json" || return 1
        echo '[]' >"$T/podman.json"
        ((${#PODMAN_NAMES[@]})) && podman inspect "${PODMAN_NAMES[@]}" >"$T/podman.json"
        while IFS=$'\x1f' read -r key value; do D[$key]=$value; done < <(jq -rS '
                def none: if . == 0 or . == null or . == -1 then "null" else tostring end;
                .[] | .Id as $id | {
                        name: .Name | ltrimstr("/"), pid: .State.Pid | tostring,
                        image: (.ImageName // .Config.Image), started: .State.StartedAt,
                        state: .State.Status,
                        memory: .HostConfig.Memory | none, pids: .HostConfig.PidsLimit | none,
                        cores: (if .HostConfig.NanoCpus > 0 then .HostConfig.NanoCpus / 1e9
                                elif .HostConfig.CpuQuota > 0 then
                                        .HostConfig.CpuQuota / .HostConfig.CpuPeriod
                                else null end) | tostring,
                        privileged: .HostConfig.Privileged | tostring,
                        labels: (.Config.Labels // {}) | with_entries(.value |= gsub("[[:cntrl:]]"; "\ufffd")),
                        ports: [(.NetworkSettings.Ports // {}) | to_entries[] | .key as $p |
                                .value // [] | .[] | .HostIp + ":" + .HostPort + ">" + $p] | sort
                } | to_entries[] | "\($id) \(.key)\u001f" + (.value | if type == "string" then . else tojson end)
        ' "$T/docker.json" "$T/podman.json")
        for name in "${DOCKER_NAMES[@]}" "${PODMAN_NAMES[@]}"; do PID[$name]=${D["${ID[$name]} pid"]}; done
}

# of NAME FILTER: from the last snapshot, for what is no scalar
of() { jq -c --arg id "${ID[$1]}" ".containers[] | select(.id == \$id) | $2" "$T/snap.json"; }

check_engine_row() {
        local name=$1 id=${ID[$1]} started
        if [[ -z ${S["$id key"]:-} ]]; then
                fail "$name: is a row" "id $id" "none"
                return
        fi
        same "$name: key" "local/${RUNTIME[$name]}/0/$id" "${S["$id key"]}"
        same "$name: runtime" "${RUNTIME[$name]}" "${S["$id runtime"]}"
        same "$name: kind" container "${S["$id kind"]}"
        same "$name: owner_uid" 0 "${S["$id owner_uid"]}"
        same "$name: name" "${D["$id name"]}" "${S["$id name"]}"
        same "$name: image" "${D["$id image"]}" "${S["$id image"]}"
        same "$name: pid" "${D["$id pid"]}" "${S["$id pid"]}"
        same "$name: state" "${D["$id state"]}" "${S["$id state"]}"
        readarray -t started < <(printf '%s\n' "${D["$id started"]}" "${S["$id started_at"]}" | date -f - +%s.%N)
        # docker notes the time when its start call is over, seconds later on a busy host
        between "$name: started_at" "$(awk -v t="${started[0]}" 'BEGIN { printf "%.3f", t - 8 }')" \
                "$(awk -v t="${started[0]}" 'BEGIN { printf "%.3f", t + 1 }')" "${started[1]:-}"
        if [[ ${RUNTIME[$name]} == podman && ${D["$id labels"]} != "${S["$id labels"]}" ]]; then
                skip "$name: labels" "podman keeps them in its own data base: only its API tells"
        else
                same "$name: labels" "${D["$id labels"]}" "${S["$id labels"]}"
        fi
        same "$name: ports" "${D["$id ports"]}" "${S["$id ports"]}"
        check_limit "$name" cpu.limit_cores "${D["$id cores"]}" cpu.limit_source cpu
        check_limit "$name" memory.limit_bytes "${D["$id memory"]}" memory.limit_source memory
        check_limit "$name" pids.limit "${D["$id pids"]}" pids.limit_source pids
}

# check_limit NAME PATH VALUE SOURCE CONTROLLER: no limit is null with the source "none"
check_limit() {
        local id=${ID[$1]} own=none
        find_cgroups "${PID[$1]}"
        own=${CG[$5]:-${CG[unified]}}
        own=${own#"${MOUNT[$5]:-${MOUNT[unified]}}"}
        [[ $3 == null ]] && own=none
        same "$1: $2" "$3" "${S["$id $2"]:-}"
        same "$1: $4" "$own" "${S["$id $4"]:-}"
}

# --- isolation, from /proc ------------------------------------------------------------------------

caps_of() { # PID -> JSON array
        local mask bit names=()
        keys_of "/proc/$1/status"
        mask=$((16#${KEYS[CapBnd:]}))
        for ((bit = 0; bit < ${#CAP_NAMES[@]}; bit++)); do
                ((mask >> bit & 1)) && names+=("\"${CAP_NAMES[bit]}\"")
        done
        local IFS=,
        echo "[${names[*]}]"
}

# The contract's words: all that the host's first process may have, no seccomp, the initial users.
is_privileged() {
        local host mask
        keys_of /proc/1/status
        host=$((16#${KEYS[CapBnd:]}))
        keys_of "/proc/$1/status"
        mask=$((16#${KEYS[CapBnd:]}))
        if (((mask & host) == host && KEYS[Seccomp:] == 0)) &&
                [[ $(readlink "/proc/$1/ns/user") == "${HOST_NS[user]}" ]]; then
                echo true
        else
                echo false
        fi
}

declare -A HOST_NS
host_namespaces() {
        local type
        for type in pid net mnt uts ipc user cgroup time; do
                HOST_NS[$type]=$(readlink "/proc/$$/ns/$type")
        done
}

check_isolation() {
        local name=$1 id=${ID[$1]} pid=${PID[$1]} type link host inode shared=()
        local -a seccomp=(none strict filter) truth=(false true)
        for type in pid net mnt uts ipc user cgroup time; do
                [[ -e /proc/$pid/ns/$type ]] || continue
                link=$(readlink "/proc/$pid/ns/$type")
                inode=${link//[^0-9]/}
                same "$name: namespaces.$type" "$inode" "${S["$id isolation.namespaces.$type"]}"
                [[ $link == "${HOST_NS[$type]}" ]] && shared+=("\"$type\"")
        done
        local list
        list=$(IFS=,; echo "[${shared[*]}]")
        keys_of "/proc/$pid/status"
        same "$name: shared_with_host" "$list" "${S["$id isolation.shared_with_host"]}"
        same "$name: capabilities" "$(caps_of "$pid")" "${S["$id isolation.capabilities"]}"
        same "$name: seccomp" "${seccomp[${KEYS[Seccomp:]}]}" "${S["$id isolation.seccomp"]}"
        same "$name: no_new_privileges" "${truth[${KEYS[NoNewPrivs:]}]}" \
                "${S["$id isolation.no_new_privileges"]}"
        local lsm=null
        { read -r lsm <"/proc/$pid/attr/current"; } 2>/dev/null
        [[ $lsm ]] || lsm=null
        same "$name: lsm" "${lsm% (*}" "${S["$id isolation.lsm"]}"
        keys_of "/proc/$pid/uid_map"
        same "$name: root_uid" "${KEYS[0]}" "${S["$id isolation.root_uid"]}"
        same "$name: privileged" "$(is_privileged "$pid")" "${S["$id isolation.privileged"]}"
}

check_known_isolation() {
        same "nocaps: no capabilities at all" '[]' "$(of nocaps .isolation.capabilities)"
        same "nocaps: no_new_privileges" true "$(of nocaps .isolation.no_new_privileges)"
        same "caps: just the two that were added" '["chown","net_admin"]' "$(of caps .isolation.capabilities)"
        same "caps: seccomp unconfined" '"none"' "$(of caps .isolation.seccomp)"
        if [[ $(is_privileged "${PID[priv]}") == true ]]; then
                same "priv: privileged" true "$(of priv .isolation.privileged)"
        else
                skip "priv: privileged" "dockerd itself has fewer capabilities than the host's first process"
        fi
        same "busy: not privileged" false "$(of busy .isolation.privileged)"
        same "hostpid: pid namespace of the host" true \
                "$(of hostpid '.isolation.shared_with_host | index("pid") != null')"
        same "hostnet: network of the host" '["host",null,null]' \
                "$(of hostnet '.network | [.mode, .rx_bytes, .tx_bytes_per_second]')"
        same "net and shared: one network namespace" "$(of net .network.namespace)" "$(of shared .network.namespace)"
        same "net: shared" '"shared"' "$(of net .network.mode)"
        same "shared: shared" '"shared"' "$(of shared .network.mode)"
        same "busy: no network" '"none"' "$(of busy .network.mode)"
}

# --- containers without an engine -----------------------------------------------------------------

# The id the contract gives a namespace that nobody names.
namespace_id() {
        local stat rest
        stat=$(<"/proc/$1/stat")
        read -ra rest <<<"${stat##*) }"
        echo "ns-pid-$(readlink "/proc/$1/ns/pid" | tr -dc 0-9)-${rest[19]}"
}

# check_row NAME RUNTIME KIND: found, in a snapshot with --all
check_row() {
        local id=${ID[$1]}
        same "$1: runtime and kind" "$2 $3" "${S["$id runtime"]:-no row} ${S["$id kind"]:-}"
        same "$1: pid" "${PID[$1]}" "${S["$id pid"]:-}"
}

check_others() {
        local name
        snapshot --all -d 0
        for name in raw lxc unshared boxed nspawn; do
                if [[ " ${WORKS[*]} " != *" $name "* ]]; then
                        skip "$name" "does not start here: $(grep -v '^$' "$T/$name.log" 2>/dev/null | tail -n 1)"
                        continue
                fi
                [[ ${ID[$name]:-} ]] || ID[$name]=$(namespace_id "${PID[$name]}")
                case $name in
                raw) check_row raw runc container ;;
                lxc) check_row lxc lxc container ;;
                unshared) check_row unshared namespace sandbox ;;
                boxed | nspawn) check_row "$name" namespace container ;;
                esac
                check_isolation "$name"
        done
        [[ " ${WORKS[*]} " == *" raw "* ]] || return 0
        same "raw: memory limit" 33554432 "${S["${ID[raw]} memory.limit_bytes"]:-}"
        same "raw: pids limit" 7 "${S["${ID[raw]} pids.limit"]:-}"
        snapshot -d 0
        same "without --all: no sandbox" "" "${S["${ID[unshared]:-none} key"]:-}"
        same "without --all: raw is there" "local/runc/0/${ID[raw]}" "${S["${ID[raw]} key"]:-}"
}
