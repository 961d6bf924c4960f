/* SPDX-License-Identifier: MIT */
#include "app/who.h"

#include <errno.h>
#include <inttypes.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>

#include "app/who_internal.h"
#include "base/mem.h"

#define PID_MAX_LIMIT (4 * 1024 * 1024) /* linux/threads.h */
#define WHO_DELAY     0.5
#define NAP_USEC      UINT64_C(1000000)

/* --- what was asked --------------------------------------------------------------------------- */

static int parse_number(const char *text, uint64_t max, unsigned *ret)
{
        uint64_t v;
        size_t n = strlen(text);
        if (parse_u64(text, text + n, &v) != (int)n || v == 0 || v > max)
                return -EINVAL;
        *ret = (unsigned)v;
        return 0;
}

/* What the kernel takes as a name, less what looks like an option. net/core/dev.c, dev_valid_name()
 */
static bool is_interface_name(const char *text)
{
        size_t n = strlen(text);
        return n > 0 && n < IFNAMSIZ && text[0] != '-' && !streq(text, ".") && !streq(text, "..") &&
               text[strcspn(text, "/: \t\n\v\f\r")] == '\0';
}

int who_parse(const char *text, enum who_kind *ret_kind, unsigned *ret_number)
{
        *ret_number = 0;
        *ret_kind = text[0] == ':'                             ? WHO_PORT
                    : text[strspn(text, "0123456789")] == '\0' ? WHO_PID
                                                               : WHO_INTERFACE;
        switch (*ret_kind) {
        case WHO_PORT:
                return parse_number(text + 1, UINT16_MAX, ret_number);
        case WHO_PID:
                return parse_number(text, PID_MAX_LIMIT, ret_number);
        case WHO_INTERFACE:
                break;
        }
        return is_interface_name(text) ? 0 : -EINVAL;
}

/* --- asking the reader ------------------------------------------------------------------------ */

struct answer {
        bool done;
        int status;
        struct str *reply;
};

static void on_answer(void *userdata, int status, struct wire *reply)
{
        struct answer *a = userdata;
        a->done = true;
        a->status = status;
        str_addn(a->reply, reply->p, (size_t)(reply->end - reply->p));
}

static int on_readable(sd_event_source *s, int fd, uint32_t revents, void *userdata)
{
        struct who *w = userdata;
        (void)s;
        (void)fd;
        (void)revents;
        (void)reader_dispatch(w->reader, session_now());
        return 0;
}

int who_ask(struct who *w, enum job job, const struct str *request, struct str *reply)
{
        struct answer a = {.reply = reply};
        str_clear(reply);
        if (w->s.stop)
                return -ECANCELED;
        int id = reader_ask(w->reader, job, str_get(request), request->len, on_answer, &a);
        if (id < 0)
                return id;
        (void)reader_dispatch(w->reader, session_now());
        while (!a.done && !w->s.stop) {
                uint64_t now = session_now(), until = reader_deadline(w->reader);
                uint64_t wait = until > now ? MIN(until - now, NAP_USEC) : 0;
                if (sd_event_run(w->s.event, wait) < 0)
                        break;
                (void)reader_dispatch(w->reader, session_now());
        }
        if (a.done)
                return a.status;
        reader_cancel(w->reader, id);
        return -ECANCELED;
}

int who_ask_pid(struct who *w, enum job job, pid_t pid, struct str *reply)
{
        _cleanup_str_ struct str request = STR_INIT;
        wire_put_u64(&request, (uint64_t)pid);
        return who_ask(w, job, &request, reply);
}

int who_leader(struct who *w, pid_t pid, struct leader *ret)
{
        _cleanup_str_ struct str reply = STR_INIT;
        int r = who_ask_pid(w, JOB_PROCESS, pid, &reply);
        if (r < 0)
                return r;
        struct wire wire = who_wire(&reply);
        return leader_unpack(&wire, ret);
}

/* --- rows ------------------------------------------------------------------------------------- */

/* The namespace of a row when it is known and not the host's; 0. */
static uint64_t private_ns(const struct who_row *row, enum ns_type type)
{
        const struct isolation *i = &row->c->isolation;
        return i->host_ns_known[type] && !i->host_ns[type] ? i->ns.inode[type] : 0;
}

