/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "app/who_internal.h"
#include "base/mem.h"
#include "kernel/holders.h"
#include "kernel/sockets.h"
#include "runtime/proxy.h"

#define SLICES_MAX 100000 /* of the scan of processes: a cursor that does not move must end too */
#define KNOWN_MAX  4096   /* holders that are looked at */

enum how { SAID_INSIDE, SAID_ON_HOST, SAID_PUBLISHED };

struct wait { /* a socket that waits on the port */
        uint64_t inode;
        const struct who_space *space; /* NULL: the host's */
};

struct process {
        struct holder held;
        struct leader leader;
        bool known;
        struct who_row *row; /* NULL: of the host */
};

struct lookup {
        struct who *w;
        uint16_t port;
        struct wait *waits;
        size_t n_waits, waits_cap;
        struct process *processes; /* one for each socket and holder of it */
        size_t n_processes, processes_cap;
        bool denied;
        const struct process *outsider; /* of the host, and holds it for nobody here */
};

/* --- sockets ---------------------------------------------------------------------------------- */

/* A namespace of which the inode is unknown may be one that was looked at before. */
static bool is_known(const struct lookup *l, uint64_t inode)
{
        for (size_t i = 0; inode && i < l->n_waits; i++)
                if (l->waits[i].inode == inode)
                        return true;
        return false;
}

static int listen_in(struct lookup *l, pid_t pid, const struct who_space *space)
{
        _cleanup_str_ struct str request = STR_INIT, reply = STR_INIT;
        wire_put_u64(&request, (uint64_t)pid);
        wire_put_u64(&request, l->port);
        int r = who_ask(l->w, JOB_LISTEN, &request, &reply);
        if (r < 0)
                return r;
        struct wire wire = who_wire(&reply);
        for (uint64_t n = wire_get_u64(&wire); n > 0 && wire_ok(&wire); n--) {
                struct listener one;
                wire_get_bytes(&wire, &one, sizeof(one));
                if (!wire_ok(&wire) || is_known(l, one.inode) || l->n_waits >= LISTEN_MAX)
                        continue;
                grow(&l->waits, &l->waits_cap, l->n_waits + 1, sizeof(*l->waits));
                l->waits[l->n_waits++] = (struct wait){.inode = one.inode, .space = space};
        }
        return 0;
}

/* The host's namespace is that of pid 1, which hidepid may hide: then our own. */
static void read_listeners(struct lookup *l)
{
        if (listen_in(l, 1, NULL) < 0)
                (void)listen_in(l, 0, NULL);
        for (size_t i = 0; i < l->w->n_spaces; i++)
                (void)listen_in(l, l->w->spaces[i].pid, &l->w->spaces[i]);
}

/* --- who holds them --------------------------------------------------------------------------- */

static void add_process(struct lookup *l, const struct holder *h)
{
        if (l->n_processes >= KNOWN_MAX)
                return;
        grow(&l->processes, &l->processes_cap, l->n_processes + 1, sizeof(*l->processes));
        struct process *p = &l->processes[l->n_processes++];
        *p = (struct process){.held = *h};
        leader_init(&p->leader);
        p->known = who_leader(l->w, h->pid, &p->leader) >= 0;
        p->row = p->known ? who_row_of(l->w, &p->leader) : NULL;
}

/* One slice of the scan; the next cursor, 0 at the end, or -errno. */
static int scan(struct lookup *l, pid_t cursor)
{
        _cleanup_str_ struct str request = STR_INIT, reply = STR_INIT;
        wire_put_u64(&request, (uint64_t)cursor);
        wire_put_u64(&request, l->n_waits);
        for (size_t i = 0; i < l->n_waits; i++)
                wire_put_u64(&request, l->waits[i].inode);
        int r = who_ask(l->w, JOB_HOLDERS, &request, &reply);
        if (r < 0)
                return r;
        struct wire wire = who_wire(&reply);
        pid_t next = (pid_t)wire_get_u64(&wire);
        l->denied |= wire_get_u64(&wire) > 0;
        for (uint64_t n = wire_get_u64(&wire); n > 0 && wire_ok(&wire); n--) {
                struct holder h;
                wire_get_bytes(&wire, &h, sizeof(h));
                if (wire_ok(&wire))
                        add_process(l, &h);
        }
        return next > cursor ? next : 0;
}

