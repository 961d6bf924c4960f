/* SPDX-License-Identifier: MIT */
#include "model/model.h"

#include <malloc.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/macros.h"

/* The whole of mem.c with its calls counted: it takes the place of the library's own. */
static size_t n_allocations;
static void *counted(void *p)
{
        n_allocations++;
        return p;
}
#define malloc(n)             counted(malloc(n))
#define calloc(n, size)       counted(calloc(n, size))
#define reallocarray(p, n, s) counted(reallocarray(p, n, s))
#include "base/mem.c"
#undef malloc
#undef calloc
#undef reallocarray

#define SECOND   UINT64_C(1000000)
#define MAX_ROWS 8
#define HEX64    "3fd9a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e"
#define CGROUP   "/system.slice/docker-" HEX64 ".scope"

static void near_at(double got, double want, const char *what, int line)
{
        if (isnan(got) && isnan(want))
                return;
        if (!(fabs(got - want) < 1e-6))
                fail_msg("line %d: %s is %g, not %g", line, what, got, want);
}
#define assert_near(got, want) near_at((got), (want), #got, __LINE__)

/* One snapshot under construction. */
struct world {
        struct model *m;
        struct seen seen[MAX_ROWS];
        struct seen *list[MAX_ROWS];
        struct snapshot s;
};

static struct seen *add(struct world *w, const char *id)
{
        struct seen *s = &w->seen[w->s.n_seen];
        *s = (struct seen){.runtime = RUNTIME_DOCKER,
                           .id = id,
                           .cgroup = CGROUP,
                           .owns_cgroup = true,
                           .epoch = {1, w->s.n_seen + 1}};
        w->list[w->s.n_seen++] = s;
        return s;
}

static void start(struct world *w)
{
        *w = (struct world){.m = model_new()};
        w->s.seen = w->list;
        w->s.monotonic_usec = 100 * SECOND;
        w->s.realtime_usec = 5000 * SECOND;
}

static void apply(struct world *w)
{
        for (size_t i = 0; i < w->s.n_seen; i++)
                w->seen[i].sample.taken_usec = w->s.monotonic_usec;
        model_apply(w->m, &w->s);
        w->s.monotonic_usec += SECOND;
        w->s.realtime_usec += SECOND;
}

static struct container *only(const struct world *w)
{
        assert_int_equal(w->m->n_containers, 1);
        return w->m->containers[0];
}

static void stop(struct world *w)
{
        model_free(w->m);
}

/* --- identity ----------------------------------------------------------------------------------
 */

static void test_empty(void **state)
{
        (void)state;
        struct world w;
        start(&w);
        assert_true(isnan(w.m->interval_seconds));
        assert_true(isnan(w.m->host.cpu_percent));
        apply(&w);
        assert_int_equal(w.m->n_containers, 0);
        assert_true(isnan(w.m->interval_seconds));
        assert_null(model_find(w.m, ""));
        apply(&w);
        assert_near(w.m->interval_seconds, 1);
        stop(&w);
        model_free(NULL);
}

static void test_identity(void **state)
{
        (void)state;
        struct world w;
        struct leader leader = {.pid = 4711, .user_initial = -1, .root_uid = -1};
        start(&w);
        struct seen *s = add(&w, HEX64);
        s->owner_uid = 1000;
        s->pod = "pod-1";
        s->parent = "outer";
        s->note = "no limit: not delegated";
        s->started_usec = 77;
        s->leader = &leader;
        apply(&w);
        struct container *c = model_find(w.m, "local/docker/1000/" HEX64);
        assert_non_null(c);
        assert_ptr_equal(c, only(&w));
        assert_string_equal(c->key, "local/docker/1000/" HEX64);
        assert_string_equal(c->id, HEX64);
        assert_string_equal(c->name, "3fd9a1b2c3d4");
        assert_string_equal(c->cgroup, CGROUP);
        assert_string_equal(c->pod, "pod-1");
        assert_string_equal(c->parent, "outer");
        assert_string_equal(c->note, "no limit: not delegated");
        assert_null(c->image);
        assert_null(c->pod_name);
        assert_int_equal(c->owner_uid, 1000);
        assert_int_equal(c->pid, 4711);
        assert_int_equal(c->started_usec, 77);
        assert_int_equal(w.m->realtime_usec, 5000 * SECOND);
        s->note = s->parent = NULL;
        s->leader = NULL;
        apply(&w);
        assert_null(c->note);
        assert_null(c->parent);
        assert_int_equal(c->pid, 0);
        stop(&w);
}

