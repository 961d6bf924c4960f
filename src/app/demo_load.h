/* SPDX-License-Identifier: MIT */
#pragma once

/* What runs inside the demo containers. The work is compiled in, so their root needs no files. */

#include <stdbool.h>
#include <stdint.h>

enum demo_kind { DEMO_WEB, DEMO_DB, DEMO_BATCH };

struct demo_load {
        enum demo_kind kind;
        const char *name;  /* host name and comm inside */
        int control;       /* seqpacket socket to the keeper */
        int file;          /* demo-db: an unlinked file to write to; -1: none */
        uint64_t work_set; /* demo-db: bytes of anonymous memory to hold */
};

/* The keeper's word to a load that waits: begin, with this in mind. */
struct demo_go {
        bool limited; /* a CPU limit throttles it; else it paces itself */
};

/* The load's answer once it runs. */
struct demo_ready {
        int error;    /* 0 or -errno: the namespaces could not be furnished */
        bool no_veth; /* demo-batch runs without traffic */
};

/*
 * Runs in the first process of the new namespaces, after a bare clone: waits for struct demo_go,
 * gives itself a root of its own, drops all privileges, answers struct demo_ready and works until
 * it is killed. Dies with the keeper.
 */
_Noreturn void demo_load_run(const struct demo_load *load);
