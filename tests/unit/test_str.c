/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <float.h>
#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/str.h"

#define R "\xef\xbf\xbd" /* U+FFFD */
#define E "\xe2\x80\xa6" /* U+2026 */

/* Bytes in a block of exactly their size, so that a sanitizer sees a read beyond them. */
static char *exact(const void *bytes, size_t n)
{
        char *p = xmalloc(n);
        memcpy(p, bytes, n);
        return p;
}

static void test_buffer(void **state)
{
        (void)state;
        _cleanup_str_ struct str s = STR_INIT;
        assert_string_equal(str_get(&s), "");
        str_add(&s, "");
        str_addn(&s, "x", 0);
        str_addf(&s, "%s", "");
        str_pad(&s, ' ', 0);
        assert_null(s.p);

        str_add(&s, "ab");
        str_addc(&s, 'c');
        str_addn(&s, "defgh", 2);
        str_addf(&s, "-%d-%s", 42, "z");
        str_pad(&s, '.', 3);
        assert_string_equal(str_get(&s), "abcde-42-z...");
        assert_int_equal(s.len, 13);

        str_clear(&s);
        assert_int_equal(s.len, 0);
        assert_string_equal(str_get(&s), "");
        str_add(&s, "again");
        assert_string_equal(str_get(&s), "again");

        str_clear(&s);
        str_addn(&s, "a\0b", 3);
        assert_int_equal(s.len, 3);
        assert_memory_equal(s.p, "a\0b", 4);
}

static void test_buffer_grows(void **state)
{
        (void)state;
        _cleanup_str_ struct str s = STR_INIT;
        for (unsigned i = 0; i < 10000; i++)
                str_addf(&s, "%04u,", i);
        assert_int_equal(s.len, 50000);
        assert_int_equal(strlen(str_get(&s)), 50000);
        assert_memory_equal(s.p + 5 * 1234, "1234,", 5);
        assert_string_equal(s.p + 5 * 9999, "9999,");
}

static void test_take(void **state)
{
        (void)state;
        struct str s = STR_INIT;
        _cleanup_free_ char *nothing = str_take(&s);
        assert_string_equal(nothing, "");
        str_add(&s, "text");
        _cleanup_free_ char *text = str_take(&s);
        assert_string_equal(text, "text");
        assert_null(s.p);
        assert_int_equal(s.len, 0);
        assert_int_equal(s.cap, 0);
        str_done(&s);
        str_done(&s);
}

