/* SPDX-License-Identifier: MIT */
#include "app/print.h"

#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <time.h>

#include "app/collect.h"
#include "app/demo.h"
#include "base/mem.h"
#include "report/report.h"

#define SETTLE_USEC UINT64_C(2500000) /* a reader that hangs is replaced after 2 s */
#define ONCE_DELAY  0.5
#define BATCH_DELAY 1.0

struct printer {
        const struct options *o;
        struct root root;
        struct demo *demo;
        struct collector *collector;
        struct model *model;
        struct filter *filter;
        struct order order;
        const struct column **columns;
        size_t n_columns;
        report_fn report;
        sd_event *event;
        double delay;
        uint64_t next_usec; /* when the next snapshot is due */
        unsigned long printed;
        size_t last_rows;
        bool stop;
        int status;
};

static int fail(struct printer *p, int status, const char *what, const char *why)
{
        fprintf(stderr, "ctop-c: %s%s%s\n", what, why ? ": " : "", why ? why : "");
        p->status = status;
        return -EINVAL;
}

/* --- what was asked for -------------------------------------------------------------------------
 */

/* The expression again, with a mark below the fault; control characters are not echoed. */
static int bad_filter(struct printer *p, const char *error, size_t column)
{
        _cleanup_free_ char *clean = str_clean_z(p->o->filter);
        fprintf(stderr, "ctop-c: bad filter: %s\n  %s\n  %*s^\n", error, clean, (int)column, "");
        p->status = EXIT_USAGE;
        return -EINVAL;
}

static int parse_texts(struct printer *p)
{
        _cleanup_free_ char *error = NULL;
        size_t column = 0;
        const struct options *o = p->o;
        p->order = (struct order){
                .all = o->all, .services = o->services, .tree = o->tree, .descending = true};
        if (o->filter && filter_parse(o->filter, &p->filter, &error, &column) < 0)
                return bad_filter(p, error, column);
        p->order.filter = p->filter;
        if (o->sort && order_parse_sort(o->sort, &p->order, &error) < 0)
                return fail(p, EXIT_USAGE, error, NULL);
        if (o->columns && columns_parse(o->columns, &p->columns, &p->n_columns, &error) < 0)
                return fail(p, EXIT_USAGE, error, NULL);
        return 0;
}

static unsigned wants(const struct printer *p)
{
        unsigned w = report_wants(p->o->format, p->columns, p->n_columns);
        w |= filter_wants(p->filter);
        return w | (p->order.sort ? p->order.sort->wants : WANT_CPU);
}

static const char *note(void *userdata, const char *comm)
{
        struct printer *p = userdata;
        return p->demo && comm ? demo_note(p->demo, comm) : NULL;
}

/* --- start and end
 * --------------------------------------------------------------------------------- */

static int open_root(struct printer *p)
{
        char what[512];
        int r = root_open(&p->root, p->o->sysroot);
        if (r >= 0)
                return 0;
        snprintf(what, sizeof(what), "cannot use sysroot '%s'",
                 p->o->sysroot ? p->o->sysroot : "/");
        return fail(p, EXIT_FAILED, what,
                    r == -ENODATA ? "it has neither proc nor sys in it" : strerror(-r));
}

static int start_demo(struct printer *p)
{
        _cleanup_free_ char *error = NULL;
        if (!p->o->demo || demo_start(&p->root, &p->demo, &error) >= 0)
                return 0;
        return fail(p, EXIT_FAILED, "the demo does not start", error);
}

static int on_signal(sd_event_source *s, const struct signalfd_siginfo *si, void *userdata)
{
        struct printer *p = userdata;
        (void)s;
        (void)si;
        p->stop = true;
        return 0;
}

static int open_loop(struct printer *p)
{
        static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
        int r = sd_event_new(&p->event);
        for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(signals); i++)
                r = sd_event_add_signal(p->event, NULL, signals[i], on_signal, p);
        return r < 0 ? fail(p, EXIT_FAILED, "no event loop", strerror(-r)) : 0;
}

/* Blocked before anything is forked, so that no signal falls between. */
static void block_signals(void)
{
        sigset_t set;
        sigemptyset(&set);
        sigaddset(&set, SIGINT);
        sigaddset(&set, SIGTERM);
        sigaddset(&set, SIGHUP);
        sigprocmask(SIG_BLOCK, &set, NULL);
}

static int start(struct printer *p)
{
        p->report = report_find(p->o->format);
        p->model = model_new();
        if (parse_texts(p) < 0 || open_root(p) < 0)
                return -EINVAL;
        block_signals();
        if (start_demo(p) < 0)
                return -EINVAL;
        struct collect_options co = {.wants = wants(p),
                                     .once = p->o->mode == MODE_ONCE,
                                     .services = p->o->services,
                                     .note = note,
                                     .userdata = p};
        int r = collector_new(&p->root, &co, &p->collector);
        if (r < 0)
                return fail(p, EXIT_FAILED, "cannot look at this host", strerror(-r));
        if (open_loop(p) < 0)
                return -EINVAL;
        r = collector_attach(p->collector, p->event);
        return r < 0 ? fail(p, EXIT_FAILED, "no event loop", strerror(-r)) : 0;
}

