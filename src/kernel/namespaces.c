/* SPDX-License-Identifier: MIT */
#include "kernel/namespaces.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "base/mem.h"
#include "base/str.h"
#include "kernel/leader.h"

#define LINK_MAX_LEN  64
#define PID_MAX_LIMIT (4 * 1024 * 1024) /* linux/threads.h */

const char *const ns_names[NS_COUNT] = {
        [NS_PID] = "pid", [NS_MNT] = "mnt", [NS_NET] = "net",       [NS_USER] = "user",
        [NS_UTS] = "uts", [NS_IPC] = "ipc", [NS_CGROUP] = "cgroup", [NS_TIME] = "time",
};

/* linux/nsfs.h: enum init_ns_ino. Those of net and mnt were dynamic before 6.17: no help here. */
static const struct namespaces initial = {.inode = {
                                                  [NS_IPC] = 0xefffffff,
                                                  [NS_UTS] = 0xeffffffe,
                                                  [NS_USER] = 0xeffffffd,
                                                  [NS_PID] = 0xeffffffc,
                                                  [NS_CGROUP] = 0xeffffffb,
                                                  [NS_TIME] = 0xeffffffa,
                                          }};

/* --- links ---------------------------------------------------------------------------------- */

int ns_link_parse(const char *text, enum ns_type type, uint64_t *ret)
{
        uint64_t v;
        const char *p = startswith(text, ns_names[type]);
        p = p ? startswith(p, ":[") : NULL;
        int n = p ? parse_u64(p, p + strlen(p), &v) : -EBADMSG;
        if (n < 0 || v == 0 || p[n] != ']')
                return -EBADMSG;
        const char *rest = p + n + 1;
        if (*rest != '\0' && !streq(rest, "\n")) /* a plain file of a fixture ends in a line feed */
                return -EBADMSG;
        *ret = v;
        return 0;
}

int ns_link_read(const struct root *r, pid_t pid, enum ns_type type, uint64_t *ret)
{
        char name[16], text[LINK_MAX_LEN];
        snprintf(name, sizeof(name), "ns/%s", ns_names[type]);
        ssize_t n = root_readlink_proc(r, pid, name, text, sizeof(text));
        return n < 0 ? (int)n : ns_link_parse(text, type, ret);
}

unsigned ns_read(const struct root *r, pid_t pid, enum ns_type end, struct namespaces *ret)
{
        unsigned n = 0;
        *ret = (struct namespaces){0};
        for (enum ns_type t = 0; t < end; t++)
                n += ns_link_read(r, pid, t, &ret->inode[t]) >= 0;
        return n;
}

/* --- the host's ----------------------------------------------------------------------------- */

static void fill(struct namespaces *to, const struct namespaces *from)
{
        for (size_t i = 0; i < NS_COUNT; i++)
                if (!to->inode[i])
                        to->inode[i] = from->inode[i];
}

static void fill_from(const struct root *r, pid_t pid, struct namespaces *ret)
{
        struct namespaces ns;
        ns_read(r, pid, NS_COUNT, &ns);
        fill(ret, &ns);
}

/* Inside a container pid 2 is anybody. */
static bool is_kthreadd(const struct root *r)
{
        char comm[32];
        return root_read_proc(r, 2, "comm", comm, sizeof(comm)) > 0 && startswith(comm, "kthreadd");
}

void ns_baseline(const struct root *r, struct namespaces *ret)
{
        struct namespaces own, found = {0};
        ns_read(r, 0, NS_COUNT, &own);
        bool initial_pid = own.inode[NS_PID] == initial.inode[NS_PID];
        bool initial_user = own.inode[NS_USER] == initial.inode[NS_USER];
        if (initial_pid && initial_user) {
                found.inode[NS_PID] = own.inode[NS_PID];
                found.inode[NS_USER] = own.inode[NS_USER];
                fill_from(r, 1, &found);
                fill(&found, &own);
        }
        if (is_kthreadd(r))
                fill_from(r, 2, &found);
        fill_from(r, 1, &found);
        if (own.inode[NS_PID] && !initial_pid)
                fill(&found, &own);
        fill(&found, &initial);
        *ret = found;
}

/* --- the sweep: what is known of each process ----------------------------------------------- */

#define LOOKS 2 /* a process may unshare after its birth */

struct process {
        pid_t pid;
        uint64_t identity; /* d_ino of proc/PID; 0: none */
        uint64_t inode;
        uint64_t start_ticks;
        enum ns_type type; /* NS_COUNT: the host's in all that could be seen */
        uint8_t looks;
        bool first;  /* last NSpid field is 1 */
        bool denied; /* its links */
};

