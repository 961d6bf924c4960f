/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <math.h>
#include <unistd.h>

#include "base/map.h"
#include "base/mem.h"
#include "report/pieces.h"
#include "report/report.h"

/* OpenMetrics 1.0, section 3.2: the text format. */

struct exposition {
        const struct report *r;
        struct str *out;
        char **labels;  /* of each row, "id=\"...\",..." without braces; NULL: an aggregate */
        bool *net_here; /* the row that stands for its network namespace */
};

/* --- pieces of the text format ------------------------------------------------------------------
 */

static void add_escaped(struct str *out, const char *text, bool quotes)
{
        for (const char *p = text; *p; p++) {
                if (*p == '\n') {
                        str_add(out, "\\n");
                        continue;
                }
                if (*p == '\\' || (quotes && *p == '"'))
                        str_addc(out, '\\');
                str_addc(out, *p);
        }
}

static void add_label(struct str *out, const char *name, const char *value)
{
        if (!value || !*value) /* the same as no label at all */
                return;
        str_addf(out, "%s%s=\"", out->len ? "," : "", name);
        add_escaped(out, value, true);
        str_addc(out, '"');
}

/* unit NULL: none. */
static void add_family(struct str *out, const char *name, const char *type, const char *unit,
                       const char *help)
{
        str_addf(out, "# TYPE %s %s\n", name, type);
        if (unit)
                str_addf(out, "# UNIT %s %s\n", name, unit);
        str_addf(out, "# HELP %s ", name);
        add_escaped(out, help, true);
        str_addc(out, '\n');
}

/* Up to the value, which the caller adds. */
static void add_sample(struct str *out, const char *name, const char *type, const char *labels,
                       const char *more_labels)
{
        bool both = labels && *labels && more_labels && *more_labels;
        str_add(out, name);
        if (streq(type, "counter"))
                str_add(out, "_total");
        if ((labels && *labels) || (more_labels && *more_labels))
                str_addf(out, "{%s%s%s}", labels ? labels : "", both ? "," : "",
                         more_labels ? more_labels : "");
        str_addc(out, ' ');
}

static void add_usec(struct str *out, uint64_t usec)
{
        str_addf(out, "%" PRIu64 ".%06u", usec / 1000000, (unsigned)(usec % 1000000));
}

/* --- rows ----------------------------------------------------------------------------------- */

static char *make_labels(const struct container *c, bool with_key)
{
        struct str labels = STR_INIT;
        add_label(&labels, "id", c->id);
        add_label(&labels, "name", c->name);
        add_label(&labels, "runtime",
                  c->runtime == RUNTIME_UNKNOWN ? NULL : runtime_names[c->runtime]);
        add_label(&labels, "image", c->image);
        add_label(&labels, "pod", c->pod);
        if (with_key)
                add_label(&labels, "key", c->key);
        return str_take(&labels);
}

/* Two users may have a container of the same name: only then the key tells them apart. */
static void label_rows(struct exposition *e)
{
        struct map count = MAP_INIT; /* labels -> how many rows */
        const struct rows *rows = e->r->rows;
        e->labels = xcalloc(rows->n, sizeof(e->labels[0]));
        for (size_t i = 0; i < rows->n; i++) {
                if (!rows->row[i].container)
                        continue;
                e->labels[i] = make_labels(rows->row[i].container, false);
                uintptr_t n = (uintptr_t)map_get_z(&count, e->labels[i]);
                map_put_z(&count, e->labels[i], (void *)(n + 1));
        }
        for (size_t i = 0; i < rows->n; i++) {
                if (!e->labels[i] || (uintptr_t)map_get_z(&count, e->labels[i]) < 2)
                        continue;
                free(e->labels[i]);
                e->labels[i] = make_labels(rows->row[i].container, true);
        }
        map_done(&count);
}

/*
 * Who of two rows stands for their namespace: the one the model counts; where that one is not
 * shown (a pod's infra container) the least key, so that the series does not jump with the sort.
 */
