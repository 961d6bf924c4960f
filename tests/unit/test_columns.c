/* SPDX-License-Identifier: MIT */
#include "model/columns.h"

#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/macros.h"
#include "base/mem.h"

static const struct model empty_model = {.interval_seconds = NAN};

/* A container of which nothing is known but what must be. */
static struct container blank(void)
{
        return (struct container){
                .key = (char *)"local/docker/0/x",
                .id = (char *)"x",
                .name = (char *)"x",
                .owner_uid = UINT32_MAX,
                .rates = {NAN, NAN, NAN, NAN, NAN},
                .throttled_percent = NAN,
                .isolation = {.root_uid = -1,
                              .user_initial = -1,
                              .privileged = -1,
                              .seccomp = -1,
                              .no_new_privileges = -1},
                .verdict = {.percent = NAN},
        };
}

static struct value get_at(const char *key, const struct model *m, const struct container *c)
{
        const struct column *col = column_find(key);
        if (!col)
                fail_msg("no column %s", key);
        return col->get(m, c);
}

static struct value get(const char *key, const struct container *c)
{
        return get_at(key, &empty_model, c);
}

static void assert_number(const char *key, const struct container *c, double want)
{
        double n = NAN;
        struct value v = get(key, c);
        if (!value_number(&v, &n) || n != want)
                fail_msg("%s is %g, not %g", key, n, want);
}

static void assert_text(const char *key, const struct container *c, const char *want)
{
        struct value v = get(key, c);
        const char *text = value_text(&v);
        if (!text || !streq(text, want))
                fail_msg("%s is %s, not %s", key, text ? text : "unknown", want);
}

static void assert_unknown(const char *key, const struct container *c)
{
        if (get(key, c).type != VALUE_NONE)
                fail_msg("%s is known", key);
}

/* --- the table itself ----------------------------------------------------------------------- */

static bool same(const char *a, const char *b)
{
        return a && b && streq(a, b);
}

static void test_names_are_unique(void **state)
{
        (void)state;
        for (size_t i = 0; i < n_columns; i++)
                for (size_t k = 0; k < n_columns; k++) {
                        const struct column *a = &columns[i], *b = &columns[k];
                        if (i == k)
                                continue;
                        if (same(a->key, b->key) || same(a->csv, b->csv) ||
                            same(a->json, b->json) || same(a->metric, b->metric))
                                fail_msg("%s and %s", a->key, b->key);
                        /* Any of the names finds its column, so none may mean two. */
                        if (same(a->key, b->csv) || same(a->key, b->json))
                                fail_msg("%s means two columns", a->key);
                }
}

static void test_rows_are_whole(void **state)
{
        (void)state;
        for (size_t i = 0; i < n_columns; i++) {
                const struct column *c = &columns[i];
                assert_true(c->key && *c->key);
                assert_true(c->title && *c->title);
                assert_true(c->csv && *c->csv);
                assert_true(c->meaning && *c->meaning);
                assert_non_null(c->get);
                assert_true(c->width > 0);
                assert_ptr_equal(column_find(c->key), c);
                assert_ptr_equal(column_find(c->csv), c);
                if (c->json)
                        assert_ptr_equal(column_find(c->json), c);
        }
        assert_int_equal(column_find("name")->priority, 0);
}

/* OpenMetrics: a unit ends the name, a counter's name has no _total of its own, base units only. */
static void test_metrics_are_named_well(void **state)
{
        (void)state;
        for (size_t i = 0; i < n_columns; i++) {
                const struct column *c = &columns[i];
                if (!c->metric) {
                        assert_null(c->metric_type);
                        continue;
                }
                assert_true(streq(c->metric_type, "counter") || streq(c->metric_type, "gauge"));
                assert_false(endswith(c->metric, "_total"));
                _cleanup_free_ char *suffix =
                        xasprintf("_%s", c->metric_unit ? c->metric_unit : "");
                if (c->metric_unit)
                        assert_true(endswith(c->metric, suffix));
                assert_int_equal(endswith(c->metric, "_seconds"), same(c->metric_unit, "seconds"));
                assert_int_equal(endswith(c->metric, "_bytes"), same(c->metric_unit, "bytes"));
                assert_int_equal(endswith(c->metric, "_ratio"), same(c->metric_unit, "ratio"));
        }
}

