/* SPDX-License-Identifier: MIT */
#include "kernel/leader.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "base/mem.h"

#define ALL_CAPS UINT64_C(0x1ffffffffff)
#define ABAB     "abababababababab"

static void open_fixture(struct root *r, const char *name)
{
        const char *top = getenv("CTOP_SOURCE_ROOT");
        _cleanup_free_ char *dir = xasprintf("%s/tests/fixtures/%s", top ? top : ".", name);
        assert_int_equal(root_open(r, dir), 0);
}

static void assert_text(const char *got, const char *want)
{
        if (!want) {
                assert_null(got);
                return;
        }
        assert_non_null(got);
        assert_string_equal(got, want);
}

static void assert_same(const struct leader *got, const struct leader *want)
{
        assert_int_equal(got->pid, want->pid);
        assert_int_equal(got->start_ticks, want->start_ticks);
        assert_memory_equal(&got->ns, &want->ns, sizeof(got->ns));
        assert_int_equal(got->pid_depth, want->pid_depth);
        assert_int_equal(got->inner_pid, want->inner_pid);
        assert_int_equal(got->status_known, want->status_known);
        assert_int_equal(got->uid, want->uid);
        assert_int_equal(got->cap_bounding, want->cap_bounding);
        assert_int_equal(got->cap_effective, want->cap_effective);
        assert_int_equal(got->seccomp, want->seccomp);
        assert_int_equal(got->no_new_privileges, want->no_new_privileges);
        assert_int_equal(got->root_uid, want->root_uid);
        assert_int_equal(got->user_initial, want->user_initial);
        assert_int_equal(got->own_root, want->own_root);
        assert_text(got->root_store, want->root_store);
        assert_text(got->lsm, want->lsm);
        assert_text(got->comm, want->comm);
        assert_text(got->cgroups, want->cgroups);
}

/* --- fixtures ------------------------------------------------------------------------------- */

#define HOST_NS                                                                                    \
        {                                                                                          \
                .inode = {                                                                         \
                        4026531836,                                                                \
                        4026531841,                                                                \
                        4026531840,                                                                \
                        4026531837,                                                                \
                        4026531838,                                                                \
                        4026531839,                                                                \
                        4026531835,                                                                \
                        4026531834                                                                 \
                }                                                                                  \
        }

