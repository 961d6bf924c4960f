/* SPDX-License-Identifier: MIT */
#include "base/wire.h"

/* In the place of a text's length: there is no text. */
#define WIRE_NULL UINT64_MAX

void wire_put_u64(struct str *out, uint64_t v)
{
        str_addn(out, &v, sizeof(v));
}

void wire_put_str(struct str *out, const char *s)
{
        if (!s) {
                wire_put_u64(out, WIRE_NULL);
                return;
        }
        size_t n = strlen(s);
        wire_put_u64(out, n);
        str_addn(out, s, n + 1);
}

void wire_put_bytes(struct str *out, const void *p, size_t n)
{
        str_addn(out, p, n);
}

/* The next n bytes, or NULL when the message is broken or shorter. */
static const char *take(struct wire *w, uint64_t n)
{
        if (w->bad || n > (uint64_t)(w->end - w->p)) {
                w->bad = true;
                return NULL;
        }
        const char *p = w->p;
        w->p += n;
        return p;
}

uint64_t wire_get_u64(struct wire *w)
{
        uint64_t v;
        const char *p = take(w, sizeof(v));
        if (!p)
                return 0;
        memcpy(&v, p, sizeof(v));
        return v;
}

const char *wire_get_str(struct wire *w)
{
        uint64_t n = wire_get_u64(w);
        if (n == WIRE_NULL)
                return NULL;
        const char *p = take(w, n + 1);
        if (!p)
                return NULL;
        if (strnlen(p, n + 1) != n) {
                w->bad = true;
                return NULL;
        }
        return p;
}

void wire_get_bytes(struct wire *w, void *p, size_t n)
{
        if (n == 0)
                return;
        const char *from = take(w, n);
        if (from)
                memcpy(p, from, n);
        else
                memset(p, 0, n);
}
