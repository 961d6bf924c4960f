/* SPDX-License-Identifier: MIT */
#pragma once

/* What `who` asks of the reader child (requests and replies: app/jobs.h). */

#include "reader/reader.h"

int job_process(void *state, const struct root *r, struct wire *request, struct str *reply);
int job_command(void *state, const struct root *r, struct wire *request, struct str *reply);
int job_listen(void *state, const struct root *r, struct wire *request, struct str *reply);
int job_holders(void *state, const struct root *r, struct wire *request, struct str *reply);
int job_reach(void *state, const struct root *r, struct wire *request, struct str *reply);
int job_address(void *state, const struct root *r, struct wire *request, struct str *reply);

/*
 * Where an interface of ours leads to: name, n, pids (one of each network namespace) -> whether it
 * is a bridge, then for each end in the namespace of one of the pids: 1, that pid's place, our end,
 * the name of the other end (NULL: not allowed to see it); 0 at the end. -ENODEV: no such name.
 */
int job_link(void *state, const struct root *r, struct wire *request, struct str *reply);
