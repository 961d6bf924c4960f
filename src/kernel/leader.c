/* SPDX-License-Identifier: MIT */
#include "kernel/leader.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>

#include "base/mem.h"
#include "kernel/mounts.h"
#include "kernel/namespaces.h"

#define STAT_MAX       2048
#define STATUS_MAX     (64 * 1024) /* Groups may hold thousands of numbers before what is wanted */
#define UID_MAP_MAX    (32 * 1024) /* 340 lines at most */
#define CGROUPS_MAX    (16 * 1024)
#define MOUNTINFO_MAX  (1024 * 1024)
#define MOUNTINFO_HEAD (32 * 1024)
#define CANDIDATES_MAX 64
#define LSM_MAX        1024
#define COMM_MAX       256

#define PF_KTHREAD 0x00200000 /* linux/sched.h, in the flags of proc/PID/stat */

/*
 * Reads a file of lines into an owned text; a last line that the cap cut is dropped. NULL if
 * unreadable. *ret_cut (may be NULL): there was more.
 */
static char *read_lines(const struct root *r, pid_t pid, const char *name, size_t size,
                        bool *ret_cut)
{
        _cleanup_free_ char *buf = xmalloc(size);
        ssize_t n = root_read_proc(r, pid, name, buf, size);
        if (n < 0)
                return NULL;
        bool cut = (size_t)n == size - 1;
        if (cut) {
                char *last = strrchr(buf, '\n');
                *(last ? last + 1 : buf) = '\0';
        }
        if (ret_cut)
                *ret_cut = cut;
        return TAKE_PTR(buf);
}

/* --- stat ----------------------------------------------------------------------------------- */

static const char *skip_fields(const char *p, unsigned n)
{
        while (n-- > 0) {
                p += strcspn(p, " ");
                if (*p == '\0')
                        return p;
                p++;
        }
        return p;
}

static int field_u64(const char *p, uint64_t *ret)
{
        const char *end = p + strcspn(p, " \n");
        return parse_u64(p, end, ret) == end - p ? 0 : -EBADMSG;
}

int proc_stat_parse(const char *text, struct proc_stat *ret)
{
        /* "PID (comm) S ...": comm may hold ") " and line feeds, nothing after it can. */
        const char *p = strrchr(text, ')');
        if (!p || p[1] != ' ' || p[2] == '\0' || p[3] != ' ')
                return -EBADMSG;
        p += 2;
        uint64_t flags, start;
        if (field_u64(skip_fields(p, 6), &flags) < 0 || field_u64(skip_fields(p, 19), &start) < 0)
                return -EBADMSG;
        *ret = (struct proc_stat){
                .state = *p,
                .kernel_thread = flags & PF_KTHREAD,
                .start_ticks = start,
        };
        return 0;
}

int proc_stat_read(const struct root *r, pid_t pid, struct proc_stat *ret)
{
        char buf[STAT_MAX];
        ssize_t n = root_read_proc(r, pid, "stat", buf, sizeof(buf));
        if (n < 0)
                return (int)n;
        return proc_stat_parse(buf, ret);
}

int proc_start_ticks(const struct root *r, pid_t pid, uint64_t *ret)
{
        struct proc_stat st;
        int e = proc_stat_read(r, pid, &st);
        if (e < 0)
                return e;
        *ret = st.start_ticks;
        return 0;
}

/* --- status --------------------------------------------------------------------------------- */

enum status_bit { /* which fields were seen */
                  SAW_UID = 1 << 0,
                  SAW_BOUNDING = 1 << 1,
                  SAW_EFFECTIVE = 1 << 2,
                  SAW_ALL = SAW_UID | SAW_BOUNDING | SAW_EFFECTIVE,
};

static unsigned read_nspid(const char *p, const char *end, struct leader *l)
{
        unsigned depth = 0;
        uint64_t v = 0;
        for (; p < end; depth++) {
                p += strspn(p, " \t");
                if (p >= end)
                        break;
                int n = parse_u64(p, end, &v);
                if (n < 0 || v > INT_MAX)
                        return 0;
                p += n;
        }
        if (depth > 0) {
                l->pid_depth = depth;
                l->inner_pid = (pid_t)v;
        }
        return 0;
}