struct ns_sweep {
        struct process *known; /* by pid */
        size_t n_known;
};

struct ns_sweep *ns_sweep_new(void)
{
        return xcalloc(1, sizeof(struct ns_sweep));
}

void ns_sweep_free(struct ns_sweep *s)
{
        if (!s)
                return;
        free(s->known);
        free(s);
}

/* --- the list of pids ----------------------------------------------------------------------- */

struct list {
        struct process *p;
        size_t n, cap;
};

static void list_done(struct list *l)
{
        free(l->p);
}

/*
 * On procfs d_ino is the inode number of proc/PID, made with the directory entry and dropped when
 * the process ends: the same pid with the same number is the same process (checked on 6.18: it
 * equals st_ino, stays over two lists, and differs once the pid is used again). A reclaimed entry
 * comes back with another number, which costs one look too many. The kernel writes 1 when it could
 * not make the entry.
 */
static uint64_t identity_of(const struct root *r, const struct dirent64 *d)
{
        return r->fixture || d->d_ino == 1 ? 0 : d->d_ino;
}

static void list_add(struct list *l, const struct root *r, const struct dirent64 *d)
{
        uint64_t pid;
        size_t n = strlen(d->d_name);
        if (parse_u64(d->d_name, d->d_name + n, &pid) != (int)n || d->d_name[0] == '0')
                return;
        if (pid > PID_MAX_LIMIT || l->n >= PID_MAX_LIMIT)
                return;
        grow(&l->p, &l->cap, l->n + 1, sizeof(*l->p));
        l->p[l->n++] = (struct process){
                .pid = (pid_t)pid,
                .identity = identity_of(r, d),
                .type = NS_COUNT,
        };
}

static int by_pid(const void *a, const void *b)
{
        const struct process *x = a, *y = b;
        return (x->pid > y->pid) - (x->pid < y->pid);
}

/* All of proc, by pid. */
static int list_read(const struct root *r, struct list *l)
{
        _Alignas(struct dirent64) char buf[32 * 1024];
        _cleanup_close_ int fd = root_open_proc(r, -1, ".", O_DIRECTORY);
        if (fd < 0)
                return fd;
        for (;;) {
                ssize_t n = getdents64(fd, buf, sizeof(buf));
                if (n < 0)
                        return -errno;
                if (n == 0)
                        break;
                for (ssize_t at = 0; at < n;) {
                        const struct dirent64 *d = (const struct dirent64 *)(buf + at);
                        list_add(l, r, d);
                        at += d->d_reclen;
                }
        }
        if (l->n > 1)
                qsort(l->p, l->n, sizeof(*l->p), by_pid);
        return 0;
}

/* Both lists are sorted by pid. What was learnt of a process goes with it; the vanished stay out.
 */
static void list_inherit(struct list *l, const struct ns_sweep *s)
{
        for (size_t i = 0, k = 0; i < l->n && k < s->n_known; i++) {
                while (k < s->n_known && s->known[k].pid < l->p[i].pid)
                        k++;
                if (k == s->n_known)
                        return;
                const struct process *old = &s->known[k];
                if (old->pid == l->p[i].pid && old->identity && old->identity == l->p[i].identity)
                        l->p[i] = *old;
        }
}

/* --- one look ------------------------------------------------------------------------------- */

/* Type and inode of the first link that differs from the host's. 0, or the error of the links. */
static int look_at_links(const struct root *r, const struct namespaces *host, struct process *p)
{
        static const enum ns_type order[] = {NS_PID, NS_MNT, NS_NET, NS_USER};
        int e = 0;
        unsigned n_read = 0;
        for (size_t i = 0; i < ARRAY_SIZE(order); i++) {
                uint64_t inode;
                int one = ns_link_read(r, p->pid, order[i], &inode);
                if (one == -EACCES || one == -EPERM)
                        return one;
                if (one < 0) {
                        e = one;
                        continue;
                }
                n_read++;
                if (host->inode[order[i]] && inode != host->inode[order[i]]) {
                        p->type = order[i];
                        p->inode = inode;
                        return 0;
                }
        }
        return n_read ? 0 : e;
}

/* NSpid: how deep, and whether it is the first of its pid namespace. */
static unsigned look_at_depth(const struct root *r, struct process *p)
{
        struct leader l;
        leader_init(&l);
        (void)proc_status_read(r, p->pid, &l);
        p->first = l.inner_pid == 1;
        return l.pid_depth;
}

