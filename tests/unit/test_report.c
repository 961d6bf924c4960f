/* SPDX-License-Identifier: MIT */
#include "report/report.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/macros.h"
#include "base/mem.h"
#include "sample_model.h"

static char *print(report_fn report, const struct report *r)
{
        struct str out = STR_INIT;
        report(r, &out);
        return str_take(&out);
}

static struct report sample_report(void)
{
        const struct model *m = sample_model();
        return (struct report){.model = m, .rows = sample_rows(), .first = true};
}

static void assert_no_trailing_space(const char *text)
{
        for (const char *p = strchr(text, '\n'); p; p = strchr(p + 1, '\n'))
                if (p > text && p[-1] == ' ')
                        fail_msg("a line ends with a space");
}

/* --- screens -------------------------------------------------------------------------------- */

static char *read_whole(const char *path)
{
        struct str text = STR_INIT;
        char buf[4096];
        ssize_t n;
        _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
        while (fd >= 0 && (n = read(fd, buf, sizeof(buf))) > 0)
                str_addn(&text, buf, (size_t)n);
        return str_take(&text);
}

/* CTOP_SCREENS=DIR keeps what was printed: to be looked at, and then copied to tests/screens. */
static void keep(const char *name, const char *text)
{
        const char *dir = getenv("CTOP_SCREENS");
        if (!dir)
                return;
        _cleanup_free_ char *path = xasprintf("%s/%s", dir, name);
        _cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
                fail_msg("cannot write %s", path);
}

static void assert_screen(const char *name, const char *text)
{
        const char *root = getenv("CTOP_SOURCE_ROOT");
        _cleanup_free_ char *path = xasprintf("%s/tests/screens/%s", root ? root : ".", name);
        _cleanup_free_ char *want = read_whole(path);
        keep(name, text);
        assert_no_trailing_space(text);
        if (!streq(want, text))
                fail_msg("not as in tests/screens/%s:\n%s", name, text);
}

static size_t widest_line(const char *text)
{
        size_t widest = 0;
        for (const char *p = text; *p;) {
                size_t n = strcspn(p, "\n");
                _cleanup_free_ char *line = xstrndup(p, n);
                widest = MAX(widest, str_width(line));
                p += n + (p[n] == '\n');
        }
        return widest;
}

static void test_table_screens(void **state)
{
        (void)state;
        static const struct {
                const char *name;
                unsigned width;
                bool tree, ascii, color;
        } cases[] = {
                {"report_80.txt", 80, false, false, false},
                {"report_40.txt", 40, false, false, false},
                {"report_120.txt", 120, false, false, false},
                {"report_200.txt", 200, false, false, false},
                {"report_pipe.txt", 0, false, false, false},
                {"report_80_tree.txt", 80, true, false, false},
                {"report_80_tree_ascii.txt", 80, true, true, false},
                {"report_80_color.txt", 80, false, false, true},
        };
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct report r = sample_report();
                if (cases[i].tree)
                        r.rows = sample_tree();
                r.width = cases[i].width;
                r.ascii = cases[i].ascii;
                r.color = cases[i].color;
                _cleanup_free_ char *text = print(report_table, &r);
                assert_screen(cases[i].name, text);
                const char *table = strstr(text, "NAME"); /* a source's complaint is not cut */
                if (r.width && !r.color && widest_line(table) > r.width)
                        fail_msg("%s is %zu wide", cases[i].name, widest_line(table));
        }
}

/* Whatever the width: it fits, and the names are there. */
static void test_table_every_width(void **state)
{
        (void)state;
        for (unsigned width = 1; width <= 250; width++) {
                struct report r = sample_report();
                sample.n_sources = 0;
                r.width = width;
                _cleanup_free_ char *text = print(report_table, &r);
                if (widest_line(text) > width)
                        fail_msg("%zu columns of %u", widest_line(text), width);
                assert_no_trailing_space(text);
                if (width >= 40)
                        assert_non_null(strstr(text, "\nci-runner "));
        }
}

