/* SPDX-License-Identifier: MIT */
#include "kernel/host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/utsname.h>

#include <cmocka.h>

#include "base/mem.h"

static void open_fixture(struct root *r, const char *name)
{
        const char *top = getenv("CTOP_SOURCE_ROOT");
        _cleanup_free_ char *dir = xasprintf("%s/tests/fixtures/%s", top ? top : ".", name);
        assert_int_equal(root_open(r, dir), 0);
}

static void test_fixture(void **state)
{
        (void)state;
        _cleanup_(root_close) struct root r = ROOT_INIT;
        struct host_sample s = {0};
        open_fixture(&r, "procfs-host");
        host_read(&r, &s);
        assert_true(s.cpu_known);
        assert_int_equal(s.cpu_busy_ticks, 1000 + 20 + 300 + 6 + 7 + 8);
        assert_int_equal(s.cpu_total_ticks, 1000 + 20 + 300 + 6 + 7 + 8 + 40000 + 500);
        assert_true(s.memory_known);
        assert_true(s.memory_total_bytes == UINT64_C(16314204) * 1024);
        assert_true(s.memory_available_bytes == UINT64_C(9876543) * 1024);
        assert_true(s.load[0] == 0.52 && s.load[1] == 1.58 && s.load[2] == 12.09);
        host_read_static(&r, &s);
        assert_string_equal(s.name, "web1");
        assert_string_equal(s.kernel, "6.1.0-18-amd64");
        assert_int_equal(s.cpus, 2);
        assert_true(s.boot_usec == UINT64_C(1760000000000000));
        assert_true(s.cap_bounding == 0x1ffffffffff);
}

static void test_hostile(void **state)
{
        (void)state;
        _cleanup_(root_close) struct root r = ROOT_INIT;
        struct host_sample s = {.cpu_known = true, .memory_known = true, .cpus = 9, .boot_usec = 9};
        open_fixture(&r, "procfs-hostile");
        host_read(&r, &s);
        host_read_static(&r, &s);
        assert_false(s.cpu_known);
        assert_false(s.memory_known);
        for (int i = 0; i < 3; i++)
                assert_true(s.load[i] == -1);
        assert_string_equal(s.name, "a\xef\xbf\xbd[2J\xef\xbf\xbd");
        assert_int_equal(strlen(s.kernel), 64);
        assert_int_equal(s.cpus, 0);
        assert_int_equal(s.boot_usec, 0);
        assert_int_equal(s.cap_bounding, 0);
}

static void test_absent(void **state)
{
        (void)state;
        _cleanup_(root_close) struct root r = ROOT_INIT;
        struct host_sample s = {.name = "old", .cpu_known = true, .memory_known = true};
        open_fixture(&r, "procfs-nobaseline");
        host_read(&r, &s);
        host_read_static(&r, &s);
        assert_false(s.cpu_known);
        assert_false(s.memory_known);
        assert_true(s.load[0] == -1);
        assert_string_equal(s.name, "");
        assert_int_equal(s.cpus, 0);
        assert_int_equal(s.boot_usec, 0);
}

static void test_this_host(void **state)
{
        (void)state;
        _cleanup_(root_close) struct root r = ROOT_INIT;
        struct host_sample s = {0};
        struct utsname u;
        assert_int_equal(root_open(&r, NULL), 0);
        host_read(&r, &s);
        host_read_static(&r, &s);
        assert_int_equal(uname(&u), 0);
        assert_string_equal(s.kernel, u.release);
        assert_int_equal(s.cpus, sysconf(_SC_NPROCESSORS_ONLN));
        assert_true(s.cpu_known && s.cpu_busy_ticks > 0 && s.cpu_total_ticks > s.cpu_busy_ticks);
        assert_true(s.memory_known && s.memory_total_bytes >= s.memory_available_bytes);
        assert_true(s.load[0] >= 0 && s.boot_usec > 0 && s.cap_bounding > 0);
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_fixture),
                cmocka_unit_test(test_hostile),
                cmocka_unit_test(test_absent),
                cmocka_unit_test(test_this_host),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
