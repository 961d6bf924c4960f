/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The reader child: a forked process that does every read that can block, so that the loop never
 * waits. It serves jobs from a table given by the caller; requests and replies are plain bytes
 * (base/wire.h) over a SOCK_STREAM socketpair with length-prefixed messages. When it has not
 * answered for READER_SILENT_USEC it is killed, started again, and every question that was in its
 * hands is answered with -ETIMEDOUT (only the one it hung on; those still queued are asked again).
 */

#include <stdint.h>

#include "base/root.h"
#include "base/str.h"
#include "base/wire.h"

#define READER_SILENT_USEC UINT64_C(2000000)

/* Runs in the child. Appends the answer to reply; returns >= 0 or -errno, which reaches the asker.
 */
struct reader_job {
        const char *name;
        int (*run)(void *state, const struct root *root, struct wire *request, struct str *reply);
        void *(*state_new)(void); /* made in each new child; NULL: no state */
};

/* Runs in the loop. status is the job's return value or -ETIMEDOUT, -EPIPE (child died), -ECANCELED
 * (reader freed). */
typedef void (*reader_done_fn)(void *userdata, int status, struct wire *reply);

struct reader;

/* Starts the child. jobs must outlive the reader. 0 or -errno. */
int reader_new(const struct root *root, const struct reader_job *jobs, size_t n_jobs,
               struct reader **ret);
void reader_free(struct reader *r); /* ends the child; calls every pending done with -ECANCELED;
                                       NULL is fine */

/* Queues a question; never blocks. Returns an id > 0 to cancel with, or -errno. request bytes are
 * copied. */
int reader_ask(struct reader *r, size_t job, const void *request, size_t n, reader_done_fn done,
               void *userdata);
void reader_cancel(struct reader *r, int id); /* done is not called; unknown ids are fine */

/* For the event loop: wait on reader_fd for reader_events, call reader_dispatch, and again at
 * reader_deadline. */
int reader_fd(const struct reader *r); /* changes when the child is replaced */
uint32_t reader_events(
        const struct reader *r); /* EPOLLIN, and EPOLLOUT while something is queued */
uint64_t reader_deadline(const struct reader *r); /* CLOCK_MONOTONIC usec; UINT64_MAX: none */
int reader_dispatch(struct reader *r,
                    uint64_t now_usec); /* 0, or -errno when it cannot go on at all */

size_t reader_pending(const struct reader *r);
unsigned reader_restarts(const struct reader *r); /* how often it hung or died: for sources */
/* A stepped fixture moved on: the child is told to take the same step before the next question. */
int reader_step(struct reader *r);