static bool stands_before(const struct container *a, const struct container *b)
{
        if (a->net_counted != b->net_counted)
                return a->net_counted;
        return strcmp(a->key ? a->key : "", b->key ? b->key : "") < 0;
}

static void pick_network_rows(struct exposition *e)
{
        struct map best = MAP_INIT; /* namespace -> its row */
        const struct rows *rows = e->r->rows;
        e->net_here = xcalloc(rows->n, sizeof(e->net_here[0]));
        for (size_t i = 0; i < rows->n; i++) {
                const struct container *c = rows->row[i].container;
                if (!c)
                        continue;
                e->net_here[i] = c->netns ? true : c->net_counted;
                const struct row *other = c->netns ? map_get_u64(&best, c->netns) : NULL;
                if (other && !stands_before(c, other->container)) {
                        e->net_here[i] = false;
                        continue;
                }
                if (other)
                        e->net_here[other - rows->row] = false;
                if (c->netns)
                        map_put_u64(&best, c->netns, &rows->row[i]);
        }
        map_done(&best);
}

/* --- families ------------------------------------------------------------------------------- */

/* Appends the value in base units; false: unknown. */
static bool add_value(struct str *out, const struct exposition *e, const struct column *col,
                      const struct container *c)
{
        struct value v = col->get(e->r->model, c);
        if (v.type == VALUE_NONE)
                return false;
        if (col->style == STYLE_TIME)
                add_usec(out, c->started_usec);
        else if (column_is_usec(col))
                add_usec(out, v.u);
        else if (v.type == VALUE_UINT)
                str_addf(out, "%" PRIu64, v.u);
        else if (v.type == VALUE_BOOL)
                str_addc(out, v.truth ? '1' : '0');
        else if (v.type == VALUE_NUMBER)
                report_decimal(out, col->style == STYLE_PERCENT ? v.number / 100 : v.number, 6);
        return v.type != VALUE_TEXT || col->style == STYLE_TIME;
}

static void add_container_family(struct exposition *e, const struct column *col)
{
        bool network = col->wants & WANT_NET, any = false;
        _cleanup_free_ char *name = xasprintf("ctop_container_%s", col->metric);
        for (size_t i = 0; i < e->r->rows->n; i++) {
                _cleanup_str_ struct str value = STR_INIT, namespace = STR_INIT;
                const struct container *c = e->r->rows->row[i].container;
                if (!c || (network && !e->net_here[i]) || !add_value(&value, e, col, c))
                        continue;
                if (network && c->netns)
                        str_addf(&namespace, "namespace=\"%" PRIu64 "\"", c->netns);
                if (!any)
                        add_family(e->out, name, col->metric_type, col->metric_unit, col->meaning);
                any = true;
                add_sample(e->out, name, col->metric_type, e->labels[i], str_get(&namespace));
                str_addf(e->out, "%s\n", str_get(&value));
        }
}

static void add_verdicts(struct exposition *e)
{
        static const char name[] = "ctop_container_verdict";
        bool any = false;
        for (size_t i = 0; i < e->r->rows->n; i++) {
                const struct container *c = e->r->rows->row[i].container;
                if (!c)
                        continue;
                if (!any)
                        add_family(e->out, name, "gauge", NULL,
                                   "1 for the verdict that holds: what holds it back now");
                any = true;
                _cleanup_str_ struct str verdict = STR_INIT;
                add_label(&verdict, "verdict", verdict_names[c->verdict.code]);
                add_sample(e->out, name, "gauge", e->labels[i], str_get(&verdict));
                str_add(e->out, "1\n");
        }
}

