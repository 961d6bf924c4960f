/* SPDX-License-Identifier: MIT */
#include "kernel/cgdir.h"

#include <errno.h>
#include <limits.h>
#include <unistd.h>

#include "base/macros.h"
#include "base/mem.h"
#include "base/str.h"
#include "kernel/cgroup.h"

#define MICRO    UINT64_C(1000000)
#define CPUS_MAX (1 << 20)

void cg_dirs_init(struct cg_dirs *d, const struct root *r, const struct hierarchies *h,
                  int fd_budget, uint64_t (*clock_usec)(void))
{
        *d = (struct cg_dirs){.root = r,
                              .h = h,
                              .fd_budget = fd_budget,
                              .cache = !r->fixture,
                              .clock_usec = clock_usec};
}

static void free_counters(struct cg_dirs *d, struct cpu_counters *c)
{
        if (c)
                cg_fd_close(d, &c->fd);
        free(c);
}

static void free_dir(struct cg_dirs *d, struct cg_dir *dir)
{
        free_counters(d, dir->core);
        free_counters(d, dir->cpu_v1);
        free(dir->path);
        free(dir);
}

void cg_dirs_done(struct cg_dirs *d)
{
        struct cg_dir *dir;
        map_foreach (&d->by_name, it, dir)
                free_dir(d, dir);
        map_done(&d->by_name);
}

void cg_dirs_all_stale(struct cg_dirs *d)
{
        struct cg_dir *dir;
        map_foreach (&d->by_name, it, dir)
                dir->stale = true;
}

/* --- the directories --- */

/* The name itself would double the size of every entry; a clash of hashes is told apart by salt. */
struct dir_key {
        uint64_t parent, hash;
};

static struct dir_key make_key(const struct cg_dir *parent, const char *name, size_t n,
                               uint64_t salt)
{
        uint64_t hash = UINT64_C(14695981039346656037) + salt;
        for (size_t i = 0; i < n; i++)
                hash = (hash ^ (unsigned char)name[i]) * UINT64_C(1099511628211);
        return (struct dir_key){(uint64_t)(uintptr_t)parent, hash};
}

static bool is_named(const struct cg_dir *dir, const char *name, size_t n)
{
        return strncmp(dir->name, name, n) == 0 && !dir->name[n];
}

/* The child of that name, or NULL and the free key for it. */
static struct cg_dir *find_child(const struct cg_dirs *d, const struct cg_dir *parent,
                                 const char *name, size_t n, struct dir_key *ret_key)
{
        for (uint64_t salt = 0;; salt++) {
                *ret_key = make_key(parent, name, n, salt);
                struct cg_dir *dir = map_get(&d->by_name, ret_key, sizeof(*ret_key));
                if (!dir || is_named(dir, name, n))
                        return dir;
        }
}

static struct cg_dir *add_child(struct cg_dirs *d, struct cg_dir *parent, const char *name,
                                size_t n, const struct dir_key *key)
{
        struct cg_dir *dir = xcalloc(1, sizeof(*dir) + n + 1);
        dir->parent = parent;
        dir->stale = true;
        memcpy(dir->name, name, n);
        map_put(&d->by_name, key, sizeof(*key), dir);
        return dir;
}

static struct cg_dir *step_down(struct cg_dirs *d, struct cg_dir *dir, const char *name, size_t n,
                                bool make)
{
        struct dir_key key;
        struct cg_dir *child = find_child(d, dir, name, n, &key);
        return child || !make ? child : add_child(d, dir, name, n, &key);
}

/* Walks down a relative path from the root, which is the child "" of nothing. */
static struct cg_dir *descend(struct cg_dirs *d, const char *path, bool make)
{
        struct cg_dir *dir = step_down(d, NULL, "", 0, make);
        while (dir && *(path += strspn(path, "/"))) {
                size_t n = strcspn(path, "/");
                dir = step_down(d, dir, path, n, make);
                path += n;
        }
        return dir;
}