static void test_clean(void **state)
{
        (void)state;
        static const struct {
                const char *in;
                size_t n, max;
                const char *out;
        } cases[] = {
#define ALL(text) text, sizeof(text) - 1, 4096
                {ALL(""), ""},
                {ALL("plain-1_2.x"), "plain-1_2.x"},
                {ALL("na\xc3\xafve \xe4\xb8\xad\xe6\x96\x87 \xf0\x9f\x90\xb3"),
                 "na\xc3\xafve \xe4\xb8\xad\xe6\x96\x87 \xf0\x9f\x90\xb3"},
                {ALL("stops\0here"), "stops"},
                {"not all of it", 3, 4096, "not"},
                {ALL("\x1b[2Jboo"), R "[2Jboo"},
                {ALL("a\tb\nc\rd\x7f"
                     "e"),
                 "a" R "b" R "c" R "d" R "e"},
                {ALL("\x01\x1f "), R R " "},
                /* C1 as characters: NEL and CSI; U+00A0 is no control character */
                {ALL("\xc2\x85\xc2\x9b"
                     "31m\xc2\x9f\xc2\xa0"),
                 R R "31m" R "\xc2\xa0"},
                /* C1 as single bytes */
                {ALL("\x9b"
                     "31m"),
                 R "31m"},
                /* line and paragraph separator; their neighbours stay */
                {ALL("\xe2\x80\xa7|\xe2\x80\xa8|\xe2\x80\xa9|\xe2\x80\xaf"),
                 "\xe2\x80\xa7|" R "|" R "|\xe2\x80\xaf"},
                /* U+202A..U+202E */
                {ALL("\xe2\x80\xaa\xe2\x80\xab\xe2\x80\xac\xe2\x80\xad\xe2\x80\xaegpj"),
                 R R R R R "gpj"},
                /* U+2065, U+2066..U+2069, U+206A */
                {ALL("\xe2\x81\xa5|\xe2\x81\xa6\xe2\x81\xa7\xe2\x81\xa8\xe2\x81\xa9|\xe2\x81\xaa"),
                 "\xe2\x81\xa5|" R R R R "|\xe2\x81\xaa"},
                /* overlong: '/' in 2, 3 and 4 bytes, NUL in 2, the last below 3 and 4 bytes */
                {ALL("\xc0\xaf"), R R},
                {ALL("\xc1\xbf"), R R},
                {ALL("\xe0\x80\xaf"), R R R},
                {ALL("\xf0\x80\x80\xaf"), R R R R},
                {ALL("\xc0\x80x"), R R "x"},
                {ALL("\xe0\x9f\xbf"), R R R},
                {ALL("\xf0\x8f\xbf\xbf"), R R R R},
                /* the first that are not overlong: U+0800, U+10000 */
                {ALL("\xe0\xa0\x80\xf0\x90\x80\x80"), "\xe0\xa0\x80\xf0\x90\x80\x80"},
                /* surrogates, alone and as a pair; U+D7FF and U+E000 are none */
                {ALL("\xed\xa0\x80"), R R R},
                {ALL("\xed\xbf\xbf"), R R R},
                {ALL("\xed\xa0\xbd\xed\xb0\x80"), R R R R R R},
                {ALL("\xed\x9f\xbf\xee\x80\x80"), "\xed\x9f\xbf\xee\x80\x80"},
                /* U+10FFFF, U+110000, five and six bytes, never bytes */
                {ALL("\xf4\x8f\xbf\xbf"), "\xf4\x8f\xbf\xbf"},
                {ALL("\xf4\x90\x80\x80"), R R R R},
                {ALL("\xf5\x80\x80\x80"), R R R R},
                {ALL("\xf8\x88\x80\x80\x80"), R R R R R},
                {ALL("\xfe\xff"), R R},
                /* truncated, at the end and before another character */
                {ALL("\xc3"), R},
                {ALL("\xe4\xb8"), R R},
                {ALL("\xf0\x9f\x90"), R R R},
                {ALL("\xe4\xb8x"), R R "x"},
                {ALL("\xf0\x9f\xc3\xa9"), R R "\xc3\xa9"},
                {ALL("\xe4\xb8\0\xad"), R R},
                {"\xe4\xb8\xad", 2, 4096, R R},
                /* lone continuation bytes */
                {ALL("\x80\xbf"), R R},
                /* max counts bytes and cuts at a character */
                {"abcdef", 6, 4, "abcd"},
                {"abcdef", 6, 6, "abcdef"},
                {"abcdef", 6, 0, ""},
                {"a\xe4\xb8\xad", 4, 3, "a"},
                {"a\xe4\xb8\xad", 4, 4, "a\xe4\xb8\xad"},
                {"a\xf0\x9f\x90\xb3z", 6, 4, "a"},
                {"a\x1bz", 3, 3, "a"},
                {"a\x1bz", 3, 4, "a" R},
                /* nothing is taken from behind the cut */
                {"\xf0\x9f\x90\xb3z", 5, 3, ""},
#undef ALL
        };
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_free_ char *in = exact(cases[i].in, cases[i].n);
                _cleanup_free_ char *out = str_clean(in, cases[i].n, cases[i].max);
                if (!streq(out, cases[i].out))
                        fail_msg("case %zu: got \"%s\", not \"%s\"", i, out, cases[i].out);
        }
}

