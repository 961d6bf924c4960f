/* SPDX-License-Identifier: MIT */
#include "model/filter.h"

#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/macros.h"
#include "base/mem.h"
#include "model/columns.h"

#define GIB UINT64_C(1073741824)

static struct model model;

/* A container of which much is known, and one of which nothing is but that it is there. */
static struct container known(void)
{
        static struct label labels[] = {{(char *)"app", (char *)"web"},
                                        {(char *)"tier.io/name", (char *)"a b"},
                                        {(char *)"empty", (char *)""}};
        struct container c = {
                .key = (char *)"local/docker/0/3fd9abc",
                .id = (char *)"3fd9abc",
                .name = (char *)"Shop-web 1",
                .image = (char *)"docker.io/library/nginx:1.27",
                .runtime = RUNTIME_DOCKER,
                .state = STATE_RUNNING,
                .pid = 4711,
                .owner_uid = 1000,
                .started_usec = 3600 * UINT64_C(1000000),
                .rates = {.cpu_percent = 50, .io_read = 2048, .io_write = NAN, .net_rx = 0},
                .throttled_percent = NAN,
                .isolation = {.privileged = 1, .no_new_privileges = 0, .seccomp = -1},
                .verdict = {.code = VERDICT_PIDS, .percent = 98},
        };
        c.facts.labels = labels;
        c.facts.n_labels = ARRAY_SIZE(labels);
        c.memory_limit.state = LIMIT_NONE;
        sample_set(&c.now, MEMORY_USAGE_BYTES, 2 * GIB);
        sample_set(&c.now, MEMORY_INACTIVE_FILE_BYTES, GIB);
        sample_set(&c.now, CPU_USAGE_USEC, 7200 * UINT64_C(1000000));
        sample_set(&c.now, PIDS_CURRENT, 49);
        return c;
}

static struct container blank(void)
{
        return (struct container){
                .key = (char *)"local/unknown/0/zz",
                .id = (char *)"zz",
                .name = (char *)"zz",
                .rates = {NAN, NAN, NAN, NAN, NAN},
                .throttled_percent = NAN,
                .isolation = {.privileged = -1, .no_new_privileges = -1, .seccomp = -1},
        };
}

static bool matches(const char *text, const struct container *c)
{
        struct filter *f = NULL;
        char *error = NULL;
        size_t column = 0;
        if (filter_parse(text, &f, &error, &column) < 0)
                fail_msg("'%s': %s at %zu", text, error, column);
        bool yes = filter_match(f, &model, c);
        filter_free(f);
        return yes;
}