static void test_table_chosen(void **state)
{
        (void)state;
        const struct column *chosen[] = {column_find("name"),
                                         column_find("pid"),
                                         column_find("cpu_limit"),
                                         column_find("cpu_usage"),
                                         column_find("net_tx"),
                                         column_find("privileged"),
                                         column_find("mem_limit_source")};
        struct report r = sample_report();
        r.columns = chosen;
        r.n_columns = ARRAY_SIZE(chosen);
        r.chosen = true;
        r.width = 20; /* too narrow, and yet none is dropped */
        _cleanup_free_ char *text = print(report_table, &r);
        assert_screen("report_chosen.txt", text);
}

/* What no row has takes no room. */
static void test_table_drops_empty(void **state)
{
        (void)state;
        struct row row = {.container = &samples[MAIL]};
        struct report r = sample_report();
        r.rows = &(struct rows){&row, 1};
        sample.n_sources = 0;
        _cleanup_free_ char *text = print(report_table, &r);
        assert_string_equal(text, "NAME  RUNTIME  STATE     CPU%    MEM  LIMIT  NET rx     tx"
                                  "  DISK r      w   PIDS  WHY\n"
                                  "mail  nspawn   running    0.4   210M  2.00G    none   none"
                                  "      ·      ·      3   ok\n");
}

static void test_table_nothing(void **state)
{
        (void)state;
        static const struct rows none = {NULL, 0};
        struct report r = sample_report();
        r.rows = &none;
        sample.n_containers = 0;
        _cleanup_free_ char *text = print(report_table, &r);
        assert_screen("report_nothing.txt", text);

        sample.n_containers = 3;
        sample.n_sources = 0;
        _cleanup_free_ char *filtered = print(report_table, &r);
        assert_non_null(startswith(filtered, "no containers found"));
        assert_non_null(strstr(filtered, "3"));
}

/* An engine that is not installed is no news. */
static void test_table_sources(void **state)
{
        (void)state;
        struct source two[] = {
                {"docker", SOURCE_SILENT, "12s"},
                {"podman", SOURCE_UNAVAILABLE, "no socket"},
                {"disk", SOURCE_DENIED, NULL},
        };
        struct report r = sample_report();
        sample.sources = two;
        sample.n_sources = ARRAY_SIZE(two);
        _cleanup_free_ char *text = print(report_table, &r);
        assert_non_null(startswith(text, "docker: silent: 12s; disk: denied\nNAME"));
        two[0].status = two[2].status = SOURCE_OK;
        _cleanup_free_ char *well = print(report_table, &r);
        assert_non_null(startswith(well, "NAME"));
}

/* --- json ----------------------------------------------------------------------------------- */

static json_t *load(const struct report *r)
{
        json_error_t error;
        _cleanup_free_ char *text = print(report_json, r);
        assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
        json_t *top = json_loads(text, JSON_REJECT_DUPLICATES, &error);
        if (!top)
                fail_msg("%s: %s", error.text, text);
        return top;
}

static void add_keys(struct str *out, json_t *object)
{
        const char *key;
        json_t *value;
        str_addc(out, '{');
        json_object_foreach(object, key, value)
        {
                str_addf(out, "%s ", key);
                if (json_is_object(value) && !streq(key, "labels"))
                        add_keys(out, value);
        }
        str_addc(out, '}');
}

/* The contract's example, and behind it what was added. */
static const char container_keys[] =
        "{key id name runtime kind state image pid owner_uid cgroup parent pod pod_name started_at "
        "exit_code labels ports "
        "cpu {percent usage_usec user_usec system_usec limit_cores limit_source throttled_percent "
        "throttled_source throttled_usec }"
        "memory {working_set_bytes usage_bytes needed_bytes anon_bytes file_bytes shmem_bytes "
        "slab_bytes swap_bytes peak_bytes limit_bytes limit_source high_bytes high_source "
        "oom_kills }"
        "io {read_bytes write_bytes read_ops write_ops read_bytes_per_second "
        "write_bytes_per_second }"
        "network {mode namespace rx_bytes tx_bytes rx_bytes_per_second tx_bytes_per_second "
        "rx_errors tx_errors rx_dropped tx_dropped }"
        "pids {current limit limit_source }"
        "pressure {cpu_some cpu_full memory_some memory_full io_some io_full }"
        "isolation {namespaces {pid net mnt uts ipc user cgroup time }shared_with_host root_uid "
        "capabilities privileged seccomp no_new_privileges lsm }"
        "verdict {code percent source }note restart_policy }";

