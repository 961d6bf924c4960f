/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The collector: trees of cgroups, the rows found in them and in foreign namespaces, their
 * numbers, tick by tick. It glues floor 1, the reader child and the files of engines into one
 * struct snapshot. Owns everything it hands out until the next collect_begin().
 */

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "base/root.h"
#include "kernel/sample.h"

struct collector;

struct collect_options {
        unsigned wants; /* enum wants: what the output needs */
        bool once;      /* a sample or two: watches and kept descriptors would not pay */
        bool services;  /* systemd services are rows too */
        const char *(*note)(void *userdata, const char *comm); /* of the demo's containers; NULL */
        void *userdata;
};

/* root is borrowed. 0 or -errno. */
int collector_new(struct root *root, const struct collect_options *o, struct collector **ret);
void collector_free(struct collector *c);

/* Lets events (births, deaths, answers of the reader) in through the loop. 0 or -errno. */
int collector_attach(struct collector *c, sd_event *event);

/* True when every directory was seen and every question to the reader is answered. */
bool collect_settled(const struct collector *c);

/*
 * One tick: begin, walk until it returns false, some until it returns false (each call is a slice
 * of a few milliseconds; the loop may run in between), end. advance: a stepped --sysroot moves to
 * its next step first, -ENODATA when there is none.
 */
int collect_begin(struct collector *c, bool advance);
bool collect_walk(struct collector *c);
bool collect_some(struct collector *c);
void collect_end(struct collector *c, struct snapshot *ret);

/* Serves the reader's answers without a loop, for at most timeout_usec. */
void collect_settle(struct collector *c, uint64_t timeout_usec);

/* CLOCK_MONOTONIC in microseconds; a second per step under a stepped --sysroot. */
uint64_t now_monotonic_usec(void);
