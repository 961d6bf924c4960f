# SPDX-License-Identifier: MIT
# A dockerd and a podman of our own below $T, and how to leave no trace of them. Sourced by run.

# A static busybox and a link for each of its names; engines import it.
make_rootfs() {
        local name
        mkdir -p "$T/rootfs"/{bin,proc,sys,dev,tmp,etc,root,run,var,usr,shm}
        cp /bin/busybox "$T/rootfs/bin/busybox"
        for name in $("$T/rootfs/bin/busybox" --list); do
                [[ $name == busybox ]] || ln -s busybox "$T/rootfs/bin/$name"
        done
        ln -s bin "$T/rootfs/sbin"
        echo 'root:x:0:0:root:/root:/bin/sh' >"$T/rootfs/etc/passwd"
        echo 'NAME=lab' >"$T/rootfs/etc/os-release"
        tar -C "$T/rootfs" -c . >"$T/rootfs.tar"
}

# --- docker ---------------------------------------------------------------------------------------

# A bridge of our own, with a subnet nobody routes; without one containers get no network.
make_bridge() {
        local n
        for n in $((RANDOM % 200)) $((RANDOM % 200)) $((RANDOM % 200)); do
                [[ -z $(ip route show root "198.18.$n.0/24") ]] && break
        done
        BRIDGE=ctl$$
        ip link add "$BRIDGE" type bridge 2>/dev/null &&
                ip addr add "198.18.$n.1/24" dev "$BRIDGE" && ip link set "$BRIDGE" up && return 0
        ip link del "$BRIDGE" 2>/dev/null
        BRIDGE=none
}

start_dockerd() {
        mkdir -p "$T/docker-config"
        echo '{}' >"$T/docker-config/config.json"
        dockerd --data-root "$T/docker" --exec-root "$T/exec" --pidfile "$T/dockerd.pid" \
                --host "unix://$T/docker.sock" --bridge "$BRIDGE" --iptables=false \
                --ip6tables=false --ip-forward=false --ip-masq=false >"$T/dockerd.log" 2>&1 &
        DOCKERD=$!
        disown "$DOCKERD"
        export DOCKER_HOST=unix://$T/docker.sock DOCKER_CONFIG=$T/docker-config
        if ! until_true 40 docker version; then
                tail -n 5 "$T/dockerd.log"
                return 1
        fi
        CONTAINERD=$(<"$T/exec/containerd/containerd.pid") || CONTAINERD=
}

# --- podman ---------------------------------------------------------------------------------------

podman() {
        CONTAINERS_CONF=$T/containers.conf CONTAINERS_STORAGE_CONF=$T/storage.conf \
                command podman --root "$T/podman/root" --runroot "$T/podman/run" \
                --tmpdir "$T/podman/tmp" --runtime runc --cgroup-manager cgroupfs "$@"
}

# Locks in files: the shared memory of the host's own podman stays untouched.
prepare_podman() {
        mkdir -p "$T/podman/cni"
        cat >"$T/containers.conf" <<-END
		[containers]
		default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
		[engine]
		events_logger = "file"
		lock_type = "file"
		volume_path = "$T/podman/volumes"
		[network]
		network_config_dir = "$T/podman/cni"
		END
        cat >"$T/storage.conf" <<-END
		[storage]
		driver = "overlay"
		runroot = "$T/podman/run"
		graphroot = "$T/podman/root"
		END
        podman import -q "$T/rootfs.tar" lab/bb:7 >"$T/podman.log" 2>&1
}

# --- the end --------------------------------------------------------------------------------------

# The pids whose command line names our folder: engines, shims, conmons, servers.
our_processes() {
        local dir line
        for dir in /proc/[0-9]*; do
                ((${dir#/proc/} == $$ || ${dir#/proc/} == BASHPID)) && continue
                { mapfile -d '' -t line <"$dir/cmdline"; } 2>/dev/null || continue
                [[ "${line[*]}" == *"$T"* ]] && echo "${dir#/proc/}"
        done
}

# The cgroup directories of our containers, in every hierarchy, deepest first.
our_cgroups() {
        local id mount
        local -a match=(-path "*$LAB*")
        for id in "${ALL_IDS[@]}"; do match+=(-o -name "*$id*"); done
        for mount in $(printf '%s\n' "${MOUNT[@]}" | sort -u); do
                find "$mount" -depth -maxdepth 5 -type d \( "${match[@]}" \) 2>/dev/null
        done
}

kill_contents() {
        local dir pid
        while read -r dir; do
                [[ -w $dir/freezer.state ]] && echo THAWED >"$dir/freezer.state"
                { mapfile -t pids <"$dir/cgroup.procs"; } 2>/dev/null || continue
                for pid in "${pids[@]}"; do
                        ((pid > 1)) && kill -KILL "$pid"
                done
        done 2>/dev/null
}

remove_cgroups() {
        local dir
        for dir in $(our_cgroups); do rmdir "$dir" 2>/dev/null; done
        for dir in "${NEW_PARENTS[@]}"; do rmdir "$dir" 2>/dev/null; done # only when empty
        [[ -z $(our_cgroups) ]]
}

# Parents that engines make and never remove; not there before means ours.
note_parents() {
        local mount name
        NEW_PARENTS=()
        for mount in "${MOUNT[@]}"; do
                for name in docker libpod_parent/conmon libpod_parent; do
                        [[ -d $mount/$name ]] || NEW_PARENTS+=("$mount/$name")
                done
        done
}

unmount_all() {
        local line fields
        tac /proc/self/mountinfo | while read -r line; do
                read -ra fields <<<"$line"
                [[ ${fields[4]} == "$T"/* ]] && umount -l "${fields[4]}"
        done
}

# Sockets of shims lie outside our folder; each bundle says where.
remove_sockets() {
        local file
        for file in "$T"/exec/containerd/daemon/io.containerd.runtime.v2.task/moby/*/address; do
                [[ -r $file ]] && rm -f "$(sed 's,^unix://,,' "$file")"
        done
}

clean_up() {
        local pid id
        trap '' INT TERM HUP
        set +e
        for pid in ${DOCKERD:-} ${CONTAINERD:-}; do kill -CONT "$pid" 2>/dev/null; done
        our_cgroups | kill_contents
        ((${#EXTRA_PIDS[@]})) && kill -KILL "${EXTRA_PIDS[@]}" 2>/dev/null
        [[ ${DOCKERD:-} ]] && kill -TERM "$DOCKERD" 2>/dev/null
        ((${#EXTRA_PIDS[@]})) && until_true 2 no_process "${EXTRA_PIDS[@]}"
        until_true 4 no_process ${DOCKERD:-}
        remove_sockets
        for pid in $(our_processes); do kill -KILL "$pid" 2>/dev/null; done
        our_cgroups | kill_contents
        until_true 5 remove_cgroups
        for id in "${ALL_IDS[@]}" "$LAB-raw"; do rm -rf "/run/runc/$id"; done
        [[ ${BRIDGE:-none} != none ]] && ip link del "$BRIDGE" 2>/dev/null
        ip link del "$VETH" 2>/dev/null
        unmount_all 2>/dev/null
        rm -rf --one-file-system "$T"
}

no_process() {
        local pid
        for pid; do [[ ! -d /proc/$pid ]] || return 1; done
}

# What must be gone after clean_up: told as checks by run itself, on stdout.
left_over() {
        our_processes
        our_cgroups
        grep -F "$T" /proc/self/mountinfo
        ip -o link show "${BRIDGE:-$VETH}" 2>/dev/null
        ls -d "$T" 2>/dev/null
}
