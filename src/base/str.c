/* SPDX-License-Identifier: MIT */
#include "base/str.h"

#include <errno.h>
#include <inttypes.h>
#include <langinfo.h>
#include <limits.h>
#include <locale.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <wchar.h>

#include "base/mem.h"

#define CLEAN_MAX   4096
#define REPLACEMENT "\xef\xbf\xbd"
#define ELLIPSIS    "\xe2\x80\xa6"

/* Makes room for n more bytes and the NUL. */
static void str_reserve(struct str *s, size_t n)
{
        size_t need;
        if (__builtin_add_overflow(s->len, n, &need) || __builtin_add_overflow(need, 1, &need))
                die("text too long");
        grow(&s->p, &s->cap, need, 1);
}

void str_add(struct str *s, const char *text)
{
        str_addn(s, text, strlen(text));
}

void str_addn(struct str *s, const void *bytes, size_t n)
{
        if (n == 0)
                return;
        str_reserve(s, n);
        memcpy(s->p + s->len, bytes, n);
        s->len += n;
        s->p[s->len] = '\0';
}

void str_addc(struct str *s, char c)
{
        str_addn(s, &c, 1);
}

void str_addf(struct str *s, const char *fmt, ...)
{
        va_list ap, again;
        va_start(ap, fmt);
        va_copy(again, ap);
        int n = vsnprintf(NULL, 0, fmt, ap);
        va_end(ap);
        if (n < 0)
                die("cannot format a text");
        if (n > 0) {
                str_reserve(s, (size_t)n);
                vsnprintf(s->p + s->len, (size_t)n + 1, fmt, again);
                s->len += (size_t)n;
        }
        va_end(again);
}

void str_pad(struct str *s, char c, size_t n)
{
        if (n == 0)
                return;
        str_reserve(s, n);
        memset(s->p + s->len, c, n);
        s->len += n;
        s->p[s->len] = '\0';
}

void str_clear(struct str *s)
{
        s->len = 0;
        if (s->p)
                s->p[0] = '\0';
}

char *str_take(struct str *s)
{
        char *p = s->p ? s->p : xstrdup("");
        *s = (struct str)STR_INIT;
        return p;
}

void str_done(struct str *s)
{
        free(s->p);
        *s = (struct str)STR_INIT;
}

/* --- foreign text --------------------------------------------------------------------------- */

static size_t utf8_lead(unsigned char c, uint32_t *ret_bits, uint32_t *ret_min)
{
        static const struct {
                unsigned char first, last, mask, len;
                uint32_t min;
        } leads[] = {
                {0x00, 0x7f, 0x7f, 1, 0},
                {0xc2, 0xdf, 0x1f, 2, 0x80},
                {0xe0, 0xef, 0x0f, 3, 0x800},
                {0xf0, 0xf4, 0x07, 4, 0x10000},
        };
        for (size_t i = 0; i < ARRAY_SIZE(leads); i++)
                if (c >= leads[i].first && c <= leads[i].last) {
                        *ret_bits = c & leads[i].mask;
                        *ret_min = leads[i].min;
                        return leads[i].len;
                }
        return 0;
}

size_t utf8_decode(const char *s, size_t n, uint32_t *ret_cp)
{
        uint32_t cp, min;
        if (n == 0)
                return 0;
        size_t len = utf8_lead((unsigned char)s[0], &cp, &min);
        if (len == 0 || len > n)
                return 0;
        for (size_t i = 1; i < len; i++) {
                unsigned char c = (unsigned char)s[i];
                if ((c & 0xc0) != 0x80)
                        return 0;
                cp = cp << 6 | (c & 0x3f);
        }
        bool overlong = cp < min;
        bool surrogate = cp >= 0xd800 && cp <= 0xdfff;
        if (overlong || surrogate || cp > 0x10ffff)
                return 0;
        *ret_cp = cp;
        return len;
}

/* Control characters, and what breaks lines or turns the direction of the text after it. */
static bool is_foul(uint32_t cp)
{
        static const struct {
                uint32_t first, last;
        } foul[] = {
                {0x00, 0x1f},     /* C0 */
                {0x7f, 0x9f},     /* DEL, C1 */
                {0x2028, 0x202e}, /* line and paragraph separator, embeddings, overrides */
                {0x2066, 0x2069}, /* isolates */
        };
        for (size_t i = 0; i < ARRAY_SIZE(foul); i++)
                if (cp >= foul[i].first && cp <= foul[i].last)
                        return true;
        return false;
}

