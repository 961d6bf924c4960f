/* SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/macros.h"
#include "base/map.h"
#include "base/mem.h"
#include "report/report.h"
#include "sample_model.h"

/* --- a strict reader of the text format (OpenMetrics 1.0, section 3.2), as far as gauges and
 * counters go. Returns NULL, or what is wrong. --------------------------------------------------
 */

struct reader {
        struct map families; /* names that were begun */
        struct map series;   /* names with labels */
        char family[128];
        char type[16];
        bool has_type, has_unit, has_help, has_sample;
};

static bool is_name(const char *s, size_t n)
{
        for (size_t i = 0; i < n; i++)
                if (!isalpha((unsigned char)s[i]) && s[i] != '_' &&
                    (i == 0 || !isdigit((unsigned char)s[i])))
                        return false;
        return n > 0;
}

static const char *begin_family(struct reader *rd, const char *name)
{
        if (streq(rd->family, name))
                return NULL;
        if (map_put_z(&rd->families, name, rd))
                return "a family is torn apart";
        snprintf(rd->family, sizeof(rd->family), "%s", name);
        rd->has_type = rd->has_unit = rd->has_help = rd->has_sample = false;
        return NULL;
}

/* The length of the text up to the closing quote (or the end), or -1: a wrong escape. */
static ssize_t escaped(const char *s, char end)
{
        size_t i = 0;
        for (; s[i] && s[i] != end; i++)
                if (s[i] == '\\' && !strchr("\\\"n", s[++i]))
                        return -1;
                else if (s[i] == '\0')
                        return -1;
        return s[i] == end ? (ssize_t)i : -1;
}

static const char *read_metadata(struct reader *rd, char *line)
{
        char *rest = line + 2;
        const char *word = strsep(&rest, " "), *name = rest ? strsep(&rest, " ") : NULL;
        if (!name || !rest || !is_name(name, strlen(name)))
                return "metadata without a name or text";
        const char *wrong = begin_family(rd, name);
        if (wrong)
                return wrong;
        if (rd->has_sample)
                return "metadata behind a sample";
        bool *had = streq(word, "TYPE")   ? &rd->has_type
                    : streq(word, "UNIT") ? &rd->has_unit
                    : streq(word, "HELP") ? &rd->has_help
                                          : NULL;
        if (!had)
                return "unknown metadata";
        if (*had)
                return "metadata twice";
        *had = true;
        if (had == &rd->has_type) {
                if (!streq(rest, "gauge") && !streq(rest, "counter"))
                        return "unknown type";
                snprintf(rd->type, sizeof(rd->type), "%s", rest);
        }
        _cleanup_free_ char *suffix = xasprintf("_%s", rest);
        if (had == &rd->has_unit && !endswith(name, suffix))
                return "the unit does not end the name";
        if (had == &rd->has_help && escaped(rest, '\0') < 0)
                return "a wrong escape in HELP";
        return NULL;
}

/* Reads {...} at *p. */
static const char *read_labels(const char **p)
{
        struct map names = MAP_INIT;
        const char *s = *p, *wrong = NULL;
        do {
                s++;
                size_t n = strcspn(s, "=");
                if (!is_name(s, n) || s[n] != '=' || s[n + 1] != '"')
                        wrong = "a broken label";
                else if (startswith(s, "__") || map_put(&names, s, n, &names))
                        wrong = "a reserved or repeated label";
                if (wrong)
                        break;
                s += n + 2;
                ssize_t len = escaped(s, '"');
                if (len < 0) {
                        wrong = "a wrong escape in a label";
                        break;
                }
                s += len + 1;
        } while (*s == ',');
        map_done(&names);
        *p = s + 1;
        return wrong || *s == '}' ? wrong : "labels do not end";
}

static bool is_value(const char *s)
{
        size_t whole = strspn(s, "0123456789");
        const char *end = s + whole;
        if (*end == '.') {
                size_t n = strspn(end + 1, "0123456789");
                if (n == 0)
                        return false;
                end += 1 + n;
        }
        return whole > 0 && *end == '\0';
}

static const char *read_sample(struct reader *rd, const char *line)
{
        const char *p = line + strcspn(line, "{ ");
        _cleanup_free_ char *name = xstrndup(line, (size_t)(p - line));
        _cleanup_free_ char *want = xasprintf(
                "%s%s", rd->family, rd->has_type && streq(rd->type, "counter") ? "_total" : "");
        if (!is_name(name, strlen(name)))
                return "a broken name";
        if (!rd->has_type || !streq(name, want))
                return "a sample outside its family, or a counter without _total";
        const char *wrong = *p == '{' ? read_labels(&p) : NULL;
        if (wrong)
                return wrong;
        _cleanup_free_ char *series = xstrndup(line, (size_t)(p - line));
        if (map_put_z(&rd->series, series, rd))
                return "a series twice";
        rd->has_sample = true;
        return *p == ' ' && is_value(p + 1) ? NULL : "a broken value";
}

