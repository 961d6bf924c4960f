/* SPDX-License-Identifier: MIT */
#include "model/verdict.h"

#include <inttypes.h>
#include <math.h>

#include "base/macros.h"

/* Thresholds of the contract: shares in percent, pressure (avg10) in percent. */
#define NEAR_LIMIT      95
#define MEMORY_SOME     5
#define MEMORY_FULL     10
#define THROTTLED       10
#define THROTTLED_LEAST 5 /* periods */
#define IO_FULL         20

#define SHORT_ID 12
#define LONG_HEX 32 /* from this length on, a run of hex digits is an id nobody reads */

const char *const verdict_names[VERDICT_COUNT] = {
        [VERDICT_OK] = "ok",
        [VERDICT_OOM_KILLED] = "oom_killed",
        [VERDICT_PAUSED] = "paused",
        [VERDICT_MEMORY] = "memory",
        [VERDICT_THRASHING] = "thrashing",
        [VERDICT_THROTTLED] = "throttled",
        [VERDICT_IO] = "io",
        [VERDICT_PIDS] = "pids",
};

/* --- the tests: one a row, true when it applies ------------------------------------------------
 */

/* How far a counter rose in this interval; 0 when unknown or when it ran backwards. */
static uint64_t rise(const struct container *c, enum metric m)
{
        if (!sample_has(&c->now, m) || !sample_has(&c->prev, m))
                return 0;
        return c->now.value[m] > c->prev.value[m] ? c->now.value[m] - c->prev.value[m] : 0;
}

/* A pressure average in percent; NAN, which compares false with everything, when unknown. */
static double pressure(const struct container *c, enum metric m)
{
        return sample_has(&c->now, m) ? (double)c->now.value[m] / 100 : NAN;
}

/* Share of a limit in percent; NAN when either is unknown or there is no limit. */
static double share_of(const struct container *c, enum metric m, const struct model_limit *limit)
{
        if (!sample_has(&c->now, m) || limit->state != LIMIT_SET)
                return NAN;
        return limit->value ? 100 * (double)c->now.value[m] / (double)limit->value : 100;
}

static bool is_oom_killed(const struct container *c, struct verdict *v)
{
        v->count = rise(c, MEMORY_OOM_KILLS);
        v->source = c->memory_limit.source;
        return v->count > 0;
}

static bool is_paused(const struct container *c, struct verdict *v)
{
        (void)v;
        return sample_has(&c->now, FROZEN) ? c->now.value[FROZEN] != 0 : c->state == STATE_PAUSED;
}

/* Which limit memory runs into, and how near it is. */
struct squeeze {
        const struct model_limit *limit; /* NULL: none */
        double percent;
};

/*
 * What is needed is compared first. The events tell of page cache that is taken away again and
 * again: there it is the usage, cache included, that stands at the limit.
 */
static struct squeeze memory_squeeze(const struct container *c)
{
        double needed = share_of(c, MEMORY_NEEDED_BYTES, &c->memory_limit);
        if (needed >= NEAR_LIMIT)
                return (struct squeeze){&c->memory_limit, needed};
        if (!(pressure(c, PSI_MEMORY_SOME) >= MEMORY_SOME))
                return (struct squeeze){0};
        const struct model_limit *limit = NULL;
        if (rise(c, MEMORY_MAX_EVENTS) > 0)
                limit = &c->memory_limit;
        else if (rise(c, MEMORY_HIGH_EVENTS) > 0)
                limit = &c->memory_high;
        return (struct squeeze){limit, limit ? share_of(c, MEMORY_USAGE_BYTES, limit) : NAN};
}

static bool is_short_of_memory(const struct container *c, struct verdict *v)
{
        struct squeeze s = memory_squeeze(c);
        if (!s.limit)
                return false;
        v->percent = s.percent;
        v->source = s.limit->source;
        return true;
}

static bool is_thrashing(const struct container *c, struct verdict *v)
{
        v->percent = pressure(c, PSI_MEMORY_FULL);
        return v->percent >= MEMORY_FULL;
}

static bool is_throttled(const struct container *c, struct verdict *v)
{
        v->percent = c->throttled_percent;
        v->source = c->throttled_source;
        return v->percent >= THROTTLED && c->throttled_periods >= THROTTLED_LEAST;
}

