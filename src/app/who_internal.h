/* SPDX-License-Identifier: MIT */
#pragma once

/* What who.c, who_port.c and who_interface.c share. Nobody else includes this. */

#include "app/jobs.h"
#include "app/session.h"
#include "kernel/hierarchy.h"
#include "kernel/leader.h"

struct who_row {
        const struct container *c; /* good until the second sample */
        char *cgroup;              /* its own, raw; NULL none */
        unsigned said;             /* bit per kind of sentence, see who_say() */
        bool found;
        bool guest; /* made of nothing but a namespace of another row: no answer */
};

/* One network namespace that rows live in, and through whom to look at it. */
struct who_space {
        uint64_t inode; /* 0: unknown, and then of that one process */
        pid_t pid;
};

struct who {
        struct session s;
        const char *name;      /* what was asked about */
        struct reader *reader; /* its own: answers are awaited one by one */
        sd_event_source *source;
        struct hierarchies h;
        struct who_row *rows;
        size_t n_rows;
        struct who_space *spaces;
        size_t n_spaces;
        struct str lead; /* the sentences */
        size_t n_found;
};

/* Asks the reader child and waits. The job's result or -errno (-ECANCELED: a signal came); reply
 * gets the bytes. */
int who_ask(struct who *w, enum job job, const struct str *request, struct str *reply);
/* A job about one process. */
int who_ask_pid(struct who *w, enum job job, pid_t pid, struct str *reply);
static inline struct wire who_wire(const struct str *reply)
{
        return wire_of(str_get(reply), reply->len);
}

/* leader of exactly this process or thread: 0 or -errno. To be freed by leader_done(). */
int who_leader(struct who *w, pid_t pid, struct leader *ret);

/* The row that a process is in; NULL. */
struct who_row *who_row_of(struct who *w, const struct leader *l);
bool who_in_space(const struct who_row *row, const struct who_space *space);

/* The row is an answer. how: number of the kind of sentence, each is said once of a row. */
void who_say(struct who *w, struct who_row *row, unsigned how, const char *fmt, ...) _printf_(4, 5);
/* No answer: one line on stderr, exit 4. */
void who_nothing(struct who *w, const char *fmt, ...) _printf_(2, 3);

void who_port(struct who *w, uint16_t port);
void who_interface(struct who *w);
