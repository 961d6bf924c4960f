/* SPDX-License-Identifier: MIT */
#include "runtime/disk.h"

#include <errno.h>

#include "base/mem.h"
#include "runtime/disk_sources.h"

#define MAX_CHILDREN 64 /* of a row that ends with a star */

/* --- places ------------------------------------------------------------------------------------
 */

int disk_try_places(struct disk *d, const struct places *places, disk_place_fn fn,
                    struct facts *ret)
{
        int e = -ENOENT;
        for (size_t i = 0; e < 0 && i < places->n; i++) {
                _cleanup_close_ int fd = place_open(d->root, &d->host_mounts, &places->p[i]);
                e = graver(e, fd < 0 ? fd : fn(d, fd, ret));
        }
        return e;
}

int disk_try_path(struct disk *d, const char *path, disk_place_fn fn, struct facts *ret)
{
        _cleanup_close_ int fd = safe_open_dir(d->root, path);
        return fd < 0 ? fd : fn(d, fd, ret);
}

/* Root's tables are asked for root's containers, a user's for that user's: an id alone proves
 * nothing across that border. Owned; NULL: not for this owner. */
static char *state_path(struct disk *d, const struct state_path *row)
{
        if (state_path_is_users(row) != (d->owner_uid != 0))
                return NULL;
        if (*row->path == '~' && !d->home_known) {
                d->home_known = true;
                d->home = home_of(d->root, d->owner_uid);
        }
        return state_path_expand(row, d->owner_uid, d->home);
}

static int try_children(struct disk *d, const char *path, disk_place_fn fn, struct facts *ret)
{
        _cleanup_(names_free) char **names = NULL;
        _cleanup_close_ int fd = safe_open_dir(d->root, path);
        int e = fd < 0 ? fd : safe_list(fd, ".", MAX_CHILDREN, &names);
        if (e < 0)
                return e;
        e = -ENOENT;
        for (char **name = names; e < 0 && *name; name++) {
                _cleanup_free_ char *child = xasprintf("%s/%s", path, *name);
                e = graver(e, disk_try_path(d, child, fn, ret));
        }
        return e;
}

int disk_try_state_paths(struct disk *d, enum state_kind kind, const char *suffix, disk_place_fn fn,
                         struct facts *ret)
{
        int e = -ENOENT;
        for (size_t i = 0; e < 0 && i < n_state_paths; i++) {
                d->row = &state_paths[i];
                _cleanup_free_ char *top = d->row->kind == kind ? state_path(d, d->row) : NULL;
                if (!top)
                        continue;
                if (endswith(top, "/*")) {
                        top[strlen(top) - 2] = '\0';
                        e = graver(e, try_children(d, top, fn, ret));
                        continue;
                }
                _cleanup_free_ char *path = xasprintf("%s%s", top, suffix);
                e = graver(e, disk_try_path(d, path, fn, ret));
        }
        return e;
}

/* --- runtimes ----------------------------------------------------------------------------------
 */

static int read_lxc(struct disk *d, int dirfd, struct facts *ret)
{
        _cleanup_free_ char *name = xasprintf("%s/config", d->id);
        _cleanup_free_ char *text = NULL;
        size_t n;
        int e = safe_read_at(dirfd, name, &d->who, DISK_FILE_MAX, &text, &n);
        if (e >= 0)
                *ret = (struct facts){.name = str_clean_z(d->id)};
        return e;
}

static int lxc_disk_facts(struct disk *d, struct facts *ret)
{
        return disk_try_state_paths(d, STATE_PATH_LXC, "", read_lxc, ret);
}

/* In a pod, and the cgroup does not say who runs it. */
static int kubernetes_disk_facts(struct disk *d, struct facts *ret)
{
        static const enum runtime_id runtimes[] = {RUNTIME_CONTAINERD, RUNTIME_CRIO,
                                                   RUNTIME_DOCKER};
        int worst = -ENOENT;
        for (size_t i = 0; i < ARRAY_SIZE(runtimes); i++) {
                int e = disk_source_of(runtimes[i])(d, ret);
                if (e >= 0) {
                        if (ret->runtime == RUNTIME_UNKNOWN)
                                ret->runtime = runtimes[i];
                        return e;
                }
                worst = graver(worst, e);
        }
        return worst;
}

disk_source_fn disk_source_of(enum runtime_id runtime)
{
        static const disk_source_fn sources[RUNTIME_COUNT] = {
                [RUNTIME_DOCKER] = docker_disk_facts,
                [RUNTIME_ECS] = docker_disk_facts,
                [RUNTIME_PODMAN] = podman_disk_facts,
                [RUNTIME_CRIO] = crio_disk_facts,
                [RUNTIME_CONTAINERD] = containerd_disk_facts,
                [RUNTIME_NERDCTL] = containerd_disk_facts,
                [RUNTIME_KUBERNETES] = kubernetes_disk_facts,
                [RUNTIME_RUNC] = oci_disk_facts,
                [RUNTIME_CRUN] = oci_disk_facts,
                [RUNTIME_LXC] = lxc_disk_facts,
        };
        return (unsigned)runtime < RUNTIME_COUNT ? sources[runtime] : NULL;
}

/* --- finding out whose it is -------------------------------------------------------------------
 */

static void set_owner(struct disk *d, uint32_t uid)
{
        d->owner_uid = uid;
        d->who = safe_owner_of(d->root, uid);
}

