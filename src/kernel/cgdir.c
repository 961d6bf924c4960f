/* SPDX-License-Identifier: MIT */
#include "kernel/cgdir.h"

#include <errno.h>
#include <limits.h>
#include <unistd.h>

#include "base/macros.h"
#include "base/mem.h"
#include "base/str.h"
#include "kernel/cgroup.h"

#define MICRO UINT64_C(1000000)

void cg_dirs_init(struct cg_dirs *d, const struct root *r, const struct hierarchies *h,
                  int fd_budget, uint64_t (*clock_usec)(void))
{
        *d = (struct cg_dirs){.root = r,
                              .h = h,
                              .fd_budget = fd_budget,
                              .cache = !r->fixture,
                              .clock_usec = clock_usec};
}

void cg_dirs_done(struct cg_dirs *d)
{
        struct cg_dir *dir;
        map_foreach (&d->by_path, it, dir) {
                cg_fd_close(d, &dir->cpu_stat);
                free(dir);
        }
        map_done(&d->by_path);
}

void cg_dirs_all_stale(struct cg_dirs *d)
{
        struct cg_dir *dir;
        map_foreach (&d->by_path, it, dir)
                dir->stale = true;
}

/* --- the directories ----------------------------------------------------------------------------
 */

/* Relative path behind the index of its hierarchy. */
static void make_key(const struct cg_dirs *d, const struct hierarchy *h, const char *relative,
                     struct str *out)
{
        str_addc(out, (char)(1 + (h - d->h->all)));
        str_add(out, relative);
}

static struct cg_dir *find_relative(const struct cg_dirs *d, const struct hierarchy *h,
                                    const char *relative)
{
        _cleanup_str_ struct str key = STR_INIT;
        make_key(d, h, relative, &key);
        return map_get(&d->by_path, key.p, key.len);
}

struct cg_dir *cg_dir_find(const struct cg_dirs *d, const struct hierarchy *h, const char *path)
{
        const char *relative = hierarchy_relative(h, path);
        return relative ? find_relative(d, h, relative) : NULL;
}

static struct cg_dir *get_relative(struct cg_dirs *d, const struct hierarchy *h,
                                   const char *relative)
{
        struct cg_dir *dir = find_relative(d, h, relative);
        if (dir) {
                dir->refs++;
                return dir;
        }
        size_t n = strlen(relative);
        dir = xcalloc(1, sizeof(*dir) + n + 2);
        *dir = (struct cg_dir){.h = h, .refs = 1, .stale = true, .cpu_stat = {CG_FD_NEW}};
        dir->path[0] = '/';
        memcpy(dir->path + 1, relative, n + 1);
        if (n) {
                const char *slash = strrchr(relative, '/');
                _cleanup_free_ char *up =
                        xstrndup(relative, slash ? (size_t)(slash - relative) : 0);
                dir->parent = get_relative(d, h, up);
        }
        _cleanup_str_ struct str key = STR_INIT;
        make_key(d, h, relative, &key);
        map_put(&d->by_path, key.p, key.len, dir);
        return dir;
}

struct cg_dir *cg_dir_get(struct cg_dirs *d, const struct hierarchy *h, const char *path)
{
        const char *relative = hierarchy_relative(h, path);
        if (!relative || strlen(relative) >= PATH_MAX)
                return NULL;
        return get_relative(d, h, relative);
}

void cg_dir_put(struct cg_dirs *d, struct cg_dir *dir)
{
        while (dir && --dir->refs == 0) {
                struct cg_dir *parent = dir->parent;
                _cleanup_str_ struct str key = STR_INIT;
                make_key(d, dir->h, dir->path + 1, &key);
                map_del(&d->by_path, key.p, key.len);
                cg_fd_close(d, &dir->cpu_stat);
                free(dir);
                dir = parent;
        }
}

/* --- reading
 * --------------------------------------------------------------------------------------- */

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

static int open_file(const struct cg_dir *dir, const char *file)
{
        char path[PATH_MAX];
        const char *p = dir->path + 1;
        size_t n = strlen(p), m = strlen(file) + 1;
        if (n + 1 + m > sizeof(path))
                return -ENAMETOOLONG;
        memcpy(path, p, n);
        if (n)
                path[n++] = '/';
        memcpy(path + n, file, m);
        return open_beneath(dir->h->fd, path, 0);
}