static const struct {
        const char *text;
        bool known, blank;
} matching[] = {
        /* bare words: part of the name or image in any case, or the beginning of the id */
        {"web", true, false},
        {"WEB", true, false},
        {"shop", true, false},
        {"nginx", true, false},
        {"NGINX:1", true, false},
        {"3fd9", true, false},
        {"3FD9ABC", true, false},
        {"fd9", false, false},
        {"3fd9abcd", false, false},
        {"zz", false, true},
        {"\"web 1\"", true, false},
        {"'web 1'", true, false},
        {"'web  1'", false, false},
        {"!web", false, true},
        {"!!web", true, false},
        {"!\"web 1\"", false, true},
        {"!nginx", false, true}, /* no image is known: so it is not nginx */

        /* texts */
        {"runtime=docker", true, false},
        {"runtime!=docker", false, false},
        {"runtime=podman", false, false},
        {"runtime!=podman", true, false},
        {"runtime=dock", false, false},
        {"runtime=Docker", false, false},
        {"state=running", true, false},
        {"state!=running", false, false},
        {"state!=paused", true, false},
        {"name=\"Shop-web 1\"", true, false},
        {"name='Shop-web 1'", true, false},
        {"name=Shop-web", false, false},
        {"name=it's", false, false}, /* a quote inside a word is a character */
        {"image=docker.io/library/nginx:1.27", true, false},
        {"name=a=b", false, false},
        {"name!=a=b", true, true},
        {"verdict!=ok", true, false},
        {"verdict=pids", true, false},
        {"verdict=ok", false, true},

        /* regular expressions */
        {"name~^Shop", true, false},
        {"name~shop", false, false},
        {"name~'b 1$'", true, false},
        {"name~^(zz|Shop-web)", true, true},
        {"image~nginx:1\\.2[0-9]$", true, false},
        {"!image~nginx", false, false},
        {"!image~apache", true, false},
        {"name~\"\"", true, true},
        {"name~z{2}", false, true},
        {"name~^[a-z]+(-[a-z0-9]+)*$", false, true},
        {"name~^z{1,50}$|^Q{99}$|^[+{(]+$", false, true},
        {"name~^[A-Z][a-z]+-[a-z]+.[0-9]+$", true, false},
        {"name~\\({9}|zz", false, true},
        {"name~^[^]a+]+$", true, true},
        {"name~^[]z]+$", false, true},
        {"pid~^47", true, false},
        {"pid~^7", false, false},

        /* numbers */
        {"cpu>49.9", true, false},
        {"cpu>50", false, false},
        {"cpu>=50", true, false},
        {"cpu<50", false, false},
        {"cpu<=50", true, false},
        {"cpu<50.1", true, false},
        {"cpu=50", true, false},
        {"cpu=5e1", true, false},
        {"cpu=50%", true, false},
        {"cpu!=50", false, false},
        {"cpu!=51", true, false},
        {"cpu>-1", true, false},
        {"!cpu>50", true, false},
        {"!cpu>49", false, false},
        {"cpu.percent>49", true, false},
        {"mem=1G", true, false},
        {"mem>1G", false, false},
        {"mem>1023M", true, false},
        {"mem>=1073741824", true, false},
        {"mem<1.1g", true, false},
        {"mem=1GiB", true, false},
        {"memory>0.5G", true, false},
        {"io_read_rate=2K", true, false},
        {"pids=49", true, false},
        {"pid=4711", true, false},
        {"pid!=4711", false, false},
        {"pid>4000", true, false},
        {"pid<4000", false, false},
        {"owner=1000", true, false},
        {"owner!=0", true, false},
        {"name>5", false, false}, /* a text is not greater than a number */
        {"!name>5", false, false},

        /* ages: the host's clock says 3 h */
        {"uptime>1h", true, false},
        {"uptime>3h", false, false},
        {"uptime>=120m", true, false},
        {"uptime<1d", true, false},
        {"uptime=7200", true, false},
        {"uptime=7200s", true, false},
        {"cpu_usage=2h", true, false},
        {"cpu_usage=7200000000", true, false},
        {"started=1970-01-01T01:00:00.000Z", true, false},
        {"started~^1970-", true, false},

        /* true or false */
        {"privileged=true", true, false},
        {"privileged=yes", true, false},
        {"privileged=1", true, false},
        {"privileged=false", false, false},
        {"privileged!=false", true, false},
        {"nnp=no", true, false},
        {"nnp!=0", false, false},
        {"!privileged=true", false, false},
        {"!privileged=no", true, false},

        /* unknown is neither, and no limit is unknown */
        {"io_write_rate>0", false, false},
        {"!io_write_rate>0", false, false},
        {"io_write_rate!=0", false, false},
        {"seccomp!=filter", false, false},
        {"!seccomp=filter", false, false},
        {"mem_limit>0", false, false},
        {"!mem_limit>0", false, false},
        {"mem_limit_source=none", true, false},

        /* labels */
        {"label.app=web", true, false},
        {"label.app!=web", false, false},
        {"label.app!=db", true, false},
        {"label.app~^w", true, false},
        {"label.tier.io/name='a b'", true, false},
        {"label.empty=\"\"", true, false},
        {"label.nope=x", false, false},
        {"label.nope!=x", false, false},
        {"!label.nope=x", false, false},

        /* all terms of one alternative */
        {"web cpu>10", true, false},
        {"web cpu>90", false, false},
        {"  web \t cpu>10 ", true, false},
        {"web or zz", true, true},
        {"cpu>90 or zz", false, true},
        {"zz cpu>10 or web cpu>90", false, false},
        {"zz cpu>10 or web cpu>10", true, false},
        {"cpu>90 or cpu>80 or cpu>40", true, false},
        {"order or orb", false, false}, /* words that begin like it */
        {"\"or\" or zz", false, true},
        {"name!=or", true, true},
};

