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
/* How much to read: the dearest parts are not for rows that have a name, or that nobody looks at.
 */
enum leader_depth {
        LEADER_BRIEF,     /* who it is: status, the first four namespaces, cgroups */
        LEADER_ISOLATION, /* also all namespaces, the uid map, the LSM label */
        LEADER_WHOLE,     /* also own_root and root_store, whose mountinfo is long */
};
int leader_read_to(const struct root *r, pid_t pid, enum leader_depth depth, struct leader *ret);

/*
 * Picks the leader among the processes of a container: the one whose last NSpid field is 1,
 * else the one that started first. At most the first 64 candidates are looked at.
 * Returns the pid, or -ESRCH.
 */
pid_t leader_pick(const struct root *r, const pid_t *pids, size_t n);

/* proc/PID/stat: start time in clock ticks since boot. 0 or -errno (-EBADMSG: absurd text).
 * Survives any comm. */
int proc_start_ticks(const struct root *r, pid_t pid, uint64_t *ret);

/* --- the texts, for tests and for the sweep --- */

/* From proc/PID/stat. proc(5) */
struct proc_stat {
        char state; /* 'R', 'S', 'Z' ... */
        bool kernel_thread;
        uint64_t start_ticks;
};
int proc_stat_parse(const char *text, struct proc_stat *ret); /* 0 or -EBADMSG */
int proc_stat_read(const struct root *r, pid_t pid, struct proc_stat *ret);

/* The fields of proc/PID/status that struct leader has; the others of ret stay as they are. */
void proc_status_parse(const char *text, struct leader *ret);
int proc_status_read(const struct root *r, pid_t pid,
                     struct leader *ret); /* 0, or -ENODATA: unreadable */

/* root_uid and user_initial of ret from proc/PID/uid_map; unknown if any line is broken. An empty
 * map is one: nothing is mapped (yet). user_namespaces(7) */
void uid_map_parse(const char *text, struct leader *ret);

void leader_init(struct leader *l); /* all unknown */
void leader_done(struct leader *l);
void leader_pack(const struct leader *l, struct str *out);
/* 0, or -EBADMSG with *ret untouched. Numbers and texts are checked again: the sender is not
 * trusted. */
int leader_unpack(struct wire *w, struct leader *ret);

/* The path in the line "N:controllers:path" of a raw proc/PID/cgroup text whose controller list has
 * the given tag ("" for the v2 line, "memory", "name=systemd"). A trailing " (deleted)" is cut.
 * Owned; NULL if absent. */
char *cgroup_line_path(const char *cgroups, const char *tag);

/* Name of a capability without "cap_", "chown" for 0; NULL when not known to this build.
 * capabilities(7) */
const char *capability_name(unsigned bit);
