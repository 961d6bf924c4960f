/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What every command that prints and ends has in common: the root, the signals, the demo, the
 * collector and its loop, the model, and a report on stdout. Owned by the command; everything in it
 * is good until session_close().
 */

#include <systemd/sd-event.h>

#include "app/collect.h"
#include "app/options.h"
#include "model/order.h"
#include "report/report.h"

enum exit_status { EXIT_DONE, EXIT_FAILED, EXIT_USAGE, EXIT_FOUND, EXIT_NOTHING, EXIT_UNKNOWN };

struct demo;

struct session {
        const struct options *o;
        struct root root;
        struct demo *demo;
        struct collector *collector;
        struct model *model;
        struct filter *filter;
        struct order order;
        const struct column **columns; /* NULL: the default ones */
        size_t n_columns;
        report_fn report;
        sd_event *event;
        struct snapshot snapshot; /* of the last tick: good until the loop runs again */
        unsigned long printed;
        bool stop; /* a signal said so */
        int status;
};

/* 0, or -EINVAL with the reason told and the status set; to be closed in both cases. */
int session_open(struct session *s, const struct options *o);
void session_close(struct session *s);

/* One line on stderr; keeps the status. Returns -EINVAL. */
int session_fail(struct session *s, enum exit_status status, const char *what, const char *why);

/* CLOCK_MONOTONIC in microseconds, whatever the root is. */
uint64_t session_now(void);

/* Lets events in until the deadline, a stop, or (settle) until all questions are answered. */
void session_run_until(struct session *s, uint64_t deadline, bool settle);

/*
 * One sample into the model. advance: see collect_begin(). settle: wait for the leaders and names
 * of what was just found, as a snapshot has only one chance. 0 or -errno.
 */
int session_tick(struct session *s, bool advance, bool settle);

/* Waits and takes the second sample, for rates; a fixture of one step stays with one. 0 or -errno.
 */
int session_second(struct session *s, double delay);

/* The rows in the format asked for, flushed; lead is a text to go before them. 0 or -EINVAL. */
int session_print(struct session *s, const char *lead, const struct rows *rows);