static void test_matching(void **state)
{
        (void)state;
        struct container k = known(), b = blank();
        model.realtime_usec = 3 * 3600 * UINT64_C(1000000);
        for (size_t i = 0; i < ARRAY_SIZE(matching); i++) {
                if (matches(matching[i].text, &k) != matching[i].known)
                        fail_msg("%s: not %d", matching[i].text, matching[i].known);
                if (matches(matching[i].text, &b) != matching[i].blank)
                        fail_msg("%s: not %d for the unknown", matching[i].text, matching[i].blank);
        }
}

static void test_no_filter(void **state)
{
        (void)state;
        struct container b = blank();
        assert_true(filter_match(NULL, &model, &b));
        assert_int_equal(filter_wants(NULL), 0);
        filter_free(NULL);
}

static const struct {
        const char *text;
        size_t column;
        const char *error;
} faults[] = {
        {"", 0, "the filter is empty"},
        {"   ", 3, "the filter is empty"},
        {"or", 0, "a term is missing before 'or'"},
        {"web or", 6, "a term is missing after 'or'"},
        {"web or ", 7, "a term is missing after 'or'"},
        {"web or or db", 7, "a term is missing before 'or'"},
        {"or web", 0, "a term is missing before 'or'"},
        {"foo=1", 0, "unknown column 'foo' (see -c help)"},
        {"web  foo>1", 5, "unknown column 'foo' (see -c help)"},
        {"!foo=1", 1, "unknown column 'foo' (see -c help)"},
        {"CPU>1", 0, "unknown column 'CPU' (see -c help)"},
        {"f\x1b[2J=1", 0, "unknown column 'f\xef\xbf\xbd[2J' (see -c help)"},
        {"!=1", 0, "a column is missing before the operator"},
        {"=1", 0, "a column is missing before the operator"},
        {"web ~x", 4, "a column is missing before the operator"},
        {"cpu>", 4, "a value is missing here"},
        {"cpu> 50", 4, "a value is missing here"},
        {"name=", 5, "a value is missing here"},
        {"!", 1, "a term is missing after '!'"},
        {"web ! db", 5, "a term is missing after '!'"},
        {"cpu>x", 4, "'cpu' is compared with a number, 'x' is none"},
        {"cpu>50x", 4, "'cpu' is compared with a number, '50x' is none"},
        {"cpu>nan", 4, "'cpu' is compared with a number, 'nan' is none"},
        {"cpu==5", 4, "'cpu' is compared with a number, '=5' is none"},
        {"cpu=\"\"", 4, "'cpu' is compared with a number, '' is none"},
        {"cpu=%", 4, "'cpu' is compared with a number, '%' is none"},
        {"uptime>h", 7, "'uptime' is compared with a number, 'h' is none"},
        {"uptime>1w", 7, "'uptime' is compared with a number, '1w' is none"},
        {"mem>1X", 4, "'mem' is compared with a number, '1X' is none"},
        {"name>foo", 5, "'name' is compared with a number, 'foo' is none"},
        {"cpu~5", 3, "'cpu' is a number: use =, !=, <, <=, > or >="},
        {"label.app>5", 9, "'label.app' is a text: use =, != or ~"},
        {"started>5", 7, "'started' is a text: use =, != or ~"},
        {"privileged>0", 10, "'privileged' is true or false: use = or !="},
        {"privileged~t", 10, "'privileged' is true or false: use = or !="},
        {"privileged=maybe", 11, "'privileged' is true or false, 'maybe' is neither"},
        {"label.=x", 0, "the name of the label is missing"},
        {"name=\"a b", 5, "this quote is not closed"},
        {"web 'a", 4, "this quote is not closed"},
        {"name=\"a\"b", 8, "a blank must follow the closing quote"},
        {"\"a\"=b", 3, "a blank must follow the closing quote"},
        {"name~(a", 5, "bad regular expression: Unmatched ( or \\("},
        {"name~[[:a", 5, "bad regular expression: Unmatched [, [^, [:, [., or [="},
        {"name~[a", 5, "bad regular expression: Unmatched [, [^, [:, [., or [="},
        {"name~(a)\\1", 5, "bad regular expression: back references are not supported"},
        {"name~((a{99}){99}){99}", 5, "bad regular expression: it repeats too often"},
        {"name~(((((((((((z+)+)+)+)+)+)+)+)+)+)+", 5,
         "bad regular expression: it repeats too often"},
        {"name~z++++++++++++++++++++++++++++++", 5, "bad regular expression: it repeats too often"},
        {"name~(([[:alpha:])]{50}){50}){50}", 5, "bad regular expression: it repeats too often"},
        {"name~a{1,99999999999999999999}", 5, "bad regular expression: it repeats too often"},
};

