/* SPDX-License-Identifier: MIT */
#include "app/demo_cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdio.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/xattr.h>

#include "app/demo_util.h"
#include "base/mem.h"
#include "base/str.h"
#include "kernel/mounts.h"

#define TEXT_MAX   (64 * 1024)
#define MOUNTS_MAX (1024 * 1024)
#define DEPTH_MAX  8
#define SWEEP_USEC 500000
#define KEEPER     "keeper"
#define XATTR      "trusted.ctop-demo.enabled"

/* Controllers with a use for the demo; the v1 hierarchies that carry one of these get a tree. */
static const char *const v2_controllers[] = {"cpu", "memory", "io", "pids"};
static const char *const v1_tags[] = {"cpu",   "cpuacct", "memory",      "pids",
                                      "blkio", "freezer", "name=systemd"};

/* In the order of writing: a v1 quota is checked against its period. */
static const struct limit_row {
        const char *container;
        const char *controller; /* v1 only; NULL: a v2 file */
        const char *file;
        const char *text;
} limit_rows[] = {
        {"demo-web", NULL, "cpu.max", "25000 100000"},
        {"demo-web", "cpu", "cpu.cfs_period_us", "100000"},
        {"demo-web", "cpu", "cpu.cfs_quota_us", "25000"},
        {"demo-db", NULL, "memory.max", "67108864"},
        {"demo-db", "memory", "memory.limit_in_bytes", "67108864"},
        {"demo-batch", NULL, "pids.max", "64"},
        {"demo-batch", "pids", "pids.max", "64"},
};
_Static_assert(DEMO_MEMORY_LIMIT == 67108864, "the limit in the table");

/* --- small helpers on one cgroup -------------------------------------------------------------- */