static const struct leader leaders[] = {
        {.pid = 1,
         .start_ticks = 5,
         .ns = HOST_NS,
         .pid_depth = 1,
         .inner_pid = 1,
         .status_known = true,
         .cap_bounding = ALL_CAPS,
         .cap_effective = ALL_CAPS,
         .root_uid = 0,
         .user_initial = 1,
         .own_root = 0,
         .root_store = (char *)"/",
         .lsm = (char *)"unconfined",
         .comm = (char *)"systemd",
         .cgroups = (char *)"0::/init.scope\n"},
        /* docker, overlay, AppArmor */
        {.pid = 100,
         .start_ticks = 5000,
         .ns = {.inode = {4026532440, 4026532437, 4026532441, 4026531837, 4026532438, 4026532439,
                          4026532442, 4026531834}},
         .pid_depth = 2,
         .inner_pid = 1,
         .status_known = true,
         .uid = 33,
         .cap_bounding = 0xa80425fb,
         .cap_effective = 0,
         .seccomp = 2,
         .no_new_privileges = 1,
         .root_uid = 0,
         .user_initial = 1,
         .own_root = 1,
         .root_store = (char *)"/var/lib/docker/overlay2/0123abc/diff",
         .lsm = (char *)"docker-default",
         .comm = (char *)"nginx",
         .cgroups = (char *)"0::/system.slice/docker-" ABAB ABAB ABAB ABAB ".scope\n"},
        /* a directory of the host's own disk as root, something mounted over it, SELinux */
        {.pid = 120,
         .start_ticks = 7000,
         .ns = {.inode = {4026531836, 4026532600, 4026531840, 4026531837, 4026531838, 4026531839,
                          4026531835, 4026531834}},
         .pid_depth = 1,
         .inner_pid = 120,
         .status_known = true,
         .uid = 7,
         .cap_bounding = ALL_CAPS,
         .cap_effective = ALL_CAPS,
         .root_uid = 0,
         .user_initial = 1,
         .own_root = 1,
         .root_store = (char *)"/var/lib/machines/deb",
         .lsm = (char *)"system_u:system_r:container_t:s0:c1,c2",
         .comm = (char *)"agent",
         .cgroups = (char *)"12:memory,cpu:/machine/x\n1:name=systemd:/machine/y:z\n"
                            "0::/machine/u\n"},
        /* a mapped user namespace, a btrfs subvolume below one that the host has mounted */
        {.pid = 140,
         .start_ticks = 8500,
         .ns = {.inode = {4026531836, 4026531841, 4026531840, 4026532800, 4026531838, 4026531839,
                          4026531835, 4026531834}},
         .pid_depth = 1,
         .inner_pid = 140,
         .status_known = true,
         .uid = 1000,
         .cap_bounding = ALL_CAPS,
         .cap_effective = ALL_CAPS,
         .root_uid = 100000,
         .user_initial = 0,
         .own_root = 1,
         .root_store = (char *)"/data/ct/deb",
         .comm = (char *)"bwrap"},
        /* chroot: no mount on "/"; uid 0 is not mapped; no LSM */
        {.pid = 150,
         .start_ticks = 8600,
         .ns = HOST_NS,
         .pid_depth = 1,
         .inner_pid = 150,
         .status_known = true,
         .cap_bounding = ALL_CAPS,
         .cap_effective = ALL_CAPS,
         .root_uid = -2,
         .user_initial = 0,
         .own_root = 1,
         .comm = (char *)"chrooted"},
        /* a comm made to mislead, no status, no uid_map */
        {.pid = 160,
         .start_ticks = 8700,
         .ns = HOST_NS,
         .seccomp = -1,
         .no_new_privileges = -1,
         .root_uid = -1,
         .user_initial = -1,
         .own_root = 0,
         .root_store = (char *)"/",
         .comm = (char *)"a) S \xef\xbf\xbd[31m\xef\xbf\xbd",
         .cgroups = (char *)"0::/\n"},
        /* mounts of its own, but the host's root */
        {.pid = 170,
         .start_ticks = 8800,
         .ns = {.inode = {4026531836, 4026532900, 4026531840, 4026531837, 4026531838, 4026531839,
                          4026531835, 4026531834}},
         .pid_depth = 1,
         .inner_pid = 170,
         .status_known = true,
         .cap_bounding = ALL_CAPS,
         .cap_effective = ALL_CAPS,
         .root_uid = -1,
         .user_initial = -1,
         .own_root = 0,
         .root_store = (char *)"/",
         .comm = (char *)"private-tmp"},
};

static void test_read(void **state)
{
        (void)state;
        _cleanup_(root_close) struct root r = ROOT_INIT;
        open_fixture(&r, "procfs-host");
        for (size_t i = 0; i < ARRAY_SIZE(leaders); i++) {
                _cleanup_(leader_done) struct leader l;
                leader_init(&l);
                assert_int_equal(leader_read(&r, leaders[i].pid, &l), 0);
                assert_same(&l, &leaders[i]);
        }
}

static void test_gone(void **state)
{
        (void)state;
        _cleanup_(root_close) struct root r = ROOT_INIT;
        static const pid_t pids[] = {102 /* zombie */, 4000, 12345678};
        open_fixture(&r, "procfs-host");
        for (size_t i = 0; i < ARRAY_SIZE(pids); i++) {
                struct leader l = {.pid = 77};
                assert_int_equal(leader_read(&r, pids[i], &l), -ESRCH);
                assert_int_equal(l.pid, 77);
        }
}

/* Whatever a file holds, the others are read and nothing is made up. */
static void test_hostile(void **state)
{
        (void)state;
        _cleanup_(root_close) struct root r = ROOT_INIT;
        open_fixture(&r, "procfs-hostile");
        for (pid_t pid = 10; pid <= 12; pid++) {
                _cleanup_(leader_done) struct leader l;
                struct leader want;
                leader_init(&l);
                leader_init(&want);
                assert_int_equal(leader_read(&r, pid, &l), 0);
                assert_memory_equal(&l.ns, &want.ns, sizeof(l.ns));
                assert_int_equal(l.start_ticks, 0);
                assert_false(l.status_known);
                assert_int_equal(l.pid_depth, 0);
                assert_int_equal(l.seccomp, -1);
                assert_int_equal(l.no_new_privileges, -1);
                assert_int_equal(l.own_root, -1);
                assert_null(l.root_store);
                /* an empty uid_map is one that maps nothing */
                assert_int_equal(l.root_uid, pid == 11 ? -2 : -1);
                assert_int_equal(l.user_initial, pid == 11 ? 0 : -1);
                if (pid == 11)
                        assert_true(!l.comm && !l.lsm && !l.cgroups);
        }
}

