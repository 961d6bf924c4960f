/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Allocation that never fails: out of memory restores the terminal (through the hook) and aborts.
 * Every size that comes from outside must be capped by the caller first.
 */

#include <stddef.h>

#include "base/macros.h"

/* Called once by die() before it prints; the dashboard restores the terminal here. */
void die_set_hook(void (*hook)(void));

/* Prints one line on stderr and aborts. For out-of-memory and broken invariants only. */
__attribute__((noreturn)) void die(const char *fmt, ...) _printf_(1, 2);

void *xmalloc(size_t size);
void *xcalloc(size_t n, size_t size);
void *xrealloc(void *p, size_t n, size_t size);
char *xstrdup(const char *s); /* NULL gives NULL */
char *xstrndup(const char *s, size_t n);
__attribute__((malloc)) char *xasprintf(const char *fmt, ...) _printf_(1, 2);

/* Makes *array hold at least need items of the given size; *cap is the capacity in items. */
void grow(void *array, size_t *cap, size_t need, size_t item_size);

/* Makes *dst an owned copy of src (NULL allowed); allocates only when the text changed. */
void xstrset(char **dst, const char *src);
