/* SPDX-License-Identifier: MIT */
#include "kernel/hierarchy.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/statfs.h>

#include "base/macros.h"
#include "base/mem.h"
#include "kernel/mounts.h"
#include "kernel/paths.h"

#define MOUNTINFO_MAX (1 << 20)

/* v1's names of the controllers we read, in the order of enum controller. */
static const char *const v1_names[CTRL_COUNT] = {
        [CTRL_CPU] = "cpu",         [CTRL_CPUACCT] = "cpuacct", [CTRL_CPUSET] = "cpuset",
        [CTRL_MEMORY] = "memory",   [CTRL_IO] = "blkio",        [CTRL_PIDS] = "pids",
        [CTRL_FREEZER] = "freezer",
};

static struct hierarchy *add(struct hierarchies *h, int fd, int version, const char *tag)
{
        struct hierarchy *n = &h->all[h->n++];
        *n = (struct hierarchy){.fd = fd, .version = version, .tag = xstrdup(tag)};
        return n;
}

static bool have_tag(const struct hierarchies *h, const char *tag)
{
        for (size_t i = 0; i < h->n; i++)
                if (streq(h->all[i].tag, tag))
                        return true;
        return false;
}

/* The word that finds the hierarchy's line in proc/PID/cgroup, and the controllers it has. NULL:
 * not ours. */
static char *v1_tag(const char *options, unsigned *ret_controllers)
{
        char *name = option_value(options, "name");
        *ret_controllers = 0;
        if (name) {
                char *tag = xasprintf("name=%s", name);
                free(name);
                return tag;
        }
        const char *first = NULL;
        for (unsigned c = 0; c < CTRL_COUNT; c++)
                if (v1_names[c] && option_has(options, v1_names[c])) {
                        *ret_controllers |= 1u << c;
                        first = first ? first : v1_names[c];
                }
        return xstrdup(first);
}

/* -errno only when nobody could be sure what is there: out of descriptors. */
static int add_mount(struct hierarchies *h, const struct root *r, const struct mount *m)
{
        bool v2 = streq(m->fstype, "cgroup2");
        if ((!v2 && !streq(m->fstype, "cgroup")) || h->n >= HIERARCHIES_MAX)
                return 0;
        unsigned controllers = 0;
        _cleanup_free_ char *tag = v2 ? xstrdup("") : v1_tag(m->options, &controllers);
        if (!tag || have_tag(h, tag)) /* mounted twice (cilium and friends): the first will do */
                return 0;
        int fd = root_open_path(r, m->point, O_PATH | O_DIRECTORY);
        if (fd < 0)
                return fd == -EMFILE || fd == -ENFILE ? fd : 0;
        struct hierarchy *n = add(h, fd, v2 ? 2 : 1, tag);
        n->controllers = controllers;
        if (!streq(m->root, "/") && !startswith(m->root, "/.."))
                n->prefix = xstrdup(m->root);
        return 0;
}

static int add_mounts(struct hierarchies *h, const struct root *r, pid_t pid)
{
        _cleanup_free_ char *text = xmalloc(MOUNTINFO_MAX);
        ssize_t n = root_read_proc(r, pid, "mountinfo", text, MOUNTINFO_MAX);
        if (n < 0)
                return (int)n;
        char *cursor = text;
        struct mount m;
        int e = 0;
        while (e >= 0 && mount_next(&cursor, &m) > 0)
                e = add_mount(h, r, &m);
        return e;
}

/* The contract: under --sysroot a cgroup.controllers file in the usual place decides. */
static bool add_plain_v2(struct hierarchies *h, const struct root *r)
{
        int fd = root_open_path(r, CGROUP_V2_MOUNT "/cgroup.controllers", O_PATH);
        if (fd < 0)
                return false;
        close(fd);
        fd = root_open_path(r, CGROUP_V2_MOUNT, O_PATH | O_DIRECTORY);
        if (fd < 0)
                return false;
        add(h, fd, 2, "");
        return true;
}

static struct hierarchy *find(struct hierarchies *h, const char *tag)
{
        for (size_t i = 0; i < h->n; i++)
                if (streq(h->all[i].tag, tag))
                        return &h->all[i];
        return NULL;
}

static void resolve(struct hierarchies *h)
{
        struct hierarchy *v2 = find(h, "");
        for (unsigned c = 0; c < CTRL_COUNT; c++) {
                h->of[c] = v2;
                for (size_t i = 0; i < h->n; i++)
                        if (h->all[i].controllers & (1u << c))
                                h->of[c] = &h->all[i];
        }
        struct hierarchy *order[] = {v2, find(h, "name=systemd"), h->of[CTRL_PIDS],
                                     h->of[CTRL_MEMORY], h->of[CTRL_CPU]};
        bool v1 = false;
        for (size_t i = 0; i < ARRAY_SIZE(order) && h->n_discovery < DISCOVERY_MAX; i++) {
                bool twice = !order[i];
                for (size_t k = 0; k < h->n_discovery; k++)
                        twice |= h->discovery[k] == order[i];
                if (!twice)
                        h->discovery[h->n_discovery++] = order[i];
        }
        for (size_t i = 0; i < h->n; i++)
                v1 |= h->all[i].controllers != 0;
        h->mode = v2 ? v1 ? "hybrid" : "v2" : h->n ? "v1" : "none";
        if (streq(h->mode,
                  "v2")) /* a lone name=systemd (an old nspawn's leftover) tells nothing more */
                h->n_discovery = 1;
}

int hierarchies_open(const struct root *r, struct hierarchies *ret)
{
        *ret = (struct hierarchies){0};
        int e = 0;
        if (!r->foreign || !add_plain_v2(ret, r)) {
                /* another live host: our own "self" in its proc has our mounts, its pid 1 has its
                 * own */
                e = add_mounts(ret, r, r->foreign && !r->fixture ? 1 : 0);
                if (e != -EMFILE && e != -ENFILE && (e < 0 || (r->foreign && ret->n == 0)))
                        e = add_mounts(ret, r, 0);
        }
        resolve(ret);
        return e;
}

void hierarchies_close(struct hierarchies *h)
{
        for (size_t i = 0; i < h->n; i++) {
                cleanup_closep(&h->all[i].fd);
                free(h->all[i].tag);
                free(h->all[i].prefix);
        }
        *h = (struct hierarchies){0};
}

const char *hierarchy_relative(const struct hierarchy *h, const char *path)
{
        if (h->prefix) {
                path = startswith(path, h->prefix);
                if (!path || (*path && *path != '/'))
                        return NULL;
        }
        while (*path == '/')
                path++;
        if (startswith(path, "../") || streq(path, ".."))
                return NULL;
        return path;
}