static const char *check_lines(struct reader *rd, char *text)
{
        for (char *line; (line = strsep(&text, "\n"));) {
                if (!text)
                        return "the last line does not end";
                if (streq(line, "# EOF"))
                        return *text ? "text behind the end" : NULL;
                const char *wrong = *line == '#' ? startswith(line, "# ") ? read_metadata(rd, line)
                                                                          : "a comment"
                                                 : read_sample(rd, line);
                if (wrong)
                        return wrong;
        }
        return "no end";
}

static const char *check(const char *text)
{
        struct reader rd = {.families = MAP_INIT, .series = MAP_INIT};
        _cleanup_free_ char *copy = xstrdup(text);
        const char *wrong = check_lines(&rd, copy);
        map_done(&rd.families);
        map_done(&rd.series);
        return wrong;
}

#define A "# TYPE a gauge\n"
#define C "# TYPE c counter\n"

static void test_checker_is_strict(void **state)
{
        (void)state;
        static const char *const good[] = {
                "# EOF\n",
                A "a 1\n# EOF\n",
                A "a{x=\"1\"} 1\na{x=\"2\"} 0.5\n# EOF\n",
                C "# HELP c say \\\"it\\\"\nc_total 1\n" A "a 1\n# EOF\n",
                "# TYPE a_b gauge\n# UNIT a_b b\na_b{x=\"\\\\ \\\" \\n\"} 1\n# EOF\n",
        };
        static const char *const bad[] = {
                "",
                A "a 1\n",
                A "a 1\n# EOF",
                "# EOF\n\n",
                "# EOF\n# EOF\n",
                "a 1\n# EOF\n",
                A "\na 1\n# EOF\n",
                A "a 1\na 2\n# EOF\n",
                A "a{x=\"1\"} 1\na{x=\"1\"} 2\n# EOF\n",
                A "a 1\n" C "c_total 1\na{x=\"1\"} 1\n# EOF\n",
                A "a 1\n" C "c_total 1\n" A "a{x=\"1\"} 1\n# EOF\n",
                A "a 1\n# HELP a late\n# EOF\n",
                A A "a 1\n# EOF\n",
                C "c 1\n# EOF\n",
                A "a_total 1\n# EOF\n",
                C "c_total -1\n# EOF\n",
                C "c_total NaN\n# EOF\n",
                A "a 1,5\n# EOF\n",
                A "a  1\n# EOF\n",
                A "a 1 \n# EOF\n",
                A "a\n# EOF\n",
                A "a{} 1\n# EOF\n",
                A "a{x=\"1\",} 1\n# EOF\n",
                A "a{x=\"1\",x=\"2\"} 1\n# EOF\n",
                A "a{x=\"\"\"} 1\n# EOF\n",
                A "a{x=\"\\t\"} 1\n# EOF\n",
                A "a{x=\"1} 1\n# EOF\n",
                A "a{1x=\"1\"} 1\n# EOF\n",
                "# TYPE a gouge\na 1\n# EOF\n",
                "# TYPE a gauge\n# UNIT a bytes\na 1\n# EOF\n",
                "# TYPE a gauge\n# HELP a \\q\na 1\n# EOF\n",
                "#TYPE a gauge\na 1\n# EOF\n",
        };
        for (size_t i = 0; i < ARRAY_SIZE(good); i++)
                if (check(good[i]))
                        fail_msg("%s: %s", check(good[i]), good[i]);
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
                if (!check(bad[i]))
                        fail_msg("accepted: %s", bad[i]);
}

/* --- what is printed ------------------------------------------------------------------------ */

static char *print_rows(const struct rows *rows)
{
        struct str out = STR_INIT;
        struct report r = {.model = &sample, .rows = rows, .first = true};
        report_openmetrics(&r, &out);
        char *text = str_take(&out);
        const char *wrong = check(text);
        if (wrong)
                fail_msg("%s:\n%s", wrong, text);
        return text;
}

static size_t count(const char *text, const char *part)
{
        size_t n = 0;
        for (const char *p = strstr(text, part); p; p = strstr(p + 1, part))
                n++;
        return n;
}

static void assert_line(const char *text, const char *line)
{
        _cleanup_free_ char *whole = xasprintf("\n%s\n", line);
        if (!strstr(text, whole))
                fail_msg("no line %s in\n%s", line, text);
}

