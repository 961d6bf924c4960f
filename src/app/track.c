/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "app/collect_internal.h"
#include "base/mem.h"
#include "kernel/netdev.h"
#include "runtime/disk.h"

#define MICRO UINT64_C(1000000)

struct tracked *track_new(struct collector *c, enum runtime_id runtime, enum kind kind,
                          uint32_t owner, const char *id)
{
        _cleanup_free_ char *key = xasprintf("%s/%u/%s", runtime_names[runtime], owner, id);
        if (map_get_z(&c->by_key, key))
                return NULL;
        struct tracked *t = xcalloc(1, sizeof(*t));
        t->c = c;
        t->key = TAKE_PTR(key);
        t->id = t->key + strlen(t->key) - strlen(id);
        t->pidfd = -1;
        t->leader_due = true;
        leader_init(&t->leader);
        cg_reader_init(&t->reader);
        t->seen = (struct seen){.runtime = runtime, .kind = kind, .owner_uid = owner, .id = t->id};
        map_put_z(&c->by_key, t->key, t);
        grow(&c->rows, &c->rows_cap, c->n_rows + 1, sizeof(c->rows[0]));
        c->rows[c->n_rows++] = t;
        return t;
}

/* --- network namespaces -------------------------------------------------------------------------
 */

static void netns_put(struct collector *c, struct netns *n)
{
        if (!n || --n->refs)
                return;
        if (n->fd >= 0) {
                close(n->fd);
                cg_budget_give(&c->dirs);
        }
        map_del_u64(&c->netns, n->inode);
        free(n);
}

static struct netns *netns_get(struct collector *c, uint64_t inode, pid_t pid)
{
        struct netns *n = map_get_u64(&c->netns, inode);
        if (!n) {
                n = xcalloc(1, sizeof(*n));
                *n = (struct netns){.inode = inode, .fd = -1};
                map_put_u64(&c->netns, inode, n);
        }
        n->refs++;
        n->pid = pid;
        return n;
}

static void netns_read(struct collector *c, struct netns *n)
{
        char text[32 * 1024];
        bool fresh = n->fd < 0;
        int fd = fresh ? root_open_proc(c->root, n->pid, "net/dev", 0) : n->fd;
        n->tick = c->tick;
        n->have = 0;
        if (fd < 0)
                return;
        ssize_t len = c->root->fixture ? read_whole(fd, text, sizeof(text))
                                       : read_once(fd, text, sizeof(text));
        if (fresh && cg_budget_take(&c->dirs))
                n->fd = fd;
        else if (fresh)
                close(fd);
        struct cg_sample s = {0};
        n->interfaces = len > 0 ? netdev_sum(text, &s) : 0;
        for (enum metric m = NET_RX_BYTES; m <= NET_TX_DROPPED; m++)
                if (sample_has(&s, m)) {
                        n->have |= 1u << (m - NET_RX_BYTES);
                        n->value[m - NET_RX_BYTES] = s.value[m];
                }
}

static void track_net(struct tracked *t)
{
        struct collector *c = t->c;
        bool host = t->seen.host_ns_known[NS_NET] && t->seen.host_ns[NS_NET];
        t->seen.netns = t->leader.ns.inode[NS_NET];
        t->seen.net_mode = host ? NET_HOST : NET_UNKNOWN;
        if (host || !t->netns)
                return;
        if (t->netns->tick != c->tick)
                netns_read(c, t->netns);
        const struct netns *n = t->netns;
        if (!n->have)
                return;
        t->seen.net_mode = n->interfaces ? NET_PRIVATE : NET_NONE;
        if (!t->seen.netns && n->refs > 1) /* the model has no inode to see it by */
                t->seen.net_mode = NET_SHARED;
        for (enum metric m = NET_RX_BYTES; m <= NET_TX_DROPPED; m++)
                if (n->have & (1u << (m - NET_RX_BYTES)))
                        sample_set(&t->seen.sample, m, n->value[m - NET_RX_BYTES]);
}

/* --- the leader
 * ------------------------------------------------------------------------------------- */

