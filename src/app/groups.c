/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>

#include "app/collect_internal.h"
#include "base/mem.h"

#define SWEEP_USEC UINT64_C(30000000)

/*
 * A namespace that is not the host's. Most belong to a row that was found by name, and are then
 * only remembered so as not to be asked about again.
 */
struct group {
        struct collector *c;
        struct ns_group seen;
        uint64_t sweep; /* the last one that had it */
        int question;
        bool settled;          /* somebody's, or a row */
        struct tracked *row;   /* owned by the collector's table; NULL: none */
        struct leader *leader; /* owned; only until a row takes it over */
        enum kind kind;
        bool own_cgroup;
        char *parent;
};

struct group_key {
        uint64_t type, inode, pid, start;
};

static struct group_key key_of(const struct ns_group *g)
{
        struct group_key k = {.type = g->type, .inode = g->inode};
        if (!g->inode) { /* unprivileged: only the init tells them apart */
                k.pid = (uint64_t)g->pid;
                k.start = g->start_ticks;
        }
        return k;
}

static void drop_leader(struct group *g)
{
        if (g->leader)
                leader_done(g->leader);
        free(g->leader);
        g->leader = NULL;
}

/* --- whose is it --------------------------------------------------------------------------------
 */

static struct cg_node *find_node(struct collector *c, const char *cgroups, struct seat **ret_seat)
{
        for (size_t i = 0; cgroups && i < c->n_seats; i++) {
                const struct hierarchy *h = tree_hierarchy(c->seats[i].tree);
                _cleanup_free_ char *path = cgroup_line_path(cgroups, h->tag);
                const char *relative = path ? hierarchy_relative(h, path) : NULL;
                struct cg_node *n =
                        relative && *relative ? tree_find(c->seats[i].tree, relative) : NULL;
                if (n) {
                        *ret_seat = &c->seats[i];
                        return n;
                }
        }
        return NULL;
}

static bool below_helper(const struct cg_node *n)
{
        for (; n; n = n->parent)
                if (n->class && n->class->role == CG_HELPER)
                        return true;
        return false;
}

/* True when the group is just the inside of a row that has a name. own: its pid namespace, 0
 * unknown. */
static bool belongs(const struct tracked *t, const struct group *g, uint64_t own)
{
        uint64_t outer = t->leader.ns.inode[NS_PID];
        if (g->seen.type != NS_PID || !outer || !own) {
                unsigned depth = t->leader.pid_depth;
                return g->seen.type != NS_PID || !depth ||
                       (!g->leader || g->leader->pid_depth <= depth);
        }
        return outer == own;
}

/*
 * Looks for the row around the group. Returns 1 when the group is nobody's business any more, 0
 * when it wants a row (ret_outer: inside of which), -EAGAIN when the row around has no leader yet.
 */
static int absorb(struct group *g, const char *cgroups, uint64_t own, struct cg_node **ret_outer,
                  struct seat **ret_seat, struct cg_node **ret_node)
{
        struct cg_node *node = find_node(g->c, cgroups, ret_seat);
        struct cg_node *outer = node ? node_container(node) : NULL;
        struct tracked *t = outer ? outer->data : NULL;
        *ret_outer = outer;
        *ret_node = node;
        if (below_helper(node))
                return 1;
        if (!outer)
                return 0;
        if (!t || !t->has_leader)
                return -EAGAIN;
        return belongs(t, g, own);
}

/* Places where engines keep the roots of containers. */
static bool in_container_store(const char *path)
{
        static const char *const stores[] = {
                "/containers/storage/", "/docker/overlay2/", "/docker/vfs/",
                "/docker/btrfs/",       "/docker/rootfs/",   "/io.containerd.snapshotter",
                "/storage/overlay/",    "/storage/vfs/dir/", "/snapshots/",
        };
        for (size_t i = 0; path && i < ARRAY_SIZE(stores); i++)
                if (strstr(path, stores[i]))
                        return true;
        return false;
}

static enum kind judge(const struct group *g)
{
        if (g->seen.type == NS_PID && (g->leader->own_root == 1 || g->own_cgroup))
                return KIND_CONTAINER;
        if (in_container_store(g->leader->root_store))
                return KIND_CONTAINER;
        return KIND_SANDBOX;
}

/* --- a row for it
 * ---------------------------------------------------------------------------------- */

static char *make_id(const struct group *g)
{
        return xasprintf("ns-%s-%llu-%llu", ns_names[g->seen.type],
                         (unsigned long long)g->seen.inode,
                         (unsigned long long)g->leader->start_ticks);
}

