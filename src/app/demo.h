/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * --demo: three small containers of our own, made from namespaces and cgroups: demo-web (throttled
 * by a CPU limit), demo-db (memory near its limit, small disk writes) and demo-batch (traffic over
 * a veth pair). A forked keeper owns them and removes every trace when the program ends in any way.
 * What a killed keeper left behind is removed by the next demo_start().
 */

#include <stddef.h>
#include <sys/types.h>

#include "base/root.h"

#define DEMO_CONTAINERS 3

/* Borrowed from the struct demo. */
struct demo_container {
        const char *name;
        pid_t pid;          /* its init, in our pid namespace */
        const char *cgroup; /* path in the discovery hierarchy as proc/PID/cgroup tells it; NULL:
                               none of its own */
        const char *note;   /* "no limit: not delegated" and the like; NULL */
};

struct demo;

/*
 * Makes the containers and returns when they run; blocks for 3.5 s at most, so call it before the
 * loop. live_root must outlive the demo. Returns 0; -EPERM when this user may make no namespaces
 * here, -EINVAL for a --sysroot, -ETIMEDOUT, or another -errno. On failure nothing is left behind
 * and *ret_error is an owned sentence for the user.
 */
int demo_start(const struct root *live_root, struct demo **ret, char **ret_error);

/* Removes every trace and waits until it is gone, 3 s at most. Accepts NULL. */
void demo_stop(struct demo *d);

/* Why the container of that name has no limit; NULL when there is nothing to say or no such one. */
const char *demo_note(const struct demo *d, const char *name);

/* Fills ret; returns the number of containers. */
size_t demo_containers(const struct demo *d, struct demo_container ret[DEMO_CONTAINERS]);