struct cg_dir *cg_dir_find(struct cg_dirs *d, const struct hierarchy *h, const char *path)
{
        const char *relative = hierarchy_relative(h, path);
        return relative ? descend(d, relative, false) : NULL;
}

struct cg_dir *cg_dir_get(struct cg_dirs *d, const struct hierarchy *h, const char *path)
{
        const char *relative = hierarchy_relative(h, path);
        if (!relative || strlen(relative) >= PATH_MAX)
                return NULL;
        struct cg_dir *dir = descend(d, relative, true);
        unsigned bit = 1u << (h - d->h->all);
        for (struct cg_dir *up = dir; up; up = up->parent) {
                up->stale |= !(up->used & bit);
                up->used |= bit;
                up->refs++;
        }
        return dir;
}

static void forget(struct cg_dirs *d, struct cg_dir *dir)
{
        struct dir_key key;
        uint64_t salt = 0;
        do
                key = make_key(dir->parent, dir->name, strlen(dir->name), salt++);
        while (map_get(&d->by_name, &key, sizeof(key)) != dir);
        map_del(&d->by_name, &key, sizeof(key));
        free_dir(d, dir);
}

void cg_dir_put(struct cg_dirs *d, struct cg_dir *dir)
{
        while (dir) {
                struct cg_dir *parent = dir->parent;
                if (--dir->refs == 0)
                        forget(d, dir);
                dir = parent;
        }
}

/* "/a/b" of a directory. */
static const char *path_of(struct cg_dir *dir)
{
        if (!dir->path && !dir->parent)
                dir->path = xstrdup("/");
        if (!dir->path) {
                const char *up = path_of(dir->parent);
                dir->path = xasprintf("%s/%s", streq(up, "/") ? "" : up, dir->name);
        }
        return dir->path;
}

/* --- reading --- */

bool cg_budget_take(struct cg_dirs *d)
{
        if (!d->cache)
                return false;
        if (d->fd_budget <= 0) {
                d->short_of_fds = true;
                return false;
        }
        d->fd_budget--;
        return true;
}

void cg_budget_give(struct cg_dirs *d)
{
        d->fd_budget++;
}

void cg_fd_close(struct cg_dirs *d, struct cg_fd *fd)
{
        if (fd->fd >= 0) {
                close(fd->fd);
                cg_budget_give(d);
        }
        fd->fd = CG_FD_NEW;
}

/* Puts name (and a slash behind it) in front of what starts at *at; false when there is no room. */
static bool prepend(char *path, size_t *at, const char *name, bool slash)
{
        size_t n = strlen(name), need = n + slash;
        if (*at < need)
                return false;
        *at -= need;
        memcpy(path + *at, name, n);
        if (slash)
                path[*at + n] = '/';
        return true;
}

static int open_file(const struct hierarchy *h, const struct cg_dir *dir, const char *file)
{
        char path[PATH_MAX];
        size_t at = sizeof(path) - 1;
        path[at] = '\0';
        bool fits = prepend(path, &at, file, false);
        for (; fits && dir->parent; dir = dir->parent)
                fits = prepend(path, &at, dir->name, true);
        return fits ? open_beneath(h->fd, path + at, 0) : -ENAMETOOLONG;
}

static ssize_t read_kernel_file(const struct cg_dirs *d, int fd, char *buf, size_t size)
{
        return d->root->fixture ? read_whole(fd, buf, size) : read_once(fd, buf, size);
}