static void finish(struct printer *p)
{
        collector_free(p->collector);
        sd_event_unref(p->event);
        demo_stop(p->demo);
        model_free(p->model);
        filter_free(p->filter);
        free(p->columns);
        root_close(&p->root);
}

/* --- ticks
 * -------------------------------------------------------------------------------------------- */

static uint64_t real_now(void)
{
        struct timespec t;
        clock_gettime(CLOCK_MONOTONIC, &t);
        return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* Lets events in until the deadline, a stop, or (settle) until all questions are answered. */
static void run_until(struct printer *p, uint64_t deadline, bool settle)
{
        for (uint64_t now = real_now(); !p->stop && now < deadline; now = real_now()) {
                if (settle && collect_settled(p->collector))
                        return;
                if (sd_event_run(p->event, deadline - now) < 0)
                        return;
        }
}

/* settle: wait for the leaders and names of what was just found, as a snapshot has only one chance.
 */
static int tick(struct printer *p, bool advance, bool settle)
{
        struct snapshot s;
        int r = collect_begin(p->collector, advance);
        if (r < 0)
                return r;
        while (collect_walk(p->collector))
                (void)sd_event_run(p->event, 0);
        if (settle)
                run_until(p, real_now() + SETTLE_USEC, true);
        while (collect_some(p->collector))
                (void)sd_event_run(p->event, 0);
        collect_end(p->collector, &s);
        model_apply(p->model, &s);
        return 0;
}

static unsigned terminal_width(void)
{
        struct winsize w;
        return isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0 ? w.ws_col : 0;
}

static bool use_color(const struct options *o)
{
        const char *no = getenv("NO_COLOR"), *term = getenv("TERM");
        return !o->no_color && !(no && *no) && isatty(STDOUT_FILENO) && term &&
               !streq(term, "dumb");
}

static int write_all(const char *text, size_t n)
{
        while (n > 0) {
                ssize_t w = write(STDOUT_FILENO, text, n);
                if (w < 0 && errno == EINTR)
                        continue;
                if (w < 0)
                        return -errno;
                text += w;
                n -= (size_t)w;
        }
        return 0;
}

static int print(struct printer *p)
{
        _cleanup_str_ struct str out = STR_INIT;
        struct rows rows;
        order_rows(p->model, &p->order, &rows);
        struct report r = {.model = p->model,
                           .rows = &rows,
                           .columns = p->columns,
                           .n_columns = p->n_columns,
                           .width = terminal_width(),
                           .ascii = p->o->ascii || !streq(nl_langinfo(CODESET), "UTF-8"),
                           .color = use_color(p->o),
                           .chosen = p->columns != NULL,
                           .first = p->printed == 0};
        if (p->printed && streq(p->o->format, "table"))
                str_addc(&out, '\n');
        p->report(&r, &out);
        p->last_rows = rows.n;
        rows_done(&rows);
        p->printed++;
        int e = write_all(str_get(&out), out.len);
        return e < 0 ? fail(p, EXIT_FAILED, "cannot write", strerror(-e)) : 0;
}

static void once(struct printer *p)
{
        int r = tick(p, false, true);
        bool more = p->delay > 0 && !p->stop && r >= 0;
        if (more && !p->root.n_steps)
                run_until(p, real_now() + (uint64_t)(p->delay * 1e6), false);
        if (more && !p->stop) {
                r = tick(p, true, p->root.fixture);
                r = r == -ENODATA ? 0 : r; /* a fixture of one step: one sample */
        }
        if (r < 0)
                (void)fail(p, EXIT_FAILED, "cannot take a snapshot", strerror(-r));
        else if (!p->stop)
                (void)print(p);
}

static void batch(struct printer *p)
{
        int r = tick(p, false, true);
        uint64_t step = (uint64_t)(p->delay * 1e6), due = real_now();
        while (r >= 0 && !p->stop && (!p->o->iterations || p->printed < p->o->iterations)) {
                due = MAX(due + step, real_now()); /* no drift, and no hurry after a stall */
                if (!p->root.n_steps)
                        run_until(p, due, false);
                r = p->stop ? 0 : tick(p, true, p->root.fixture);
                if (r >= 0 && !p->stop)
                        r = print(p);
        }
        if (r < 0 && r != -ENODATA && p->status == EXIT_DONE)
                (void)fail(p, EXIT_FAILED, "cannot take a snapshot", strerror(-r));
}

static int status_of(const struct printer *p)
{
        if (p->status != EXIT_DONE || p->o->mode != MODE_ONCE)
                return p->status;
        if (p->o->fail_if_any)
                return p->last_rows ? EXIT_FOUND : EXIT_DONE;
        return p->filter && !p->last_rows ? EXIT_NOTHING : EXIT_DONE;
}

int print_run(const struct options *o)
{
        struct printer p = {.o = o, .root = ROOT_INIT};
        bool is_once = o->mode == MODE_ONCE;
        p.delay = o->delay >= 0 ? o->delay : is_once ? ONCE_DELAY : BATCH_DELAY;
        if (start(&p) >= 0) {
                if (is_once)
                        once(&p);
                else
                        batch(&p);
        }
        finish(&p);
        return status_of(&p);
}
