/* SPDX-License-Identifier: MIT */
#include "base/wire.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/mem.h"

struct pair {
        int32_t a;
        char b[5];
};

static const struct pair sample = {.a = -7, .b = "four"};

static void put_message(struct str *out)
{
        wire_put_u64(out, 0);
        wire_put_u64(out, UINT64_MAX);
        wire_put_str(out, "name");
        wire_put_str(out, "");
        wire_put_str(out, NULL);
        wire_put_bytes(out, &sample, sizeof(sample));
        wire_put_bytes(out, NULL, 0);
        wire_put_u64(out, 0x0123456789abcdef);
}

static void test_round_trip(void **state)
{
        (void)state;
        _cleanup_str_ struct str out = STR_INIT;
        struct pair got;
        put_message(&out);
        struct wire w = wire_of(out.p, out.len);
        assert_true(wire_get_u64(&w) == 0);
        assert_true(wire_get_u64(&w) == UINT64_MAX);
        assert_string_equal(wire_get_str(&w), "name");
        const char *empty = wire_get_str(&w);
        assert_non_null(empty);
        assert_string_equal(empty, "");
        assert_null(wire_get_str(&w));
        assert_true(wire_ok(&w));
        wire_get_bytes(&w, &got, sizeof(got));
        assert_memory_equal(&got, &sample, sizeof(got));
        wire_get_bytes(&w, NULL, 0);
        assert_true(wire_get_u64(&w) == 0x0123456789abcdef);
        assert_true(wire_ok(&w));
        assert_ptr_equal(w.p, w.end);

        assert_true(wire_get_u64(&w) == 0);
        assert_false(wire_ok(&w));
}

/* Every beginning of a good message is broken, and nothing behind it is read. */
static void test_truncated(void **state)
{
        (void)state;
        _cleanup_str_ struct str out = STR_INIT;
        put_message(&out);
        for (size_t n = 0; n < out.len; n++) {
                _cleanup_free_ char *part = xmalloc(n);
                memcpy(part, out.p, n);
                struct wire w = wire_of(part, n);
                struct pair got;
                (void)wire_get_u64(&w);
                (void)wire_get_u64(&w);
                for (int i = 0; i < 3; i++) {
                        const char *s = wire_get_str(&w);
                        assert_true(!s || streq(s, "name") || streq(s, ""));
                }
                wire_get_bytes(&w, &got, sizeof(got));
                assert_true(got.a == sample.a || got.a == 0);
                assert_true(wire_get_u64(&w) == 0);
                assert_false(wire_ok(&w));
        }
}

static void assert_stays_broken(struct wire *w)
{
        char bytes[4] = "abc";
        assert_false(wire_ok(w));
        assert_true(wire_get_u64(w) == 0);
        assert_null(wire_get_str(w));
        wire_get_bytes(w, bytes, sizeof(bytes));
        assert_memory_equal(bytes, "\0\0\0\0", 4);
        assert_false(wire_ok(w));
}

static void test_hostile_length(void **state)
{
        (void)state;
        /* Followed by "text", NUL, seven bytes more and another NUL. */
        static const struct {
                uint64_t n;
                const char *text;
        } cases[] = {
                {4, "text"},
                {3, NULL},
                {5, NULL},
                {12, NULL},
                {13, NULL},
                {14, NULL},
                {1 << 20, NULL},
                {INT64_MAX, NULL},
                {UINT64_MAX - 1, NULL},
                {UINT64_MAX - 13, NULL},
        };
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_str_ struct str out = STR_INIT;
                wire_put_u64(&out, cases[i].n);
                wire_put_bytes(&out, "text\0abcdefg", 13);
                _cleanup_free_ char *exact = xmalloc(out.len);
                memcpy(exact, out.p, out.len);
                struct wire w = wire_of(exact, out.len);
                const char *got = wire_get_str(&w);
                if (cases[i].text) {
                        assert_non_null(got);
                        assert_string_equal(got, cases[i].text);
                        assert_true(wire_ok(&w));
                        continue;
                }
                assert_null(got);
                assert_stays_broken(&w);
        }
}

static void test_broken_stays_broken(void **state)
{
        (void)state;
        _cleanup_str_ struct str out = STR_INIT;
        char big[64];
        wire_put_u64(&out, 1);
        wire_put_u64(&out, 2);
        struct wire w = wire_of(out.p, out.len);
        assert_true(wire_get_u64(&w) == 1);
        memset(big, 'x', sizeof(big));
        wire_get_bytes(&w, big, sizeof(big));
        for (size_t i = 0; i < sizeof(big); i++)
                assert_int_equal(big[i], 0);
        /* Eight good bytes are left, but what they mean is not known any more. */
        assert_stays_broken(&w);
}

static void test_nothing(void **state)
{
        (void)state;
        struct wire w = wire_of("", 0);
        assert_true(wire_ok(&w));
        assert_null(wire_get_str(&w));
        assert_stays_broken(&w);
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_round_trip),     cmocka_unit_test(test_truncated),
                cmocka_unit_test(test_hostile_length), cmocka_unit_test(test_broken_stays_broken),
                cmocka_unit_test(test_nothing),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
