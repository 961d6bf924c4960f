/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The only door to the file system. Everything ctop-c reads lies below a struct root: "/" of this
 * host, or the DIR of --sysroot (a fixture of plain files, or another live host mounted there).
 * Paths given here are absolute *inside* the root; symbolic links are resolved inside it too
 * (openat2 RESOLVE_IN_ROOT). All opens are O_CLOEXEC, O_NOCTTY and O_NONBLOCK: a FIFO planted
 * where a file is expected does not hang.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct root {
        int top;          /* "/" inside the root, O_PATH */
        int proc;         /* its proc, O_PATH; -1 when absent */
        int steps;        /* DIR of a stepped fixture, -1 otherwise */
        unsigned step;    /* the current step */
        unsigned n_steps; /* 0: not stepped */
        bool foreign;     /* --sysroot: pids in there are not ours to signal or watch */
        bool fixture;     /* proc is no procfs: plain files, no events, epochs from files */
};

#define ROOT_INIT                                                                                  \
        {                                                                                          \
                .top = -1, .proc = -1, .steps = -1                                                 \
        }

/* dir NULL: the host itself. Returns 0; -ENOENT, -ENOTDIR, -EACCES; -ENODATA when DIR has neither
 * proc nor sys. */
int root_open(struct root *ret, const char *dir);
void root_close(struct root *r);

/* Moves a stepped fixture on. Returns 1 when moved, 0 when the root has no steps, -ENODATA after
 * the last. */
int root_next_step(struct root *r);

/* Opens an absolute path inside the root for reading (flags: 0, O_DIRECTORY, O_PATH, O_NOFOLLOW).
 * fd or -errno. */
int root_open_path(const struct root *r, const char *path, int flags);

/* Opens proc/PID/name; pid 0 is "self", pid -1 is proc itself (name "stat"). fd or -errno. */
int root_open_proc(const struct root *r, pid_t pid, const char *name, int flags);

/*
 * Whole-file reads: one open, reads until EOF or size - 1, close. Returns the length (always
 * NUL-terminated, buf[len] = 0) or -errno; a longer file is cut at size - 1.
 */
ssize_t root_read_path(const struct root *r, const char *path, char *buf, size_t size);
ssize_t root_read_proc(const struct root *r, pid_t pid, const char *name, char *buf, size_t size);

/* The text of the link proc/PID/name; a plain file in a fixture. Length or -errno. */
ssize_t root_readlink_proc(const struct root *r, pid_t pid, const char *name, char *buf,
                           size_t size);

/* --- below: helpers on a directory descriptor that came from here ------------------------------
 */

/* Opens path relative to dirfd, never leaving it through "..", never through magic links. fd or
 * -errno. */
int open_beneath(int dirfd, const char *path, int flags);

/* Like root_read_path(), relative to dirfd. */
ssize_t read_beneath(int dirfd, const char *path, char *buf, size_t size);

/* Reads fd from its start with pread until EOF or size - 1. Length or -errno. */
ssize_t read_whole(int fd, char *buf, size_t size);

/* One pread of at most size - 1 bytes: for kernel files, which are made whole at offset 0. Length
 * or -errno. */
ssize_t read_once(int fd, char *buf, size_t size);

/* Adds an inotify watch on dirfd/path ("" for dirfd itself). wd or -errno (-ENOSPC: out of
 * watches). */
int watch_beneath(int inotify_fd, int dirfd, const char *path, uint32_t mask);
