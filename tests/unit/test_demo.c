/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "app/demo.h"
#include "app/demo_cgroup.h"
#include "app/demo_util.h"
#include "base/mem.h"
#include "base/str.h"
#include "kernel/mounts.h"

#define GONE_MS   3000
#define POINT_MAX 256
#define SLOW_MS   20000 /* for what merely has to happen once on a busy machine */

/* What a test needs to know of a running demo, copied through shared memory between processes. */
struct view {
        int started; /* demo_start()'s result, 1 while unknown */
        pid_t keeper;
        pid_t heir;
        char top[256]; /* "ctop-demo-123", "" without cgroups */
        struct {
                pid_t pid;
                char cgroup[320], note[128];
                ino_t pidns, netns;
        } c[DEMO_CONTAINERS];
        pid_t members[16]; /* every process inside, 0-terminated */
};

static bool wait_until(bool (*done)(const void *), const void *arg, int ms)
{
        uint64_t deadline = demo_now_usec() + (uint64_t)ms * 1000;
        for (;;) {
                if (done(arg))
                        return true;
                if (!demo_left_ms(deadline))
                        return false;
                demo_nap_ms(5);
        }
}

static void read_text(const char *path, char *buf, size_t size)
{
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t n = fd >= 0 ? read_whole(fd, buf, size) : 0;
        if (fd >= 0)
                (void)close(fd);
        buf[MAX(n, 0)] = '\0';
}

static ino_t ns_inode(pid_t pid, const char *ns)
{
        char path[64];
        struct stat st;
        snprintf(path, sizeof(path), "/proc/%d/ns/%s", (int)pid, ns);
        return stat(path, &st) == 0 ? st.st_ino : 0;
}

/* --- cgroups, looked at from outside ---------------------------------------------------------- */

/* The hierarchies that have a use for the demo; "" is v2. */
static const char *const tags[] = {"",     "cpu",   "cpuacct", "memory",
                                   "pids", "blkio", "freezer", "name=systemd"};

static bool is_wanted(const struct mount *m)
{
        bool wanted = streq(m->fstype, "cgroup2");
        for (size_t i = 1; i < ARRAY_SIZE(tags) && streq(m->fstype, "cgroup"); i++)
                wanted |= option_has(m->options, tags[i]);
        return wanted;
}

/* Calls each() with those cgroup mounts of the host until it returns true. */
static bool any_mount(bool (*each)(const struct mount *, const void *), const void *arg)
{
        static char text[256 * 1024];
        struct mount m;
        read_text("/proc/self/mountinfo", text, sizeof(text));
        for (char *cursor = text; mount_next(&cursor, &m) > 0;)
                if (is_wanted(&m) && each(&m, arg))
                        return true;
        return false;
}

static bool mount_has(const struct mount *m, const void *name)
{
        char path[512];
        struct stat st;
        snprintf(path, sizeof(path), "%s/%s", m->point, (const char *)name);
        return stat(path, &st) == 0;
}

static bool no_mount_has(const void *name)
{
        return !any_mount(mount_has, name);
}

struct find {
        const char *tag; /* "" is v2 */
        char *ret;
};

static bool find_point(const struct mount *m, const void *arg)
{
        const struct find *f = arg;
        bool v2 = streq(m->fstype, "cgroup2");
        if (*f->tag ? v2 || !option_has(m->options, f->tag) : !v2)
                return false;
        snprintf(f->ret, POINT_MAX, "%s", m->point);
        return true;
}

/* The file of the first hierarchy that carries tag, else of the unified one. False: no such file.
 */
static bool read_cgroup(const char *tag, const char *cgroup, const char *v1_file,
                        const char *v2_file, char *buf, size_t size)
{
        char point[POINT_MAX], path[POINT_MAX + 400];
        bool v1 = any_mount(find_point, &(struct find){tag, point});
        if (!v1 && !any_mount(find_point, &(struct find){"", point}))
                return false;
        snprintf(path, sizeof(path), "%s%s/%s", point, cgroup, v1 ? v1_file : v2_file);
        if (access(path, F_OK) < 0)
                return false;
        read_text(path, buf, size);
        return true;
}

