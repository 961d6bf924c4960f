/* SPDX-License-Identifier: MIT */
#include "app/session.h"

#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <time.h>

#include "app/demo.h"
#include "base/mem.h"

#define SETTLE_USEC UINT64_C(2500000) /* a reader that hangs is replaced after 2 s */

int session_fail(struct session *s, enum exit_status status, const char *what, const char *why)
{
        fprintf(stderr, "ctop-c: %s%s%s\n", what, why ? ": " : "", why ? why : "");
        s->status = status;
        return -EINVAL;
}

/* --- what was asked for ---------------------------------------------------------------------- */

/* The expression again, with a mark below the fault; control characters are not echoed. */
static int bad_filter(struct session *s, const char *error, size_t column)
{
        _cleanup_free_ char *clean = str_clean_z(s->o->filter);
        fprintf(stderr, "ctop-c: bad filter: %s\n  %s\n  %*s^\n", error, clean, (int)column, "");
        s->status = EXIT_USAGE;
        return -EINVAL;
}

static int parse_texts(struct session *s)
{
        _cleanup_free_ char *error = NULL;
        size_t column = 0;
        const struct options *o = s->o;
        s->order = (struct order){
                .all = o->all, .services = o->services, .tree = o->tree, .descending = true};
        if (o->filter && filter_parse(o->filter, &s->filter, &error, &column) < 0)
                return bad_filter(s, error, column);
        s->order.filter = s->filter;
        if (o->sort && order_parse_sort(o->sort, &s->order, &error) < 0)
                return session_fail(s, EXIT_USAGE, error, NULL);
        if (o->columns && columns_parse(o->columns, &s->columns, &s->n_columns, &error) < 0)
                return session_fail(s, EXIT_USAGE, error, NULL);
        return 0;
}

static unsigned wants(const struct session *s)
{
        unsigned w = report_wants(s->o->format, s->columns, s->n_columns);
        w |= filter_wants(s->filter);
        return w | (s->order.sort ? s->order.sort->wants : WANT_CPU);
}

static const char *note(void *userdata, const char *comm)
{
        struct session *s = userdata;
        return s->demo && comm ? demo_note(s->demo, comm) : NULL;
}

/* --- start and end ---------------------------------------------------------------------------- */

static int open_root(struct session *s)
{
        char what[512];
        int r = root_open(&s->root, s->o->sysroot);
        if (r >= 0)
                return 0;
        snprintf(what, sizeof(what), "cannot use sysroot '%s'",
                 s->o->sysroot ? s->o->sysroot : "/");
        return session_fail(s, EXIT_FAILED, what,
                            r == -ENODATA ? "it has neither proc nor sys in it" : strerror(-r));
}

static int start_demo(struct session *s)
{
        _cleanup_free_ char *error = NULL;
        if (!s->o->demo || demo_start(&s->root, &s->demo, &error) >= 0)
                return 0;
        return session_fail(s, EXIT_FAILED, "the demo does not start", error);
}

static int on_signal(sd_event_source *source, const struct signalfd_siginfo *si, void *userdata)
{
        struct session *s = userdata;
        (void)source;
        (void)si;
        s->stop = true;
        return 0;
}

static int open_loop(struct session *s)
{
        static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
        int r = sd_event_new(&s->event);
        for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(signals); i++)
                r = sd_event_add_signal(s->event, NULL, signals[i], on_signal, s);
        return r < 0 ? session_fail(s, EXIT_FAILED, "no event loop", strerror(-r)) : 0;
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

int session_open(struct session *s, const struct options *o)
{
        *s = (struct session){.o = o, .root = ROOT_INIT};
        s->report = report_find(s->o->format);
        s->model = model_new();
        if (parse_texts(s) < 0 || open_root(s) < 0)
                return -EINVAL;
        block_signals();
        if (start_demo(s) < 0)
                return -EINVAL;
        struct collect_options co = {.wants = wants(s),
                                     .once = s->o->mode != MODE_BATCH,
                                     .services = s->o->services,
                                     .note = note,
                                     .userdata = s};
        int r = collector_new(&s->root, &co, &s->collector);
        if (r < 0)
                return session_fail(s, EXIT_FAILED, "cannot look at this host", strerror(-r));
        if (open_loop(s) < 0)
                return -EINVAL;
        r = collector_attach(s->collector, s->event);
        return r < 0 ? session_fail(s, EXIT_FAILED, "no event loop", strerror(-r)) : 0;
}

void session_close(struct session *s)
{
        collector_free(s->collector);
        sd_event_unref(s->event);
        demo_stop(s->demo);
        model_free(s->model);
        filter_free(s->filter);
        free(s->columns);
        root_close(&s->root);
}

/* --- ticks ------------------------------------------------------------------------------------ */

uint64_t session_now(void)
{
        struct timespec t;
        clock_gettime(CLOCK_MONOTONIC, &t);
        return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

void session_run_until(struct session *s, uint64_t deadline, bool settle)
{
        for (uint64_t now = session_now(); !s->stop && now < deadline; now = session_now()) {
                if (settle && collect_settled(s->collector))
                        return;
                if (sd_event_run(s->event, deadline - now) < 0)
                        return;
        }
}

int session_tick(struct session *s, bool advance, bool settle)
{
        int r = collect_begin(s->collector, advance);
        if (r < 0)
                return r;
        while (collect_walk(s->collector))
                (void)sd_event_run(s->event, 0);
        if (settle)
                session_run_until(s, session_now() + SETTLE_USEC, true);
        while (collect_some(s->collector))
                (void)sd_event_run(s->event, 0);
        collect_end(s->collector, &s->snapshot);
        model_apply(s->model, &s->snapshot);
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

int session_second(struct session *s, double delay)
{
        if (!s->root.n_steps)
                session_run_until(s, session_now() + (uint64_t)(delay * 1e6), false);
        if (s->stop)
                return 0;
        int r = session_tick(s, true, s->root.fixture);
        return r == -ENODATA ? 0 : r;
}

int session_print(struct session *s, const char *lead, const struct rows *rows)
{
        _cleanup_str_ struct str out = STR_INIT;
        struct report r = {.model = s->model,
                           .rows = rows,
                           .columns = s->columns,
                           .n_columns = s->n_columns,
                           .width = terminal_width(),
                           .ascii = s->o->ascii || !streq(nl_langinfo(CODESET), "UTF-8"),
                           .color = use_color(s->o),
                           .chosen = s->columns != NULL,
                           .first = s->printed == 0};
        if (s->printed && streq(s->o->format, "table"))
                str_addc(&out, '\n');
        str_add(&out, lead);
        s->report(&r, &out);
        s->printed++;
        int e = write_all(str_get(&out), out.len);
        return e < 0 ? session_fail(s, EXIT_FAILED, "cannot write", strerror(-e)) : 0;
}