/* The scalars of the contract's json object, in its order. */
static const char *const contract_paths[] = {
        "key",
        "id",
        "name",
        "runtime",
        "kind",
        "state",
        "image",
        "pid",
        "owner_uid",
        "cgroup",
        "parent",
        "pod",
        "started_at",
        "exit_code",
        "cpu.percent",
        "cpu.usage_usec",
        "cpu.user_usec",
        "cpu.system_usec",
        "cpu.limit_cores",
        "cpu.limit_source",
        "cpu.throttled_percent",
        "cpu.throttled_source",
        "cpu.throttled_usec",
        "memory.working_set_bytes",
        "memory.usage_bytes",
        "memory.needed_bytes",
        "memory.anon_bytes",
        "memory.file_bytes",
        "memory.shmem_bytes",
        "memory.slab_bytes",
        "memory.swap_bytes",
        "memory.peak_bytes",
        "memory.limit_bytes",
        "memory.limit_source",
        "memory.high_bytes",
        "memory.oom_kills",
        "io.read_bytes",
        "io.write_bytes",
        "io.read_ops",
        "io.write_ops",
        "io.read_bytes_per_second",
        "io.write_bytes_per_second",
        "network.mode",
        "network.namespace",
        "network.rx_bytes",
        "network.tx_bytes",
        "network.rx_bytes_per_second",
        "network.tx_bytes_per_second",
        "network.rx_errors",
        "network.tx_errors",
        "network.rx_dropped",
        "network.tx_dropped",
        "pids.current",
        "pids.limit",
        "pids.limit_source",
        "pressure.cpu_some",
        "pressure.cpu_full",
        "pressure.memory_some",
        "pressure.memory_full",
        "pressure.io_some",
        "pressure.io_full",
        "isolation.root_uid",
        "isolation.privileged",
        "isolation.seccomp",
        "isolation.no_new_privileges",
        "isolation.lsm",
        "verdict.code",
        "verdict.percent",
        "verdict.source",
};

static void test_contract_is_covered_in_order(void **state)
{
        (void)state;
        const struct column *before = NULL;
        for (size_t i = 0; i < ARRAY_SIZE(contract_paths); i++) {
                const struct column *col = column_find(contract_paths[i]);
                if (!col || !same(col->json, contract_paths[i]))
                        fail_msg("nothing gives %s", contract_paths[i]);
                if (before && col < before)
                        fail_msg("%s comes before %s", col->json, before->json);
                before = col;
        }
}

/* What the contract's examples of --filter and --sort use, and short words for them. */
static void test_find(void **state)
{
        (void)state;
        static const struct {
                const char *word;
                const char *key;
        } cases[] = {
                {"runtime", "runtime"},
                {"state", "state"},
                {"name", "name"},
                {"cpu", "cpu"},
                {"mem", "mem"},
                {"memory", "mem"},
                {"verdict", "verdict"},
                {"why", "verdict"},
                {"cpu_percent", "cpu"},
                {"memory.limit_bytes", "mem_limit"},
                {"limit", "mem_limit"},
                {"pids", "pids"},
                {"psi_io_full", "psi_io_full"},
        };
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                const struct column *col = column_find(cases[i].word);
                if (!col || !streq(col->key, cases[i].key))
                        fail_msg("%s", cases[i].word);
        }
        assert_null(column_find(""));
        assert_null(column_find("CPU"));
        assert_null(column_find("nonsense"));
}