static void read_holders(struct lookup *l)
{
        int cursor = 0;
        for (int i = 0; l->n_waits && i < SLICES_MAX; i++) {
                cursor = scan(l, cursor);
                if (cursor <= 0)
                        return;
        }
}

/* --- published ports -------------------------------------------------------------------------- */

static const char *comm_of(const struct process *p)
{
        return p->leader.comm ? p->leader.comm : "a process";
}

/* A command line is what its process says of itself: it may speak for root's containers if it is
 * root's, for a user's if it is that user's. */
static bool may_speak(const struct process *p, const struct who_row *row)
{
        const struct leader *l = &p->leader;
        return p->known && l->status_known && (l->uid == 0 || l->uid == row->c->owner_uid);
}

static const struct port *published(const struct who_row *row, uint16_t port)
{
        const struct facts *f = &row->c->facts;
        for (size_t i = 0; i < f->n_ports; i++)
                if (f->ports[i].host_port == port)
                        return &f->ports[i];
        return NULL;
}

static bool say_published(struct lookup *l, struct who_row *row, const struct process *p)
{
        if (!may_speak(p, row))
                return false;
        who_say(l->w, row, SAID_PUBLISHED, ":%u is published by %s (%s pid %d)", l->port,
                row->c->name, comm_of(p), (int)p->held.pid);
        return true;
}

/* Those that live in a marked network namespace; of these, when some are known to publish the port,
 * only they: a namespace may be shared, and an address may be in use behind two bridges. */
static bool say_marked(struct lookup *l, const bool *marked, const struct process *p)
{
        bool any = false;
        for (int only = 1; only >= 0 && !any; only--)
                for (size_t i = 0; i < l->w->n_rows; i++) {
                        struct who_row *row = &l->w->rows[i];
                        if (only && !published(row, l->port))
                                continue;
                        for (size_t k = 0; k < l->w->n_spaces; k++)
                                if (marked[k] && who_in_space(row, &l->w->spaces[k]))
                                        any |= say_published(l, row, p);
                }
        return any;
}

static bool by_address(struct lookup *l, const struct process *p, const char *text)
{
        struct address address;
        _cleanup_free_ bool *marked = xcalloc(l->w->n_spaces + 1, sizeof(*marked));
        if (address_parse(text, &address) < 0)
                return false;
        for (size_t i = 0; i < l->w->n_spaces; i++) {
                _cleanup_str_ struct str request = STR_INIT, reply = STR_INIT;
                wire_put_u64(&request, (uint64_t)l->w->spaces[i].pid);
                wire_put_bytes(&request, &address, sizeof(address));
                int r = who_ask(l->w, JOB_ADDRESS, &request, &reply);
                struct wire wire = who_wire(&reply);
                marked[i] = r >= 0 && wire_get_u64(&wire) == 1;
        }
        return say_marked(l, marked, p);
}

static bool by_id(struct lookup *l, const struct process *p, const char *id)
{
        bool any = false;
        for (size_t i = 0; i < l->w->n_rows; i++)
                if (streq(l->w->rows[i].c->id, id))
                        any |= say_published(l, &l->w->rows[i], p);
        return any;
}

static bool by_reach(struct lookup *l, const struct process *p)
{
        _cleanup_str_ struct str reply = STR_INIT;
        _cleanup_free_ bool *marked = xcalloc(l->w->n_spaces + 1, sizeof(*marked));
        if (who_ask_pid(l->w, JOB_REACH, p->held.pid, &reply) < 0)
                return false;
        struct wire wire = who_wire(&reply);
        for (uint64_t n = wire_get_u64(&wire); n > 0 && wire_ok(&wire); n--) {
                uint64_t inode = wire_get_u64(&wire);
                for (size_t i = 0; inode && i < l->w->n_spaces; i++)
                        marked[i] |= l->w->spaces[i].inode == inode;
        }
        return say_marked(l, marked, p);
}