/* n bytes: the head, then fill. */
static void write_file(int dir, const char *name, const char *head, char fill, size_t n)
{
        _cleanup_free_ char *text = xmalloc(n);
        memset(text, fill, n);
        memcpy(text, head, strlen(head));
        _cleanup_close_ int fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        assert_true(fd >= 0);
        assert_int_equal(write(fd, text, n), n);
}

static void test_megabyte_lines(void **state)
{
        (void)state;
        static const char *const files[] = {"stat",   "status",       "uid_map", "mountinfo",
                                            "cgroup", "attr/current", "comm",    "ns/pid"};
        static const char *const dirs[] = {"proc", "proc/9", "proc/9/attr", "proc/9/ns"};
        static const char fills[] = {'1', ' ', ')', ':', '\0', '\xff'};
        char tmp[] = "/tmp/ctop-leader-XXXXXX";
        _cleanup_(root_close) struct root r = ROOT_INIT;
        assert_non_null(mkdtemp(tmp));
        _cleanup_close_ int top = open(tmp, O_PATH | O_DIRECTORY | O_CLOEXEC);
        for (size_t i = 0; i < ARRAY_SIZE(dirs); i++)
                assert_int_equal(mkdirat(top, dirs[i], 0755), 0);
        assert_int_equal(root_open(&r, tmp), 0);
        _cleanup_close_ int proc = openat(top, "proc/9", O_PATH | O_DIRECTORY | O_CLOEXEC);
        for (size_t f = 0; f < ARRAY_SIZE(fills); f++) {
                for (size_t i = 0; i < ARRAY_SIZE(files); i++)
                        write_file(proc, files[i], "", fills[f], 1200 * 1000);
                _cleanup_(leader_done) struct leader l;
                leader_init(&l);
                assert_int_equal(leader_read(&r, 9, &l), 0);
                assert_int_equal(l.start_ticks, 0);
                assert_false(l.status_known);
                assert_int_equal(l.pid_depth, 0);
                assert_int_equal(l.ns.inode[NS_PID], 0);
                assert_int_equal(l.root_uid, -1);
                assert_int_equal(l.user_initial, -1);
                assert_int_equal(l.own_root, -1);
                assert_null(l.root_store);
                assert_null(l.cgroups);
        }
        /* No "/" in what was read, but there is more than was read. */
        write_file(proc, "mountinfo", "1 2 0:5 / /d rw - tmpfs tmpfs rw\n", 'x', 1200 * 1000);
        _cleanup_(leader_done) struct leader l;
        leader_init(&l);
        assert_int_equal(leader_read(&r, 9, &l), 0);
        assert_int_equal(l.own_root, -1);
        for (size_t i = 0; i < ARRAY_SIZE(files); i++)
                unlinkat(proc, files[i], 0);
        for (size_t i = ARRAY_SIZE(dirs); i-- > 0;)
                assert_int_equal(unlinkat(top, dirs[i], AT_REMOVEDIR), 0);
        rmdir(tmp);
}

static void test_pick(void **state)
{
        (void)state;
        static const struct {
                pid_t pids[5];
                pid_t want;
        } cases[] = {
                {{101, 100}, 100},      /* the init, though another started before */
                {{102, 101, 100}, 100}, /* a dead init is none */
                {{101, 102}, 101},
                {{102}, 102}, /* better a zombie than nothing */
                {{130, 131, 132}, 131},
                {{132, 130}, 130}, /* same start: the lower pid */
                {{100, 110}, 100}, /* two inits: the outer one started first */
                {{1, 120}, 1},     /* last NSpid 1, but of the host */
                {{120, 0, -4, 4000}, 120},
                {{4000}, -ESRCH},
                {{0}, -ESRCH},
        };
        _cleanup_(root_close) struct root r = ROOT_INIT;
        open_fixture(&r, "procfs-host");
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
                assert_int_equal(leader_pick(&r, cases[i].pids, 5), cases[i].want);
        assert_int_equal(leader_pick(&r, NULL, 0), -ESRCH);
        pid_t many[200];
        for (size_t i = 0; i < ARRAY_SIZE(many); i++)
                many[i] = 120;
        many[63] = 100;
        assert_int_equal(leader_pick(&r, many, ARRAY_SIZE(many)), 100);
}