ssize_t cg_read(struct cg_dirs *d, const struct hierarchy *h, const struct cg_dir *dir,
                const char *file, struct cg_fd *keep, char *buf, size_t size)
{
        if (keep->fd == CG_FD_ABSENT && d->cache)
                return -ENOENT;
        if (keep->fd >= 0)
                return read_once(keep->fd, buf, size);
        int fd = open_file(h, dir, file);
        if (fd == -EMFILE || fd == -ENFILE) { /* somebody else took what we counted on */
                d->short_of_fds = true;
                d->fd_budget = 0;
        }
        if (fd == -ENOENT)
                keep->fd = CG_FD_ABSENT;
        if (fd < 0)
                return fd;
        ssize_t n = read_kernel_file(d, fd, buf, size);
        if (n >= 0 && cg_budget_take(d))
                keep->fd = fd;
        else
                close(fd);
        return n;
}

const struct cpu_counters *cg_dir_cpu_stat(struct cg_dirs *d, struct cg_dir *dir, enum controller c)
{
        char buf[4096];
        const struct hierarchy *h = d->h->of[c];
        struct cpu_counters **slot = h->version == 2 ? &dir->core : &dir->cpu_v1;
        if (!*slot) {
                *slot = xcalloc(1, sizeof(**slot));
                (*slot)->fd.fd = CG_FD_NEW;
        }
        struct cpu_counters *k = *slot;
        if (k->tick == d->tick)
                return k;
        k->prev = k->tick + 1 == d->tick ? k->now : (struct cpu_stat){0};
        k->now = (struct cpu_stat){.taken_usec = d->clock_usec()};
        k->tick = d->tick;
        if (cg_read(d, h, dir, "cpu.stat", &k->fd, buf, sizeof(buf)) >= 0)
                cpu_stat_parse(buf, h->version, &k->now);
        return k;
}

/* --- limits --- */

struct limit limit_parse(const char *text)
{
        uint64_t v;
        const char *end = text + strcspn(text, "\n");
        if ((size_t)(end - text) == 3 && startswith(text, "max"))
                return (struct limit){.state = LIMIT_NONE};
        if (parse_u64(text, end, &v) != (int)(end - text) || end == text)
                return (struct limit){.state = LIMIT_UNKNOWN};
        if (v >= UINT64_C(1) << 62) /* v1 says 2^63 rounded down to a page */
                return (struct limit){.state = LIMIT_NONE};
        return (struct limit){.state = LIMIT_SET, .value = v};
}

struct limit limit_parse_cpu_max(const char *text)
{
        uint64_t quota, period;
        const char *end = text + strcspn(text, "\n");
        const char *space = memchr(text, ' ', (size_t)(end - text));
        if (!space || parse_u64(space + 1, end, &period) != (int)(end - space - 1) || !period)
                return (struct limit){.state = LIMIT_UNKNOWN};
        if (startswith(text, "max "))
                return (struct limit){.state = LIMIT_NONE};
        if (parse_u64(text, space, &quota) != (int)(space - text) || quota > UINT64_MAX / MICRO)
                return (struct limit){.state = LIMIT_UNKNOWN};
        return (struct limit){.state = LIMIT_SET, .value = quota * MICRO / period};
}

unsigned cpu_list_size(const char *text)
{
        uint64_t n = 0, from, to;
        const char *end = text + strcspn(text, "\n");
        while (text < end) {
                int used = parse_u64(text, end, &from);
                if (used <= 0)
                        return 0;
                text += used;
                to = from;
                if (text < end && *text == '-') {
                        used = parse_u64(text + 1, end, &to);
                        if (used <= 0 || to < from)
                                return 0;
                        text += 1 + used;
                }
                if (to - from >= CPUS_MAX || (n += to - from + 1) > CPUS_MAX)
                        return 0;
                if (text < end && (*text++ != ',' || text == end))
                        return 0;
        }
        return (unsigned)n;
}

/* A file that is read at birth and when it changed: not worth a descriptor. */
static ssize_t read_now(const struct cg_dirs *d, enum controller c, const struct cg_dir *dir,
                        const char *file, char *buf, size_t size)
{
        int fd = open_file(d->h->of[c], dir, file);
        if (fd < 0)
                return fd;
        ssize_t n = read_kernel_file(d, fd, buf, size);
        close(fd);
        return n;
}