static void fill_row(struct group *g, struct tracked *t)
{
        t->group = g;
        g->row = t;
        t->parent = xstrdup(g->parent);
        t->seen.parent = t->parent;
        t->leader_due = false;
        struct seat *seat = NULL;
        struct cg_node *node = find_node(g->c, g->leader->cgroups, &seat);
        if (node) {
                _cleanup_str_ struct str path = STR_INIT;
                node_path(node, &path);
                t->cgroup = str_take(&path);
                t->seen.cgroup = t->cgroup;
        }
        if (node && g->own_cgroup && !node->data) {
                t->seat = seat;
                t->node = node;
                node->data = t;
                t->seen.owns_cgroup = true;
        }
        track_set_leader(t, g->leader);
        free(g->leader);
        g->leader = NULL;
}

static void make_row(struct group *g)
{
        _cleanup_free_ char *id = make_id(g);
        g->settled = true;
        struct tracked *t = track_new(g->c, RUNTIME_NAMESPACE, g->kind, g->leader->uid, id);
        if (!t)
                return;
        fill_row(g, t);
        if (g->kind == KIND_CONTAINER)
                track_ask_disk(t);
        t->ready = !t->disk_question;
}

/* A state directory knows it after all: the row is made anew under its true identity. */
static void rename_row(struct group *g, const struct facts *f)
{
        struct tracked *old = g->row;
        struct tracked *t = track_new(g->c, f->runtime, g->kind, old->seen.owner_uid, f->id);
        if (!t)
                return;
        /* the leader moves over; its cgroups text is used up, so the directories do too */
        t->group = g;
        g->row = t;
        t->parent = TAKE_PTR(old->parent);
        t->cgroup = TAKE_PTR(old->cgroup);
        t->seen.parent = t->parent;
        t->seen.cgroup = t->cgroup;
        t->seen.owns_cgroup = old->seen.owns_cgroup;
        t->seat = old->seat;
        t->node = TAKE_PTR(old->node);
        if (t->node)
                t->node->data = t;
        t->reader = old->reader;
        cg_reader_init(&old->reader);
        struct leader l = old->leader;
        leader_init(&old->leader);
        old->group = NULL;
        struct cg_node *node = TAKE_PTR(t->node); /* keeps track_dirs() from undoing the move */
        track_set_leader(t, &l);
        t->node = node;
        t->ready = true;
        track_free(old);
}

void group_named(struct group *g, const struct facts *f)
{
        struct tracked *t = g->row;
        if (!t)
                return;
        t->ready = true;
        if (f && f->runtime != RUNTIME_UNKNOWN && f->runtime != RUNTIME_NAMESPACE && f->id)
                rename_row(g, f);
}

void group_lost(struct group *g)
{
        g->row = NULL;
        g->settled = false;
}

/* --- questions
 * ---------------------------------------------------------------------------------------- */

static void on_own(void *userdata, int status, struct wire *reply)
{
        struct group *g = userdata;
        g->question = 0;
        if (status == -ECANCELED)
                return;
        g->own_cgroup = status >= 0 && wire_get_u64(reply) == 1;
        g->kind = judge(g);
        make_row(g);
}

/* Sessions, services and slices are never a namespace's own, whoever happens to be alone in them.
 */
static bool may_own(const struct cg_node *n)
{
        static const char *const shared[] = {".slice", ".service"};
        if (!n || !n->parent || n->class)
                return false;
        for (size_t i = 0; i < ARRAY_SIZE(shared); i++)
                if (endswith(n->name, shared[i]))
                        return false;
        return !startswith(n->name, "session-") && !streq(n->name, "init.scope");
}

static void ask_own(struct group *g, struct seat *seat, const struct cg_node *node)
{
        pid_t pids[JOB_PIDS_MAX];
        int n = may_own(node) && !node->data && g->seen.inode
                        ? node_pids(seat->tree, node, pids, JOB_PIDS_MAX)
                        : 0;
        if (n <= 0) {
                g->kind = judge(g);
                make_row(g);
                return;
        }
        _cleanup_str_ struct str request = STR_INIT;
        wire_put_u64(&request, g->seen.type);
        wire_put_u64(&request, g->seen.inode);
        wire_put_u64(&request, (uint64_t)n);
        for (int i = 0; i < n; i++)
                wire_put_u64(&request, (uint64_t)pids[i]);
        int id = reader_ask(g->c->reader, JOB_OWN, request.p, request.len, on_own, g);
        g->question = id > 0 ? id : 0;
}