/* Without the right to read links: everybody may read status and stat. */
static void look_from_outside(const struct root *r, unsigned own_depth, struct process *p)
{
        struct proc_stat st = {0};
        if (proc_stat_read(r, p->pid, &st) >= 0 && st.kernel_thread)
                return;
        p->denied = true;
        p->start_ticks = st.start_ticks;
        if (look_at_depth(r, p) > own_depth)
                p->type = NS_PID;
}

static void look(const struct root *r, const struct namespaces *host, unsigned own_depth,
                 struct process *p)
{
        struct process was = *p;
        p->type = NS_COUNT;
        p->inode = 0;
        p->denied = false;
        p->looks++;
        int e = look_at_links(r, host, p);
        if (e == -EACCES || e == -EPERM) {
                look_from_outside(r, own_depth, p);
                return;
        }
        if (e < 0) { /* gone, or a zombie: nothing to remember */
                p->identity = 0;
                return;
        }
        if (p->type == NS_COUNT || (p->type == was.type && p->inode == was.inode))
                return;
        struct proc_stat st = {0};
        (void)proc_stat_read(r, p->pid, &st);
        p->start_ticks = st.start_ticks;
        p->first = false;
        if (st.kernel_thread) /* kdevtmpfs has mounts of its own */
                p->type = NS_COUNT;
        else if (p->type == NS_PID)
                look_at_depth(r, p);
}

static unsigned depth_of_self(const struct root *r)
{
        struct leader l;
        leader_init(&l);
        (void)proc_status_read(r, 0, &l);
        return MAX(l.pid_depth, 1U);
}

/* --- groups --------------------------------------------------------------------------------- */

/* Groups together; in a group the leader comes first. */
static int by_group(const void *a, const void *b)
{
        const struct process *x = *(const struct process *const *)a;
        const struct process *y = *(const struct process *const *)b;
        if (x->type != y->type)
                return x->type > y->type ? 1 : -1;
        if (x->inode != y->inode)
                return x->inode > y->inode ? 1 : -1;
        if (x->first != y->first)
                return x->first ? -1 : 1;
        if (x->start_ticks != y->start_ticks)
                return x->start_ticks > y->start_ticks ? 1 : -1;
        return by_pid(x, y);
}

/* Without links only the first process of a namespace stands for a group; the rest is of none. */
static bool is_grouped(const struct process *p)
{
        return p->type != NS_COUNT && (p->inode || p->first);
}

static size_t make_groups(const struct process **members, size_t n, struct ns_group *groups)
{
        size_t n_groups = 0;
        for (size_t i = 0; i < n; i++) {
                const struct process *p = members[i];
                struct ns_group *last = n_groups ? &groups[n_groups - 1] : NULL;
                if (last && p->inode && last->type == p->type && last->inode == p->inode) {
                        last->n_processes++;
                        continue;
                }
                groups[n_groups++] = (struct ns_group){
                        .type = p->type,
                        .inode = p->inode,
                        .pid = p->pid,
                        .start_ticks = p->start_ticks,
                        .n_processes = 1,
                };
        }
        return n_groups;
}

static size_t group(const struct list *l, struct ns_group **ret)
{
        size_t n = 0;
        _cleanup_free_ const struct process **members = xcalloc(l->n + 1, sizeof(*members));
        for (size_t i = 0; i < l->n; i++)
                if (is_grouped(&l->p[i]))
                        members[n++] = &l->p[i];
        if (n > 1)
                qsort(members, n, sizeof(*members), by_group);
        struct ns_group *groups = xcalloc(n + 1, sizeof(*groups));
        size_t n_groups = make_groups(members, n, groups);
        *ret = xrealloc(groups, n_groups + 1, sizeof(*groups));
        return n_groups;
}

int ns_sweep_run(struct ns_sweep *s, const struct root *r, const struct namespaces *host,
                 struct ns_group **ret, unsigned *ret_denied)
{
        _cleanup_(list_done) struct list l = {0};
        int e = list_read(r, &l);
        if (e < 0)
                return e;
        list_inherit(&l, s);
        unsigned own_depth = depth_of_self(r), denied = 0;
        for (size_t i = 0; i < l.n; i++) {
                if (l.p[i].looks < LOOKS)
                        look(r, host, own_depth, &l.p[i]);
                denied += l.p[i].denied;
        }
        size_t n = group(&l, ret);
        *ret_denied = denied;
        free(s->known);
        s->known = TAKE_PTR(l.p);
        s->n_known = l.n;
        return (int)n;
}
