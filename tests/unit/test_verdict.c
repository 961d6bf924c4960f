/* SPDX-License-Identifier: MIT */
#include "model/verdict.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/macros.h"

#define MIB    (UINT64_C(1) << 20)
#define CGROUP "/shop.slice/docker-web.scope"
#define HEX64  "3fd9a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e"

struct number {
        enum metric metric;
        uint64_t now;
        uint64_t before; /* UNKNOWN: not known in the earlier sample */
};
#define UNKNOWN UINT64_MAX
#define SAME(v) (v), (v)

struct verdict_case {
        const char *what;
        struct number numbers[6]; /* ends at the first that is all zero, after the first */
        struct model_limit memory, high, pids, cpu;
        double throttled; /* 0: unknown */
        uint64_t periods;
        const char *throttled_source;
        enum verdict_code code;
        double percent; /* 0: none */
        const char *source;
        const char *long_text, *short_text;
};

#define LIMIT(v, s)                                                                                \
        {                                                                                          \
                LIMIT_SET, (v), (char *)(s)                                                        \
        }
#define PRESSURE(percent) SAME((uint64_t)((percent)*100))

static const struct verdict_case cases[] = {
        {.what = "nothing known", .code = VERDICT_OK, .long_text = "ok", .short_text = "ok"},

        {.what = "killed",
         .numbers = {{MEMORY_OOM_KILLS, 5, 3}},
         .memory = LIMIT(512 * MIB, CGROUP),
         .code = VERDICT_OOM_KILLED,
         .source = CGROUP,
         .long_text = "killed for memory 2x, limit 512M of queue",
         .short_text = "OOM-killed 3s"},
        {.what = "killed, limit above",
         .numbers = {{MEMORY_OOM_KILLS, 1, 0}},
         .memory = LIMIT(1536 * MIB, "/shop.slice"),
         .code = VERDICT_OOM_KILLED,
         .source = "/shop.slice",
         .long_text = "killed for memory 1x, limit 1.5G of shop.slice",
         .short_text = "OOM-killed 3s"},
        {.what = "killed without a limit",
         .numbers = {{MEMORY_OOM_KILLS, 1, 0}},
         .code = VERDICT_OOM_KILLED,
         .long_text = "killed for memory 1x",
         .short_text = "OOM-killed 3s"},
        {.what = "killed long ago",
         .numbers = {{MEMORY_OOM_KILLS, SAME(7)}},
         .code = VERDICT_OK,
         .long_text = "ok",
         .short_text = "ok"},
        {.what = "killed: no earlier sample",
         .numbers = {{MEMORY_OOM_KILLS, 7, UNKNOWN}},
         .code = VERDICT_OK,
         .long_text = "ok",
         .short_text = "ok"},
        {.what = "killed: ran backwards",
         .numbers = {{MEMORY_OOM_KILLS, 1, 7}},
         .code = VERDICT_OK,
         .long_text = "ok",
         .short_text = "ok"},

        {.what = "frozen",
         .numbers = {{FROZEN, SAME(1)}},
         .code = VERDICT_PAUSED,
         .long_text = "paused",
         .short_text = "paused"},
        {.what = "not frozen",
         .numbers = {{FROZEN, SAME(0)}},
         .code = VERDICT_OK,
         .long_text = "ok",
         .short_text = "ok"},

        {.what = "needs 97 %",
         .numbers = {{MEMORY_NEEDED_BYTES, SAME(97 * MIB)}},
         .memory = LIMIT(100 * MIB, CGROUP),
         .code = VERDICT_MEMORY,
         .percent = 97,
         .source = CGROUP,
         .long_text = "memory at 97 % of the 100M limit of queue",
         .short_text = "mem 97% of max"},
        {.what = "needs exactly 95 %",
         .numbers = {{MEMORY_NEEDED_BYTES, SAME(95)}},
         .memory = LIMIT(100, "/"),
         .code = VERDICT_MEMORY,
         .percent = 95,
         .source = "/",
         .long_text = "memory at 95 % of the 100 limit of /",
         .short_text = "mem 95% of max"},
        {.what = "needs less than 95 %",
         .numbers = {{MEMORY_NEEDED_BYTES, SAME(9499)}},
         .memory = LIMIT(10000, CGROUP),
         .code = VERDICT_OK,
         .long_text = "ok",
         .short_text = "ok"},
        {.what = "needs much, no limit",
         .numbers = {{MEMORY_NEEDED_BYTES, SAME(97 * MIB)}},
         .memory = {.state = LIMIT_NONE},
         .code = VERDICT_OK,
         .long_text = "ok",
         .short_text = "ok"},
        {.what = "limit is 0",
         .numbers = {{MEMORY_NEEDED_BYTES, SAME(4096)}},
         .memory = LIMIT(0, CGROUP),
         .code = VERDICT_MEMORY,
         .percent = 100,
         .source = CGROUP,
         .long_text = "memory at 100 % of the 0 limit of queue",
         .short_text = "mem 100% of max"},
        {.what = "hits max under pressure: the cache counts",
         .numbers = {{MEMORY_NEEDED_BYTES, SAME(40 * MIB)},
                     {MEMORY_USAGE_BYTES, SAME(99 * MIB)},
                     {MEMORY_MAX_EVENTS, 9, 8},
                     {PSI_MEMORY_SOME, PRESSURE(5)}},
         .memory = LIMIT(100 * MIB, CGROUP),
         .code = VERDICT_MEMORY,
         .percent = 99,
         .source = CGROUP,
         .long_text = "memory at 99 % of the 100M limit of queue",
         .short_text = "mem 99% of max"},
        {.what = "hits max, pressure just below",
         .numbers = {{MEMORY_MAX_EVENTS, 9, 8}, {PSI_MEMORY_SOME, SAME(499)}},
         .memory = LIMIT(100 * MIB, CGROUP),
         .code = VERDICT_OK,
         .long_text = "ok",
         .short_text = "ok"},
        {.what = "hits max, pressure unknown",
         .numbers = {{MEMORY_MAX_EVENTS, 9, 8}},
         .memory = LIMIT(100 * MIB, CGROUP),
         .code = VERDICT_OK,
         .long_text = "ok",
         .short_text = "ok"},
        {.what = "pressure, but no event in this interval",
         .numbers = {{MEMORY_MAX_EVENTS, SAME(9)},
                     {MEMORY_HIGH_EVENTS, SAME(9)},
                     {PSI_MEMORY_SOME, PRESSURE(9)}},
         .memory = LIMIT(100 * MIB, CGROUP),
         .code = VERDICT_OK,
         .long_text = "ok",
         .short_text = "ok"},
        {.what = "held back at high",
         .numbers = {{MEMORY_USAGE_BYTES, SAME(80 * MIB)},
                     {MEMORY_HIGH_EVENTS, 9, 8},
                     {PSI_MEMORY_SOME, PRESSURE(30)}},
         .memory = LIMIT(100 * MIB, CGROUP),
         .high = LIMIT(80 * MIB, "/shop.slice"),
         .code = VERDICT_MEMORY,
         .percent = 100,
         .source = "/shop.slice",
         .long_text = "memory at 100 % of the 80M high mark of shop.slice",
         .short_text = "mem 100% of high"},
        {.what = "hits a max that is not known",
         .numbers = {{MEMORY_MAX_EVENTS, 9, 8}, {PSI_MEMORY_SOME, PRESSURE(30)}},
         .code = VERDICT_MEMORY,
         .long_text = "memory at its limit",
         .short_text = "mem at max"},

        {.what = "thrashing",
         .numbers = {{PSI_MEMORY_FULL, SAME(2210)}},
         .code = VERDICT_THRASHING,
         .percent = 22.1,
         .long_text = "loses 22 % of its time to reclaim",
         .short_text = "thrashing 22%"},
        {.what = "thrashing at 10",
         .numbers = {{PSI_MEMORY_FULL, PRESSURE(10)}},
         .code = VERDICT_THRASHING,
         .percent = 10,
         .long_text = "loses 10 % of its time to reclaim",
         .short_text = "thrashing 10%"},
        {.what = "nearly thrashing",
         .numbers = {{PSI_MEMORY_FULL, SAME(999)}},
         .code = VERDICT_OK,
         .long_text = "ok",
         .short_text = "ok"},

        {.what = "throttled from above",
         .cpu = LIMIT(1000000, "/shop.slice"),
         .throttled = 62,
         .periods = 100,
         .throttled_source = "/shop.slice",
         .code = VERDICT_THROTTLED,
         .percent = 62,
         .source = "/shop.slice",
         .long_text = "throttled in 62 % of periods: limit 1 core, set on shop.slice",
         .short_text = "throttled 62%"},
        {.what = "throttled by its own limit",
         .cpu = LIMIT(250000, CGROUP),
         .throttled = 10,
         .periods = 5,
         .throttled_source = CGROUP,
         .code = VERDICT_THROTTLED,
         .percent = 10,
         .source = CGROUP,
         .long_text = "throttled in 10 % of periods: limit 0.25 cores",
         .short_text = "throttled 10%"},
        {.what = "throttled by a cgroup inside",
         .cpu = LIMIT(1500000, CGROUP "/container"),
         .throttled = 99.6,
         .periods = 5,
         .throttled_source = CGROUP "/container",
         .code = VERDICT_THROTTLED,
         .percent = 99.6,
         .source = CGROUP "/container",
         .long_text = "throttled in 100 % of periods: limit 1.5 cores",
         .short_text = "throttled 100%"},
        {.what = "the least limit is not where it is throttled",
         .cpu = LIMIT(500000, CGROUP),
         .throttled = 40,
         .periods = 9,
         .throttled_source = "/shop.slice",
         .code = VERDICT_THROTTLED,
         .percent = 40,
         .source = "/shop.slice",
         .long_text = "throttled in 40 % of periods: limit set on shop.slice",
         .short_text = "throttled 40%"},
        {.what = "a neighbour whose path begins alike",
         .cpu = LIMIT(2000000, CGROUP "2"),
         .throttled = 40,
         .periods = 9,
         .throttled_source = CGROUP "2",
         .code = VERDICT_THROTTLED,
         .percent = 40,
         .source = CGROUP "2",
         .long_text = "throttled in 40 % of periods: limit 2 cores, set on docker-web.scope2",
         .short_text = "throttled 40%"},
        {.what = "throttled too little",
         .throttled = 9.9,
         .periods = 100,
         .throttled_source = CGROUP,
         .code = VERDICT_OK,
         .long_text = "ok",
         .short_text = "ok"},
        {.what = "too few periods",
         .throttled = 75,
         .periods = 4,
         .throttled_source = CGROUP,
         .code = VERDICT_OK,
         .long_text = "ok",
         .short_text = "ok"},

        {.what = "waits for disk",
         .numbers = {{PSI_IO_FULL, SAME(4120)}},
         .code = VERDICT_IO,
         .percent = 41.2,
         .long_text = "waits for disk 41 % of the time",
         .short_text = "io-bound 41%"},
        {.what = "waits for disk 20",
         .numbers = {{PSI_IO_FULL, PRESSURE(20)}},
         .code = VERDICT_IO,
         .percent = 20,
         .long_text = "waits for disk 20 % of the time",
         .short_text = "io-bound 20%"},
        {.what = "waits a little",
         .numbers = {{PSI_IO_FULL, SAME(1999)}},
         .code = VERDICT_OK,
         .long_text = "ok",
         .short_text = "ok"},

        {.what = "pids",
         .numbers = {{PIDS_CURRENT, SAME(49)}},
         .pids = LIMIT(50, CGROUP),
         .code = VERDICT_PIDS,
         .percent = 98,
         .source = CGROUP,
         .long_text = "49 of 50 pids",
         .short_text = "pids 98%"},
        {.what = "pids at 95 %",
         .numbers = {{PIDS_CURRENT, SAME(19)}},
         .pids = LIMIT(20, CGROUP),
         .code = VERDICT_PIDS,
         .percent = 95,
         .source = CGROUP,
         .long_text = "19 of 20 pids",
         .short_text = "pids 95%"},
        {.what = "pids left",
         .numbers = {{PIDS_CURRENT, SAME(47)}},
         .pids = LIMIT(50, CGROUP),
         .code = VERDICT_OK,
         .long_text = "ok",
         .short_text = "ok"},
        {.what = "pids without a limit",
         .numbers = {{PIDS_CURRENT, SAME(49)}},
         .pids = {.state = LIMIT_NONE},
         .code = VERDICT_OK,
         .long_text = "ok",
         .short_text = "ok"},
};

