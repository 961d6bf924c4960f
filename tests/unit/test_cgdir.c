/* SPDX-License-Identifier: MIT */
#include "kernel/cgdir.h"

#include "temp_tree.h"

static uint64_t now_usec;

static uint64_t clock_usec(void)
{
        return now_usec;
}

/* A v2 host of plain files; its files are read through kept descriptors like a kernel's. */
struct host {
        struct temp temp;
        struct root root;
        struct hierarchies h;
        struct cg_dirs dirs;
};

static void host_open(struct host *w, bool cache, int budget)
{
        temp_open(&w->temp);
        temp_put(&w->temp, "sys/fs/cgroup/cgroup.controllers", "cpu memory pids\n");
        assert_int_equal(root_open(&w->root, w->temp.dir), 0);
        assert_int_equal(hierarchies_open(&w->root, &w->h), 0);
        cg_dirs_init(&w->dirs, &w->root, &w->h, budget, clock_usec);
        w->dirs.cache = cache;
        w->dirs.tick = 1;
}

static void host_close(struct host *w)
{
        cg_dirs_done(&w->dirs);
        hierarchies_close(&w->h);
        root_close(&w->root);
        temp_close(&w->temp);
}

static void put(struct host *w, const char *path, const char *text)
{
        _cleanup_free_ char *full = xasprintf("sys/fs/cgroup/%s", path);
        temp_put(&w->temp, full, text);
}

static struct cg_dir *get(struct host *w, const char *path)
{
        return cg_dir_get(&w->dirs, w->h.of[CTRL_CPU], path);
}

static void all_of(struct cg_dir *of[CTRL_COUNT], struct cg_dir *dir)
{
        for (unsigned c = 0; c < CTRL_COUNT; c++)
                of[c] = dir;
}

/* The limits of path, asked for anew. */
static struct limits limits_of(struct host *w, const char *path, struct cg_dir **ret_dir)
{
        struct cg_dir *of[CTRL_COUNT];
        struct limits l;
        struct cg_dir *dir = get(w, path);
        assert_non_null(dir);
        cg_dirs_all_stale(&w->dirs);
        w->dirs.tick++;
        all_of(of, dir);
        cg_limits(&w->dirs, of, &l);
        *ret_dir = dir;
        return l;
}

static void assert_limit(const struct limit *l, enum limit_state state, uint64_t value,
                         const char *source)
{
        assert_int_equal(l->state, state);
        if (state == LIMIT_SET)
                assert_true(l->value == value);
        if (source)
                assert_string_equal(l->source, source);
        else
                assert_null(l->source);
}

/* --- parsers --- */

static void test_limit_parse(void **state)
{
        (void)state;
        static const struct {
                const char *text;
                enum limit_state state;
                uint64_t value;
        } cases[] = {
                {"max\n", LIMIT_NONE, 0},
                {"max", LIMIT_NONE, 0},
                {"0\n", LIMIT_SET, 0},
                {"536870912\n", LIMIT_SET, 536870912},
                {"50", LIMIT_SET, 50},
                {"9223372036854771712\n", LIMIT_NONE, 0}, /* v1 without a limit */
                {"9223372036854710272\n", LIMIT_NONE, 0}, /* the same with 64 KiB pages */
                {"4611686018427387903\n", LIMIT_SET, UINT64_C(4611686018427387903)},
                {"18446744073709551615\n", LIMIT_NONE, 0},
                {"99999999999999999999\n", LIMIT_UNKNOWN, 0},
                {"", LIMIT_UNKNOWN, 0},
                {"\n", LIMIT_UNKNOWN, 0},
                {"ma\n", LIMIT_UNKNOWN, 0},
                {"maximum\n", LIMIT_UNKNOWN, 0},
                {"-1\n", LIMIT_UNKNOWN, 0},
                {"12 34\n", LIMIT_UNKNOWN, 0},
                {"12k\n", LIMIT_UNKNOWN, 0},
                {"\x80\xff\n", LIMIT_UNKNOWN, 0},
        };
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct limit l = limit_parse(cases[i].text);
                assert_limit(&l, cases[i].state, cases[i].value, NULL);
        }
}

