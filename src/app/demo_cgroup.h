/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The demo's cgroups: the same tree "ctop-demo-<pid of the keeper>/{keeper,demo-web,...}" in every
 * hierarchy of the host that has a use for it. Either made here (root) or below a scope that
 * systemd delegated to us. The only code in ctop-c that makes, fills and removes cgroups.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/root.h"

#define DEMO_COMM          "ctop-demo" /* of the keeper: tells a living tree from a left one */
#define DEMO_PREFIX        "ctop-demo-"
#define DEMO_MEMORY_LIMIT  (64u << 20)
#define DEMO_HIERARCHY_MAX 16

struct demo_hierarchy {
        int mount; /* its mount point */
        int top;   /* our tree; -1: none here */
        dev_t dev; /* one hierarchy may be mounted in many places */
        bool v2;
        bool scoped;      /* systemd made the top, and removes it */
        unsigned enabled; /* bits of the controllers switched on in the root of the mount */
        char *tags;       /* "cpu,cpuacct", "name=systemd"; "" for v2 */
        char *top_path;   /* as proc/PID/cgroup tells it; NULL: none */
        char *parent;     /* of the top, below the mount; "." is the mount itself */
        char *home;       /* where the keeper was, below the mount */
};

struct demo_tree {
        const struct root *root;             /* borrowed */
        char name[sizeof(DEMO_PREFIX) + 24]; /* "ctop-demo-123" or "ctop-demo-123.scope" */
        struct demo_hierarchy h[DEMO_HIERARCHY_MAX];
        size_t n;
};

/* Opens the hierarchies of the host; none is a success too. Owned by the caller. */
int demo_tree_open(const struct root *r, struct demo_tree *ret);
void demo_tree_close(struct demo_tree *t);

/* Removes the trees of dead keepers at the top of each mount. Returns how many trees there were. */
unsigned demo_tree_sweep(struct demo_tree *t);

/* Makes the tree at the top of every mount and moves the caller into its "keeper". 0, or -errno
 * when no hierarchy took it. */
int demo_tree_make(struct demo_tree *t);

/* The same below the scope of that unit name, in which the caller already is. Sweeps siblings of
 * the scope. 0, or -ENOENT when the caller is in no such scope. */
int demo_tree_adopt(struct demo_tree *t, const char *scope);

/* Makes a container's cgroups and sets its limit. Returns 1 with the limit set, 0 without, or
 * -errno when no hierarchy took it. */
int demo_tree_add(struct demo_tree *t, const char *container);

/* Moves pid into a container's cgroups. 0, or -errno when no hierarchy took it. */
int demo_tree_attach(struct demo_tree *t, const char *container, pid_t pid);

/* A container's path in the discovery hierarchy: unified, else name=systemd, else pids, else any.
 * Owned; NULL: no tree. */
char *demo_tree_path(const struct demo_tree *t, const char *container);

/* One try to kill what is in a container's cgroups (thawed first) and to remove them. True when
 * gone. */
bool demo_tree_drop(struct demo_tree *t, const char *container);

/* One try to remove the tree, after the caller has left it for where it was. True when gone, but
 * for a scope: systemd removes that after the caller's end. */
bool demo_tree_remove(struct demo_tree *t);

/* True while a cgroup of that path, as demo_tree_path() gives it, is in any hierarchy. */
bool demo_tree_exists(const struct demo_tree *t, const char *path);
