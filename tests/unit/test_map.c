/* SPDX-License-Identifier: MIT */
#include "base/map.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/macros.h"
#include "base/mem.h"

#define MANY 5000

static int values[MANY];

static void test_empty(void **state)
{
        (void)state;
        struct map m = MAP_INIT;
        void *value;
        assert_null(map_get_z(&m, "a"));
        assert_null(map_del_z(&m, "a"));
        map_foreach (&m, it, value)
                fail();
        map_done(&m);
        map_done(&m);
}

static void test_put_get_del(void **state)
{
        (void)state;
        struct map m = MAP_INIT;
        assert_null(map_put_z(&m, "a", &values[1]));
        assert_null(map_put_z(&m, "b", &values[2]));
        assert_int_equal(m.len, 2);
        assert_ptr_equal(map_get_z(&m, "a"), &values[1]);
        assert_ptr_equal(map_get_z(&m, "b"), &values[2]);
        assert_null(map_get_z(&m, "c"));

        assert_ptr_equal(map_put_z(&m, "a", &values[3]), &values[1]);
        assert_int_equal(m.len, 2);
        assert_ptr_equal(map_get_z(&m, "a"), &values[3]);

        assert_ptr_equal(map_del_z(&m, "a"), &values[3]);
        assert_null(map_del_z(&m, "a"));
        assert_null(map_get_z(&m, "a"));
        assert_ptr_equal(map_get_z(&m, "b"), &values[2]);
        assert_int_equal(m.len, 1);

        map_done(&m);
        assert_int_equal(m.len, 0);
        assert_null(map_get_z(&m, "b"));
        assert_null(map_put_z(&m, "b", &values[4]));
        assert_ptr_equal(map_get_z(&m, "b"), &values[4]);
        map_done(&m);
}

static void test_keys_are_bytes(void **state)
{
        (void)state;
        static const struct {
                const char *key;
                size_t n;
        } keys[] = {
                {"", 0},     {"\0", 1},
                {"\0\0", 2}, {"a", 1},
                {"a\0", 2},  {"a\0b", 3},
                {"a\0c", 3}, {"A", 1},
                {"\xff", 1}, {"\xff\xff\xff\xff\xff\xff\xff\xff", 8},
        };
        struct map m = MAP_INIT;
        for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
                assert_null(map_put(&m, keys[i].key, keys[i].n, &values[i]));
        assert_int_equal(m.len, ARRAY_SIZE(keys));
        for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
                assert_ptr_equal(map_get(&m, keys[i].key, keys[i].n), &values[i]);
        assert_ptr_equal(map_get(&m, NULL, 0), &values[0]);
        assert_ptr_equal(map_get_u64(&m, UINT64_MAX), &values[9]);
        assert_null(map_get(&m, "a\0d", 3));
        map_done(&m);
}

static void test_keys_are_copied(void **state)
{
        (void)state;
        struct map m = MAP_INIT;
        char key[] = "key";
        map_put_z(&m, key, &values[1]);
        key[0] = 'x';
        assert_ptr_equal(map_get_z(&m, "key"), &values[1]);
        assert_null(map_get_z(&m, key));

        struct map_iter it = MAP_ITER_INIT;
        const void *stored = NULL;
        assert_ptr_equal(map_next(&m, &it, &stored), &values[1]);
        assert_string_equal(stored, "key");
        assert_null(map_next(&m, &it, &stored));
        map_done(&m);
}

static void test_many(void **state)
{
        (void)state;
        struct map m = MAP_INIT;
        for (uint64_t i = 0; i < MANY; i++)
                assert_null(map_put_u64(&m, i << 32, &values[i]));
        assert_int_equal(m.len, MANY);
        assert_true(m.n_slots >= MANY);
        for (uint64_t i = 0; i < MANY; i++)
                assert_ptr_equal(map_get_u64(&m, i << 32), &values[i]);
        for (uint64_t i = 0; i < MANY; i += 2)
                assert_ptr_equal(map_del_u64(&m, i << 32), &values[i]);
        assert_int_equal(m.len, MANY / 2);
        for (uint64_t i = 0; i < MANY; i++)
                assert_ptr_equal(map_get_u64(&m, i << 32), i % 2 ? &values[i] : NULL);
        map_done(&m);
}