static struct container make(const struct verdict_case *v)
{
        struct container c = {
                .name = (char *)"queue",
                .cgroup = (char *)CGROUP,
                .runtime = RUNTIME_DOCKER,
                .state = STATE_RUNNING,
                .memory_limit = v->memory,
                .memory_high = v->high,
                .pids_limit = v->pids,
                .cpu_limit = v->cpu,
                .throttled_percent = v->throttled > 0 ? v->throttled : NAN,
                .throttled_periods = v->periods,
                .throttled_source = (char *)v->throttled_source,
        };
        c.prev.taken_usec = 1000000;
        c.now.taken_usec = 3500000;
        for (size_t i = 0; i < ARRAY_SIZE(v->numbers); i++) {
                const struct number *n = &v->numbers[i];
                if (n->metric == 0)
                        break;
                sample_set(&c.now, n->metric, n->now);
                if (n->before != UNKNOWN)
                        sample_set(&c.prev, n->metric, n->before);
        }
        return c;
}

static void check_texts(const struct container *c, const char *long_text, const char *short_text)
{
        _cleanup_str_ struct str l = STR_INIT, s = STR_INIT;
        verdict_long(c, &l);
        verdict_short(c, &s);
        assert_string_equal(str_get(&l), long_text);
        assert_string_equal(str_get(&s), short_text);
}