static void drop_pidfd(struct tracked *t)
{
        t->death = sd_event_source_disable_unref(t->death);
        if (t->pidfd >= 0) {
                close(t->pidfd);
                cg_budget_give(&t->c->dirs);
        }
        t->pidfd = -1;
}

static void drop_leader(struct tracked *t)
{
        drop_pidfd(t);
        netns_put(t->c, t->netns);
        t->netns = NULL;
        leader_done(&t->leader);
        leader_init(&t->leader);
        t->has_leader = false;
        t->seen.leader = NULL;
}

static int on_death(sd_event_source *s, int fd, uint32_t revents, void *userdata)
{
        struct tracked *t = userdata;
        (void)s;
        (void)fd;
        (void)revents;
        drop_leader(t);
        if (t->group) {
                t->c->sweep_due = true; /* another process may carry the namespace on */
                track_free(t);
                return 0;
        }
        t->leader_due = true;
        return 0;
}

/* A death is told at once, on every kind of host. pidfd_open(2) */
static void watch_death(struct tracked *t)
{
        if (!t->c->event || t->c->o.once || t->c->root->foreign || !cg_budget_take(&t->c->dirs))
                return;
        t->pidfd = (int)syscall(SYS_pidfd_open, t->leader.pid, 0);
        if (t->pidfd < 0) {
                cg_budget_give(&t->c->dirs);
                t->pidfd = -1;
                return;
        }
        if (sd_event_add_io(t->c->event, &t->death, t->pidfd, EPOLLIN, on_death, t) < 0)
                drop_pidfd(t);
}

/*
 * Of every network namespace the files below proc/PID/net have inodes of their own, and anybody may
 * look at them. 0: unknown.
 */
static uint64_t netns_by_file(const struct collector *c, pid_t pid)
{
        struct stat st;
        _cleanup_close_ int fd =
                c->root->fixture ? -1 : root_open_proc(c->root, pid, "net/dev", O_PATH);
        return fd >= 0 && fstat(fd, &st) == 0 ? st.st_ino : 0;
}

/* The key of its network namespace in c->netns: 0 for the host's, or unknown. */
static uint64_t netns_of(struct tracked *t)
{
        struct seen *s = &t->seen;
        uint64_t netns = t->leader.ns.inode[NS_NET];
        if (!netns && (netns = netns_by_file(t->c, t->leader.pid))) {
                uint64_t host = netns_by_file(t->c, 1);
                if (!host)
                        return 0;
                s->host_ns_known[NS_NET] = true;
                s->host_ns[NS_NET] = netns == host;
        }
        return s->host_ns[NS_NET] ? 0 : netns;
}

/* What may be told without the links (unprivileged): NSpid depth and the uid map. */
static void compare_ns(struct tracked *t)
{
        const struct leader *l = &t->leader;
        struct seen *s = &t->seen;
        for (enum ns_type i = 0; i < NS_COUNT; i++) {
                uint64_t host = t->c->host_ns.inode[i];
                s->host_ns_known[i] = l->ns.inode[i] && host;
                s->host_ns[i] = s->host_ns_known[i] && l->ns.inode[i] == host;
        }
        if (!s->host_ns_known[NS_PID] && l->pid_depth) {
                s->host_ns_known[NS_PID] = true;
                s->host_ns[NS_PID] = l->pid_depth == 1;
        }
        if (!s->host_ns_known[NS_USER] && l->user_initial == 0)
                s->host_ns_known[NS_USER] = true;
}

void track_set_leader(struct tracked *t, struct leader *l)
{
        struct collector *c = t->c;
        drop_leader(t);
        t->leader = *l;
        t->has_leader = true;
        t->leader_due = false;
        t->seen.leader = &t->leader;
        compare_ns(t);
        if (t->leader.start_ticks && c->host.boot_usec)
                t->seen.started_usec = c->host.boot_usec + t->leader.start_ticks * MICRO /
                                                                   (uint64_t)sysconf(_SC_CLK_TCK);
        uint64_t netns = netns_of(t);
        if (netns)
                t->netns = netns_get(c, netns, t->leader.pid);
        if (c->o.note)
                t->seen.note = c->o.note(c->o.userdata, t->leader.comm);
        watch_death(t);
        track_dirs(t);
        free(t->leader.cgroups); /* long, and used up */
        t->leader.cgroups = NULL;
}

