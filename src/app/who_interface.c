/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "app/who_internal.h"
#include "base/mem.h"

/* One end inside: every row that lives in that network namespace. */
static void say_end(struct who *w, const struct who_space *space, bool bridge, const char *port,
                    const char *inside)
{
        for (size_t i = 0; i < w->n_rows; i++) {
                struct who_row *row = &w->rows[i];
                if (!who_in_space(row, space))
                        continue;
                row->said = 0; /* a container may be behind a bridge more than once */
                if (bridge && inside)
                        who_say(w, row, 0, "%s leads to %s of %s (through %s)", w->name, inside,
                                row->c->name, port);
                else if (bridge)
                        who_say(w, row, 0, "%s leads into %s (through %s)", w->name, row->c->name,
                                port);
                else if (inside)
                        who_say(w, row, 0, "%s is %s of %s", w->name, inside, row->c->name);
                else
                        who_say(w, row, 0, "%s leads into %s", w->name, row->c->name);
        }
}

static void say_ends(struct who *w, struct wire *reply)
{
        bool bridge = wire_get_u64(reply);
        while (wire_get_u64(reply) == 1 && wire_ok(reply)) {
                uint64_t i = wire_get_u64(reply);
                _cleanup_free_ char *port = str_clean_z(wire_get_str(reply));
                _cleanup_free_ char *inside = str_clean_z(wire_get_str(reply));
                if (wire_ok(reply) && i < w->n_spaces && port)
                        say_end(w, &w->spaces[i], bridge, port, inside);
        }
        if (!w->n_found)
                who_nothing(w,
                            bridge ? "%s is a bridge that leads into no container"
                                   : "%s does not lead into a container",
                            w->name);
}

void who_interface(struct who *w)
{
        _cleanup_str_ struct str request = STR_INIT, reply = STR_INIT;
        wire_put_str(&request, w->s.o->who);
        wire_put_u64(&request, w->n_spaces);
        for (size_t i = 0; i < w->n_spaces; i++)
                wire_put_u64(&request, (uint64_t)w->spaces[i].pid);
        int r = who_ask(w, JOB_LINK, &request, &reply);
        struct wire wire = who_wire(&reply);
        if (r >= 0)
                say_ends(w, &wire);
        else if (r == -ENODEV)
                who_nothing(w, "there is no interface %s", w->name);
        else
                (void)session_fail(&w->s, EXIT_FAILED, "cannot ask for that interface",
                                   strerror(-r));
}