static void test_clean_z(void **state)
{
        (void)state;
        assert_null(str_clean_z(NULL));
        _cleanup_free_ char *text = str_clean_z("a\nb");
        assert_string_equal(text, "a" R "b");

        _cleanup_str_ struct str big = STR_INIT;
        str_pad(&big, '\x1b', 1 << 20);
        _cleanup_free_ char *cut = str_clean_z(big.p);
        assert_int_equal(strlen(cut), 4095); /* 1365 whole replacements */
        str_clear(&big);
        str_pad(&big, 'x', 1 << 20);
        _cleanup_free_ char *plain = str_clean_z(big.p);
        assert_int_equal(strlen(plain), 4096);
}

static size_t encode(char *p, uint32_t cp)
{
        if (cp < 0x80) {
                p[0] = (char)cp;
                return 1;
        }
        size_t len = cp < 0x800 ? 2 : cp < 0x10000 ? 3 : 4;
        static const unsigned char lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
        for (size_t i = len - 1; i > 0; i--, cp >>= 6)
                p[i] = (char)(0x80 | (cp & 0x3f));
        p[0] = (char)(lead[len] | cp);
        return len;
}

static void test_decode_every_character(void **state)
{
        (void)state;
        for (uint32_t cp = 0; cp <= 0x110000; cp++) {
                char buf[4];
                size_t n = encode(buf, cp);
                uint32_t got = 0xabcdef;
                size_t len = utf8_decode(buf, n, &got);
                bool valid = cp <= 0x10ffff && !(cp >= 0xd800 && cp <= 0xdfff);
                if (len != (valid ? n : 0) || got != (valid ? cp : 0xabcdef))
                        fail_msg("U+%04X: length %zu, U+%04X", (unsigned)cp, len, (unsigned)got);
                if (n > 1 && utf8_decode(buf, n - 1, &got) != 0)
                        fail_msg("U+%04X: truncated, but taken", (unsigned)cp);
        }
        uint32_t got = 7;
        assert_int_equal(utf8_decode("", 0, &got), 0);
        assert_int_equal(got, 7);
}

static void test_width(void **state)
{
        (void)state;
        static const struct {
                const char *text;
                size_t width;
        } cases[] = {
                {"", 0},
                {"abc", 3},
                {"na\xc3\xafve", 5},
                {"e\xcc\x81", 1},
                {"\xe4\xb8\xad\xe6\x96\x87", 4},
                {"\xf0\x9f\x90\xb3", 2},
                {R, 1},
                {"\xee\x80\x80", 1}, /* private use */
                {"\xf4\x8f\xbf\xbf", 1},
                {"\x1b", 1}, /* not cleaned, but nothing bad happens */
                {"\xff\xfe", 2},
                {"a\xe4\xb8", 3},
        };
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
                if (str_width(cases[i].text) != cases[i].width)
                        fail_msg("case %zu: width %zu, not %zu", i, str_width(cases[i].text),
                                 cases[i].width);
}

static void test_width_without_utf8(void **state)
{
        (void)state;
        assert_non_null(setlocale(LC_CTYPE, "C"));
        size_t wide = str_width("\xe4\xb8\xad\xe6\x96\x87"), marked = str_width("e\xcc\x81");
        setlocale(LC_CTYPE, "C.UTF-8");
        assert_int_equal(wide, 2);
        assert_int_equal(marked, 2);
}