static void test_cpu_max(void **state)
{
        (void)state;
        static const struct {
                const char *text;
                enum limit_state state;
                uint64_t value;
        } cases[] = {
                {"max 100000\n", LIMIT_NONE, 0},
                {"50000 100000\n", LIMIT_SET, 500000},
                {"200000 100000\n", LIMIT_SET, 2000000},
                {"1000 1000000", LIMIT_SET, 1000},
                {"150000 100000\n", LIMIT_SET, 1500000},
                {"max\n", LIMIT_UNKNOWN, 0}, /* cut short */
                {"50000\n", LIMIT_UNKNOWN, 0},
                {"50000 \n", LIMIT_UNKNOWN, 0},
                {"50000 0\n", LIMIT_UNKNOWN, 0},
                {"max 0\n", LIMIT_UNKNOWN, 0},
                {"x 100000\n", LIMIT_UNKNOWN, 0},
                {" 100000\n", LIMIT_UNKNOWN, 0},
                {"50000 100000x\n", LIMIT_UNKNOWN, 0},
                {"50000 100000 7\n", LIMIT_UNKNOWN, 0},
                {"50000x 100000\n", LIMIT_UNKNOWN, 0},
                {"99999999999999999999 100000\n", LIMIT_UNKNOWN, 0},
                {"18446744073709551615 1\n", LIMIT_UNKNOWN, 0},
                {"50000 99999999999999999999\n", LIMIT_UNKNOWN, 0},
                {"", LIMIT_UNKNOWN, 0},
                {"\n50000 100000\n", LIMIT_UNKNOWN, 0},
        };
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct limit l = limit_parse_cpu_max(cases[i].text);
                assert_limit(&l, cases[i].state, cases[i].value, NULL);
        }
}

static void test_cpu_lists(void **state)
{
        (void)state;
        static const struct {
                const char *text;
                unsigned n;
        } cases[] = {
                {"0\n", 1},
                {"0-3\n", 4},
                {"0-3,7\n", 5},
                {"1,3,5-6", 4},
                {"7-7\n", 1},
                {"0-1023\n", 1024},
                {"", 0},
                {"\n", 0},
                {"3-1\n", 0},
                {"0-\n", 0},
                {"-3\n", 0},
                {"0-3,\n", 0},
                {",0\n", 0},
                {"0,,1\n", 0},
                {"0-3 7\n", 0},
                {"a\n", 0},
                {"0-99999999999\n", 0},
                {"0-18446744073709551615\n", 0},
                {"5,0-18446744073709551615\n", 0},
                {"0-99999999999999999999\n", 0},
                {"\x80\xff", 0},
        };
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
                if (cpu_list_size(cases[i].text) != cases[i].n)
                        fail_msg("'%s': %u", cases[i].text, cpu_list_size(cases[i].text));
}

/* --- directories --- */

static void test_directories_are_shared(void **state)
{
        (void)state;
        struct host w;
        host_open(&w, false, 0);
        const struct hierarchy *h = w.h.of[CTRL_CPU];
        struct cg_dir *a = get(&w, "/a/b"), *b = get(&w, "/a/c"), *again = get(&w, "/a/b");
        assert_ptr_equal(a, again);
        assert_ptr_equal(a->parent, b->parent);
        assert_string_equal(a->parent->name, "a");
        assert_int_equal(a->refs, 2);
        assert_int_equal(a->parent->refs, 3);
        assert_null(a->parent->parent->parent);
        assert_ptr_equal(cg_dir_find(&w.dirs, h, "/a/c"), b);
        assert_null(cg_dir_find(&w.dirs, h, "/b"));
        cg_dir_put(&w.dirs, a);
        cg_dir_put(&w.dirs, again);
        assert_null(cg_dir_find(&w.dirs, h, "/a/b"));
        assert_ptr_equal(cg_dir_find(&w.dirs, h, "/a/c"), b);
        cg_dir_put(&w.dirs, b);
        assert_int_equal(w.dirs.by_name.len, 0);
        cg_dir_put(&w.dirs, NULL);
        host_close(&w);
}

