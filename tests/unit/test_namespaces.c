/* SPDX-License-Identifier: MIT */
#include "kernel/namespaces.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "base/mem.h"

static void open_fixture(struct root *r, const char *name)
{
        const char *top = getenv("CTOP_SOURCE_ROOT");
        _cleanup_free_ char *dir = xasprintf("%s/tests/fixtures/%s", top ? top : ".", name);
        assert_int_equal(root_open(r, dir), 0);
}

/* --- links and baseline --------------------------------------------------------------------- */

static void test_link(void **state)
{
        (void)state;
        static const struct {
                const char *text;
                uint64_t want; /* 0: broken */
        } cases[] = {
                {"pid:[4026531836]", 4026531836},
                {"pid:[1]\n", 1},
                {"pid:[0]", 0},
                {"pid:[]", 0},
                {"pid:[4026531836", 0},
                {"pid:[4026531836]x", 0},
                {"pid:[-1]", 0},
                {"pid:[99999999999999999999]", 0},
                {"pid:4026531836", 0},
                {"net:[4026531836]", 0},
                {"", 0},
        };
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                uint64_t v = 0;
                int e = ns_link_parse(cases[i].text, NS_PID, &v);
                assert_int_equal(e, cases[i].want ? 0 : -EBADMSG);
                assert_int_equal(v, cases[i].want);
        }
}

static void test_names(void **state)
{
        (void)state;
        for (size_t i = 0; i < NS_COUNT; i++)
                assert_non_null(ns_names[i]);
        assert_string_equal(ns_names[NS_CGROUP], "cgroup");
        assert_string_equal(ns_names[NS_TIME], "time");
}

/* A proc of links in a temporary directory. */
struct proc_dir {
        char path[64];
        int fd;
        struct root root;
};