static void test_table(void **state)
{
        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                const struct verdict_case *v = &cases[i];
                struct container c = make(v);
                verdict_judge(&c);
                if (c.verdict.code != v->code)
                        fail_msg("%s: %s", v->what, verdict_names[c.verdict.code]);
                if (v->percent > 0 ? !(fabs(c.verdict.percent - v->percent) < 1e-6)
                                   : !isnan(c.verdict.percent))
                        fail_msg("%s: %g", v->what, c.verdict.percent);
                if (v->source)
                        assert_string_equal(c.verdict.source, v->source);
                else
                        assert_null(c.verdict.source);
                check_texts(&c, v->long_text, v->short_text);
        }
}

/* Everything at once: as each cause goes away, the next of the contract's order shows. */
static void test_order(void **state)
{
        (void)state;
        struct container c = make(&(struct verdict_case){
                .numbers = {{MEMORY_OOM_KILLS, 1, 0},
                            {FROZEN, SAME(1)},
                            {MEMORY_NEEDED_BYTES, SAME(99)},
                            {PSI_MEMORY_FULL, PRESSURE(50)},
                            {PSI_IO_FULL, PRESSURE(50)},
                            {PIDS_CURRENT, SAME(50)}},
                .memory = LIMIT(100, CGROUP),
                .pids = LIMIT(50, CGROUP),
                .throttled = 50,
                .periods = 50,
        });
        static const struct {
                enum verdict_code code;
                enum metric cause; /* taken away afterwards */
        } steps[] = {
                {VERDICT_OOM_KILLED, MEMORY_OOM_KILLS}, {VERDICT_PAUSED, FROZEN},
                {VERDICT_MEMORY, MEMORY_NEEDED_BYTES},  {VERDICT_THRASHING, PSI_MEMORY_FULL},
                {VERDICT_THROTTLED, METRIC_COUNT},      {VERDICT_IO, PSI_IO_FULL},
                {VERDICT_PIDS, PIDS_CURRENT},
        };
        for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
                verdict_judge(&c);
                assert_string_equal(verdict_names[c.verdict.code], verdict_names[steps[i].code]);
                if (steps[i].cause == METRIC_COUNT)
                        c.throttled_percent = NAN;
                else
                        c.now.have &= ~METRIC_BIT(steps[i].cause);
        }
        verdict_judge(&c);
        assert_int_equal(c.verdict.code, VERDICT_OK);
}