static void test_json_keys(void **state)
{
        (void)state;
        struct report r = sample_report();
        json_t *top = load(&r), *list = json_object_get(top, "containers"), *c;
        size_t i;
        assert_int_equal(json_array_size(list), N_SAMPLES);
        json_array_foreach(list, i, c)
        {
                _cleanup_str_ struct str keys = STR_INIT;
                add_keys(&keys, c);
                assert_string_equal(str_get(&keys), container_keys);
        }
        json_object_del(top, "containers");
        _cleanup_str_ struct str keys = STR_INIT;
        add_keys(&keys, top);
        assert_string_equal(str_get(&keys),
                            "{schema time interval_seconds host {name kernel cpus cgroup "
                            "cpu_percent memory_total_bytes memory_available_bytes sources }}");
        json_decref(top);
}

static void assert_json(json_t *object, const char *path, const char *want)
{
        _cleanup_free_ char *copy = xstrdup(path);
        char *rest = copy;
        for (char *key; object && (key = strsep(&rest, "."));)
                object = json_object_get(object, key);
        _cleanup_free_ char *text = object ? json_dumps(object, JSON_ENCODE_ANY | JSON_COMPACT |
                                                                        JSON_REAL_PRECISION(15))
                                           : NULL;
        if (!text || !streq(text, want))
                fail_msg("%s is %s, not %s", path, text ? text : "absent", want);
}

static json_t *find(json_t *top, const char *name)
{
        json_t *c;
        size_t i;
        json_array_foreach(
                json_object_get(top, "containers"), i,
                c) if (streq(json_string_value(json_object_get(c, "name")), name)) return c;
        fail_msg("no %s", name);
        return NULL;
}

struct json_case {
        const char *path;
        const char *want;
};

static void assert_json_cases(json_t *object, const struct json_case *cases, size_t n)
{
        for (size_t i = 0; i < n; i++)
                assert_json(object, cases[i].path, cases[i].want);
}

static void test_json_host(void **state)
{
        (void)state;
        static const struct json_case cases[] = {
                {"schema", "\"ctop-c/1\""},
                {"time", "\"2026-11-23T20:59:06.123Z\""},
                {"interval_seconds", "0.5"},
                {"host.name", "\"web1\""},
                {"host.cpus", "4"},
                {"host.cgroup", "\"v2\""},
                {"host.cpu_percent", "51.2"},
                {"host.memory_total_bytes", "16777216000"},
                {"host.sources",
                 "[{\"name\":\"cgroup\",\"status\":\"ok\",\"detail\":null},"
                 "{\"name\":\"namespaces\",\"status\":\"degraded\","
                 "\"detail\":\"cannot read the links of 12 processes\"},"
                 "{\"name\":\"docker\",\"status\":\"unavailable\",\"detail\":\"no socket\"}]"},
        };
        struct report r = sample_report();
        json_t *top = load(&r);
        assert_json_cases(top, cases, ARRAY_SIZE(cases));
        json_decref(top);

        static const struct json_case unknown[] = {
                {"interval_seconds", "null"},
                {"time", "null"},
                {"host.cpus", "null"},
                {"host.cpu_percent", "null"},
                {"host.memory_total_bytes", "null"},
                {"host.memory_available_bytes", "null"},
                {"host.sources", "[]"},
                {"host.name", "null"},
        };
        sample.interval_seconds = NAN;
        sample.realtime_usec = 0;
        sample.host = (struct host){.cpu_percent = NAN};
        sample.n_sources = 0;
        top = load(&r);
        assert_json_cases(top, unknown, ARRAY_SIZE(unknown));
        json_decref(top);
}