/* --- texts ---------------------------------------------------------------------------------- */

#define STAT_REST " 1 1 1 0 -1 %s 0 0 0 0 0 0 0 0 20 0 1 0 %s 5 6\n"

static void test_stat(void **state)
{
        (void)state;
        static const struct {
                const char *head, *flags, *start;
                char state;
                int64_t want; /* -1: broken */
        } cases[] = {
                {"7 (x) S", "4194560", "1234", 'S', 1234},
                {"7 (x) Z", "0", "0", 'Z', 0},
                {"7 () R", "0", "5", 'R', 5},
                {"7 (a) b) S 1 (\n) D", "0", "6", 'D', 6},
                {"7 (x) S", "0", "", 'S', -1},
                {"7 (x) S", "y", "1", 'S', -1},
                {"7 (x) S", "0", "-1", 'S', -1},
                {"7 (x) S", "0", "99999999999999999999", 'S', -1},
                {"7 (x)S", "0", "1", 'S', -1},
                {"7 x S", "0", "1", 'S', -1},
                {"7 (x) ", "0", "1", 'S', -1},
        };
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_free_ char *text =
                        xasprintf("%s" STAT_REST, cases[i].head, cases[i].flags, cases[i].start);
                struct proc_stat st = {.state = '?'};
                int e = proc_stat_parse(text, &st);
                if (cases[i].want < 0) {
                        assert_int_equal(e, -EBADMSG);
                        assert_int_equal(st.state, '?');
                        continue;
                }
                assert_int_equal(e, 0);
                assert_int_equal(st.state, cases[i].state);
                assert_int_equal(st.start_ticks, cases[i].want);
                assert_false(st.kernel_thread);
        }
        struct proc_stat st;
        assert_int_equal(proc_stat_parse("2 (kthreadd) S 0 0 0 0 -1 2129984 0 0 0 0 0 0 0 0 20 0 1 "
                                         "0 3 0 0",
                                         &st),
                         0);
        assert_true(st.kernel_thread);
        assert_int_equal(proc_stat_parse("7 (x) S 1 2 3", &st), -EBADMSG);
        assert_int_equal(proc_stat_parse("", &st), -EBADMSG);
}

static void test_status(void **state)
{
        (void)state;
        static const struct {
                const char *text;
                unsigned depth;
                pid_t inner;
                bool known;
                int seccomp, no_new_privileges;
        } cases[] = {
                {"", 0, 0, false, -1, -1},
                {"NSpid:\t5\n", 1, 5, false, -1, -1},
                {"NSpid:\t5\t7\t1\n", 3, 1, false, -1, -1},
                {"NSpid:\t5\t7\t1", 3, 1, false, -1, -1},
                {"NSpid:\n", 0, 0, false, -1, -1},
                {"NSpid:\t\n", 0, 0, false, -1, -1},
                {"NSpid:\t5\tx\n", 0, 0, false, -1, -1},
                {"NSpid:\t5\t4294967297\n", 0, 0, false, -1, -1},
                {"XNSpid:\t5\nNStgid:\t6\n", 0, 0, false, -1, -1},
                {"Uid:\t1\t1\t1\t1\nCapBnd:\t00000000000000ff\nCapEff:\t0000000000000001\n", 0, 0,
                 true, -1, -1},
                /* one of three is not enough, and a cut set is none */
                {"Uid:\t1\t1\t1\t1\nCapBnd:\t00000000000000ff\n", 0, 0, false, -1, -1},
                {"Uid:\t1\nCapBnd:\t00000000000000ff\nCapEff:\t000000000000\n", 0, 0, false, -1,
                 -1},
                {"Uid:\t4294967296\nCapBnd:\t00000000000000ff\nCapEff:\t0000000000000001\n", 0, 0,
                 false, -1, -1},
                {"Seccomp:\t2\nNoNewPrivs:\t0\n", 0, 0, false, 2, 0},
                {"Seccomp:\t3\nNoNewPrivs:\t2\n", 0, 0, false, -1, -1},
                {"Seccomp:\t1x\nNoNewPrivs:\t\n", 0, 0, false, -1, -1},
                {"Seccomp_filters:\t1\nSeccomp:\t1\n", 0, 0, false, 1, -1},
        };
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct leader l;
                leader_init(&l);
                proc_status_parse(cases[i].text, &l);
                assert_int_equal(l.pid_depth, cases[i].depth);
                assert_int_equal(l.inner_pid, cases[i].inner);
                assert_int_equal(l.status_known, cases[i].known);
                assert_int_equal(l.seccomp, cases[i].seccomp);
                assert_int_equal(l.no_new_privileges, cases[i].no_new_privileges);
                if (cases[i].known) {
                        assert_int_equal(l.uid, 1);
                        assert_int_equal(l.cap_bounding, 0xff);
                        assert_int_equal(l.cap_effective, 1);
                }
        }
}

