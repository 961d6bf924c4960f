/* SPDX-License-Identifier: MIT */
#pragma once

/* Network counters of one namespace from proc/PID/net/dev (proc(5)). */

#include <stddef.h>

#include "kernel/sample.h"

/* One line of net/dev. */
struct netdev_line {
        char name[16];
        uint64_t rx_bytes, rx_errors, rx_dropped;
        uint64_t tx_bytes, tx_errors, tx_dropped;
};

/* Parses the next interface at *cursor. 1 with *ret, 0 at the end. Broken lines are skipped. */
int netdev_next(const char **cursor, struct netdev_line *ret);

/*
 * Sums the interfaces that carry the namespace's own traffic into the NET_* metrics of s: not lo,
 * not bridges, not what is enslaved to or stacked on another one there. Only names are to be had
 * from outside the namespace, so stacking is told by name and by the presence of the one below
 * (eth0.5 beside eth0; veth beside a bridge; bond0 beside its slaves counts the bond's slaves).
 * Returns the number of interfaces besides lo and the unused tunnels that kernel modules put into
 * every namespace (0: it has no network of its own). A text without a single good line leaves s as
 * it is: unknown, where a namespace with nothing but lo gets zeros.
 */
unsigned netdev_sum(const char *text, struct cg_sample *s);