static void test_names(void **state)
{
        (void)state;
        static const char *const want[VERDICT_COUNT] = {
                "ok", "oom_killed", "paused", "memory", "thrashing", "throttled", "io", "pids"};
        for (size_t i = 0; i < VERDICT_COUNT; i++)
                assert_string_equal(verdict_names[i], want[i]);
}

/* A pause that an engine tells of, where no freezer is to be read. */
static void test_paused_by_state(void **state)
{
        (void)state;
        struct container c = make(&cases[0]);
        c.state = STATE_PAUSED;
        verdict_judge(&c);
        assert_int_equal(c.verdict.code, VERDICT_PAUSED);
}

static void test_sources(void **state)
{
        (void)state;
        static const struct {
                const char *cgroup, *source;
                enum runtime_id runtime;
                const char *want;
        } rows[] = {
                {"/a/b", "/a/b", RUNTIME_DOCKER, "queue"},
                {"/a/b", "/a/b/payload", RUNTIME_NSPAWN, "queue"},
                {"/a/b", "/a", RUNTIME_DOCKER, "a"},
                {NULL, "/a", RUNTIME_DOCKER, "a"},
                {"/a/b", "/", RUNTIME_DOCKER, "/"},
                {"/a/b", "/kube.slice/docker-" HEX64 ".scope", RUNTIME_DOCKER,
                 "docker-3fd9a1b2c3d4.scope"},
                {"/a/b", "/machine.slice/my\\x2dbox.scope", RUNTIME_DOCKER, "my-box.scope"},
                {"/a/b", "/deadbeef.slice", RUNTIME_DOCKER, "deadbeef.slice"},
                /* a process that merely runs in a session does not own the session's limit */
                {"/user.slice/session-3.scope", "/user.slice/session-3.scope", RUNTIME_NAMESPACE,
                 "session-3.scope"},
        };
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                struct container c = make(&(struct verdict_case){
                        .numbers = {{MEMORY_NEEDED_BYTES, SAME(100)}},
                        .memory = LIMIT(100, rows[i].source),
                });
                _cleanup_str_ struct str text = STR_INIT, want = STR_INIT;
                c.cgroup = (char *)rows[i].cgroup;
                c.runtime = rows[i].runtime;
                verdict_judge(&c);
                verdict_long(&c, &text);
                str_addf(&want, "memory at 100 %% of the 100 limit of %s", rows[i].want);
                assert_string_equal(str_get(&text), str_get(&want));
        }
}

