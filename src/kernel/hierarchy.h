/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Where the cgroup hierarchies are mounted and which controller lives in which: cgroup v2, v1 or
 * both, decided per controller from mountinfo, never assumed. cgroups(7)
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/root.h"

enum controller {
        CTRL_CORE, /* v2's own files: cgroup.events, pressure, cpu.stat usage */
        CTRL_CPU,
        CTRL_CPUACCT,
        CTRL_CPUSET,
        CTRL_MEMORY,
        CTRL_IO,
        CTRL_PIDS,
        CTRL_FREEZER,
        CTRL_COUNT,
};

struct hierarchy {
        int fd;       /* O_PATH of the mount point */
        int version;  /* 1 or 2 */
        char *tag;    /* what marks its line in proc/PID/cgroup: "", "memory", "name=systemd" */
        char *prefix; /* mountinfo root when it is not "/": the part of paths that lies above the
                         mount */
        unsigned controllers; /* bit per enum controller */
};

#define HIERARCHIES_MAX 24
#define DISCOVERY_MAX   3

struct hierarchies {
        struct hierarchy all[HIERARCHIES_MAX];
        size_t n;
        struct hierarchy *of[CTRL_COUNT];           /* NULL: not on this host */
        struct hierarchy *discovery[DISCOVERY_MAX]; /* where containers are looked for, in order */
        size_t n_discovery;
        const char *mode; /* "v2", "hybrid", "v1", "none" */
};

/* Owned by the caller. 0, or -errno when mountinfo cannot be read; no mounts at all is mode "none".
 */
int hierarchies_open(const struct root *r, struct hierarchies *ret);
void hierarchies_close(struct hierarchies *h);

/*
 * A path as proc/PID/cgroup tells it, made relative to the mount: no leading slash, "" for its
 * root. NULL when it lies outside of what is mounted ("/../.." or another prefix). Borrows from
 * path.
 */
const char *hierarchy_relative(const struct hierarchy *h, const char *path);