static void test_names(void **state)
{
        (void)state;
        static const struct {
                const char *fact, *told, *comm, *id;
                enum runtime_id runtime;
                const char *name;
        } cases[] = {
                {"web", "told", "nginx", HEX64, RUNTIME_DOCKER, "web"},
                {NULL, "told", "nginx", HEX64, RUNTIME_LXC, "told"},
                {"", "told", "nginx", HEX64, RUNTIME_LXC, "told"},
                {NULL, NULL, "nginx", HEX64, RUNTIME_DOCKER, "3fd9a1b2c3d4"},
                {NULL, NULL, "sleep", "ns-pid-4026532440-99", RUNTIME_NAMESPACE, "sleep"},
                {NULL, NULL, NULL, "ns-pid-4026532440-99", RUNTIME_NAMESPACE,
                 "ns-pid-4026532440-99"},
                {"box", NULL, "sleep", "ns-pid-4026532440-99", RUNTIME_NAMESPACE, "box"},
                {NULL, NULL, "nginx", "my-own-long-container-id", RUNTIME_RUNC,
                 "my-own-long-container-id"},
                {NULL, NULL, NULL, "deadbeefdeadbeef", RUNTIME_RUNC, "deadbeefdeadbeef"},
        };
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct world w;
                struct facts facts = {.name = (char *)cases[i].fact};
                struct leader leader = {.pid = 1, .comm = (char *)cases[i].comm};
                start(&w);
                struct seen *s = add(&w, cases[i].id);
                s->runtime = cases[i].runtime;
                s->name = cases[i].told;
                s->facts = &facts;
                s->leader = &leader;
                apply(&w);
                assert_string_equal(only(&w)->name, cases[i].name);
                stop(&w);
        }
}

/* Facts refine what is shown where the cgroup only knows the low-level runtime; never the key. */
static void test_runtime_and_kind(void **state)
{
        (void)state;
        static const struct {
                enum runtime_id told, fact, shown;
                const char *key;
        } cases[] = {
                {RUNTIME_RUNC, RUNTIME_CONTAINERD, RUNTIME_CONTAINERD, "local/runc/0/x"},
                {RUNTIME_CRUN, RUNTIME_PODMAN, RUNTIME_PODMAN, "local/crun/0/x"},
                {RUNTIME_KUBERNETES, RUNTIME_CRIO, RUNTIME_CRIO, "local/kubernetes/0/x"},
                {RUNTIME_NAMESPACE, RUNTIME_APPTAINER, RUNTIME_APPTAINER, "local/namespace/0/x"},
                {RUNTIME_UNKNOWN, RUNTIME_DOCKER, RUNTIME_DOCKER, "local/unknown/0/x"},
                {RUNTIME_RUNC, RUNTIME_UNKNOWN, RUNTIME_RUNC, "local/runc/0/x"},
                {RUNTIME_DOCKER, RUNTIME_PODMAN, RUNTIME_DOCKER, "local/docker/0/x"},
                {RUNTIME_LXC, RUNTIME_DOCKER, RUNTIME_LXC, "local/lxc/0/x"},
        };
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct world w;
                struct facts facts = {.runtime = cases[i].fact, .infra = true};
                start(&w);
                struct seen *s = add(&w, "x");
                s->runtime = cases[i].told;
                s->kind = KIND_SANDBOX;
                apply(&w);
                struct container *c = only(&w);
                assert_int_equal(c->runtime, cases[i].told);
                assert_int_equal(c->kind, KIND_SANDBOX);
                s->facts = &facts;
                apply(&w);
                assert_ptr_equal(only(&w), c);
                assert_string_equal(c->key, cases[i].key);
                assert_int_equal(c->runtime, cases[i].shown);
                assert_int_equal(c->kind, KIND_INFRA);
                stop(&w);
        }
}

static void test_states(void **state)
{
        (void)state;
        static const struct {
                int frozen, pids; /* -1: unknown */
                bool leader;
                enum state want;
        } cases[] = {
                {-1, -1, false, STATE_RUNNING}, {0, 3, true, STATE_RUNNING},
                {1, 3, true, STATE_PAUSED},     {1, -1, false, STATE_PAUSED},
                {0, 0, false, STATE_CREATED},   {-1, 0, false, STATE_CREATED},
                {0, 0, true, STATE_RUNNING},    {0, 1, false, STATE_RUNNING},
        };
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct world w;
                struct leader leader = {.pid = 1};
                start(&w);
                struct seen *s = add(&w, "x");
                if (cases[i].frozen >= 0)
                        sample_set(&s->sample, FROZEN, (uint64_t)cases[i].frozen);
                if (cases[i].pids >= 0)
                        sample_set(&s->sample, PIDS_CURRENT, (uint64_t)cases[i].pids);
                s->leader = cases[i].leader ? &leader : NULL;
                apply(&w);
                assert_int_equal(only(&w)->state, cases[i].want);
                stop(&w);
        }
}

static void test_come_and_go(void **state)
{
        (void)state;
        struct world w;
        start(&w);
        add(&w, "a");
        add(&w, "b");
        add(&w, "c");
        apply(&w);
        const struct container *b = model_find(w.m, "local/docker/0/b");
        assert_int_equal(w.m->n_containers, 3);

        w.s.n_seen = 0;
        add(&w, "d");
        add(&w, "c");
        add(&w, "b");
        apply(&w);
        assert_int_equal(w.m->n_containers, 3);
        assert_null(model_find(w.m, "local/docker/0/a"));
        assert_ptr_equal(model_find(w.m, "local/docker/0/b"), b);
        assert_string_equal(w.m->containers[0]->id, "b");
        assert_string_equal(w.m->containers[1]->id, "c");
        assert_string_equal(w.m->containers[2]->id, "d");

        w.s.n_seen = 0;
        apply(&w);
        assert_int_equal(w.m->n_containers, 0);
        assert_null(model_find(w.m, "local/docker/0/b"));
        add(&w, "a");
        apply(&w);
        assert_non_null(model_find(w.m, "local/docker/0/a"));
        stop(&w);
}

