/* SPDX-License-Identifier: MIT */
#pragma once

/* The jobs of the reader child: everything of a collect that can block. */

#include "reader/reader.h"

enum job {
        JOB_LEADER, /* depth, names?, struct disk_query, count, pids... -> struct leader of the one
                       to speak for them; and, with names, a status and struct facts */
        JOB_SWEEP,  /* -> denied, count, groups, each with its init's cgroups when new */
        JOB_OWN,    /* type, inode, count, pids... -> 1 when all are in that namespace */
        JOB_DISK,   /* struct disk_query -> a status and struct facts */
        /* of who_jobs.c: */
        JOB_PROCESS, /* pid -> struct leader of exactly that process or thread */
        JOB_COMMAND, /* pid -> n, the n bytes of its command line */
        JOB_LISTEN,  /* pid, port -> n, struct listener... of its network namespace */
        JOB_HOLDERS, /* cursor, n, inodes... -> cursor, denied, n, struct holder... */
        JOB_REACH,   /* pid -> n, inodes of network namespaces... */
        JOB_ADDRESS, /* pid, struct address -> 1 when it is local in its network namespace */
        JOB_LINK,    /* name, n, pids... -> see job_link() */
        JOB_COUNT,
};
extern const struct reader_job jobs[JOB_COUNT];

/* How many pids one question may name. */
#define JOB_PIDS_MAX 64