static void test_json_values(void **state)
{
        (void)state;
        static const struct json_case web[] = {
                {"key", "\"local/docker/0/" WEB_ID "\""},
                {"runtime", "\"docker\""},
                {"kind", "\"container\""},
                {"pid", "4711"},
                {"owner_uid", "0"},
                {"parent", "null"},
                {"started_at", "\"2026-11-20T16:59:05.623Z\""},
                {"exit_code", "null"},
                {"labels", "{\"com.docker.compose.project\":\"shop\",\"say\":\"\\\"hi\\\"\\\\\"}"},
                {"ports", "[{\"host_ip\":\"0.0.0.0\",\"host_port\":8080,\"container_port\":80,"
                          "\"protocol\":\"tcp\"},{\"host_ip\":null,\"host_port\":8443,"
                          "\"container_port\":443,\"protocol\":\"tcp\"}]"},
                {"cpu.percent", "98.4"},
                {"cpu.limit_cores", "1.0"},
                {"cpu.limit_source", "\"/shop.slice\""},
                {"cpu.throttled_percent", "62.0"},
                {"cpu.user_usec", "null"},
                {"memory.working_set_bytes", "432013312"},
                {"memory.limit_bytes", "536870912"},
                {"memory.high_bytes", "null"},
                {"network.mode", "\"private\""},
                {"network.namespace", "4026532441"},
                {"network.tx_bytes_per_second", "30720.0"},
                {"pids.limit", "50"},
                {"pressure.io_full", "null"},
                {"isolation.namespaces",
                 "{\"pid\":4026532440,\"net\":4026532441,\"mnt\":null,\"uts\":null,\"ipc\":null,"
                 "\"user\":null,\"cgroup\":null,\"time\":null}"},
                {"isolation.shared_with_host", "[\"user\",\"time\"]"},
                {"isolation.capabilities", "[\"chown\",\"net_raw\"]"},
                {"isolation.root_uid", "0"},
                {"isolation.privileged", "false"},
                {"isolation.seccomp", "\"filter\""},
                {"isolation.no_new_privileges", "null"},
                {"isolation.lsm", "\"docker-default\""},
                {"verdict", "{\"code\":\"throttled\",\"percent\":62.0,\"source\":\"/shop.slice\"}"},
        };
        static const struct json_case builder[] = {
                {"owner_uid", "1000"},
                {"memory.limit_bytes", "null"},
                {"memory.limit_source", "\"none\""},
                {"pressure.io_full", "41.0"},
                {"pids.limit_source", "null"},
                {"image", "null"},
        };
        static const struct json_case migrate[] = {
                {"state", "null"},
                {"runtime", "null"},
                {"owner_uid", "null"},
                {"labels", "{}"},
                {"network.mode", "null"},
                {"isolation.capabilities", "null"},
                {"isolation.shared_with_host", "null"},
                {"verdict", "{\"code\":\"ok\",\"percent\":null,\"source\":null}"},
        };
        struct report r = sample_report();
        json_t *top = load(&r);
        assert_json_cases(find(top, "web"), web, ARRAY_SIZE(web));
        assert_json_cases(find(top, samples[BUILDER].name), builder, ARRAY_SIZE(builder));
        assert_json_cases(find(top, "migrate"), migrate, ARRAY_SIZE(migrate));
        /* Both of a pod show the counters of their namespace; in the host's there are none. */
        assert_json(find(top, "app"), "network.rx_bytes", "45000");
        assert_json(find(top, "envoy"), "network.rx_bytes", "45000");
        assert_json(find(top, "envoy"), "network.mode", "\"shared\"");
        assert_json(find(top, "backup"), "network.rx_bytes", "null");
        json_decref(top);
}

/* Seen in the text itself: a parser would hide it. */
static void test_json_numbers(void **state)
{
        (void)state;
        static const struct {
                double value;
                const char *text;
        } cases[] = {
                {0.1 + 0.2, "{\"percent\":0.3,"},
                {1.0 / 3, "{\"percent\":0.3333,"},
                {0, "{\"percent\":0.0,"},
                {123456789.87654321, "{\"percent\":123456789.8765,"},
                {1e-9, "{\"percent\":0.0,"},
                {NAN, "{\"percent\":null,"},
                {INFINITY, "{\"percent\":null,"},
                {99.99999, "{\"percent\":100.0,"},
        };
        struct row row = {.container = &samples[WEB]};
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct report r = sample_report();
                r.rows = &(struct rows){&row, 1};
                samples[WEB].rates.cpu_percent = cases[i].value;
                _cleanup_free_ char *text = print(report_json, &r);
                if (!strstr(text, cases[i].text))
                        fail_msg("%s not in %s", cases[i].text, text);
        }
        struct report r = sample_report();
        sample_set(&samples[WEB].now, MEMORY_USAGE_BYTES, UINT64_MAX);
        sample_set(&samples[DB].now, MEMORY_USAGE_BYTES, UINT64_C(1) << 53 | 1);
        json_t *top = load(&r);
        json_t *memory = json_object_get(find(top, "web"), "memory");
        assert_true(json_number_value(json_object_get(memory, "usage_bytes")) > 1.8e19);
        assert_json(find(top, "db"), "memory.usage_bytes", "9007199254740993");
        json_decref(top);
}

