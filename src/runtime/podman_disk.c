/* SPDX-License-Identifier: MIT */

/*
 * GRAPHROOT/DRIVER-containers/containers.json of containers/storage (and volatile-containers.json
 * for --rm), where podman and CRI-O keep name and image. Labels, ports and pod names are in
 * podman's database only. CRI-O has more in the annotations of its bundles.
 */

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "runtime/disk_json.h"
#include "runtime/disk_sources.h"

/* --- the store's list --------------------------------------------------------------------------
 */

/* Podman names it after the first twelve digits of the pod's id; newer ones give it no image. */
static bool is_infra(const char *name, const char *image)
{
        if (image && (strstr(image, "/podman-pause:") || strstr(image, "/pause:")))
                return true;
        return name && strspn(name, "0123456789abcdef") == 12 && streq(name + 12, "-infra");
}

static void fill(const char *name, const char *image, struct facts *f)
{
        f->name = str_clean_z(name);
        f->image = str_clean_z(image);
        f->infra = is_infra(name, image);
}

int podman_parse(const char *list, size_t n, const char *key, const char *value, struct facts *ret)
{
        json_auto_t *entry = NULL;
        int e = json_find_entry(list, n, key, value, &entry);
        if (e < 0)
                return e;
        /* The metadata's name is the first one, names[0] follows podman rename. */
        const char *metadata = json_text(entry, "metadata");
        json_auto_t *meta = metadata ? disk_json_parse(metadata, strlen(metadata)) : NULL;
        const char *name = json_string_value(json_array_get(json_object_get(entry, "names"), 0));
        const char *id = json_text(entry, "id");
        if (!id || !is_component(id))
                return -EBADMSG;
        struct facts f = {.id = str_clean_z(id)};
        fill(name && *name ? name : json_text(meta, "name"), json_text(meta, "image-name"), &f);
        *ret = f;
        return 0;
}

static int read_list(struct disk *d, int dirfd, const char *file, struct facts *ret)
{
        size_t n, max = d->owner_uid == 0 ? DISK_LIST_MAX : DISK_FILE_MAX;
        _cleanup_free_ char *text = NULL;
        int e = safe_read_at(dirfd, file, &d->who, max, &text, &n);
        if (e < 0)
                return e;
        if (d->id)
                return podman_parse(text, n, "id", d->id, ret);
        return podman_parse(text, n, "layer", d->hints.layer, ret);
}

/* dirfd: DRIVER-containers */
static int read_store(struct disk *d, int dirfd, struct facts *ret)
{
        int e = read_list(d, dirfd, "containers.json", ret);
        if (e < 0)
                e = graver(e, read_list(d, dirfd, "volatile-containers.json", ret));
        return e;
}

/* A bundle is STORE/ID/userdata. */
static int try_bundle(struct disk *d, const char *bundle, disk_place_fn fn, struct facts *ret)
{
        if (!bundle)
                return -ENOENT;
        _cleanup_free_ char *store = xasprintf("%s/../..", bundle);
        return disk_try_path(d, store, fn, ret);
}

/* fn for DRIVER-containers wherever the owner's stores may lie: by the container's own mounts, by
 * its bundle, in the usual places. */
static int try_stores(struct disk *d, disk_place_fn fn, struct facts *ret)
{
        int e = disk_try_places(d, &d->hints.storage, fn, ret);
        if (e < 0)
                e = graver(e, try_bundle(d, d->bundle, fn, ret));
        if (e < 0)
                e = graver(e, try_bundle(d, disk_conmon(d)->bundle, fn, ret));
        for (const char *const *driver = storage_drivers; e < 0 && *driver; driver++) {
                _cleanup_free_ char *suffix = xasprintf("/%s-containers", *driver);
                e = graver(e, disk_try_state_paths(d, STATE_PATH_STORAGE, suffix, fn, ret));
        }
        return e;
}

static bool conmon_speaks(struct disk *d)
{
        const struct conmon *c = disk_conmon(d);
        return c->name && d->id && streq(c->id, d->id);
}

int podman_disk_facts(struct disk *d, struct facts *ret)
{
        int e = try_stores(d, read_store, ret);
        if (e >= 0 || !conmon_speaks(d))
                return e;
        struct facts f = {0};
        fill(d->conmon.name, NULL, &f);
        *ret = f;
        return 0;
}

