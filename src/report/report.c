/* SPDX-License-Identifier: MIT */
#include "report/report.h"

#include <inttypes.h>
#include <math.h>

#include "base/map.h"
#include "base/mem.h"
#include "report/pieces.h"

/* --- numbers -------------------------------------------------------------------------------- */

void report_decimal(struct str *out, double value, unsigned digits)
{
        double scale = 1;
        for (unsigned i = 0; i < digits; i++)
                scale *= 10;
        double scaled = round(fabs(value) * scale);
        if (value < 0 && scaled > 0)
                str_addc(out, '-');
        if (scaled >= 1e18) {
                str_addf(out, "%.0f", fabs(value));
                return;
        }
        uint64_t n = (uint64_t)scaled, unit = (uint64_t)scale;
        str_addf(out, "%" PRIu64, n / unit);
        uint64_t rest = n % unit;
        if (rest == 0)
                return;
        while (rest % 10 == 0) {
                rest /= 10;
                digits--;
        }
        str_addf(out, ".%0*" PRIu64, (int)digits, rest);
}

double report_round(double value)
{
        return fabs(value) < 1e11 ? round(value * 1e4) / 1e4 : value;
}

bool column_is_usec(const struct column *col)
{
        return endswith(col->csv, "_usec");
}

/* --- sums of a pod or project ------------------------------------------------------------------
 */

static const enum metric summed[] = {
        CPU_USAGE_USEC,     CPU_USER_USEC,       CPU_SYSTEM_USEC,   CPU_THROTTLED_USEC,
        MEMORY_USAGE_BYTES, MEMORY_NEEDED_BYTES, MEMORY_ANON_BYTES, MEMORY_FILE_BYTES,
        MEMORY_SHMEM_BYTES, MEMORY_SLAB_BYTES,   MEMORY_SWAP_BYTES, MEMORY_OOM_KILLS,
        IO_READ_BYTES,      IO_WRITE_BYTES,      IO_READ_OPS,       IO_WRITE_OPS,
        PIDS_CURRENT,
};
static const enum metric summed_net[] = {
        NET_RX_BYTES, NET_TX_BYTES, NET_RX_ERRORS, NET_TX_ERRORS, NET_RX_DROPPED, NET_TX_DROPPED,
};

static void add_metrics(struct cg_sample *sum, const struct cg_sample *s,
                        const enum metric *metrics, size_t n)
{
        for (size_t i = 0; i < n; i++)
                if (sample_has(s, metrics[i]))
                        sample_set(sum, metrics[i], sum->value[metrics[i]] + s->value[metrics[i]]);
}

static void add_rate(double *sum, double rate)
{
        if (!isnan(rate))
                *sum = isnan(*sum) ? rate : *sum + rate;
}

static bool is_below(const char *path, const char *above)
{
        const char *rest = path && above ? startswith(path, above) : NULL;
        return rest && (*rest == '/' || streq(above, "/"));
}

/* Whether row i lies inside the cgroup of a row around it in the group that starts at row first. */
static bool is_counted_above(const struct rows *rows, size_t first, size_t i)
{
        const struct container *c = rows->row[i].container;
        unsigned depth = rows->row[i].depth;
        for (size_t k = i; k-- > first;) {
                const struct row *row = &rows->row[k];
                if (row->depth >= depth)
                        continue;
                depth = row->depth;
                if (row->container && is_below(c->cgroup, row->container->cgroup))
                        return true;
        }
        return false;
}

/* The namespace of a group, as long as all members have the same one. */
static void add_network(struct container *sum, const struct container *c, struct map *seen)
{
        if (c->net_mode != NET_PRIVATE && c->net_mode != NET_SHARED)
                return;
        bool again = c->netns && map_put_u64(seen, c->netns, (void *)c);
        if (again)
                return;
        bool first = sum->net_mode == NET_UNKNOWN;
        sum->net_mode = first ? c->net_mode : NET_PRIVATE;
        sum->netns = first ? c->netns : 0;
        add_metrics(&sum->now, &c->now, summed_net, ARRAY_SIZE(summed_net));
        add_rate(&sum->rates.net_rx, c->rates.net_rx);
        add_rate(&sum->rates.net_tx, c->rates.net_tx);
}

static void add_own(struct container *sum, const struct container *c, uint64_t *working_set)
{
        uint64_t bytes;
        add_metrics(&sum->now, &c->now, summed, ARRAY_SIZE(summed));
        add_rate(&sum->rates.cpu_percent, c->rates.cpu_percent);
        add_rate(&sum->rates.io_read, c->rates.io_read);
        add_rate(&sum->rates.io_write, c->rates.io_write);
        if (container_working_set(c, &bytes))
                *working_set = (*working_set == UINT64_MAX ? 0 : *working_set) + bytes;
}