static struct own_limit read_limit(const struct cg_dirs *d, enum controller c,
                                   const struct cg_dir *dir, const char *file,
                                   struct limit (*parse)(const char *))
{
        char buf[256];
        ssize_t n = read_now(d, c, dir, file, buf, sizeof(buf));
        struct limit l = n > 0 ? parse(buf) : (struct limit){.state = LIMIT_UNKNOWN};
        bool broken = n != -ENOENT && l.state == LIMIT_UNKNOWN;
        return (struct own_limit){.value = l.value, .state = l.state, .broken = broken};
}

static struct own_limit read_cfs(const struct cg_dirs *d, const struct cg_dir *dir)
{
        static const struct own_limit unknown = {.state = LIMIT_UNKNOWN, .broken = true};
        char buf[64];
        uint64_t quota, period;
        ssize_t n = read_now(d, CTRL_CPU, dir, "cpu.cfs_quota_us", buf, sizeof(buf));
        if (n <= 0)
                return (struct own_limit){.state = LIMIT_UNKNOWN, .broken = n != -ENOENT};
        if (buf[0] == '-')
                return (struct own_limit){.state = LIMIT_NONE};
        if (parse_u64_z(buf, &quota) < 0 || quota > UINT64_MAX / MICRO ||
            read_now(d, CTRL_CPU, dir, "cpu.cfs_period_us", buf, sizeof(buf)) <= 0 ||
            parse_u64_z(buf, &period) < 0 || !period)
                return unknown;
        return (struct own_limit){.state = LIMIT_SET, .value = quota * MICRO / period};
}

static bool is_v2(const struct cg_dirs *d, enum controller c)
{
        return d->h->of[c]->version == 2;
}

/* Somebody's limit of that kind lies here: an equal path in another hierarchy may be a stranger's.
 */
static bool is_used(const struct cg_dirs *d, const struct cg_dir *dir, enum controller c)
{
        const struct hierarchy *h = d->h->of[c];
        return h && dir->used & (1u << (h - d->h->all));
}

static unsigned read_cpus(const struct cg_dirs *d, const struct cg_dir *dir)
{
        const char *file =
                is_v2(d, CTRL_CPUSET) ? "cpuset.cpus.effective" : "cpuset.effective_cpus";
        char buf[4096];
        if (read_now(d, CTRL_CPUSET, dir, file, buf, sizeof(buf)) > 0)
                return cpu_list_size(buf);
        if (!is_v2(d, CTRL_CPUSET) &&
            read_now(d, CTRL_CPUSET, dir, "cpuset.cpus", buf, sizeof(buf)) > 0)
                return cpu_list_size(buf); /* before 3.17 */
        return 0;
}

static void refresh(struct cg_dirs *d, struct cg_dir *dir)
{
        bool memory = is_used(d, dir, CTRL_MEMORY), cpu = is_used(d, dir, CTRL_CPU);
        dir->limits_tick = d->tick;
        if (cpu && is_v2(d, CTRL_CPU))
                dir->cpu = read_limit(d, CTRL_CPU, dir, "cpu.max", limit_parse_cpu_max);
        else if (cpu)
                dir->cpu = read_cfs(d, dir);
        if (is_used(d, dir, CTRL_CPUSET))
                dir->cpus = read_cpus(d, dir);
        if (memory && is_v2(d, CTRL_MEMORY)) {
                dir->memory_max = read_limit(d, CTRL_MEMORY, dir, "memory.max", limit_parse);
                dir->memory_high = read_limit(d, CTRL_MEMORY, dir, "memory.high", limit_parse);
        } else if (memory) { /* v1 has no such thing as high */
                dir->memory_max =
                        read_limit(d, CTRL_MEMORY, dir, "memory.limit_in_bytes", limit_parse);
                dir->memory_high.state = LIMIT_NONE;
        }
        if (is_used(d, dir, CTRL_PIDS))
                dir->pids = read_limit(d, CTRL_PIDS, dir, "pids.max", limit_parse);
        /* out of descriptors, say: again at the next tick */
        dir->stale = dir->cpu.broken || dir->memory_max.broken || dir->memory_high.broken ||
                     dir->pids.broken;
}

