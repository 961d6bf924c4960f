/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * One row's cgroup files -> struct cg_sample, through a table of files: which controller, which
 * version, who wants it, how it is read. cgroup-v2.rst "Controllers"; cgroup-v1/ for the others.
 */

#include "kernel/blockdev.h"
#include "kernel/cgdir.h"
#include "kernel/sample.h"

#define CG_FILES_MAX 24
#define CG_EVENTS    (POPULATED - MEMORY_OOM_KILLS + 1) /* metrics that come from event files */

/* Owned by the row. of: one directory per controller, references held; NULL: not known. */
struct cg_reader {
        struct cg_dir *of[CTRL_COUNT];
        struct cg_dir
                *limit_of[CTRL_COUNT]; /* innermost: where limits, throttling and freeze start */
        struct cg_fd fd[CG_FILES_MAX];
        uint32_t due;               /* event files to read in this tick; all at first */
        uint8_t events_have;        /* what the event files said last: a bit each */
        uint64_t events[CG_EVENTS]; /* from MEMORY_OOM_KILLS on */
        bool gone;                  /* ENODEV: the directory was removed */
};

void cg_reader_init(struct cg_reader *r);
void cg_reader_done(struct cg_reader *r, struct cg_dirs *d);

/* Gives a directory to a controller (takes over both references; either may be NULL). */
void cg_reader_set(struct cg_reader *r, struct cg_dirs *d, enum controller c, struct cg_dir *dir,
                   struct cg_dir *limit_dir);

/* An event said that this file of the row changed. */
void cg_reader_touch(struct cg_reader *r, const char *file);
/* Forget that files were absent: controllers may have been enabled since. */
void cg_reader_retry(struct cg_reader *r);

/* Reads what is wanted into s (cleared first). events: files that tell by event are read only when
 * due. */
void cg_reader_sample(struct cg_reader *r, struct cg_dirs *d, struct blockdevs *b, unsigned wants,
                      bool events, struct cg_sample *s);

/* --- the tables of both versions --- */

enum {
        CG_EVENT = 1,     /* tells by an event when it changes */
        CG_INNER_DIR = 4, /* read where limits are set, not where counters are */
        CG_NO_CORE = 8,   /* only where no v2 directory tells it */
        CG_BLKIO = 16,    /* only where v1 accounts a device at all */
};

struct cg_file {
        const char *name;
        enum controller controller;
        int version;
        unsigned wants;
        unsigned flags;
        void (*parse)(const char *text, struct blockdevs *b, struct cg_sample *s);
};
extern const struct cg_file cg_files_v2[];
extern const size_t n_cg_files_v2;
extern const struct cg_file cg_files_v1[];
extern const size_t n_cg_files_v1;

/* --- shared by both, and fuzzed --- */

struct flat_key {
        const char *key;
        size_t len;
        enum metric metric;
};
#define FLAT(k, m)                                                                                 \
        {                                                                                          \
                k, sizeof(k) - 1, m                                                                \
        }

/* "key value" lines: sets the metrics of the keys found. Values that are no number are left out. */
void flat_parse(const char *text, const struct flat_key *keys, size_t n, struct cg_sample *s);
void cpu_stat_parse(const char *text, int version, struct cpu_stat *ret);
/* One number. */
void number_parse(const char *text, enum metric m, struct cg_sample *s);
/* Sums of the metrics that are all known, into *m. */
bool metric_sum(const struct cg_sample *s, const enum metric *of, size_t n, uint64_t *ret);