static uint64_t key_of(const char *text, const char *key)
{
        const char *at = strstr(text, key);
        uint64_t v = 0;
        if (at)
                (void)parse_u64(at + strlen(key), at + strlen(at), &v);
        return v;
}

/* --- processes -------------------------------------------------------------------------------- */

/* Orphans stay zombies for as long as PID 1 likes. */
static bool is_gone(pid_t pid)
{
        char path[64], text[512];
        snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
        read_text(path, text, sizeof(text));
        const char *state = strrchr(text, ')');
        return pid == 0 || !state || strchr("ZX", state[2]);
}

/* All processes in the containers. Namespace inodes tell nothing later: they are reused at once. */
static void find_members(struct view *v)
{
        DIR *d = opendir("/proc");
        size_t n = 0;
        assert_non_null(d);
        for (struct dirent *e; n + 1 < ARRAY_SIZE(v->members) && (e = readdir(d));) {
                uint64_t pid;
                ino_t pidns = parse_u64_z(e->d_name, &pid) == 0 ? ns_inode((pid_t)pid, "pid") : 0;
                for (size_t i = 0; pidns && i < DEMO_CONTAINERS; i++)
                        if (pidns == v->c[i].pidns)
                                v->members[n++] = (pid_t)pid;
        }
        closedir(d);
        v->members[n] = 0;
}

static bool members_gone(const void *arg)
{
        const struct view *v = arg;
        for (const pid_t *pid = v->members; *pid; pid++)
                if (!is_gone(*pid))
                        return false;
        return true;
}

static bool all_gone(const void *arg)
{
        const struct view *v = arg;
        return members_gone(v) && is_gone(v->keeper) && (!*v->top || no_mount_has(v->top));
}

static pid_t parent_of(pid_t pid)
{
        char path[64], text[4096];
        snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
        read_text(path, text, sizeof(text));
        return (pid_t)key_of(text, "PPid:\t");
}

static void look(const struct demo *d, struct view *v)
{
        struct demo_container c[DEMO_CONTAINERS];
        assert_int_equal(demo_containers(d, c), DEMO_CONTAINERS);
        for (size_t i = 0; i < DEMO_CONTAINERS; i++) {
                v->c[i].pid = c[i].pid;
                v->c[i].pidns = ns_inode(c[i].pid, "pid");
                v->c[i].netns = ns_inode(c[i].pid, "net");
                snprintf(v->c[i].cgroup, sizeof(v->c[i].cgroup), "%s",
                         c[i].cgroup ? c[i].cgroup : "");
                snprintf(v->c[i].note, sizeof(v->c[i].note), "%s", c[i].note ? c[i].note : "");
        }
        find_members(v);
        v->keeper = parent_of(c[0].pid);
        if (*v->c[0].cgroup)
                snprintf(v->top, sizeof(v->top), "%.*s",
                         (int)(strrchr(v->c[0].cgroup, '/') - v->c[0].cgroup) - 1,
                         v->c[0].cgroup + 1);
        v->started = 0;
}

static struct demo *start(const struct root *r, struct view *v)
{
        struct demo *d = NULL;
        char *error = NULL;
        int e = demo_start(r, &d, &error);
        if (e < 0)
                print_message("%s\n", error);
        free(error);
        *v = (struct view){.started = e};
        if (e >= 0)
                look(d, v);
        return d;
}

/* As root, with namespaces to be had: the tests on cgroups make sense. */
static bool is_able(const struct view *v)
{
        if (geteuid() == 0 && v->started == 0 && *v->top)
                return true;
        print_message("SKIPPED: needs root with namespaces and writable cgroups\n");
        return false;
}

/* --- a program of its own, to be killed ------------------------------------------------------- */

struct program {
        pid_t pid;
        struct view *view; /* shared */
};

