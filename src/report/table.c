/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <math.h>

#include "base/map.h"
#include "base/mem.h"
#include "report/pieces.h"
#include "report/report.h"

/* In the order of the table. The priorities in the table of columns say which are dropped first. */
static const char *const usual[] = {
        "name",      "runtime",     "state",       "cpu",          "mem",
        "mem_limit", "net_rx_rate", "net_tx_rate", "io_read_rate", "io_write_rate",
        "pids",      "uptime",      "pod_name",    "image",        "verdict",
};

/* From this priority on, a column of which nothing is known gives its room to the others. */
#define OPTIONAL_PRIORITY 7
/* Up to this one, texts are made shorter, as far as they can still be read, before one is dropped.
 */
#define CORE_PRIORITY 3
#define TEXT_LEAST    10
#define MAX_DEPTH     16 /* deeper branches are drawn no further to the right */

enum role { ROLE_PLAIN, ROLE_DIM, ROLE_WARN, ROLE_BAD };
static const char *const role_sgr[] = {
        [ROLE_DIM] = "\033[2m",
        [ROLE_WARN] = "\033[33m",
        [ROLE_BAD] = "\033[1;31m",
};
static const enum role verdict_roles[VERDICT_COUNT] = {
        [VERDICT_OK] = ROLE_PLAIN,       [VERDICT_OOM_KILLED] = ROLE_BAD,
        [VERDICT_PAUSED] = ROLE_DIM,     [VERDICT_MEMORY] = ROLE_BAD,
        [VERDICT_THRASHING] = ROLE_WARN, [VERDICT_THROTTLED] = ROLE_WARN,
        [VERDICT_IO] = ROLE_WARN,        [VERDICT_PIDS] = ROLE_WARN,
};

struct cell {
        char *text;
        size_t branch;     /* bytes of the tree's branches in front; never cut */
        uint8_t unit_room; /* columns kept free behind, so that digits stand above digits */
        bool known;
        enum role role;
};

/* One column of the table that is being printed. */
struct slot {
        const struct column *column;
        const struct column *source; /* who sets this limit, "none" being no limit; NULL */
        struct cell *cells;          /* one a row */
        const char *title;
        size_t gap; /* spaces in front */
        size_t width;
        size_t natural; /* what it would take with nothing cut */
        bool right;
        bool any_known;
};

struct table {
        const struct report *r;
        struct slot *slots;
        size_t n;
};

/* --- cells ---------------------------------------------------------------------------------- */

static bool is_number(const struct column *col)
{
        return col->style != STYLE_TEXT && col->style != STYLE_TIME && col->style != STYLE_BOOL;
}

static void add_cores(struct str *out, double cores)
{
        uint64_t hundredths = (uint64_t)(MIN(cores, 1e12) * 100 + 0.5);
        str_addf(out, "%" PRIu64 ".%02u", hundredths / 100, (unsigned)(hundredths % 100));
}

static void add_number(const struct column *col, double n, bool ascii, struct str *out)
{
        char buf[NUMBER_MAX];
        uint64_t whole = n > 0 && n < 0x1p63 ? (uint64_t)n : 0;
        switch (col->style) {
        case STYLE_RATE:
                if (n < 0.5) {
                        str_add(out, ascii ? "." : "·");
                        return;
                }
                __attribute__((fallthrough));
        case STYLE_BYTES:
                str_add(out, format_bytes(buf, n));
                return;
        case STYLE_PERCENT:
                str_add(out, format_percent(buf, n));
                return;
        case STYLE_COUNT:
                str_add(out, format_count(buf, whole));
                return;
        case STYLE_AGE:
                str_add(out, format_age(buf, column_is_usec(col) ? whole / 1000000 : whole));
                return;
        case STYLE_CORES:
                add_cores(out, n);
                return;
        default: /* a pid, an inode: all its digits */
                str_addf(out, "%" PRIu64, whole);
        }
}

static void set_number(struct cell *cell, const struct column *col, double n, bool ascii)
{
        struct str text = STR_INIT;
        add_number(col, n, ascii, &text);
        cell->text = str_take(&text);
        if (n == 0 && (col->style == STYLE_RATE || col->style == STYLE_PERCENT))
                cell->role = ROLE_DIM;
}

static void set_value(struct cell *cell, const struct slot *slot, const struct report *r,
                      const struct container *c)
{
        double n;
        struct value v = slot->column->get(r->model, c);
        cell->known = v.type != VALUE_NONE;
        if (value_number(&v, &n)) {
                set_number(cell, slot->column, n, r->ascii);
        } else if (v.type == VALUE_BOOL) {
                cell->text = xstrdup(v.truth ? "yes" : "no");
        } else if (cell->known) {
                cell->text = xstrdup(value_text(&v));
        } else {
                struct value source = slot->source ? slot->source->get(r->model, c) : v;
                const char *none = value_text(&source);
                cell->known = none && streq(none, "none");
                cell->text = xstrdup(cell->known ? "none" : "-");
                cell->role = cell->known ? ROLE_DIM : ROLE_PLAIN;
        }
}