char *str_clean(const char *bytes, size_t n, size_t max)
{
        struct str out = STR_INIT;
        for (size_t i = 0; i < n && bytes[i] != '\0';) {
                uint32_t cp;
                size_t used = utf8_decode(bytes + i, n - i, &cp);
                bool good = used > 0 && !is_foul(cp);
                const char *from = good ? bytes + i : REPLACEMENT;
                size_t len = good ? used : strlen(REPLACEMENT);
                if (len > max - out.len)
                        break;
                str_addn(&out, from, len);
                i += MAX(used, (size_t)1);
        }
        return str_take(&out);
}

char *str_clean_z(const char *text)
{
        return text ? str_clean(text, SIZE_MAX, CLEAN_MAX) : NULL;
}

/* One character of a text with its columns. Bytes that are not UTF-8 count as one column each. */
struct glyph {
        size_t len;
        size_t columns;
};

static struct glyph next_glyph(const char *s, size_t n, bool utf8)
{
        uint32_t cp;
        size_t len = utf8_decode(s, n, &cp);
        if (len == 0)
                return (struct glyph){1, 1};
        if (len == 1 || !utf8)
                return (struct glyph){len, 1};
        int columns = wcwidth((wchar_t)cp);
        return (struct glyph){len, columns < 0 ? 1 : (size_t)columns};
}

static bool locale_is_utf8(void)
{
        return streq(nl_langinfo(CODESET), "UTF-8");
}

size_t str_width(const char *text)
{
        bool utf8 = locale_is_utf8();
        size_t n = strlen(text), width = 0;
        for (size_t i = 0; i < n;) {
                struct glyph g = next_glyph(text + i, n - i, utf8);
                width += g.columns;
                i += g.len;
        }
        return width;
}

/* Bytes of the longest beginning of text that fits the columns, with the marks on its last base. */
static size_t head_bytes(const char *text, size_t columns, size_t *ret_used)
{
        bool utf8 = locale_is_utf8();
        size_t n = strlen(text), i = 0, used = 0;
        while (i < n) {
                struct glyph g = next_glyph(text + i, n - i, utf8);
                if (g.columns > columns - used)
                        break;
                used += g.columns;
                i += g.len;
        }
        *ret_used = used;
        return i;
}

/* The longest end of text that fits the columns and starts with a base, not with a mark. */
static const char *tail_start(const char *text, size_t text_width, size_t columns, size_t *ret_used)
{
        bool utf8 = locale_is_utf8();
        size_t n = strlen(text), i = 0, left = text_width;
        while (i < n) {
                struct glyph g = next_glyph(text + i, n - i, utf8);
                if (g.columns > 0 && left <= columns)
                        break;
                left -= g.columns;
                i += g.len;
        }
        *ret_used = left;
        return text + i;
}

void str_add_cell(struct str *s, const char *text, size_t width, bool right, bool ascii)
{
        if (width == 0)
                return;
        size_t text_width = str_width(text);
        size_t head = strlen(text), used = text_width;
        const char *tail = NULL;
        if (text_width > width) {
                size_t keep = width - 1, head_used, tail_used;
                head = head_bytes(text, keep - keep / 2, &head_used);
                tail = tail_start(text, text_width, keep - head_used, &tail_used);
                used = head_used + 1 + tail_used;
        }
        if (right)
                str_pad(s, ' ', width - used);
        str_addn(s, text, head);
        if (tail) {
                str_add(s, ascii ? "~" : ELLIPSIS);
                str_add(s, tail);
        }
        if (!right)
                str_pad(s, ' ', width - used);
}

/* --- numbers in ------------------------------------------------------------------------------ */

static bool is_digit(char c)
{
        return c >= '0' && c <= '9';
}

static const char *skip_digits(const char *s)
{
        while (is_digit(*s))
                s++;
        return s;
}

static const char *skip_space(const char *s)
{
        return s + strspn(s, " \t\n\v\f\r");
}

