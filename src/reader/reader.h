/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The reader child: a forked process that does every read that can block, so that the loop never
 * waits. It serves jobs from a table given by the caller, one at a time and in order; requests and
 * replies are plain bytes (base/wire.h).
 *
 * A child that hangs or dies is killed and started again. Only the question it was working on is
 * lost (-ETIMEDOUT after READER_SILENT_USEC without an answer, -EPIPE when it died or wrote
 * nonsense); those behind it are asked again, so a job must bear being run twice. A child that
 * cannot die at once (state D) is never waited for.
 */

#include <stdint.h>

#include "base/root.h"
#include "base/str.h"
#include "base/wire.h"

#define READER_SILENT_USEC UINT64_C(2000000)
#define READER_MESSAGE_MAX (16u << 20) /* bytes of one request, and of one reply */

/*
 * Runs in the child: stdin and stdout are /dev/null there, no descriptor of the parent is open but
 * stderr and those of root, and root is the child's own copy. Appends the answer to reply; returns
 * >= 0 or -errno, which reaches the asker together with what was appended. A reply above
 * READER_MESSAGE_MAX is dropped and the asker gets -EMSGSIZE.
 */
struct reader_job {
        const char *name;
        int (*run)(void *state, const struct root *root, struct wire *request, struct str *reply);
        void *(*state_new)(void); /* made in each new child; NULL: no state */
};

/*
 * Runs in the loop, from reader_dispatch() or reader_free(). status is the job's return value or
 * -ETIMEDOUT (the child hung on it, or eight killed ones have not died yet), -EPIPE (the child
 * died), -EMSGSIZE, -ECANCELED (reader freed). reply is never NULL, is empty on those, and dies
 * with the call. May call reader_ask() and reader_cancel(), but neither reader_dispatch() nor
 * reader_free().
 */
typedef void (*reader_done_fn)(void *userdata, int status, struct wire *reply);

struct reader;

/* Starts the child. root and jobs are borrowed and must outlive the reader. 0 or -errno. */
int reader_new(const struct root *root, const struct reader_job *jobs, size_t n_jobs,
               struct reader **ret);

/* Ends the child; calls every pending done with -ECANCELED. NULL is fine. Waits for the killed
 * child, but at most 100 ms. */
void reader_free(struct reader *r);

/*
 * Queues a question; never blocks and never calls done. Request bytes are copied. Its time starts
 * when reader_dispatch() hands it to an idle child, so no clock is needed here.
 * Returns an id > 0 to cancel with; -EINVAL (no such job), -EMSGSIZE, -ENOBUFS (65536 are pending),
 * or the error that reader_dispatch() returned.
 */
int reader_ask(struct reader *r, size_t job, const void *request, size_t n, reader_done_fn done,
               void *userdata);

/* done will not be called; unknown ids are fine. A job that already runs is not interrupted. */
void reader_cancel(struct reader *r, int id);

/*
 * For the event loop: wait on reader_fd for reader_events, call reader_dispatch, and again at
 * reader_deadline. Ask for the deadline anew after every reader_dispatch(); descriptor and events
 * stay the same for the life of the reader (an epoll set around the child's socket).
 */
int reader_fd(const struct reader *r);
uint32_t reader_events(const struct reader *r);
uint64_t reader_deadline(const struct reader *r); /* CLOCK_MONOTONIC usec; UINT64_MAX: none */

/*
 * Reads answers and calls their done, writes questions, replaces the child when now_usec is past
 * the deadline. 0, or -errno when it cannot go on at all: three times in a row, with no answer in
 * between, the child died (-EPIPE) or could not be started (that error). Every question has been
 * answered -EPIPE then, and later ones are refused.
 */
int reader_dispatch(struct reader *r, uint64_t now_usec);

size_t reader_pending(const struct reader *r);    /* asked, neither answered nor cancelled */
unsigned reader_restarts(const struct reader *r); /* how often it hung or died: for sources */

/* Call it after root_next_step(): the child moves to the step of the reader's root before the next
 * question. 0 or the error that reader_dispatch() returned. */
int reader_step(struct reader *r);
