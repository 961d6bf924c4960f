/* SPDX-License-Identifier: MIT */
#include "kernel/cgroup.h"

#include "temp_tree.h"

#define NUMBERS_MAX 12

static uint64_t clock_usec(void)
{
        return 77;
}

/* The parser of a file of one version. */
static const struct cg_file *file_of(const char *name, int version)
{
        const struct cg_file *table = version == 2 ? cg_files_v2 : cg_files_v1;
        size_t n = version == 2 ? n_cg_files_v2 : n_cg_files_v1;
        for (size_t i = 0; i < n; i++)
                if (streq(table[i].name, name))
                        return &table[i];
        fail_msg("no %s in v%d", name, version);
        return NULL;
}

static void parse_onto(const char *name, int version, const char *text, struct blockdevs *b,
                       struct cg_sample *s)
{
        /* a copy of its own size: ASan sees what is read beyond */
        _cleanup_free_ char *copy = xstrdup(text);
        file_of(name, version)->parse(copy, b, s);
}

/* Block devices 253:0 (dm, on 8:0) and 8:0, 8:16; 8:0 and 253:0 are accounted by v1. */
static void devices(struct temp *temp, struct root *root, struct blockdevs *b)
{
        temp_open(temp);
        temp_put(temp, "sys/dev/block/253:0/slaves/sda/dev", "8:0\n");
        temp_put(temp, "sys/dev/block/8:0/slaves/.keep", "");
        temp_put(temp, "proc/stat", "");
        assert_int_equal(root_open(root, temp->dir), 0);
        blockdevs_init(b, root);
}

static void devices_done(struct temp *temp, struct root *root, struct blockdevs *b)
{
        blockdevs_done(b);
        root_close(root);
        temp_close(temp);
}

struct number {
        enum metric metric;
        uint64_t value;
};

static void assert_numbers(const struct cg_sample *s, const struct number *want, size_t n,
                           const char *what)
{
        uint64_t have = 0;
        for (size_t i = 0; i < n; i++) {
                have |= METRIC_BIT(want[i].metric);
                if (!sample_has(s, want[i].metric) || s->value[want[i].metric] != want[i].value)
                        fail_msg("%s: metric %d", what, (int)want[i].metric);
        }
        if (s->have != have)
                fail_msg("%s: knows %#lx, not %#lx", what, (unsigned long)s->have,
                         (unsigned long)have);
}

#define STAT                                                                                       \
        "anon 1000\nfile 2000\nkernel 999\nkernel_stack 16\npagetables 32\nshmem 64\n"             \
        "inactive_file 1500\nslab_reclaimable 500\nslab_unreclaimable 128\nslab 628\n"