static void test_same_key_twice(void **state)
{
        (void)state;
        struct world w;
        start(&w);
        add(&w, "a")->name = "first";
        add(&w, "a")->name = "second";
        add(&w, "a")->owner_uid = 1000;
        for (int tick = 0; tick < 3; tick++) {
                apply(&w);
                assert_int_equal(w.m->n_containers, 2);
                assert_string_equal(model_find(w.m, "local/docker/0/a")->name, "first");
                assert_non_null(model_find(w.m, "local/docker/1000/a"));
        }
        stop(&w);
}

/* --- rates -------------------------------------------------------------------------------------
 */

#define NONE UINT64_MAX

static void set_or_clear(struct cg_sample *s, enum metric m, uint64_t v)
{
        s->have &= ~METRIC_BIT(m);
        if (v != NONE)
                sample_set(s, m, v);
}

static double rate_of(const struct container *c, enum metric m)
{
        switch (m) {
        case CPU_USAGE_USEC:
                return c->rates.cpu_percent;
        case IO_READ_BYTES:
                return c->rates.io_read;
        case IO_WRITE_BYTES:
                return c->rates.io_write;
        case NET_RX_BYTES:
                return c->rates.net_rx;
        default:
                return c->rates.net_tx;
        }
}

static void test_rates(void **state)
{
        (void)state;
        static const struct {
                enum metric metric;
                uint64_t before, after, usec;
                double want;
        } cases[] = {
                {CPU_USAGE_USEC, 1000, 501000, SECOND, 50},
                {CPU_USAGE_USEC, 0, 4 * SECOND, 2 * SECOND, 200},
                {CPU_USAGE_USEC, 7, 7, SECOND, 0},
                {CPU_USAGE_USEC, 1000, 999, SECOND, NAN},
                {CPU_USAGE_USEC, NONE, 999, SECOND, NAN},
                {CPU_USAGE_USEC, 999, NONE, SECOND, NAN},
                {CPU_USAGE_USEC, 1000, 2000, 0, NAN},
                {IO_READ_BYTES, 100, 300, SECOND / 2, 400},
                {IO_READ_BYTES, 300, 100, SECOND, NAN},
                {IO_WRITE_BYTES, 0, 4096, 2 * SECOND, 2048},
                {NET_RX_BYTES, 1, 1001, SECOND, 1000},
                {NET_TX_BYTES, UINT64_MAX - 11, UINT64_MAX - 1, SECOND, 10},
                {NET_TX_BYTES, 5, 4, SECOND, NAN},
        };
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct world w;
                start(&w);
                struct seen *s = add(&w, "x");
                s->net_mode = NET_PRIVATE;
                set_or_clear(&s->sample, cases[i].metric, cases[i].before);
                apply(&w);
                assert_near(rate_of(only(&w), cases[i].metric), NAN);
                set_or_clear(&s->sample, cases[i].metric, cases[i].after);
                w.s.monotonic_usec += cases[i].usec - SECOND;
                apply(&w);
                assert_near(rate_of(only(&w), cases[i].metric), cases[i].want);
                stop(&w);
        }
}

/* One counter that ran backwards leaves the others alone. */
static void test_backwards_alone(void **state)
{
        (void)state;
        struct world w;
        start(&w);
        struct seen *s = add(&w, "x");
        sample_set(&s->sample, CPU_USAGE_USEC, 1000);
        sample_set(&s->sample, IO_READ_BYTES, 1000);
        apply(&w);
        sample_set(&s->sample, CPU_USAGE_USEC, 11000);
        sample_set(&s->sample, IO_READ_BYTES, 10);
        apply(&w);
        assert_near(only(&w)->rates.cpu_percent, 1);
        assert_near(only(&w)->rates.io_read, NAN);
        sample_set(&s->sample, IO_READ_BYTES, 30);
        apply(&w);
        assert_near(only(&w)->rates.io_read, 20);
        stop(&w);
}

static void test_new_epoch(void **state)
{
        (void)state;
        struct world w;
        start(&w);
        struct seen *s = add(&w, "x");
        sample_set(&s->sample, CPU_USAGE_USEC, 1000);
        apply(&w);
        s->epoch[1]++;
        sample_set(&s->sample, CPU_USAGE_USEC, 500000);
        apply(&w);
        assert_near(only(&w)->rates.cpu_percent, NAN);
        assert_int_equal(only(&w)->prev.have, 0);
        assert_int_equal(only(&w)->epoch[1], s->epoch[1]);
        sample_set(&s->sample, CPU_USAGE_USEC, 600000);
        apply(&w);
        assert_near(only(&w)->rates.cpu_percent, 10);
        s->epoch[0]++;
        apply(&w);
        assert_near(only(&w)->rates.cpu_percent, NAN);
        stop(&w);
}