bool who_in_space(const struct who_row *row, const struct who_space *space)
{
        if (row->guest)
                return false;
        if (!space->inode)
                return row->c->pid == space->pid;
        return private_ns(row, NS_NET) == space->inode;
}

/* What makes the row one: the first of its namespaces that is its own. */
static bool is_made_of(const struct who_row *row, enum ns_type type)
{
        for (enum ns_type t = NS_PID; t < type; t++)
                if (private_ns(row, t))
                        return false;
        return true;
}

/* Somebody entered a namespace of a container and is a row by that alone: the container is the
 * answer. */
static bool is_guest(const struct who *w, const struct who_row *row)
{
        enum ns_type type = NS_MNT;
        while (type <= NS_USER && !private_ns(row, type))
                type++;
        if (row->cgroup || type > NS_USER || !is_made_of(row, type))
                return false;
        for (size_t i = 0; i < w->n_rows; i++)
                if (private_ns(&w->rows[i], type) == private_ns(row, type) &&
                    (w->rows[i].cgroup || !is_made_of(&w->rows[i], type)))
                        return true;
        return false;
}

static void add_space(struct who *w, const struct who_row *row)
{
        const struct isolation *i = &row->c->isolation;
        bool host = i->host_ns_known[NS_NET] && i->host_ns[NS_NET];
        if (host || row->guest || row->c->pid <= 0)
                return;
        struct who_space space = {.inode = private_ns(row, NS_NET), .pid = row->c->pid};
        for (size_t k = 0; k < w->n_spaces && space.inode; k++)
                if (w->spaces[k].inode == space.inode)
                        return;
        w->spaces[w->n_spaces++] = space;
}

/* Copies what is needed: struct seen does not outlive the next turn of the loop. */
static void take_rows(struct who *w)
{
        const struct snapshot *s = &w->s.snapshot;
        w->rows = xcalloc(s->n_seen + 1, sizeof(*w->rows));
        w->spaces = xcalloc(s->n_seen + 1, sizeof(*w->spaces));
        for (size_t i = 0; i < s->n_seen; i++) {
                const struct seen *seen = s->seen[i];
                _cleanup_free_ char *key =
                        xasprintf("local/%s/%" PRIu32 "/%s", runtime_names[seen->runtime],
                                  seen->owner_uid, seen->id);
                const struct container *c = model_find(w->s.model, key);
                if (!c)
                        continue;
                struct who_row *row = &w->rows[w->n_rows++];
                *row = (struct who_row){.c = c};
                if (seen->owns_cgroup)
                        row->cgroup = xstrdup(seen->cgroup);
        }
        for (size_t i = 0; i < w->n_rows; i++)
                w->rows[i].guest = is_guest(w, &w->rows[i]);
        for (size_t i = 0; i < w->n_rows; i++)
                add_space(w, &w->rows[i]);
}

/* A row is known by its path in the one hierarchy that it was found in; equal paths elsewhere mean
 * nothing. A fixture has one device for all. */
static bool is_of(const struct who *w, const struct who_row *row, const struct hierarchy *h)
{
        struct stat st;
        return w->s.root.fixture ||
               (fstat(h->fd, &st) == 0 && (uint64_t)st.st_dev == row->c->epoch[0]);
}

static bool is_below(const char *path, const char *above)
{
        const char *rest = *above ? startswith(path, above) : NULL;
        return rest && (*rest == '/' || *rest == '\0');
}

/* The innermost row whose cgroup the process is in or below. */
static struct who_row *by_cgroup(struct who *w, const char *cgroups)
{
        struct who_row *best = NULL;
        for (size_t i = 0; cgroups && i < w->h.n_discovery; i++) {
                const struct hierarchy *h = w->h.discovery[i];
                _cleanup_free_ char *path = cgroup_line_path(cgroups, h->tag);
                const char *relative = path ? hierarchy_relative(h, path) : NULL;
                for (size_t k = 0; relative && k < w->n_rows; k++) {
                        struct who_row *row = &w->rows[k];
                        if (row->cgroup && is_below(relative, row->cgroup + 1) &&
                            (!best || strlen(row->cgroup) > strlen(best->cgroup)) &&
                            is_of(w, row, h))
                                best = row;
                }
        }
        return best;
}

