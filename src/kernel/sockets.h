/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What waits on a port of a network namespace, and which addresses are its own, from proc/PID/net.
 * The readers are for the reader child: a table can be long. proc(5),
 * Documentation/networking/proc_net_tcp.rst
 */

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/root.h"

#define LISTEN_MAX 256 /* sockets of one namespace on one port: SO_REUSEPORT makes many */

/* One line of net/tcp, tcp6, udp or udp6. */
struct socket_line {
        uint16_t port; /* local */
        uint8_t state; /* 0x0A listens, 0x07 of udp: not connected */
        uint64_t inode;
};
/* 0 or -EBADMSG (also for the header). */
int socket_line_parse(const char *line, const char *end, struct socket_line *ret);

struct listener {
        uint64_t inode; /* 0: orphaned */
        bool udp;
};
/* Sockets that wait on the port in the network namespace of pid (0: our own). Their number, at most
 * max; -errno when no table can be read. */
int listeners_read(const struct root *r, pid_t pid, uint16_t port, struct listener *ret,
                   size_t max);

/* The next address that is the namespace's own ("host LOCAL") in net/fib_trie. 1 with *ret in
 * network byte order, 0 at the end. */
int fib_trie_next(const char **cursor, struct in_addr *ret);
/* The same for net/if_inet6. Broken lines are skipped. */
int if_inet6_next(const char **cursor, struct in6_addr *ret);

/* Of either family. */
struct address {
        sa_family_t family;
        union {
                struct in_addr v4;
                struct in6_addr v6;
        };
};
/* "172.17.0.2", "fd00::2", in brackets or not. 0 or -EINVAL. */
int address_parse(const char *text, struct address *ret);
/* 1: the network namespace of pid has this address; 0; -errno. */
int address_is_local(const struct root *r, pid_t pid, const struct address *a);
