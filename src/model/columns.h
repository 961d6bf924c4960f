/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The one table of columns: it feeds the table, json, csv, openmetrics, --sort, --filter,
 * --columns help, and says what must be read (wants).
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "kernel/sample.h"
#include "model/model.h"

enum value_type { VALUE_NONE, VALUE_UINT, VALUE_INT, VALUE_NUMBER, VALUE_TEXT, VALUE_BOOL };

struct value {
        enum value_type type; /* VALUE_NONE: unknown */
        union {
                uint64_t u;
                int64_t i;
                double number;
                const char *text; /* borrowed from the container, or from scratch below */
                bool truth;
        };
        char scratch[32]; /* room for a text made on the fly; then text == NULL means scratch */
};

const char *value_text(const struct value *v);
/* The value as a number for sorting and comparing; false if unknown or not a number. */
bool value_number(const struct value *v, double *ret);

enum column_style {
        STYLE_TEXT,
        STYLE_BYTES,
        STYLE_RATE,
        STYLE_PERCENT,
        STYLE_COUNT,
        STYLE_CORES,
        STYLE_AGE,
        STYLE_TIME,
        STYLE_BOOL
};

struct column {
        const char *key;     /* "cpu": --columns, --sort, --filter */
        const char *title;   /* "CPU%" */
        const char *json;    /* "cpu.percent"; NULL: not in json */
        const char *csv;     /* "cpu_percent" */
        const char *meaning; /* one line for -c help */
        enum column_style style;
        uint8_t width;    /* in the table; texts may take more when there is room */
        uint8_t priority; /* 0: never dropped; higher is dropped earlier; 255: only when asked for
                           */
        unsigned wants;
        const char *metric;      /* openmetrics name without "ctop_container_"; NULL: none */
        const char *metric_type; /* "counter" or "gauge" */
        const char *metric_unit; /* "seconds", "bytes" or NULL */
        struct value (*get)(const struct model *m, const struct container *c);
};

extern const struct column columns[];
extern const size_t n_columns;

const struct column *column_find(
        const char *key); /* NULL: unknown; also finds aliases ("memory" for "mem") */

/* Parses a comma list. ret is an owned array of borrowed rows. 0, or -EINVAL with *ret_error an
 * owned sentence. */
int columns_parse(const char *list, const struct column ***ret, size_t *ret_n, char **ret_error);
