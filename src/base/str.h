/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Text: a growing buffer, the one place that cleans foreign bytes, and the one place that
 * formats numbers for people. A struct str is owned by who declares it; str_done() frees it.
 */

#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"

struct str {
        char *p; /* NUL-terminated once anything was added; NULL while empty */
        size_t len;
        size_t cap;
};

#define STR_INIT                                                                                   \
        {                                                                                          \
                0                                                                                  \
        }

void str_add(struct str *s, const char *text);
void str_addn(struct str *s, const void *bytes, size_t n);
void str_addc(struct str *s, char c);
void str_addf(struct str *s, const char *fmt, ...) _printf_(2, 3);
void str_pad(struct str *s, char c, size_t n);
void str_clear(struct str *s);
char *str_take(struct str *s); /* hands the text over; never NULL */
void str_done(struct str *s);
static inline const char *str_get(const struct str *s)
{
        return s->p ? s->p : "";
}
#define _cleanup_str_ _cleanup_(str_done)

/* --- foreign text --------------------------------------------------------------------------- */

/*
 * Returns an owned copy of at most n bytes (stops at NUL) that is valid UTF-8 and free of control
 * characters: invalid bytes, C0, DEL, C1, line separators and bidirectional overrides each become
 * U+FFFD. At most max bytes are returned, cut at a character.
 */
char *str_clean(const char *bytes, size_t n, size_t max);

/* str_clean() of a NUL-terminated text with the usual cap (4 KiB). NULL gives NULL. */
char *str_clean_z(const char *text);

/* Decodes one UTF-8 character of s (n bytes left, n > 0) into *ret_cp. Returns its length, 0 if
 * invalid. */
size_t utf8_decode(const char *s, size_t n, uint32_t *ret_cp);

/* Columns of a terminal that the cleaned text takes (wcwidth; 1 for what the C library does not
 * know). */
size_t str_width(const char *text);

/* Appends text in exactly width columns: padded on the right (or left), cut in the middle when
 * longer. */
void str_add_cell(struct str *s, const char *text, size_t width, bool right, bool ascii);

/* --- numbers in, hostile ---------------------------------------------------------------------- */

/*
 * Reads decimal digits at s (not beyond end). Returns the number of characters used, or
 * -EINVAL if there is no digit, -ERANGE if it does not fit 64 bits.
 */
int parse_u64(const char *s, const char *end, uint64_t *ret);

/* A whole text as one unsigned number, white space around it allowed. 0, or -EINVAL, -ERANGE. */
int parse_u64_z(const char *s, uint64_t *ret);

/* A whole text as a finite number (C locale, no hex, no nan). 0 or -EINVAL. */
int parse_double_z(const char *s, double *ret);

/* "1.5G", "512M", "2k", "100": powers of 1024, a trailing B or iB allowed. 0 or -EINVAL. */
int parse_size_z(const char *s, double *ret);

/* --- numbers out, for people: three significant digits, no unit when it is bytes below 1 K -------
 */

#define NUMBER_MAX 16
const char *format_bytes(char buf[static NUMBER_MAX], double bytes);     /* 0, 512, 1.20G, 98M */
const char *format_percent(char buf[static NUMBER_MAX], double percent); /* 0.0, 98.4, 1234 */
const char *format_count(char buf[static NUMBER_MAX], uint64_t n);       /* 23, 12.3k */
const char *format_age(char buf[static NUMBER_MAX], uint64_t seconds);   /* 9s, 12m, 3h04, 3d04h */

/* --- systemd names ---------------------------------------------------------------------------- */

/*
 * Undoes systemd's unit escaping ("\x2d" -> "-", and "-" -> "/" when dash_is_slash).
 * Returns an owned, cleaned text. A broken escape stays as it is. (systemd-escape(1))
 */
char *unit_unescape(const char *s, size_t n, bool dash_is_slash);
