/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Plain data that floor 1 hands up: what the kernel says of the host and of every container at
 * one instant. No pointers into floor 1 except where a comment says "borrowed"; those live until
 * the next collect. A bit (or an UNKNOWN) per number: missing is not zero.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/facts.h"

/* --- one container's numbers --------------------------------------------------------------------
 */

enum metric {
        CPU_USAGE_USEC,
        CPU_USER_USEC,
        CPU_SYSTEM_USEC,
        CPU_THROTTLED_USEC, /* of the cgroup itself; its ancestors' are in struct throttle */
        MEMORY_USAGE_BYTES,
        MEMORY_INACTIVE_FILE_BYTES,
        MEMORY_NEEDED_BYTES, /* what cannot be given back; see the contract */
        MEMORY_ANON_BYTES,
        MEMORY_FILE_BYTES,
        MEMORY_SHMEM_BYTES,
        MEMORY_SLAB_BYTES,
        MEMORY_SWAP_BYTES,
        MEMORY_PEAK_BYTES,
        MEMORY_OOM_KILLS,
        MEMORY_MAX_EVENTS,  /* memory.events max */
        MEMORY_HIGH_EVENTS, /* memory.events high */
        FROZEN,             /* 0 or 1 */
        POPULATED,          /* 0: no process in it or below */
        IO_READ_BYTES,
        IO_WRITE_BYTES,
        IO_READ_OPS,
        IO_WRITE_OPS,
        PIDS_CURRENT,
        PSI_CPU_SOME, /* avg10 in hundredths of a percent */
        PSI_CPU_FULL,
        PSI_MEMORY_SOME,
        PSI_MEMORY_FULL,
        PSI_IO_SOME,
        PSI_IO_FULL,
        NET_RX_BYTES, /* of the network namespace, on the interfaces that carry its own traffic */
        NET_TX_BYTES,
        NET_RX_ERRORS,
        NET_TX_ERRORS,
        NET_RX_DROPPED,
        NET_TX_DROPPED,
        METRIC_COUNT,
};

#define METRIC_BIT(m) (UINT64_C(1) << (m))

struct cg_sample {
        uint64_t taken_usec; /* CLOCK_MONOTONIC when the cpu counter was read; the others follow at
                                once */
        uint64_t have;       /* METRIC_BIT of every value that is known */
        uint64_t value[METRIC_COUNT];
};

static inline bool sample_has(const struct cg_sample *s, enum metric m)
{
        return s->have & METRIC_BIT(m);
}
static inline void sample_set(struct cg_sample *s, enum metric m, uint64_t v)
{
        s->have |= METRIC_BIT(m);
        s->value[m] = v;
}

/* What to read, OR-ed: the screen (or the columns asked for) steers the cost. */
enum wants {
        WANT_CPU = 1 << 0,
        WANT_MEMORY = 1 << 1,      /* usage, and events where they are due */
        WANT_MEMORY_STAT = 1 << 2, /* working set, needed, anon ...: the dearest file */
        WANT_IO = 1 << 3,
        WANT_PIDS = 1 << 4,
        WANT_NET = 1 << 5,
        WANT_PSI_CPU = 1 << 6,
        WANT_PSI_MEMORY = 1 << 7,
        WANT_PSI_IO = 1 << 8,
        WANT_SWAP = 1 << 9,
        WANT_PEAK = 1 << 10,
        WANT_STATE = 1 << 11,       /* frozen */
        WANT_ISOLATION = 1 << 12,   /* capabilities, seccomp, LSM, uid map */
        WANT_NAMES = 1 << 13,       /* names, images and labels from disk */
        WANT_IO_OPS = 1 << 14,      /* a file of its own on v1 */
        WANT_CPU_SPLIT = 1 << 15,   /* user and system */
        WANT_ALL = (1 << 16) - 1,
};

/* --- limits: the least over the cgroup and all its ancestors
 * -------------------------------------- */

enum limit_state { LIMIT_UNKNOWN, LIMIT_NONE, LIMIT_SET };

struct limit {
        enum limit_state state;
        uint64_t value;     /* bytes, pids, or millionths of a core */
        const char *source; /* path of the cgroup that sets it, raw bytes, borrowed; NULL unless
                               LIMIT_SET */
};

/* The greatest share of throttled periods in this interval over the cgroup and its ancestors. */
struct throttle {
        bool known; /* false: first sample, or no periods */
        double percent;
        uint64_t periods;   /* seen in the interval */
        const char *source; /* borrowed; NULL when percent is 0 */
};

struct limits {
        struct limit cpu;
        struct limit memory_max;
        struct limit memory_high;
        struct limit pids;
        struct throttle throttle;
};

