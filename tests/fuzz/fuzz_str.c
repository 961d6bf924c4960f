/* SPDX-License-Identifier: MIT */

/*
 * Foreign bytes through the cleaner, the unit names, the cells and the number parsers. The check
 * of UTF-8 here is written apart from utf8_decode(), so that a fault there does not hide itself.
 */

#include <locale.h>
#include <math.h>

#include "base/mem.h"
#include "base/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(x)                                                                                   \
        do {                                                                                       \
                if (!(x))                                                                          \
                        die("line %d: %s", __LINE__, #x);                                          \
        } while (0)

static bool within(unsigned char c, unsigned first, unsigned last)
{
        return c >= first && c <= last;
}

/* Length of the well-formed sequence at p, after table 3-7 of the Unicode Standard, or 0. */
static size_t well_formed(const unsigned char *p)
{
        static const struct {
                unsigned char first, last, second_first, second_last, len;
        } rows[] = {
                {0x00, 0x7f, 0, 0, 1},       {0xc2, 0xdf, 0x80, 0xbf, 2},
                {0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3},
                {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
                {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4},
                {0xf4, 0xf4, 0x80, 0x8f, 4},
        };
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                if (!within(p[0], rows[i].first, rows[i].last))
                        continue;
                if (rows[i].len > 1 && !within(p[1], rows[i].second_first, rows[i].second_last))
                        return 0;
                for (size_t k = 2; k < rows[i].len; k++)
                        if (!within(p[k], 0x80, 0xbf))
                                return 0;
                return rows[i].len;
        }
        return 0;
}

static void check_clean(const char *text, size_t max)
{
        CHECK(strlen(text) <= max);
        for (const unsigned char *p = (const unsigned char *)text; *p;) {
                size_t len = well_formed(p);
                CHECK(len > 0);
                CHECK(*p >= 0x20 && *p != 0x7f);
                CHECK(!(p[0] == 0xc2 && p[1] < 0xa0));
                CHECK(!(len == 3 && p[0] == 0xe2 && p[1] == 0x80 && within(p[2], 0xa8, 0xae)));
                CHECK(!(len == 3 && p[0] == 0xe2 && p[1] == 0x81 && within(p[2], 0xa6, 0xa9)));
                p += len;
        }
        _cleanup_free_ char *again = str_clean(text, strlen(text), max);
        CHECK(streq(again, text));
}

static void check_cell(const char *text, size_t width, unsigned how)
{
        _cleanup_str_ struct str cell = STR_INIT;
        str_add_cell(&cell, text, width, how & 1, how & 2);
        CHECK(str_width(str_get(&cell)) == width);
        check_clean(str_get(&cell), cell.len);
}

static void check_numbers(const char *text, size_t n)
{
        uint64_t u;
        double d;
        char buf[NUMBER_MAX];
        int r = parse_u64(text, text + n, &u);
        CHECK(r < 0 || (size_t)r <= n);
        if (parse_u64_z(text, &u) >= 0) {
                CHECK(parse_double_z(text, &d) >= 0);
                CHECK(strlen(format_count(buf, u)) <= 5);
                CHECK(strlen(format_age(buf, u)) <= 7);
        }
        if (parse_double_z(text, &d) >= 0) {
                CHECK(isfinite(d));
                CHECK(strlen(format_percent(buf, d)) < NUMBER_MAX);
        }
        if (parse_size_z(text, &d) >= 0) {
                CHECK(isfinite(d) && d >= 0);
                CHECK(strlen(format_bytes(buf, d)) <= 6);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        if (size < 2)
                return 0;
        static bool ready;
        if (!ready && !setlocale(LC_CTYPE, "C.UTF-8"))
                die("no locale C.UTF-8");
        ready = true;

        size_t small = data[0];
        unsigned how = data[1];
        const char *bytes = (const char *)data + 2;
        size_t n = size - 2;
        _cleanup_free_ char *clean = str_clean(bytes, n, 4096);
        _cleanup_free_ char *cut = str_clean(bytes, n, small);
        _cleanup_free_ char *unit = unit_unescape(bytes, n, how & 4);
        check_clean(clean, 4096);
        check_clean(cut, small);
        check_clean(unit, 4096);
        CHECK(strncmp(clean, cut, strlen(cut)) == 0);
        check_cell(clean, small, how);

        /* The parsers get the bytes as they are, up to the first NUL. */
        _cleanup_free_ char *text = xmalloc(n + 1);
        memcpy(text, bytes, n);
        text[n] = '\0';
        check_numbers(text, strlen(text));
        _cleanup_free_ char *clean_z = str_clean_z(text);
        CHECK(streq(clean_z, clean));
        return 0;
}