static struct who_row *by_namespace(struct who *w, enum ns_type type, uint64_t inode)
{
        bool always = type == NS_PID || type == NS_MNT;
        for (size_t i = 0; inode && i < w->n_rows; i++)
                if (!w->rows[i].guest && private_ns(&w->rows[i], type) == inode &&
                    (always || is_made_of(&w->rows[i], type)))
                        return &w->rows[i];
        return NULL;
}

/* Also without the right to read its namespaces. */
static struct who_row *by_leader(struct who *w, pid_t pid)
{
        for (size_t i = 0; pid > 0 && i < w->n_rows; i++)
                if (!w->rows[i].guest && w->rows[i].c->pid == pid)
                        return &w->rows[i];
        return NULL;
}

/* The cgroup decides; but a pid namespace of its own inside of that cgroup is a row inside the row.
 */
struct who_row *who_row_of(struct who *w, const struct leader *l)
{
        struct who_row *row = by_cgroup(w, l->cgroups);
        uint64_t pid_ns = l->ns.inode[NS_PID];
        uint64_t outer = row ? row->c->isolation.ns.inode[NS_PID] : 0;
        if (row && (!pid_ns || !outer || outer == pid_ns))
                return row;
        struct who_row *inner = by_namespace(w, NS_PID, pid_ns);
        if (!inner)
                inner = by_leader(w, l->pid);
        if (row || inner)
                return inner ? inner : row;
        for (enum ns_type t = NS_MNT; t <= NS_USER && !inner; t++)
                inner = by_namespace(w, t, l->ns.inode[t]);
        return inner;
}

/* --- answers ---------------------------------------------------------------------------------- */

void who_say(struct who *w, struct who_row *row, unsigned how, const char *fmt, ...)
{
        if (row->said & 1u << how)
                return;
        va_list args;
        char *line = NULL;
        va_start(args, fmt);
        int n = vasprintf(&line, fmt, args);
        va_end(args);
        if (n < 0)
                die("out of memory");
        str_add(&w->lead, line);
        str_addc(&w->lead, '\n');
        free(line);
        row->said |= 1u << how;
        w->n_found += !row->found;
        row->found = true;
}

void who_nothing(struct who *w, const char *fmt, ...)
{
        char line[512];
        va_list args;
        va_start(args, fmt);
        (void)vsnprintf(line, sizeof(line), fmt, args);
        va_end(args);
        (void)session_fail(&w->s, EXIT_NOTHING, line, NULL);
}

/* Not in a row, but in one of its namespaces: somebody entered it. */
static bool say_shared(struct who *w, pid_t pid, const char *comm, const struct leader *l)
{
        static const struct {
                enum ns_type type;
                const char *name;
        } types[] = {{NS_NET, "network"}, {NS_USER, "user"}};
        for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
                uint64_t inode = l->ns.inode[types[i].type];
                for (size_t k = 0; inode && k < w->n_rows; k++)
                        if (!w->rows[k].guest && private_ns(&w->rows[k], types[i].type) == inode)
                                who_say(w, &w->rows[k], 0, "pid %d%s shares the %s namespace of %s",
                                        (int)pid, comm, types[i].name, w->rows[k].c->name);
                if (w->n_found)
                        return true;
        }
        return false;
}

static void who_pid(struct who *w, pid_t pid)
{
        struct leader l;
        int r = who_leader(w, pid, &l);
        if (r == -ESRCH || r == -ENOENT) {
                who_nothing(w, "there is no process %d", (int)pid);
                return;
        }
        if (r < 0) {
                (void)session_fail(&w->s, EXIT_FAILED, "cannot look at that process", strerror(-r));
                return;
        }
        _cleanup_free_ char *comm = l.comm ? xasprintf(" (%s)", l.comm) : xstrdup("");
        struct who_row *row = who_row_of(w, &l);
        if (row)
                who_say(w, row, 0, "pid %d%s is in %s", (int)pid, comm, row->c->name);
        else if (!say_shared(w, pid, comm, &l))
                who_nothing(w,
                            l.ns.inode[NS_PID] ? "pid %d is not in a container"
                                               : "pid %d is in no container by its cgroup, and you "
                                                 "may not look at its namespaces (root may)",
                            (int)pid);
        leader_done(&l);
}