/* Digits are lined up: what has no unit, or no digit behind the point, keeps that room free. */
static void set_unit_room(struct cell *cell, enum column_style style)
{
        size_t n = strlen(cell->text);
        char last = n ? cell->text[n - 1] : '\0';
        bool is_letter = (last >= 'a' && last <= 'z') || (last >= 'A' && last <= 'Z');
        if (style == STYLE_PERCENT && !strchr(cell->text, '.'))
                cell->unit_room = 2;
        else if (style == STYLE_BYTES || style == STYLE_RATE || style == STYLE_COUNT)
                cell->unit_room = !is_letter;
}

/* What stands in for the counters of a network namespace; NULL: they are to be shown. */
static const char *network_word(const struct column *col, const struct container *c, bool ditto)
{
        if (!(col->wants & WANT_NET) || !is_number(col))
                return NULL;
        if (c->net_mode == NET_HOST)
                return "host";
        if (c->net_mode == NET_NONE)
                return "none";
        return ditto ? "\"" : NULL;
}

static void set_cell(struct cell *cell, const struct slot *slot, const struct report *r,
                     const struct container *c, bool ditto)
{
        const char *word = network_word(slot->column, c, ditto);
        if (word) {
                cell->text = xstrdup(word);
                cell->known = true;
        } else if (streq(slot->column->key, "verdict") && c->verdict.code < VERDICT_COUNT) {
                struct str text = STR_INIT;
                verdict_short(c, &text);
                cell->text = str_take(&text);
                cell->role = verdict_roles[c->verdict.code];
                cell->known = true;
        } else {
                set_value(cell, slot, r, c);
        }
        set_unit_room(cell, slot->column->style);
}

/* The branches of the tree in front of a name. open tells on which levels more rows will follow. */
static void add_branches(struct cell *cell, const struct row *row, uint32_t open, bool ascii)
{
        struct str text = STR_INIT;
        unsigned depth = MIN(row->depth, MAX_DEPTH);
        for (unsigned level = 1; level < depth; level++)
                str_add(&text, open & 1U << level ? (ascii ? "|  " : "│ ") : ascii ? "   " : "  ");
        if (row->last)
                str_add(&text, ascii ? "`- " : "└ ");
        else
                str_add(&text, ascii ? "|- " : "├ ");
        cell->branch = text.len;
        str_add(&text, cell->text);
        free(cell->text);
        cell->text = str_take(&text);
}

static void fill_row(struct table *t, size_t i, struct map *shown, uint32_t open)
{
        const struct report *r = t->r;
        const struct row *row = &r->rows->row[i];
        struct container scratch;
        const struct container *c = report_row(r, i, &scratch);
        bool ditto = c->net_mode == NET_SHARED && c->netns &&
                     map_put_u64(shown, c->netns, (void *)r->rows);
        for (size_t k = 0; k < t->n; k++) {
                struct slot *slot = &t->slots[k];
                struct cell *cell = &slot->cells[i];
                set_cell(cell, slot, r, c, ditto);
                if (c == &scratch && !cell->known)
                        *cell->text = '\0'; /* a sum has no limit and no verdict: no dash either */
                if (row->depth > 0 && streq(slot->column->key, "name"))
                        add_branches(cell, row, open, r->ascii);
                slot->any_known |= cell->known;
        }
        aggregate_done(&scratch);
}

static void fill(struct table *t)
{
        struct map shown = MAP_INIT; /* network namespaces whose counters are in a row above */
        uint32_t open = 0;
        for (size_t i = 0; i < t->r->rows->n; i++) {
                const struct row *row = &t->r->rows->row[i];
                fill_row(t, i, &shown, open);
                uint32_t bit = UINT32_C(1) << MIN(row->depth, MAX_DEPTH);
                open = row->last ? open & ~bit : open | bit;
        }
        map_done(&shown);
}

/* --- which columns, how wide ------------------------------------------------------------------
 */

static const struct column *source_of(const struct column *col)
{
        _cleanup_free_ char *key = xasprintf("%s_source", col->key);
        return endswith(col->key, "_limit") || endswith(col->key, "_high") ? column_find(key)
                                                                           : NULL;
}