static struct disk_query query_of(const struct tracked *t)
{
        return (struct disk_query){.runtime = t->seen.runtime,
                                   .owner_uid = t->seen.owner_uid,
                                   .id = t->id,
                                   .pid = t->leader.pid};
}

/* Names are asked for together with the leader, once in the life of a row. */
static bool wants_names(const struct tracked *t)
{
        return !t->seen.facts && !t->no_names && t->seen.kind != KIND_SERVICE;
}

static void take_facts(struct tracked *t, int status, struct wire *reply)
{
        struct facts f;
        t->c->disk_denied |= status == -EACCES || status == -EPERM;
        t->c->disk_silent |= status == -ETIMEDOUT;
        bool found = status >= 0 && facts_unpack(reply, &f) >= 0;
        if (found) {
                facts_done(&t->facts);
                t->facts = f;
                t->seen.facts = &t->facts;
        }
        if (t->group) /* last: the row may be made anew */
                group_named(t->group, found ? &t->facts : NULL);
}

static void on_leader(void *userdata, int status, struct wire *reply)
{
        struct tracked *t = userdata;
        struct leader l;
        bool asked_names = wants_names(t);
        t->leader_question = 0;
        if (status == -ECANCELED)
                return;
        if (status == -ETIMEDOUT &&
            asked_names) { /* a state file that hangs must not hide the rest */
                t->no_names = t->leader_due = t->c->disk_silent = true;
                return;
        }
        t->ready = true; /* with or without: the cgroup's name and numbers stand by themselves */
        if (status < 0 || leader_unpack(reply, &l) < 0)
                return;
        track_set_leader(t, &l);
        if (asked_names)
                take_facts(t, (int)(int64_t)wire_get_u64(reply), reply);
}

void track_ask_leader(struct tracked *t)
{
        pid_t pids[JOB_PIDS_MAX];
        if (t->leader_question || !t->node)
                return;
        t->leader_due = false;
        int n = node_pids(t->seat->tree, t->node, pids, JOB_PIDS_MAX);
        if (n <= 0) {
                t->ready |= n < 0; /* no cgroup.procs to read: show what there is */
                return;
        }
        _cleanup_str_ struct str request = STR_INIT;
        bool isolation = t->c->o.wants & WANT_ISOLATION;
        wire_put_u64(&request, isolation ? LEADER_ISOLATION : LEADER_BRIEF);
        wire_put_u64(&request, wants_names(t));
        struct disk_query q = query_of(t);
        if (wants_names(t))
                disk_query_pack(&q, &request);
        wire_put_u64(&request, (uint64_t)n);
        for (int i = 0; i < n; i++)
                wire_put_u64(&request, (uint64_t)pids[i]);
        int id = reader_ask(t->c->reader, JOB_LEADER, request.p, request.len, on_leader, t);
        t->leader_question = id > 0 ? id : 0;
        t->ready |= id < 0;
}

/* --- names from disk
 * ------------------------------------------------------------------------------------ */

static void on_disk(void *userdata, int status, struct wire *reply)
{
        struct tracked *t = userdata;
        t->disk_question = 0;
        if (status == -ECANCELED)
                return;
        take_facts(t, status < 0 ? status : (int)(int64_t)wire_get_u64(reply), reply);
}

void track_ask_disk(struct tracked *t)
{
        _cleanup_str_ struct str request = STR_INIT;
        struct disk_query q = query_of(t);
        if (t->disk_question)
                return;
        disk_query_pack(&q, &request);
        int id = reader_ask(t->c->reader, JOB_DISK, request.p, request.len, on_disk, t);
        t->disk_question = id > 0 ? id : 0;
}

/* --- directories
 * -------------------------------------------------------------------------------------------- */

/* The innermost of "container", "payload" and the like below a container: limits may sit there. */
static const struct cg_node *innermost(const struct cg_node *n)
{
        for (const struct cg_node *c = n->child; c; c = c->next)
                if (c->class && c->class->role == CG_INNER)
                        return innermost(c);
        return n;
}