int parse_u64(const char *s, const char *end, uint64_t *ret)
{
        const char *p = s;
        uint64_t v = 0;
        for (; p < end && is_digit(*p); p++)
                if (__builtin_mul_overflow(v, 10, &v) ||
                    __builtin_add_overflow(v, (uint64_t)(*p - '0'), &v) || p - s >= INT_MAX)
                        return -ERANGE;
        if (p == s)
                return -EINVAL;
        *ret = v;
        return (int)(p - s);
}

int parse_u64_z(const char *s, uint64_t *ret)
{
        if (!s)
                return -EINVAL;
        uint64_t v;
        s = skip_space(s);
        int r = parse_u64(s, s + strlen(s), &v);
        if (r < 0)
                return r;
        if (*skip_space(s + r) != '\0')
                return -EINVAL;
        *ret = v;
        return 0;
}

/* Returns the end of "1", "1.5", ".5" or "1." at s, or NULL if there is no digit. */
static const char *skip_decimal(const char *s)
{
        const char *p = skip_digits(s);
        size_t digits = (size_t)(p - s);
        if (*p == '.') {
                const char *fraction = p + 1;
                p = skip_digits(fraction);
                digits += (size_t)(p - fraction);
        }
        return digits > 0 ? p : NULL;
}

/* Returns the end of an exponent at s, s itself if there is none, or NULL if it is broken. */
static const char *skip_exponent(const char *s)
{
        if (*s != 'e' && *s != 'E')
                return s;
        s++;
        if (*s == '+' || *s == '-')
                s++;
        return is_digit(*s) ? skip_digits(s) : NULL;
}

/* The grammar was checked before; the locale is given so that the point is a point everywhere. */
static int to_double(const char *s, double *ret)
{
        static locale_t c_locale;
        if (!c_locale)
                c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
        if (!c_locale)
                die("no C locale");
        double v = strtod_l(s, NULL, c_locale);
        if (!isfinite(v))
                return -EINVAL;
        *ret = v;
        return 0;
}

int parse_double_z(const char *s, double *ret)
{
        if (!s)
                return -EINVAL;
        s = skip_space(s);
        const char *end = skip_decimal(*s == '+' || *s == '-' ? s + 1 : s);
        if (end)
                end = skip_exponent(end);
        if (!end || *skip_space(end) != '\0')
                return -EINVAL;
        return to_double(s, ret);
}