static void test_wants(void **state)
{
        (void)state;
        static const struct {
                const char *key;
                unsigned wants, not_wants;
        } cases[] = {
                {"cpu", WANT_CPU, WANT_CPU_SPLIT},
                {"cpu_user", WANT_CPU_SPLIT, 0},
                {"mem", WANT_MEMORY | WANT_MEMORY_STAT, WANT_PEAK},
                {"mem_usage", WANT_MEMORY, WANT_MEMORY_STAT},
                {"anon", WANT_MEMORY_STAT, 0},
                {"swap", WANT_SWAP, WANT_MEMORY_STAT},
                {"peak", WANT_PEAK, WANT_MEMORY_STAT},
                {"io_read_ops", WANT_IO_OPS, 0},
                {"io_read_rate", WANT_IO, WANT_IO_OPS},
                {"net_rx", WANT_NET, 0},
                {"pids", WANT_PIDS, 0},
                {"psi_cpu_some", WANT_PSI_CPU, WANT_PSI_IO | WANT_PSI_MEMORY},
                {"psi_mem_full", WANT_PSI_MEMORY, WANT_PSI_IO | WANT_PSI_CPU},
                {"psi_io_full", WANT_PSI_IO, WANT_PSI_CPU | WANT_PSI_MEMORY},
                {"name", WANT_NAMES, WANT_CPU},
                {"state", WANT_STATE, 0},
                {"seccomp", WANT_ISOLATION, 0},
                {"verdict",
                 WANT_CPU | WANT_MEMORY | WANT_MEMORY_STAT | WANT_PSI_MEMORY | WANT_PSI_IO |
                         WANT_PIDS | WANT_STATE,
                 WANT_PSI_CPU | WANT_NET},
                {"id", 0, WANT_ALL},
        };
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                unsigned wants = column_find(cases[i].key)->wants;
                if ((wants & cases[i].wants) != cases[i].wants || wants & cases[i].not_wants)
                        fail_msg("%s wants %#x", cases[i].key, wants);
        }
}

/* --- values --------------------------------------------------------------------------------- */

static void test_missing_is_not_zero(void **state)
{
        (void)state;
        static const char *const known[] = {"key", "id", "short_id", "name", "kind", "verdict"};
        struct container c = blank();
        for (size_t i = 0; i < n_columns; i++) {
                bool is_known = false;
                for (size_t k = 0; k < ARRAY_SIZE(known); k++)
                        is_known |= streq(known[k], columns[i].key);
                bool unknown = columns[i].get(&empty_model, &c).type == VALUE_NONE;
                if (unknown == is_known)
                        fail_msg("%s is %s", columns[i].key, unknown ? "unknown" : "known");
        }
}

static void test_metrics(void **state)
{
        (void)state;
        static const struct {
                const char *key;
                enum metric metric;
        } cases[] = {
                {"cpu_usage", CPU_USAGE_USEC},      {"cpu_user", CPU_USER_USEC},
                {"cpu_system", CPU_SYSTEM_USEC},    {"throttled_usec", CPU_THROTTLED_USEC},
                {"mem_usage", MEMORY_USAGE_BYTES},  {"mem_needed", MEMORY_NEEDED_BYTES},
                {"anon", MEMORY_ANON_BYTES},        {"file", MEMORY_FILE_BYTES},
                {"shmem", MEMORY_SHMEM_BYTES},      {"slab", MEMORY_SLAB_BYTES},
                {"swap", MEMORY_SWAP_BYTES},        {"peak", MEMORY_PEAK_BYTES},
                {"oom", MEMORY_OOM_KILLS},          {"io_read", IO_READ_BYTES},
                {"io_write", IO_WRITE_BYTES},       {"io_read_ops", IO_READ_OPS},
                {"io_write_ops", IO_WRITE_OPS},     {"net_rx", NET_RX_BYTES},
                {"net_tx", NET_TX_BYTES},           {"net_rx_errors", NET_RX_ERRORS},
                {"net_tx_errors", NET_TX_ERRORS},   {"net_rx_dropped", NET_RX_DROPPED},
                {"net_tx_dropped", NET_TX_DROPPED}, {"pids", PIDS_CURRENT},
        };
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct container c = blank();
                assert_unknown(cases[i].key, &c);
                sample_set(&c.now, cases[i].metric, 0);
                assert_number(cases[i].key, &c, 0);
                sample_set(&c.now, cases[i].metric, 1000 + i);
                assert_number(cases[i].key, &c, 1000 + (double)i);
        }
}

static void test_pressure_is_percent(void **state)
{
        (void)state;
        static const struct {
                const char *key;
                enum metric metric;
        } cases[] = {
                {"psi_cpu_some", PSI_CPU_SOME},    {"psi_cpu_full", PSI_CPU_FULL},
                {"psi_mem_some", PSI_MEMORY_SOME}, {"psi_mem_full", PSI_MEMORY_FULL},
                {"psi_io_some", PSI_IO_SOME},      {"psi_io_full", PSI_IO_FULL},
        };
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct container c = blank();
                sample_set(&c.now, cases[i].metric, 4125);
                assert_number(cases[i].key, &c, 41.25);
        }
}