static const struct {
        int version;
        const char *file, *text;
        size_t n;
        struct number want[NUMBERS_MAX];
} good[] = {
        {2, "memory.current", "536870912\n", 1, {{MEMORY_USAGE_BYTES, 536870912}}},
        {2, "memory.current", "0", 1, {{MEMORY_USAGE_BYTES, 0}}},
        {2, "memory.current", "18446744073709551615\n", 1, {{MEMORY_USAGE_BYTES, UINT64_MAX}}},
        {2, "memory.swap.current", "4096\n", 1, {{MEMORY_SWAP_BYTES, 4096}}},
        {2, "memory.peak", "8192\n", 1, {{MEMORY_PEAK_BYTES, 8192}}},
        {2, "pids.current", "7\n", 1, {{PIDS_CURRENT, 7}}},
        {2,
         "memory.stat",
         STAT,
         6,
         {{MEMORY_ANON_BYTES, 1000},
          {MEMORY_FILE_BYTES, 2000},
          {MEMORY_SHMEM_BYTES, 64},
          {MEMORY_SLAB_BYTES, 628},
          {MEMORY_INACTIVE_FILE_BYTES, 1500},
          {MEMORY_NEEDED_BYTES, 1000 + 64 + 128 + 16 + 32}}},
        /* any order, strange neighbours, one part missing: no sum */
        {2,
         "memory.stat",
         "xanon 5\nanonx 5\nanon_thp 7\nslab_unreclaimable 1\npagetables 1\nshmem 2\nanon 3",
         2,
         {{MEMORY_ANON_BYTES, 3}, {MEMORY_SHMEM_BYTES, 2}}},
        /* 20 digits too many, and a sum beyond 64 bits */
        {2, "memory.stat", "anon 99999999999999999999\nfile 1\n", 1, {{MEMORY_FILE_BYTES, 1}}},
        {2,
         "memory.stat",
         "anon 18446744073709551615\nshmem 18446744073709551615\nslab_unreclaimable 1\n"
         "kernel_stack 1\npagetables 1\n",
         2,
         {{MEMORY_ANON_BYTES, UINT64_MAX}, {MEMORY_SHMEM_BYTES, UINT64_MAX}}},
        {2, "memory.stat", "anon 12x\nfile\nshmem \nslab -1\n", 0, {{0}}},
        {2,
         "memory.events",
         "low 0\nhigh 3\nmax 35\noom 1\noom_kill 1\noom_group_kill 9\n",
         3,
         {{MEMORY_OOM_KILLS, 1}, {MEMORY_MAX_EVENTS, 35}, {MEMORY_HIGH_EVENTS, 3}}},
        {2, "memory.events", "low 0\nhigh 0\nmax", 1, {{MEMORY_HIGH_EVENTS, 0}}},
        {2, "cgroup.events", "populated 1\nfrozen 0\n", 2, {{POPULATED, 1}, {FROZEN, 0}}},
        {2, "cgroup.events", "populated 0\n", 1, {{POPULATED, 0}}}, /* before 5.2 */
        {2,
         "cpu.pressure",
         "some avg10=1.23 avg60=0.00 avg300=0.00 total=5\n"
         "full avg10=100.00 avg60=0.00 avg300=0.00 total=5\n",
         2,
         {{PSI_CPU_SOME, 123}, {PSI_CPU_FULL, 10000}}},
        {2, "cpu.pressure", "some avg10=0.00 avg60=0.00\n", 1, {{PSI_CPU_SOME, 0}}},
        {2,
         "memory.pressure",
         "some avg10=22.01 total=0\nfull avg10=0.5 x\n",
         1,
         {{PSI_MEMORY_SOME, 2201}}},
        {2, "io.pressure", "some avg10=1\nfull avg10=41.00\n", 1, {{PSI_IO_FULL, 4100}}},
        {2, "io.pressure", "some avg10=999.00\nfull avg10=-1.00\n", 0, {{0}}},
        {2, "io.pressure", "some avg10=99999999999999999999.00\nfull avg10=", 0, {{0}}},
        {1, "cpuacct.usage", "123456789\n", 1, {{CPU_USAGE_USEC, 123456}}},
        {1, "memory.usage_in_bytes", "4096\n", 1, {{MEMORY_USAGE_BYTES, 4096}}},
        {1, "memory.max_usage_in_bytes", "8192\n", 1, {{MEMORY_PEAK_BYTES, 8192}}},
        {1,
         "memory.stat",
         "cache 1\nrss 2\nshmem 3\ntotal_cache 10\ntotal_rss 20\ntotal_shmem 30\ntotal_swap 40\n"
         "total_inactive_file 50\n",
         5,
         {{MEMORY_FILE_BYTES, 10},
          {MEMORY_ANON_BYTES, 20},
          {MEMORY_SHMEM_BYTES, 30},
          {MEMORY_SWAP_BYTES, 40},
          {MEMORY_INACTIVE_FILE_BYTES, 50}}},
        {1,
         "memory.oom_control",
         "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n",
         1,
         {{MEMORY_OOM_KILLS, 2}}},
        {1, "memory.oom_control", "oom_kill_disable 0\nunder_oom 0\n", 0, {{0}}}, /* before 4.13 */
        {1, "memory.kmem.usage_in_bytes", "4096\n", 0, {{0}}}, /* nothing to add it to */
        {1, "pids.current", "7\n", 1, {{PIDS_CURRENT, 7}}},
        {1, "freezer.state", "FROZEN\n", 1, {{FROZEN, 1}}},
        {1, "freezer.state", "THAWED\n", 1, {{FROZEN, 0}}},
        {1, "freezer.state", "", 0, {{0}}},
        {1, "freezer.state", "x\n", 0, {{0}}},
};

