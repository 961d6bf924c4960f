/* SPDX-License-Identifier: MIT */
#include "app/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>

#include "base/mem.h"
#include "report/report.h"

#define DELAY_MIN 0.1
#define DELAY_MAX 3600.0

struct option_row {
        const char *name;
        char letter;       /* 0: none */
        const char *value; /* what --help calls it; NULL: takes none */
        int (*set)(struct options *o, const char *value, char **ret_error);
        size_t flag; /* without set: the bool or the text in struct options */
        const char *help;
};

static int bad(char **ret_error, char *sentence)
{
        *ret_error = sentence;
        return -EINVAL;
}

static int set_once(struct options *o, const char *v, char **e)
{
        (void)v;
        (void)e;
        o->mode = MODE_ONCE;
        return 0;
}

static int set_batch(struct options *o, const char *v, char **e)
{
        (void)v;
        (void)e;
        o->mode = MODE_BATCH;
        return 0;
}

static int set_help(struct options *o, const char *v, char **e)
{
        (void)v;
        (void)e;
        o->mode = MODE_HELP;
        return 0;
}

static int set_version(struct options *o, const char *v, char **e)
{
        (void)v;
        (void)e;
        o->mode = MODE_VERSION;
        return 0;
}

static int set_format(struct options *o, const char *v, char **e)
{
        if (!report_find(v))
                return bad(e, xasprintf("unknown format '%s': table, json, csv or openmetrics", v));
        o->format = v;
        return 0;
}

static int set_delay(struct options *o, const char *v, char **e)
{
        o->delay_auto = streq(v, "auto");
        if (o->delay_auto)
                return 0;
        if (parse_double_z(v, &o->delay) < 0 ||
            (o->delay != 0 && (o->delay < DELAY_MIN || o->delay > DELAY_MAX)))
                return bad(
                        e,
                        xasprintf("bad delay '%s': seconds from 0.1 to 3600, or 0 with --once", v));
        return 0;
}

static int set_iterations(struct options *o, const char *v, char **e)
{
        uint64_t n;
        if (parse_u64_z(v, &n) < 0 || n == 0 || n > UINT32_MAX)
                return bad(e, xasprintf("bad number of iterations '%s': 1 or more", v));
        o->iterations = n;
        return 0;
}

#define FLAG(field) .flag = offsetof(struct options, field)

static const struct option_row rows[] = {
        {"once", 0, NULL, set_once, .help = "print one snapshot and exit"},
        {"batch", 'b', NULL, set_batch, .help = "print a snapshot every --delay"},
        {"demo", 0, NULL, FLAG(demo), "show three small containers made for it, removed at exit"},
        {"format", 'f', "FORMAT", set_format, .help = "table, json, csv or openmetrics"},
        {"delay", 'd', "SECONDS", set_delay,
         .help = "0.1 .. 3600 (--once 0.5, --batch 1); 0 with --once: one sample, no rates"},
        {"iterations", 'n', "N", set_iterations, .help = "snapshots to print with --batch"},
        {"sort", 's', "KEY[:asc|:desc]", FLAG(sort), "any column key; numbers sort down, text up"},
        {"filter", 'F', "EXPR", FLAG(filter),
         "'runtime=docker cpu>50', 'name~^web or mem>1G', '!state=running'"},
        {"fail-if-any", 0, NULL, FLAG(fail_if_any), "with --once: exit 3 when a row is left"},
        {"columns", 'c', "LIST", FLAG(columns), "comma list of column keys; -c help lists them"},
        {"all", 'a', NULL, FLAG(all), "also sandboxes, build steps, infra containers and VMs"},
        {"services", 0, NULL, FLAG(services), "also systemd services"},
        {"tree", 0, NULL, FLAG(tree), "nest pods, projects and containers in containers"},
        {"no-runtime", 0, NULL, FLAG(no_runtime), "kernel and disk only: no engine socket, no bus"},
        {"read-only", 0, NULL, FLAG(read_only), "offer and accept no verb"},
        {"sysroot", 0, "DIR", FLAG(sysroot), "read proc, cgroups, run and var inside DIR"},
        {"ascii", 0, NULL, FLAG(ascii), "no characters beyond ASCII"},
        {"no-color", 0, NULL, FLAG(no_color), "no colour (also: NO_COLOR in the environment)"},
        {"version", 'V', NULL, set_version, .help = "print the version"},
        {"help", 'h', NULL, set_help, .help = "print this"},
};

