# SPDX-License-Identifier: MIT
# Containers of known behaviour. Names here are the lab's: ID[name], PID[name]. Sourced by run.

declare -A ID PID RUNTIME
ALL_IDS=() EXTRA_PIDS=() DOCKER_NAMES=() PODMAN_NAMES=()

LOOP='while :; do :; done'
# dd fills its buffer, then waits for ever: the pipe is its own
HOLD_57M='mkfifo /run/f; exec 3<>/run/f; exec dd if=/dev/zero bs=57M count=1 >&3'
EAT='while :; do dd if=/dev/zero of=/dev/null bs=40M count=1; usleep 300000; done 2>/dev/null'
NINE='for i in 1 2 3 4 5 6 7 8 9; do sleep 9999 & done; wait'
FILES='dd if=/dev/zero of=/shm/x bs=1M count=8; dd if=/dev/zero of=/file bs=1M count=6; exec sleep 9999'
WAIT='exec sleep 9999'

# docker_run NAME SCRIPT OPTIONS...
docker_run() {
        local name=$1 script=$2
        shift 2
        local -a network=(--network none)
        [[ " $* " == *" --network"* ]] && network=()
        if docker run -d --name "$name" "${network[@]}" "$@" lab/bb:7 sh -c "$script" \
                >"$T/id.$name" 2>"$T/err.$name"; then
                return 0
        fi
        echo "docker run $name: $(tail -n 1 "$T/err.$name")"
        return 1
}

known() { # NAME ENGINE: after its start
        local id
        id=$(<"$T/id.$1")
        [[ $id ]] || return 1
        ID[$1]=$id RUNTIME[$1]=$2
        ALL_IDS+=("$id")
}

make_docker_containers() {
        local name
        docker import "$T/rootfs.tar" lab/bb:7 >/dev/null || return 1
        local -a bridged=(--network none)
        [[ $BRIDGE != none ]] && bridged=(--network bridge -p 127.0.0.1::80 -p 127.0.0.1::53/udp)
        docker_run net "$WAIT" "${bridged[@]}" &
        docker_run busy "$LOOP" --cpus 0.3 -l app=web -l tier=front &
        docker_run mem "$HOLD_57M" -m 64m --memory-swap 64m &
        docker_run oom "$EAT" -m 20m --memory-swap 20m &
        wait_jobs
        docker_run pids "$NINE" --pids-limit 10 &
        docker_run frozen "$WAIT" &
        docker_run hostnet "$WAIT" --network host &
        docker_run hostpid "$WAIT" --pid host &
        make_privileged &
        wait_jobs
        docker_run nocaps "$WAIT" --cap-drop ALL --security-opt no-new-privileges --user 1000:1000 &
        docker_run caps "$WAIT" --cap-drop ALL --cap-add CHOWN --cap-add NET_ADMIN \
                --security-opt seccomp=unconfined &
        docker_run files "$FILES" -m 64m --tmpfs /shm &
        docker_run again "$LOOP" --cpus 0.1 &
        docker_run Odd_name.with-42 "$WAIT" --cgroup-parent "/$LAB/deep" --cpu-period 50000 \
                --cpu-quota 20000 -l 'quo"ted=a "b" \c' -l "unicode=Größe ☃" \
                -l "escape=$(printf 'a\033[31mb\tc')" -l empty= &
        docker_run shared "$WAIT" --network container:net &
        wait_jobs
        DOCKER_NAMES=(busy mem oom pids frozen net shared hostnet hostpid priv nocaps caps files again
                Odd_name.with-42)
        for name in "${DOCKER_NAMES[@]}"; do known "$name" docker || return 1; done
        docker pause frozen >/dev/null
}