static void test_every_parser(void **state)
{
        (void)state;
        struct temp temp;
        struct root root;
        struct blockdevs b;
        devices(&temp, &root, &b);
        for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
                struct cg_sample s = {0};
                parse_onto(good[i].file, good[i].version, good[i].text, &b, &s);
                assert_numbers(&s, good[i].want, good[i].n, good[i].text);
        }
        devices_done(&temp, &root, &b);
}

static void bad_text(const struct cg_file *f, const char *text, struct blockdevs *b)
{
        struct cg_sample s = {0};
        bool empty_is_none = streq(f->name, "io.stat") && !*text;
        parse_onto(f->name, f->version, text, b, &s);
        if (s.have && !empty_is_none)
                fail_msg("v%d %s knows %#lx from '%.20s'", f->version, f->name,
                         (unsigned long)s.have, text);
}

/* Whatever a file holds that is no number of ours leaves everything unknown, zero included. */
static void test_junk_is_unknown(void **state)
{
        (void)state;
        struct temp temp;
        struct root root;
        struct blockdevs b;
        devices(&temp, &root, &b);
        blockdevs_v1_root(&b, "8:0 Read 1\nTotal 1\n");
        _cleanup_free_ char *line = xmalloc((1 << 20) + 1);
        memset(line, 'x', 1 << 20);
        line[1 << 20] = '\0';
        _cleanup_free_ char *digits = xmalloc((1 << 20) + 1);
        memset(digits, '9', 1 << 20);
        digits[1 << 20] = '\0';
        const char *const junk[] = {"",
                                    "\n",
                                    "99999999999999999999\n",
                                    "-1\n",
                                    "\x80\xff\x01",
                                    "max",
                                    "some\nfull\nanon\nuser\n",
                                    line,
                                    digits};
        for (size_t k = 0; k < ARRAY_SIZE(junk); k++) {
                for (size_t i = 0; i < n_cg_files_v2; i++)
                        bad_text(&cg_files_v2[i], junk[k], &b);
                for (size_t i = 0; i < n_cg_files_v1; i++)
                        bad_text(&cg_files_v1[i], junk[k], &b);
        }
        devices_done(&temp, &root, &b);
}

static void test_cpu_stat(void **state)
{
        (void)state;
        struct cpu_stat c;
        cpu_stat_parse("usage_usec 30\nuser_usec 20\nsystem_usec 10\nnice_usec 1\n", 2, &c);
        assert_true(c.usage_known);
        assert_false(c.periods_known); /* no controller */
        assert_int_equal(c.usage_usec, 30);
        assert_int_equal(c.user_usec, 20);
        assert_int_equal(c.system_usec, 10);
        cpu_stat_parse("usage_usec 30\nuser_usec 20\nsystem_usec 10\nnr_periods 23\n"
                       "nr_throttled 22\nthrottled_usec 1770000\nnr_bursts 0\nburst_usec 0\n",
                       2, &c);
        assert_true(c.usage_known && c.periods_known);
        assert_int_equal(c.periods, 23);
        assert_int_equal(c.throttled, 22);
        assert_int_equal(c.throttled_usec, 1770000);
        cpu_stat_parse("nr_periods 5\nnr_throttled 3\nthrottled_time 9000000\n", 1, &c);
        assert_false(c.usage_known);
        assert_true(c.periods_known);
        assert_int_equal(c.throttled_usec, 9000);
        static const char *const broken[] = {
                "",
                "\n",
                "usage_usec",
                "usage_usec \nuser_usec \nsystem_usec \n",
                "usage_usec 99999999999999999999\nuser_usec 1\nsystem_usec 1\nnr_periods 1\n",
        };
        for (size_t i = 0; i < ARRAY_SIZE(broken); i++)
                for (int version = 1; version <= 2; version++) {
                        cpu_stat_parse(broken[i], version, &c);
                        assert_false(c.usage_known || c.periods_known);
                }
}