static bool is_io_bound(const struct container *c, struct verdict *v)
{
        v->percent = pressure(c, PSI_IO_FULL);
        return v->percent >= IO_FULL;
}

static bool is_short_of_pids(const struct container *c, struct verdict *v)
{
        v->percent = share_of(c, PIDS_CURRENT, &c->pids_limit);
        v->source = c->pids_limit.source;
        return v->percent >= NEAR_LIMIT;
}

/* --- texts -------------------------------------------------------------------------------------
 */

static void add_percent(struct str *out, double percent, const char *unit)
{
        str_addf(out, "%.0f%s", percent, unit);
}

/* "100M", "1.5G": limits are round numbers, so zeros behind the point go. */
static void add_size(struct str *out, uint64_t bytes)
{
        char buf[NUMBER_MAX];
        const char *text = format_bytes(buf, (double)bytes);
        const char *point = strchr(text, '.');
        size_t n = strlen(text), end = n - 1;
        if (!point) {
                str_add(out, text);
                return;
        }
        while (text[end - 1] == '0')
                end--;
        if (text[end - 1] == '.')
                end--;
        str_addn(out, text, end);
        str_addc(out, text[n - 1]);
}

/* "1 core", "0.5 cores", "0.125 cores": the kernel allows no less than a thousandth. */
static void add_cores(struct str *out, uint64_t millionths)
{
        uint64_t thousandths = millionths / 1000 + (millionths % 1000 >= 500);
        unsigned fraction = (unsigned)(thousandths % 1000);
        int digits = 3;
        while (digits > 0 && fraction % 10 == 0) {
                fraction /= 10;
                digits--;
        }
        str_addf(out, "%" PRIu64, thousandths / 1000);
        if (digits > 0)
                str_addf(out, ".%0*u", digits, fraction);
        str_add(out, thousandths == 1000 ? " core" : " cores");
}