static pid_t fork_idle(const char *comm)
{
        pid_t pid = fork();
        if (pid)
                return pid;
        (void)prctl(PR_SET_NAME, comm);
        (void)alarm(60); /* at the latest */
        for (;;)
                pause();
}

/* uid 0: stays who it is. with_heir: has another child, which inherits all its descriptors. */
static _Noreturn void run_program(struct view *v, uid_t uid, bool with_heir)
{
        struct root r = ROOT_INIT;
        if (uid && (setgroups(0, NULL) < 0 || setresgid(uid, uid, uid) < 0 ||
                    setresuid(uid, uid, uid) < 0))
                _exit(2);
        (void)prctl(PR_SET_DUMPABLE, 1); /* lost by the change of uid */
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (root_open(&r, NULL) < 0)
                _exit(3);
        struct view mine;
        (void)start(&r, &mine);
        if (with_heir)
                mine.heir = fork_idle("heir");
        memcpy((char *)v + sizeof(v->started), (char *)&mine + sizeof(v->started),
               sizeof(*v) - sizeof(v->started));
        __atomic_store_n(&v->started, mine.started, __ATOMIC_RELEASE);
        for (;;)
                pause();
}

static bool has_started(const void *arg)
{
        return __atomic_load_n(&((const struct view *)arg)->started, __ATOMIC_ACQUIRE) <= 0;
}

static struct program launch_with(uid_t uid, bool with_heir)
{
        struct program p = {.view = mmap(NULL, sizeof(struct view), PROT_READ | PROT_WRITE,
                                         MAP_SHARED | MAP_ANONYMOUS, -1, 0)};
        p.view->started = 1;
        p.pid = fork();
        if (p.pid == 0)
                run_program(p.view, uid, with_heir);
        assert_true(wait_until(has_started, p.view, SLOW_MS));
        return p;
}

static struct program launch(uid_t uid)
{
        return launch_with(uid, false);
}

static void kill_program(struct program *p)
{
        assert_int_equal(kill(p->pid, SIGKILL), 0);
        assert_int_equal(waitpid(p->pid, NULL, 0), p->pid);
}

static void done_program(struct program *p)
{
        munmap(p->view, sizeof(struct view));
}

/* --- tests ------------------------------------------------------------------------------------ */

static void assert_isolated(const struct view *v)
{
        assert_int_not_equal(v->members[2], 0);
        for (size_t i = 0; i < DEMO_CONTAINERS; i++) {
                assert_true(v->c[i].pid > 0);
                assert_int_not_equal(v->c[i].pidns, 0);
                assert_int_not_equal(v->c[i].pidns, ns_inode(getpid(), "pid"));
                assert_int_not_equal(v->c[i].netns, 0);
                assert_int_not_equal(v->c[i].netns, ns_inode(getpid(), "net"));
                for (size_t j = 0; j < i; j++) {
                        assert_int_not_equal(v->c[i].pidns, v->c[j].pidns);
                        assert_int_not_equal(v->c[i].netns, v->c[j].netns);
                }
        }
}

/* "cpu,cpuacct:/path" has cpu as well. */
static bool is_comounted(const char *text, const char *tag, const char *cgroup)
{
        char start[64], end[256];
        snprintf(start, sizeof(start), ":%s,", tag);
        snprintf(end, sizeof(end), ":%s\n", cgroup);
        const char *at = strstr(text, start);
        const char *path = at ? strchr(at + 1, ':') : NULL;
        return path && startswith(path, end);
}

/* Every hierarchy that accounts what we show holds every container under the same name. */
static void assert_in_hierarchies(const struct view *v)
{
        for (size_t i = 0; i < DEMO_CONTAINERS; i++) {
                char path[64], text[8192], point[POINT_MAX], line[512];
                snprintf(path, sizeof(path), "/proc/%d/cgroup", (int)v->c[i].pid);
                read_text(path, text, sizeof(text));
                for (size_t t = 0; t < ARRAY_SIZE(tags); t++) {
                        if (!any_mount(find_point, &(struct find){tags[t], point}))
                                continue;
                        snprintf(line, sizeof(line), "%s:%s\n", tags[t], v->c[i].cgroup);
                        if (!strstr(text, line) && !is_comounted(text, tags[t], v->c[i].cgroup))
                                fail_msg("no '%s' in:\n%s", line, text);
                }
        }
}