static void proc_dir_make(struct proc_dir *d)
{
        snprintf(d->path, sizeof(d->path), "/tmp/ctop-ns-XXXXXX");
        assert_non_null(mkdtemp(d->path));
        int top = open(d->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        assert_int_equal(mkdirat(top, "proc", 0755), 0);
        d->fd = openat(top, "proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        close(top);
        d->root = (struct root)ROOT_INIT;
        assert_int_equal(root_open(&d->root, d->path), 0);
}

static void proc_dir_remove(struct proc_dir *d)
{
        root_close(&d->root);
        close(d->fd);
        pid_t pid = fork();
        if (pid == 0) {
                execlp("rm", "rm", "-rf", d->path, NULL);
                _exit(1);
        }
        waitpid(pid, NULL, 0);
}

/* Sets links of proc/NAME: "pid:[1]" and so on. */
static void put_link(const struct proc_dir *d, const char *name, enum ns_type type, uint64_t inode)
{
        _cleanup_free_ char *ns = xasprintf("%s/ns", name);
        _cleanup_free_ char *path = xasprintf("%s/%s", ns, ns_names[type]);
        _cleanup_free_ char *text =
                xasprintf("%s:[%llu]", ns_names[type], (unsigned long long)inode);
        mkdirat(d->fd, name, 0755);
        mkdirat(d->fd, ns, 0755);
        unlinkat(d->fd, path, 0);
        assert_int_equal(symlinkat(text, d->fd, path), 0);
}

static void put_file(const struct proc_dir *d, const char *path, const char *text)
{
        _cleanup_close_ int fd =
                openat(d->fd, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        assert_true(fd >= 0);
        assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

static void test_baseline_fixture(void **state)
{
        (void)state;
        _cleanup_(root_close) struct root r = ROOT_INIT;
        struct namespaces ns;
        open_fixture(&r, "procfs-host");
        ns_baseline(&r, &ns);
        assert_true(ns.inode[NS_PID] == 4026531836);
        assert_true(ns.inode[NS_NET] == 4026531840);
        assert_true(ns.inode[NS_MNT] == 4026531841);
}

#define PID0  UINT64_C(4026531836)
#define USER0 UINT64_C(4026531837)

static void test_baseline_order(void **state)
{
        (void)state;
        static const struct {
                const char *what;
                uint64_t self[4], kthreadd[4], init[4]; /* pid, mnt, net, user; 0: no link */
                const char *comm_of_2;
                uint64_t want[4];
        } cases[] = {
                {"nothing readable", {0}, {0}, {0}, "kthreadd", {PID0, 0, 0, USER0}},
                {"only ourselves, on the host",
                 {PID0, 5, 6, USER0},
                 {0},
                 {0},
                 "kthreadd",
                 {PID0, 5, 6, USER0}},
                {"a container with the host's pids",
                 {PID0, 5, 6, USER0},
                 {0},
                 {PID0, 7, 8, USER0},
                 "kthreadd",
                 {PID0, 7, 8, USER0}},
                {"ourselves before kthreadd",
                 {PID0, 5, 6, USER0},
                 {PID0, 9, 9, USER0},
                 {0},
                 "kthreadd",
                 {PID0, 5, 6, USER0}},
                {"our user is another one",
                 {PID0, 5, 6, 99},
                 {PID0, 9, 10, USER0},
                 {PID0, 7, 8, USER0},
                 "kthreadd",
                 {PID0, 9, 10, USER0}},
                {"pid 2 is not kthreadd",
                 {50, 5, 6, USER0},
                 {50, 9, 10, 51},
                 {50, 7, 8, USER0},
                 "sh",
                 {50, 7, 8, USER0}},
                {"alone in a container", {50, 5, 6, 51}, {0}, {0}, "sh", {50, 5, 6, 51}},
        };
        static const enum ns_type types[] = {NS_PID, NS_MNT, NS_NET, NS_USER};
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct proc_dir d;
                struct namespaces ns;
                proc_dir_make(&d);
                for (size_t k = 0; k < 4; k++) {
                        if (cases[i].self[k])
                                put_link(&d, "self", types[k], cases[i].self[k]);
                        if (cases[i].kthreadd[k])
                                put_link(&d, "2", types[k], cases[i].kthreadd[k]);
                        if (cases[i].init[k])
                                put_link(&d, "1", types[k], cases[i].init[k]);
                }
                mkdirat(d.fd, "2", 0755);
                put_file(&d, "2/comm", cases[i].comm_of_2);
                ns_baseline(&d.root, &ns);
                for (size_t k = 0; k < 4; k++)
                        if (ns.inode[types[k]] != cases[i].want[k])
                                fail_msg("%s: %s is %llu", cases[i].what, ns_names[types[k]],
                                         (unsigned long long)ns.inode[types[k]]);
                assert_true(ns.inode[NS_TIME] == 4026531834);
                proc_dir_remove(&d);
        }
}

/* --- the sweep ------------------------------------------------------------------------------ */

#define _cleanup_sweep_ _cleanup_(sweep_freep)
static void sweep_freep(struct ns_sweep **s)
{
        ns_sweep_free(*s);
}

static void test_sweep_fixture(void **state)
{
        (void)state;
        static const struct ns_group want[] = {
                {NS_PID, 4026532440, 100, 5000, 2}, /* 101 started before, but is no init */
                {NS_PID, 4026532500, 110, 6000, 1},  {NS_MNT, 4026532600, 120, 7000, 1},
                {NS_MNT, 4026532900, 170, 8800, 1},  {NS_NET, 4026532700, 131, 8000, 3},
                {NS_USER, 4026532800, 140, 8500, 1},
        };
        _cleanup_(root_close) struct root r = ROOT_INIT;
        _cleanup_sweep_ struct ns_sweep *s = ns_sweep_new();
        struct namespaces host;
        open_fixture(&r, "procfs-host");
        ns_baseline(&r, &host);
        for (int run = 0; run < 4; run++) {
                _cleanup_free_ struct ns_group *got = NULL;
                unsigned denied = 99;
                assert_int_equal(ns_sweep_run(s, &r, &host, &got, &denied), ARRAY_SIZE(want));
                assert_int_equal(denied, 0);
                for (size_t i = 0; i < ARRAY_SIZE(want); i++) {
                        assert_int_equal(got[i].type, want[i].type);
                        assert_int_equal(got[i].inode, want[i].inode);
                        assert_int_equal(got[i].pid, want[i].pid);
                        assert_int_equal(got[i].start_ticks, want[i].start_ticks);
                        assert_int_equal(got[i].n_processes, want[i].n_processes);
                }
        }
}

static void test_sweep_hostile(void **state)
{
        (void)state;
        static const char *const fixtures[] = {"procfs-hostile", "procfs-nobaseline"};
        for (size_t i = 0; i < ARRAY_SIZE(fixtures); i++) {
                _cleanup_(root_close) struct root r = ROOT_INIT;
                _cleanup_sweep_ struct ns_sweep *s = ns_sweep_new();
                _cleanup_free_ struct ns_group *got = NULL;
                struct namespaces host;
                unsigned denied = 99;
                open_fixture(&r, fixtures[i]);
                ns_baseline(&r, &host);
                assert_int_equal(ns_sweep_run(s, &r, &host, &got, &denied), 0);
                assert_int_equal(denied, 0);
        }
}

/* What is unknown of the host differs from nothing. */
static void test_sweep_without_baseline(void **state)
{
        (void)state;
        _cleanup_(root_close) struct root r = ROOT_INIT;
        _cleanup_sweep_ struct ns_sweep *s = ns_sweep_new();
        _cleanup_free_ struct ns_group *got = NULL;
        struct namespaces host = {0};
        unsigned denied;
        open_fixture(&r, "procfs-host");
        assert_int_equal(ns_sweep_run(s, &r, &host, &got, &denied), 0);
}

static void test_sweep_without_proc(void **state)
{
        (void)state;
        struct root r = ROOT_INIT;
        _cleanup_sweep_ struct ns_sweep *s = ns_sweep_new();
        struct ns_group *got = NULL;
        struct namespaces host = {0};
        unsigned denied = 7;
        assert_int_equal(ns_sweep_run(s, &r, &host, &got, &denied), -ENOENT);
        assert_null(got);
        assert_int_equal(denied, 7);
}

/* Runs once more and returns the inode of the one group, 0 for none. */
static uint64_t sweep_inode(struct ns_sweep *s, const struct root *r)
{
        const struct namespaces host = {.inode = {[NS_PID] = 1}};
        _cleanup_free_ struct ns_group *got = NULL;
        unsigned denied;
        int n = ns_sweep_run(s, r, &host, &got, &denied);
        assert_in_range(n, 0, 1);
        return n ? got[0].inode : 0;
}

/* Two looks at a process, none after that while its directory is the same one. */
static void test_two_looks(void **state)
{
        (void)state;
        struct proc_dir d;
        proc_dir_make(&d);
        d.root.fixture = false; /* as procfs: d_ino tells processes apart */
        _cleanup_sweep_ struct ns_sweep *s = ns_sweep_new();
        put_link(&d, "5", NS_PID, 1);
        assert_int_equal(sweep_inode(s, &d.root), 0);
        put_link(&d, "5", NS_PID, 2); /* it has unshared after its birth */
        assert_int_equal(sweep_inode(s, &d.root), 2);
        put_link(&d, "5", NS_PID, 3);
        assert_int_equal(sweep_inode(s, &d.root), 2);
        assert_int_equal(sweep_inode(s, &d.root), 2);
        put_link(&d, "new", NS_PID, 4); /* while 5 is there, so that its inode is another one */
        assert_int_equal(renameat2(d.fd, "new", d.fd, "5", RENAME_EXCHANGE), 0);
        assert_int_equal(sweep_inode(s, &d.root), 4);
        assert_int_equal(renameat(d.fd, "5", d.fd, "gone"), 0);
        assert_int_equal(sweep_inode(s, &d.root), 0);
        proc_dir_remove(&d);
}

/* A fixture's directories have no identity: steps may hold other processes under the same pid. */
static void test_fixture_is_always_looked_at(void **state)
{
        (void)state;
        struct proc_dir d;
        proc_dir_make(&d);
        _cleanup_sweep_ struct ns_sweep *s = ns_sweep_new();
        for (uint64_t inode = 2; inode < 7; inode++) {
                put_link(&d, "5", NS_PID, inode);
                assert_int_equal(sweep_inode(s, &d.root), inode);
        }
        proc_dir_remove(&d);
}

/* --- this host ------------------------------------------------------------------------------ */

/* A child that is the first process of a pid namespace (with a user namespace where we are not
 * root), or -1 where that is barred. *ret_fd: close it to end the child. */
static pid_t start_namespace(int *ret_fd, pid_t *ret_outer)
{
        int ready[2], stay[2];
        char byte;
        assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
        assert_int_equal(pipe2(stay, O_CLOEXEC), 0);
        pid_t outer = fork();
        if (outer == 0) {
                close(stay[1]);
                if (unshare(CLONE_NEWPID | (geteuid() ? CLONE_NEWUSER : 0)) < 0)
                        _exit(1);
                pid_t inner = fork();
                if (inner == 0)
                        _exit(read(stay[0], &byte, 1) == 0 ? 0 : 1);
                (void)!write(ready[1], &inner, sizeof(inner));
                waitpid(inner, NULL, 0);
                _exit(0);
        }
        pid_t inner = -1;
        close(ready[1]);
        close(stay[0]);
        if (read(ready[0], &inner, sizeof(inner)) != sizeof(inner))
                inner = -1;
        close(ready[0]);
        *ret_fd = stay[1];
        *ret_outer = outer;
        return inner;
}

/* Drops root in a child and looks from there: found by NSpid alone. Returns its exit status. */
static int sweep_as_nobody(const struct root *r, const struct namespaces *host, pid_t inner)
{
        pid_t child = fork();
        if (child == 0) {
                struct ns_sweep *s = ns_sweep_new();
                struct ns_group *got = NULL;
                unsigned denied = 0;
                if (setresgid(65534, 65534, 65534) < 0 || setresuid(65534, 65534, 65534) < 0)
                        _exit(2);
                for (int run = 0; run < 3; run++) {
                        int n = ns_sweep_run(s, r, host, &got, &denied), found = 0;
                        for (int i = 0; i < n; i++)
                                found += got[i].pid == inner && got[i].type == NS_PID &&
                                         got[i].inode == 0 && got[i].start_ticks > 0;
                        free(got);
                        if (found != 1 || denied == 0)
                                _exit(3);
                }
                ns_sweep_free(s);
                _exit(0);
        }
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        return WEXITSTATUS(status);
}

static void test_this_host(void **state)
{
        (void)state;
        _cleanup_(root_close) struct root r = ROOT_INIT;
        _cleanup_sweep_ struct ns_sweep *s = ns_sweep_new();
        struct namespaces host, inside;
        int fd;
        pid_t outer, inner = start_namespace(&fd, &outer);
        assert_int_equal(root_open(&r, NULL), 0);
        ns_baseline(&r, &host);
        if (inner > 0 && ns_read(&r, inner, NS_COUNT, &inside) > 0) {
                for (int run = 0; run < 3; run++) {
                        _cleanup_free_ struct ns_group *got = NULL;
                        unsigned denied, found = 0;
                        int n = ns_sweep_run(s, &r, &host, &got, &denied);
                        for (int i = 0; i < n; i++) {
                                assert_int_not_equal(got[i].pid, getpid());
                                if (got[i].inode != inside.inode[NS_PID])
                                        continue;
                                found++;
                                assert_int_equal(got[i].type, NS_PID);
                                assert_int_equal(got[i].pid, inner);
                                assert_int_equal(got[i].n_processes, 1);
                        }
                        assert_int_equal(found, 1);
                }
                if (geteuid() == 0)
                        assert_int_equal(sweep_as_nobody(&r, &host, inner), 0);
        }
        close(fd);
        waitpid(outer, NULL, 0);
        if (inner <= 0)
                skip();
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_link),
                cmocka_unit_test(test_names),
                cmocka_unit_test(test_baseline_fixture),
                cmocka_unit_test(test_baseline_order),
                cmocka_unit_test(test_sweep_fixture),
                cmocka_unit_test(test_sweep_hostile),
                cmocka_unit_test(test_sweep_without_baseline),
                cmocka_unit_test(test_sweep_without_proc),
                cmocka_unit_test(test_two_looks),
                cmocka_unit_test(test_fixture_is_always_looked_at),
                cmocka_unit_test(test_this_host),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