static unsigned read_uid(const char *p, const char *end, struct leader *l)
{
        uint64_t v;
        if (parse_u64(p, end, &v) < 0 || v > UINT32_MAX)
                return 0;
        l->uid = (uint32_t)v;
        return SAW_UID;
}

/* Exactly 16 digits: a cut or stretched set is none. */
static bool parse_hex(const char *p, const char *end, uint64_t *ret)
{
        static const char digits[] = "0123456789abcdef";
        uint64_t v = 0;
        if (end - p != 16)
                return false;
        for (; p < end; p++) {
                const char *d = *p ? strchr(digits, *p) : NULL;
                if (!d)
                        return false;
                v = v << 4 | (uint64_t)(d - digits);
        }
        *ret = v;
        return true;
}

static unsigned read_bounding(const char *p, const char *end, struct leader *l)
{
        return parse_hex(p, end, &l->cap_bounding) ? SAW_BOUNDING : 0;
}

static unsigned read_effective(const char *p, const char *end, struct leader *l)
{
        return parse_hex(p, end, &l->cap_effective) ? SAW_EFFECTIVE : 0;
}

static void read_small(const char *p, const char *end, int max, int *ret)
{
        uint64_t v;
        if (parse_u64(p, end, &v) == end - p && v <= (uint64_t)max)
                *ret = (int)v;
}

static unsigned read_seccomp(const char *p, const char *end, struct leader *l)
{
        read_small(p, end, 2, &l->seccomp);
        return 0;
}

static unsigned read_no_new_privs(const char *p, const char *end, struct leader *l)
{
        read_small(p, end, 1, &l->no_new_privileges);
        return 0;
}

static const struct {
        const char *key;
        unsigned (*read)(const char *p, const char *end, struct leader *l);
} status_fields[] = {
        {"Uid:\t", read_uid},
        {"NSpid:\t", read_nspid},
        {"CapEff:\t", read_effective},
        {"CapBnd:\t", read_bounding},
        {"NoNewPrivs:\t", read_no_new_privs},
        {"Seccomp:\t", read_seccomp},
};

void proc_status_parse(const char *text, struct leader *ret)
{
        unsigned saw = 0;
        for (const char *line = text; *line;) {
                const char *end = strchrnul(line, '\n');
                for (size_t i = 0; i < ARRAY_SIZE(status_fields); i++) {
                        const char *p = startswith(line, status_fields[i].key);
                        if (p)
                                saw |= status_fields[i].read(p, end, ret);
                }
                line = *end ? end + 1 : end;
        }
        ret->status_known = (saw & SAW_ALL) == SAW_ALL;
}

int proc_status_read(const struct root *r, pid_t pid, struct leader *ret)
{
        _cleanup_free_ char *text = read_lines(r, pid, "status", STATUS_MAX, NULL);
        if (!text)
                return -ENODATA;
        proc_status_parse(text, ret);
        return 0;
}

/* --- uid_map -------------------------------------------------------------------------------- */

static bool take_id(const char **p, const char *end, uint64_t *ret)
{
        *p += strspn(*p, " ");
        int n = parse_u64(*p, end, ret);
        if (n < 0 || *ret > UINT32_MAX)
                return false;
        *p += n;
        return true;
}

void uid_map_parse(const char *text, struct leader *ret)
{
        int64_t root_uid = -2;
        bool whole = false;
        unsigned lines = 0;
        ret->root_uid = -1;
        ret->user_initial = -1;
        for (const char *p = text; *p; lines++) {
                const char *end = strchrnul(p, '\n');
                uint64_t inside, outside, count;
                if (!take_id(&p, end, &inside) || !take_id(&p, end, &outside) ||
                    !take_id(&p, end, &count) || p != end)
                        return;
                if (inside == 0 && count > 0) /* 2^32 - 1 stands for an id that we cannot see */
                        root_uid = outside == UINT32_MAX ? -1 : (int64_t)outside;
                whole = inside == 0 && outside == 0 && count == UINT32_MAX;
                p = *end ? end + 1 : end;
        }
        ret->root_uid = root_uid;
        ret->user_initial = whole && lines == 1;
}