static void test_v1_cpu_split(void **state)
{
        (void)state;
        struct cg_sample s = {0};
        uint64_t usec = 1000000 / (uint64_t)sysconf(_SC_CLK_TCK);
        parse_onto("cpuacct.stat", 1, "user 5\nsystem 3\n", NULL, &s);
        assert_true(s.value[CPU_USER_USEC] == 5 * usec);
        assert_true(s.value[CPU_SYSTEM_USEC] == 3 * usec);
        s = (struct cg_sample){0};
        parse_onto("cpuacct.stat", 1, "user 5\n", NULL, &s);
        assert_true(s.have == 0);
        parse_onto("cpuacct.stat", 1, "user 9223372036854775807\nsystem 3\n", NULL, &s);
        assert_true(s.have == 0); /* no number of microseconds holds that */
}

static void test_v1_needed(void **state)
{
        (void)state;
        struct cg_sample s = {0};
        parse_onto("memory.stat", 1, "total_rss 100\ntotal_shmem 20\n", NULL, &s);
        assert_false(sample_has(&s, MEMORY_NEEDED_BYTES));
        parse_onto("memory.kmem.usage_in_bytes", 1, "3\n", NULL, &s);
        assert_int_equal(s.value[MEMORY_NEEDED_BYTES], 123);
        parse_onto("memory.stat", 1, "total_rss 18446744073709551615\n", NULL, &s);
        s.have &= ~METRIC_BIT(MEMORY_NEEDED_BYTES);
        parse_onto("memory.kmem.usage_in_bytes", 1, "3\n", NULL, &s);
        assert_false(sample_has(&s, MEMORY_NEEDED_BYTES));
}

/* --- io --- */

static void assert_io(const struct cg_sample *s, bool known, uint64_t rb, uint64_t wb, uint64_t ro,
                      uint64_t wo)
{
        static const struct number none[1] = {{0}};
        const struct number want[] = {
                {IO_READ_BYTES, rb}, {IO_WRITE_BYTES, wb}, {IO_READ_OPS, ro}, {IO_WRITE_OPS, wo}};
        assert_numbers(s, known ? want : none, known ? 4 : 0, "io");
}

static void test_io_stat(void **state)
{
        (void)state;
        struct temp temp;
        struct root root;
        struct blockdevs b;
        struct cg_sample s = {0};
        devices(&temp, &root, &b);
        parse_onto("io.stat", 2,
                   "8:0 rbytes=10 wbytes=20 rios=1 wios=2 dbytes=7 dios=7\n"
                   "253:0 rbytes=10 wbytes=20 rios=1 wios=2 dbytes=0 dios=0\n" /* the same bytes */
                   "8:16 wios=4 cost.vrate=100.00 rbytes=100 rios=3 wbytes=200\n",
                   &b, &s);
        assert_io(&s, true, 110, 220, 4, 6);
        s = (struct cg_sample){0};
        parse_onto("io.stat", 2, "", &b, &s); /* no IO yet */
        assert_io(&s, true, 0, 0, 0, 0);
        s = (struct cg_sample){0};
        parse_onto("io.stat", 2, "8:0\n8:16 \n", &b, &s); /* bare, of some kernels */
        assert_io(&s, true, 0, 0, 0, 0);
        static const char *const broken[] = {
                "8:0 rbytes=99999999999999999999 wbytes=1 rios=1 wios=1\n",
                "8:0 rbytes=18446744073709551615\n8:16 rbytes=18446744073709551615\n",
                "junk\n",
                "8:0 rbytes=1x wbytes=1 rios=1 wios=1\n",
                "99999999999:0 rbytes=1\n",
        };
        for (size_t i = 0; i < ARRAY_SIZE(broken); i++) {
                s = (struct cg_sample){0};
                parse_onto("io.stat", 2, broken[i], &b, &s);
                if (sample_has(&s, IO_READ_BYTES))
                        fail_msg("reads %lu from '%s'", (unsigned long)s.value[IO_READ_BYTES],
                                 broken[i]);
        }
        devices_done(&temp, &root, &b);
}

