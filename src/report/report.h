/* SPDX-License-Identifier: MIT */
#pragma once

/* The model as text: table, json, csv, openmetrics. Every function appends to out. */

#include "base/str.h"
#include "model/columns.h"
#include "model/order.h"

struct report {
        const struct model *model;
        const struct rows *rows;
        const struct column *const *columns; /* NULL: the default ones */
        size_t n_columns;
        unsigned width; /* of the terminal; 0: no limit (not a terminal) */
        bool ascii;
        bool color;
        bool chosen; /* columns were asked for: none is dropped */
        bool first;  /* csv: print the header */
};

typedef void (*report_fn)(const struct report *r, struct str *out);

void report_table(const struct report *r, struct str *out);
void report_json(const struct report *r,
                 struct str *out); /* one object, one line, newline at the end */
void report_csv(const struct report *r,
                struct str *out); /* RFC 4180; leading =, +, -, @ of texts are defused with ' */
void report_openmetrics(const struct report *r, struct str *out);

/* "table", "json", ...; NULL when unknown. */
report_fn report_find(const char *format);

/* -c help */
void report_columns_help(struct str *out);

/* What the default columns of a format need to be read. */
unsigned report_wants(const char *format, const struct column *const *columns, size_t n_columns);