static void read_uid_map(const struct root *r, pid_t pid, struct leader *l)
{
        bool cut;
        _cleanup_free_ char *text = read_lines(r, pid, "uid_map", UID_MAP_MAX, &cut);
        if (text && !cut)
                uid_map_parse(text, l);
}

/* --- the root file system ------------------------------------------------------------------- */

enum root_mount { ROOT_UNREADABLE, ROOT_ABSENT, ROOT_FOUND };

/*
 * The mount that is the process's "/". Only what lies at or below a process's root is in its
 * mountinfo: of several on "/" the root is the lowest, whose parent is none of them.
 */
static enum root_mount find_root(char *mountinfo, struct mount *ret)
{
        enum root_mount found = ROOT_UNREADABLE;
        struct mount m;
        while (mount_next(&mountinfo, &m) > 0) {
                if (found == ROOT_UNREADABLE)
                        found = ROOT_ABSENT;
                if (!streq(m.point, "/") || (found == ROOT_FOUND && ret->parent != m.id))
                        continue;
                found = ROOT_FOUND;
                *ret = m;
        }
        return found;
}

/* Whose mountinfo is the host's: proc/1's, else our own when we are in its mount namespace. */
static pid_t host_pid(const struct root *r)
{
        _cleanup_close_ int fd = root_open_proc(r, 1, "mountinfo", 0);
        if (fd >= 0)
                return 1;
        struct namespaces host;
        uint64_t own;
        ns_baseline(r, &host);
        bool same = ns_link_read(r, 0, NS_MNT, &own) >= 0 && own == host.inode[NS_MNT];
        return same ? 0 : -1;
}

/* The host's "/" is near the start; the whole text is megabytes where many containers run. */
static char *read_host_root(const struct root *r, pid_t host, struct mount *ret)
{
        static const size_t sizes[] = {MOUNTINFO_HEAD, MOUNTINFO_MAX};
        for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
                _cleanup_free_ char *text = read_lines(r, host, "mountinfo", sizes[i], NULL);
                if (!text)
                        return NULL;
                if (find_root(text, ret) == ROOT_FOUND)
                        return TAKE_PTR(text);
        }
        return NULL;
}

static bool same_root(const struct mount *a, const struct mount *b)
{
        return a->major == b->major && a->minor == b->minor && streq(a->root, b->root);
}

/* What path has below dir, "" or "/..."; NULL if it is not below. */
static const char *path_below(const char *path, const char *dir)
{
        if (streq(dir, "/"))
                dir = "";
        const char *rest = startswith(path, dir);
        return rest && (*rest == '/' || *rest == '\0') ? rest : NULL;
}

/* Where the host sees the tree of a bind mount or subvolume: through its own mount of the same file
 * system whose root is the nearest one above. Owned; NULL if there is none. */
static char *host_path(const struct root *r, pid_t host, const struct mount *m)
{
        _cleanup_free_ char *text = read_lines(r, host, "mountinfo", MOUNTINFO_MAX, NULL);
        char *cursor = text, *path = NULL;
        size_t nearest = 0;
        struct mount h;
        while (text && mount_next(&cursor, &h) > 0) {
                if (h.major != m->major || h.minor != m->minor || strlen(h.root) < nearest)
                        continue;
                const char *rest = path_below(m->root, h.root);
                if (!rest || (path && strlen(h.root) == nearest))
                        continue;
                nearest = strlen(h.root);
                if (streq(rest, "/"))
                        rest = "";
                free(path);
                path = xasprintf("%s%s", streq(h.point, "/") && *rest ? "" : h.point, rest);
        }
        return path;
}

/* Overlay of a process's own making may name any text: only absolute paths are paths of the host.
 */
