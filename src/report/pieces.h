/* SPDX-License-Identifier: MIT */
#pragma once

/* What the four outputs share. Nothing outside report/ includes it. */

#include "report/report.h"

/* Appends a number with at most that many digits behind the point (up to 6), without idle zeros.
 * The point is a point in every locale. value must be finite. */
void report_decimal(struct str *out, double value, unsigned digits);

/* Rounds to the four digits that json and csv give. */
double report_round(double value);

/* A counter of microseconds: shown and exported in seconds. */
bool column_is_usec(const struct column *col);

/*
 * The container of row i, or *scratch filled with the sums over the members of an aggregate row:
 * what is already inside another member's cgroup is not added again, and a network namespace is
 * added once. Give scratch to aggregate_done() in either case.
 */
const struct container *report_row(const struct report *r, size_t i, struct container *scratch);
void aggregate_done(struct container *scratch);

/* What the table's own choice of columns needs to be read. */
unsigned table_wants(void);