static void test_paths_that_lead_nowhere(void **state)
{
        (void)state;
        struct host w;
        host_open(&w, false, 0);
        _cleanup_free_ char *lengthy = xmalloc(10001);
        memset(lengthy, 'a', 10000);
        lengthy[0] = '/';
        lengthy[10000] = '\0';
        assert_null(get(&w, "/.."));
        assert_null(get(&w, "/../../x"));
        assert_null(get(&w, lengthy));
        struct cg_dir *top = get(&w, "/"), *twin = get(&w, "");
        assert_ptr_equal(top, twin);
        assert_null(top->parent);
        struct cg_dir *gone = get(&w, "/not/there");
        struct cg_dir *of[CTRL_COUNT];
        struct limits l;
        all_of(of, gone);
        cg_limits(&w.dirs, of, &l);
        assert_limit(&l.cpu, LIMIT_UNKNOWN, 0, NULL);
        assert_limit(&l.memory_max, LIMIT_UNKNOWN, 0, NULL);
        assert_limit(&l.memory_high, LIMIT_UNKNOWN, 0, NULL);
        assert_limit(&l.pids, LIMIT_UNKNOWN, 0, NULL);
        assert_false(l.throttle.known);
        all_of(of, NULL);
        cg_limits(&w.dirs, of, &l);
        assert_limit(&l.cpu, LIMIT_UNKNOWN, 0, NULL);
        host_close(&w);
}

/* --- limits --- */

static void test_least_over_ancestors(void **state)
{
        (void)state;
        struct host w;
        host_open(&w, false, 0);
        put(&w, "a/cpu.max", "100000 100000\n");
        put(&w, "a/b/cpu.max", "max 100000\n");
        put(&w, "a/b/c/cpu.max", "200000 100000\n");
        put(&w, "a/memory.max", "max\n");
        put(&w, "a/b/memory.max", "1000\n");
        put(&w, "a/b/c/memory.max", "1000\n");
        put(&w, "a/memory.high", "max\n");
        put(&w, "a/b/c/memory.high", "max\n");
        put(&w, "a/b/pids.max", "50\n");
        struct cg_dir *dir;
        struct limits l = limits_of(&w, "/a/b/c", &dir);
        assert_limit(&l.cpu, LIMIT_SET, 1000000, "/a");
        assert_limit(&l.memory_max, LIMIT_SET, 1000, "/a/b/c"); /* of equals the innermost */
        assert_limit(&l.memory_high, LIMIT_NONE, 0, NULL);
        assert_limit(&l.pids, LIMIT_SET, 50, "/a/b");
        cg_dir_put(&w.dirs, dir);
        l = limits_of(&w, "/a", &dir);
        assert_limit(&l.memory_max, LIMIT_NONE, 0, NULL);
        assert_limit(&l.pids, LIMIT_UNKNOWN, 0, NULL);
        cg_dir_put(&w.dirs, dir);
        /* what cannot be understood may be the least: then nobody knows */
        put(&w, "a/b/c/pids.max", "junk\n");
        put(&w, "a/b/cpu.max", "");
        l = limits_of(&w, "/a/b/c", &dir);
        assert_limit(&l.pids, LIMIT_UNKNOWN, 0, NULL);
        assert_limit(&l.cpu, LIMIT_UNKNOWN, 0, NULL);
        assert_limit(&l.memory_max, LIMIT_SET, 1000, "/a/b/c");
        cg_dir_put(&w.dirs, dir);
        host_close(&w);
}

/* A limit is read again only when somebody says that it changed. */
static void test_stale_limits(void **state)
{
        (void)state;
        struct host w;
        host_open(&w, false, 0);
        put(&w, "a/memory.max", "1000\n");
        struct cg_dir *dir, *of[CTRL_COUNT];
        struct limits l = limits_of(&w, "/a", &dir);
        assert_limit(&l.memory_max, LIMIT_SET, 1000, "/a");
        put(&w, "a/memory.max", "2000\n");
        all_of(of, dir);
        cg_limits(&w.dirs, of, &l);
        assert_limit(&l.memory_max, LIMIT_SET, 1000, "/a");
        dir->stale = true;
        w.dirs.tick++;
        cg_limits(&w.dirs, of, &l);
        assert_limit(&l.memory_max, LIMIT_SET, 2000, "/a");
        put(&w, "a/memory.max", "");
        cg_dirs_all_stale(&w.dirs);
        w.dirs.tick++;
        cg_limits(&w.dirs, of, &l);
        assert_limit(&l.memory_max, LIMIT_UNKNOWN, 0, NULL);
        cg_dir_put(&w.dirs, dir);
        host_close(&w);
}

