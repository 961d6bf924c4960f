/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Tells from the names of cgroups whose container a directory is. Pure: no I/O. One table of
 * patterns, matched on trailing components (kind, cgroup parents and nested engines put anything
 * in front), directory by directory on the way down.
 *
 * What a name cannot tell stays CG_PLAIN and is left to the namespaces and the state directories:
 * raw runc and crun under a path of their own, ctr's free ids, LXC below a lxc.cgroup.pattern,
 * containers in a scope that they share with their conmon (rootless podman on cgroupfs).
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/facts.h"

enum cg_role {
        CG_PLAIN,     /* nothing special: slices, sessions, a container's own subgroups */
        CG_CONTAINER, /* a row: container, machine, vm, build step or sandbox (see kind) */
        CG_POD,       /* the slice or directory of a pod: a parent in --tree */
        CG_HELPER,    /* conmon, monitors, supervisors, placeholders: no row, nothing below is */
        CG_INNER,     /* "container", "payload", "libvirt", "init" below a container: part of it */
        CG_SERVICE,   /* a systemd service outside of containers: a row with --services */
};

/* Owns its texts, all clean (str_clean); a CG_PLAIN, CG_HELPER or CG_INNER has none. */
struct cg_class {
        enum cg_role role;
        enum runtime_id runtime;
        enum kind kind;
        /* The user for whom this name may speak: that of the outermost user-UID.slice or
         * user@UID.service above it and above every container; 0: root. Set for every role. */
        uint32_t owner_uid;
        /* The full id, or the unescaped name where that is the identity (LXC, nspawn, libvirt), or
         * the unit's name as systemctl takes it (services). Never ".", ".." or with a slash, except
         * for the escapes of a service, which stay as they are. NULL only for roles without. */
        char *id;
        char *name; /* NULL: the cgroup tells none */
        char *pod;  /* pod or task id in its usual spelling (dashes); NULL: in no pod */
};

/* Frees the texts and makes it a CG_PLAIN of root. */
void cg_class_done(struct cg_class *c);

/*
 * Classifies the last component of a path (raw names from the hierarchy's root down, n >= 1).
 * around: the class of the nearest container or pod directory above, NULL if none; below_around
 * is how many components lie between it and this one (0: direct child).
 * Do not ask for what lies below a CG_HELPER. The result is owned by the caller (cg_class_done);
 * nothing is allocated for a CG_PLAIN.
 */
void classify(const char *const *component, size_t n, const struct cg_class *around,
              size_t below_around, struct cg_class *ret);

/*
 * Convenience for one-off questions (who, fixtures): classifies every level of "/a/b/c" in turn and
 * returns the class of the innermost container in ret with the length of its path prefix in bytes.
 * 0; -ENOENT if there is none; -ENAMETOOLONG for what is longer than any path of the kernel.
 */
int classify_path(const char *path, struct cg_class *ret, size_t *ret_prefix_len);