static void test_cell(void **state)
{
        (void)state;
        static const struct {
                const char *text;
                size_t width;
                const char *left, *right, *ascii;
        } cases[] = {
                {"abc", 0, "", "", ""},
                {"abc", 5, "abc  ", "  abc", "abc  "},
                {"abc", 3, "abc", "abc", "abc"},
                {"", 2, "  ", "  ", "  "},
                {"abcd", 3, "a" E "d", "a" E "d", "a~d"},
                {"abcdefgh", 4, "ab" E "h", "ab" E "h", "ab~h"},
                {"abcdefgh", 2, "a" E, "a" E, "a~"},
                {"abcdefgh", 1, E, E, "~"},
                {"", 0, "", "", ""},
                /* wide: two columns each, never half of one */
                {"\xe4\xb8\xad\xe6\x96\x87", 5, "\xe4\xb8\xad\xe6\x96\x87 ",
                 " \xe4\xb8\xad\xe6\x96\x87", "\xe4\xb8\xad\xe6\x96\x87 "},
                {"\xe4\xb8\xad\xe6\x96\x87\xe5\xad\x97", 5, "\xe4\xb8\xad" E "\xe5\xad\x97",
                 "\xe4\xb8\xad" E "\xe5\xad\x97", "\xe4\xb8\xad~\xe5\xad\x97"},
                {"\xe4\xb8\xad\xe6\x96\x87\xe5\xad\x97", 4, "\xe4\xb8\xad" E " ", " \xe4\xb8\xad" E,
                 "\xe4\xb8\xad~ "},
                {"\xe4\xb8\xad\xe6\x96\x87", 2, E " ", " " E, "~ "},
                {"\xe4\xb8\xad", 1, E, E, "~"},
                /* marks stay with their base, on both sides of the cut */
                {"e\xcc\x81", 3, "e\xcc\x81  ", "  e\xcc\x81", "e\xcc\x81  "},
                {"a\xcc\x81"
                 "b\xcc\x81"
                 "c\xcc\x81"
                 "d\xcc\x81",
                 3, "a\xcc\x81" E "d\xcc\x81", "a\xcc\x81" E "d\xcc\x81", "a\xcc\x81~d\xcc\x81"},
                {"abcd\xcc\x81\xcc\x82", 2, "a" E, "a" E, "a~"},
                {"\xe4\xb8\xad\xcc\x81xyz", 4, "\xe4\xb8\xad\xcc\x81" E "z",
                 "\xe4\xb8\xad\xcc\x81" E "z", "\xe4\xb8\xad\xcc\x81~z"},
        };
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_str_ struct str left = STR_INIT, right = STR_INIT, ascii = STR_INIT;
                str_add_cell(&left, cases[i].text, cases[i].width, false, false);
                str_add_cell(&right, cases[i].text, cases[i].width, true, false);
                str_add_cell(&ascii, cases[i].text, cases[i].width, false, true);
                if (!streq(str_get(&left), cases[i].left) ||
                    !streq(str_get(&right), cases[i].right) ||
                    !streq(str_get(&ascii), cases[i].ascii))
                        fail_msg("case %zu: got \"%s\", \"%s\", \"%s\"", i, str_get(&left),
                                 str_get(&right), str_get(&ascii));
        }
}

/* Whatever the text, a cell has exactly its width and whole characters. */
static void test_cell_any(void **state)
{
        (void)state;
        static const char *const parts[] = {
                "a",       "-", "\xe4\xb8\xad", "\xcc\x81", "\xf0\x9f\x90\xb3", R, "\xe2\x80\x8d",
                "\xc3\xa9"};
        uint32_t seed = 1;
        for (unsigned round = 0; round < 20000; round++) {
                _cleanup_str_ struct str text = STR_INIT, cell = STR_INIT;
                size_t n = round % 17, width = round / 17 % 13;
                for (size_t i = 0; i < n; i++) {
                        seed = seed * 1664525 + 1013904223;
                        str_add(&text, parts[(seed >> 16) % ARRAY_SIZE(parts)]);
                }
                str_add(&cell, "|");
                str_add_cell(&cell, str_get(&text), width, round & 1, round & 2);
                _cleanup_free_ char *clean = str_clean_z(cell.p);
                assert_string_equal(clean, cell.p);
                if (str_width(cell.p) != width + 1)
                        fail_msg("\"%s\" in %zu columns: \"%s\"", str_get(&text), width, cell.p);
        }
}