static void assert_limits(const struct view *v)
{
        char text[256];
        if (read_cgroup("cpu", v->c[0].cgroup, "cpu.cfs_quota_us", "cpu.max", text, sizeof(text)))
                assert_int_equal(strtol(text, NULL, 10), 25000);
        else
                assert_string_equal(v->c[0].note, "no limit: not delegated");
        if (read_cgroup("memory", v->c[1].cgroup, "memory.limit_in_bytes", "memory.max", text,
                        sizeof(text)))
                assert_int_equal(strtol(text, NULL, 10), 64 << 20);
        else
                assert_string_equal(v->c[1].note, "no limit: not delegated");
}

static bool is_throttled(const void *arg)
{
        const struct view *v = arg;
        char text[1024];
        return !read_cgroup("cpu", v->c[0].cgroup, "cpu.stat", "cpu.stat", text, sizeof(text)) ||
               *v->c[0].note || key_of(text, "nr_throttled ") >= 3;
}

static void assert_memory_near_limit(const struct view *v)
{
        char text[4096];
        if (!read_cgroup("memory", v->c[1].cgroup, "memory.usage_in_bytes", "memory.current", text,
                         sizeof(text)))
                return;
        assert_in_range(strtol(text, NULL, 10), 64 * 1048576L * 90 / 100, 64 * 1048576L);
        if (read_cgroup("memory", v->c[1].cgroup, "memory.oom_control", "memory.events", text,
                        sizeof(text)))
                assert_int_equal(key_of(text, "oom_kill "), 0);
}

static bool has_traffic(const void *arg)
{
        const struct view *v = arg;
        char path[64], text[4096];
        snprintf(path, sizeof(path), "/proc/%d/net/dev", (int)v->c[2].pid);
        read_text(path, text, sizeof(text));
        const char *eth = strstr(text, "eth0:");
        return strstr(v->c[2].note, "no traffic: no veth in this kernel") ||
               (eth && strtoll(eth + 5, NULL, 10) > 1048576);
}

static bool has_written(const void *arg)
{
        const struct view *v = arg;
        char path[64], text[4096];
        snprintf(path, sizeof(path), "/proc/%d/io", (int)v->c[1].pid);
        read_text(path, text, sizeof(text));
        return key_of(text, "wchar: ") >= 3 * 65536;
}

static unsigned count_interfaces(void)
{
        unsigned n = 0;
        struct if_nameindex *list = if_nameindex();
        for (struct if_nameindex *i = list; i && i->if_index; i++)
                n++;
        if_freenameindex(list);
        return n;
}

static void test_start_and_stop(void **state)
{
        (void)state;
        struct root r = ROOT_INIT;
        struct view v;
        unsigned interfaces = count_interfaces();
        assert_int_equal(root_open(&r, NULL), 0);
        struct demo *d = start(&r, &v);
        if (!is_able(&v)) {
                demo_stop(d);
                root_close(&r);
                skip();
        }
        assert_isolated(&v);
        assert_in_hierarchies(&v);
        assert_limits(&v);
        assert_memory_near_limit(&v);
        assert_true(wait_until(is_throttled, &v, SLOW_MS));
        assert_true(wait_until(has_traffic, &v, SLOW_MS));
        assert_true(wait_until(has_written, &v, SLOW_MS));
        assert_memory_near_limit(&v);
        assert_int_equal(count_interfaces(), interfaces);
        assert_null(demo_note(d, "no such container"));

        demo_stop(d); /* must have waited: nothing is polled from here on */
        assert_true(all_gone(&v));
        assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
        assert_int_equal(errno, ECHILD);
        root_close(&r);
}

