/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The directories of one cgroup hierarchy, kept up to date by inotify: at rest nothing is walked.
 * A directory is watched before it is looked at, so that no child is missed; one with link count 2
 * has no children and is not opened. A full walk from time to time, and when the queue of events
 * overflowed, is the safety net. Every directory is classified by its name once, at birth.
 * (inotify(7); cgroup_namespaces(7); link counts: measured, interfaces.md 9.3)
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/root.h"
#include "base/str.h"
#include "kernel/classify.h"
#include "kernel/hierarchy.h"

/* Owned by the tree. name is raw. */
struct cg_node {
        struct cg_node *parent;
        struct cg_node *child, *next, *prev; /* first child; siblings */
        uint64_t inode;
        int wd;         /* watch, -1 none */
        uint32_t stamp; /* of the last listing of its parent */
        size_t queued;  /* place in the queue of directories to look at, from 1; 0: not in it */
        struct cg_class *class; /* NULL: plain */
        void *data;             /* of whoever listens */
        char name[];
};

enum tree_change { TREE_BORN, TREE_DIED, TREE_CHANGED };

/*
 * Births of every directory that is not plain, deaths of those and of any with data, and changes of files in any watched one
 * (file names it; births and deaths have NULL). A node is gone when TREE_DIED returns.
 */
typedef void (*tree_fn)(void *userdata, struct cg_node *node, enum tree_change what,
                        const char *file);

struct tree;

/* events: false for fixtures and foreign roots without a kernel behind. Never fails: what is not
 * there is empty. */
struct tree *tree_new(const struct root *r, const struct hierarchy *h, bool events, tree_fn fn,
                      void *userdata);
void tree_free(struct tree *t); /* no callbacks */

int tree_fd(const struct tree *t);  /* inotify, -1 none */
void tree_dispatch(struct tree *t); /* reads what is queued on the fd */
void tree_rewalk(struct tree *t);   /* asks for a full walk */
/* Does at most max directories of the work that is due; true while some is left. */
bool tree_work(struct tree *t, unsigned max);

bool tree_degraded(const struct tree *t); /* out of watches: births are seen by walking only */
size_t tree_size(const struct tree *t);

/* A stepped fixture moved on: the mount is another directory now. */
void tree_moved(struct tree *t, const struct hierarchy *h);

const struct hierarchy *tree_hierarchy(const struct tree *t);
struct cg_node *tree_find(const struct tree *t, const char *path); /* "/a/b" or "a/b"; NULL */
/* The path from the hierarchy's root with its leading slash, appended to out. */
void node_path(const struct cg_node *n, struct str *out);
/* Without the leading slash: relative to the mount. */
void node_relative(const struct cg_node *n, struct str *out);
/* The nearest container at or above n, NULL if none. */
struct cg_node *node_container(struct cg_node *n);
/* The pids in the node and, while it has none, in its descendants (depth first). At most max; count
 * or -errno. */
int node_pids(const struct tree *t, const struct cg_node *n, pid_t *ret, size_t max);