/* --- CRI-O: bundles in a store -----------------------------------------------------------------
 */

/* dirfd: DRIVER-containers */
static int read_crio_bundle(struct disk *d, int dirfd, struct facts *ret)
{
        _cleanup_free_ char *name = xasprintf("%s/userdata/config.json", d->id);
        _cleanup_free_ char *text = NULL;
        size_t n;
        int e = safe_read_at(dirfd, name, &d->who, DISK_FILE_MAX, &text, &n);
        return e < 0 ? e : bundle_parse(text, n, RUNTIME_CRIO, ret);
}

int crio_disk_facts(struct disk *d, struct facts *ret)
{
        int e = try_stores(d, read_crio_bundle, ret);
        return e < 0 ? graver(e, podman_disk_facts(d, ret)) : e;
}

/* --- conmon ------------------------------------------------------------------------------------
 */

void conmon_done(struct conmon *c)
{
        free(c->id);
        free(c->name);
        free(c->bundle);
        *c = (struct conmon){0};
}

/* The argument after p, NULL at the end. The text ends with NUL. */
static const char *next_argument(const char *p, const char *end)
{
        p += strlen(p) + 1;
        return p < end ? p : NULL;
}

/* Options of conmon that take a value follow each other freely; the exec flags make it another's.
 */
void conmon_parse(const char *cmdline, size_t n, struct conmon *ret)
{
        const char *end = cmdline + n, *id = NULL, *name = NULL, *bundle = NULL;
        for (const char *p = n ? cmdline : NULL; p; p = next_argument(p, end)) {
                const char **dst = NULL;
                if (streq(p, "-e") || streq(p, "--exec") || streq(p, "--exec-process-spec")) {
                        *ret = (struct conmon){.exec = true};
                        return;
                }
                if (streq(p, "-c") || streq(p, "--cid"))
                        dst = &id;
                else if (streq(p, "-n") || streq(p, "--name"))
                        dst = &name;
                else if (streq(p, "-b") || streq(p, "--bundle"))
                        dst = &bundle;
                else if (streq(p, "--exit-command-arg") || streq(p, "--runtime-arg"))
                        p = next_argument(p, end); /* whatever it says is not for conmon */
                if (dst && !*dst && p && next_argument(p, end))
                        *dst = p = next_argument(p, end);
                if (!p)
                        break;
        }
        if (!id || !is_component(id))
                return;
        *ret = (struct conmon){.id = xstrdup(id), .name = xstrdup(name), .bundle = xstrdup(bundle)};
}

/* The number after "\nKey:\t" in proc/PID/status, the first of several; -1. */
static int64_t status_number(const char *status, const char *key)
{
        const char *p = strstr(status, key);
        uint64_t v;
        if (!p)
                return -1;
        p += strlen(key);
        return parse_u64(p, p + strlen(p), &v) > 0 && v <= INT32_MAX ? (int64_t)v : -1;
}

pid_t parent_of(const struct root *r, pid_t pid)
{
        char status[4096];
        if (root_read_proc(r, pid, "status", status, sizeof(status)) < 0)
                return 0;
        int64_t parent = status_number(status, "\nPPid:\t");
        return parent > 0 ? (pid_t)parent : 0;
}

static void conmon_read(const struct root *r, pid_t pid, uint32_t owner_uid, struct conmon *ret)
{
        char status[4096];
        if (root_read_proc(r, pid, "status", status, sizeof(status)) < 0)
                return;
        if (!startswith(status, "Name:\tconmon\n") ||
            status_number(status, "\nUid:\t") != owner_uid)
                return;
        size_t size = 64 << 10;
        _cleanup_free_ char *cmdline = xmalloc(size);
        ssize_t n = root_read_proc(r, pid, "cmdline", cmdline, size);
        if (n > 0)
                conmon_parse(cmdline, (size_t)n, ret);
}

const struct conmon *disk_conmon(struct disk *d)
{
        if (!d->conmon_known && d->pid > 0) {
                pid_t parent = parent_of(d->root, d->pid);
                if (parent > 1)
                        conmon_read(d->root, parent, d->owner_uid, &d->conmon);
        }
        d->conmon_known = true;
        return &d->conmon;
}