static char *store_of(const struct root *r, pid_t host, const struct mount *m)
{
        _cleanup_free_ char *path = NULL;
        if (streq(m->fstype, "overlay"))
                path = option_value(m->options, "upperdir");
        else if (host >= 0)
                path = host_path(r, host, m);
        if (!path && streq(m->root, "/")) /* a device that the host itself has not mounted */
                path = xstrdup(m->source);
        return path && *path == '/' ? TAKE_PTR(path) : NULL;
}

static void read_root(const struct root *r, pid_t pid, struct leader *l)
{
        bool cut;
        _cleanup_free_ char *text = read_lines(r, pid, "mountinfo", MOUNTINFO_MAX, &cut);
        struct mount own = {0}, hosts;
        enum root_mount found = text ? find_root(text, &own) : ROOT_UNREADABLE;
        if (found != ROOT_FOUND) { /* mounts, but none on "/": chroot into a plain directory */
                l->own_root = found == ROOT_ABSENT && !cut ? 1 : -1;
                return;
        }
        pid_t host = host_pid(r);
        _cleanup_free_ char *host_text = host >= 0 ? read_host_root(r, host, &hosts) : NULL;
        if (host_text)
                l->own_root = !same_root(&own, &hosts);
        l->root_store = store_of(r, host, &own);
}

/* --- texts ---------------------------------------------------------------------------------- */

static void read_comm(const struct root *r, pid_t pid, struct leader *l)
{
        char buf[COMM_MAX];
        ssize_t n = root_read_proc(r, pid, "comm", buf, sizeof(buf));
        if (n > 0 && buf[n - 1] == '\n') /* the one that the kernel adds: comm may end in others */
                n--;
        if (n > 0)
                l->comm = str_clean(buf, (size_t)n, COMM_MAX);
}

/* "docker-default (enforce)\n" of AppArmor, "system_u:system_r:container_t:s0\0" of SELinux. */
static void read_lsm(const struct root *r, pid_t pid, struct leader *l)
{
        char buf[LSM_MAX];
        if (root_read_proc(r, pid, "attr/current", buf, sizeof(buf)) < 0)
                return;
        buf[strcspn(buf, "\n")] = '\0';
        char *mode = strrchr(buf, ' ');
        if (mode && mode[1] == '(' && endswith(mode, ")"))
                *mode = '\0';
        if (*buf)
                l->lsm = str_clean(buf, sizeof(buf), LSM_MAX);
}

static void read_cgroups(const struct root *r, pid_t pid, struct leader *l)
{
        _cleanup_free_ char *text = read_lines(r, pid, "cgroup", CGROUPS_MAX, NULL);
        if (text && *text)
                l->cgroups = xstrdup(text);
}

/* The path of one line when its controller list has the tag; NULL. */
static char *line_path(const char *line, const char *end, const char *tag)
{
        const char *list = memchr(line, ':', (size_t)(end - line));
        const char *path = list ? memchr(list + 1, ':', (size_t)(end - list - 1)) : NULL;
        if (!path || path[1] != '/')
                return NULL;
        _cleanup_free_ char *words = xstrndup(list + 1, (size_t)(path - list - 1));
        if (*tag ? !option_has(words, tag) : *words != '\0')
                return NULL;
        char *ret = xstrndup(path + 1, (size_t)(end - path - 1));
        if (endswith(ret, " (deleted)"))
                ret[strlen(ret) - strlen(" (deleted)")] = '\0';
        return ret;
}

char *cgroup_line_path(const char *cgroups, const char *tag)
{
        for (const char *line = cgroups; line && *line;) {
                const char *end = strchrnul(line, '\n');
                char *path = line_path(line, end, tag);
                if (path)
                        return path;
                line = *end ? end + 1 : end;
        }
        return NULL;
}

/* --- the whole ------------------------------------------------------------------------------ */

void leader_init(struct leader *l)
{
        *l = (struct leader){
                .seccomp = -1,
                .no_new_privileges = -1,
                .root_uid = -1,
                .user_initial = -1,
                .own_root = -1,
        };
}

