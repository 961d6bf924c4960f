/* SPDX-License-Identifier: MIT */
#pragma once

/* The jobs of the reader child: everything of a collect that can block. */

#include "reader/reader.h"

enum job {
        JOB_LEADER, /* named, count, pids... -> struct leader of the one to speak for them */
        JOB_SWEEP,  /* -> denied, count, groups, each with its init's cgroups when new */
        JOB_OWN,    /* type, inode, count, pids... -> 1 when all are in that namespace */
        JOB_DISK,   /* struct disk_query -> struct facts */
        JOB_COUNT,
};
extern const struct reader_job jobs[JOB_COUNT];

/* How many pids one question may name. */
#define JOB_PIDS_MAX 64
