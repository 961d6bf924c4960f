/* SPDX-License-Identifier: MIT */

/*
 * State of runc (ID/state.json) and crun (ID/status): the first process with its start time, and
 * the bundle. Engines run their containers through them, so the state also tells whose a container
 * is that no cgroup names.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "kernel/leader.h"
#include "runtime/disk_json.h"
#include "runtime/disk_sources.h"

#define STATE_MAX   (1 << 20)
#define MAX_ENTRIES 4096

/* --- one state file ----------------------------------------------------------------------------
 */

void oci_state_done(struct oci_state *s)
{
        free(s->bundle);
        json_decref(s->annotations);
        *s = (struct oci_state){0};
}

/* runc's config.labels: "key=value" texts of the annotations, and bundle=DIR. */
static json_t *annotations_of_labels(const json_t *labels)
{
        json_t *o = json_object(), *label;
        size_t i;
        json_array_foreach((json_t *)labels, i, label)
        {
                const char *text = json_string_value(label);
                const char *value = text ? strchr(text, '=') : NULL;
                if (!value)
                        continue;
                _cleanup_free_ char *key = xstrndup(text, (size_t)(value - text));
                json_object_set_new(o, key, json_string(value + 1));
        }
        return o;
}

int oci_state_parse(const char *text, size_t n, struct oci_state *ret)
{
        json_auto_t *o = disk_json_parse(text, n);
        if (!json_is_object(o))
                return -EBADMSG;
        bool runc = json_object_get(o, "init_process_pid");
        json_int_t pid = json_number(o, runc ? "init_process_pid" : "pid");
        json_int_t start = json_number(o, runc ? "init_process_start" : "process-start-time");
        if (pid <= 0 || pid > INT32_MAX)
                return -EBADMSG;
        struct oci_state s = {.pid = (pid_t)pid, .start_ticks = start > 0 ? (uint64_t)start : 0};
        const json_t *labels = json_object_get(json_object_get(o, "config"), "labels");
        if (labels)
                s.annotations = annotations_of_labels(labels);
        s.bundle = xstrdup(json_text(runc ? s.annotations : o, "bundle"));
        json_object_del(s.annotations, "bundle"); /* runc's own */
        *ret = s;
        return 0;
}

/* dirfd: the directory of all states. The text of one. */
static int read_state_text(struct disk *d, int dirfd, const char *id, char **ret, size_t *ret_len)
{
        _cleanup_free_ char *runc = xasprintf("%s/state.json", id);
        _cleanup_free_ char *crun = xasprintf("%s/status", id);
        int e = safe_read_at(dirfd, runc, &d->who, STATE_MAX, ret, ret_len);
        if (e < 0)
                e = graver(e, safe_read_at(dirfd, crun, &d->who, STATE_MAX, ret, ret_len));
        return e;
}

/* --- whose it is -------------------------------------------------------------------------------
 */

/* crun keeps the annotations in the bundle only. Borrowed from the state; NULL. */
static const json_t *annotations(struct disk *d, struct oci_state *s)
{
        if (s->annotations || !s->bundle)
                return s->annotations;
        _cleanup_free_ char *path = xasprintf("%s/config.json", s->bundle);
        _cleanup_free_ char *text = NULL;
        size_t n;
        if (safe_read(d->root, path, &d->who, DISK_FILE_MAX, &text, &n) < 0)
                return NULL;
        json_auto_t *o = disk_json_parse(text, n);
        s->annotations = json_incref(json_object_get(o, "annotations"));
        return s->annotations;
}

static enum runtime_id runtime_of_bundle(const char *bundle, enum runtime_id otherwise)
{
        const char *p = bundle ? strstr(bundle, "/io.containerd.runtime.") : NULL;
        p = p ? strchr(p + 1, '/') : NULL;
        if (!p)
                return otherwise;
        return startswith(p, "/moby/") ? RUNTIME_DOCKER : RUNTIME_CONTAINERD;
}

static enum runtime_id runtime_of_state(struct disk *d, struct oci_state *s,
                                        enum runtime_id otherwise)
{
        const char *manager = json_text(annotations(d, s), "io.container.manager");
        if (manager && streq(manager, "libpod"))
                return RUNTIME_PODMAN;
        if (manager && streq(manager, "cri-o"))
                return RUNTIME_CRIO;
        return runtime_of_bundle(s->bundle, otherwise);
}

/* --- a container with a known id ---------------------------------------------------------------
 */

/* What the engine left; if that is not where it is looked for, the annotations tell what they can.
 */
static int engine_facts(struct disk *d, enum runtime_id engine, struct oci_state *s,
                        struct facts *ret)
{
        struct facts f = {0};
        d->runtime = engine;
        free(d->bundle);
        d->bundle = xstrdup(s->bundle);
        if (disk_source_of(engine)(d, &f) < 0)
                annotations_to_facts(annotations(d, s), engine, &f);
        if (f.runtime == RUNTIME_UNKNOWN)
                f.runtime = engine;
        *ret = f;
        return 0;
}

static int read_state(struct disk *d, int dirfd, struct facts *ret)
{
        _cleanup_free_ char *text = NULL;
        _cleanup_(oci_state_done) struct oci_state s = {0};
        size_t n;
        int e = read_state_text(d, dirfd, d->id, &text, &n);
        if (e >= 0)
                e = oci_state_parse(text, n, &s);
        if (e < 0)
                return e;
        enum runtime_id engine = runtime_of_state(d, &s, d->runtime);
        if (engine != d->runtime)
                return engine_facts(d, engine, &s, ret);
        struct facts f = {0};
        annotations_to_facts(annotations(d, &s), d->runtime, &f);
        *ret = f;
        return 0;
}

int oci_disk_facts(struct disk *d, struct facts *ret)
{
        return disk_try_state_paths(d, STATE_PATH_OCI, "", read_state, ret);
}

/* --- a container with a known process ----------------------------------------------------------
 */

/* Its runtime if the state of id is the process's, else RUNTIME_UNKNOWN. */
static enum runtime_id match_state(struct disk *d, int dirfd, const char *id, const char *digits)
{
        _cleanup_free_ char *text = NULL;
        _cleanup_(oci_state_done) struct oci_state s = {0};
        size_t n;
        if (read_state_text(d, dirfd, id, &text, &n) < 0 || !strstr(text, digits) ||
            oci_state_parse(text, n, &s) < 0)
                return RUNTIME_UNKNOWN;
        if (s.pid != d->pid || s.start_ticks != d->start_ticks)
                return RUNTIME_UNKNOWN;
        free(d->bundle);
        d->bundle = xstrdup(s.bundle);
        return runtime_of_state(d, &s, d->row->runtime);
}

static int find_in(struct disk *d, int dirfd, struct facts *ret)
{
        char digits[16];
        _cleanup_(names_free) char **names = NULL;
        snprintf(digits, sizeof(digits), "%d", (int)d->pid);
        int e = safe_list(dirfd, ".", MAX_ENTRIES, &names);
        if (e < 0)
                return e;
        for (char **id = names; *id; id++) {
                enum runtime_id runtime = match_state(d, dirfd, *id, digits);
                if (runtime == RUNTIME_UNKNOWN)
                        continue;
                *ret = (struct facts){.id = xstrdup(*id), .runtime = runtime};
                return 0;
        }
        return -ENOENT;
}

int oci_disk_find(struct disk *d, struct facts *ret)
{
        if (proc_start_ticks(d->root, d->pid, &d->start_ticks) < 0)
                return -ENOENT;
        return disk_try_state_paths(d, STATE_PATH_OCI, "", find_in, ret);
}