static void add_slot(struct table *t, const struct column *col)
{
        struct slot *slot = &t->slots[t->n++];
        *slot = (struct slot){.column = col, .source = source_of(col), .right = is_number(col)};
        slot->cells = xcalloc(t->r->rows->n, sizeof(slot->cells[0]));
}

static void choose(struct table *t)
{
        const struct report *r = t->r;
        size_t n = r->columns ? r->n_columns : ARRAY_SIZE(usual);
        t->slots = xcalloc(n, sizeof(t->slots[0]));
        for (size_t i = 0; i < n; i++)
                add_slot(t, r->columns ? r->columns[i] : column_find(usual[i]));
}

static void slot_done(struct slot *slot, size_t n_rows)
{
        for (size_t i = 0; i < n_rows; i++)
                free(slot->cells[i].text);
        free(slot->cells);
}

static void remove_slot(struct table *t, size_t i)
{
        slot_done(&t->slots[i], t->r->rows->n);
        t->n--;
        memmove(&t->slots[i], &t->slots[i + 1], (t->n - i) * sizeof(t->slots[0]));
}

/* "NET rx", then "tx": a first word is said once. */
static void set_title(struct slot *slot, const struct slot *before, bool narrow)
{
        const char *title = slot->column->title, *space = strchr(title, ' ');
        slot->title = title;
        slot->gap = before ? 2 : 0;
        if (!before || !space || slot->column->style != STYLE_RATE)
                return;
        if (strncmp(before->column->title, title, (size_t)(space - title) + 1) != 0)
                return;
        slot->title = space + 1;
        if (narrow)
                slot->gap = 1;
}

/* Digits in a column of texts (pids, inodes) go to the right, too. */
static bool holds_digits(const struct table *t, const struct slot *slot)
{
        for (size_t i = 0; i < t->r->rows->n; i++)
                if (t->r->rows->row[i].container) {
                        struct value v =
                                slot->column->get(t->r->model, t->r->rows->row[i].container);
                        if (v.type != VALUE_NONE)
                                return v.type == VALUE_UINT;
                }
        return false;
}

static void measure(struct table *t)
{
        for (size_t i = 0; i < t->n; i++) {
                struct slot *slot = &t->slots[i];
                set_title(slot, i ? &t->slots[i - 1] : NULL, t->r->width > 0);
                slot->natural = strlen(slot->title);
                for (size_t k = 0; k < t->r->rows->n; k++)
                        slot->natural = MAX(slot->natural, str_width(slot->cells[k].text));
                if (!slot->right && slot->column->style == STYLE_TEXT && holds_digits(t, slot))
                        slot->right = true;
                if (slot->right)
                        slot->natural = MAX(slot->natural, slot->column->width);
                slot->width = slot->natural;
                if (!slot->right && t->r->width > 0)
                        slot->width = MIN(slot->natural, slot->column->width);
        }
}

static size_t total_width(struct table *t)
{
        size_t total = 0;
        for (size_t i = 0; i < t->n; i++) {
                set_title(&t->slots[i], i ? &t->slots[i - 1] : NULL, t->r->width > 0);
                total += t->slots[i].gap + t->slots[i].width;
        }
        return total;
}

static unsigned worst_priority(const struct table *t)
{
        unsigned worst = 0;
        for (size_t i = 0; i < t->n; i++)
                worst = MAX(worst, t->slots[i].column->priority);
        return worst;
}

static void drop_priority(struct table *t, unsigned priority)
{
        for (size_t i = t->n; i-- > 0;)
                if (t->slots[i].column->priority == priority)
                        remove_slot(t, i);
}

static void drop_empty(struct table *t)
{
        for (size_t i = t->n; i-- > 0;)
                if (!t->slots[i].any_known && t->slots[i].column->priority >= OPTIONAL_PRIORITY)
                        remove_slot(t, i);
}

/* Takes that many columns from the texts, names first; false, and nothing taken, if they are too
 * short. */
static bool squeeze(struct table *t, size_t need)
{
        size_t can = 0;
        for (size_t i = 0; i < t->n; i++)
                if (!t->slots[i].right && t->slots[i].width > TEXT_LEAST)
                        can += t->slots[i].width - TEXT_LEAST;
        if (can < need)
                return false;
        for (size_t i = 0; i < t->n && need > 0; i++) {
                struct slot *slot = &t->slots[i];
                if (slot->right || slot->width <= TEXT_LEAST)
                        continue;
                size_t less = MIN(need, slot->width - TEXT_LEAST);
                slot->width -= less;
                need -= less;
        }
        return true;
}