static void test_parse_u64(void **state)
{
        (void)state;
        static const struct {
                const char *text;
                int r;
                uint64_t v;
        } cases[] = {
                {"0", 1, 0},
                {"007", 3, 7},
                {"12 34", 2, 12},
                {"12kB", 2, 12},
                {"18446744073709551615", 20, UINT64_MAX},
                {"0000000000000000000000018446744073709551615", 43, UINT64_MAX},
                {"18446744073709551616", -ERANGE, 0},
                {"18446744073709551620", -ERANGE, 0},
                {"99999999999999999999999999", -ERANGE, 0},
                {"", -EINVAL, 0},
                {" 1", -EINVAL, 0},
                {"-1", -EINVAL, 0},
                {"+1", -EINVAL, 0},
                {"max", -EINVAL, 0},
                {"\xd9\xa1", -EINVAL, 0}, /* an arabic digit */
        };
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                size_t n = strlen(cases[i].text);
                _cleanup_free_ char *text = exact(cases[i].text, n);
                uint64_t v = 4711;
                int r = parse_u64(text, text + n, &v);
                if (r != cases[i].r || v != (r < 0 ? 4711 : cases[i].v))
                        fail_msg("\"%s\": %d", cases[i].text, r);
        }
        uint64_t v = 4711;
        const char *digits = "123456";
        assert_int_equal(parse_u64(digits, digits + 3, &v), 3);
        assert_int_equal(v, 123);
}

static void test_parse_u64_z(void **state)
{
        (void)state;
        static const struct {
                const char *text;
                int r;
                uint64_t v;
        } cases[] = {
                {"42", 0, 42},
                {" \t42\n", 0, 42},
                {"18446744073709551615\n", 0, UINT64_MAX},
                {"18446744073709551616", -ERANGE, 0},
                {"", -EINVAL, 0},
                {" \n", -EINVAL, 0},
                {"max\n", -EINVAL, 0},
                {"4 2", -EINVAL, 0},
                {"42x", -EINVAL, 0},
                {"0x10", -EINVAL, 0},
                {"-1", -EINVAL, 0},
                {"1.0", -EINVAL, 0},
                {NULL, -EINVAL, 0},
        };
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                uint64_t v = 4711;
                int r = parse_u64_z(cases[i].text, &v);
                if (r != cases[i].r || v != (r < 0 ? 4711 : cases[i].v))
                        fail_msg("\"%s\": %d", cases[i].text, r);
        }
}

struct double_case {
        const char *text;
        int r;
        double v;
};

static void check_doubles(int (*parse)(const char *, double *), const struct double_case *c,
                          size_t n)
{
        for (size_t i = 0; i < n; i++) {
                double v = 4711;
                int r = parse(c[i].text, &v);
                double want = r < 0 ? 4711 : c[i].v;
                if (r != c[i].r || v < want || v > want)
                        fail_msg("\"%s\": %d, %g", c[i].text, r, v);
        }
}

static const struct double_case double_cases[] = {
        {"0", 0, 0},
        {"1.5", 0, 1.5},
        {"-1.5", 0, -1.5},
        {"+2", 0, 2},
        {".5", 0, 0.5},
        {"5.", 0, 5},
        {"1e3", 0, 1000},
        {"1.25E-2", 0, 0.0125},
        {" 0.20\n", 0, 0.2},
        {"1e308", 0, 1e308},
        {"1e-999", 0, 0},
        {"1e309", -EINVAL, 0},
        {"-1e309", -EINVAL, 0},
        {"1e99999999999999999999", -EINVAL, 0},
        {"", -EINVAL, 0},
        {" ", -EINVAL, 0},
        {".", -EINVAL, 0},
        {"-", -EINVAL, 0},
        {"--1", -EINVAL, 0},
        {"- 1", -EINVAL, 0},
        {"1,5", -EINVAL, 0},
        {"1.5.2", -EINVAL, 0},
        {"1e", -EINVAL, 0},
        {"1e+", -EINVAL, 0},
        {"e5", -EINVAL, 0},
        {"inf", -EINVAL, 0},
        {"-Infinity", -EINVAL, 0},
        {"nan", -EINVAL, 0},
        {"nan(1)", -EINVAL, 0},
        {"0x10", -EINVAL, 0},
        {"0x1p3", -EINVAL, 0},
        {"1 2", -EINVAL, 0},
        {"1%", -EINVAL, 0},
        {NULL, -EINVAL, 0},
};

