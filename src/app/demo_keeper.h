/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The process between the program and the demo containers: makes them, and removes every trace
 * when the program is gone.
 */

#include <stdbool.h>
#include <sys/types.h>

#include "app/demo.h"
#include "base/root.h"

/* The keeper's one message to the program: all is running, or why not. */
struct demo_report {
        int error;      /* 0 or -errno */
        char text[192]; /* the sentence for error */
        struct {
                pid_t pid;
                char cgroup[320]; /* "": none */
                char note[128];   /* "": none */
        } c[DEMO_CONTAINERS];
};

extern const char *const demo_names[DEMO_CONTAINERS];

/*
 * Runs in the forked child: sends the report over control (seqpacket), then keeps until the other
 * side of control is shut down or the process of the pidfd program ends.
 */
_Noreturn void demo_keeper_run(const struct root *r, int control, int program);
