/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * All containers and the host, as of the last tick. Pure: model_apply() joins a snapshot into
 * what was known, makes rates from two samples of the same epoch, and judges (verdict). No I/O,
 * no clock. The model owns every container; pointers to them are good until the next model_apply().
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/facts.h"
#include "base/map.h"
#include "kernel/sample.h"

enum verdict_code {
        VERDICT_OK,
        VERDICT_OOM_KILLED,
        VERDICT_PAUSED,
        VERDICT_MEMORY,
        VERDICT_THRASHING,
        VERDICT_THROTTLED,
        VERDICT_IO,
        VERDICT_PIDS,
        VERDICT_COUNT,
};
extern const char *const verdict_names[VERDICT_COUNT]; /* "ok", "oom_killed", ... */

struct verdict {
        enum verdict_code code;
        double percent;     /* NAN: none */
        uint64_t count;     /* OOM kills in the interval */
        const char *source; /* cgroup that sets the limit; borrowed from the container; NULL */
};

/* A limit whose source is owned and clean. */
struct model_limit {
        enum limit_state state;
        uint64_t value;
        char *source;
};

/* What /proc says of how the container is kept apart. */
struct isolation {
        bool known;             /* a leader has answered */
        struct namespaces ns;   /* inodes; 0 unknown */
        bool host_ns[NS_COUNT]; /* shared with the host */
        bool host_ns_known[NS_COUNT];
        int64_t root_uid;     /* -1 unknown, -2 not mapped */
        int64_t user_initial; /* 1, 0, -1 unknown */
        bool caps_known;
        uint64_t cap_bounding;
        int privileged;        /* 0, 1, -1 unknown */
        int seccomp;           /* 0 none, 1 strict, 2 filter, -1 unknown */
        int no_new_privileges; /* 0, 1, -1 unknown */
        char *lsm;             /* NULL unknown */
};

/* Per second, or percent; NAN: unknown. */
struct rates {
        double cpu_percent;
        double io_read, io_write;
        double net_rx, net_tx;
};

struct container {
        char *key; /* "local/docker/0/<id>": unique, survives a restart */
        char *id;
        char *name;  /* from facts, else from the cgroup, else a short id; never NULL */
        char *image; /* NULL: unknown */
        char *pod;   /* NULL */
        char *pod_name;
        char *parent; /* id of the container around; NULL */
        char *cgroup; /* clean; NULL: none of its own and none known */
        char *note;   /* NULL */
        enum runtime_id runtime;
        enum kind kind;
        enum state state;
        uint32_t owner_uid;
        pid_t pid; /* 0: unknown */
        uint64_t epoch[2];
        uint64_t started_usec; /* CLOCK_REALTIME; 0 unknown */
        struct facts facts;    /* labels, ports; own copy */

        struct cg_sample now, prev; /* prev.have == 0: no earlier sample of this epoch */
        struct rates rates;
        struct model_limit cpu_limit; /* millionths of a core */
        struct model_limit memory_limit;
        struct model_limit memory_high;
        struct model_limit pids_limit;
        double throttled_percent; /* NAN: unknown */
        uint64_t throttled_periods;
        char *throttled_source; /* NULL */
        enum net_mode net_mode;
        uint64_t netns;
        bool net_counted; /* the first row of its network namespace: sums take it once */
        struct isolation isolation;
        struct verdict verdict;

        uint64_t tick; /* of the last snapshot that had it */
};

struct host {
        struct host_sample now;
        double cpu_percent; /* of one CPU x number of CPUs: 400 is four busy CPUs; NAN unknown */
};

struct model {
        struct map by_key;
        struct container **containers; /* in order of arrival */
        size_t n_containers, cap;
        struct host host;
        struct source *sources; /* own copies */
        size_t n_sources;
        uint64_t realtime_usec;
        uint64_t monotonic_usec;
        double interval_seconds; /* NAN: one sample only */
        uint64_t tick;
};

struct model *model_new(void);
void model_free(struct model *m);
void model_apply(struct model *m, const struct snapshot *s);

/* NULL when no such key. */
struct container *model_find(const struct model *m, const char *key);

/* Working set: usage - inactive_file, not below 0. False: unknown. */
bool container_working_set(const struct container *c, uint64_t *ret_bytes);

/* The sentences of the contract's verdict table. Both append to out ("ok" for ok). */
void verdict_long(const struct container *c, struct str *out);
void verdict_short(const struct container *c, struct str *out);
