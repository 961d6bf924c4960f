/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Questions to rtnetlink in our own network namespace: what an interface is, in which namespace
 * its other end lies. For the reader child: the kernel answers under a lock that others may hold
 * for long. rtnetlink(7), veth(4), linux/if_link.h, linux/net_namespace.h
 */

#include <net/if.h>
#include <stddef.h>
#include <sys/types.h>

struct rtnl_link {
        int index;
        char name[IFNAMSIZ]; /* raw: a container may have chosen it */
        char kind[16];       /* "veth", "bridge"; "" for hardware */
        int other;           /* index of the other end or of the one below; 0 none */
        int other_nsid;      /* our number for the namespace that end is in; -1: ours */
        int master;          /* index of the bridge or bond it is a port of; 0 none */
};

/* One message of type RTM_NEWLINK, n bytes of it. 0 with *ret, or -EBADMSG. */
int rtnl_link_parse(const void *message, size_t n, struct rtnl_link *ret);

/* A socket that gives up (-ETIMEDOUT) after a second. fd or -errno. */
int rtnl_open(void);

/* -ENODEV: no such interface. nsid -1: our namespace; any other needs CAP_NET_ADMIN there. */
int rtnl_link_by_name(int fd, const char *name, struct rtnl_link *ret);
int rtnl_link_by_index(int fd, int nsid, int index, struct rtnl_link *ret);

/* The ports of a bridge, at most max; count or -errno. */
int rtnl_ports(int fd, int master, struct rtnl_link *ret, size_t max);

/* Our number for the network namespace of a process; -1 in *ret: it has none, so nothing of ours
 * points there. 0 or -errno. */
int rtnl_nsid(int fd, pid_t pid, int *ret);