static void add_host(const struct exposition *e)
{
        const struct host_sample *s = &e->r->model->host.now;
        const struct {
                bool known;
                const char *name, *type, *unit, *help;
                uint64_t value;
        } families[] = {
                {s->cpus > 0, "ctop_host_cpus", "gauge", NULL, "CPUs that are online", s->cpus},
                {s->memory_known, "ctop_host_memory_total_bytes", "gauge", "bytes",
                 "memory of the host", s->memory_total_bytes},
                {s->memory_known, "ctop_host_memory_available_bytes", "gauge", "bytes",
                 "memory that can be had without swapping", s->memory_available_bytes},
                {s->boot_usec > 0, "ctop_host_boot_time_seconds", "gauge", "seconds",
                 "when the host was started", s->boot_usec},
                {s->cpu_known, "ctop_host_cpu_seconds", "counter", "seconds",
                 "CPU time that was used", 0},
        };
        for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
                if (!families[i].known)
                        continue;
                add_family(e->out, families[i].name, families[i].type, families[i].unit,
                           families[i].help);
                add_sample(e->out, families[i].name, families[i].type, NULL, NULL);
                if (streq(families[i].type, "counter"))
                        report_decimal(e->out,
                                       (double)s->cpu_busy_ticks / (double)sysconf(_SC_CLK_TCK), 2);
                else if (families[i].unit && streq(families[i].unit, "seconds"))
                        add_usec(e->out, families[i].value);
                else
                        str_addf(e->out, "%" PRIu64, families[i].value);
                str_addc(e->out, '\n');
        }
}

static void add_load(const struct exposition *e)
{
        static const char *const names[] = {"ctop_host_load1", "ctop_host_load5",
                                            "ctop_host_load15"};
        static const char *const helps[] = {"load average over 1 minute",
                                            "load average over 5 minutes",
                                            "load average over 15 minutes"};
        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                double load = e->r->model->host.now.load[i];
                if (!(load >= 0))
                        continue;
                add_family(e->out, names[i], "gauge", NULL, helps[i]);
                add_sample(e->out, names[i], "gauge", NULL, NULL);
                report_decimal(e->out, load, 2);
                str_addc(e->out, '\n');
        }
}

/* Sources of one name (an engine of each of two users) are one series: all of them must be well. An
 * engine that is not there is not broken: -1. */
static int source_ok(const struct model *m, const char *name)
{
        int ok = -1;
        for (size_t i = 0; i < m->n_sources; i++)
                if (streq(m->sources[i].name, name) && m->sources[i].status != SOURCE_UNAVAILABLE)
                        ok = ok != 0 && m->sources[i].status == SOURCE_OK;
        return ok;
}

static bool named_before(const struct model *m, size_t i)
{
        for (size_t k = 0; k < i; k++)
                if (streq(m->sources[k].name, m->sources[i].name))
                        return true;
        return false;
}

static void add_sources(const struct exposition *e)
{
        static const char name[] = "ctop_source_ok";
        const struct model *m = e->r->model;
        bool any = false;
        for (size_t i = 0; i < m->n_sources; i++) {
                int ok = source_ok(m, m->sources[i].name);
                if (ok < 0 || named_before(m, i))
                        continue;
                if (!any)
                        add_family(e->out, name, "gauge", NULL,
                                   "1 if this source of facts can be read in full");
                any = true;
                _cleanup_str_ struct str label = STR_INIT;
                add_label(&label, "source", m->sources[i].name);
                add_sample(e->out, name, "gauge", str_get(&label), NULL);
                str_addf(e->out, "%d\n", ok);
        }
}

void report_openmetrics(const struct report *r, struct str *out)
{
        struct exposition e = {.r = r, .out = out};
        label_rows(&e);
        pick_network_rows(&e);
        add_host(&e);
        add_load(&e);
        add_sources(&e);
        for (size_t i = 0; i < n_columns; i++)
                if (columns[i].metric)
                        add_container_family(&e, &columns[i]);
        add_verdicts(&e);
        str_add(out, "# EOF\n");
        for (size_t i = 0; i < r->rows->n; i++)
                free(e.labels[i]);
        free(e.labels);
        free(e.net_here);
}