/* Texts get the spare room: names first, then by priority, none more than it can fill. */
static void spread(struct table *t, size_t spare)
{
        for (unsigned priority = 0; priority <= UINT8_MAX && spare > 0; priority++)
                for (size_t i = 0; i < t->n; i++) {
                        struct slot *slot = &t->slots[i];
                        if (slot->column->priority != priority)
                                continue;
                        size_t more = MIN(spare, slot->natural - slot->width);
                        slot->width += more;
                        spare -= more;
                }
}

static void fit(struct table *t)
{
        size_t room = t->r->width;
        if (!t->r->chosen)
                drop_empty(t);
        size_t total = total_width(t);
        if (room == 0)
                return;
        while (total > room && !t->r->chosen && worst_priority(t) > 0) {
                if (worst_priority(t) <= CORE_PRIORITY && squeeze(t, total - room))
                        return;
                drop_priority(t, worst_priority(t));
                total = total_width(t);
        }
        if (total < room)
                spread(t, room - total);
        else if (!t->r->chosen && t->n == 1)
                t->slots[0].width = MIN(t->slots[0].width, room);
}

/* --- printing ------------------------------------------------------------------------------- */

static void add_colored(struct str *out, const struct report *r, enum role role, const char *text,
                        size_t width)
{
        const char *sgr = r->color ? role_sgr[role] : NULL;
        if (sgr && width > 0)
                str_add(out, sgr);
        str_add_cell(out, text, width, false, r->ascii);
        if (sgr && width > 0)
                str_add(out, "\033[0m");
}

/* Spaces stay outside of the colour: those at the end of a line are cut. */
static void add_cell(struct str *out, const struct report *r, const struct slot *slot,
                     const struct cell *cell)
{
        _cleanup_free_ char *branch = xstrndup(cell->text, cell->branch);
        size_t branch_width = str_width(branch);
        const char *text = cell->text;
        size_t room = slot->width, left = 0;
        if (branch_width < room) {
                str_add(out, branch);
                text += cell->branch;
                room -= branch_width;
        }
        size_t width = MIN(str_width(text), room);
        if (slot->right) {
                size_t unit = width + cell->unit_room <= room ? cell->unit_room : 0;
                left = room - width - unit;
        }
        str_pad(out, ' ', left);
        add_colored(out, r, cell->role, text, width);
        str_pad(out, ' ', room - left - width);
}

static void end_line(struct str *out)
{
        while (out->len > 0 && out->p[out->len - 1] == ' ')
                out->p[--out->len] = '\0';
        str_addc(out, '\n');
}

static void add_header(struct str *out, const struct table *t)
{
        for (size_t i = 0; i < t->n; i++) {
                const struct slot *slot = &t->slots[i];
                str_pad(out, ' ', slot->gap);
                str_add_cell(out, slot->title, slot->width, slot->right, t->r->ascii);
        }
        end_line(out);
}

static void add_rows(struct str *out, const struct table *t)
{
        for (size_t i = 0; i < t->r->rows->n; i++) {
                for (size_t k = 0; k < t->n; k++) {
                        str_pad(out, ' ', t->slots[k].gap);
                        add_cell(out, t->r, &t->slots[k], &t->slots[k].cells[i]);
                }
                end_line(out);
        }
}

/* An engine that is not there is no news, unless somebody wonders why nothing is shown. */
static void add_sources(struct str *out, const struct model *m, bool absent_too)
{
        bool any = false;
        for (size_t i = 0; i < m->n_sources; i++) {
                const struct source *s = &m->sources[i];
                if (s->status == SOURCE_OK || (s->status == SOURCE_UNAVAILABLE && !absent_too))
                        continue;
                str_addf(out, "%s%s: %s", any ? "; " : "", s->name, source_status_names[s->status]);
                if (s->detail)
                        str_addf(out, ": %s", s->detail);
                any = true;
        }
        if (any)
                str_addc(out, '\n');
}

static void add_nothing(struct str *out, const struct model *m)
{
        str_add(out, "no containers found");
        if (m->n_containers > 0)
                str_addf(out, " among %zu rows (--all shows all kinds, and a filter hides some)",
                         m->n_containers);
        str_addc(out, '\n');
        add_sources(out, m, true);
}

void report_table(const struct report *r, struct str *out)
{
        if (r->rows->n == 0) {
                add_nothing(out, r->model);
                return;
        }
        struct table t = {.r = r};
        add_sources(out, r->model, false);
        choose(&t);
        fill(&t);
        measure(&t);
        fit(&t);
        add_header(out, &t);
        add_rows(out, &t);
        for (size_t i = 0; i < t.n; i++)
                slot_done(&t.slots[i], r->rows->n);
        free(t.slots);
}

unsigned table_wants(void)
{
        unsigned wants = 0;
        for (size_t i = 0; i < ARRAY_SIZE(usual); i++)
                wants |= column_find(usual[i])->wants;
        return wants;
}