static void test_cpuset_is_a_limit(void **state)
{
        (void)state;
        struct host w;
        struct cg_dir *dir;
        host_open(&w, false, 0);
        w.dirs.host_cpus = 8;
        put(&w, "cpuset.cpus.effective", "0-7\n");
        put(&w, "a/cpuset.cpus.effective", "0-1\n");
        put(&w, "a/cpu.max", "max 100000\n");
        put(&w, "a/b/cpuset.cpus.effective", "0-1\n");
        put(&w, "a/b/cpu.max", "300000 100000\n");
        put(&w, "whole/cpuset.cpus.effective", "0-7\n");
        put(&w, "whole/cpu.max", "max 100000\n");
        put(&w, "small/cpuset.cpus.effective", "0-3\n");
        put(&w, "small/cpu.max", "150000 100000\n");
        struct limits l = limits_of(&w, "/a/b", &dir);
        assert_limit(&l.cpu, LIMIT_SET, 2000000, "/a"); /* where it first became this small */
        cg_dir_put(&w.dirs, dir);
        l = limits_of(&w, "/whole", &dir);
        assert_limit(&l.cpu, LIMIT_NONE, 0, NULL);
        cg_dir_put(&w.dirs, dir);
        l = limits_of(&w, "/small", &dir);
        assert_limit(&l.cpu, LIMIT_SET, 1500000, "/small");
        cg_dir_put(&w.dirs, dir);
        put(&w, "a/b/cpuset.cpus.effective", "\n");
        l = limits_of(&w, "/a/b", &dir);
        assert_limit(&l.cpu, LIMIT_SET, 3000000, "/a/b");
        cg_dir_put(&w.dirs, dir);
        host_close(&w);
}

/* --- throttling --- */

static void put_cpu_stat(struct host *w, const char *dir, unsigned periods, unsigned throttled)
{
        _cleanup_free_ char *path = xasprintf("%s/cpu.stat", dir);
        _cleanup_free_ char *text =
                xasprintf("usage_usec 9\nuser_usec 5\nsystem_usec 4\nnr_periods %u\n"
                          "nr_throttled %u\nthrottled_usec 7\n",
                          periods, throttled);
        put(w, path, text);
}

static void test_most_throttled(void **state)
{
        (void)state;
        struct host w;
        struct cg_dir *dir;
        host_open(&w, false, 0);
        put(&w, "a/cpu.max", "100000 100000\n");
        put(&w, "a/b/cpu.max", "max 100000\n");
        put(&w, "a/b/c/cpu.max", "50000 100000\n");
        put_cpu_stat(&w, "a", 100, 10);
        put_cpu_stat(&w, "a/b", 100, 0);
        put_cpu_stat(&w, "a/b/c", 100, 10);
        struct limits l = limits_of(&w, "/a/b/c", &dir);
        assert_false(l.throttle.known); /* the first sample */
        cg_dir_put(&w.dirs, dir);

        dir = get(&w, "/a/b/c");
        w.dirs.tick++;
        struct cg_dir *of[CTRL_COUNT];
        all_of(of, dir);
        cg_limits(&w.dirs, of, &l);
        assert_false(l.throttle.known);
        w.dirs.tick++;
        put_cpu_stat(&w, "a", 110, 16);
        put_cpu_stat(&w, "a/b", 110, 10); /* without a limit: not asked */
        put_cpu_stat(&w, "a/b/c", 110, 12);
        cg_limits(&w.dirs, of, &l);
        assert_true(l.throttle.known);
        assert_float_equal(l.throttle.percent, 60.0, 0.001);
        assert_int_equal(l.throttle.periods, 10);
        assert_string_equal(l.throttle.source, "/a");

        w.dirs.tick++;
        put_cpu_stat(&w, "a", 120, 16);
        put_cpu_stat(&w, "a/b/c", 120, 12);
        cg_limits(&w.dirs, of, &l);
        assert_true(l.throttle.known);
        assert_float_equal(l.throttle.percent, 0.0, 0.001);
        assert_null(l.throttle.source);

        w.dirs.tick++; /* no periods went by */
        cg_limits(&w.dirs, of, &l);
        assert_false(l.throttle.known);

        w.dirs.tick++; /* counters that ran backwards */
        put_cpu_stat(&w, "a", 130, 2);
        put_cpu_stat(&w, "a/b/c", 3, 2);
        cg_limits(&w.dirs, of, &l);
        assert_false(l.throttle.known);

        w.dirs.tick += 2; /* what lies two ticks back is no interval */
        put_cpu_stat(&w, "a", 150, 12);
        cg_limits(&w.dirs, of, &l);
        assert_false(l.throttle.known);
        cg_dir_put(&w.dirs, dir);
        host_close(&w);
}