static ssize_t open_and_read(struct cg_dirs *d, const struct cg_dir *dir, const char *file,
                             struct cg_fd *keep, char *buf, size_t size)
{
        int fd = open_file(dir, file);
        if (fd == -EMFILE || fd == -ENFILE) { /* somebody else took what we counted on */
                d->short_of_fds = true;
                d->fd_budget = 0;
        }
        if (fd == -ENOENT)
                keep->fd = CG_FD_ABSENT;
        if (fd < 0)
                return fd;
        ssize_t n = d->root->fixture ? read_whole(fd, buf, size) : read_once(fd, buf, size);
        if (n >= 0 && cg_budget_take(d))
                keep->fd = fd;
        else
                close(fd);
        return n;
}

ssize_t cg_read(struct cg_dirs *d, const struct cg_dir *dir, const char *file, struct cg_fd *fd,
                char *buf, size_t size)
{
        if (fd->fd == CG_FD_ABSENT && d->cache)
                return -ENOENT;
        if (fd->fd < 0)
                return open_and_read(d, dir, file, fd, buf, size);
        return read_once(fd->fd, buf, size);
}

const struct cpu_stat *cg_dir_cpu_stat(struct cg_dirs *d, struct cg_dir *dir)
{
        if (dir->cpu_tick == d->tick)
                return &dir->cpu_now;
        char buf[4096];
        bool previous = dir->cpu_tick + 1 == d->tick;
        dir->cpu_prev = previous ? dir->cpu_now : (struct cpu_stat){0};
        dir->cpu_now = (struct cpu_stat){.taken_usec = d->clock_usec()};
        dir->cpu_tick = d->tick;
        if (cg_read(d, dir, "cpu.stat", &dir->cpu_stat, buf, sizeof(buf)) >= 0)
                cpu_stat_parse(buf, dir->h->version, &dir->cpu_now);
        return &dir->cpu_now;
}

/* --- limits
 * ------------------------------------------------------------------------------------------- */

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
        if (!space || parse_u64(space + 1, end, &period) <= 0 || !period)
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
                n += to - from + 1;
                if (n > 1 << 20 || (text < end && *text++ != ','))
                        return 0;
        }
        return (unsigned)n;
}

static ssize_t read_now(const struct cg_dir *dir, const char *file, char *buf, size_t size)
{
        int fd = open_file(dir, file);
        if (fd < 0)
                return fd;
        ssize_t n = read_whole(fd, buf, size);
        close(fd);
        return n;
}

static struct limit read_limit(const struct cg_dir *dir, const char *file,
                               struct limit (*parse)(const char *))
{
        char buf[256];
        ssize_t n = read_now(dir, file, buf, sizeof(buf));
        return n > 0 ? parse(buf) : (struct limit){.state = LIMIT_UNKNOWN};
}

static struct limit read_cfs(const struct cg_dir *dir)
{
        char buf[64];
        uint64_t quota, period;
        if (read_now(dir, "cpu.cfs_quota_us", buf, sizeof(buf)) <= 0)
                return (struct limit){.state = LIMIT_UNKNOWN};
        if (buf[0] == '-')
                return (struct limit){.state = LIMIT_NONE};
        if (parse_u64_z(buf, &quota) < 0 || quota > UINT64_MAX / MICRO ||
            read_now(dir, "cpu.cfs_period_us", buf, sizeof(buf)) <= 0 ||
            parse_u64_z(buf, &period) < 0 || !period)
                return (struct limit){.state = LIMIT_UNKNOWN};
        return (struct limit){.state = LIMIT_SET, .value = quota * MICRO / period};
}

static unsigned read_cpus(const struct cg_dir *dir)
{
        static const char *const files[] = {"cpuset.cpus.effective", "cpuset.effective_cpus",
                                            "cpuset.cpus"};
        char buf[4096];
        for (size_t i = 0; i < ARRAY_SIZE(files); i++)
                if (read_now(dir, files[i], buf, sizeof(buf)) > 0)
                        return cpu_list_size(buf);
        return 0;
}