static void test_program_killed(void **state)
{
        (void)state;
        struct program p = launch(0);
        bool able = is_able(p.view);
        if (able)
                assert_isolated(p.view);
        kill_program(&p);
        bool gone = wait_until(all_gone, p.view, GONE_MS);
        done_program(&p);
        assert_true(gone);
        if (!able)
                skip();
}

/* The signals that end the program from a terminal or a service manager leave the keeper at work.
 */
static void test_keeper_ignores_signals(void **state)
{
        (void)state;
        static const int signals[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1};
        struct program p = launch(0);
        bool able = is_able(p.view);
        for (size_t i = 0; able && i < ARRAY_SIZE(signals); i++)
                assert_int_equal(kill(p.view->keeper, signals[i]), 0);
        demo_nap_ms(50);
        if (able) {
                assert_false(is_gone(p.view->keeper));
                assert_false(is_gone(p.view->c[0].pid));
        }
        kill_program(&p);
        assert_true(wait_until(all_gone, p.view, GONE_MS));
        done_program(&p);
        if (!able)
                skip();
}

/* Freezes one container the way v1 and v2 do: a v1 freezer even holds SIGKILL back. */
static void freeze(const struct view *v, size_t i)
{
        static const char *const how[][3] = {{"freezer", "freezer.state", "FROZEN"},
                                             {"", "cgroup.freeze", "1"}};
        for (size_t k = 0; k < ARRAY_SIZE(how); k++) {
                char point[POINT_MAX], path[POINT_MAX + 400];
                if (!any_mount(find_point, &(struct find){how[k][0], point}))
                        continue;
                snprintf(path, sizeof(path), "%s%s/%s", point, v->c[i].cgroup, how[k][1]);
                int fd = open(path, O_WRONLY | O_CLOEXEC);
                assert_true(fd >= 0);
                assert_true(write(fd, how[k][2], strlen(how[k][2])) > 0);
                (void)close(fd);
        }
}

static void test_frozen_container_is_removed(void **state)
{
        (void)state;
        struct program p = launch(0);
        bool able = is_able(p.view);
        if (able)
                freeze(p.view, 0);
        kill_program(&p);
        assert_true(wait_until(all_gone, p.view, GONE_MS));
        done_program(&p);
        if (!able)
                skip();
}

/* What is switched on at the root of the v2 hierarchy; "" without one. */
static void read_root_controllers(char *buf, size_t size)
{
        char point[POINT_MAX], path[POINT_MAX + 64];
        *buf = '\0';
        if (!any_mount(find_point, &(struct find){"", point}))
                return;
        snprintf(path, sizeof(path), "%s/cgroup.subtree_control", point);
        read_text(path, buf, size);
}

static void test_next_start_removes_leftovers(void **state)
{
        (void)state;
        struct root r = ROOT_INIT;
        struct view v;
        char before[256], after[256];
        read_root_controllers(before, sizeof(before));
        struct program p = launch(0);
        if (!is_able(p.view)) {
                kill_program(&p);
                skip();
        }
        assert_int_equal(kill(p.view->keeper, SIGSTOP), 0); /* it must not see the program's end */
        freeze(p.view, 1);
        kill_program(&p);
        assert_int_equal(kill(p.view->keeper, SIGKILL), 0);
        demo_nap_ms(100);
        if (!endswith(p.view->top, ".scope"))            /* systemd removes an emptied scope */
                assert_false(no_mount_has(p.view->top)); /* else this tests nothing */

        assert_int_equal(root_open(&r, NULL), 0);
        struct demo *d = start(&r, &v);
        assert_int_equal(v.started, 0);
        assert_true(wait_until(all_gone, p.view, GONE_MS));
        assert_false(no_mount_has(v.top));
        demo_stop(d);
        assert_true(all_gone(&v));
        read_root_controllers(after, sizeof(after));
        if (*v.top && !endswith(v.top, ".scope")) /* systemd switches them on and off by itself */
                assert_string_equal(after, before);
        root_close(&r);
        done_program(&p);
}

