/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The host's own namespaces, and the rare sweep of /proc for processes in others that no cgroup
 * name gives away. The sweep runs in the reader child; its state lives there.
 */

#include "base/root.h"
#include "kernel/sample.h"

/* The inode in the text of a namespace link, "pid:[4026531836]". 0 or -EBADMSG. */
int ns_link_parse(const char *text, enum ns_type type, uint64_t *ret);

/* One link of proc/PID/ns (pid 0: our own). 0; -EACCES without the right to look; -errno. */
int ns_link_read(const struct root *r, pid_t pid, enum ns_type type, uint64_t *ret);

/* All links before end (NS_COUNT: all); what cannot be read is 0. Returns how many could be read.
 */
unsigned ns_read(const struct root *r, pid_t pid, enum ns_type end, struct namespaces *ret);

/*
 * The host's namespaces. When our own pid and user are the initial ones, those are known, and the
 * other types come from proc/1 (we may be in a container with the host's pids, or in a service with
 * mounts of its own), else from ourselves. Then, for what is still missing: kthreadd (proc/2),
 * proc/1, and the fixed inodes of initial namespaces (linux/nsfs.h; net and mnt had none before
 * 6.17). Inside a container the host is what can be seen of it: its init, else ourselves.
 * Never fails; what is not known is 0. Root may be denied proc/1/ns by an LSM.
 */
void ns_baseline(const struct root *r, struct namespaces *ret);

/* One group of processes that share a namespace which is not the host's. */
struct ns_group {
        enum ns_type type; /* the first of pid, mnt, net, user that differs from the host's */
        uint64_t inode;    /* 0 when only NSpid depth told (unprivileged) */
        pid_t pid;         /* its init (last NSpid field 1), else the one that started first */
        uint64_t start_ticks;
        unsigned n_processes;
};

struct ns_sweep; /* remembers what was classified, by pid and the inode of proc/PID */
struct ns_sweep *ns_sweep_new(void);
void ns_sweep_free(struct ns_sweep *s);

/*
 * Lists all groups on the host. A process is looked at twice (it may unshare after its birth) and
 * then not again while proc/PID keeps its inode. *ret is owned by the caller (free); *ret_denied
 * counts processes whose links could not be read. Returns the number of groups or -errno.
 * Only pids whose namespaces differ are in any group. Kernel threads are skipped.
 */
int ns_sweep_run(struct ns_sweep *s, const struct root *r, const struct namespaces *host,
                 struct ns_group **ret, unsigned *ret_denied);