static void add_members(const struct rows *rows, size_t i, struct container *sum)
{
        struct map seen = MAP_INIT;
        uint64_t working_set = UINT64_MAX; /* unknown */
        size_t end = MIN(i + 1 + rows->row[i].n_members, rows->n);
        for (size_t k = i + 1; k < end; k++) {
                const struct container *c = rows->row[k].container;
                if (!c)
                        continue;
                if (!is_counted_above(rows, i + 1, k))
                        add_own(sum, c, &working_set);
                add_network(sum, c, &seen);
        }
        map_done(&seen);
        uint64_t usage = sum->now.value[MEMORY_USAGE_BYTES];
        if (working_set <= usage && sample_has(&sum->now, MEMORY_USAGE_BYTES))
                sample_set(&sum->now, MEMORY_INACTIVE_FILE_BYTES, usage - working_set);
}

static void aggregate_init(struct container *c)
{
        *c = (struct container){
                .kind = KIND_POD,
                .owner_uid = UINT32_MAX,
                .rates = {NAN, NAN, NAN, NAN, NAN},
                .throttled_percent = NAN,
                .isolation = {.root_uid = -1,
                              .user_initial = -1,
                              .privileged = -1,
                              .seccomp = -1,
                              .no_new_privileges = -1},
                .verdict = {.code = VERDICT_COUNT, .percent = NAN},
        };
}

/* Two users may have a project of one name, and a pod and its successor share theirs. */
static char *group_key(const struct row *row, const struct container *member)
{
        const char *group = row->group ? row->group : "";
        return xasprintf("local/%s/%u/group/%s", runtime_names[row->group_runtime],
                         member ? (unsigned)member->owner_uid : 0,
                         member && member->pod ? member->pod : group);
}

const struct container *report_row(const struct report *r, size_t i, struct container *scratch)
{
        const struct row *row = &r->rows->row[i];
        aggregate_init(scratch);
        if (row->container)
                return row->container;
        const struct container *member = NULL;
        for (size_t k = i + 1; !member && k < r->rows->n && k <= i + row->n_members; k++)
                member = r->rows->row[k].container;
        scratch->runtime = row->group_runtime;
        scratch->owner_uid = member ? member->owner_uid : UINT32_MAX;
        scratch->name = xstrdup(row->group ? row->group : "");
        scratch->key = group_key(row, member);
        add_members(r->rows, i, scratch);
        return scratch;
}

void aggregate_done(struct container *scratch)
{
        free(scratch->name);
        free(scratch->key);
        aggregate_init(scratch);
}

/* --- formats -------------------------------------------------------------------------------- */

static const struct {
        const char *name;
        report_fn report;
        bool all; /* needs everything, whatever the columns */
} formats[] = {
        {"table", report_table, false},
        {"json", report_json, true},
        {"csv", report_csv, false},
        {"openmetrics", report_openmetrics, true},
};

report_fn report_find(const char *format)
{
        for (size_t i = 0; i < ARRAY_SIZE(formats); i++)
                if (streq(formats[i].name, format))
                        return formats[i].report;
        return NULL;
}

unsigned report_wants(const char *format, const struct column *const *chosen, size_t n)
{
        unsigned wants = 0;
        for (size_t i = 0; i < ARRAY_SIZE(formats); i++)
                if (formats[i].all && streq(formats[i].name, format))
                        return WANT_ALL;
        if (chosen) {
                for (size_t i = 0; i < n; i++)
                        wants |= chosen[i]->wants;
                return wants;
        }
        if (streq(format, "csv"))
                for (size_t i = 0; i < n_columns; i++)
                        wants |= columns[i].wants;
        else
                wants = table_wants();
        return wants;
}

/* --- -c help -------------------------------------------------------------------------------- */

void report_columns_help(struct str *out)
{
        static const char *const titles[] = {"COLUMN", "JSON", "CSV", "MEANING"};
        size_t key = strlen(titles[0]), json = strlen(titles[1]), csv = strlen(titles[2]);
        for (size_t i = 0; i < n_columns; i++) {
                key = MAX(key, strlen(columns[i].key));
                json = MAX(json, columns[i].json ? strlen(columns[i].json) : 1);
                csv = MAX(csv, strlen(columns[i].csv));
        }
        str_addf(out, "%-*s  %-*s  %-*s  %s\n", (int)key, titles[0], (int)json, titles[1], (int)csv,
                 titles[2], titles[3]);
        for (size_t i = 0; i < n_columns; i++)
                str_addf(out, "%-*s  %-*s  %-*s  %s\n", (int)key, columns[i].key, (int)json,
                         columns[i].json ? columns[i].json : "-", (int)csv, columns[i].csv,
                         columns[i].meaning);
}