static void test_parse_double(void **state)
{
        (void)state;
        check_doubles(parse_double_z, double_cases, ARRAY_SIZE(double_cases));
}

static void test_parse_size(void **state)
{
        (void)state;
        static const struct double_case cases[] = {
                {"0", 0, 0},
                {"100", 0, 100},
                {"100B", 0, 100},
                {"2k", 0, 2048},
                {"2K", 0, 2048},
                {"512M", 0, 512.0 * 1024 * 1024},
                {"1.5G", 0, 1.5 * 1024 * 1024 * 1024},
                {"1.5GB", 0, 1.5 * 1024 * 1024 * 1024},
                {"1.5GiB", 0, 1.5 * 1024 * 1024 * 1024},
                {" .5m\n", 0, 512.0 * 1024},
                {"3T", 0, 3 * 0x1p40},
                {"1P", 0, 0x1p50},
                {"", -EINVAL, 0},
                {"G", -EINVAL, 0},
                {".G", -EINVAL, 0},
                {"-1", -EINVAL, 0},
                {"+1", -EINVAL, 0},
                {"1.5Gi", -EINVAL, 0},
                {"1iB", -EINVAL, 0},
                {"1GBB", -EINVAL, 0},
                {"1KM", -EINVAL, 0},
                {"1 K 2", -EINVAL, 0},
                {"1x", -EINVAL, 0},
                {"1,5G", -EINVAL, 0},
                {"0x10", -EINVAL, 0},
                {"inf", -EINVAL, 0},
                {"nan", -EINVAL, 0},
                {NULL, -EINVAL, 0},
        };
        check_doubles(parse_size_z, cases, ARRAY_SIZE(cases));

        _cleanup_str_ struct str big = STR_INIT;
        double v = 4711;
        str_pad(&big, '9', 5000);
        assert_int_equal(parse_size_z(big.p, &v), -EINVAL);
        assert_int_equal(parse_double_z(big.p, &v), -EINVAL);
        str_clear(&big);
        str_pad(&big, '9', 308); /* finite, but not after times 2^50 */
        str_add(&big, "P");
        assert_int_equal(parse_size_z(big.p, &v), -EINVAL);
        assert_true(v >= 4711 && v <= 4711);
}

struct format_case {
        double v;
        const char *text;
};

static void check_formats(const char *(*format)(char *, double), const struct format_case *c,
                          size_t n)
{
        for (size_t i = 0; i < n; i++) {
                char *buf = xmalloc(NUMBER_MAX);
                const char *got = format(buf, c[i].v);
                bool same = got == buf && streq(got, c[i].text);
                if (!same)
                        fail_msg("%.17g: \"%s\", not \"%s\"", c[i].v, got, c[i].text);
                free(buf);
        }
}

#define K 1024.0
#define M (K * K)
#define G (K * M)
#define T (K * G)
#define P (K * T)

static const struct format_case byte_cases[] = {
        {0, "0"},
        {-0.0, "0"},
        {0.4, "0"},
        {1, "1"},
        {512, "512"},
        {999, "999"},
        {1023, "1023"},
        {1023.7, "1.00K"},
        {1024, "1.00K"},
        {1.2 * G, "1.20G"},
        {9.99 * K, "9.99K"},
        {9.996 * K, "10.0K"},
        {98 * M, "98.0M"},
        {99.94 * M, "99.9M"},
        {99.96 * M, "100M"},
        {412 * M, "412M"},
        {999 * M, "999M"},
        {999.6 * M, "0.98G"},
        {1000 * M, "0.98G"},
        {1023 * M, "1.00G"},
        {1023 * K, "1.00M"},
        {1024 * M, "1.00G"},
        {2.5 * T, "2.50T"},
        {999 * P, "999P"},
        {1023 * P, "1023P"},
        {18446744073709551615.0, "16384P"},
        {-1, "-"},
        {-0.001, "-"},
        {NAN, "-"},
        {INFINITY, "-"},
        {-INFINITY, "-"},
        {DBL_MAX, "-"},
};

