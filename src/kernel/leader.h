/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Reads what /proc says of one process: ns links, status, uid_map, mountinfo, LSM label, cgroups.
 * Runs in the reader child (some of these files can block). proc(5), namespaces(7),
 * user_namespaces(7).
 */

#include "base/root.h"
#include "base/str.h"
#include "base/wire.h"
#include "kernel/sample.h"

/*
 * Fills ret for pid. Each part that cannot be read stays unknown. Returns 0, or -ESRCH when the
 * process is gone (or is a zombie without anything to tell). ret is owned by the caller.
 */
int leader_read(const struct root *r, pid_t pid, struct leader *ret);

/*
 * Picks the leader among the processes of a container: the one whose last NSpid field is 1,
 * else the one that started first. At most the first 64 candidates are looked at.
 * Returns the pid, or -ESRCH.
 */
pid_t leader_pick(const struct root *r, const pid_t *pids, size_t n);

/* proc/PID/stat: start time in clock ticks since boot. 0 or -errno. Survives any comm. */
int proc_start_ticks(const struct root *r, pid_t pid, uint64_t *ret);

void leader_init(struct leader *l); /* all unknown */
void leader_done(struct leader *l);
void leader_pack(const struct leader *l, struct str *out);
int leader_unpack(struct wire *w, struct leader *ret); /* 0 or -EBADMSG */

/* The path in the line "N:controllers:path" of a raw proc/PID/cgroup text whose controller list has
 * the given tag ("" for the v2 line, "memory", "name=systemd"). A trailing " (deleted)" is cut.
 * Owned; NULL if absent. */
char *cgroup_line_path(const char *cgroups, const char *tag);

/* Name of a capability without "cap_", "chown" for 0; NULL when not known to this build.
 * capabilities(7) */
const char *capability_name(unsigned bit);