static struct cg_dir *dir_of_node(struct collector *c, const struct hierarchy *h,
                                  const struct cg_node *n)
{
        _cleanup_str_ struct str path = STR_INIT;
        if (h->prefix)
                str_add(&path, h->prefix);
        node_path(n, &path);
        return cg_dir_get(&c->dirs, h, str_get(&path));
}

/*
 * Where another hierarchy keeps the row: the leader's own line there. A leader that moved deeper
 * (systemd inside a container) is cut back to the container's directory; the root is nobody's.
 */
static char *path_elsewhere(const struct tracked *t, const struct hierarchy *h)
{
        char *path = t->leader.cgroups ? cgroup_line_path(t->leader.cgroups, h->tag) : NULL;
        if (!path || streq(path, "/")) {
                free(path);
                return NULL;
        }
        struct cg_class class = {0};
        size_t len;
        if (!t->group && classify_path(path, &class, &len) >= 0) {
                if (class.id && streq(class.id, t->id))
                        path[len] = '\0';
                cg_class_done(&class);
        }
        /* nobody vouches for an equal directory elsewhere but an equal name */
        const char *base = strrchr(path, '/');
        if (t->group && t->node && !streq(base ? base + 1 : path, t->node->name)) {
                free(path);
                return NULL;
        }
        return path;
}

void track_dirs(struct tracked *t)
{
        struct collector *c = t->c;
        if (!t->node)
                return;
        for (enum controller i = 0; i < CTRL_COUNT; i++) {
                struct hierarchy *h = c->h.of[i];
                if (!h)
                        continue;
                if (h == tree_hierarchy(t->seat->tree)) {
                        cg_reader_set(&t->reader, &c->dirs, i, dir_of_node(c, h, t->node),
                                      dir_of_node(c, h, innermost(t->node)));
                        continue;
                }
                _cleanup_free_ char *path = path_elsewhere(t, h);
                if (path)
                        cg_reader_set(&t->reader, &c->dirs, i, cg_dir_get(&c->dirs, h, path),
                                      cg_dir_get(&c->dirs, h, path));
        }
}

static void set_epoch(struct tracked *t)
{
        uint64_t hash = UINT64_C(14695981039346656037);
        char id[64];
        if (!t->node) {
                t->seen.epoch[0] = (uint64_t)t->leader.pid;
                t->seen.epoch[1] = t->leader.start_ticks;
                return;
        }
        t->seen.epoch[0] = t->seat->device;
        t->seen.epoch[1] = t->node->inode;
        if (!t->c->root->fixture)
                return;
        _cleanup_str_ struct str path = STR_INIT;
        node_relative(t->node, &path);
        for (size_t i = 0; i < path.len; i++)
                hash = (hash ^ (unsigned char)path.p[i]) * UINT64_C(1099511628211);
        str_add(&path, "/.cgroup_id");
        ssize_t n = read_beneath(tree_hierarchy(t->seat->tree)->fd, str_get(&path), id, sizeof(id));
        t->seen.epoch[0] = 0;
        if (n <= 0 || parse_u64_z(id, &t->seen.epoch[1]) < 0)
                t->seen.epoch[1] = hash;
}

/* --- rows by name
 * ---------------------------------------------------------------------------------------------- */

static void attach(struct tracked *t, struct seat *seat, struct cg_node *node)
{
        struct collector *c = t->c;
        if (t->node)
                t->node->data = NULL;
        for (enum controller i = 0; i < CTRL_COUNT; i++)
                cg_reader_set(&t->reader, &c->dirs, i, NULL, NULL);
        t->seat = seat;
        t->node = node;
        node->data = t;
        _cleanup_str_ struct str path = STR_INIT;
        node_path(node, &path);
        xstrset(&t->cgroup, str_get(&path));
        t->seen.cgroup = t->cgroup;
        t->seen.owns_cgroup = true;
        struct cg_node *around = node->parent ? node_container(node->parent) : NULL;
        xstrset(&t->parent, around && around->class->id ? around->class->id : NULL);
        t->seen.parent = t->parent;
        track_dirs(t);
        t->leader_due = true;
}