/* A helper of an engine that holds the port for a container. */
static bool say_helper(struct lookup *l, const struct process *p)
{
        _cleanup_str_ struct str reply = STR_INIT;
        struct docker_proxy proxy;
        if (who_ask_pid(l->w, JOB_COMMAND, p->held.pid, &reply) < 0)
                return false;
        struct wire wire = who_wire(&reply);
        uint64_t n = wire_get_u64(&wire);
        if (!wire_ok(&wire) || n > (uint64_t)(wire.end - wire.p))
                return false;
        if (docker_proxy_parse(wire.p, n, &proxy) >= 0)
                return by_address(l, p, proxy.container_ip);
        _cleanup_free_ char *id = conmon_container(wire.p, n);
        if (id)
                return by_id(l, p, id);
        return is_port_forwarder(wire.p, n) && by_reach(l, p);
}

static void say_configured(struct lookup *l)
{
        for (size_t i = 0; i < l->w->n_rows; i++) {
                struct who_row *row = &l->w->rows[i];
                const struct port *port = published(row, l->port);
                if (!port || row->said & 1u << SAID_PUBLISHED)
                        continue;
                who_say(l->w, row, SAID_PUBLISHED,
                        ":%u is published by %s (its port %u/%s, as %s "
                        "keeps it on disk)",
                        l->port, row->c->name, port->container_port, port->protocol,
                        runtime_names[row->c->runtime]);
        }
}

/* --- answers ---------------------------------------------------------------------------------- */

static void say_holder(struct lookup *l, const struct wait *s, struct process *p)
{
        const char *name = p->row->c->name, *comm = comm_of(p);
        int pid = (int)p->held.pid;
        if (s->space)
                who_say(l->w, p->row, SAID_INSIDE, ":%u is listened on inside %s (%s pid %d)",
                        l->port, name, comm, pid);
        else
                who_say(l->w, p->row, SAID_ON_HOST,
                        ":%u is listened on by %s (%s pid %d, in the host's network)", l->port,
                        name, comm, pid);
}

/* Rootless helpers live in a sandbox of their engine's making, which is not the answer. */
static bool may_help(const struct process *p)
{
        return !p->row || p->row->c->kind == KIND_SANDBOX;
}

/* True when any process that holds the socket is in a row, or holds it for one. */
static bool say_holders(struct lookup *l, const struct wait *s)
{
        bool any = false;
        for (size_t i = 0; s->inode && i < l->n_processes; i++) {
                struct process *p = &l->processes[i];
                if (p->held.inode != s->inode)
                        continue;
                if (!s->space && may_help(p) && say_helper(l, p))
                        any = true;
                else if (p->row)
                        say_holder(l, s, p);
                else if (!s->space)
                        l->outsider = p;
                any |= p->row != NULL;
        }
        return any;
}

/* Nobody in a row holds it, or that may not be seen: it belongs to whoever lives there. */
static void say_space(struct lookup *l, const struct who_space *space)
{
        for (size_t i = 0; i < l->w->n_rows; i++)
                if (who_in_space(&l->w->rows[i], space))
                        who_say(l->w, &l->w->rows[i], SAID_INSIDE,
                                ":%u is listened on in the network namespace of %s", l->port,
                                l->w->rows[i].c->name);
}

static void say_nothing(const struct lookup *l)
{
        if (l->outsider)
                who_nothing(l->w, ":%u is listened on by %s (pid %d), which is not in a container",
                            l->port, comm_of(l->outsider), (int)l->outsider->held.pid);
        else if (l->n_waits && l->denied)
                who_nothing(l->w,
                            ":%u is listened on by a process that you may not look into (root "
                            "may), and no container is known to publish it",
                            l->port);
        else if (l->n_waits)
                who_nothing(l->w, ":%u is listened on by no process that can be seen", l->port);
        else
                who_nothing(l->w, "nothing listens on :%u, and no container publishes it", l->port);
}

void who_port(struct who *w, uint16_t port)
{
        struct lookup l = {.w = w, .port = port};
        read_listeners(&l);
        read_holders(&l);
        for (size_t i = 0; i < l.n_waits; i++) {
                const struct wait *s = &l.waits[i];
                if (!say_holders(&l, s) && s->space)
                        say_space(&l, s->space);
        }
        say_configured(&l);
        if (!w->n_found && !w->s.stop)
                say_nothing(&l);
        for (size_t i = 0; i < l.n_processes; i++)
                leader_done(&l.processes[i].leader);
        free(l.processes);
        free(l.waits);
}