/* No limit is not unknown. */
static void test_limits(void **state)
{
        (void)state;
        struct container c = blank();
        const struct {
                const char *key, *source;
                struct model_limit *limit;
                double factor;
        } cases[] = {
                {"cpu_limit", "cpu_limit_source", &c.cpu_limit, 1e-6},
                {"mem_limit", "mem_limit_source", &c.memory_limit, 1},
                {"mem_high", "mem_high_source", &c.memory_high, 1},
                {"pids_limit", "pids_limit_source", &c.pids_limit, 1},
        };
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct model_limit *l = cases[i].limit;
                *l = (struct model_limit){.state = LIMIT_UNKNOWN};
                assert_unknown(cases[i].key, &c);
                assert_unknown(cases[i].source, &c);
                *l = (struct model_limit){.state = LIMIT_NONE};
                assert_unknown(cases[i].key, &c);
                assert_text(cases[i].source, &c, "none");
                *l = (struct model_limit){LIMIT_SET, 1500000, (char *)"/shop.slice"};
                assert_number(cases[i].key, &c, 1500000 * cases[i].factor);
                assert_text(cases[i].source, &c, "/shop.slice");
        }
}

static void test_memory(void **state)
{
        (void)state;
        struct container c = blank();
        sample_set(&c.now, MEMORY_USAGE_BYTES, 1000);
        assert_unknown("mem", &c);
        sample_set(&c.now, MEMORY_INACTIVE_FILE_BYTES, 400);
        assert_number("mem", &c, 600);
        assert_unknown("mem_percent", &c);
        c.memory_limit = (struct model_limit){.state = LIMIT_NONE};
        assert_unknown("mem_percent", &c);
        c.memory_limit = (struct model_limit){LIMIT_SET, 2400, NULL};
        assert_number("mem_percent", &c, 25);
        c.memory_limit.value = 0;
        assert_unknown("mem_percent", &c);
}

static void test_rates(void **state)
{
        (void)state;
        struct container c = blank();
        c.rates = (struct rates){1.5, 2.5, 3.5, 4.5, 5.5};
        c.throttled_percent = 62;
        assert_number("cpu", &c, 1.5);
        assert_number("io_read_rate", &c, 2.5);
        assert_number("io_write_rate", &c, 3.5);
        assert_number("net_rx_rate", &c, 4.5);
        assert_number("net_tx_rate", &c, 5.5);
        assert_number("throttled", &c, 62);
        c.rates.cpu_percent = INFINITY;
        assert_unknown("cpu", &c);
}

/* The host's counters are not the container's. */
static void test_network_of_the_host(void **state)
{
        (void)state;
        static const char *const keys[] = {"net_rx",         "net_tx",        "net_rx_rate",
                                           "net_tx_rate",    "net_rx_errors", "net_tx_errors",
                                           "net_rx_dropped", "net_tx_dropped"};
        struct container c = blank();
        c.rates.net_rx = c.rates.net_tx = 5;
        for (enum metric m = NET_RX_BYTES; m <= NET_TX_DROPPED; m++)
                sample_set(&c.now, m, 7);
        for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
                assert_true(get(keys[i], &c).type != VALUE_NONE);
        c.net_mode = NET_HOST;
        for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
                assert_unknown(keys[i], &c);
        assert_text("net_mode", &c, "host");
        c.net_mode = NET_PRIVATE;
        assert_text("net_mode", &c, "private");
        c.net_mode = NET_SHARED;
        assert_text("net_mode", &c, "shared");
        c.net_mode = NET_NONE;
        assert_text("net_mode", &c, "none");
}

static void test_time(void **state)
{
        (void)state;
        static const struct {
                uint64_t usec;
                const char *text; /* NULL: unknown */
        } cases[] = {
                {0, NULL},
                {1, "1970-01-01T00:00:00.000Z"},
                {UINT64_C(1795467546123456), "2026-11-23T20:59:06.123Z"},
                {UINT64_C(1709164800000000), "2024-02-29T00:00:00.000Z"},
                {UINT64_C(253402300799999999), "9999-12-31T23:59:59.999Z"},
                {UINT64_C(253402300800000000), NULL},
                {UINT64_MAX, NULL},
        };
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct container c = blank();
                c.started_usec = cases[i].usec;
                struct model m = {.realtime_usec = cases[i].usec};
                if (!cases[i].text) {
                        assert_unknown("started", &c);
                        assert_int_equal(get_at("time", &m, NULL).type, VALUE_NONE);
                        continue;
                }
                assert_text("started", &c, cases[i].text);
                struct value v = get_at("time", &m, NULL);
                assert_string_equal(value_text(&v), cases[i].text);
        }
}