void leader_done(struct leader *l)
{
        free(l->root_store);
        free(l->lsm);
        free(l->comm);
        free(l->cgroups);
        leader_init(l);
}
#define _cleanup_leader_ _cleanup_(leader_done)

static bool is_dead(const struct proc_stat *st)
{
        return st->state == 'Z' || st->state == 'X';
}

/* In a fixture a process may be no more than a few files. */
static bool is_there(const struct root *r, pid_t pid)
{
        _cleanup_close_ int fd = root_open_proc(r, pid, ".", O_PATH | O_DIRECTORY);
        return fd >= 0;
}

/* The pid was given to another process while its files were read. */
static bool was_replaced(const struct root *r, const struct leader *l)
{
        uint64_t now;
        int e = proc_start_ticks(r, l->pid, &now);
        return e == -ENOENT || e == -ESRCH ? l->start_ticks > 0 : e >= 0 && now != l->start_ticks;
}

int leader_read_to(const struct root *r, pid_t pid, enum leader_depth depth, struct leader *ret)
{
        _cleanup_leader_ struct leader l;
        struct proc_stat st = {0};
        leader_init(&l);
        l.pid = pid;
        if (!is_there(r, pid))
                return -ESRCH;
        if (proc_stat_read(r, pid, &st) >= 0)
                l.start_ticks = st.start_ticks;
        unsigned links = ns_read(r, pid, depth == LEADER_BRIEF ? NS_UTS : NS_COUNT, &l.ns);
        (void)proc_status_read(r, pid, &l);
        if (depth != LEADER_BRIEF ||
            !links) /* without the links the map tells of the user namespace */
                read_uid_map(r, pid, &l);
        if (depth == LEADER_WHOLE)
                read_root(r, pid, &l);
        if (depth != LEADER_BRIEF)
                read_lsm(r, pid, &l);
        read_comm(r, pid, &l);
        read_cgroups(r, pid, &l);
        /* A zombie has no mounts any more; pid and user are all that its links still tell. */
        bool no_mounts = l.ns.inode[NS_MNT] == 0 && l.own_root < 0;
        if ((is_dead(&st) && no_mounts) || was_replaced(r, &l))
                return -ESRCH;
        *ret = l;
        leader_init(&l);
        return 0;
}

int leader_read(const struct root *r, pid_t pid, struct leader *ret)
{
        return leader_read_to(r, pid, LEADER_WHOLE, ret);
}

/* Greater is better; among equals the one that started first. */
struct candidate {
        pid_t pid;
        int rank; /* 0 zombie, 1 alive, 2 first process of a pid namespace */
        uint64_t start_ticks;
};

static bool rate(const struct root *r, pid_t pid, struct candidate *ret)
{
        struct proc_stat st = {.start_ticks = UINT64_MAX};
        struct leader l;
        leader_init(&l);
        int e = proc_stat_read(r, pid, &st);
        if (proc_status_read(r, pid, &l) < 0 && e < 0)
                return false;
        int alive = l.pid_depth > 1 && l.inner_pid == 1 ? 2 : 1;
        *ret = (struct candidate){
                .pid = pid,
                .rank = is_dead(&st) ? 0 : alive,
                .start_ticks = st.start_ticks,
        };
        return true;
}

static bool is_better(const struct candidate *a, const struct candidate *b)
{
        if (a->rank != b->rank)
                return a->rank > b->rank;
        if (a->start_ticks != b->start_ticks)
                return a->start_ticks < b->start_ticks;
        return a->pid < b->pid;
}

pid_t leader_pick(const struct root *r, const pid_t *pids, size_t n)
{
        struct candidate best = {.rank = -1}, c;
        for (size_t i = 0; i < MIN(n, (size_t)CANDIDATES_MAX); i++)
                if (pids[i] > 0 && rate(r, pids[i], &c) && is_better(&c, &best))
                        best = c;
        return best.rank >= 0 ? best.pid : -ESRCH;
}