/* "9s" is at most how long ago: the interval, rounded up. */
static void test_age(void **state)
{
        (void)state;
        static const struct {
                uint64_t usec;
                const char *want;
        } rows[] = {
                {500000, "OOM-killed 1s"},
                {1000000, "OOM-killed 1s"},
                {1000001, "OOM-killed 2s"},
                {120000000, "OOM-killed 2m"},
        };
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                struct container c = make(&cases[1]);
                c.now.taken_usec = c.prev.taken_usec + rows[i].usec;
                verdict_judge(&c);
                check_texts(&c, "killed for memory 2x, limit 512M of queue", rows[i].want);
        }
}

static void test_limit_texts(void **state)
{
        (void)state;
        static const struct {
                uint64_t bytes;
                const char *want;
        } sizes[] = {
                {100, "100"},          {1024, "1K"},         {1000 * MIB, "0.98G"},
                {512 * MIB, "512M"},   {1024 * MIB, "1G"},   {1536 * MIB, "1.5G"},
                {1280 * MIB, "1.25G"}, {10240 * MIB, "10G"}, {100 * 1024 * MIB, "100G"},
        };
        for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
                struct container c = make(&(struct verdict_case){
                        .numbers = {{MEMORY_OOM_KILLS, 1, 0}},
                        .memory = LIMIT(sizes[i].bytes, NULL),
                });
                _cleanup_str_ struct str text = STR_INIT, want = STR_INIT;
                verdict_judge(&c);
                verdict_long(&c, &text);
                str_addf(&want, "killed for memory 1x, limit %s", sizes[i].want);
                assert_string_equal(str_get(&text), str_get(&want));
        }
        static const struct {
                uint64_t millionths;
                const char *want;
        } cores[] = {
                {1000000, "1 core"},     {500000, "0.5 cores"}, {2000000, "2 cores"},
                {1250000, "1.25 cores"}, {50000, "0.05 cores"}, {1999999, "2 cores"},
                {375000, "0.375 cores"}, {10000, "0.01 cores"}, {64000000, "64 cores"},
                {5000, "0.005 cores"},   {1000, "0.001 cores"},
        };
        for (size_t i = 0; i < ARRAY_SIZE(cores); i++) {
                struct container c = make(&(struct verdict_case){
                        .cpu = LIMIT(cores[i].millionths, CGROUP),
                        .throttled = 50,
                        .periods = 50,
                        .throttled_source = CGROUP,
                });
                _cleanup_str_ struct str text = STR_INIT, want = STR_INIT;
                verdict_judge(&c);
                verdict_long(&c, &text);
                str_addf(&want, "throttled in 50 %% of periods: limit %s", cores[i].want);
                assert_string_equal(str_get(&text), str_get(&want));
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_table),       cmocka_unit_test(test_order),
                cmocka_unit_test(test_names),       cmocka_unit_test(test_paused_by_state),
                cmocka_unit_test(test_sources),     cmocka_unit_test(test_age),
                cmocka_unit_test(test_limit_texts),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