static void test_faults(void **state)
{
        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(faults); i++) {
                struct filter *untouched = (struct filter *)&model, *f = untouched;
                char *error = NULL;
                size_t column = 999;
                int r = filter_parse(faults[i].text, &f, &error, &column);
                if (r != -EINVAL)
                        fail_msg("'%s' was taken", faults[i].text);
                assert_ptr_equal(f, untouched);
                assert_string_equal(error, faults[i].error);
                if (column != faults[i].column)
                        fail_msg("'%s': at %zu, not %zu", faults[i].text, column, faults[i].column);
                free(error);
        }
}

/* A text of n times the same character after a beginning; owned. */
static char *padded(const char *beginning, char c, size_t n)
{
        struct str s = STR_INIT;
        str_add(&s, beginning);
        str_pad(&s, c, n);
        return str_take(&s);
}

static void test_caps(void **state)
{
        (void)state;
        static const struct {
                const char *beginning;
                size_t n;
                size_t column; /* 0: it is taken */
                const char *error;
        } rows[] = {
                {"name~", 256, 0, NULL},
                {"name~", 257, 5, "a regular expression takes at most 256 bytes"},
                {"name=", 4091, 0, NULL},
                {"name=", 4092, 4096, "a filter takes at most 4096 bytes"},
        };
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                _cleanup_free_ char *text = padded(rows[i].beginning, 'a', rows[i].n);
                _cleanup_free_ char *error = NULL;
                struct filter *f = NULL;
                size_t column = 0;
                int r = filter_parse(text, &f, &error, &column);
                assert_int_equal(r, rows[i].error ? -EINVAL : 0);
                assert_int_equal(column, rows[i].column);
                if (rows[i].error)
                        assert_string_equal(error, rows[i].error);
                filter_free(f);
        }
}

static void test_wants(void **state)
{
        (void)state;
        unsigned cpu = column_find("cpu")->wants, pids = column_find("pids")->wants;
        unsigned seccomp = column_find("seccomp")->wants;
        assert_true(cpu & WANT_CPU);
        assert_true(pids & WANT_PIDS);
        assert_true(seccomp & WANT_ISOLATION);
        const struct {
                const char *text;
                unsigned want;
        } rows[] = {
                {"web", WANT_NAMES},
                {"label.app=web", WANT_NAMES},
                {"cpu>5", cpu},
                {"cpu>5 pids>1", cpu | pids},
                {"cpu>5 or !seccomp=none", cpu | seccomp},
                {"cpu>5 or web", cpu | WANT_NAMES},
        };
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                struct filter *f = NULL;
                char *error = NULL;
                size_t column;
                assert_int_equal(filter_parse(rows[i].text, &f, &error, &column), 0);
                assert_int_equal(filter_wants(f), rows[i].want);
                filter_free(f);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_matching), cmocka_unit_test(test_no_filter),
                cmocka_unit_test(test_faults),   cmocka_unit_test(test_caps),
                cmocka_unit_test(test_wants),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
