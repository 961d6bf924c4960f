/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Which processes hold a socket or a network namespace, by their open descriptors. For the reader
 * child. proc(5)
 */

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/root.h"

struct holder {
        uint64_t inode;
        pid_t pid;
};
#define HOLDERS_MAX 256

/*
 * The processes that have one of these sockets open, by their descriptors. Looks at pids above
 * *cursor, a bounded number of descriptors a call; *cursor is 0 again when all were looked at.
 * ret_denied counts processes that may not be looked into. Count, at most HOLDERS_MAX, or -errno.
 */
int holders_scan(const struct root *r, const uint64_t *inodes, size_t n, pid_t *cursor,
                 struct holder ret[static HOLDERS_MAX], unsigned *ret_denied);

/* The inode in "socket:[123]" or "net:[123]"; prefix is "socket:[". 0 or -EBADMSG. */
int fd_link_parse(const char *text, const char *prefix, uint64_t *ret);

/*
 * The network namespaces that a process outside can reach: those of its children, and those its
 * descriptors hold open (what forwards a port into a container does one or the other). Count.
 */
#define REACH_MAX 64
size_t netns_reach(const struct root *r, pid_t pid, uint64_t ret[static REACH_MAX]);

/* The parent in the text of proc/PID/stat. 0 or -EBADMSG. */
int stat_parent(const char *text, pid_t *ret);