static void test_working_set(void **state)
{
        (void)state;
        static const struct {
                uint64_t usage, inactive;
                bool known;
                uint64_t want;
        } cases[] = {
                {1000, 300, true, 700}, {300, 1000, true, 0}, {5, 5, true, 0},
                {1000, 0, true, 1000},  {NONE, 1, false, 0},  {1000, NONE, false, 0},
        };
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct container c = {0};
                uint64_t bytes = 42;
                set_or_clear(&c.now, MEMORY_USAGE_BYTES, cases[i].usage);
                set_or_clear(&c.now, MEMORY_INACTIVE_FILE_BYTES, cases[i].inactive);
                assert_int_equal(container_working_set(&c, &bytes), cases[i].known);
                assert_int_equal(bytes, cases[i].known ? cases[i].want : 42);
        }
}

static void test_host_cpu(void **state)
{
        (void)state;
        static const struct {
                bool known_before, known;
                uint64_t busy, total; /* risen from 1000 and 4000 */
                unsigned cpus;
                double want;
        } cases[] = {
                {true, true, 1050, 4100, 4, 200},  {true, true, 1100, 4100, 4, 400},
                {true, true, 1000, 4100, 2, 0},    {true, true, 1000, 4000, 4, NAN},
                {true, true, 999, 4100, 4, NAN},   {true, true, 1050, 3999, 4, NAN},
                {false, true, 1050, 4100, 4, NAN}, {true, false, 1050, 4100, 4, NAN},
                {true, true, 1050, 4100, 0, NAN},
        };
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct world w;
                start(&w);
                w.s.host = (struct host_sample){.name = "web1",
                                                .cpus = cases[i].cpus,
                                                .cpu_known = cases[i].known_before,
                                                .cpu_busy_ticks = 1000,
                                                .cpu_total_ticks = 4000};
                apply(&w);
                assert_near(w.m->host.cpu_percent, NAN);
                w.s.host.cpu_known = cases[i].known;
                w.s.host.cpu_busy_ticks = cases[i].busy;
                w.s.host.cpu_total_ticks = cases[i].total;
                apply(&w);
                assert_near(w.m->host.cpu_percent, cases[i].want);
                assert_string_equal(w.m->host.now.name, "web1");
                stop(&w);
        }
}

/* --- limits ------------------------------------------------------------------------------------
 */

static void test_limits(void **state)
{
        (void)state;
        struct world w;
        start(&w);
        struct seen *s = add(&w, "x");
        s->limits.cpu = (struct limit){LIMIT_SET, 500000, CGROUP};
        s->limits.memory_max = (struct limit){LIMIT_SET, 1 << 20, "/shop\n.slice"};
        s->limits.pids = (struct limit){.state = LIMIT_NONE};
        s->limits.throttle = (struct throttle){true, 62.5, 100, "/shop.slice"};
        apply(&w);
        struct container *c = only(&w);
        assert_int_equal(c->cpu_limit.state, LIMIT_SET);
        assert_int_equal(c->cpu_limit.value, 500000);
        assert_string_equal(c->cpu_limit.source, CGROUP);
        assert_string_equal(c->memory_limit.source, "/shop\xef\xbf\xbd.slice");
        assert_int_equal(c->pids_limit.state, LIMIT_NONE);
        assert_null(c->pids_limit.source);
        assert_int_equal(c->memory_high.state, LIMIT_UNKNOWN);
        assert_null(c->memory_high.source);
        assert_near(c->throttled_percent, 62.5);
        assert_int_equal(c->throttled_periods, 100);
        assert_string_equal(c->throttled_source, "/shop.slice");

        s->limits.cpu.source = "/other.slice";
        s->limits.memory_max = (struct limit){.state = LIMIT_NONE};
        s->limits.pids = (struct limit){LIMIT_SET, 50, CGROUP};
        s->limits.throttle = (struct throttle){.percent = 3, .source = "/stale"};
        apply(&w);
        assert_string_equal(c->cpu_limit.source, "/other.slice");
        assert_int_equal(c->memory_limit.state, LIMIT_NONE);
        assert_null(c->memory_limit.source);
        assert_string_equal(c->pids_limit.source, CGROUP);
        assert_near(c->throttled_percent, NAN);
        assert_int_equal(c->throttled_periods, 0);
        assert_null(c->throttled_source);
        stop(&w);
}

