/* SPDX-License-Identifier: MIT */
#include "model/filter.h"

#include <errno.h>
#include <regex.h>
#include <stdio.h>

#include "base/macros.h"
#include "base/mem.h"
#include "model/columns.h"

#define EXPRESSION_MAX 4096
#define REGEX_MAX      256
#define REGEX_COST     UINT64_C(1000) /* states, see regex_cost() */

enum subject { SUBJECT_WORD, SUBJECT_COLUMN, SUBJECT_LABEL };

/* In the order in which they are tried: a longer one before its own beginning. */
enum op { OP_NONE, OP_NE, OP_GE, OP_LE, OP_EQ, OP_GT, OP_LT, OP_MATCH };

static const struct {
        enum op op;
        const char *text;
} ops[] = {
        {OP_NE, "!="}, {OP_GE, ">="}, {OP_LE, "<="},   {OP_EQ, "="},
        {OP_GT, ">"},  {OP_LT, "<"},  {OP_MATCH, "~"},
};

/* How the values of a term are compared. Pids and uids are numbers that are written like a text. */
enum operand { OPERAND_TEXT, OPERAND_DIGITS, OPERAND_NUMBER, OPERAND_BOOL };

struct term {
        enum subject subject;
        const struct column *column; /* SUBJECT_COLUMN */
        char *label;                 /* SUBJECT_LABEL: its name */
        bool negated;
        size_t alternative; /* terms of the same alternative must all hold */
        enum op op;
        enum operand operand;
        char *text;
        double number;
        bool truth;
        bool has_regex;
        regex_t regex;
};

struct filter {
        struct term *terms;
        size_t n_terms;
        size_t cap;
};

enum answer { NO, YES, UNKNOWN };

static enum answer answer(bool yes)
{
        return yes ? YES : NO;
}

/* --- parsing -----------------------------------------------------------------------------------
 *
 * expression  = alternative { "or" alternative }
 * alternative = term { term }
 * term        = { "!" } ( word | key op word )
 * word        = characters up to a blank (a bare one: or up to an operator), or quoted
 */

struct parser {
        const char *start;
        const char *p;
        struct filter *filter;
        size_t alternative;
        char *error; /* owned; NULL: none */
        const char *fault;
};

static int fail_at(struct parser *ps, const char *where, char *sentence)
{
        free(ps->error);
        ps->error = str_clean_z(sentence); /* it may quote what was typed */
        free(sentence);
        ps->fault = where;
        return -EINVAL;
}

