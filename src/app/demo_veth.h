/* SPDX-License-Identifier: MIT */
#pragma once

/* The three rtnetlink requests that --demo needs, in the network namespace of the caller. */

#include <stdint.h>
#include <sys/types.h>

/* Makes a veth pair: name here, and peer in the network namespace of peer_pid. 0 or -errno
 * (-EOPNOTSUPP: the kernel has no veth). veth(4) */
int veth_create(const char *name, const char *peer, pid_t peer_pid);

/* Gives the interface an IPv4 address (network byte order) with a prefix and switches it on. 0 or
 * -errno. */
int veth_up(const char *name, uint32_t address, unsigned prefix);