static const struct format_case percent_cases[] = {
        {0, "0.0"},     {-0.0, "0.0"},  {0.04, "0.0"},   {0.06, "0.1"},   {1.5, "1.5"},
        {98.4, "98.4"}, {99.9, "99.9"}, {99.94, "99.9"}, {99.96, "100"},  {100, "100"},
        {100.4, "100"}, {412.6, "413"}, {999, "999"},    {1000, "1000"},  {1234.4, "1234"},
        {6400, "6400"}, {-0.1, "-"},    {NAN, "-"},      {INFINITY, "-"}, {-INFINITY, "-"},
        {DBL_MAX, "-"},
};

static const char *bytes_of(char *buf, double v)
{
        return format_bytes(buf, v);
}

static const char *percent_of(char *buf, double v)
{
        return format_percent(buf, v);
}

static void test_format_bytes(void **state)
{
        (void)state;
        check_formats(bytes_of, byte_cases, ARRAY_SIZE(byte_cases));
}

static void test_format_percent(void **state)
{
        (void)state;
        check_formats(percent_of, percent_cases, ARRAY_SIZE(percent_cases));
}

/* What is below the end of the units fits five columns. */
static void test_format_bytes_narrow(void **state)
{
        (void)state;
        for (double v = 1; v < 999 * P; v *= 1.0007) {
                char buf[NUMBER_MAX];
                if (strlen(format_bytes(buf, v)) > 5)
                        fail_msg("%.17g: \"%s\"", v, buf);
        }
}

static void check_integers(const char *(*format)(char *, uint64_t), uint64_t v, const char *want)
{
        char *buf = xmalloc(NUMBER_MAX);
        const char *got = format(buf, v);
        if (!streq(got, want))
                fail_msg("%llu: \"%s\", not \"%s\"", (unsigned long long)v, got, want);
        free(buf);
}

static const char *count_of(char *buf, uint64_t v)
{
        return format_count(buf, v);
}

static const char *age_of(char *buf, uint64_t v)
{
        return format_age(buf, v);
}

static void test_format_count(void **state)
{
        (void)state;
        static const struct {
                uint64_t v;
                const char *text;
        } cases[] = {
                {0, "0"},
                {23, "23"},
                {999, "999"},
                {1000, "1.00k"},
                {12300, "12.3k"},
                {12345, "12.3k"},
                {999499, "999k"},
                {999500, "1.00M"},
                {1000000, "1.00M"},
                {4500000000, "4.50G"},
                {7000000000000, "7.00T"},
                {UINT64_MAX, "18.4E"},
        };
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
                check_integers(count_of, cases[i].v, cases[i].text);
}

static void test_format_age(void **state)
{
        (void)state;
        static const struct {
                uint64_t v;
                const char *text;
        } cases[] = {
                {0, "0s"},
                {9, "9s"},
                {59, "59s"},
                {60, "1m"},
                {12 * 60 + 59, "12m"},
                {3599, "59m"},
                {3600, "1h00"},
                {3 * 3600 + 4 * 60, "3h04"},
                {86399, "23h59"},
                {86400, "1d00h"},
                {3 * 86400 + 4 * 3600 + 59, "3d04h"},
                {99 * 86400 + 23 * 3600, "99d23h"},
                {100 * 86400, "100d"},
                {19000ull * 86400, "19000d"},
                {UINT64_MAX, "-"}, /* a start time from another clock, not an age */
        };
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
                check_integers(age_of, cases[i].v, cases[i].text);
}