static void test_uptime(void **state)
{
        (void)state;
        struct model m = {.realtime_usec = 100000000};
        struct container c = blank();
        double n = -1;
        struct value v = get_at("uptime", &m, &c);
        assert_false(value_number(&v, &n));
        c.started_usec = 40500000;
        v = get_at("uptime", &m, &c);
        assert_true(value_number(&v, &n));
        assert_true(n == 59);
        c.started_usec = 100000001; /* the clock was set back */
        assert_int_equal(get_at("uptime", &m, &c).type, VALUE_NONE);
        c.started_usec = 40500000;
        c.state = STATE_EXITED;
        assert_int_equal(get_at("uptime", &m, &c).type, VALUE_NONE);
}

static void test_identity(void **state)
{
        (void)state;
        static const char hex[] =
                "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
        struct container c = blank();
        c.id = (char *)hex;
        assert_text("id", &c, hex);
        assert_text("short_id", &c, "0123456789ab");
        c.id = (char *)"a-machine-whose-name-is-longer-than-any-scratch-buffer";
        assert_text("short_id", &c, c.id);
        c.runtime = RUNTIME_DOCKER;
        c.kind = KIND_MACHINE;
        c.state = STATE_PAUSED;
        c.owner_uid = 0;
        c.pid = 4711;
        c.netns = UINT64_C(4026532441);
        assert_text("runtime", &c, "docker");
        assert_text("kind", &c, "machine");
        assert_text("state", &c, "paused");
        assert_number("owner", &c, 0);
        assert_number("pid", &c, 4711);
        assert_number("netns", &c, 4026532441);
}

static void test_isolation(void **state)
{
        (void)state;
        struct container c = blank();
        c.isolation.caps_known = true;
        assert_number("caps", &c, 0);
        c.isolation.cap_bounding = UINT64_C(0xa80425fb);
        assert_number("caps", &c, 14);
        assert_number("caps_extra", &c, 0);
        c.isolation.cap_bounding |= UINT64_C(1) << 21 | UINT64_C(1)
                                                                << 12; /* sys_admin, net_admin */
        assert_number("caps_extra", &c, 2);

        c.isolation.root_uid = -2; /* not mapped */
        assert_unknown("root_uid", &c);
        c.isolation.root_uid = 100000;
        assert_number("root_uid", &c, 100000);

        static const char *const modes[] = {"none", "strict", "filter"};
        for (int i = 0; i < 3; i++) {
                c.isolation.seccomp = i;
                assert_text("seccomp", &c, modes[i]);
        }
        c.isolation.seccomp = 3;
        assert_unknown("seccomp", &c);

        c.isolation.privileged = 0;
        assert_text("privileged", &c, "false");
        c.isolation.privileged = 1;
        assert_text("privileged", &c, "true");
        assert_int_equal(get("privileged", &c).type, VALUE_BOOL);
}

static void test_shared_namespaces(void **state)
{
        (void)state;
        struct container c = blank();
        c.isolation.host_ns_known[NS_NET] = true;
        assert_text("shared_ns", &c, "none");
        c.isolation.host_ns[NS_USER] = c.isolation.host_ns_known[NS_USER] = true;
        c.isolation.host_ns[NS_TIME] = c.isolation.host_ns_known[NS_TIME] = true;
        c.isolation.host_ns[NS_PID] = true; /* but not known */
        for (int i = 0; i < 2; i++)
                assert_text("shared_ns", &c, "user,time");
        struct value before = get("shared_ns", &c);
        for (size_t i = 0; i < NS_COUNT; i++)
                c.isolation.host_ns[i] = c.isolation.host_ns_known[i] = true;
        assert_text("shared_ns", &c, "pid,net,mnt,uts,ipc,user,cgroup,time");
        assert_string_equal(value_text(&before), "user,time");
}