/* With only the keeper killed, the containers end with it and demo_stop() clears up. */
static void test_stop_without_keeper(void **state)
{
        (void)state;
        struct root r = ROOT_INIT;
        struct view v;
        assert_int_equal(root_open(&r, NULL), 0);
        struct demo *d = start(&r, &v);
        if (!is_able(&v)) {
                demo_stop(d);
                root_close(&r);
                skip();
        }
        assert_int_equal(kill(v.keeper, SIGKILL), 0);
        assert_true(wait_until(members_gone, &v, GONE_MS));
        demo_stop(d);
        assert_true(all_gone(&v));
        root_close(&r);
}

static bool first_has_no_cgroup(const void *arg)
{
        const struct view *v = arg;
        return no_mount_has(v->c[0].cgroup + 1);
}

static void test_ended_container_leaves_no_cgroup(void **state)
{
        (void)state;
        struct root r = ROOT_INIT;
        struct view v;
        assert_int_equal(root_open(&r, NULL), 0);
        struct demo *d = start(&r, &v);
        bool able = is_able(&v);
        if (able) {
                assert_int_equal(kill(v.c[0].pid, SIGTERM), 0); /* as a stop does */
                assert_true(wait_until(first_has_no_cgroup, &v, SLOW_MS));
                assert_false(no_mount_has(v.c[1].cgroup + 1));
                assert_false(is_gone(v.c[1].pid));
        }
        demo_stop(d);
        assert_true(all_gone(&v));
        root_close(&r);
        if (!able)
                skip();
}

/* Two at a time keep out of each other's way: neither is a leftover to the other. */
static void test_two_at_a_time(void **state)
{
        (void)state;
        struct root r = ROOT_INIT;
        struct view v;
        struct program p = launch(0);
        bool able = is_able(p.view);
        assert_int_equal(root_open(&r, NULL), 0);
        struct demo *d = start(&r, &v);
        if (able) {
                assert_false(no_mount_has(p.view->top));
                assert_false(is_gone(p.view->c[0].pid));
        }
        demo_stop(d);
        if (able)
                assert_false(is_gone(p.view->c[0].pid));
        kill_program(&p);
        assert_true(wait_until(all_gone, p.view, GONE_MS));
        root_close(&r);
        done_program(&p);
        if (!able)
                skip();
}

/* The reader child is forked from the program and holds copies of its descriptors. */
static void test_heirs_do_not_keep_it_alive(void **state)
{
        (void)state;
        struct root r = ROOT_INIT;
        struct view v;
        assert_int_equal(root_open(&r, NULL), 0);
        struct demo *d = start(&r, &v);
        if (v.started < 0) {
                root_close(&r);
                skip();
        }
        pid_t heir = fork_idle("heir");
        demo_stop(d);
        bool gone = all_gone(&v);
        (void)kill(heir, SIGKILL);
        (void)waitpid(heir, NULL, 0);
        root_close(&r);
        assert_true(gone);
}

static void test_heirs_of_a_killed_program(void **state)
{
        (void)state;
        struct program p = launch_with(0, true);
        bool able = p.view->started == 0;
        kill_program(&p);
        bool gone = wait_until(all_gone, p.view, GONE_MS);
        (void)kill(p.view->heir, SIGKILL);
        done_program(&p);
        assert_true(gone);
        if (!able)
                skip();
}

static void test_unprivileged(void **state)
{
        (void)state;
        struct program p = launch(geteuid() == 0 ? 65534 : 0);
        int started = p.view->started;
        if (started == 0) {
                assert_isolated(p.view);
                /* a systemd that delegates to users may be here or not */
                for (size_t i = 0; i < DEMO_CONTAINERS && !*p.view->top; i++)
                        assert_non_null(startswith(p.view->c[i].note, "no limit: not delegated"));
                assert_true(wait_until(has_traffic, p.view, SLOW_MS));
        }
        kill_program(&p);
        bool gone = wait_until(all_gone, p.view, GONE_MS);
        done_program(&p);
        assert_true(gone);
        if (started < 0) {
                assert_int_equal(started, -EPERM);
                print_message("SKIPPED: user namespaces are barred\n");
                skip();
        }
}