/* A restart may move it to another cgroup: sources that were the old cgroup follow. */
static void test_limits_after_move(void **state)
{
        (void)state;
        struct world w;
        start(&w);
        struct seen *s = add(&w, "x");
        const struct limit own = {LIMIT_SET, 7, CGROUP};
        s->limits = (struct limits){.cpu = own, .memory_max = own, .memory_high = own, .pids = own};
        s->limits.throttle = (struct throttle){true, 5, 5, CGROUP};
        apply(&w);
        s->cgroup = "/new";
        s->limits.memory_max.source = "/new";
        s->limits.pids.source = "/";
        apply(&w);
        struct container *c = only(&w);
        assert_string_equal(c->cgroup, "/new");
        assert_string_equal(c->cpu_limit.source, CGROUP);
        assert_string_equal(c->memory_limit.source, "/new");
        assert_string_equal(c->pids_limit.source, "/");
        assert_string_equal(c->throttled_source, CGROUP);
        s->cgroup = "/a\nb";
        s->limits.pids.source = "/a\nb";
        for (int tick = 0; tick < 2; tick++) {
                apply(&w);
                assert_string_equal(c->cgroup, "/a\xef\xbf\xbd"
                                               "b");
                assert_string_equal(c->pids_limit.source, c->cgroup);
        }
        s->cgroup = NULL;
        apply(&w);
        assert_null(c->cgroup);
        assert_string_equal(c->memory_limit.source, "/new");
        stop(&w);
}

static void test_judged_each_tick(void **state)
{
        (void)state;
        struct world w;
        start(&w);
        struct seen *s = add(&w, "x");
        sample_set(&s->sample, MEMORY_OOM_KILLS, 3);
        s->limits.memory_max = (struct limit){LIMIT_SET, 1 << 20, "/shop.slice"};
        apply(&w);
        assert_int_equal(only(&w)->verdict.code, VERDICT_OK);
        assert_near(only(&w)->verdict.percent, NAN);
        sample_set(&s->sample, MEMORY_OOM_KILLS, 5);
        apply(&w);
        assert_int_equal(only(&w)->verdict.code, VERDICT_OOM_KILLED);
        assert_int_equal(only(&w)->verdict.count, 2);
        assert_string_equal(only(&w)->verdict.source, "/shop.slice");
        apply(&w);
        assert_int_equal(only(&w)->verdict.code, VERDICT_OK);
        assert_null(only(&w)->verdict.source);
        stop(&w);
}

/* --- isolation ---------------------------------------------------------------------------------
 */

#define HOST_CAPS UINT64_C(0x1ffffffffff)

static void test_privileged(void **state)
{
        (void)state;
        static const struct {
                uint64_t host, bounding;
                bool status;
                int seccomp, initial;
                int host_user; /* shares the host's user namespace: 1, 0, -1 unknown */
                int want;
        } cases[] = {
                {HOST_CAPS, HOST_CAPS, true, 0, 1, 1, 1},
                {HOST_CAPS, HOST_CAPS | UINT64_C(1) << 60, true, 0, 1, 1, 1},
                {HOST_CAPS, HOST_CAPS, true, 0, 1, -1, 1},
                {HOST_CAPS, HOST_CAPS, true, 0, -1, 1, 1},
                {HOST_CAPS, HOST_CAPS & ~UINT64_C(1), true, 0, 1, 1, 0},
                {HOST_CAPS, HOST_CAPS, true, 2, 1, 1, 0},
                {HOST_CAPS, HOST_CAPS, true, 0, 0, 1, 0},
                {HOST_CAPS, HOST_CAPS, true, 0, 1, 0, 0}, /* a namespace of its own, all mapped */
                {HOST_CAPS, HOST_CAPS, true, -1, 1, 1, -1},
                {HOST_CAPS, HOST_CAPS, true, 0, -1, -1, -1},
                {0, HOST_CAPS, true, 0, 1, 1, -1},
                {HOST_CAPS, 0, false, 0, 1, 1, -1},
                {0, HOST_CAPS, true, 2, 1, 1, 0}, /* one no is enough */
                {HOST_CAPS, 0, false, 2, 0, -1, 0},
        };
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct world w;
                struct leader leader = {.pid = 1,
                                        .status_known = cases[i].status,
                                        .cap_bounding = cases[i].bounding,
                                        .seccomp = cases[i].seccomp,
                                        .no_new_privileges = 1,
                                        .root_uid = 100000,
                                        .user_initial = cases[i].initial};
                start(&w);
                w.s.host.cap_bounding = cases[i].host;
                struct seen *s = add(&w, "x");
                s->leader = &leader;
                s->host_ns_known[NS_USER] = cases[i].host_user >= 0;
                s->host_ns[NS_USER] = cases[i].host_user == 1;
                apply(&w);
                if (only(&w)->isolation.privileged != cases[i].want)
                        fail_msg("case %zu: %d", i, only(&w)->isolation.privileged);
                stop(&w);
        }
}