# Where this shell has less than all capabilities docker's own --privileged cannot start; the same
# without what is missing is as privileged as the host lets anyone be.
make_privileged() {
        local bounding have drop=()
        docker_run priv "$WAIT" --privileged --read-only 2>/dev/null >/dev/null && return 0
        docker rm -f priv >/dev/null
        bounding=$(sed -n 's/^CapBnd:\t//p' /proc/self/status)
        for ((bit = 0; bit < ${#CAP_NAMES[@]}; bit++)); do
                ((0x$bounding >> bit & 1)) || drop+=(--cap-drop "${CAP_NAMES[bit]^^}")
        done
        docker_run priv "$WAIT" --cap-add ALL "${drop[@]}" --security-opt seccomp=unconfined \
                --security-opt apparmor=unconfined --read-only
}

wait_jobs() { wait $(jobs -pr); }

make_podman_containers() {
        podman run -d --name pbusy --network none --cpus 0.2 -l app=pod -l who=lab lab/bb:7 \
                sh -c "$LOOP" >"$T/id.pbusy" 2>"$T/err.pbusy" || return 1
        podman run -d --name pmem --network none -m 64m lab/bb:7 \
                sh -c "$HOLD_57M" >"$T/id.pmem" 2>"$T/err.pmem" || return 1
        PODMAN_NAMES=(pbusy pmem)
        known pbusy podman && known pmem podman
}

# Traffic of a known size over a pair of our own, where docker's bridge does not work.
make_veth() {
        VETH=ctv$$
        [[ $BRIDGE == none ]] || return 0
        ip link add "$VETH" type veth peer name lab0 netns "${PID[net]}" 2>/dev/null || return 1
        ip addr add 198.18.250.1/30 dev "$VETH" && ip link set "$VETH" up &&
                nsenter -t "${PID[net]}" -n ip addr add 198.18.250.2/30 dev lab0 &&
                nsenter -t "${PID[net]}" -n ip link set lab0 up
}

# --- without an engine ----------------------------------------------------------------------------

# The pid inside that runs "sleep SECONDS", a number that is used once.
pid_of_sleep() {
        local dir line
        for dir in /proc/[0-9]*; do
                { mapfile -d '' -t line <"$dir/cmdline"; } 2>/dev/null || continue
                [[ "${line[*]}" == sleep\ $1 || "${line[*]}" == /bin/sleep\ $1 ]] && echo "${dir#/proc/}" && return 0
        done
        return 1
}

make_runc() {
        mkdir -p "$T/bundle"
        (cd "$T/bundle" && runc spec) || return 1
        jq --arg root "$T/rootfs" --arg path "/$LAB/raw" '.root.path = $root | .process.terminal = false |
                .process.args = ["sleep", "9999"] | .linux.cgroupsPath = $path |
                .linux.resources.memory.limit = 33554432 | .linux.resources.pids.limit = 7' \
                "$T/bundle/config.json" >"$T/config.new" && mv "$T/config.new" "$T/bundle/config.json"
        runc run -d --bundle "$T/bundle" --pid-file "$T/raw.pid" "$LAB-raw" \
                </dev/null >"$T/raw.log" 2>&1 || return 1
        ID[raw]=$LAB-raw RUNTIME[raw]=runc PID[raw]=$(<"$T/raw.pid")
        EXTRA_PIDS+=("${PID[raw]}")
}

# start_extra NAME COMMAND...: its last argument is the number of seconds it sleeps
start_extra() {
        local name=$1 last=${*: -1}
        shift
        "$@" </dev/null >"$T/$name.log" 2>&1 &
        EXTRA_PIDS+=($!)
        disown $!
        until_true 5 pid_of_sleep "$last" || return 1
        PID[$name]=$(pid_of_sleep "$last")
        EXTRA_PIDS+=("${PID[$name]}")
}

make_lxc() {
        mkdir -p "$T/lxc/$LAB"
        cat >"$T/lxc/$LAB/config" <<-END
		lxc.uts.name = lab
		lxc.rootfs.path = dir:$T/rootfs
		lxc.net.0.type = empty
		lxc.init.cmd = /bin/sleep $((SLEEP + 4))
		lxc.apparmor.profile = unconfined
		END
        start_extra lxc lxc-start -F -P "$T/lxc" -n "$LAB" -o "$T/lxc.debug" -- /bin/sleep $((SLEEP + 4)) || return 1
        ID[lxc]=$LAB RUNTIME[lxc]=lxc
}

# unshare, bwrap, nspawn and LXC: each works here or not; what does not is skipped.
make_others() {
        SLEEP=$((100000 + $$ % 100000 * 10))
        WORKS=()
        make_runc && WORKS+=(raw)
        start_extra unshared unshare --pid --fork --mount-proc --net sleep $((SLEEP + 1)) && WORKS+=(unshared)
        start_extra boxed bwrap --bind "$T/rootfs" / --proc /proc --dev /dev --unshare-pid --unshare-net \
                --as-pid-1 sleep $((SLEEP + 2)) && WORKS+=(boxed)
        start_extra nspawn systemd-nspawn -q --register=no --keep-unit -D "$T/rootfs" -M "$LAB" \
                --private-network --resolv-conf=off --timezone=off /bin/sleep $((SLEEP + 3)) && WORKS+=(nspawn)
        make_lxc && WORKS+=(lxc)
}
