/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Reading files that somebody hostile may have put there. Only regular files of the named owner
 * speak; a symbolic link on the way is followed only when root made it; nothing is waited for
 * (FIFOs, devices, leases), and every size is capped.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/root.h"

/* Whose files may speak. */
struct safe_owner {
        uint32_t uid;
        int64_t also; /* a fixture's files belong to whoever checked it out; -1: nobody else */
};

/* For uid's files below r. */
struct safe_owner safe_owner_of(const struct root *r, uint32_t uid);

/*
 * Opens the directory at an absolute path inside the root (O_PATH). fd, or -ENOENT: not there, or
 * only behind a link that is not root's; -EACCES.
 */
int safe_open_dir(const struct root *r, const char *path);

/*
 * Reads dirfd/name (several components allowed, no links among them) of at most max bytes.
 * 0 with an owned, NUL-terminated text; -ENOENT: not there or not a regular file of the owner;
 * -EACCES; -EBADMSG: longer than max.
 */
int safe_read_at(int dirfd, const char *name, const struct safe_owner *who, size_t max, char **ret,
                 size_t *ret_len);

/* The same for an absolute path inside the root. */
int safe_read(const struct root *r, const char *path, const struct safe_owner *who, size_t max,
              char **ret, size_t *ret_len);

/* The names in dirfd/name (dot files left out), at most max of them. Their number with *ret owned
 * (names_free), or -errno as above. */
int safe_list(int dirfd, const char *name, size_t max, char ***ret);
void names_free(char ***names); /* ends with NULL */

/* Reads what is left of fd, at most max bytes (the rest is cut off). Owned, NUL-terminated. 0 or
 * -errno. Closes nothing. */
int read_up_to(int fd, size_t max, char **ret, size_t *ret_len);

/* True if name is one plain component: not empty, no slash, not "." or "..", at most NAME_MAX. */
bool is_component(const char *name);

/* For trying one place after the other: b if it is a success, else the graver of two failures
 * (-EACCES, then -EBADMSG, then anything, then -ENOENT). */
int graver(int a, int b);
