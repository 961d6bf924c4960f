/* SPDX-License-Identifier: MIT */
#include <inttypes.h>

#include "report/pieces.h"
#include "report/report.h"

/*
 * RFC 4180, but for the line end: a plain newline. A text that a spreadsheet would take for a
 * formula gets an apostrophe in front.
 */
static void add_text(struct str *out, const char *text)
{
        bool formula = *text && strchr("=+-@\t\r", *text);
        bool quoted = text[strcspn(text, "\",\r\n")] != '\0';
        if (quoted)
                str_addc(out, '"');
        if (formula)
                str_addc(out, '\'');
        for (const char *p = text; *p; p++) {
                if (*p == '"')
                        str_addc(out, '"');
                str_addc(out, *p);
        }
        if (quoted)
                str_addc(out, '"');
}

static void add_value(struct str *out, const struct value *v)
{
        switch (v->type) {
        case VALUE_NONE:
                return;
        case VALUE_UINT:
                str_addf(out, "%" PRIu64, v->u);
                return;
        case VALUE_INT:
                str_addf(out, "%" PRId64, v->i);
                return;
        case VALUE_NUMBER:
                report_decimal(out, v->number, 4);
                return;
        case VALUE_TEXT:
        case VALUE_BOOL:
                add_text(out, value_text(v));
                return;
        }
}

static size_t width_of(const struct report *r)
{
        return r->columns ? r->n_columns : n_columns;
}

static const struct column *column_at(const struct report *r, size_t i)
{
        return r->columns ? r->columns[i] : &columns[i];
}

static void end_field(const struct report *r, size_t i, struct str *out)
{
        str_addc(out, i + 1 < width_of(r) ? ',' : '\n');
}

void report_csv(const struct report *r, struct str *out)
{
        for (size_t i = 0; r->first && i < width_of(r); i++) {
                add_text(out, column_at(r, i)->csv);
                end_field(r, i, out);
        }
        for (size_t k = 0; k < r->rows->n; k++) {
                struct container scratch;
                const struct container *c = report_row(r, k, &scratch);
                for (size_t i = 0; i < width_of(r); i++) {
                        struct value v = column_at(r, i)->get(r->model, c);
                        add_value(out, &v);
                        end_field(r, i, out);
                }
                aggregate_done(&scratch);
        }
}