/* A locale with a decimal comma must change neither what is read nor what is written. */
static void test_numbers_with_comma_locale(void **state)
{
        (void)state;
        if (!setlocale(LC_NUMERIC, "de_DE.UTF-8"))
                skip();
        check_doubles(parse_double_z, double_cases, ARRAY_SIZE(double_cases));
        check_formats(bytes_of, byte_cases, ARRAY_SIZE(byte_cases));
        check_formats(percent_of, percent_cases, ARRAY_SIZE(percent_cases));
        setlocale(LC_NUMERIC, "C");
}

static void test_unescape(void **state)
{
        (void)state;
        static const struct {
                const char *in, *plain, *path;
        } cases[] = {
                {"", "", ""},
                {"web", "web", "web"},
                {"my\\x2dweb", "my-web", "my-web"},
                {"srv-my\\x2dweb", "srv-my-web", "srv/my-web"},
                {"-", "-", "/"},
                {"caf\\xc3\\xa9", "caf\xc3\xa9", "caf\xc3\xa9"},
                {"a\\x2Db\\x2db", "a-b-b", "a-b-b"},
                {"back\\x5cslash", "back\\slash", "back\\slash"},
                /* what comes out is not undone again */
                {"\\x5cx2d", "\\x2d", "\\x2d"},
                /* broken stays */
                {"\\", "\\", "\\"},
                {"\\x", "\\x", "\\x"},
                {"\\x2", "\\x2", "\\x2"},
                {"\\xzz", "\\xzz", "\\xzz"},
                {"\\x2g-", "\\x2g-", "\\x2g/"},
                {"\\\\x2d", "\\-", "\\-"},
                {"\\X2d", "\\X2d", "\\X2d"},
                {"a\\x00b", "a\\x00b", "a\\x00b"},
                /* and it is cleaned */
                {"\\x1b[2J", R "[2J", R "[2J"},
                {"\\xff\\x0a", R R, R R},
                {"\xff\n", R R, R R},
        };
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                size_t n = strlen(cases[i].in);
                _cleanup_free_ char *in = exact(cases[i].in, n);
                _cleanup_free_ char *plain = unit_unescape(in, n, false);
                _cleanup_free_ char *path = unit_unescape(in, n, true);
                if (!streq(plain, cases[i].plain) || !streq(path, cases[i].path))
                        fail_msg("case %zu: got \"%s\" and \"%s\"", i, plain, path);
        }
        _cleanup_free_ char *part = unit_unescape("a\\x2db", 4, false);
        assert_string_equal(part, "a\\x2");

        _cleanup_str_ struct str big = STR_INIT;
        for (unsigned i = 0; i < 100000; i++)
                str_add(&big, "\\x2d");
        _cleanup_free_ char *cut = unit_unescape(big.p, big.len, false);
        assert_int_equal(strlen(cut), 4096);
        assert_int_equal(strspn(cut, "-"), 4096);
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_buffer),
                cmocka_unit_test(test_buffer_grows),
                cmocka_unit_test(test_take),
                cmocka_unit_test(test_clean),
                cmocka_unit_test(test_clean_z),
                cmocka_unit_test(test_decode_every_character),
                cmocka_unit_test(test_width),
                cmocka_unit_test(test_width_without_utf8),
                cmocka_unit_test(test_cell),
                cmocka_unit_test(test_cell_any),
                cmocka_unit_test(test_parse_u64),
                cmocka_unit_test(test_parse_u64_z),
                cmocka_unit_test(test_parse_double),
                cmocka_unit_test(test_parse_size),
                cmocka_unit_test(test_format_bytes),
                cmocka_unit_test(test_format_percent),
                cmocka_unit_test(test_format_bytes_narrow),
                cmocka_unit_test(test_format_count),
                cmocka_unit_test(test_format_age),
                cmocka_unit_test(test_numbers_with_comma_locale),
                cmocka_unit_test(test_unescape),
        };
        if (!setlocale(LC_CTYPE, "C.UTF-8")) {
                fputs("no locale C.UTF-8\n", stderr);
                return 1;
        }
        return cmocka_run_group_tests(tests, NULL, NULL);
}
