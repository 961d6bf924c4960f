/* SPDX-License-Identifier: MIT */
#pragma once

/* Which rows, in which order: filter, --all, --services, sort, tree. */

#include "model/columns.h"
#include "model/filter.h"
#include "model/model.h"

struct order {
        const struct filter *filter; /* NULL: all */
        const struct column *sort;   /* NULL: cpu */
        bool descending;
        bool all; /* sandboxes, builds, infra, VMs too */
        bool services;
        bool tree;
};

struct row {
        const struct container *container; /* NULL: an aggregate row (a pod or compose project) */
        unsigned depth;                    /* 0 unless tree */
        bool last;                         /* last child of its parent: for drawing branches */
        const char *group; /* aggregate: its name, borrowed until the next model_apply */
        enum runtime_id group_runtime;
        size_t n_members; /* aggregate: how many rows right after it belong to it */
};

struct rows {
        struct row *row;
        size_t n;
};

/* Parses KEY[:asc|:desc]; numbers default to descending, text to ascending. 0 or -EINVAL with an
 * owned sentence. */
int order_parse_sort(const char *text, struct order *o, char **ret_error);

/* Unknown values sort last in both directions; ties by name, then key. ret is owned (rows_done). */
void order_rows(const struct model *m, const struct order *o, struct rows *ret);
void rows_done(struct rows *r);