/* The only write to a cgroup file. 0 or -errno. */
static int cgroup_write(int dirfd, const char *dir, const char *file, const char *text)
{
        char path[512];
        if ((size_t)snprintf(path, sizeof(path), "%s/%s", dir, file) >= sizeof(path))
                return -ENAMETOOLONG;
        _cleanup_close_ int fd = openat(dirfd, path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
        if (fd < 0)
                return -errno;
        return write(fd, text, strlen(text)) < 0 ? -errno : 0;
}

static int cgroup_move(int dirfd, const char *dir, pid_t pid)
{
        char text[16];
        snprintf(text, sizeof(text), "%d", (int)pid);
        return cgroup_write(dirfd, dir, "cgroup.procs", text);
}

static bool lists_pid(const char *text, pid_t pid)
{
        char word[16];
        int n = snprintf(word, sizeof(word), "%d\n", (int)pid);
        for (const char *p = text; p && *p; p = strchr(p, '\n') ? strchr(p, '\n') + 1 : NULL)
                if (strncmp(p, word, (size_t)n) == 0)
                        return true;
        return false;
}

/* A pid may be reused between the reading and the signal: it counts only when the list still has
 * it after its pidfd was taken. 0 is a process of another pid namespace. */
static void kill_member(int dirfd, pid_t pid, char *again)
{
        if (pid <= 1 || pid == getpid())
                return;
        _cleanup_close_ int fd = pidfd_open(pid, 0);
        if (fd >= 0 && read_beneath(dirfd, "cgroup.procs", again, TEXT_MAX) > 0 &&
            lists_pid(again, pid))
                (void)pidfd_send_signal(fd, SIGKILL, NULL, 0);
}

/* A v1 freezer holds SIGKILL back until the thaw. */
static void kill_members(int dirfd)
{
        _cleanup_free_ char *text = xmalloc(TEXT_MAX), *again = xmalloc(TEXT_MAX);
        (void)cgroup_write(dirfd, ".", "freezer.state", "THAWED");
        if (read_beneath(dirfd, "cgroup.procs", text, TEXT_MAX) <= 0)
                return;
        for (const char *p = text, *end = text + strlen(text); p < end;) {
                uint64_t pid;
                int n = parse_u64(p, end, &pid);
                if (n > 0 && pid <= INT32_MAX)
                        kill_member(dirfd, (pid_t)pid, again);
                p += n > 0 ? n : 1;
        }
}

/* The next directory entry that is a directory, "." and ".." left out. */
static const char *next_subdir(DIR *d)
{
        for (struct dirent *e; (e = readdir(d));)
                if (e->d_type == DT_DIR && !streq(e->d_name, ".") && !streq(e->d_name, ".."))
                        return e->d_name;
        return NULL;
}

static void cleanup_dirp(DIR **d)
{
        if (*d)
                (void)closedir(*d);
}

static DIR *open_dir(int dirfd, const char *name)
{
        int fd = open_beneath(dirfd, name, O_DIRECTORY);
        DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
        if (!d && fd >= 0)
                (void)close(fd);
        return d;
}

/* One try on a cgroup and all below it. True when it is gone. */
static bool remove_cgroup(int parent, const char *name, unsigned depth)
{
        _cleanup_(cleanup_dirp) DIR *d = open_dir(parent, name);
        if (!d)
                return errno == ENOENT || faccessat(parent, name, F_OK, 0) < 0;
        kill_members(dirfd(d));
        for (const char *sub; depth < DEPTH_MAX && (sub = next_subdir(d));)
                (void)remove_cgroup(dirfd(d), sub, depth + 1);
        return unlinkat(parent, name, AT_REMOVEDIR) == 0 || errno == ENOENT;
}

/* --- the hierarchies -------------------------------------------------------------------------- */

static bool is_wanted(const struct mount *m)
{
        if (streq(m->fstype, "cgroup2"))
                return true;
        for (size_t i = 0; streq(m->fstype, "cgroup") && i < ARRAY_SIZE(v1_tags); i++)
                if (option_has(m->options, v1_tags[i]))
                        return true;
        return false;
}

/* The super options that are controllers or the name, for matching lines of proc/self/cgroup. */
static char *tags_of(const struct mount *m)
{
        struct str s = STR_INIT;
        for (size_t i = 0; i < ARRAY_SIZE(v1_tags) && streq(m->fstype, "cgroup"); i++)
                if (option_has(m->options, v1_tags[i]))
                        str_addf(&s, "%s%s", s.len ? "," : "", v1_tags[i]);
        return str_take(&s);
}

static void add_hierarchy(struct demo_tree *t, const struct mount *m)
{
        struct statfs fs;
        struct stat st;
        bool v2 = streq(m->fstype, "cgroup2");
        _cleanup_close_ int fd = root_open_path(t->root, m->point, O_DIRECTORY);
        if (fd < 0 || fstatfs(fd, &fs) < 0 || fstat(fd, &st) < 0)
                return;
        if (fs.f_type != (v2 ? CGROUP2_SUPER_MAGIC : CGROUP_SUPER_MAGIC)) /* mounted over */
                return;
        for (size_t i = 0; i < t->n; i++)
                if (t->h[i].dev == st.st_dev)
                        return;
        t->h[t->n++] = (struct demo_hierarchy){
                .mount = TAKE_FD(fd), .top = -1, .dev = st.st_dev, .v2 = v2, .tags = tags_of(m)};
}

int demo_tree_open(const struct root *r, struct demo_tree *ret)
{
        _cleanup_free_ char *text = xmalloc(MOUNTS_MAX);
        *ret = (struct demo_tree){.root = r};
        ssize_t n = root_read_proc(r, 0, "mountinfo", text, MOUNTS_MAX);
        if (n < 0)
                return (int)n;
        struct mount m;
        for (char *cursor = text; ret->n < DEMO_HIERARCHY_MAX && mount_next(&cursor, &m) > 0;)
                if (is_wanted(&m))
                        add_hierarchy(ret, &m);
        return 0;
}

static void forget_top(struct demo_hierarchy *h)
{
        cleanup_closep(&h->top);
        h->top = -1;
        free(h->top_path);
        free(h->parent);
        free(h->home);
        h->top_path = h->parent = h->home = NULL;
        h->scoped = false;
}

void demo_tree_close(struct demo_tree *t)
{
        for (size_t i = 0; i < t->n; i++) {
                forget_top(&t->h[i]);
                cleanup_closep(&t->h[i].mount);
                free(t->h[i].tags);
        }
        *t = (struct demo_tree){0};
}

/* True if the list of a line in proc/PID/cgroup has one of our tags ("" for v2). */
static bool line_is(const struct demo_hierarchy *h, const char *list, size_t n)
{
        _cleanup_free_ char *words = xstrndup(list, n);
        if (h->v2)
                return n == 0;
        for (size_t i = 0; i < ARRAY_SIZE(v1_tags); i++)
                if (option_has(h->tags, v1_tags[i]))
                        return option_has(words, v1_tags[i]);
        return false;
}

/* Our own path in a hierarchy, from the text of proc/self/cgroup. Owned; NULL: absent. */
static char *own_path(const struct demo_hierarchy *h, const char *text)
{
        for (const char *line = text, *end; *line; line = *end ? end + 1 : end) {
                end = strchrnul(line, '\n');
                const char *list = memchr(line, ':', (size_t)(end - line));
                const char *path = list ? memchr(list + 1, ':', (size_t)(end - list - 1)) : NULL;
                if (path && path[1] == '/' && line_is(h, list + 1, (size_t)(path - list - 1)))
                        return xstrndup(path + 1, (size_t)(end - path - 1));
        }
        return NULL;
}

/* "/a/b" below the mount is "a/b", "/" is ".". */
static const char *below_mount(const char *path)
{
        return path[1] ? path + 1 : ".";
}

/* Switches the controllers on for the children of a v2 cgroup, one by one: one that is refused
 * must not cost the others. Returns the bits that were off before. */
static unsigned enable_controllers(int dirfd)
{
        char have[512], on[512], text[32];
        unsigned bits = 0;
        if (read_beneath(dirfd, "cgroup.controllers", have, sizeof(have)) < 0 ||
            read_beneath(dirfd, "cgroup.subtree_control", on, sizeof(on)) < 0)
                return 0;
        for (char *s = have; (s = strpbrk(s, " \n"));)
                *s++ = ',';
        for (char *s = on; (s = strpbrk(s, " \n"));)
                *s++ = ',';
        for (unsigned i = 0; i < ARRAY_SIZE(v2_controllers); i++) {
                snprintf(text, sizeof(text), "+%s", v2_controllers[i]);
                if (option_has(have, v2_controllers[i]) && !option_has(on, v2_controllers[i]) &&
                    cgroup_write(dirfd, ".", "cgroup.subtree_control", text) >= 0)
                        bits |= 1u << i;
        }
        return bits;
}

static void disable_controllers(int dirfd, unsigned bits)
{
        char text[32];
        for (unsigned i = 0; i < ARRAY_SIZE(v2_controllers); i++) {
                snprintf(text, sizeof(text), "-%s", v2_controllers[i]);
                if (bits & 1u << i)
                        (void)cgroup_write(dirfd, ".", "cgroup.subtree_control", text);
        }
}

/* Remembered on the tree itself, for the sweep after a killed keeper. */
static void remember_enabled(int top, unsigned bits)
{
        if (bits)
                (void)fsetxattr(top, XATTR, &bits, sizeof(bits), 0);
}

static unsigned recall_enabled(int parent, const char *name)
{
        unsigned bits = 0;
        _cleanup_close_ int fd = open_beneath(parent, name, O_DIRECTORY);
        if (fd < 0 || fgetxattr(fd, XATTR, &bits, sizeof(bits)) != sizeof(bits))
                return 0;
        return bits;
}

/* --- what a killed keeper left ---------------------------------------------------------------- */

/* The pid in "ctop-demo-<pid>" or "ctop-demo-<pid>.scope", 0 when it is no name of ours. */
static pid_t pid_of_name(const char *name)
{
        const char *digits = startswith(name, DEMO_PREFIX);
        uint64_t pid;
        int n = digits ? parse_u64(digits, digits + strlen(digits), &pid) : -1;
        if (n <= 0 || pid == 0 || pid > INT32_MAX)
                return 0;
        return !digits[n] || streq(digits + n, ".scope") ? (pid_t)pid : 0;
}

/* A zombie is dead: where PID 1 reaps late or never, it stays around. */
static bool is_keeper(const struct demo_tree *t, pid_t pid)
{
        char stat[512];
        if (root_read_proc(t->root, pid, "stat", stat, sizeof(stat)) <= 0)
                return false;
        const char *state = strstr(stat, "(" DEMO_COMM ") ");
        return state && !strchr("ZX", state[sizeof("(" DEMO_COMM ") ") - 1]);
}

/*
 * Left over: made by this user, and its keeper is dead. A pid tells nothing when the keeper lives
 * in another pid namespace, but then its cgroup has a member (shown as 0).
 */
static bool is_left_over(const struct demo_tree *t, int parent, const char *name)
{
        char path[sizeof(KEEPER) + 300], procs[16];
        struct stat st;
        pid_t pid = pid_of_name(name);
        if (pid == 0 || fstatat(parent, name, &st, 0) < 0 || st.st_uid != geteuid())
                return false;
        if (pid != getpid() && is_keeper(t, pid))
                return false;
        snprintf(path, sizeof(path), "%s/" KEEPER "/cgroup.procs", name);
        return read_beneath(parent, path, procs, sizeof(procs)) <= 0;
}

/* One try on every left tree directly below a directory. Returns how many are still there. */
static unsigned sweep_dir(struct demo_tree *t, int parent, unsigned *ret_seen)
{
        unsigned left = 0;
        _cleanup_(cleanup_dirp) DIR *d = open_dir(parent, ".");
        for (const char *name; d && (name = next_subdir(d));) {
                if (!is_left_over(t, parent, name))
                        continue;
                (*ret_seen)++;
                unsigned enabled = recall_enabled(parent, name);
                if (remove_cgroup(parent, name, 0))
                        disable_controllers(parent, enabled);
                else
                        left++;
        }
        return left;
}

/* All hierarchies in one round: the freezer's thaw lets the others become empty. */
static unsigned sweep_round(struct demo_tree *t, unsigned *ret_seen)
{
        unsigned left = 0;
        for (size_t i = 0; i < t->n; i++) {
                const char *dir = t->h[i].parent ? t->h[i].parent : ".";
                _cleanup_close_ int fd = open_beneath(t->h[i].mount, dir, O_DIRECTORY);
                if (fd >= 0)
                        left += sweep_dir(t, fd, ret_seen);
        }
        return left;
}

unsigned demo_tree_sweep(struct demo_tree *t)
{
        unsigned seen = 0, ignored = 0;
        uint64_t deadline = demo_now_usec() + SWEEP_USEC;
        for (unsigned left = sweep_round(t, &seen); left && demo_left_ms(deadline);) {
                demo_nap_ms(5);
                left = sweep_round(t, &ignored);
        }
        return seen;
}

/* --- making ----------------------------------------------------------------------------------- */

/* Moves the keeper out of the way of the no-internal-processes rule and opens the tree for limits.
 */
static int settle(struct demo_hierarchy *h)
{
        if (mkdirat(h->top, KEEPER, 0755) < 0 && errno != EEXIST)
                return -errno;
        int r = cgroup_move(h->top, KEEPER, getpid());
        if (r >= 0 && h->v2)
                (void)enable_controllers(h->top);
        return r;
}

static void make_in(struct demo_tree *t, struct demo_hierarchy *h, const char *own)
{
        if (mkdirat(h->mount, t->name, 0755) < 0)
                return;
        if (h->v2)
                h->enabled = enable_controllers(h->mount);
        h->top = open_beneath(h->mount, t->name, O_DIRECTORY);
        h->top_path = xasprintf("/%s", t->name);
        h->parent = xstrdup(".");
        h->home = own_path(h, own);
        if (h->top >= 0)
                remember_enabled(h->top, h->enabled);
        if (h->top >= 0 && settle(h) >= 0)
                return;
        disable_controllers(h->mount, h->enabled);
        (void)remove_cgroup(h->mount, t->name, 0);
        forget_top(h);
}

static bool has_tree(const struct demo_tree *t)
{
        for (size_t i = 0; i < t->n; i++)
                if (t->h[i].top >= 0)
                        return true;
        return false;
}

int demo_tree_make(struct demo_tree *t)
{
        _cleanup_free_ char *own = xmalloc(TEXT_MAX);
        ssize_t n = root_read_proc(t->root, 0, "cgroup", own, TEXT_MAX);
        if (n < 0)
                return (int)n;
        snprintf(t->name, sizeof(t->name), DEMO_PREFIX "%d", (int)getpid());
        for (size_t i = 0; i < t->n; i++)
                make_in(t, &t->h[i], own);
        return has_tree(t) ? 0 : -EACCES;
}

/* Takes a hierarchy's scope as the top when we are in it and may write there. */
static void adopt_in(struct demo_tree *t, struct demo_hierarchy *h, const char *own)
{
        _cleanup_free_ char *path = own_path(h, own);
        const char *slash = path ? strrchr(path, '/') : NULL;
        if (!slash || !streq(slash + 1, t->name))
                return;
        h->top = open_beneath(h->mount, below_mount(path), O_DIRECTORY);
        h->parent = slash == path ? xstrdup(".") : xstrndup(path + 1, (size_t)(slash - path - 1));
        h->top_path = TAKE_PTR(path);
        h->scoped = true;
        if (h->top < 0 || settle(h) < 0)
                forget_top(h);
}

int demo_tree_adopt(struct demo_tree *t, const char *scope)
{
        _cleanup_free_ char *own = xmalloc(TEXT_MAX);
        ssize_t n = root_read_proc(t->root, 0, "cgroup", own, TEXT_MAX);
        if (n < 0)
                return (int)n;
        snprintf(t->name, sizeof(t->name), "%s", scope);
        for (size_t i = 0; i < t->n; i++)
                adopt_in(t, &t->h[i], own);
        if (!has_tree(t))
                return -ENOENT;
        (void)demo_tree_sweep(t);
        return 0;
}

/* --- containers ------------------------------------------------------------------------------- */

static bool set_limits(const struct demo_hierarchy *h, const char *container)
{
        bool set = false;
        for (size_t i = 0; i < ARRAY_SIZE(limit_rows); i++) {
                const struct limit_row *l = &limit_rows[i];
                bool here = l->controller ? !h->v2 && option_has(h->tags, l->controller) : h->v2;
                if (here && streq(l->container, container))
                        set = cgroup_write(h->top, container, l->file, l->text) >= 0;
        }
        return set;
}

int demo_tree_add(struct demo_tree *t, const char *container)
{
        int r = -EACCES;
        for (size_t i = 0; i < t->n; i++) {
                const struct demo_hierarchy *h = &t->h[i];
                if (h->top < 0 || (mkdirat(h->top, container, 0755) < 0 && errno != EEXIST))
                        continue;
                r = MAX(r, (int)set_limits(h, container));
        }
        return r;
}

int demo_tree_attach(struct demo_tree *t, const char *container, pid_t pid)
{
        int r = -EACCES;
        for (size_t i = 0; i < t->n; i++)
                if (t->h[i].top >= 0 && cgroup_move(t->h[i].top, container, pid) >= 0)
                        r = 0;
        return r;
}

static int rank(const struct demo_hierarchy *h)
{
        if (h->top < 0)
                return 0;
        if (h->v2)
                return 4;
        return option_has(h->tags, "name=systemd") ? 3 : option_has(h->tags, "pids") ? 2 : 1;
}

char *demo_tree_path(const struct demo_tree *t, const char *container)
{
        const struct demo_hierarchy *best = NULL;
        for (size_t i = 0; i < t->n; i++)
                if (rank(&t->h[i]) > (best ? rank(best) : 0))
                        best = &t->h[i];
        return best ? xasprintf("%s/%s", best->top_path, container) : NULL;
}

bool demo_tree_drop(struct demo_tree *t, const char *container)
{
        bool gone = true;
        for (size_t i = 0; i < t->n; i++)
                if (t->h[i].top >= 0)
                        gone &= remove_cgroup(t->h[i].top, container, 0);
        return gone;
}

/* Back to where we were; that cgroup may be gone by now, or not accept processes. */
static void go_home(const struct demo_hierarchy *h)
{
        if (!h->home || cgroup_move(h->mount, below_mount(h->home), getpid()) < 0)
                (void)cgroup_move(h->mount, ".", getpid());
}

bool demo_tree_remove(struct demo_tree *t)
{
        bool gone = true;
        for (size_t i = 0; i < t->n; i++) {
                struct demo_hierarchy *h = &t->h[i];
                if (h->top < 0 || h->scoped)
                        continue;
                go_home(h);
                if (!remove_cgroup(h->mount, t->name, 0)) {
                        gone = false;
                        continue;
                }
                disable_controllers(h->mount, h->enabled);
                forget_top(h);
        }
        return gone;
}

bool demo_tree_exists(const struct demo_tree *t, const char *path)
{
        for (size_t i = 0; i < t->n; i++)
                if (faccessat(t->h[i].mount, below_mount(path), F_OK, 0) == 0)
                        return true;
        return false;
}
