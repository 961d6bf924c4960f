/* SPDX-License-Identifier: MIT */
#include "kernel/blockdev.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>

#include "base/macros.h"
#include "base/str.h"
#include "kernel/paths.h"

#define DEVICES_MAX 4096

static char yes, no;

void blockdevs_init(struct blockdevs *b, const struct root *r)
{
        *b = (struct blockdevs){.root = r};
}

void blockdevs_done(struct blockdevs *b)
{
        map_done(&b->leaf);
        map_done(&b->v1_accounted);
}

void blockdevs_forget(struct blockdevs *b)
{
        map_done(&b->leaf);
        b->leaf = (struct map)MAP_INIT;
}

static uint64_t dev_key(unsigned major, unsigned minor)
{
        return (uint64_t)major << 32 | minor;
}

static bool has_slaves(const struct root *r, unsigned major, unsigned minor)
{
        char path[64];
        snprintf(path, sizeof(path), SYS_BLOCK_SLAVES, major, minor);
        int fd = root_open_path(r, path, O_DIRECTORY);
        if (fd < 0)
                return false;
        DIR *dir = fdopendir(fd);
        if (!dir) {
                close(fd);
                return false;
        }
        bool any = false;
        for (struct dirent *d; !any && (d = readdir(dir));)
                any = d->d_name[0] != '.';
        closedir(dir);
        return any;
}

bool blockdev_is_leaf(struct blockdevs *b, unsigned major, unsigned minor)
{
        uint64_t key = dev_key(major, minor);
        char *known = map_get_u64(&b->leaf, key);
        if (!known) {
                known = has_slaves(b->root, major, minor) ? &no : &yes;
                if (b->leaf.len < DEVICES_MAX)
                        map_put_u64(&b->leaf, key, known);
        }
        return known == &yes;
}

int blockdev_parse(const char *s, const char *end, unsigned *ret_major, unsigned *ret_minor)
{
        uint64_t major, minor;
        int n = parse_u64(s, end, &major);
        if (n <= 0 || s + n >= end || s[n] != ':')
                return -EINVAL;
        int m = parse_u64(s + n + 1, end, &minor);
        if (m <= 0 || major > UINT_MAX || minor > UINT_MAX)
                return -EINVAL;
        *ret_major = (unsigned)major;
        *ret_minor = (unsigned)minor;
        return n + 1 + m;
}

void blockdevs_v1_root(struct blockdevs *b, const char *text)
{
        map_done(&b->v1_accounted);
        b->v1_accounted = (struct map)MAP_INIT;
        for (const char *p = text; *p && b->v1_accounted.len < DEVICES_MAX;) {
                const char *end = p + strcspn(p, "\n");
                unsigned major, minor;
                if (blockdev_parse(p, end, &major, &minor) > 0)
                        map_put_u64(&b->v1_accounted, dev_key(major, minor), &yes);
                p = *end ? end + 1 : end;
        }
}

bool blockdev_v1_accounted(const struct blockdevs *b, unsigned major, unsigned minor)
{
        return map_get_u64(&b->v1_accounted, dev_key(major, minor)) != NULL;
}
