/* SPDX-License-Identifier: MIT */
#include "kernel/mounts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/macros.h"
#include "base/mem.h"

static void test_lines(void **state)
{
        (void)state;
        static const struct {
                const char *line;
                struct {
                        unsigned id, parent, major, minor;
                        const char *root, *point, *fstype, *source, *options;
                } want;
        } cases[] = {
                {"36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue\n",
                 {36, 35, 98, 0, "/mnt1", "/mnt2", "ext3", "/dev/root", "rw,errors=continue"}},
                {"36 35 98:0 / / rw - ext4 /dev/sda1 rw",
                 {36, 35, 98, 0, "/", "/", "ext4", "/dev/sda1", "rw"}},
                {"1 2 0:5 / /d rw shared:1 master:2 propagate_from:3 unbindable - tmpfs tmpfs rw\n",
                 {1, 2, 0, 5, "/", "/d", "tmpfs", "tmpfs", "rw"}},
                /* A tag is no separator unless it is "-" alone; a source may be "-". */
                {"1 2 0:5 / /d rw -x x- - tmpfs - rw\n",
                 {1, 2, 0, 5, "/", "/d", "tmpfs", "-", "rw"}},
                {"1 2 0:5 /a\\040b /c\\011d\\012e\\134f\\043 rw - 9p a\\040b rw\n",
                 {1, 2, 0, 5, "/a b", "/c\td\ne\\f#", "9p", "a b", "rw"}},
                /* Neither is an escape that the kernel writes. */
                {"1 2 0:5 /a\\400\\000 /b\\04 rw - tmpfs x\\ rw\n",
                 {1, 2, 0, 5, "/a\\400\\000", "/b\\04", "tmpfs", "x\\", "rw"}},
                {"1 2 0:5 / /d rw - tmpfs  rw\n", {1, 2, 0, 5, "/", "/d", "tmpfs", "", "rw"}},
                {"1 2 0:5 / /d rw - tmpfs none\n", {1, 2, 0, 5, "/", "/d", "tmpfs", "none", ""}},
                {"1 2 0:5 / /d rw - cifs //h/s rw,pass word=x\n",
                 {1, 2, 0, 5, "/", "/d", "cifs", "//h/s", "rw,pass word=x"}},
                {"1 2 0:4 net:[4026532441] /run/netns/a rw shared:9 - nsfs nsfs rw\n",
                 {1, 2, 0, 4, "net:[4026532441]", "/run/netns/a", "nsfs", "nsfs", "rw"}},
                {"1 2 8:1 /gone//deleted /d rw - ext4 /dev/sda1 rw\n",
                 {1, 2, 8, 1, "/gone//deleted", "/d", "ext4", "/dev/sda1", "rw"}},
        };
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_free_ char *text = xstrdup(cases[i].line);
                char *p = text;
                struct mount m;
                assert_int_equal(mount_next(&p, &m), 1);
                assert_int_equal(m.id, cases[i].want.id);
                assert_int_equal(m.parent, cases[i].want.parent);
                assert_int_equal(m.major, cases[i].want.major);
                assert_int_equal(m.minor, cases[i].want.minor);
                assert_string_equal(m.root, cases[i].want.root);
                assert_string_equal(m.point, cases[i].want.point);
                assert_string_equal(m.fstype, cases[i].want.fstype);
                assert_string_equal(m.source, cases[i].want.source);
                assert_string_equal(m.options, cases[i].want.options);
                assert_int_equal(mount_next(&p, &m), 0);
        }
}

static void test_broken_lines_are_skipped(void **state)
{
        (void)state;
        static const char *const broken[] = {
                "",
                " ",
                "garbage",
                "36",
                "36 35 98:0 / / rw",
                "36 35 98:0 / / rw master:1",
                "36 35 98:0 / / rw -",
                "36 35 98:0 / / rw - ext4",
                "36 35 98 / / rw - ext4 /dev/sda1 rw",
                "36 35 98: / / rw - ext4 /dev/sda1 rw",
                "36 35 98:0x / / rw - ext4 /dev/sda1 rw",
                "36x 35 98:0 / / rw - ext4 /dev/sda1 rw",
                "-1 35 98:0 / / rw - ext4 /dev/sda1 rw",
                "36 35 98:99999999999999999999 / / rw - ext4 /dev/sda1 rw",
                "36 4294967296 98:0 / / rw - ext4 /dev/sda1 rw",
                "36 35 98:0  / rw - ext4 /dev/sda1 rw",
                "36 35 98:0 /  rw - ext4 /dev/sda1 rw",
                "36 35 98:0 / / rw -  /dev/sda1 rw",
                "\x7f\x45\x4c\x46 \x01\xff\xfe",
        };
        for (size_t i = 0; i < ARRAY_SIZE(broken); i++) {
                _cleanup_free_ char *text = xasprintf("%s\n7 1 0:9 / /good rw - tmpfs tmpfs rw\n%s",
                                                      broken[i], broken[i]);
                char *p = text;
                struct mount m = {0};
                assert_int_equal(mount_next(&p, &m), 1);
                assert_int_equal(m.id, 7);
                assert_string_equal(m.point, "/good");
                assert_int_equal(mount_next(&p, &m), 0);
                assert_int_equal(mount_next(&p, &m), 0);
        }
}