#define BYTES "blkio.throttle.io_service_bytes_recursive"
#define OPS   "blkio.throttle.io_serviced_recursive"

static void test_blkio(void **state)
{
        (void)state;
        struct temp temp;
        struct root root;
        struct blockdevs b;
        struct cg_sample s = {0};
        const char *text = "8:0 Read 10\n8:0 Write 20\n8:0 Sync 5\n8:0 Async 25\n8:0 Total 30\n"
                           "253:0 Read 10\n253:0 Write 20\n253:0 Total 30\nTotal 60\n";
        devices(&temp, &root, &b);
        parse_onto(BYTES, 1, text, &b, &s);
        assert_true(s.have == 0); /* no device is accounted */
        blockdevs_v1_root(&b, "Total 0\n");
        parse_onto(BYTES, 1, "Total 0\n", &b, &s);
        assert_true(s.have == 0);
        blockdevs_v1_root(&b, text);
        assert_true(blockdev_v1_accounted(&b, 8, 0));
        assert_false(blockdev_v1_accounted(&b, 8, 16));
        parse_onto(BYTES, 1, text, &b, &s);
        assert_int_equal(s.value[IO_READ_BYTES], 10);
        assert_int_equal(s.value[IO_WRITE_BYTES], 20);
        assert_true(s.have == (METRIC_BIT(IO_READ_BYTES) | METRIC_BIT(IO_WRITE_BYTES)));
        parse_onto(OPS, 1, "8:0 Read 3\n8:0 Write 4\nTotal 7\n", &b, &s);
        assert_int_equal(s.value[IO_READ_OPS], 3);
        assert_int_equal(s.value[IO_WRITE_OPS], 4);
        s = (struct cg_sample){0};
        parse_onto(BYTES, 1, "Total 0\n", &b, &s); /* accounted, and nothing yet: true */
        assert_true(sample_has(&s, IO_READ_BYTES));
        assert_int_equal(s.value[IO_READ_BYTES], 0);
        /* a device that the root does not list does not count */
        s = (struct cg_sample){0};
        parse_onto(BYTES, 1, "8:0 Read 1\n8:0 Write 1\n8:16 Read 500\nTotal 502\n", &b, &s);
        assert_int_equal(s.value[IO_READ_BYTES], 1);
        s = (struct cg_sample){0};
        parse_onto(BYTES, 1, "8:0 Read 99999999999999999999\nTotal 1\n", &b, &s);
        assert_true(s.have == 0);
        devices_done(&temp, &root, &b);
}

static void test_block_devices(void **state)
{
        (void)state;
        struct temp temp;
        struct root root;
        struct blockdevs b;
        devices(&temp, &root, &b);
        assert_false(blockdev_is_leaf(&b, 253, 0));
        assert_true(blockdev_is_leaf(&b, 8, 0));
        assert_true(blockdev_is_leaf(&b, 9, 9)); /* nothing is known of it */
        temp_put(&temp, "sys/dev/block/9:9/slaves/x/dev", "");
        assert_true(blockdev_is_leaf(&b, 9, 9)); /* asked once */
        blockdevs_forget(&b);
        assert_false(blockdev_is_leaf(&b, 9, 9));
        static const struct {
                const char *text;
                int used;
        } cases[] = {
                {"8:0", 3},
                {"253:16 Read", 6},
                {"8:", -EINVAL},
                {":0", -EINVAL},
                {"8", -EINVAL},
                {"", -EINVAL},
                {"8 :0", -EINVAL},
                {"99999999999:0", -EINVAL},
                {"8:4294967296", -EINVAL},
                {"8:99999999999999999999", -EINVAL},
                {"-8:0", -EINVAL},
        };
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                unsigned major = 0, minor = 0;
                const char *t = cases[i].text;
                assert_int_equal(blockdev_parse(t, t + strlen(t), &major, &minor), cases[i].used);
        }
        devices_done(&temp, &root, &b);
}

