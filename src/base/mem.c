/* SPDX-License-Identifier: MIT */
#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>

static void (*die_hook)(void);

void die_set_hook(void (*hook)(void))
{
        die_hook = hook;
}

void die(const char *fmt, ...)
{
        if (die_hook) {
                void (*hook)(void) = die_hook;
                die_hook = NULL;
                hook();
        }
        va_list ap;
        va_start(ap, fmt);
        fputs("ctop-c: ", stderr);
        vfprintf(stderr, fmt, ap);
        fputc('\n', stderr);
        va_end(ap);
        abort();
}

void *xmalloc(size_t size)
{
        void *p = malloc(size ? size : 1);
        if (!p)
                die("out of memory (%zu bytes)", size);
        return p;
}

void *xcalloc(size_t n, size_t size)
{
        void *p = calloc(n ? n : 1, size ? size : 1);
        if (!p)
                die("out of memory (%zu x %zu bytes)", n, size);
        return p;
}

void *xrealloc(void *p, size_t n, size_t size)
{
        p = reallocarray(p, n ? n : 1, size ? size : 1);
        if (!p)
                die("out of memory (%zu x %zu bytes)", n, size);
        return p;
}

char *xstrdup(const char *s)
{
        return s ? xstrndup(s, strlen(s)) : NULL;
}

char *xstrndup(const char *s, size_t n)
{
        n = strnlen(s, n);
        char *p = xmalloc(n + 1);
        memcpy(p, s, n);
        p[n] = '\0';
        return p;
}

char *xasprintf(const char *fmt, ...)
{
        char *p;
        va_list ap;
        va_start(ap, fmt);
        int r = vasprintf(&p, fmt, ap);
        va_end(ap);
        if (r < 0)
                die("out of memory");
        return p;
}

void grow(void *array, size_t *cap, size_t need, size_t item_size)
{
        if (need <= *cap)
                return;
        size_t n = MAX(need, *cap + *cap / 2 + 8);
        void **p = array;
        *p = xrealloc(*p, n, item_size);
        *cap = n;
}

void xstrset(char **dst, const char *src)
{
        if (*dst && src && streq(*dst, src))
                return;
        char *copy = xstrdup(src);
        free(*dst);
        *dst = copy;
}