#define WEB_LABELS "id=\"" WEB_ID "\",name=\"web\",runtime=\"docker\",image=\"nginx:1.27\""
#define DB_LABELS  "id=\"db-id\",name=\"db\",runtime=\"docker\",image=\"postgres:16\""
#define BUILDER_LABELS                                                                             \
        "id=\"builder-id\",name=\"builder-with-a-rather-long-name\",runtime=\"podman\""
#define RX        "ctop_container_network_rx_bytes_total"
#define IO_FULL   "ctop_container_pressure_io_full_ratio"
#define POD_LABEL "pod=\"8a7b6c5d-0000-4000-8000-1234567890ab\""

static void test_samples(void **state)
{
        (void)state;
        static const char *const lines[] = {
                "# TYPE ctop_container_cpu_seconds counter",
                "# UNIT ctop_container_cpu_seconds seconds",
                "ctop_container_cpu_seconds_total{" WEB_LABELS "} 98.400000",
                "ctop_container_memory_working_set_bytes{" WEB_LABELS "} 432013312",
                "ctop_container_memory_limit_bytes{" WEB_LABELS "} 536870912",
                "ctop_container_cpu_limit_cores{" WEB_LABELS "} 1",
                "ctop_container_cpu_throttled_periods_ratio{" WEB_LABELS "} 0.62",
                "ctop_container_start_time_seconds{" WEB_LABELS "} 1795193945.623456",
                "ctop_container_privileged{" WEB_LABELS "} 0",
                "ctop_container_pids{" DB_LABELS "} 3",
                RX "{" WEB_LABELS ",namespace=\"4026532441\"} 44100",
                "ctop_container_verdict{" WEB_LABELS ",verdict=\"throttled\"} 1",
                "ctop_container_verdict{" DB_LABELS ",verdict=\"ok\"} 1",
                IO_FULL "{" BUILDER_LABELS "} 0.41",
                "ctop_host_cpus 4",
                "ctop_host_cpu_seconds_total 123.45",
                "ctop_host_memory_total_bytes 16777216000",
                "ctop_host_boot_time_seconds 1795000000.000000",
                "ctop_host_load1 2.31",
                "ctop_source_ok{source=\"cgroup\"} 1",
                "ctop_source_ok{source=\"namespaces\"} 0",
        };
        sample_model();
        _cleanup_free_ char *text = print_rows(sample_rows());
        for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
                assert_line(text, lines[i]);
}

/* Unknown and "no limit" are absent; so is an engine that is not installed. */
static void test_absent(void **state)
{
        (void)state;
        sample_model();
        _cleanup_free_ char *text = print_rows(sample_rows());
        assert_int_equal(count(text, "id=\"migrate-id\""), 1); /* its verdict */
        assert_int_equal(count(text, "ctop_container_memory_limit_bytes{id=\"backup-id\""), 0);
        assert_int_equal(count(text, "\nctop_host_load15 "), 0);
        assert_int_equal(count(text, "source=\"docker\""), 0);
        assert_int_equal(count(text, "ctop_container_memory_swap_bytes"), 0);
        assert_int_equal(count(text, "-1"), count(text, "-1234567890ab"));
}

/* A sum over network samples is a sum: one for each namespace, none for the host's. */
static void test_network_once(void **state)
{
        (void)state;
        sample_model();
        const struct rows *rows = sample_rows();
        _cleanup_free_ char *text = print_rows(rows);
        static const char rx[] = "ctop_container_network_rx_bytes_total{";
        assert_int_equal(count(text, rx), 6); /* web db queue builder ci-runner and the pod */
        assert_int_equal(count(text, "namespace=\"4026532450\"} 45000\n"), 1);
        assert_line(text, "ctop_container_network_rx_bytes_total{id=\"app-id\",name=\"app\","
                          "runtime=\"crio\"," POD_LABEL ",namespace=\"4026532450\"} 45000");
        assert_int_equal(count(text, "namespace=\"4026531840\""), 0);

        /* The series stays with the same container whatever the order. */
        struct row reversed[N_SAMPLES];
        for (size_t i = 0; i < rows->n; i++)
                reversed[i] = rows->row[rows->n - 1 - i];
        _cleanup_free_ char *other = print_rows(&(struct rows){reversed, N_SAMPLES});
        assert_int_equal(count(other, rx), 6);
        assert_line(other, "ctop_container_network_rx_bytes_total{id=\"app-id\",name=\"app\","
                           "runtime=\"crio\"," POD_LABEL ",namespace=\"4026532450\"} 45000");

        /* The one that the model counts goes before, where it is shown. */
        samples[ENVOY].net_counted = true;
        for (size_t i = 0; i < 2; i++) {
                _cleanup_free_ char *counted =
                        print_rows(i ? rows : &(struct rows){reversed, N_SAMPLES});
                assert_int_equal(count(counted, rx), 6);
                assert_int_equal(count(counted,
                                       "id=\"envoy-id\",name=\"envoy\",runtime=\"crio\"," POD_LABEL
                                       ",namespace=\"4026532450\"} 45000\n"),
                                 1);
        }
}