static bool is_row(const struct collector *c, const struct cg_class *class)
{
        if (!class->id)
                return false;
        return class->role == CG_CONTAINER || (class->role == CG_SERVICE && c->o.services);
}

void track_node(struct seat *seat, struct cg_node *node)
{
        const struct cg_class *class = node->class;
        struct collector *c = seat->c;
        if (class->role == CG_INNER) {
                struct cg_node *outer = node_container(node);
                if (outer && outer->data)
                        track_dirs(outer->data);
                return;
        }
        if (!is_row(c, class))
                return;
        struct tracked *t = track_new(c, class->runtime, class->kind, class->owner_uid, class->id);
        if (!t) { /* seen before, in this tree or another: the better tree keeps it */
                _cleanup_free_ char *key = xasprintf("%s/%u/%s", runtime_names[class->runtime],
                                                     class->owner_uid, class->id);
                t = map_get_z(&c->by_key, key);
                if (t->seat && t->seat->index <= seat->index)
                        return;
        }
        t->name = t->name ? t->name : xstrdup(class->name);
        t->pod = t->pod ? t->pod : xstrdup(class->pod);
        t->seen.name = t->name;
        t->seen.pod = t->pod;
        attach(t, seat, node);
}

void track_free(struct tracked *t)
{
        struct collector *c = t->c;
        reader_cancel(c->reader, t->leader_question);
        reader_cancel(c->reader, t->disk_question);
        for (size_t i = 0; i < c->n_rows; i++)
                if (c->rows[i] == t) { /* the order is kept: a tick may be under way */
                        memmove(&c->rows[i], &c->rows[i + 1],
                                (--c->n_rows - i) * sizeof(c->rows[0]));
                        if (i < c->cursor)
                                c->cursor--;
                        break;
                }
        map_del_z(&c->by_key, t->key);
        drop_leader(t);
        cg_reader_done(&t->reader, &c->dirs);
        if (t->node)
                t->node->data = NULL;
        if (t->group)
                group_lost(t->group);
        facts_done(&t->facts);
        free(t->key);
        free(t->name);
        free(t->pod);
        free(t->parent);
        free(t->cgroup);
        free(t);
}

static bool is_limit(const char *file)
{
        return endswith(file, ".max") || endswith(file, ".high") || startswith(file, "cpuset.") ||
               startswith(file, "cpu.cfs_") || endswith(file, "limit_in_bytes");
}

void track_changed(struct seat *seat, struct cg_node *node, const char *file)
{
        struct collector *c = seat->c;
        if (is_limit(file)) {
                const struct hierarchy *h = tree_hierarchy(seat->tree);
                _cleanup_str_ struct str path = STR_INIT;
                if (h->prefix)
                        str_add(&path, h->prefix);
                node_path(node, &path);
                struct cg_dir *dir = cg_dir_find(&c->dirs, h, str_get(&path));
                if (dir)
                        dir->stale = true;
                return;
        }
        struct cg_node *outer = node->data ? node : node_container(node);
        struct tracked *t = outer ? outer->data : NULL;
        if (!t)
                return;
        cg_reader_touch(&t->reader, file);
        if (!t->has_leader)
                t->leader_due = true;
}

/* --- numbers
 * -----------------------------------------------------------------------------------------------------------
 */

void track_sample(struct tracked *t)
{
        struct collector *c = t->c;
        bool events = t->node && t->node->wd >= 0;
        cg_limits(&c->dirs, t->reader.limit_of, &t->seen.limits);
        cg_reader_sample(&t->reader, &c->dirs, &c->blockdevs, c->o.wants | WANT_STATE, events,
                         &t->seen.sample);
        if (c->o.wants & WANT_NET)
                track_net(t);
        set_epoch(t);
}

/* An empty cgroup is no running container; unknown is given the benefit of the doubt. */
bool track_shown(const struct tracked *t)
{
        if (!t->ready || t->reader.gone)
                return false;
        const struct cg_sample *s = &t->seen.sample;
        return t->has_leader || !sample_has(s, POPULATED) || s->value[POPULATED];
}