static bool is_blank(char c)
{
        return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool is_quote(char c)
{
        return c == '"' || c == '\'';
}

static void skip_blanks(struct parser *ps)
{
        while (is_blank(*ps->p))
                ps->p++;
}

/* The operator at p, with its length; OP_NONE when there is none. */
static enum op op_at(const char *p, size_t *ret_len)
{
        for (size_t i = 0; i < ARRAY_SIZE(ops); i++)
                if (startswith(p, ops[i].text)) {
                        *ret_len = strlen(ops[i].text);
                        return ops[i].op;
                }
        return OP_NONE;
}

static bool at_or(const char *p)
{
        return startswith(p, "or") && (p[2] == '\0' || is_blank(p[2]));
}

/* Reads a quoted text; after it a blank or the end must follow. */
static int parse_quoted(struct parser *ps, char **ret)
{
        const char *open = ps->p;
        const char *close = strchr(open + 1, *open);
        if (!close)
                return fail_at(ps, open, xstrdup("this quote is not closed"));
        if (close[1] != '\0' && !is_blank(close[1]))
                return fail_at(ps, close + 1, xstrdup("a blank must follow the closing quote"));
        *ret = xstrndup(open + 1, (size_t)(close - open - 1));
        ps->p = close + 1;
        return 0;
}

static int parse_value(struct parser *ps, char **ret)
{
        if (is_quote(*ps->p))
                return parse_quoted(ps, ret);
        const char *begin = ps->p;
        while (*ps->p && !is_blank(*ps->p))
                ps->p++;
        if (ps->p == begin)
                return fail_at(ps, begin, xstrdup("a value is missing here"));
        *ret = xstrndup(begin, (size_t)(ps->p - begin));
        return 0;
}

/* "90", or with a unit, "90s", "2h". Some ages are counted in microseconds: a unit says what is
 * meant. */
static int parse_age(const struct column *col, const char *text, double *ret)
{
        static const struct {
                char unit;
                double seconds;
        } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
        size_t n = strlen(text);
        for (size_t i = 0; n > 0 && i < ARRAY_SIZE(units); i++) {
                if (text[n - 1] != units[i].unit)
                        continue;
                _cleanup_free_ char *digits = xstrndup(text, n - 1);
                double v;
                int r = parse_double_z(digits, &v);
                if (r < 0)
                        return r;
                *ret = v * units[i].seconds * (endswith(col->csv, "_usec") ? 1e6 : 1);
                return 0;
        }
        return parse_double_z(text, ret);
}

static int parse_percent(const char *text, double *ret)
{
        size_t n = strlen(text);
        _cleanup_free_ char *digits = xstrndup(text, n > 0 && text[n - 1] == '%' ? n - 1 : n);
        return parse_double_z(digits, ret);
}

static int parse_number(const struct column *col, const char *text, double *ret)
{
        if (col->style == STYLE_AGE)
                return parse_age(col, text, ret);
        if (col->style == STYLE_PERCENT)
                return parse_percent(text, ret);
        int r = parse_size_z(text, ret);
        return r < 0 ? parse_double_z(text, ret) : r; /* the second knows signs and exponents */
}

static int parse_bool(const char *text, bool *ret)
{
        static const char *const words[] = {"false", "true", "no", "yes", "0", "1"};
        for (size_t i = 0; i < ARRAY_SIZE(words); i++)
                if (streq(text, words[i])) {
                        *ret = i % 2;
                        return 0;
                }
        return -EINVAL;
}

/* The character behind a bracket expression that begins at p, or the end of the text. */
static const char *skip_bracket(const char *p)
{
        p++;
        if (*p == '^')
                p++;
        if (*p == ']')
                p++;
        for (; *p && *p != ']'; p++) {
                if (*p != '[' || !p[1] || !strchr(":.=", p[1]))
                        continue;
                const char close[] = {p[1], ']', '\0'};
                const char *end = strstr(p + 2, close);
                if (!end)
                        return p + strlen(p);
                p = end + 1;
        }
        return *p ? p + 1 : p;
}

/* The greater count of "{m,n}" at p; *ret_end gets what follows. */
static uint64_t read_count(const char *p, const char **ret_end)
{
        const char *end = p + strcspn(p, "}");
        uint64_t most = 1, n;
        while (p < end) {
                int used = parse_u64(p, end, &n);
                if (used == -ERANGE)
                        n = REGEX_COST + 1;
                if (used > 0 || used == -ERANGE)
                        most = MAX(most, n);
                p += used > 0 ? used : 1;
        }
        *ret_end = *end ? end + 1 : end;
        return MIN(most, REGEX_COST + 1);
}

/*
 * How many states the C library makes of a pattern: it unrolls "+" and counts in braces, so that
 * nested ones double and multiply. Stops counting above REGEX_COST.
 */
static uint64_t regex_cost(const char *p)
{
        uint64_t group[REGEX_MAX + 1] = {0}; /* what is in each open group, without the last atom */
        uint64_t atom = 0;
        size_t depth = 0;
        while (*p && group[depth] + atom <= REGEX_COST) {
                if (*p == '{') {
                        atom *= read_count(p, &p);
                } else if (*p == '+') {
                        atom *= 2;
                        p++;
                } else if (*p == ')' && depth > 0) {
                        atom += group[depth--] + 1;
                        p++;
                } else if (*p == '*' || *p == '?') {
                        p++;
                } else {
                        group[depth] += atom;
                        atom = *p != '(';
                        if (*p == '(')
                                group[++depth] = 0;
                        if (*p == '[')
                                p = skip_bracket(p);
                        else
                                p += p[0] == '\\' && p[1] ? 2 : 1;
                }
        }
        for (; depth > 0; depth--)
                atom += group[depth];
        return atom + group[0];
}

/* The C library searches back references without a bound. */
static bool has_back_reference(const char *p)
{
        for (; *p; p++) {
                if (*p != '\\')
                        continue;
                if (p[1] >= '1' && p[1] <= '9')
                        return true;
                if (p[1])
                        p++;
        }
        return false;
}

/* NULL, or why a pattern that the C library would take is refused. */
static const char *regex_is_dear(const char *pattern)
{
        if (has_back_reference(pattern))
                return "back references are not supported";
        return regex_cost(pattern) > REGEX_COST ? "it repeats too often" : NULL;
}

static int compile(struct parser *ps, const char *where, struct term *t)
{
        if (strlen(t->text) > REGEX_MAX)
                return fail_at(ps, where,
                               xasprintf("a regular expression takes at most %d bytes", REGEX_MAX));
        const char *dear = regex_is_dear(t->text);
        if (dear)
                return fail_at(ps, where, xasprintf("bad regular expression: %s", dear));
        int r = regcomp(&t->regex, t->text, REG_EXTENDED | REG_NOSUB);
        if (r != 0) {
                char why[128];
                regerror(r, &t->regex, why, sizeof(why));
                return fail_at(ps, where, xasprintf("bad regular expression: %s", why));
        }
        t->has_regex = true;
        return 0;
}

#define OPS_EQUAL 1u << OP_EQ | 1u << OP_NE
#define OPS_ORDER 1u << OP_GT | 1u << OP_GE | 1u << OP_LT | 1u << OP_LE

/* Which operators go with which operand; the sentence says what would be right. */
static int check_op(struct parser *ps, const char *where, const struct term *t, const char *key)
{
        static const struct {
                const char *what, *right;
                unsigned allowed;
        } operands[] = {
                [OPERAND_TEXT] = {"a text", "=, != or ~", OPS_EQUAL | 1u << OP_MATCH},
                [OPERAND_DIGITS] = {"", "", OPS_EQUAL | OPS_ORDER | 1u << OP_MATCH},
                [OPERAND_NUMBER] = {"a number", "=, !=, <, <=, > or >=", OPS_EQUAL | OPS_ORDER},
                [OPERAND_BOOL] = {"true or false", "= or !=", OPS_EQUAL},
        };
        if (operands[t->operand].allowed & 1u << t->op)
                return 0;
        return fail_at(ps, where,
                       xasprintf("'%s' is %s: use %s", key, operands[t->operand].what,
                                 operands[t->operand].right));
}

static bool is_order(enum op op)
{
        return (OPS_ORDER)&1u << op;
}

/* Turns t->text into what is compared. */
static int parse_operand(struct parser *ps, const char *where, struct term *t, const char *key)
{
        if (t->op == OP_MATCH)
                return compile(ps, where, t);
        bool number = t->operand == OPERAND_NUMBER;
        if ((number || is_order(t->op)) && parse_number(t->column, t->text, &t->number) < 0)
                return fail_at(
                        ps, where,
                        xasprintf("'%s' is compared with a number, '%s' is none", key, t->text));
        if (t->operand == OPERAND_BOOL && parse_bool(t->text, &t->truth) < 0)
                return fail_at(ps, where,
                               xasprintf("'%s' is true or false, '%s' is neither", key, t->text));
        return 0;
}

/*
 * The table of columns does not say whether a plain column holds texts or digits, so there every
 * operator is let through; whether a text is greater than a number stays unknown.
 */
static enum operand operand_of(const struct column *col)
{
        switch (col->style) {
        case STYLE_TEXT:
                return OPERAND_DIGITS;
        case STYLE_TIME:
                return OPERAND_TEXT;
        case STYLE_BOOL:
                return OPERAND_BOOL;
        default:
                return OPERAND_NUMBER;
        }
}

static int parse_subject(struct parser *ps, const char *where, struct term *t, const char *key)
{
        const char *label = startswith(key, "label.");
        if (label) {
                if (!*label)
                        return fail_at(ps, where, xstrdup("the name of the label is missing"));
                t->subject = SUBJECT_LABEL;
                t->operand = OPERAND_TEXT;
                t->label = xstrdup(label);
                return 0;
        }
        t->column = column_find(key);
        if (!t->column)
                return fail_at(ps, where, xasprintf("unknown column '%s' (see -c help)", key));
        t->subject = SUBJECT_COLUMN;
        t->operand = operand_of(t->column);
        return 0;
}

/* key op value; ps->p stands on the operator, begin on the key. */
static int parse_comparison(struct parser *ps, const char *begin, struct term *t)
{
        _cleanup_free_ char *key = xstrndup(begin, (size_t)(ps->p - begin));
        const char *op_begin = ps->p;
        size_t op_len = 0;
        t->op = op_at(ps->p, &op_len);
        if (!*key)
                return fail_at(ps, begin, xstrdup("a column is missing before the operator"));
        int r = parse_subject(ps, begin, t, key);
        if (r < 0)
                return r;
        r = check_op(ps, op_begin, t, key);
        if (r < 0)
                return r;
        ps->p += op_len;
        const char *value = ps->p;
        r = parse_value(ps, &t->text);
        if (r < 0)
                return r;
        return parse_operand(ps, value, t, key);
}

static int parse_term_into(struct parser *ps, struct term *t)
{
        while (*ps->p == '!' && ps->p[1] != '=') {
                t->negated = !t->negated;
                ps->p++;
        }
        const char *begin = ps->p;
        if (is_quote(*begin))
                return parse_quoted(ps, &t->text);
        size_t op_len;
        while (*ps->p && !is_blank(*ps->p) && op_at(ps->p, &op_len) == OP_NONE)
                ps->p++;
        if (*ps->p && !is_blank(*ps->p))
                return parse_comparison(ps, begin, t);
        if (ps->p == begin)
                return fail_at(ps, begin, xstrdup("a term is missing after '!'"));
        t->text = xstrndup(begin, (size_t)(ps->p - begin));
        return 0;
}

static void term_done(struct term *t)
{
        free(t->label);
        free(t->text);
        if (t->has_regex)
                regfree(&t->regex);
}

static int parse_term(struct parser *ps)
{
        struct filter *f = ps->filter;
        struct term t = {.subject = SUBJECT_WORD, .alternative = ps->alternative};
        int r = parse_term_into(ps, &t);
        if (r < 0) {
                term_done(&t);
                return r;
        }
        grow(&f->terms, &f->cap, f->n_terms + 1, sizeof(f->terms[0]));
        f->terms[f->n_terms++] = t;
        return 0;
}

static int parse_alternative(struct parser *ps)
{
        skip_blanks(ps);
        if (!*ps->p)
                return fail_at(ps, ps->p,
                               xstrdup(ps->alternative ? "a term is missing after 'or'"
                                                       : "the filter is empty"));
        if (at_or(ps->p))
                return fail_at(ps, ps->p, xstrdup("a term is missing before 'or'"));
        while (*ps->p && !at_or(ps->p)) {
                int r = parse_term(ps);
                if (r < 0)
                        return r;
                skip_blanks(ps);
        }
        return 0;
}

static int parse_expression(struct parser *ps)
{
        if (strlen(ps->p) > EXPRESSION_MAX)
                return fail_at(ps, ps->p + EXPRESSION_MAX,
                               xasprintf("a filter takes at most %d bytes", EXPRESSION_MAX));
        for (;;) {
                int r = parse_alternative(ps);
                if (r < 0)
                        return r;
                if (!*ps->p)
                        return 0;
                ps->p += strlen("or");
                ps->alternative++;
        }
}

int filter_parse(const char *text, struct filter **ret, char **ret_error, size_t *ret_column)
{
        struct parser ps = {.start = text, .p = text, .filter = xcalloc(1, sizeof(struct filter))};
        int r = parse_expression(&ps);
        if (r < 0) {
                filter_free(ps.filter);
                *ret_error = ps.error;
                *ret_column = (size_t)(ps.fault - ps.start);
                return r;
        }
        *ret = ps.filter;
        return 0;
}

void filter_free(struct filter *f)
{
        if (!f)
                return;
        for (size_t i = 0; i < f->n_terms; i++)
                term_done(&f->terms[i]);
        free(f->terms);
        free(f);
}

/* --- matching ----------------------------------------------------------------------------------
 */

/* An image that is not known is an image that does not match: "!nginx" keeps what has none. */
static enum answer match_word(const struct term *t, const struct container *c)
{
        return answer(strcasestr(c->name, t->text) || (c->image && strcasestr(c->image, t->text)) ||
                      strncasecmp(c->id, t->text, strlen(t->text)) == 0);
}

static enum answer match_text(const struct term *t, const char *text)
{
        if (!text)
                return UNKNOWN;
        if (t->op == OP_MATCH)
                return answer(regexec(&t->regex, text, 0, NULL, 0) == 0);
        return answer(streq(text, t->text) == (t->op == OP_EQ));
}

static enum answer match_number(const struct term *t, double v)
{
        switch (t->op) {
        case OP_EQ:
                return answer(v == t->number);
        case OP_NE:
                return answer(v != t->number);
        case OP_GT:
                return answer(v > t->number);
        case OP_GE:
                return answer(v >= t->number);
        case OP_LT:
                return answer(v < t->number);
        case OP_LE:
                return answer(v <= t->number);
        default:
                return UNKNOWN;
        }
}

/* A pid, a uid or a text; digits are matched as they are printed. */
static enum answer match_plain(const struct term *t, const struct value *v)
{
        char digits[32];
        double number;
        if (v->type == VALUE_TEXT)
                return is_order(t->op) ? UNKNOWN : match_text(t, value_text(v));
        if (!value_number(v, &number))
                return UNKNOWN;
        if (is_order(t->op))
                return match_number(t, number);
        snprintf(digits, sizeof(digits), "%.0f", number);
        return match_text(t, digits);
}

static enum answer match_column(const struct term *t, const struct model *m,
                                const struct container *c)
{
        struct value v = t->column->get(m, c);
        double number;
        switch (t->operand) {
        case OPERAND_TEXT:
                return v.type == VALUE_TEXT ? match_text(t, value_text(&v)) : UNKNOWN;
        case OPERAND_DIGITS:
                return match_plain(t, &v);
        case OPERAND_NUMBER:
                return value_number(&v, &number) ? match_number(t, number) : UNKNOWN;
        case OPERAND_BOOL:
                return v.type == VALUE_BOOL ? answer((v.truth == t->truth) == (t->op == OP_EQ))
                                            : UNKNOWN;
        }
        return UNKNOWN;
}

static bool term_holds(const struct term *t, const struct model *m, const struct container *c)
{
        enum answer a = UNKNOWN;
        switch (t->subject) {
        case SUBJECT_WORD:
                a = match_word(t, c);
                break;
        case SUBJECT_COLUMN:
                a = match_column(t, m, c);
                break;
        case SUBJECT_LABEL:
                a = match_text(t, facts_label(&c->facts, t->label));
                break;
        }
        return a == (t->negated ? NO : YES);
}

bool filter_match(const struct filter *f, const struct model *m, const struct container *c)
{
        if (!f)
                return true;
        for (size_t i = 0; i < f->n_terms;) {
                size_t alternative = f->terms[i].alternative;
                bool all = true;
                for (; i < f->n_terms && f->terms[i].alternative == alternative; i++)
                        all = all && term_holds(&f->terms[i], m, c);
                if (all)
                        return true;
        }
        return false;
}

unsigned filter_wants(const struct filter *f)
{
        unsigned wants = 0;
        for (size_t i = 0; f && i < f->n_terms; i++)
                wants |= f->terms[i].subject == SUBJECT_COLUMN ? f->terms[i].column->wants
                                                               : WANT_NAMES;
        return wants;
}