/* Sums: what is in web's cgroup is counted there, and the pod's network once. */
static void test_json_aggregate(void **state)
{
        (void)state;
        static const struct json_case shop[] = {
                {"key", "\"local/docker/0/group/shop\""},
                {"aggregate", "true"},
                {"kind", "\"pod\""},
                {"runtime", "\"docker\""},
                {"cpu.percent", "148.2"},
                {"id", "null"},
                {"memory.working_set_bytes", "1258291200"},
                {"pids.current", "9"},
                {"network.rx_bytes", "179600"},
                {"network.namespace", "null"},
                {"memory.limit_source", "null"},
                {"verdict.code", "null"},
                {"state", "null"},
        };
        static const struct json_case pod[] = {
                {"key", "\"local/crio/0/group/8a7b6c5d-0000-4000-8000-1234567890ab\""},
                {"aggregate", "true"},
                {"network.rx_bytes", "45000"},
                {"network.mode", "\"shared\""},
                {"network.namespace", "4026532450"},
                {"network.rx_bytes_per_second", "12288.0"},
                {"cpu.percent", "20.7"},
        };
        struct report r = sample_report();
        r.rows = sample_tree();
        json_t *top = load(&r);
        assert_json_cases(find(top, "shop"), shop, ARRAY_SIZE(shop));
        assert_json_cases(find(top, "api-7f9c"), pod, ARRAY_SIZE(pod));
        assert_null(json_object_get(find(top, "web"), "aggregate"));
        json_decref(top);

        /* Nothing known of a member adds nothing, and nothing known of any stays unknown. */
        static const enum sample members[] = {APP, MAIL, ENVOY};
        static const char *const left[] = {"251658240", "31457280", "null"};
        for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
                samples[members[i]].rates.cpu_percent = NAN;
                samples[members[i]].now.have &= ~METRIC_BIT(MEMORY_INACTIVE_FILE_BYTES);
                top = load(&r);
                assert_json(find(top, "api-7f9c"), "memory.working_set_bytes", left[i]);
                json_decref(top);
        }
        top = load(&r);
        assert_json(find(top, "api-7f9c"), "cpu.percent", "null");
        json_decref(top);
}

/* --- csv ------------------------------------------------------------------------------------ */

static void test_csv(void **state)
{
        (void)state;
        const struct column *chosen[] = {column_find("name"),      column_find("cpu"),
                                         column_find("mem_limit"), column_find("mem_limit_source"),
                                         column_find("note"),      column_find("privileged"),
                                         column_find("verdict"),   column_find("started")};
        struct row rows[] = {{.container = &samples[WEB]}, {.container = &samples[BACKUP]}};
        struct report r = sample_report();
        r.rows = &(struct rows){rows, 2};
        r.columns = chosen;
        r.n_columns = ARRAY_SIZE(chosen);
        samples[BACKUP].note = (char *)"a \"b\", c";
        _cleanup_free_ char *text = print(report_csv, &r);
        assert_string_equal(text, "name,cpu_percent,memory_limit_bytes,memory_limit_source,note,"
                                  "privileged,verdict,started_at\n"
                                  "web,98.4,536870912,/shop.slice/docker-" WEB_ID ".scope,,false,"
                                  "throttled,2026-11-20T16:59:05.623Z\n"
                                  "backup,0,,none,\"a \"\"b\"\", c\",,paused,\n");
        r.first = false;
        _cleanup_free_ char *more = print(report_csv, &r);
        assert_string_equal(more, strchr(text, '\n') + 1);
}

static void test_csv_defuses_formulas(void **state)
{
        (void)state;
        static const struct {
                const char *note;
                const char *field;
        } cases[] = {
                {"=1+1", "'=1+1"},
                {"+1", "'+1"},
                {"-1", "'-1"},
                {"@SUM(A1)", "'@SUM(A1)"},
                {"=HYPERLINK(\"x\",\"y\")", "\"'=HYPERLINK(\"\"x\"\",\"\"y\"\")\""},
                {"a=1", "a=1"},
                {"", ""},
        };
        const struct column *note = column_find("note");
        struct row row = {.container = &samples[WEB]};
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct report r = sample_report();
                r.rows = &(struct rows){&row, 1};
                r.columns = &note;
                r.n_columns = 1;
                r.first = false;
                samples[WEB].note = (char *)cases[i].note;
                _cleanup_free_ char *text = print(report_csv, &r);
                _cleanup_free_ char *want = xasprintf("%s\n", cases[i].field);
                assert_string_equal(text, want);
        }
}

