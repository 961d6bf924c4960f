/* SPDX-License-Identifier: MIT */
#include "kernel/mounts.h"

#include <limits.h>

#include "base/mem.h"
#include "base/str.h"

/* --- one line ------------------------------------------------------------------------------- */

/* The byte of "\ooo" at p, or 0 when that is no escape (the kernel never escapes NUL). */
static char octal_byte(const char *p)
{
        unsigned v = 0;
        if (p[0] != '\\' || p[1] < '0' || p[1] > '3')
                return 0;
        for (int i = 1; i <= 3; i++) {
                if (p[i] < '0' || p[i] > '7')
                        return 0;
                v = v * 8 + (unsigned)(p[i] - '0');
        }
        return (char)v;
}

/* In place. Bytes of keep come out as "\" and the byte, so that a list can still be split there. */
static char *unescape(char *field, const char *keep)
{
        char *to = field;
        for (const char *from = field; *from;) {
                char byte = octal_byte(from);
                if (byte && strchr(keep, byte))
                        *to++ = '\\';
                *to++ = byte ? byte : *from;
                from += byte ? 4 : 1;
        }
        *to = '\0';
        return field;
}

/* Cuts the next field off at a single blank: a source may be empty. NULL when none is left. */
static char *take_field(char **rest)
{
        char *field = *rest;
        if (!field)
                return NULL;
        *rest = strchr(field, ' ');
        if (*rest)
                *(*rest)++ = '\0';
        return field;
}

static bool take_number(const char **p, unsigned *ret)
{
        uint64_t v;
        int n = parse_u64(*p, *p + strlen(*p), &v);
        if (n < 0 || v > UINT_MAX)
                return false;
        *p += n;
        *ret = (unsigned)v;
        return true;
}

static bool field_number(const char *field, unsigned *ret)
{
        return field && take_number(&field, ret) && *field == '\0';
}

static bool field_device(const char *field, struct mount *m)
{
        return field && take_number(&field, &m->major) && *field++ == ':' &&
               take_number(&field, &m->minor) && *field == '\0';
}

/* ID PARENT MAJOR:MINOR ROOT POINT OPTIONS [TAG...] - FSTYPE SOURCE SUPEROPTIONS */
static bool parse_line(char *line, struct mount *m)
{
        char *rest = line;
        if (!field_number(take_field(&rest), &m->id) ||
            !field_number(take_field(&rest), &m->parent) || !field_device(take_field(&rest), m))
                return false;
        m->root = take_field(&rest);
        m->point = take_field(&rest);
        const char *field = take_field(&rest); /* options of the mount itself */
        while (field && !streq(field, "-"))
                field = take_field(&rest);
        m->fstype = take_field(&rest);
        m->source = take_field(&rest);
        if (!m->source || !*m->root || !*m->point || !*m->fstype)
                return false;
        m->options = rest ? rest : m->source + strlen(m->source);
        unescape(m->root, "");
        unescape(m->point, "");
        unescape(m->fstype, "");
        unescape(m->source, "");
        unescape(m->options, ",\\");
        return true;
}

int mount_next(char **cursor, struct mount *ret)
{
        while (**cursor) {
                char *line = *cursor;
                char *end = strchrnul(line, '\n');
                *cursor = *end ? end + 1 : end;
                *end = '\0';
                struct mount m = {0};
                if (parse_line(line, &m)) {
                        *ret = m;
                        return 1;
                }
        }
        return 0;
}

/* --- comma lists ---------------------------------------------------------------------------- */

/* The end of the option at p: a comma or the NUL; "\," is none. */
static const char *option_end(const char *p)
{
        while (*p && *p != ',')
                p += p[0] == '\\' && p[1] ? 2 : 1;
        return p;
}

/* What follows prefix in the first option that begins with it; NULL. *ret_end: its end. */
static const char *find_option(const char *options, const char *prefix, const char **ret_end)
{
        size_t n = strlen(prefix);
        for (const char *p = options, *end;; p = end + 1) {
                end = option_end(p);
                if ((size_t)(end - p) >= n && memcmp(p, prefix, n) == 0) {
                        *ret_end = end;
                        return p + n;
                }
                if (!*end)
                        return NULL;
        }
}

bool option_has(const char *options, const char *word)
{
        size_t n = strlen(word);
        for (const char *p = options, *end; n > 0; p = end + 1) {
                end = option_end(p);
                if ((size_t)(end - p) == n && memcmp(p, word, n) == 0)
                        return true;
                if (!*end)
                        break;
        }
        return false;
}

char *option_value(const char *options, const char *key)
{
        _cleanup_free_ char *prefix = xasprintf("%s=", key);
        const char *end, *p = find_option(options, prefix, &end);
        if (!p)
                return NULL;
        char *value = xmalloc((size_t)(end - p) + 1), *to = value;
        while (p < end) {
                if (p[0] == '\\' && p + 1 < end && (p[1] == ',' || p[1] == '\\'))
                        p++;
                *to++ = *p++;
        }
        *to = '\0';
        return value;
}