/* Against a plain array of what should be in there. */
static void test_random_order(void **state)
{
        (void)state;
        struct map m = MAP_INIT;
        void *want[64] = {0};
        size_t len = 0;
        uint32_t seed = 7;
        for (unsigned i = 0; i < 50000; i++) {
                seed = seed * 1664525 + 1013904223;
                unsigned k = seed >> 16 & 63;
                char key[16];
                snprintf(key, sizeof(key), "key-%u", k);
                if (seed >> 30) {
                        void *value = &values[i % MANY];
                        assert_ptr_equal(map_put_z(&m, key, value), want[k]);
                        len += !want[k];
                        want[k] = value;
                } else {
                        assert_ptr_equal(map_del_z(&m, key), want[k]);
                        len -= !!want[k];
                        want[k] = NULL;
                }
                assert_int_equal(m.len, len);
        }
        map_done(&m);
}

static void test_iteration_sees_all_once(void **state)
{
        (void)state;
        static int seen[MANY];
        struct map m = MAP_INIT;
        int *value;
        for (uint64_t i = 0; i < MANY; i++)
                map_put_u64(&m, i, &values[i]);
        memset(seen, 0, sizeof(seen));
        map_foreach (&m, it, value)
                seen[value - values]++;
        for (size_t i = 0; i < MANY; i++)
                assert_int_equal(seen[i], 1);

        struct map_iter it = MAP_ITER_INIT;
        const void *key;
        while ((value = map_next(&m, &it, &key))) {
                uint64_t k;
                memcpy(&k, key, sizeof(k));
                assert_ptr_equal(value, &values[k]);
        }
        map_done(&m);
}

static void test_delete_while_iterating(void **state)
{
        (void)state;
        struct map m = MAP_INIT;
        int *value;
        size_t seen = 0;
        for (uint64_t i = 0; i < MANY; i++)
                map_put_u64(&m, i, &values[i]);
        map_foreach (&m, it, value) {
                uint64_t k = (uint64_t)(value - values);
                seen++;
                if (k % 3 != 0)
                        assert_ptr_equal(map_del_u64(&m, k), value);
        }
        assert_int_equal(seen, MANY);
        assert_int_equal(m.len, (MANY + 2) / 3);
        seen = 0;
        map_foreach (&m, it, value) {
                assert_int_equal((value - values) % 3, 0);
                seen++;
                map_del_u64(&m, (uint64_t)(value - values));
        }
        assert_int_equal(seen, (MANY + 2) / 3);
        assert_int_equal(m.len, 0);
        map_foreach (&m, it, value)
                fail();
        map_done(&m);
}

static void test_long_key(void **state)
{
        (void)state;
        struct map m = MAP_INIT;
        size_t n = 1 << 20;
        _cleanup_free_ char *key = xmalloc(n);
        memset(key, 'k', n);
        map_put(&m, key, n, &values[1]);
        assert_ptr_equal(map_get(&m, key, n), &values[1]);
        assert_null(map_get(&m, key, n - 1));
        key[n - 1] = 'x';
        assert_null(map_get(&m, key, n));
        map_done(&m);
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_empty),
                cmocka_unit_test(test_put_get_del),
                cmocka_unit_test(test_keys_are_bytes),
                cmocka_unit_test(test_keys_are_copied),
                cmocka_unit_test(test_many),
                cmocka_unit_test(test_random_order),
                cmocka_unit_test(test_iteration_sees_all_once),
                cmocka_unit_test(test_delete_while_iterating),
                cmocka_unit_test(test_long_key),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