static void test_one_read_per_tick(void **state)
{
        (void)state;
        struct host w;
        host_open(&w, false, 0);
        put_cpu_stat(&w, "a", 1, 0);
        struct cg_dir *dir = get(&w, "/a");
        now_usec = 5;
        const struct cpu_counters *c = cg_dir_cpu_stat(&w.dirs, dir, CTRL_CORE);
        assert_int_equal(c->now.periods, 1);
        assert_int_equal(c->now.taken_usec, 5);
        put_cpu_stat(&w, "a", 2, 0);
        c = cg_dir_cpu_stat(&w.dirs, dir, CTRL_CPU);
        assert_int_equal(c->now.periods, 1);
        w.dirs.tick++;
        c = cg_dir_cpu_stat(&w.dirs, dir, CTRL_CORE);
        assert_int_equal(c->now.periods, 2);
        assert_int_equal(c->prev.periods, 1);
        cg_dir_put(&w.dirs, dir);
        host_close(&w);
}

/* --- descriptors --- */

static void test_budget(void **state)
{
        (void)state;
        struct host w;
        char buf[64];
        struct cg_fd one = {CG_FD_NEW}, two = {CG_FD_NEW}, none = {CG_FD_NEW};
        host_open(&w, true, 1);
        const struct hierarchy *h = w.h.of[CTRL_CPU];
        put(&w, "a/one", "1\n");
        put(&w, "a/two", "22\n");
        struct cg_dir *dir = get(&w, "/a");
        assert_int_equal(cg_read(&w.dirs, h, dir, "one", &one, buf, sizeof(buf)), 2);
        assert_true(one.fd >= 0);
        assert_int_equal(w.dirs.fd_budget, 0);
        assert_false(w.dirs.short_of_fds);
        assert_int_equal(cg_read(&w.dirs, h, dir, "two", &two, buf, sizeof(buf)), 3);
        assert_string_equal(buf, "22\n");
        assert_int_equal(two.fd, CG_FD_NEW);
        assert_true(w.dirs.short_of_fds);
        assert_int_equal(cg_read(&w.dirs, h, dir, "none", &none, buf, sizeof(buf)), -ENOENT);
        assert_int_equal(none.fd, CG_FD_ABSENT);
        put(&w, "a/none", "3\n"); /* absent stays absent until somebody says to retry */
        assert_int_equal(cg_read(&w.dirs, h, dir, "none", &none, buf, sizeof(buf)), -ENOENT);
        cg_fd_close(&w.dirs, &none);
        assert_int_equal(cg_read(&w.dirs, h, dir, "none", &none, buf, sizeof(buf)), 2);
        cg_fd_close(&w.dirs, &one);
        assert_int_equal(one.fd, CG_FD_NEW);
        assert_int_equal(w.dirs.fd_budget, 1);
        assert_int_equal(cg_read(&w.dirs, h, dir, "two", &two, buf, sizeof(buf)), 3);
        assert_true(two.fd >= 0);
        put(&w, "a/two", "4\n"); /* the kept descriptor sees what is there now */
        assert_int_equal(cg_read(&w.dirs, h, dir, "two", &two, buf, sizeof(buf)), 2);
        assert_string_equal(buf, "4\n");
        cg_fd_close(&w.dirs, &two);
        cg_dir_put(&w.dirs, dir);
        assert_int_equal(w.dirs.fd_budget, 1);
        host_close(&w);
}

static void test_counters_give_their_descriptor_back(void **state)
{
        (void)state;
        struct host w;
        host_open(&w, true, 3);
        put_cpu_stat(&w, "a", 1, 0);
        struct cg_dir *dir = get(&w, "/a");
        (void)cg_dir_cpu_stat(&w.dirs, dir, CTRL_CORE);
        assert_int_equal(w.dirs.fd_budget, 2);
        cg_dir_put(&w.dirs, dir);
        assert_int_equal(w.dirs.fd_budget, 3);
        host_close(&w);
}

/* --- v1 --- */

