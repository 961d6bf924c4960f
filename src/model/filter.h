/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The language of --filter: terms joined by spaces must all hold, "or" separates alternatives; a
 * bare word matches name, image or id; key=value, key!=value, key~regex, key>n, key<n, key>=n,
 * key<=n; sizes take K M G (2^10 ...); label.NAME=value; !term negates. A comparison with something
 * unknown is false, negated or not. Values with spaces are quoted: name="a b".
 */

#include "model/model.h"

struct filter;

/* 0, or -EINVAL with *ret_error an owned sentence and *ret_column the 0-based byte of the fault. */
int filter_parse(const char *text, struct filter **ret, char **ret_error, size_t *ret_column);
void filter_free(struct filter *f);
bool filter_match(const struct filter *f, const struct model *m,
                  const struct container *c);  /* NULL filter: true */
unsigned filter_wants(const struct filter *f); /* what must be read to answer it */