static void test_uid_map(void **state)
{
        (void)state;
        static const struct {
                const char *text;
                int64_t root_uid, initial;
        } cases[] = {
                {"         0          0 4294967295\n", 0, 1},
                {"         0          0 4294967295", 0, 1},
                {"         0     100000      65536\n", 100000, 0},
                {"0 1000 1\n1 100000 65536\n", 1000, 0},
                {"1000 1000 1\n", -2, 0},
                {"", -2, 0},
                {"0 0 65536\n", 0, 0},
                {"0 0 4294967294\n4294967294 5 1\n", 0, 0},
                {"0 4294967295 1\n", -1, 0}, /* mapped to what we cannot see */
                {"0 0 4294967296\n", -1, -1},
                {"0 0\n", -1, -1},
                {"0 0 1 1\n", -1, -1},
                {"0 0 1\n\n", -1, -1},
                {"0 -1 1\n", -1, -1},
                {"0 1000 1\ngarbage\n", -1, -1},
        };
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct leader l;
                leader_init(&l);
                uid_map_parse(cases[i].text, &l);
                assert_int_equal(l.root_uid, cases[i].root_uid);
                assert_int_equal(l.user_initial, cases[i].initial);
        }
}

static void test_cgroup_line(void **state)
{
        (void)state;
        static const char *const text = "12:memory:/m\n5:cpu,cpuacct:/c:d\n3:cpuset:/s\n"
                                        "1:name=systemd:/n (deleted)\n0::/u\n";
        static const struct {
                const char *text, *tag, *want;
        } cases[] = {
                {text, "", "/u"},
                {text, "memory", "/m"},
                {text, "cpuacct", "/c:d"},
                {text, "cpu", "/c:d"},
                {text, "name=systemd", "/n"},
                {text, "systemd", NULL},
                {text, "pids", NULL},
                {"0::/a (deleted)\n", "", "/a"},
                {"0::/a (deleted) b", "", "/a (deleted) b"},
                {"0::/../x\n", "", "/../x"},
                {"0::/", "", "/"},
                {"0::", "", NULL},
                {"0:x\n0:\n:\n::/y", "", "/y"},
                {"0::relative\n", "", NULL},
                {"", "", NULL},
                {NULL, "", NULL},
        };
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_free_ char *got = cgroup_line_path(cases[i].text, cases[i].tag);
                assert_text(got, cases[i].want);
        }
}

static void test_capability_name(void **state)
{
        (void)state;
        assert_string_equal(capability_name(0), "chown");
        assert_string_equal(capability_name(12), "net_admin");
        assert_string_equal(capability_name(21), "sys_admin");
        assert_string_equal(capability_name(31), "setfcap");
        assert_string_equal(capability_name(40), "checkpoint_restore");
        assert_null(capability_name(41));
        assert_null(capability_name(UINT32_MAX));
}

/* --- over the wire -------------------------------------------------------------------------- */

static void test_pack(void **state)
{
        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(leaders); i++) {
                _cleanup_str_ struct str out = STR_INIT;
                _cleanup_(leader_done) struct leader l;
                leader_init(&l);
                leader_pack(&leaders[i], &out);
                struct wire w = wire_of(out.p, out.len);
                assert_int_equal(leader_unpack(&w, &l), 0);
                assert_same(&l, &leaders[i]);
                assert_ptr_equal(w.p, w.end);
        }
        _cleanup_str_ struct str out = STR_INIT;
        struct leader unknown, l;
        leader_init(&unknown);
        leader_pack(&unknown, &out);
        struct wire w = wire_of(out.p, out.len);
        assert_int_equal(leader_unpack(&w, &l), 0);
        assert_same(&l, &unknown);
}