static void test_isolation(void **state)
{
        (void)state;
        struct world w;
        char lsm[] = "docker-default";
        struct leader leader = {.pid = 9,
                                .status_known = true,
                                .cap_bounding = 0xff,
                                .seccomp = 2,
                                .no_new_privileges = 1,
                                .root_uid = -2,
                                .user_initial = 0,
                                .lsm = lsm};
        leader.ns.inode[NS_NET] = 4026532441;
        start(&w);
        struct seen *s = add(&w, "x");
        s->host_ns[NS_UTS] = s->host_ns_known[NS_UTS] = s->host_ns_known[NS_PID] = true;
        apply(&w);
        const struct isolation *i = &only(&w)->isolation;
        assert_false(i->known);
        assert_false(i->caps_known);
        assert_int_equal(i->root_uid, -1);
        assert_int_equal(i->user_initial, -1);
        assert_int_equal(i->seccomp, -1);
        assert_int_equal(i->no_new_privileges, -1);
        assert_int_equal(i->privileged, -1);
        assert_null(i->lsm);
        assert_true(i->host_ns[NS_UTS] && i->host_ns_known[NS_UTS]);
        assert_true(!i->host_ns[NS_PID] && i->host_ns_known[NS_PID]);

        s->leader = &leader;
        apply(&w);
        assert_true(i->known);
        assert_true(i->caps_known);
        assert_int_equal(i->cap_bounding, 0xff);
        assert_int_equal(i->ns.inode[NS_NET], 4026532441);
        assert_int_equal(i->root_uid, -2);
        assert_int_equal(i->user_initial, 0);
        assert_int_equal(i->seccomp, 2);
        assert_int_equal(i->no_new_privileges, 1);
        assert_string_equal(i->lsm, "docker-default");

        leader.status_known = false;
        apply(&w);
        assert_true(i->known);
        assert_false(i->caps_known);
        assert_int_equal(i->seccomp, -1);
        assert_int_equal(i->no_new_privileges, -1);

        s->leader = NULL;
        apply(&w);
        assert_false(i->known);
        assert_null(i->lsm);
        assert_int_equal(i->ns.inode[NS_NET], 0);
        stop(&w);
}

/* --- network -----------------------------------------------------------------------------------
 */

static void test_networks(void **state)
{
        (void)state;
        static const struct {
                struct {
                        enum net_mode told;
                        uint64_t netns, started;
                        bool infra;
                        enum net_mode mode;
                        bool counted;
                } rows[4];
        } cases[] = {
                {{{NET_PRIVATE, 11, 1, false, NET_PRIVATE, true},
                  {NET_PRIVATE, 12, 2, false, NET_PRIVATE, true}}},
                /* the oldest stands for the namespace; an unknown age is young */
                {{{NET_PRIVATE, 11, 5, false, NET_SHARED, false},
                  {NET_PRIVATE, 11, 2, false, NET_SHARED, true},
                  {NET_PRIVATE, 11, 3, false, NET_SHARED, false},
                  {NET_PRIVATE, 11, 0, false, NET_SHARED, false}}},
                {{{NET_PRIVATE, 11, 0, false, NET_SHARED, false},
                  {NET_PRIVATE, 11, 9, false, NET_SHARED, true}}},
                {{{NET_PRIVATE, 11, 4, false, NET_SHARED, true},
                  {NET_PRIVATE, 11, 4, false, NET_SHARED, false}}},
                /* an infra container comes before all */
                {{{NET_PRIVATE, 11, 1, false, NET_SHARED, false},
                  {NET_PRIVATE, 11, 2, true, NET_SHARED, true},
                  {NET_PRIVATE, 11, 1, false, NET_SHARED, false}}},
                {{{NET_PRIVATE, 11, 2, true, NET_SHARED, true},
                  {NET_PRIVATE, 11, 1, false, NET_SHARED, false}}},
                /* the host's is nobody's */
                {{{NET_HOST, 7, 1, false, NET_HOST, false},
                  {NET_HOST, 7, 2, false, NET_HOST, false}}},
                /* unknown namespaces are not the same one */
                {{{NET_PRIVATE, 0, 1, false, NET_PRIVATE, true},
                  {NET_PRIVATE, 0, 2, false, NET_PRIVATE, true},
                  {NET_UNKNOWN, 0, 2, false, NET_UNKNOWN, false}}},
                {{{NET_NONE, 11, 1, false, NET_NONE, true},
                  {NET_NONE, 12, 1, false, NET_NONE, true}}},
        };
        static const char *const ids[] = {"a", "b", "c", "d"};
        const struct facts infra = {.infra = true};
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct world w;
                start(&w);
                for (size_t k = 0; k < 4; k++) {
                        struct seen *s = add(&w, ids[k]);
                        s->net_mode = cases[i].rows[k].told;
                        s->netns = cases[i].rows[k].netns;
                        s->started_usec = cases[i].rows[k].started;
                        s->facts = cases[i].rows[k].infra ? &infra : NULL;
                }
                for (int tick = 0; tick < 2; tick++) {
                        apply(&w);
                        for (size_t k = 0; k < 4; k++) {
                                const struct container *c = w.m->containers[k];
                                if (c->net_mode != cases[i].rows[k].mode ||
                                    c->net_counted != cases[i].rows[k].counted)
                                        fail_msg("case %zu, row %zu, tick %d: mode %d, counted %d",
                                                 i, k, tick, c->net_mode, c->net_counted);
                        }
                }
                stop(&w);
        }
}