/* --- one row --- */

struct host {
        struct temp temp;
        struct root root;
        struct hierarchies h;
        struct cg_dirs dirs;
        struct blockdevs b;
        struct cg_reader reader;
};

static void host_open(struct host *w)
{
        temp_open(&w->temp);
        temp_put(&w->temp, "sys/fs/cgroup/cgroup.controllers", "cpu memory pids\n");
        assert_int_equal(root_open(&w->root, w->temp.dir), 0);
        assert_int_equal(hierarchies_open(&w->root, &w->h), 0);
        cg_dirs_init(&w->dirs, &w->root, &w->h, 100, clock_usec);
        w->dirs.cache = true;
        w->dirs.tick = 1;
        blockdevs_init(&w->b, &w->root);
        cg_reader_init(&w->reader);
}

static void put(struct host *w, const char *path, const char *text)
{
        _cleanup_free_ char *full = xasprintf("sys/fs/cgroup/%s", path);
        temp_put(&w->temp, full, text);
}

static void give(struct host *w, const char *path, const char *limit_path)
{
        for (enum controller c = 0; c < CTRL_COUNT; c++)
                cg_reader_set(&w->reader, &w->dirs, c, cg_dir_get(&w->dirs, w->h.of[c], path),
                              cg_dir_get(&w->dirs, w->h.of[c], limit_path));
}

static struct cg_sample read_row(struct host *w, bool events)
{
        struct cg_sample s;
        w->dirs.tick++;
        cg_reader_sample(&w->reader, &w->dirs, &w->b, WANT_ALL, events, &s);
        return s;
}

static void host_close(struct host *w)
{
        cg_reader_done(&w->reader, &w->dirs);
        assert_int_equal(w->dirs.fd_budget, 100); /* every descriptor came back */
        assert_int_equal(w->dirs.by_name.len, 0);
        blockdevs_done(&w->b);
        cg_dirs_done(&w->dirs);
        hierarchies_close(&w->h);
        root_close(&w->root);
        temp_close(&w->temp);
}

static void test_row(void **state)
{
        (void)state;
        struct host w;
        host_open(&w);
        put(&w, "a/cpu.stat", "usage_usec 30\nuser_usec 20\nsystem_usec 10\n");
        put(&w, "a/memory.current", "4096\n");
        put(&w, "a/pids.current", "3\n");
        put(&w, "a/cgroup.events", "populated 1\nfrozen 0\n");
        put(&w, "a/container/cgroup.events", "populated 1\nfrozen 1\n");
        put(&w, "a/container/memory.current", "1\n");
        give(&w, "/a", "/a/container");
        struct cg_sample s = read_row(&w, false);
        assert_int_equal(s.taken_usec, 77);
        const struct number want[] = {
                {CPU_USAGE_USEC, 30},  {CPU_USER_USEC, 20},
                {CPU_SYSTEM_USEC, 10}, {MEMORY_USAGE_BYTES, 4096},
                {PIDS_CURRENT, 3},     {FROZEN, 1},
                {POPULATED, 1},
        };
        assert_numbers(&s, want, ARRAY_SIZE(want), "row"); /* frozen is told by the inner one */
        assert_false(w.reader.gone);
        host_close(&w);
}