static void test_unpack_truncated(void **state)
{
        (void)state;
        _cleanup_str_ struct str out = STR_INIT;
        leader_pack(&leaders[1], &out);
        for (size_t n = 0; n < out.len; n++) {
                _cleanup_free_ char *exact = xmalloc(n + 1);
                memcpy(exact, out.p, n);
                struct wire w = wire_of(exact, n);
                struct leader l = {.pid = 77};
                assert_int_equal(leader_unpack(&w, &l), -EBADMSG);
                assert_int_equal(l.pid, 77);
        }
}

static void test_unpack_absurd(void **state)
{
        (void)state;
        struct leader bad[] = {leaders[1], leaders[1], leaders[1], leaders[1], leaders[1]};
        bad[0].seccomp = 99;
        bad[1].own_root = -7;
        bad[2].root_uid = INT64_C(1) << 40;
        bad[3].pid = -5;
        bad[4].user_initial = 2;
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
                _cleanup_str_ struct str out = STR_INIT;
                leader_pack(&bad[i], &out);
                struct wire w = wire_of(out.p, out.len);
                struct leader l;
                assert_int_equal(leader_unpack(&w, &l), -EBADMSG);
        }
        /* Texts for people are cleaned again. */
        struct leader foul = leaders[1];
        foul.comm = (char *)"a\x1b[2J";
        _cleanup_str_ struct str out = STR_INIT;
        _cleanup_(leader_done) struct leader l;
        leader_init(&l);
        leader_pack(&foul, &out);
        struct wire w = wire_of(out.p, out.len);
        assert_int_equal(leader_unpack(&w, &l), 0);
        assert_string_equal(l.comm, "a\xef\xbf\xbd[2J");
}

/* --- this host ------------------------------------------------------------------------------ */

static void test_ourselves(void **state)
{
        (void)state;
        _cleanup_(root_close) struct root r = ROOT_INIT;
        _cleanup_(leader_done) struct leader l;
        assert_int_equal(root_open(&r, NULL), 0);
        leader_init(&l);
        assert_int_equal(prctl(PR_SET_NAME, "x) Z 1\n2", 0, 0, 0), 0);
        assert_int_equal(leader_read(&r, getpid(), &l), 0);
        assert_int_equal(l.pid, getpid());
        assert_true(l.start_ticks > 0);
        assert_true(l.pid_depth >= 1);
        assert_true(l.status_known);
        assert_int_equal(l.uid, getuid());
        assert_string_equal(l.comm, "x) Z 1\xef\xbf\xbd"
                                    "2");
        assert_non_null(l.cgroups);
        for (size_t i = 0; i < NS_COUNT; i++) {
                struct stat st;
                _cleanup_free_ char *path = xasprintf("/proc/self/ns/%s", ns_names[i]);
                if (stat(path, &st) == 0)
                        assert_int_equal(l.ns.inode[i], st.st_ino);
        }
}

static void test_zombie_is_gone(void **state)
{
        (void)state;
        _cleanup_(root_close) struct root r = ROOT_INIT;
        assert_int_equal(root_open(&r, NULL), 0);
        pid_t pid = fork();
        if (pid == 0)
                _exit(0);
        siginfo_t info;
        assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
        struct leader l;
        assert_int_equal(leader_read(&r, pid, &l), -ESRCH);
        pid_t both[] = {pid, getpid()};
        assert_int_equal(leader_pick(&r, both, 2), getpid());
        assert_int_equal(leader_pick(&r, both, 1), pid);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        assert_int_equal(leader_read(&r, pid, &l), -ESRCH);
        assert_int_equal(leader_pick(&r, both, 1), -ESRCH);
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_read),           cmocka_unit_test(test_gone),
                cmocka_unit_test(test_hostile),        cmocka_unit_test(test_megabyte_lines),
                cmocka_unit_test(test_pick),           cmocka_unit_test(test_stat),
                cmocka_unit_test(test_status),         cmocka_unit_test(test_uid_map),
                cmocka_unit_test(test_cgroup_line),    cmocka_unit_test(test_capability_name),
                cmocka_unit_test(test_pack),           cmocka_unit_test(test_unpack_truncated),
                cmocka_unit_test(test_unpack_absurd),  cmocka_unit_test(test_ourselves),
                cmocka_unit_test(test_zombie_is_gone),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