static void test_network_is_left(void **state)
{
        (void)state;
        struct world w;
        start(&w);
        for (int i = 0; i < 3; i++) {
                struct seen *s = add(&w, i == 0 ? "a" : i == 1 ? "b" : "c");
                s->net_mode = NET_PRIVATE;
                s->netns = 11;
                s->started_usec = 5 + (uint64_t)i;
        }
        apply(&w);
        const struct container *b = model_find(w.m, "local/docker/0/b");
        assert_int_equal(b->net_mode, NET_SHARED);
        assert_false(b->net_counted);
        w.list[0] = w.list[1]; /* a ends */
        w.list[1] = w.list[2];
        w.s.n_seen = 2;
        apply(&w);
        assert_int_equal(b->net_mode, NET_SHARED);
        assert_true(b->net_counted);
        w.seen[2].netns = 12; /* c moves */
        apply(&w);
        assert_int_equal(b->net_mode, NET_PRIVATE);
        assert_int_equal(model_find(w.m, "local/docker/0/c")->net_mode, NET_PRIVATE);
        assert_true(model_find(w.m, "local/docker/0/c")->net_counted);
        stop(&w);
}

static void test_network_counters(void **state)
{
        (void)state;
        struct world w;
        start(&w);
        struct seen *s = add(&w, "x");
        s->net_mode = NET_PRIVATE;
        s->netns = 11;
        sample_set(&s->sample, NET_RX_BYTES, 1000);
        sample_set(&s->sample, NET_TX_DROPPED, 1);
        sample_set(&s->sample, CPU_USAGE_USEC, 1000);
        apply(&w);
        sample_set(&s->sample, NET_RX_BYTES, 3000);
        sample_set(&s->sample, CPU_USAGE_USEC, 11000);
        apply(&w);
        const struct container *c = only(&w);
        assert_near(c->rates.net_rx, 2000);

        s->netns = 12; /* another namespace: other counters */
        sample_set(&s->sample, NET_RX_BYTES, 9000);
        sample_set(&s->sample, CPU_USAGE_USEC, 21000);
        apply(&w);
        assert_near(c->rates.net_rx, NAN);
        assert_near(c->rates.cpu_percent, 1);
        assert_int_equal(c->now.value[NET_RX_BYTES], 9000);

        s->net_mode = NET_HOST;
        apply(&w);
        assert_false(sample_has(&c->now, NET_RX_BYTES));
        assert_false(sample_has(&c->now, NET_TX_DROPPED));
        assert_true(sample_has(&c->now, CPU_USAGE_USEC));
        assert_near(c->rates.net_rx, NAN);
        stop(&w);
}

/* --- facts, sources, ownership -----------------------------------------------------------------
 */

static void test_facts(void **state)
{
        (void)state;
        struct world w;
        struct facts facts = {.name = (char *)"web", .image = (char *)"nginx:1.27"};
        facts.pod_name = (char *)"shop/web";
        facts.pod = (char *)"pod-1";
        facts_add_label(&facts, "app", "web");
        facts_add_port(&facts, "127.0.0.1", 8080, 80, "tcp");
        start(&w);
        struct seen *s = add(&w, "x");
        apply(&w);
        const struct container *c = only(&w);
        assert_string_equal(c->name, "x");

        s->facts = &facts;
        apply(&w);
        assert_string_equal(c->name, "web");
        assert_string_equal(c->image, "nginx:1.27");
        assert_string_equal(c->pod, "pod-1");
        assert_string_equal(c->pod_name, "shop/web");
        assert_string_equal(facts_label(&c->facts, "app"), "web");
        assert_int_equal(c->facts.n_ports, 1);
        assert_string_equal(c->facts.ports[0].host_ip, "127.0.0.1");
        assert_int_equal(c->facts.ports[0].host_port, 8080);
        assert_ptr_not_equal(c->facts.labels, facts.labels);

        facts.name = (char *)"shop"; /* renamed where it lay */
        s->pod = "pod-2";            /* what the cgroup tells comes first */
        apply(&w);
        assert_string_equal(c->name, "shop");
        assert_string_equal(c->pod, "pod-2");

        struct facts fresh = {.name = (char *)"shop"};
        facts_add_label(&fresh, "app", "other");
        s->facts = &fresh;
        apply(&w);
        assert_string_equal(facts_label(&c->facts, "app"), "other");
        assert_null(c->image);
        assert_int_equal(c->facts.n_ports, 0);

        s->facts = NULL; /* a restart: not read again yet */
        s->epoch[1]++;
        apply(&w);
        assert_string_equal(c->name, "shop");
        stop(&w);
        fresh.name = facts.name = facts.image = facts.pod = facts.pod_name = NULL;
        facts_done(&facts);
        facts_done(&fresh);
}

static void test_sources(void **state)
{
        (void)state;
        struct world w;
        struct source sources[] = {{"cgroup", SOURCE_OK, NULL},
                                   {"disk", SOURCE_DENIED, "not root"}};
        start(&w);
        w.s.sources = sources;
        w.s.n_sources = 2;
        apply(&w);
        assert_int_equal(w.m->n_sources, 2);
        assert_ptr_not_equal(w.m->sources[1].detail, sources[1].detail);
        assert_string_equal(w.m->sources[1].name, "disk");
        assert_string_equal(w.m->sources[1].detail, "not root");
        assert_null(w.m->sources[0].detail);
        sources[0].status = SOURCE_DEGRADED;
        sources[1].detail = "no home";
        apply(&w);
        assert_int_equal(w.m->sources[0].status, SOURCE_DEGRADED);
        assert_string_equal(w.m->sources[1].detail, "no home");
        w.s.n_sources = 1;
        apply(&w);
        assert_int_equal(w.m->n_sources, 1);
        stop(&w);
}