static void on_group_leader(void *userdata, int status, struct wire *reply)
{
        struct group *g = userdata;
        struct seat *seat = NULL;
        g->question = 0;
        struct leader leader;
        if (status < 0 || leader_unpack(reply, &leader) < 0)
                return; /* gone, or the next sweep asks again */
        drop_leader(g);
        g->leader = xmalloc(sizeof(leader));
        *g->leader = leader;
        struct cg_node *outer, *node;
        int r = absorb(g, g->leader->cgroups, g->leader->ns.inode[NS_PID], &outer, &seat, &node);
        if (r != 0) {
                g->settled = r > 0;
                drop_leader(g);
                return;
        }
        xstrset(&g->parent, outer && outer->class->id ? outer->class->id : NULL);
        ask_own(g, seat, node);
}

static void ask_leader(struct group *g)
{
        _cleanup_str_ struct str request = STR_INIT;
        wire_put_u64(&request, LEADER_WHOLE);
        wire_put_u64(&request, false);
        wire_put_u64(&request, 1);
        wire_put_u64(&request, (uint64_t)g->seen.pid);
        int id = reader_ask(g->c->reader, JOB_LEADER, request.p, request.len, on_group_leader, g);
        g->question = id > 0 ? id : 0;
}

/* --- the sweep
 * -------------------------------------------------------------------------------------------- */

static void group_free(struct group *g)
{
        reader_cancel(g->c->reader, g->question);
        if (g->row)
                track_free(g->row);
        drop_leader(g);
        free(g->parent);
        free(g);
}

static void ask_group(struct group *g, const char *cgroups)
{
        struct seat *seat;
        struct cg_node *outer, *node;
        uint64_t own = g->seen.type == NS_PID ? g->seen.inode : 0;
        if (cgroups && absorb(g, cgroups, own, &outer, &seat, &node) > 0)
                g->settled = true;
        else
                ask_leader(g);
}

static void take_group(struct collector *c, const struct ns_group *seen, const char *cgroups)
{
        struct group_key key = key_of(seen);
        struct group *g = map_get(&c->groups, &key, sizeof(key));
        if (!g) {
                g = xcalloc(1, sizeof(*g));
                g->c = c;
                map_put(&c->groups, &key, sizeof(key), g);
        }
        if (g->row && g->row->leader.pid != seen->pid) { /* another process carries it now */
                track_free(g->row);
                g->row = NULL;
                g->settled = false;
        }
        if (!g->row && g->seen.pid != seen->pid)
                g->settled = false;
        g->seen = *seen;
        g->sweep = c->last_sweep_usec;
        if (!g->settled && !g->question)
                ask_group(g, cgroups);
}

static void drop_unseen(struct collector *c)
{
        struct group *g;
        map_foreach (&c->groups, it, g) {
                if (g->sweep == c->last_sweep_usec)
                        continue;
                struct group_key key = key_of(&g->seen);
                map_del(&c->groups, &key, sizeof(key));
                group_free(g);
        }
}

static void on_sweep(void *userdata, int status, struct wire *reply)
{
        struct collector *c = userdata;
        c->sweeping = false;
        c->sweep_error = status < 0 && status != -ECANCELED ? status : 0;
        c->sweep_due |= status == -EPIPE; /* the reader died: its successor is asked */
        if (status < 0)
                return;
        c->denied = (unsigned)wire_get_u64(reply);
        uint64_t n = wire_get_u64(reply);
        for (uint64_t i = 0; i < n && wire_ok(reply); i++) {
                struct ns_group g;
                wire_get_bytes(reply, &g, sizeof(g));
                const char *cgroups = wire_get_str(reply);
                if (wire_ok(reply) && (unsigned)g.type < NS_COUNT && g.pid > 0)
                        take_group(c, &g, cgroups);
        }
        drop_unseen(c);
}

void groups_sweep(struct collector *c)
{
        bool due = c->sweep_due || !c->last_sweep_usec ||
                   c->now_usec - c->last_sweep_usec >= SWEEP_USEC || c->root->fixture;
        if (!due || c->sweeping)
                return;
        c->sweep_due = false;
        c->last_sweep_usec = c->now_usec;
        c->sweeping = reader_ask(c->reader, JOB_SWEEP, "", 0, on_sweep, c) > 0;
}

void groups_done(struct collector *c)
{
        struct group *g;
        map_foreach (&c->groups, it, g)
                group_free(g);
        map_done(&c->groups);
}