static void test_event_files_are_read_when_due(void **state)
{
        (void)state;
        struct host w;
        host_open(&w);
        put(&w, "a/memory.events", "high 0\nmax 1\noom_kill 0\n");
        give(&w, "/a", "/a");
        struct cg_sample s = read_row(&w, true);
        assert_int_equal(s.value[MEMORY_MAX_EVENTS], 1);
        put(&w, "a/memory.events", "high 0\nmax 2\noom_kill 1\n");
        s = read_row(&w, true);
        assert_true(sample_has(&s, MEMORY_MAX_EVENTS));
        assert_int_equal(s.value[MEMORY_MAX_EVENTS], 1); /* nobody said that it changed */
        cg_reader_touch(&w.reader, "memory.events");
        s = read_row(&w, true);
        assert_int_equal(s.value[MEMORY_MAX_EVENTS], 2);
        assert_int_equal(s.value[MEMORY_OOM_KILLS], 1);
        put(&w, "a/memory.events", "high 0\nmax 3\noom_kill 1\n");
        s = read_row(&w, false); /* without events always */
        assert_int_equal(s.value[MEMORY_MAX_EVENTS], 3);
        host_close(&w);
}

static void test_absent_until_retried(void **state)
{
        (void)state;
        struct host w;
        host_open(&w);
        temp_mkdirs(&w.temp, "sys/fs/cgroup/a");
        give(&w, "/a", "/a");
        struct cg_sample s = read_row(&w, false);
        assert_true(s.have == 0);
        put(&w, "a/pids.current", "5\n");
        s = read_row(&w, false);
        assert_false(sample_has(&s, PIDS_CURRENT));
        cg_reader_retry(&w.reader);
        s = read_row(&w, false);
        assert_int_equal(s.value[PIDS_CURRENT], 5);
        host_close(&w);
}

/* A file longer than the buffer is cut somewhere: unknown, and its neighbours are read. */
static void test_absurd_length(void **state)
{
        (void)state;
        struct host w;
        _cleanup_free_ char *text = xmalloc((1 << 20) + 1);
        host_open(&w);
        memset(text, '1', 1 << 20);
        text[1 << 20] = '\0';
        put(&w, "a/memory.current", text);
        memset(text, '0', 1 << 20);
        put(&w, "a/memory.peak", text);
        for (size_t i = 0; i + 32 < 1 << 20; i += 32)
                memcpy(text + i, "8:16 rbytes=1111111111111111111\n", 32);
        put(&w, "a/io.stat", text);
        put(&w, "a/pids.current", "5\n");
        give(&w, "/a", "/a");
        struct cg_sample s = read_row(&w, false);
        const struct number want[] = {{PIDS_CURRENT, 5}};
        assert_numbers(&s, want, 1, "1 MB");
        host_close(&w);
}

static void test_what_is_not_wanted_is_not_read(void **state)
{
        (void)state;
        struct host w;
        struct cg_sample s;
        host_open(&w);
        put(&w, "a/memory.current", "4096\n");
        put(&w, "a/memory.stat", STAT);
        put(&w, "a/pids.current", "5\n");
        give(&w, "/a", "/a");
        cg_reader_sample(&w.reader, &w.dirs, &w.b, WANT_PIDS, false, &s);
        const struct number want[] = {{PIDS_CURRENT, 5}};
        assert_numbers(&s, want, 1, "pids only");
        assert_int_equal(w.dirs.fd_budget, 99);
        host_close(&w);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_every_parser),
                cmocka_unit_test(test_junk_is_unknown),
                cmocka_unit_test(test_cpu_stat),
                cmocka_unit_test(test_v1_cpu_split),
                cmocka_unit_test(test_v1_needed),
                cmocka_unit_test(test_io_stat),
                cmocka_unit_test(test_blkio),
                cmocka_unit_test(test_block_devices),
                cmocka_unit_test(test_row),
                cmocka_unit_test(test_event_files_are_read_when_due),
                cmocka_unit_test(test_absent_until_retried),
                cmocka_unit_test(test_absurd_length),
                cmocka_unit_test(test_what_is_not_wanted_is_not_read),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