static bool is_hex(char c)
{
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

/* Adds text with every long run of hex digits cut to a short id. */
static void add_short_ids(struct str *out, const char *text)
{
        while (*text) {
                size_t n = 0;
                while (is_hex(text[n]))
                        n++;
                str_addn(out, text, n >= LONG_HEX ? SHORT_ID : n);
                text += n;
                if (*text)
                        str_addc(out, *text++);
        }
}

/*
 * Whether a limit is the container's own: set on its cgroup or inside it. A row that only a
 * namespace told of may run in somebody else's cgroup, so there the cgroup is always named.
 */
static bool is_own(const struct container *c, const char *source)
{
        if (!c->cgroup || c->runtime == RUNTIME_NAMESPACE)
                return false;
        const char *rest = startswith(source, c->cgroup);
        return rest && (*rest == '\0' || *rest == '/');
}

/* The container's name when the cgroup is its own, else the cgroup's last component. */
static void add_source(const struct container *c, const char *source, struct str *out)
{
        if (is_own(c, source)) {
                str_add(out, c->name);
                return;
        }
        const char *slash = strrchr(source, '/');
        const char *last = slash && slash[1] ? slash + 1 : source;
        _cleanup_free_ char *readable = unit_unescape(last, strlen(last), false);
        add_short_ids(out, readable);
}

static void long_oom_killed(const struct container *c, struct str *out)
{
        str_addf(out, "killed for memory %" PRIu64 "x", c->verdict.count);
        if (c->memory_limit.state != LIMIT_SET)
                return;
        str_add(out, ", limit ");
        add_size(out, c->memory_limit.value);
        if (c->memory_limit.source) {
                str_add(out, " of ");
                add_source(c, c->memory_limit.source, out);
        }
}

/* The kill fell into the last interval: it is that old at most. */
static void short_oom_killed(const struct container *c, struct str *out)
{
        char buf[NUMBER_MAX];
        str_add(out, "OOM-killed");
        if (c->prev.have && c->now.taken_usec > c->prev.taken_usec) {
                uint64_t usec = c->now.taken_usec - c->prev.taken_usec;
                str_addf(out, " %s", format_age(buf, usec / 1000000 + (usec % 1000000 != 0)));
        }
}

static void text_paused(const struct container *c, struct str *out)
{
        (void)c;
        str_add(out, "paused");
}

static void long_memory(const struct container *c, struct str *out)
{
        struct squeeze s = memory_squeeze(c);
        if (!s.limit || s.limit->state != LIMIT_SET) {
                str_add(out, "memory at its limit");
                return;
        }
        str_add(out, "memory at ");
        if (!isnan(s.percent))
                add_percent(out, s.percent, " % of ");
        str_add(out, "the ");
        add_size(out, s.limit->value);
        str_add(out, s.limit == &c->memory_high ? " high mark" : " limit");
        if (s.limit->source) {
                str_add(out, " of ");
                add_source(c, s.limit->source, out);
        }
}

static void short_memory(const struct container *c, struct str *out)
{
        struct squeeze s = memory_squeeze(c);
        str_add(out, "mem ");
        if (isnan(s.percent))
                str_add(out, "at ");
        else
                add_percent(out, s.percent, "% of ");
        str_add(out, s.limit == &c->memory_high ? "high" : "max");
}

static void long_thrashing(const struct container *c, struct str *out)
{
        str_add(out, "loses ");
        add_percent(out, c->verdict.percent, " % of its time to reclaim");
}

/* The least limit may be set elsewhere than where the throttling is: then the number is not told.
 */
static void long_throttled(const struct container *c, struct str *out)
{
        const char *source = c->throttled_source;
        const struct model_limit *limit = &c->cpu_limit;
        bool same = !source || (limit->source && streq(source, limit->source));
        bool told = limit->state == LIMIT_SET && same;
        str_add(out, "throttled in ");
        add_percent(out, c->verdict.percent, " % of periods");
        if (told) {
                str_add(out, ": limit ");
                add_cores(out, limit->value);
        }
        if (source && !is_own(c, source)) {
                str_add(out, told ? ", set on " : ": limit set on ");
                add_source(c, source, out);
        }
}

static void long_io(const struct container *c, struct str *out)
{
        str_add(out, "waits for disk ");
        add_percent(out, c->verdict.percent, " % of the time");
}

static void long_pids(const struct container *c, struct str *out)
{
        str_addf(out, "%" PRIu64 " of %" PRIu64 " pids", c->now.value[PIDS_CURRENT],
                 c->pids_limit.value);
}

/* --- the table ---------------------------------------------------------------------------------
 */

/* In the contract's order. The short form is a word and the percentage where no function is given.
 */
static const struct {
        enum verdict_code code;
        bool (*applies)(const struct container *c, struct verdict *v);
        void (*add_long)(const struct container *c, struct str *out);
        void (*add_short)(const struct container *c, struct str *out);
        const char *word;
} rows[] = {
        {VERDICT_OOM_KILLED, is_oom_killed, long_oom_killed, short_oom_killed, NULL},
        {VERDICT_PAUSED, is_paused, text_paused, text_paused, NULL},
        {VERDICT_MEMORY, is_short_of_memory, long_memory, short_memory, NULL},
        {VERDICT_THRASHING, is_thrashing, long_thrashing, NULL, "thrashing"},
        {VERDICT_THROTTLED, is_throttled, long_throttled, NULL, "throttled"},
        {VERDICT_IO, is_io_bound, long_io, NULL, "io-bound"},
        {VERDICT_PIDS, is_short_of_pids, long_pids, NULL, "pids"},
};

void verdict_judge(struct container *c)
{
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                struct verdict v = {.code = rows[i].code, .percent = NAN};
                if (rows[i].applies(c, &v)) {
                        c->verdict = v;
                        return;
                }
        }
        c->verdict = (struct verdict){.code = VERDICT_OK, .percent = NAN};
}

void verdict_long(const struct container *c, struct str *out)
{
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
                if (rows[i].code == c->verdict.code) {
                        rows[i].add_long(c, out);
                        return;
                }
        str_add(out, "ok");
}

void verdict_short(const struct container *c, struct str *out)
{
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                if (rows[i].code != c->verdict.code)
                        continue;
                if (rows[i].add_short) {
                        rows[i].add_short(c, out);
                } else {
                        str_addf(out, "%s ", rows[i].word);
                        add_percent(out, c->verdict.percent, "%");
                }
                return;
        }
        str_add(out, "ok");
}
