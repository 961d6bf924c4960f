/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Names without a daemon: what engines leave on disk about one container. Runs in the reader
 * child, once per new container. Files below a user's home are hostile: opened with O_NOFOLLOW on
 * every component, regular files of that owner only, size capped, never waited for.
 */

#include "base/facts.h"
#include "base/root.h"

struct disk_query {
        enum runtime_id
                runtime; /* as the cgroup name told; RUNTIME_UNKNOWN, RUNTIME_NAMESPACE: find out */
        uint32_t owner_uid; /* whose container */
        const char *id;     /* full id or name */
        pid_t pid;          /* leader; 0: none known */
};

/* Finds name, image, labels ... of one container. 0 with *ret owned by the caller; -ENOENT: nothing
 * on disk; -EACCES: there is something but we may not read it; -EBADMSG: a broken file. */
int disk_facts(const struct root *r, const struct disk_query *q, struct facts *ret);

void disk_query_pack(const struct disk_query *q, struct str *out);
int disk_query_unpack(struct wire *w, struct disk_query *ret); /* borrows from w */