static void make_getopt(struct option *longs, struct str *shorts)
{
        str_add(shorts, "+:");
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                longs[i] =
                        (struct option){.name = rows[i].name,
                                        .has_arg = rows[i].value ? required_argument : no_argument,
                                        .val = 256 + (int)i};
                if (rows[i].letter)
                        str_addf(shorts, "%c%s", rows[i].letter, rows[i].value ? ":" : "");
        }
}

static const struct option_row *row_of(int c)
{
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
                if (c == 256 + (int)i || (rows[i].letter && c == rows[i].letter))
                        return &rows[i];
        return NULL;
}

static int apply(struct options *o, const struct option_row *row, const char *value, char **e)
{
        void *field = (char *)o + row->flag;
        if (row->set)
                return row->set(o, value, e);
        if (row->value)
                *(const char **)field = value;
        else
                *(bool *)field = true;
        return 0;
}

static int set_verb(struct options *o, int argc, char **argv, char **e)
{
        if (!streq(argv[0], "who"))
                return bad(e, xasprintf("unknown command '%s' (see --help)", argv[0]));
        if (argc != 2)
                return bad(e, xstrdup("who takes one thing to look for: PID, :PORT or INTERFACE"));
        o->mode = MODE_WHO;
        o->who = argv[1];
        return 0;
}

/* What does not go together. */
static int check(const struct options *o, char **e)
{
        bool prints = o->mode == MODE_ONCE || o->mode == MODE_BATCH;
        if (o->delay == 0 && o->mode != MODE_ONCE)
                return bad(e, xstrdup("--delay 0 goes with --once only: 0.1 or more"));
        if (o->delay_auto && o->mode != MODE_DASHBOARD)
                return bad(e, xstrdup("--delay auto is for the dashboard: give seconds"));
        if (o->fail_if_any && o->mode != MODE_ONCE)
                return bad(e, xstrdup("--fail-if-any goes with --once"));
        if (o->iterations && o->mode != MODE_BATCH)
                return bad(e, xstrdup("--iterations goes with --batch"));
        if (o->demo && o->sysroot)
                return bad(e, xstrdup("--demo makes containers on this host: it does not go with "
                                      "--sysroot"));
        if (!streq(o->format, "table") && !prints && o->mode != MODE_WHO)
                return bad(e, xstrdup("--format goes with --once or --batch"));
        return 0;
}

int options_parse(int argc, char **argv, struct options *ret, char **ret_error)
{
        struct option longs[ARRAY_SIZE(rows) + 1] = {0};
        _cleanup_str_ struct str shorts = STR_INIT;
        struct options o = {.format = "table", .delay = -1};
        make_getopt(longs, &shorts);
        opterr = 0;
        optind = 0; /* GNU: start afresh, the tests parse many lines */
        for (int c; (c = getopt_long(argc, argv, str_get(&shorts), longs, NULL)) != -1;) {
                const struct option_row *row = row_of(c);
                if (c == ':')
                        return bad(ret_error, xasprintf("%s needs a value", argv[optind - 1]));
                if (!row)
                        return bad(ret_error, xasprintf("unknown option '%s' (see --help)",
                                                        optind > 0 ? argv[optind - 1] : ""));
                int r = apply(&o, row, optarg, ret_error);
                if (r < 0)
                        return r;
        }
        if (optind < argc) {
                int r = set_verb(&o, argc - optind, argv + optind, ret_error);
                if (r < 0)
                        return r;
        }
        int r = check(&o, ret_error);
        if (r < 0)
                return r;
        *ret = o;
        return 0;
}

void options_help(struct str *out)
{
        str_add(out, "Usage: ctop-c [OPTION]...\n"
                     "       ctop-c who PID | :PORT | INTERFACE\n"
                     "Shows every container on this host, by asking the kernel.\n\n");
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                char left[64];
                const char *value = rows[i].value ? rows[i].value : "";
                if (rows[i].letter)
                        snprintf(left, sizeof(left), "-%c, --%s %s", rows[i].letter, rows[i].name,
                                 value);
                else
                        snprintf(left, sizeof(left), "    --%s %s", rows[i].name, value);
                str_addf(out, "  %-32s %s\n", left, rows[i].help);
        }
        str_add(out, "\nExit status: 0 done, 1 failed, 2 wrong command line, 3 --fail-if-any found "
                     "one,\n4 nothing matched.\n");
}
