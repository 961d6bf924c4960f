/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * systemd over D-Bus. So far: one transient scope, for --demo. Nothing here blocks for longer than
 * it is told, or lets polkit ask somebody.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <systemd/sd-bus.h>

/* A scope that is being started. Owns its reference to the bus. */
struct bus_scope;

/* Connects to the system bus or the user's. 0 or -errno; does not wait for the bus to answer. */
int bus_open(bool user, sd_bus **ret);

/*
 * Asks systemd for a transient scope named unit ("x.scope") around pid, with Delegate=yes; sends
 * only. org.freedesktop.systemd1(5), StartTransientUnit. 0 or -errno.
 */
int bus_scope_begin(sd_bus *bus, const char *unit, const char *description, pid_t pid,
                    struct bus_scope **ret);

/*
 * Moves on, waiting at most wait_usec for the other side. Returns 1 when the scope runs with pid in
 * it, 0 when not yet, or -errno when it will not: -EACCES refused, -ENOTCONN the bus went away,
 * -EIO the job failed.
 */
int bus_scope_step(struct bus_scope *s, uint64_t wait_usec);

void bus_scope_free(struct bus_scope *s);
