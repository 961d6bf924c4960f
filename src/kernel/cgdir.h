/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Cgroup directories that rows depend on: their own and all above. Limits live here, read once at
 * birth and again when an event or the safety walk says so; throttling of a limited ancestor is
 * read once per tick and shared by everything below. Also the budget of descriptors: past it files
 * are opened, read and closed each time.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/map.h"
#include "base/root.h"
#include "kernel/hierarchy.h"
#include "kernel/sample.h"

/* A file of one directory, kept open while the budget lasts. */
struct cg_fd {
        int fd; /* CG_FD_NEW, CG_FD_ABSENT, or a descriptor */
};
enum { CG_FD_NEW = -1, CG_FD_ABSENT = -2 };

struct cpu_stat {
        bool usage_known, periods_known;
        uint64_t taken_usec;
        uint64_t usage_usec, user_usec, system_usec;
        uint64_t periods, throttled, throttled_usec;
};

/* What cpu.stat said in this tick and the one before. */
struct cpu_counters {
        uint64_t tick; /* of now */
        struct cpu_stat now, prev;
        struct cg_fd fd;
};

struct own_limit {
        uint64_t value;
        enum limit_state state;
        bool broken; /* the file is there but could not be read or understood */
};

/*
 * A path, whichever hierarchies have it: a container's is mostly the same in all, and each kind of
 * limit lives in one hierarchy only. Shared by reference count; owned by struct cg_dirs.
 */
struct cg_dir {
        struct cg_dir *parent;
        unsigned refs;
        unsigned used;        /* bit per hierarchy in which somebody depends on it */
        bool stale;           /* limits are to be read again */
        uint64_t limits_tick; /* when they were read: once a tick is enough */
        unsigned cpus;        /* size of its effective cpuset; 0 unknown */
        struct own_limit cpu, memory_max, memory_high, pids;
        struct cpu_counters *core, *cpu_v1; /* v2's cpu.stat; v1's. NULL: never asked for */
        char *path; /* raw, with leading slash; made when a limit wants it */
        char name[];
};

struct cg_dirs {
        const struct root *root;
        const struct hierarchies *h;
        struct map by_name; /* by parent and a hash of the name */
        int fd_budget;      /* descriptors that may still be held */
        bool cache;         /* false for fixtures: their files are replaced */
        bool short_of_fds;  /* the budget ran out: for sources */
        unsigned host_cpus; /* 0 unknown */
        uint64_t tick;
        uint64_t (*clock_usec)(void); /* given by the app: floor 1 reads no clock */
};

void cg_dirs_init(struct cg_dirs *d, const struct root *r, const struct hierarchies *h,
                  int fd_budget, uint64_t (*clock_usec)(void));
void cg_dirs_done(struct cg_dirs *d);
void cg_dirs_all_stale(struct cg_dirs *d); /* the safety walk: v1 has no events for limits */

/*
 * The directory (and all above it) with one more reference; path is as proc/PID/cgroup tells it for
 * that hierarchy. NULL when it is not below the mount.
 */
struct cg_dir *cg_dir_get(struct cg_dirs *d, const struct hierarchy *h, const char *path);
void cg_dir_put(struct cg_dirs *d, struct cg_dir *dir); /* NULL is fine */
struct cg_dir *cg_dir_find(struct cg_dirs *d, const struct hierarchy *h, const char *path);

/*
 * Reads one file of a directory in a hierarchy through its kept descriptor, or by opening it.
 * Length or -errno (-ENOENT: not there; -ENODEV: the cgroup is gone).
 */
ssize_t cg_read(struct cg_dirs *d, const struct hierarchy *h, const struct cg_dir *dir,
                const char *file, struct cg_fd *fd, char *buf, size_t size);
void cg_fd_close(struct cg_dirs *d, struct cg_fd *fd);
/* Takes one descriptor from the budget for something held elsewhere; false when there is none. */
bool cg_budget_take(struct cg_dirs *d);
void cg_budget_give(struct cg_dirs *d);

/*
 * cpu.stat of the directory for CTRL_CORE (v2: usage and, with its controller, throttling) or
 * CTRL_CPU (throttling), read at most once per tick.
 */
const struct cpu_counters *cg_dir_cpu_stat(struct cg_dirs *d, struct cg_dir *dir,
                                           enum controller c);

/*
 * The least of every limit over the directories and all above them, and the most throttled of
 * those with a CPU limit. Any of the directories may be NULL (unknown). Sources borrow from the
 * dirs.
 */
void cg_limits(struct cg_dirs *d, struct cg_dir *const of[CTRL_COUNT], struct limits *ret);

/* --- parsers, for the tests and fuzzers --- */

/* "max" or a number (v1: a number at or above 2^62 is none). */
struct limit limit_parse(const char *text);
/* cpu.max "QUOTA PERIOD": millionths of a core. */
struct limit limit_parse_cpu_max(const char *text);
/* "0-3,7": how many; 0 if broken or empty. */
unsigned cpu_list_size(const char *text);