/* Whatever its source tells, and id and runtime at the least. */
static int adopt(struct disk *d, enum runtime_id runtime, const char *id, struct facts *ret)
{
        struct facts f = {0};
        d->runtime = runtime;
        d->id = id;
        disk_source_fn source = disk_source_of(runtime);
        if (source)
                (void)source(d, &f);
        free(f.id);
        f.id = str_clean_z(id);
        if (f.runtime == RUNTIME_UNKNOWN)
                f.runtime = runtime;
        *ret = f;
        return 0;
}

/* The mounts are docker's; but so are those of a sandbox inside: it must be the first process. */
static int find_docker(struct disk *d, struct facts *ret)
{
        if (!d->hints.docker_id)
                return -ENOENT;
        struct facts f = {0};
        d->id = d->hints.docker_id;
        d->init_pid = d->pid;
        int e = docker_disk_facts(d, &f);
        d->init_pid = 0;
        if (e < 0)
                return e;
        f.id = str_clean_z(d->id);
        f.runtime = RUNTIME_DOCKER;
        *ret = f;
        return 0;
}

/* Kubelet's names, which CRI-O gives to conmon too, start so. */
static int find_conmon(struct disk *d, struct facts *ret)
{
        const struct conmon *c = disk_conmon(d);
        if (!c->id)
                return -ENOENT;
        bool crio = c->name && startswith(c->name, "k8s_");
        return adopt(d, crio ? RUNTIME_CRIO : RUNTIME_PODMAN, c->id, ret);
}

/* A state that root wrote speaks for anybody's process, a user's for that user's. */
static int find_state(struct disk *d, struct facts *ret)
{
        uint32_t asked = d->owner_uid;
        struct facts found = {0};
        set_owner(d, 0);
        int e = oci_disk_find(d, &found);
        if (e < 0 && asked != 0) {
                set_owner(d, asked);
                e = graver(e, oci_disk_find(d, &found));
        }
        if (e >= 0)
                e = adopt(d, found.runtime, found.id, ret);
        d->id = NULL;
        facts_done(&found);
        return e;
}

static bool parent_has_layer(struct disk *d)
{
        struct mount_hints hints = {0};
        pid_t parent = parent_of(d->root, d->pid);
        if (parent > 0)
                mount_hints_read(d->root, parent, &hints);
        bool has = hints.layer && streq(hints.layer, d->hints.layer);
        mount_hints_done(&hints);
        return has;
}

/* Its "/" is a layer of containers/storage, and nobody above it lives in the same. */
static int find_layer(struct disk *d, struct facts *ret)
{
        struct facts f = {0};
        if (!d->hints.layer || disk_conmon(d)->exec || parent_has_layer(d))
                return -ENOENT;
        d->id = NULL;
        int e = podman_disk_facts(d, &f);
        if (e < 0)
                return e;
        f.runtime = RUNTIME_PODMAN;
        *ret = f;
        return 0;
}

static int find_out(struct disk *d, struct facts *ret)
{
        static const disk_source_fn steps[] = {find_docker, find_conmon, find_state, find_layer};
        uint32_t owner_uid = d->owner_uid;
        int e = -ENOENT;
        if (d->pid <= 0)
                return e;
        for (size_t i = 0; e < 0 && i < ARRAY_SIZE(steps); i++) {
                set_owner(d, owner_uid);
                e = graver(e, steps[i](d, ret));
        }
        return e;
}

/* --- the question ------------------------------------------------------------------------------
 */

static int answer(struct disk *d, struct facts *ret)
{
        if (d->runtime == RUNTIME_UNKNOWN || d->runtime == RUNTIME_NAMESPACE)
                return find_out(d, ret);
        disk_source_fn source = disk_source_of(d->runtime);
        if (!source || !is_component(d->id))
                return -ENOENT;
        int e = source(d, ret);
        if (e >= 0) { /* the asker knows it */
                free(ret->id);
                ret->id = NULL;
        }
        return e;
}

int disk_facts(const struct root *r, const struct disk_query *q, struct facts *ret)
{
        struct facts f = {0};
        struct disk d = {.root = r, .runtime = q->runtime, .id = q->id, .pid = q->pid};
        set_owner(&d, q->owner_uid);
        if (q->pid > 0)
                mount_hints_read(r, q->pid, &d.hints);
        int e = answer(&d, &f);
        mount_hints_done(&d.hints);
        host_mounts_done(&d.host_mounts);
        conmon_done(&d.conmon);
        free(d.bundle);
        free(d.home);
        if (e < 0)
                return e;
        *ret = f;
        return 0;
}

void disk_query_pack(const struct disk_query *q, struct str *out)
{
        wire_put_u64(out, q->runtime);
        wire_put_u64(out, q->owner_uid);
        wire_put_u64(out, (uint64_t)(int64_t)q->pid);
        wire_put_str(out, q->id);
}

int disk_query_unpack(struct wire *w, struct disk_query *ret)
{
        uint64_t runtime = wire_get_u64(w), uid = wire_get_u64(w), pid = wire_get_u64(w);
        const char *id = wire_get_str(w);
        if (!wire_ok(w) || runtime >= RUNTIME_COUNT || uid > UINT32_MAX || pid > INT32_MAX)
                return -EBADMSG;
        *ret = (struct disk_query){.runtime = (enum runtime_id)runtime,
                                   .owner_uid = (uint32_t)uid,
                                   .id = id,
                                   .pid = (pid_t)pid};
        return 0;
}