/* A user without a mapping may make no user namespace: the plain refusal of a hardened host. */
static _Noreturn void run_barred(void)
{
        struct root r = ROOT_INIT;
        struct demo *d = NULL;
        char *error = NULL;
        if (unshare(CLONE_NEWUSER) < 0 || root_open(&r, NULL) < 0)
                _exit(77);
        int e = demo_start(&r, &d, &error);
        bool plain = error && startswith(error, "demo: ") && !strchr(error, '\n');
        bool alone = waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD;
        _exit(e != -EPERM ? 1 : !plain ? 2 : d ? 3 : !alone ? 4 : 0);
}

static void test_barred(void **state)
{
        (void)state;
        int status;
        pid_t pid = fork();
        if (pid == 0)
                run_barred();
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        if (WEXITSTATUS(status) == 77)
                skip();
        assert_int_equal(WEXITSTATUS(status), 0);
}

static void test_sysroot_is_refused(void **state)
{
        (void)state;
        struct root r = ROOT_INIT;
        struct demo *d = NULL;
        char *error = NULL;
        assert_int_equal(root_open(&r, "/"), 0);
        assert_int_equal(demo_start(&r, &d, &error), -EINVAL);
        assert_non_null(error);
        assert_null(d);
        free(error);
        root_close(&r);
}

/* --- a scope, as systemd would have made it --------------------------------------------------- */

static bool make_dir(const struct mount *m, const void *name)
{
        char path[512];
        snprintf(path, sizeof(path), "%s/%s", m->point, (const char *)name);
        (void)mkdir(path, 0755);
        return false;
}

static bool remove_dir(const struct mount *m, const void *name)
{
        char path[512];
        snprintf(path, sizeof(path), "%s/%s", m->point, (const char *)name);
        (void)rmdir(path);
        return false;
}

static bool enter_dir(const struct mount *m, const void *name)
{
        char path[512];
        snprintf(path, sizeof(path), "%s/%s/cgroup.procs", m->point, (const char *)name);
        int fd = open(path, O_WRONLY | O_CLOEXEC);
        if (fd >= 0) {
                (void)!write(fd, "0", 1);
                (void)close(fd);
        }
        return false;
}

/* Plays the keeper inside the scope; a sibling of a dead keeper is to be swept, one of a living
 * keeper is not. Returns 0, or the line that failed. */
static int play_in_scope(const struct root *r, const char *slice, const char *dead,
                         const char *living)
{
        struct demo_tree tree;
        char scope[64], path[160], expected[256];
        snprintf(scope, sizeof(scope), DEMO_PREFIX "%d.scope", (int)getpid());
        snprintf(path, sizeof(path), "%s/%s", slice, scope);
        (void)any_mount(make_dir, path);
        (void)any_mount(enter_dir, path);
        if (demo_tree_open(r, &tree) < 0 || demo_tree_adopt(&tree, scope) < 0)
                return __LINE__;
        if (!no_mount_has(dead) || no_mount_has(living))
                return __LINE__;
        if (demo_tree_add(&tree, "demo-web") < 0)
                return __LINE__;
        snprintf(expected, sizeof(expected), "/%s/demo-web", path);
        char *found = demo_tree_path(&tree, "demo-web");
        bool same = found && streq(found, expected);
        free(found);
        if (!same || no_mount_has(expected + 1))
                return __LINE__;
        if (!demo_tree_drop(&tree, "demo-web") || !no_mount_has(expected + 1))
                return __LINE__;
        if (!demo_tree_remove(&tree) || no_mount_has(path)) /* the scope is systemd's to remove */
                return __LINE__;
        demo_tree_close(&tree);
        return 0;
}