/* --- over the wire -------------------------------------------------------------------------- */

void leader_pack(const struct leader *l, struct str *out)
{
        const uint64_t numbers[] = {
                (uint64_t)l->pid,      l->start_ticks,
                l->pid_depth,          (uint64_t)l->inner_pid,
                l->status_known,       l->uid,
                l->cap_bounding,       l->cap_effective,
                (uint64_t)l->seccomp,  (uint64_t)l->no_new_privileges,
                (uint64_t)l->root_uid, (uint64_t)l->user_initial,
                (uint64_t)l->own_root,
        };
        for (size_t i = 0; i < NS_COUNT; i++)
                wire_put_u64(out, l->ns.inode[i]);
        for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
                wire_put_u64(out, numbers[i]);
        wire_put_str(out, l->root_store);
        wire_put_str(out, l->lsm);
        wire_put_str(out, l->comm);
        wire_put_str(out, l->cgroups);
}

static int64_t get_in(struct wire *w, int64_t min, int64_t max)
{
        int64_t v = (int64_t)wire_get_u64(w);
        if (v < min || v > max) {
                w->bad = true;
                return min;
        }
        return v;
}

int leader_unpack(struct wire *w, struct leader *ret)
{
        struct leader l;
        leader_init(&l);
        for (size_t i = 0; i < NS_COUNT; i++)
                l.ns.inode[i] = wire_get_u64(w);
        l.pid = (pid_t)get_in(w, 0, INT_MAX);
        l.start_ticks = wire_get_u64(w);
        l.pid_depth = (unsigned)get_in(w, 0, UINT_MAX);
        l.inner_pid = (pid_t)get_in(w, 0, INT_MAX);
        l.status_known = get_in(w, 0, 1);
        l.uid = (uint32_t)get_in(w, 0, UINT32_MAX);
        l.cap_bounding = wire_get_u64(w);
        l.cap_effective = wire_get_u64(w);
        l.seccomp = (int)get_in(w, -1, 2);
        l.no_new_privileges = (int)get_in(w, -1, 1);
        l.root_uid = get_in(w, -2, UINT32_MAX);
        l.user_initial = get_in(w, -1, 1);
        l.own_root = (int)get_in(w, -1, 1);
        const char *root_store = wire_get_str(w), *lsm = wire_get_str(w);
        const char *comm = wire_get_str(w), *cgroups = wire_get_str(w);
        if (!wire_ok(w))
                return -EBADMSG;
        l.root_store = xstrdup(root_store);
        l.lsm = str_clean_z(lsm);
        l.comm = str_clean_z(comm);
        l.cgroups = xstrdup(cgroups);
        *ret = l;
        return 0;
}

/* --- capabilities --------------------------------------------------------------------------- */

const char *capability_name(unsigned bit)
{
        static const char *const names[] = {"chown",
                                            "dac_override",
                                            "dac_read_search",
                                            "fowner",
                                            "fsetid",
                                            "kill",
                                            "setgid",
                                            "setuid",
                                            "setpcap",
                                            "linux_immutable",
                                            "net_bind_service",
                                            "net_broadcast",
                                            "net_admin",
                                            "net_raw",
                                            "ipc_lock",
                                            "ipc_owner",
                                            "sys_module",
                                            "sys_rawio",
                                            "sys_chroot",
                                            "sys_ptrace",
                                            "sys_pacct",
                                            "sys_admin",
                                            "sys_boot",
                                            "sys_nice",
                                            "sys_resource",
                                            "sys_time",
                                            "sys_tty_config",
                                            "mknod",
                                            "lease",
                                            "audit_write",
                                            "audit_control",
                                            "setfcap",
                                            "mac_override",
                                            "mac_admin",
                                            "syslog",
                                            "wake_alarm",
                                            "block_suspend",
                                            "audit_read",
                                            "perfmon",
                                            "bpf",
                                            "checkpoint_restore"};
        return bit < ARRAY_SIZE(names) ? names[bit] : NULL;
}
