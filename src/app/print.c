/* SPDX-License-Identifier: MIT */
#include "app/print.h"

#include <errno.h>

#define ONCE_DELAY  0.5
#define BATCH_DELAY 1.0

struct printer {
        struct session s;
        double delay;
        size_t last_rows;
};

static int print(struct printer *p)
{
        struct rows rows;
        order_rows(p->s.model, &p->s.order, &rows);
        int r = session_print(&p->s, "", &rows);
        p->last_rows = rows.n;
        rows_done(&rows);
        return r;
}

static void no_snapshot(struct printer *p, int error)
{
        (void)session_fail(&p->s, EXIT_FAILED, "cannot take a snapshot", strerror(-error));
}

static void once(struct printer *p)
{
        int r = session_tick(&p->s, false, true);
        if (r >= 0 && p->delay > 0)
                r = session_second(&p->s, p->delay);
        if (r < 0)
                no_snapshot(p, r);
        else if (!p->s.stop)
                (void)print(p);
}

static void batch(struct printer *p)
{
        struct session *s = &p->s;
        int r = session_tick(s, false, true);
        uint64_t step = (uint64_t)(p->delay * 1e6), due = session_now();
        while (r >= 0 && !s->stop && (!s->o->iterations || s->printed < s->o->iterations)) {
                due = MAX(due + step, session_now()); /* no drift, and no hurry after a stall */
                if (!s->root.n_steps)
                        session_run_until(s, due, false);
                r = s->stop ? 0 : session_tick(s, true, s->root.fixture);
                if (r >= 0 && !s->stop)
                        r = print(p);
        }
        if (r < 0 && r != -ENODATA && s->status == EXIT_DONE)
                no_snapshot(p, r);
}

static int status_of(const struct printer *p)
{
        const struct options *o = p->s.o;
        if (p->s.status != EXIT_DONE || o->mode != MODE_ONCE)
                return p->s.status;
        if (o->fail_if_any)
                return p->last_rows ? EXIT_FOUND : EXIT_DONE;
        return p->s.filter && !p->last_rows ? EXIT_NOTHING : EXIT_DONE;
}

int print_run(const struct options *o)
{
        struct printer p = {0};
        bool is_once = o->mode == MODE_ONCE;
        p.delay = o->delay >= 0 ? o->delay : is_once ? ONCE_DELAY : BATCH_DELAY;
        if (session_open(&p.s, o) >= 0) {
                if (is_once)
                        once(&p);
                else
                        batch(&p);
        }
        session_close(&p.s);
        return status_of(&p);
}