static void test_adopts_a_scope(void **state)
{
        (void)state;
        struct root r = ROOT_INIT;
        char slice[64], dead[128], living[128], path[160];
        if (geteuid() != 0)
                skip();
        assert_int_equal(root_open(&r, NULL), 0);
        pid_t ended = fork();
        if (ended == 0)
                _exit(0);
        assert_int_equal(waitpid(ended, NULL, 0), ended);
        pid_t keeper = fork_idle(DEMO_COMM);
        demo_nap_ms(50);
        snprintf(slice, sizeof(slice), "ctop-test-%d.slice", (int)getpid());
        snprintf(dead, sizeof(dead), "%s/" DEMO_PREFIX "%d.scope", slice, (int)ended);
        snprintf(living, sizeof(living), "%s/" DEMO_PREFIX "%d.scope", slice, (int)keeper);
        (void)any_mount(make_dir, slice);
        (void)any_mount(make_dir, dead);
        (void)any_mount(make_dir, living);
        bool able = !no_mount_has(dead);
        pid_t player = fork();
        if (player == 0)
                _exit(MIN(play_in_scope(&r, slice, dead, living) / 4, 255));
        int status;
        assert_int_equal(waitpid(player, &status, 0), player);
        (void)kill(keeper, SIGKILL);
        (void)waitpid(keeper, NULL, 0);
        snprintf(path, sizeof(path), "%s/" DEMO_PREFIX "%d.scope/keeper", slice, (int)player);
        (void)any_mount(remove_dir, path);
        *strrchr(path, '/') = '\0';
        (void)any_mount(remove_dir, path);
        (void)any_mount(remove_dir, dead);
        (void)any_mount(remove_dir, living);
        (void)any_mount(remove_dir, slice);
        root_close(&r);
        if (!able)
                skip();
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status) * 4, 0);
        assert_true(no_mount_has(slice));
}

/* Names that only look like ours are not touched. */
static void test_sweep_spares_others(void **state)
{
        (void)state;
        static const char *const names[] = {"ctop-demo-",       "ctop-demo-x",
                                            "ctop-demo-1x",     "ctop-demo-999999999999999999999",
                                            "ctop-demo-0",      "xctop-demo-99999999",
                                            "ctop-demo-9.slice"};
        struct root r = ROOT_INIT;
        struct demo_tree tree;
        if (geteuid() != 0)
                skip();
        assert_int_equal(root_open(&r, NULL), 0);
        assert_int_equal(demo_tree_open(&r, &tree), 0);
        for (size_t i = 0; i < ARRAY_SIZE(names); i++)
                (void)any_mount(make_dir, names[i]);
        (void)any_mount(make_dir, DEMO_PREFIX "2147483646"); /* past any pid_max: left over */
        bool able = !no_mount_has(DEMO_PREFIX "2147483646");
        (void)demo_tree_sweep(&tree);
        bool spared = true;
        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                spared &= !no_mount_has(names[i]);
                (void)any_mount(remove_dir, names[i]);
        }
        demo_tree_close(&tree);
        root_close(&r);
        if (!able)
                skip();
        assert_true(spared);
        assert_true(no_mount_has(DEMO_PREFIX "2147483646"));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_start_and_stop),
                cmocka_unit_test(test_program_killed),
                cmocka_unit_test(test_keeper_ignores_signals),
                cmocka_unit_test(test_frozen_container_is_removed),
                cmocka_unit_test(test_next_start_removes_leftovers),
                cmocka_unit_test(test_stop_without_keeper),
                cmocka_unit_test(test_ended_container_leaves_no_cgroup),
                cmocka_unit_test(test_two_at_a_time),
                cmocka_unit_test(test_heirs_do_not_keep_it_alive),
                cmocka_unit_test(test_heirs_of_a_killed_program),
                cmocka_unit_test(test_unprivileged),
                cmocka_unit_test(test_barred),
                cmocka_unit_test(test_sysroot_is_refused),
                cmocka_unit_test(test_adopts_a_scope),
                cmocka_unit_test(test_sweep_spares_others),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