static void test_ports(void **state)
{
        (void)state;
        struct container c = blank();
        facts_add_port(&c.facts, "0.0.0.0", 8080, 80, "tcp");
        assert_text("ports", &c, "8080->80/tcp");
        for (unsigned i = 0; i < 300; i++)
                facts_add_port(&c.facts, NULL, 65535, 65535, "sctp");
        facts_done(&c.facts);
        for (unsigned i = 0; i < FACTS_MAX_PORTS; i++)
                facts_add_port(&c.facts, NULL, 65535, 65535, "sctpsctp");
        assert_text("ports", &c, "65535->65535/sctpsct +255");
        facts_done(&c.facts);
}

static void test_verdict(void **state)
{
        (void)state;
        struct container c = blank();
        assert_text("verdict", &c, "ok");
        assert_unknown("verdict_percent", &c);
        c.verdict = (struct verdict){.code = VERDICT_THROTTLED, .percent = 62, .source = "/a"};
        assert_text("verdict", &c, "throttled");
        assert_number("verdict_percent", &c, 62);
        assert_text("verdict_source", &c, "/a");
}

static void test_value_kinds(void **state)
{
        (void)state;
        double n = 42;
        struct value v = {.type = VALUE_NONE};
        assert_null(value_text(&v));
        assert_false(value_number(&v, &n));
        v = (struct value){.type = VALUE_TEXT, .scratch = "on the fly"};
        assert_string_equal(value_text(&v), "on the fly");
        assert_false(value_number(&v, &n));
        v = (struct value){.type = VALUE_BOOL, .truth = true};
        assert_false(value_number(&v, &n));
        assert_true(n == 42);
        v = (struct value){.type = VALUE_INT, .i = -3};
        assert_true(value_number(&v, &n));
        assert_true(n == -3);
        assert_null(value_text(&v));
}

/* --- lists ---------------------------------------------------------------------------------- */

static void test_parse(void **state)
{
        (void)state;
        static const struct {
                const char *list;
                const char *keys; /* NULL: refused */
                const char *error;
        } cases[] = {
                {"name", "name", NULL},
                {"name,cpu,mem", "name cpu mem", NULL},
                {" name , memory ,pids ", "name mem pids", NULL},
                {"cpu,cpu", "cpu cpu", NULL},
                {"", NULL, "missing"},
                {"name,", NULL, "missing"},
                {",name", NULL, "missing"},
                {"name,,cpu", NULL, "missing"},
                {"name,bogus", NULL, "bogus"},
                {"name cpu", NULL, "name cpu"},
                {"na\nme", NULL, "help"},
        };
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_free_ const struct column **found = NULL;
                _cleanup_free_ char *error = NULL;
                size_t n = 99;
                int r = columns_parse(cases[i].list, &found, &n, &error);
                if (!cases[i].keys) {
                        assert_int_equal(r, -EINVAL);
                        assert_null(found);
                        assert_int_equal(n, 99);
                        assert_non_null(strstr(error, cases[i].error));
                        assert_null(strchr(error, '\n'));
                        continue;
                }
                assert_int_equal(r, 0);
                assert_null(error);
                _cleanup_str_ struct str keys = STR_INIT;
                for (size_t k = 0; k < n; k++)
                        str_addf(&keys, "%s%s", k ? " " : "", found[k]->key);
                assert_string_equal(str_get(&keys), cases[i].keys);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_names_are_unique),
                cmocka_unit_test(test_rows_are_whole),
                cmocka_unit_test(test_metrics_are_named_well),
                cmocka_unit_test(test_contract_is_covered_in_order),
                cmocka_unit_test(test_find),
                cmocka_unit_test(test_wants),
                cmocka_unit_test(test_missing_is_not_zero),
                cmocka_unit_test(test_metrics),
                cmocka_unit_test(test_pressure_is_percent),
                cmocka_unit_test(test_limits),
                cmocka_unit_test(test_memory),
                cmocka_unit_test(test_rates),
                cmocka_unit_test(test_network_of_the_host),
                cmocka_unit_test(test_time),
                cmocka_unit_test(test_uptime),
                cmocka_unit_test(test_identity),
                cmocka_unit_test(test_isolation),
                cmocka_unit_test(test_shared_namespaces),
                cmocka_unit_test(test_ports),
                cmocka_unit_test(test_verdict),
                cmocka_unit_test(test_value_kinds),
                cmocka_unit_test(test_parse),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
