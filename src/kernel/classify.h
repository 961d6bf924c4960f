/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Tells from the names of cgroups whose container a directory is. Pure: no I/O. One table of
 * patterns, matched on trailing components (kind, cgroup parents and nested engines put anything
 * in front), directory by directory on the way down.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/facts.h"

enum cg_role {
        CG_PLAIN,     /* nothing special: slices, sessions, a container's own subgroups */
        CG_CONTAINER, /* a row */
        CG_POD,       /* the slice or directory of a pod: a parent in --tree */
        CG_HELPER, /* conmon, monitors, supervisors, sandbox placeholders: no row, nothing below is
                    */
        CG_INNER, /* "container", "payload", "libvirt", "init" just below a container: part of it */
        CG_SERVICE, /* a systemd service: a row with --services */
};

/* Texts are borrowed from the component unless owned says so; cg_class_done() frees. */
struct cg_class {
        enum cg_role role;
        enum runtime_id runtime;
        enum kind kind;
        uint32_t owner_uid; /* the user below whose user@UID.service / user-UID.slice it lies; 0:
                               root's */
        char *id;           /* owned, clean: full id, or unescaped name */
        char *name;         /* owned, clean; NULL: the cgroup tells none */
        char *pod;          /* owned, clean: pod or task id in its usual spelling (dashes); NULL */
};

void cg_class_done(struct cg_class *c);

/*
 * Classifies the last component of a path (components from the hierarchy's root down, n >= 1).
 * around: the class of the nearest container or pod directory above, NULL if none; below_around
 * is how many components lie between it and this one (0: direct child).
 * The result is owned by the caller (cg_class_done).
 */
void classify(const char *const *component, size_t n, const struct cg_class *around,
              size_t below_around, struct cg_class *ret);

/* Convenience for one-off questions (who, fixtures): classifies every level of "/a/b/c" in turn and
 * returns the class of the innermost container in ret with the length of its path prefix; -ENOENT
 * if none. */
int classify_path(const char *path, struct cg_class *ret, size_t *ret_prefix_len);