static char ascii_lower(char c)
{
        return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

/* Skips "K", "KB", "KiB", "B" or nothing at s; *ret_factor gets what the number is to be multiplied
 * by. */
static const char *skip_unit(const char *s, double *ret_factor)
{
        static const char units[] = "kmgtp";
        double factor = 1;
        const char *unit = *s ? strchr(units, ascii_lower(*s)) : NULL;
        if (unit) {
                for (const char *u = units; u <= unit; u++)
                        factor *= 1024;
                s++;
                if (ascii_lower(s[0]) == 'i' && ascii_lower(s[1]) == 'b')
                        s++;
        }
        if (ascii_lower(*s) == 'b')
                s++;
        *ret_factor = factor;
        return s;
}

int parse_size_z(const char *s, double *ret)
{
        if (!s)
                return -EINVAL;
        s = skip_space(s);
        const char *end = skip_decimal(s);
        if (!end)
                return -EINVAL;
        double v, factor;
        end = skip_unit(end, &factor);
        if (*skip_space(end) != '\0')
                return -EINVAL;
        int r = to_double(s, &v);
        if (r < 0)
                return r;
        if (!isfinite(v * factor))
                return -EINVAL;
        *ret = v * factor;
        return 0;
}

/* --- numbers out ----------------------------------------------------------------------------- */

/* Printed as integers: the decimal point of printf's %f would follow the locale. */
static uint64_t rounded(double v)
{
        return (uint64_t)(v + 0.5);
}

static const char *format_unknown(char *buf)
{
        memcpy(buf, "-", 2);
        return buf;
}

/* Writes v, which is one or more of units[0], with three digits; from 1000 on (or what would be
 * rounded to it) the next unit is taken. */
static const char *format_scaled(char *buf, double v, double base, const char *units)
{
        while (v >= 999.5 && units[1]) {
                v /= base;
                units++;
        }
        if (v < 9.995) {
                uint64_t n = rounded(v * 100);
                snprintf(buf, NUMBER_MAX, "%u.%02u%c", (unsigned)(n / 100), (unsigned)(n % 100),
                         *units);
        } else if (v < 99.95) {
                uint64_t n = rounded(v * 10);
                snprintf(buf, NUMBER_MAX, "%u.%u%c", (unsigned)(n / 10), (unsigned)(n % 10),
                         *units);
        } else {
                snprintf(buf, NUMBER_MAX, "%u%c", (unsigned)rounded(v), *units);
        }
        return buf;
}

const char *format_bytes(char buf[static NUMBER_MAX], double bytes)
{
        /* Above 2^66 no counter of the kernel can be: not a number of bytes. Catches nan, too. */
        if (!(bytes >= 0 && bytes < 0x1p66))
                return format_unknown(buf);
        if (bytes >= 1023.5)
                return format_scaled(buf, bytes / 1024, 1024, "KMGTP");
        snprintf(buf, NUMBER_MAX, "%u", (unsigned)rounded(bytes));
        return buf;
}

const char *format_percent(char buf[static NUMBER_MAX], double percent)
{
        if (!(percent >= 0 && percent < 1e12))
                return format_unknown(buf);
        uint64_t tenths = rounded(percent * 10);
        if (tenths < 1000)
                snprintf(buf, NUMBER_MAX, "%u.%u", (unsigned)(tenths / 10),
                         (unsigned)(tenths % 10));
        else
                snprintf(buf, NUMBER_MAX, "%" PRIu64, rounded(percent));
        return buf;
}

const char *format_count(char buf[static NUMBER_MAX], uint64_t n)
{
        if (n >= 1000)
                return format_scaled(buf, (double)n / 1000, 1000, "kMGTPE");
        snprintf(buf, NUMBER_MAX, "%u", (unsigned)n);
        return buf;
}

const char *format_age(char buf[static NUMBER_MAX], uint64_t seconds)
{
        uint64_t minutes = seconds / 60, hours = minutes / 60, days = hours / 24;
        if (seconds < 60)
                snprintf(buf, NUMBER_MAX, "%us", (unsigned)seconds);
        else if (minutes < 60)
                snprintf(buf, NUMBER_MAX, "%um", (unsigned)minutes);
        else if (hours < 24)
                snprintf(buf, NUMBER_MAX, "%uh%02u", (unsigned)hours, (unsigned)(minutes % 60));
        else if (days < 100)
                snprintf(buf, NUMBER_MAX, "%ud%02uh", (unsigned)days, (unsigned)(hours % 24));
        else if (days < 1000000)
                snprintf(buf, NUMBER_MAX, "%ud", (unsigned)days);
        else
                return format_unknown(buf);
        return buf;
}

/* --- systemd names ---------------------------------------------------------------------------- */

static int hex_digit(char c)
{
        c = ascii_lower(c);
        if (is_digit(c))
                return c - '0';
        return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The byte that "\xNN" at s stands for, or -EINVAL; a NUL would cut the name short. */
static int unescape_byte(const char *s, size_t n)
{
        if (n < 4 || s[0] != '\\' || s[1] != 'x')
                return -EINVAL;
        int high = hex_digit(s[2]), low = hex_digit(s[3]);
        if (high < 0 || low < 0 || (high | low) == 0)
                return -EINVAL;
        return high << 4 | low;
}

char *unit_unescape(const char *s, size_t n, bool dash_is_slash)
{
        _cleanup_str_ struct str raw = STR_INIT;
        /* One character more than what is kept, so that the cut below sees it whole. */
        for (size_t i = 0; i < n && s[i] != '\0' && raw.len < CLEAN_MAX + 4;) {
                int byte = unescape_byte(s + i, n - i);
                if (byte >= 0) {
                        str_addc(&raw, (char)byte);
                        i += 4;
                        continue;
                }
                str_addc(&raw, dash_is_slash && s[i] == '-' ? '/' : s[i]);
                i++;
        }
        return str_clean(str_get(&raw), raw.len, CLEAN_MAX);
}