static void test_csv_all_columns(void **state)
{
        (void)state;
        struct report r = sample_report();
        static const struct rows none = {NULL, 0};
        r.rows = &none;
        _cleanup_free_ char *text = print(report_csv, &r);
        size_t commas = 0;
        for (const char *p = text; *p; p++)
                commas += *p == ',';
        assert_int_equal(commas, n_columns - 1);
        assert_non_null(strstr(text, ",memory_working_set_bytes,"));
}

/* --- the rest ------------------------------------------------------------------------------- */

static void test_find(void **state)
{
        (void)state;
        assert_ptr_equal(report_find("table"), report_table);
        assert_ptr_equal(report_find("json"), report_json);
        assert_ptr_equal(report_find("csv"), report_csv);
        assert_ptr_equal(report_find("openmetrics"), report_openmetrics);
        assert_null(report_find("xml"));
        assert_null(report_find(""));
}

static void test_wants(void **state)
{
        (void)state;
        const struct column *chosen[] = {column_find("name"), column_find("psi_cpu_some")};
        unsigned table = report_wants("table", NULL, 0);
        assert_int_equal(report_wants("json", NULL, 0), WANT_ALL);
        assert_int_equal(report_wants("json", chosen, 2), WANT_ALL);
        assert_int_equal(report_wants("openmetrics", NULL, 0), WANT_ALL);
        assert_int_equal(report_wants("csv", NULL, 0), WANT_ALL);
        assert_int_equal(report_wants("csv", chosen, 2), WANT_NAMES | WANT_PSI_CPU);
        assert_int_equal(report_wants("table", chosen, 2), WANT_NAMES | WANT_PSI_CPU);
        assert_int_equal(table & (WANT_CPU | WANT_MEMORY_STAT | WANT_NET | WANT_IO | WANT_NAMES),
                         WANT_CPU | WANT_MEMORY_STAT | WANT_NET | WANT_IO | WANT_NAMES);
        assert_int_equal(table & (WANT_SWAP | WANT_PEAK | WANT_IO_OPS | WANT_CPU_SPLIT |
                                  WANT_PSI_CPU | WANT_ISOLATION),
                         0);
}

static void test_help(void **state)
{
        (void)state;
        _cleanup_str_ struct str out = STR_INIT;
        report_columns_help(&out);
        const char *text = str_get(&out);
        for (size_t i = 0; i < n_columns; i++) {
                _cleanup_free_ char *start = xasprintf("\n%s ", columns[i].key);
                const char *line = strstr(text, start);
                if (!line)
                        fail_msg("no line for %s", columns[i].key);
                _cleanup_free_ char *whole = xstrndup(line + 1, strcspn(line + 1, "\n"));
                assert_non_null(strstr(whole, columns[i].csv));
                assert_true(endswith(whole, columns[i].meaning));
                if (columns[i].json)
                        assert_non_null(strstr(whole, columns[i].json));
        }
        assert_no_trailing_space(text);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_table_screens),
                cmocka_unit_test(test_table_every_width),
                cmocka_unit_test(test_table_chosen),
                cmocka_unit_test(test_table_drops_empty),
                cmocka_unit_test(test_table_nothing),
                cmocka_unit_test(test_table_sources),
                cmocka_unit_test(test_json_keys),
                cmocka_unit_test(test_json_host),
                cmocka_unit_test(test_json_values),
                cmocka_unit_test(test_json_numbers),
                cmocka_unit_test(test_json_aggregate),
                cmocka_unit_test(test_csv),
                cmocka_unit_test(test_csv_defuses_formulas),
                cmocka_unit_test(test_csv_all_columns),
                cmocka_unit_test(test_find),
                cmocka_unit_test(test_wants),
                cmocka_unit_test(test_help),
        };
        if (!setlocale(LC_CTYPE, "C.UTF-8"))
                return 1;
        return cmocka_run_group_tests(tests, NULL, NULL);
}
