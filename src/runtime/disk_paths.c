/* SPDX-License-Identifier: MIT */
#include "runtime/paths.h"

#include "base/mem.h"
#include "base/str.h"
#include "runtime/safe_file.h"

#define PASSWD_MAX (1 << 20)

const struct state_path state_paths[] = {
        {STATE_PATH_DOCKER, RUNTIME_DOCKER, "/var/lib/docker"},
        {STATE_PATH_DOCKER, RUNTIME_DOCKER, "/var/snap/docker/common/var-lib-docker"},
        {STATE_PATH_DOCKER, RUNTIME_DOCKER, "~/.local/share/docker"},
        {STATE_PATH_STORAGE, RUNTIME_PODMAN, "/var/lib/containers/storage"},
        {STATE_PATH_STORAGE, RUNTIME_PODMAN, "/run/containers/storage"},
        {STATE_PATH_STORAGE, RUNTIME_PODMAN, "~/.local/share/containers/storage"},
        {STATE_PATH_STORAGE, RUNTIME_PODMAN, "/run/user/%u/containers"},
        /* podman's choice where no session made a run directory */
        {STATE_PATH_STORAGE, RUNTIME_PODMAN, "/tmp/podman-run-%u/containers"},
        {STATE_PATH_CONTAINERD, RUNTIME_CONTAINERD, "/run/containerd"},
        {STATE_PATH_CONTAINERD, RUNTIME_CONTAINERD, "/run/docker/containerd/daemon"},
        {STATE_PATH_CONTAINERD, RUNTIME_CONTAINERD, "/run/k3s/containerd"},
        {STATE_PATH_CONTAINERD, RUNTIME_CONTAINERD, "/var/snap/microk8s/common/run/containerd"},
        /* rootlesskit binds it over its own copy of the system's */
        {STATE_PATH_CONTAINERD, RUNTIME_CONTAINERD, "/run/user/%u/containerd"},
        {STATE_PATH_OCI, RUNTIME_RUNC, "/run/runc"},
        {STATE_PATH_OCI, RUNTIME_CRUN, "/run/crun"},
        {STATE_PATH_OCI, RUNTIME_DOCKER, "/run/docker/runtime-runc/moby"},
        {STATE_PATH_OCI, RUNTIME_DOCKER, "/run/docker/runtime-crun/moby"},
        {STATE_PATH_OCI, RUNTIME_CONTAINERD, "/run/containerd/runc/*"},
        {STATE_PATH_OCI, RUNTIME_CONTAINERD, "/run/containerd/crun/*"},
        {STATE_PATH_OCI, RUNTIME_RUNC, "/run/user/%u/runc"},
        {STATE_PATH_OCI, RUNTIME_CRUN, "/run/user/%u/crun"},
        {STATE_PATH_OCI, RUNTIME_RUNC, "/tmp/podman-run-%u/runc"},
        {STATE_PATH_OCI, RUNTIME_CRUN, "/tmp/podman-run-%u/crun"},
        {STATE_PATH_OCI, RUNTIME_DOCKER, "/run/user/%u/docker/runtime-runc/moby"},
        {STATE_PATH_OCI, RUNTIME_CONTAINERD, "/run/user/%u/containerd/runc/*"},
        {STATE_PATH_LXC, RUNTIME_LXC, "/var/lib/lxc"},
        {STATE_PATH_LXC, RUNTIME_LXC, "~/.local/share/lxc"},
};
const size_t n_state_paths = ARRAY_SIZE(state_paths);

const char *const storage_drivers[] = {"overlay", "vfs", "btrfs", "zfs", NULL};

bool state_path_is_users(const struct state_path *p)
{
        return *p->path == '~' || strstr(p->path, "%u");
}

char *state_path_expand(const struct state_path *p, uint32_t uid, const char *home)
{
        if (*p->path == '~')
                return home ? xasprintf("%s%s", home, p->path + 1) : NULL;
        const char *mark = strstr(p->path, "%u");
        if (!mark)
                return xstrdup(p->path);
        return xasprintf("%.*s%u%s", (int)(mark - p->path), p->path, uid, mark + 2);
}

/* name:password:uid:gid:gecos:home:shell; cuts the line up. Its home if the uid fits, else NULL. */
static const char *home_in_line(char *line, uint32_t uid)
{
        char *field[6] = {0};
        for (size_t i = 0; i < ARRAY_SIZE(field); i++)
                if (!(field[i] = strsep(&line, ":")))
                        return NULL;
        uint64_t got;
        if (parse_u64_z(field[2], &got) < 0 || got != uid)
                return NULL;
        return field[5][0] == '/' ? field[5] : NULL;
}

char *home_of(const struct root *r, uint32_t uid)
{
        struct safe_owner root_user = safe_owner_of(r, 0);
        _cleanup_free_ char *text = NULL;
        size_t n;
        if (safe_read(r, "/etc/passwd", &root_user, PASSWD_MAX, &text, &n) < 0)
                return NULL;
        for (char *rest = text, *line; (line = strsep(&rest, "\n"));) {
                const char *home = home_in_line(line, uid);
                if (home)
                        return xstrdup(home);
        }
        return NULL;
}