/* --- the whole -------------------------------------------------------------------------------- */

static int open_who(struct who *w)
{
        int r = session_tick(&w->s, false, true);
        if (r < 0)
                return session_fail(&w->s, EXIT_FAILED, "cannot take a snapshot", strerror(-r));
        take_rows(w);
        (void)hierarchies_open(&w->s.root, &w->h);
        r = reader_new(&w->s.root, jobs, JOB_COUNT, &w->reader);
        if (r >= 0)
                r = sd_event_add_io(w->s.event, &w->source, reader_fd(w->reader),
                                    reader_events(w->reader), on_readable, w);
        return r < 0 ? session_fail(&w->s, EXIT_FAILED, "no reader", strerror(-r)) : 0;
}

static void close_who(struct who *w)
{
        for (size_t i = 0; i < w->n_rows; i++)
                free(w->rows[i].cgroup);
        free(w->rows);
        free(w->spaces);
        str_done(&w->lead);
        hierarchies_close(&w->h);
        sd_event_source_disable_unref(w->source);
        reader_free(w->reader);
        session_close(&w->s);
}

/* The found ones among what order and filter leave, in that order. */
static void keep_found(const struct map *keys, struct rows *rows)
{
        size_t n = 0;
        for (size_t i = 0; i < rows->n; i++)
                if (rows->row[i].container && map_get_z(keys, rows->row[i].container->key))
                        rows->row[n++] = rows->row[i];
        rows->n = n;
}

/* With a second sample, for rates; containers of the first one are gone then. */
static void print_found(struct who *w)
{
        struct map keys = MAP_INIT;
        struct rows rows;
        double delay = w->s.o->delay >= 0 ? w->s.o->delay : WHO_DELAY;
        for (size_t i = 0; i < w->n_rows; i++)
                if (w->rows[i].found)
                        map_put_z(&keys, w->rows[i].c->key, w);
        int r = session_second(&w->s, delay);
        if (r < 0 || w->s.stop) {
                if (r < 0)
                        (void)session_fail(&w->s, EXIT_FAILED, "cannot take a snapshot",
                                           strerror(-r));
                map_done(&keys);
                return;
        }
        order_rows(w->s.model, &w->s.order, &rows);
        keep_found(&keys, &rows);
        bool table = streq(w->s.o->format, "table");
        if (rows.n)
                (void)session_print(&w->s, table ? str_get(&w->lead) : "", &rows);
        else
                who_nothing(w,
                            w->s.filter ? "the filter leaves nothing of what %s is in"
                                        : "what %s is in has just ended",
                            w->name);
        rows_done(&rows);
        map_done(&keys);
}

static void look(struct who *w, enum who_kind kind, unsigned number)
{
        switch (kind) {
        case WHO_PID:
                who_pid(w, (pid_t)number);
                break;
        case WHO_PORT:
                who_port(w, (uint16_t)number);
                break;
        case WHO_INTERFACE:
                who_interface(w);
                break;
        }
        if (w->n_found && !w->s.stop)
                print_found(w);
}

int who_run(const struct options *o)
{
        _cleanup_free_ char *name = str_clean_z(o->who);
        struct who w = {.name = name};
        enum who_kind kind;
        unsigned number;
        if (who_parse(o->who, &kind, &number) < 0) {
                fprintf(stderr,
                        "ctop-c: who: '%s' is neither a pid (1 to %d), nor :PORT (:1 to :65535), "
                        "nor "
                        "the name of an interface\n",
                        name, PID_MAX_LIMIT);
                return EXIT_USAGE;
        }
        if (kind == WHO_INTERFACE && o->sysroot) {
                fputs("ctop-c: who INTERFACE asks the kernel of this host: it does not go with "
                      "--sysroot\n",
                      stderr);
                return EXIT_USAGE;
        }
        int r = session_open(&w.s, o);
        w.s.order.all = true;
        w.s.order.tree = false;
        if (r >= 0 && open_who(&w) >= 0)
                look(&w, kind, number);
        close_who(&w);
        return w.s.status;
}