/* --- the leader: what /proc says of a container's first process
 * -------------------------------------- */

enum ns_type { NS_PID, NS_MNT, NS_NET, NS_USER, NS_UTS, NS_IPC, NS_CGROUP, NS_TIME, NS_COUNT };
extern const char *const ns_names[NS_COUNT]; /* "pid", "mnt", ...: also the names in proc/PID/ns */

struct namespaces {
        uint64_t inode[NS_COUNT]; /* 0: unknown */
};

/* Owned by who holds it; leader_done() (kernel/leader.h) frees the texts. */
struct leader {
        pid_t pid;            /* in the pid namespace of the reader */
        uint64_t start_ticks; /* proc/PID/stat field 22, clock ticks since boot; 0 unknown */
        struct namespaces ns;
        unsigned pid_depth; /* how many pid namespaces deep (NSpid fields); 0 unknown, 1 the host's
                             */
        pid_t inner_pid;    /* its pid inside: last field of NSpid; 0 unknown */
        bool status_known;  /* the next five come from proc/PID/status */
        uint32_t uid;       /* real uid, as the reader sees it */
        uint64_t cap_bounding;
        uint64_t cap_effective;
        int seccomp;           /* 0 none, 1 strict, 2 filter; -1 unknown */
        int no_new_privileges; /* 0, 1; -1 unknown */
        int64_t root_uid;      /* host uid of uid 0 inside; -1 unknown, -2 not mapped */
        int64_t user_initial;  /* 1: uid_map is the whole identity map; 0: another; -1 unknown */
        int own_root; /* 1: "/" is another file system or tree than the host's; 0: same; -1 unknown
                       */
        char *root_store; /* host path that backs "/" (overlay upperdir, bind source), raw; NULL
                             unknown */
        char *lsm;        /* attr/current, cleaned, without mode suffix; NULL unknown */
        char *comm;       /* cleaned */
        char *cgroups;    /* raw text of proc/PID/cgroup; NULL unknown */
};

/* --- one container in one tick
 * --------------------------------------------------------------------------- */

enum net_mode { NET_UNKNOWN, NET_PRIVATE, NET_SHARED, NET_HOST, NET_NONE };

/*
 * What floor 1 saw of one container this tick. Owned by the collector, borrowed by the model
 * until the next collect; identity never changes in the life of one struct seen.
 */
struct seen {
        enum runtime_id runtime;
        enum kind kind;
        uint32_t owner_uid;
        const char *id;     /* clean */
        const char *name;   /* clean; a name the cgroup itself tells (LXC, nspawn); NULL */
        const char *pod;    /* clean; NULL */
        const char *parent; /* id of the container around it; NULL */
        const char *cgroup; /* raw path in the discovery hierarchy; "/..." */
        bool owns_cgroup; /* the cgroup is its own, not a session's or a service's it merely runs in
                           */
        uint64_t epoch[2]; /* device and inode of the cgroup, or leader pid and start time */
        const struct leader *leader; /* NULL: none, or not answered yet */
        bool host_ns[NS_COUNT];      /* shares this namespace with the host */
        bool host_ns_known[NS_COUNT];
        uint64_t started_usec;     /* CLOCK_REALTIME; 0 unknown */
        const char *note;          /* clean sentence, "no limit: not delegated"; NULL */
        const struct facts *facts; /* names from disk; NULL: none (yet) */
        enum net_mode net_mode;    /* NET_SHARED is worked out by the model */
        uint64_t netns;            /* inode, 0 unknown; equal non-zero means same namespace */
        struct cg_sample sample;
        struct limits limits;
};

/* --- the host
 * ---------------------------------------------------------------------------------------------- */

struct host_sample {
        uint64_t taken_usec; /* CLOCK_MONOTONIC */
        char name[65];
        char kernel[65];
        char cgroup[8]; /* "v2", "hybrid", "v1", "none" */
        unsigned cpus;  /* online; 0 unknown */
        bool cpu_known;
        uint64_t cpu_busy_ticks; /* user nice system irq softirq steal: guest is inside user */
        uint64_t cpu_total_ticks;
        bool memory_known;
        uint64_t memory_total_bytes;
        uint64_t memory_available_bytes;
        uint64_t boot_usec;    /* CLOCK_REALTIME of boot; 0 unknown */
        uint64_t cap_bounding; /* what a privileged container could hold; 0 unknown */
        double load[3];        /* -1 unknown */
};

struct snapshot {
        uint64_t monotonic_usec;
        uint64_t realtime_usec;
        struct host_sample host;
        struct seen **seen; /* borrowed */
        size_t n_seen;
        const struct source *sources; /* borrowed */
        size_t n_sources;
};