/* Sums of a pod would be counted twice. */
static void test_aggregates_stay_out(void **state)
{
        (void)state;
        sample_model();
        _cleanup_free_ char *text = print_rows(sample_tree());
        assert_int_equal(count(text, "name=\"shop\""), 0);
        assert_int_equal(count(text, "name=\"api-7f9c\""), 0);
        assert_int_equal(count(text, "ctop_container_verdict{"), 9);
}

/* Two users with a container of the same name: the key tells them apart, and only them. */
static void test_key_where_needed(void **state)
{
        (void)state;
        sample_model();
        samples[MAIL].runtime = samples[RUNNER].runtime = RUNTIME_LXC;
        samples[MAIL].id = samples[RUNNER].id = (char *)"c1";
        samples[MAIL].name = samples[RUNNER].name = (char *)"c1";
        samples[MAIL].key = (char *)"local/lxc/0/c1";
        samples[RUNNER].key = (char *)"local/lxc/1000/c1";
        _cleanup_free_ char *text = print_rows(sample_rows());
        assert_line(text, "ctop_container_pids{id=\"c1\",name=\"c1\",runtime=\"lxc\","
                          "key=\"local/lxc/0/c1\"} 3");
        assert_line(text, "ctop_container_pids{id=\"c1\",name=\"c1\",runtime=\"lxc\","
                          "key=\"local/lxc/1000/c1\"} 3");
        assert_line(text, "ctop_container_pids{" DB_LABELS "} 3");
}

static void test_escaping(void **state)
{
        (void)state;
        struct source sources[] = {{"a\"b\\c\nd", SOURCE_OK, NULL}};
        sample_model();
        samples[WEB].name = (char *)"w\"e\\b\n{x=\"1\"} 1";
        samples[WEB].image = (char *)"\xe2\x9c\x93,}";
        sample.sources = sources;
        sample.n_sources = 1;
        _cleanup_free_ char *text = print_rows(sample_rows());
        assert_line(text, "ctop_container_pids{id=\"" WEB_ID "\",name=\"w\\\"e\\\\b\\n{x=\\\"1\\\"}"
                          " 1\",runtime=\"docker\",image=\"\xe2\x9c\x93,}\"} 3");
        assert_line(text, "ctop_source_ok{source=\"a\\\"b\\\\c\\nd\"} 1");
}

/* Sources of one name are one series: all of them must be well. */
static void test_sources_of_one_name(void **state)
{
        (void)state;
        struct source sources[] = {
                {"podman", SOURCE_OK, NULL}, {"podman", SOURCE_UNAVAILABLE, NULL},
                {"docker", SOURCE_OK, NULL}, {"docker", SOURCE_SILENT, NULL},
                {"docker", SOURCE_OK, NULL},
        };
        sample_model();
        sample.sources = sources;
        sample.n_sources = ARRAY_SIZE(sources);
        _cleanup_free_ char *text = print_rows(sample_rows());
        assert_line(text, "ctop_source_ok{source=\"podman\"} 1");
        assert_line(text, "ctop_source_ok{source=\"docker\"} 0");
        assert_int_equal(count(text, "ctop_source_ok{"), 2);
}

static void test_extremes(void **state)
{
        (void)state;
        sample_model();
        for (enum metric m = 0; m < METRIC_COUNT; m++)
                sample_set(&samples[WEB].now, m, UINT64_MAX);
        samples[WEB].throttled_percent = 1e300;
        samples[DB].throttled_percent = 1e-12;
        _cleanup_free_ char *text = print_rows(sample_rows());
        assert_line(text, "ctop_container_cpu_seconds_total{" WEB_LABELS "} 18446744073709.551615");
        assert_line(text, "ctop_container_cpu_throttled_periods_ratio{" DB_LABELS "} 0");
}

static void test_nothing(void **state)
{
        (void)state;
        sample_model();
        sample = (struct model){.interval_seconds = NAN,
                                .host = {.now = {.load = {-1, -1, -1}}, .cpu_percent = NAN}};
        _cleanup_free_ char *text = print_rows(&(struct rows){NULL, 0});
        assert_string_equal(text, "# EOF\n");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_checker_is_strict),
                cmocka_unit_test(test_samples),
                cmocka_unit_test(test_absent),
                cmocka_unit_test(test_network_once),
                cmocka_unit_test(test_aggregates_stay_out),
                cmocka_unit_test(test_key_where_needed),
                cmocka_unit_test(test_escaping),
                cmocka_unit_test(test_sources_of_one_name),
                cmocka_unit_test(test_extremes),
                cmocka_unit_test(test_nothing),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
