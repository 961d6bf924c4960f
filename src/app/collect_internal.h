/* SPDX-License-Identifier: MIT */
#pragma once

/* What collect.c, track.c and groups.c share. Nobody else includes this. */

#include "app/collect.h"
#include "app/jobs.h"
#include "base/map.h"
#include "kernel/cgroup.h"
#include "kernel/leader.h"
#include "kernel/namespaces.h"
#include "kernel/tree.h"

/* One network namespace that some row lives in: read once per tick, however many share it. */
struct netns {
        uint64_t inode;
        unsigned refs;
        pid_t pid; /* through whom net/dev is read */
        int fd;    /* -1: opened each time; held, it pins the namespace */
        uint64_t tick;
        unsigned interfaces;
        unsigned have; /* bit and value of each, from NET_RX_BYTES on */
        uint64_t value[NET_TX_DROPPED - NET_RX_BYTES + 1];
};

struct seat { /* one tree and who is asking through it */
        struct collector *c;
        struct tree *tree;
        unsigned index;
        sd_event_source *source;
        dev_t device;
};

struct group;

/* A row. Owns its texts; struct seen borrows them. */
struct tracked {
        struct seen seen;
        struct collector *c;
        char *key;      /* runtime, owner, id: one row per key */
        const char *id; /* the end of key */
        char *name, *pod, *parent, *cgroup;
        struct seat *seat;    /* the tree it was found in; NULL: by its namespaces only */
        struct cg_node *node; /* its directory; NULL: none of its own */
        struct group *group;  /* NULL: found by name */
        struct cg_reader reader;
        struct leader leader;
        bool has_leader;
        bool leader_due; /* ask again at the next tick */
        bool ready;      /* may be shown */
        bool no_names;   /* reading them hung once */
        int leader_question, disk_question;
        struct facts facts;
        struct netns *netns;
        int pidfd;
        sd_event_source *death;
};

struct collector {
        struct root *root;
        struct collect_options o;
        struct hierarchies h;
        struct seat seats[DISCOVERY_MAX];
        size_t n_seats;
        struct cg_dirs dirs;
        struct blockdevs blockdevs;
        struct reader *reader;
        int reader_error;     /* -errno: it gave up */
        uint64_t renew_usec;  /* when it is made anew */
        uint64_t renew_after; /* how long to wait the next time */
        unsigned restarts;    /* of the readers before this one */
        sd_event *event;
        sd_event_source *reader_source, *reader_timer;
        struct namespaces host_ns;
        struct host_sample host;
        struct map by_key; /* struct tracked */
        struct map groups; /* struct group, by namespace */
        struct map netns;  /* struct netns, by inode */
        struct tracked **rows;
        size_t n_rows, rows_cap;
        size_t cursor; /* of the tick under way */
        uint64_t tick;
        uint64_t now_usec;
        uint64_t last_walk_usec;
        uint64_t last_sweep_usec;
        bool sweep_due, sweeping;
        unsigned denied; /* processes whose namespaces may not be read */
        int sweep_error;
        bool disk_denied, disk_silent;
        struct seen **shown;
        size_t shown_cap;
        struct source sources[4];
        struct str details[4];
};

/* --- track.c: rows
 * -------------------------------------------------------------------------------- */

/* A row found by name in a tree, or an existing one with that key now seen in a better tree. */
void track_node(struct seat *seat, struct cg_node *node);
/* A row for a namespace; takes nothing over. */
struct tracked *track_new(struct collector *c, enum runtime_id runtime, enum kind kind,
                          uint32_t owner, const char *id);
void track_free(struct tracked *t);
void track_changed(struct seat *seat, struct cg_node *node, const char *file);
/* The directories of its numbers and limits; leader may be NULL as long as none is known. */
void track_dirs(struct tracked *t);
void track_set_leader(struct tracked *t, struct leader *l); /* takes the texts over */
void track_ask_leader(struct tracked *t);
void track_ask_disk(struct tracked *t);
void track_sample(struct tracked *t);
bool track_shown(const struct tracked *t);

/* --- groups.c: namespaces that no name gives away
 * --------------------------------------------------- */

void groups_sweep(struct collector *c); /* asks, when due */
void groups_done(struct collector *c);
/* The row of the group has its names (or none): show it. */
void group_named(struct group *g, const struct facts *f);
void group_lost(struct group *g); /* its row is gone */