/* The least so far; of equals the innermost is its source. */
static void least(struct limit *sum, struct own_limit l, struct cg_dir *dir)
{
        if (l.state == LIMIT_NONE && sum->state == LIMIT_UNKNOWN)
                sum->state = LIMIT_NONE;
        if (l.state == LIMIT_SET && (sum->state != LIMIT_SET || l.value < sum->value))
                *sum = (struct limit){LIMIT_SET, l.value, path_of(dir)};
}

/* A limit that cannot be read may be the least of all: then nobody knows, and it returns false. */
static bool chain(struct cg_dirs *d, struct cg_dir *dir, size_t offset, struct limit *ret)
{
        bool broken = false;
        for (; dir; dir = dir->parent) {
                if (dir->stale && dir->limits_tick != d->tick)
                        refresh(d, dir);
                const struct own_limit *l = (const void *)((const char *)dir + offset);
                broken |= l->broken;
                least(ret, *l, dir);
        }
        if (broken)
                *ret = (struct limit){.state = LIMIT_UNKNOWN};
        return !broken;
}

/* A cpuset smaller than the host is a limit too; it is set where it first became this small. */
static void cpuset_limit(struct cg_dirs *d, struct cg_dir *dir, struct limit *ret)
{
        if (!dir || !d->host_cpus)
                return;
        for (struct cg_dir *i = dir; i; i = i->parent)
                if (i->stale && i->limits_tick != d->tick)
                        refresh(d, i);
        if (!dir->cpus || dir->cpus >= d->host_cpus)
                return;
        unsigned size = dir->cpus;
        while (dir->parent && dir->parent->cpus == size)
                dir = dir->parent;
        least(ret, (struct own_limit){.state = LIMIT_SET, .value = size * MICRO}, dir);
}

static void throttle(struct cg_dirs *d, struct cg_dir *dir, struct throttle *ret)
{
        for (; dir; dir = dir->parent) {
                if (dir->cpu.state != LIMIT_SET) /* nobody counts periods without a limit */
                        continue;
                const struct cpu_counters *k = cg_dir_cpu_stat(d, dir, CTRL_CPU);
                const struct cpu_stat *now = &k->now, *prev = &k->prev;
                if (!now->periods_known || !prev->periods_known || now->periods <= prev->periods ||
                    now->throttled < prev->throttled)
                        continue;
                uint64_t periods = now->periods - prev->periods;
                double percent =
                        100.0 * (double)(now->throttled - prev->throttled) / (double)periods;
                if (!ret->known || percent > ret->percent)
                        *ret = (struct throttle){true, MIN(percent, 100.0), periods,
                                                 percent > 0 ? path_of(dir) : NULL};
        }
}

void cg_limits(struct cg_dirs *d, struct cg_dir *const of[CTRL_COUNT], struct limits *ret)
{
        *ret = (struct limits){0};
        if (chain(d, of[CTRL_CPU], offsetof(struct cg_dir, cpu), &ret->cpu))
                cpuset_limit(d, of[CTRL_CPUSET], &ret->cpu);
        (void)chain(d, of[CTRL_MEMORY], offsetof(struct cg_dir, memory_max), &ret->memory_max);
        (void)chain(d, of[CTRL_MEMORY], offsetof(struct cg_dir, memory_high), &ret->memory_high);
        (void)chain(d, of[CTRL_PIDS], offsetof(struct cg_dir, pids), &ret->pids);
        throttle(d, of[CTRL_CPU], &ret->throttle);
}