/* Nothing in the model points into the snapshot: its texts are overwritten after every tick. */
static void test_model_copies(void **state)
{
        (void)state;
        struct world w;
        char id[] = "x1", name[] = "web", cgroup[] = "/a/b", source[] = "/a", note[] = "hm";
        start(&w);
        struct seen *s = add(&w, id);
        s->name = name;
        s->cgroup = cgroup;
        s->note = note;
        s->limits.memory_max = (struct limit){LIMIT_SET, 5, source};
        apply(&w);
        const struct container *c = only(&w);
        id[0] = name[0] = cgroup[1] = source[1] = note[0] = '#';
        assert_string_equal(c->id, "x1");
        assert_string_equal(c->name, "web");
        assert_string_equal(c->cgroup, "/a/b");
        assert_string_equal(c->memory_limit.source, "/a");
        assert_string_equal(c->note, "hm");
        assert_ptr_equal(model_find(w.m, "local/docker/0/x1"), c);
        stop(&w);
}

/* --- cost --------------------------------------------------------------------------------------
 */

#define MANY 1000

/* A host full of containers as docker makes them: long ids, own limits, a namespace each. */
static void fill(struct seen *seen, struct seen **list, char (*id)[65], char (*cgroup)[128],
                 struct leader *leader, struct facts *facts)
{
        for (size_t i = 0; i < MANY; i++) {
                snprintf(id[i], sizeof(id[i]), "%064zx", i);
                snprintf(cgroup[i], sizeof(cgroup[i]), "/system.slice/docker-%s.scope", id[i]);
                leader[i] = (struct leader){.pid = (pid_t)i + 2, .status_known = true};
                leader[i].lsm = (char *)"docker-default";
                facts[i] = (struct facts){.name = (char *)"shop-web-1", .image = (char *)"nginx"};
                seen[i] = (struct seen){.runtime = RUNTIME_DOCKER,
                                        .id = id[i],
                                        .cgroup = cgroup[i],
                                        .leader = &leader[i],
                                        .facts = &facts[i],
                                        .net_mode = NET_PRIVATE,
                                        .netns = 4026532000 + i / 2,
                                        .epoch = {1, i}};
                const struct limit own = {LIMIT_SET, 1 << 30, cgroup[i]};
                seen[i].limits = (struct limits){.cpu = own, .memory_max = own, .pids = own};
                list[i] = &seen[i];
        }
}

static void test_cost(void **state)
{
        (void)state;
        struct seen *seen = calloc(MANY, sizeof(*seen)), **list = calloc(MANY, sizeof(*list));
        char(*id)[65] = calloc(MANY, sizeof(*id)), (*cgroup)[128] = calloc(MANY, sizeof(*cgroup));
        struct leader *leader = calloc(MANY, sizeof(*leader));
        struct facts *facts = calloc(MANY, sizeof(*facts));
        fill(seen, list, id, cgroup, leader, facts);
        const struct source source = {"cgroup", SOURCE_OK, NULL};
        struct snapshot s = {.seen = list, .n_seen = MANY, .sources = &source, .n_sources = 1};
        struct model *m = model_new();

        size_t before = mallinfo2().uordblks;
        model_apply(m, &s);
        size_t bytes = mallinfo2().uordblks - before;
        assert_int_equal(m->n_containers, MANY);
        /* Sanitizers count elsewhere and report 0 here; the plain build tells. */
        assert_in_range(bytes, 0, MANY * 1792);

        n_allocations = 0;
        s.monotonic_usec += SECOND;
        for (size_t i = 0; i < MANY; i++)
                seen[i].sample.taken_usec += SECOND;
        model_apply(m, &s);
        assert_in_range(n_allocations, 0, 3);

        model_free(m);
        free(facts);
        free(leader);
        free(cgroup);
        free(id);
        free(list);
        free(seen);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_empty),
                cmocka_unit_test(test_identity),
                cmocka_unit_test(test_names),
                cmocka_unit_test(test_runtime_and_kind),
                cmocka_unit_test(test_states),
                cmocka_unit_test(test_come_and_go),
                cmocka_unit_test(test_same_key_twice),
                cmocka_unit_test(test_rates),
                cmocka_unit_test(test_backwards_alone),
                cmocka_unit_test(test_new_epoch),
                cmocka_unit_test(test_working_set),
                cmocka_unit_test(test_host_cpu),
                cmocka_unit_test(test_limits),
                cmocka_unit_test(test_limits_after_move),
                cmocka_unit_test(test_judged_each_tick),
                cmocka_unit_test(test_privileged),
                cmocka_unit_test(test_isolation),
                cmocka_unit_test(test_networks),
                cmocka_unit_test(test_network_is_left),
                cmocka_unit_test(test_network_counters),
                cmocka_unit_test(test_facts),
                cmocka_unit_test(test_sources),
                cmocka_unit_test(test_model_copies),
                cmocka_unit_test(test_cost),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