static void test_long_line(void **state)
{
        (void)state;
        size_t n = 1 << 20;
        _cleanup_free_ char *text = xmalloc(n + 1);
        memset(text, 'x', n);
        text[n] = '\0';
        char *p = text;
        struct mount m;
        assert_int_equal(mount_next(&p, &m), 0);
        assert_ptr_equal(p, text + n);
}

static void test_option_has(void **state)
{
        (void)state;
        static const struct {
                const char *options, *word;
                bool want;
        } cases[] = {
                {"rw,memory", "memory", true},
                {"rw,memory", "rw", true},
                {"rw,memory", "mem", false},
                {"rw,memory", "emory", false},
                {"rw,memory,x", "memory", true},
                {"cpu,cpuacct", "cpu", true},
                {"cpuacct", "cpu", false},
                {"rw,name=systemd", "name=systemd", true},
                {"rw,name=systemd", "name", false},
                {"a\\,b,c", "b", false},
                {"a\\,b,c", "c", true},
                {"", "", false},
                {"rw,,x", "", false},
                {"", "rw", false},
        };
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
                assert_int_equal(option_has(cases[i].options, cases[i].word), cases[i].want);
}

static void test_option_value(void **state)
{
        (void)state;
        static const struct {
                const char *options, *key, *want;
        } cases[] = {
                {"rw,lowerdir=/l1:/l2,upperdir=/u/diff,workdir=/w", "upperdir", "/u/diff"},
                {"rw,lowerdir=/l1:/l2,upperdir=/u/diff", "lowerdir", "/l1:/l2"},
                {"rw,name=systemd", "name", "systemd"},
                {"rw,upperdir=", "upperdir", ""},
                {"rw,upperdir", "upperdir", NULL},
                {"rw,xupperdir=/a", "upperdir", NULL},
                {"upperdir=/a,upperdir=/b", "upperdir", "/a"},
                {"rw,upperdir=/a\\,b,x=y", "upperdir", "/a,b"},
                {"rw,upperdir=/a\\\\,b=c", "upperdir", "/a\\"},
                {"rw,upperdir=/a\\:b", "upperdir", "/a\\:b"},
                {"rw,upperdir=/a\\", "upperdir", "/a\\"},
                {"", "upperdir", NULL},
        };
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_free_ char *got = option_value(cases[i].options, cases[i].key);
                if (!cases[i].want) {
                        assert_null(got);
                        continue;
                }
                assert_non_null(got);
                assert_string_equal(got, cases[i].want);
        }
}

/* As the kernel shows an overlay whose directory is named "a,b\c=d e" (overlayfs/super.c). */
static void test_overlay_with_odd_path(void **state)
{
        (void)state;
        char line[] = "9 8 0:50 / / rw - overlay overlay rw,lowerdir=/l,"
                      "upperdir=/a\\054b\\134c=d\\040e/diff,workdir=/w\n";
        char *p = line;
        struct mount m;
        assert_int_equal(mount_next(&p, &m), 1);
        _cleanup_free_ char *upper = option_value(m.options, "upperdir");
        _cleanup_free_ char *work = option_value(m.options, "workdir");
        assert_string_equal(upper, "/a,b\\c=d e/diff");
        assert_string_equal(work, "/w");
        assert_false(option_has(m.options, "b\\c=d e/diff"));
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_lines),
                cmocka_unit_test(test_broken_lines_are_skipped),
                cmocka_unit_test(test_long_line),
                cmocka_unit_test(test_option_has),
                cmocka_unit_test(test_option_value),
                cmocka_unit_test(test_overlay_with_odd_path),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
