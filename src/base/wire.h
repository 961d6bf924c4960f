/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Packing of plain data between the loop and the reader child: same binary, same host, so
 * native byte order. Reading is bounds-checked and never trusts the other side: after the first
 * fault every get returns zero or NULL, and wire_ok() says so.
 */

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

void wire_put_u64(struct str *out, uint64_t v);
void wire_put_str(struct str *out, const char *s); /* NULL is kept apart from "" */
void wire_put_bytes(struct str *out, const void *p, size_t n);

struct wire {
        const char *p;
        const char *end;
        bool bad;
};

static inline struct wire wire_of(const void *p, size_t n)
{
        return (struct wire){.p = p, .end = (const char *)p + n};
}

uint64_t wire_get_u64(struct wire *w);
/* Borrowed text inside the message, NUL-terminated; NULL if NULL was put or the message is broken.
 */
const char *wire_get_str(struct wire *w);
/* Copies exactly n bytes to p (zeroed when broken). */
void wire_get_bytes(struct wire *w, void *p, size_t n);
static inline bool wire_ok(const struct wire *w)
{
        return !w->bad;
}
