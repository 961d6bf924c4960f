/* SPDX-License-Identifier: MIT */
#pragma once

/* Where engines keep their state unless told otherwise: one table, absolute paths inside the root.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/facts.h"
#include "base/root.h"

enum state_kind {
        STATE_PATH_DOCKER,     /* data-root */
        STATE_PATH_STORAGE,    /* containers/storage: graphroot or runroot of podman and CRI-O */
        STATE_PATH_CONTAINERD, /* state directory */
        STATE_PATH_OCI,        /* ID/state.json (runc) or ID/status (crun) */
        STATE_PATH_LXC,
};

struct state_path {
        enum state_kind kind;
        enum runtime_id runtime; /* STATE_PATH_OCI: whose containers are in there, if nothing in the
                                    state says otherwise */
        const char *path;        /* "~/": a user's home; "%u": a user's uid; neither: root's.
                                    A last component "*" stands for every directory. */
};
extern const struct state_path state_paths[];
extern const size_t n_state_paths;

/* Storage drivers of containers/storage: DRIVER-containers/ lies in the graphroot. Ends with NULL.
 */
extern const char *const storage_drivers[];

/* Inside a container: podman binds a file of its own there. */
#define CONTAINERENV "/run/.containerenv"

/* True if the row is for every user but root. */
bool state_path_is_users(const struct state_path *p);

/* The row's path for this user, owned; NULL when it needs a home that is not known. */
char *state_path_expand(const struct state_path *p, uint32_t uid, const char *home);

/* The home directory of uid, from etc/passwd inside the root read as a plain file. Owned; NULL. */
char *home_of(const struct root *r, uint32_t uid);