static void test_v1_limits(void **state)
{
        (void)state;
        struct host w = {0};
        struct cg_dir *of[CTRL_COUNT];
        struct limits l;
        temp_open(&w.temp);
        temp_put(&w.temp, "proc/self/mountinfo",
                 "1 0 0:1 / /cg/cpu rw - cgroup cgroup rw,cpu,cpuacct\n"
                 "2 0 0:2 / /cg/cpuset rw - cgroup cgroup rw,cpuset\n"
                 "3 0 0:3 / /cg/memory rw - cgroup cgroup rw,memory\n"
                 "4 0 0:4 / /cg/pids rw - cgroup cgroup rw,pids\n");
        temp_put(&w.temp, "cg/cpu/a/cpu.cfs_quota_us", "50000\n");
        temp_put(&w.temp, "cg/cpu/a/cpu.cfs_period_us", "100000\n");
        temp_put(&w.temp, "cg/cpu/a/b/cpu.cfs_quota_us", "-1\n");
        temp_put(&w.temp, "cg/cpu/a/b/cpu.cfs_period_us", "100000\n");
        temp_put(&w.temp, "cg/cpuset/a/b/cpuset.cpus", "0-3\n"); /* of an old kernel */
        temp_put(&w.temp, "cg/memory/a/memory.limit_in_bytes", "9223372036854771712\n");
        temp_put(&w.temp, "cg/memory/a/b/memory.limit_in_bytes", "67108864\n");
        temp_put(&w.temp, "cg/pids/a/b/pids.max", "max\n");
        assert_int_equal(root_open(&w.root, w.temp.dir), 0);
        assert_int_equal(hierarchies_open(&w.root, &w.h), 0);
        cg_dirs_init(&w.dirs, &w.root, &w.h, 0, clock_usec);
        w.dirs.host_cpus = 8;
        w.dirs.tick = 1;
        struct cg_dir *dir = NULL;
        for (enum controller c = CTRL_CPU; c < CTRL_FREEZER; c++)
                of[c] = dir = w.h.of[c] ? cg_dir_get(&w.dirs, w.h.of[c], "/a/b") : NULL;
        of[CTRL_CORE] = of[CTRL_FREEZER] = NULL;
        cg_limits(&w.dirs, of, &l);
        assert_limit(&l.cpu, LIMIT_SET, 500000, "/a");
        assert_int_equal(dir->cpus, 4);
        assert_limit(&l.memory_max, LIMIT_SET, 67108864, "/a/b");
        assert_limit(&l.memory_high, LIMIT_NONE, 0, NULL);
        assert_limit(&l.pids, LIMIT_NONE, 0, NULL);

        w.dirs.tick = 5;
        temp_put(&w.temp, "cg/cpu/a/cpu.stat",
                 "nr_periods 10\nnr_throttled 5\nthrottled_time 7000\n");
        cg_limits(&w.dirs, of, &l);
        w.dirs.tick++;
        temp_put(&w.temp, "cg/cpu/a/cpu.stat",
                 "nr_periods 20\nnr_throttled 10\nthrottled_time 9000\n");
        cg_limits(&w.dirs, of, &l);
        assert_true(l.throttle.known);
        assert_float_equal(l.throttle.percent, 50.0, 0.001);
        assert_int_equal(cg_dir_cpu_stat(&w.dirs, dir->parent, CTRL_CPU)->now.throttled_usec, 9);

        static const char *const broken[] = {"", "x\n", "99999999999999999999\n"};
        for (size_t i = 0; i < ARRAY_SIZE(broken); i++) {
                temp_put(&w.temp, "cg/cpu/a/b/cpu.cfs_quota_us", broken[i]);
                temp_put(&w.temp, "cg/cpu/a/cpu.cfs_quota_us", broken[i]);
                cg_dirs_all_stale(&w.dirs);
                w.dirs.tick++;
                cg_limits(&w.dirs, of, &l);
                assert_limit(&l.cpu, LIMIT_UNKNOWN, 0, NULL);
        }
        for (unsigned c = 0; c < CTRL_COUNT; c++)
                cg_dir_put(&w.dirs, of[c]);
        assert_int_equal(w.dirs.by_name.len, 0);
        host_close(&w);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_limit_parse),
                cmocka_unit_test(test_cpu_max),
                cmocka_unit_test(test_cpu_lists),
                cmocka_unit_test(test_directories_are_shared),
                cmocka_unit_test(test_paths_that_lead_nowhere),
                cmocka_unit_test(test_least_over_ancestors),
                cmocka_unit_test(test_stale_limits),
                cmocka_unit_test(test_cpuset_is_a_limit),
                cmocka_unit_test(test_most_throttled),
                cmocka_unit_test(test_one_read_per_tick),
                cmocka_unit_test(test_budget),
                cmocka_unit_test(test_counters_give_their_descriptor_back),
                cmocka_unit_test(test_v1_limits),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
