/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The forked side of the reader, and the protocol between the two: over a SOCK_STREAM socketpair,
 * each message is a struct message and size bytes. The child answers every message, in order.
 * Only for reader.c.
 */

#include <stdint.h>
#include <sys/types.h>

#include "reader/reader.h"

struct message {
        uint32_t size; /* of what follows, at most READER_MESSAGE_MAX */
        int32_t id;    /* > 0; comes back in the reply */
        int32_t code;  /* request: index of the job or CHILD_STEP; reply: status */
};

#define CHILD_STEP -1 /* a control message: the step to move to, a u64 */

/* Forks the child. Returns its pid with the parent's end of the socket in *ret_sock, or -errno. */
pid_t child_start(const struct root *root, const struct reader_job *jobs, size_t n_jobs,
                  int *ret_sock);