static bool has(const struct cg_dirs *d, const struct cg_dir *dir, enum controller c)
{
        return d->h->of[c] == dir->h;
}

static void refresh(struct cg_dirs *d, struct cg_dir *dir)
{
        bool v2 = dir->h->version == 2;
        dir->stale = false;
        if (has(d, dir, CTRL_CPU))
                dir->cpu = v2 ? read_limit(dir, "cpu.max", limit_parse_cpu_max) : read_cfs(dir);
        if (has(d, dir, CTRL_CPUSET))
                dir->cpus = read_cpus(dir);
        if (has(d, dir, CTRL_MEMORY)) {
                dir->memory_max =
                        read_limit(dir, v2 ? "memory.max" : "memory.limit_in_bytes", limit_parse);
                dir->memory_high =
                        v2 ? read_limit(dir, "memory.high", limit_parse)
                           : (struct limit){.state = LIMIT_NONE}; /* v1 has no such thing */
        }
        if (has(d, dir, CTRL_PIDS))
                dir->pids = read_limit(dir, "pids.max", limit_parse);
}

/* The least so far, with the outermost of equals as its source: that is where it is set. */
static void least(struct limit *sum, const struct limit *own, const char *source)
{
        if (own->state == LIMIT_NONE && sum->state == LIMIT_UNKNOWN)
                sum->state = LIMIT_NONE;
        if (own->state == LIMIT_SET && (sum->state != LIMIT_SET || own->value < sum->value))
                *sum = (struct limit){LIMIT_SET, own->value, source};
}

static void chain(struct cg_dirs *d, struct cg_dir *dir, size_t offset, struct limit *ret)
{
        for (; dir; dir = dir->parent) {
                if (dir->stale)
                        refresh(d, dir);
                least(ret, (const struct limit *)(const void *)((char *)dir + offset), dir->path);
        }
}

/* A cpuset smaller than the host is a limit too; it is set where it first became this small. */
static void cpuset_limit(struct cg_dirs *d, struct cg_dir *dir, struct limit *ret)
{
        if (!dir || !d->host_cpus)
                return;
        for (struct cg_dir *i = dir; i; i = i->parent)
                if (i->stale)
                        refresh(d, i);
        if (!dir->cpus || dir->cpus >= d->host_cpus)
                return;
        unsigned size = dir->cpus;
        while (dir->parent && dir->parent->cpus == size)
                dir = dir->parent;
        struct limit l = {.state = LIMIT_SET, .value = size * MICRO};
        least(ret, &l, dir->path);
}

static void throttle(struct cg_dirs *d, struct cg_dir *dir, struct throttle *ret)
{
        for (; dir; dir = dir->parent) {
                if (dir->cpu.state != LIMIT_SET) /* nobody counts periods without a limit */
                        continue;
                const struct cpu_stat *now = cg_dir_cpu_stat(d, dir), *prev = &dir->cpu_prev;
                if (!now->periods_known || !prev->periods_known || now->periods <= prev->periods ||
                    now->throttled < prev->throttled)
                        continue;
                uint64_t periods = now->periods - prev->periods;
                double percent =
                        100.0 * (double)(now->throttled - prev->throttled) / (double)periods;
                if (!ret->known || percent > ret->percent)
                        *ret = (struct throttle){true, MIN(percent, 100.0), periods,
                                                 percent > 0 ? dir->path : NULL};
        }
}

void cg_limits(struct cg_dirs *d, struct cg_dir *const of[CTRL_COUNT], struct limits *ret)
{
        *ret = (struct limits){0};
        chain(d, of[CTRL_CPU], offsetof(struct cg_dir, cpu), &ret->cpu);
        cpuset_limit(d, of[CTRL_CPUSET], &ret->cpu);
        chain(d, of[CTRL_MEMORY], offsetof(struct cg_dir, memory_max), &ret->memory_max);
        chain(d, of[CTRL_MEMORY], offsetof(struct cg_dir, memory_high), &ret->memory_high);
        chain(d, of[CTRL_PIDS], offsetof(struct cg_dir, pids), &ret->pids);
        throttle(d, of[CTRL_CPU], &ret->throttle);
}
