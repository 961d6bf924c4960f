/* SPDX-License-Identifier: MIT */
#include "kernel/cgroup.h"

#include <errno.h>

#include "base/macros.h"
#include "base/str.h"

/* memory.stat of a busy cgroup is about 1.5 KiB, io.stat grows with the devices. */
#define BUFFER_SIZE (16 * 1024)

void flat_parse(const char *text, const struct flat_key *keys, size_t n, struct cg_sample *s)
{
        size_t left = n;
        for (const char *p = text; *p && left;) {
                const char *end = strchrnul(p, '\n');
                const char *space = memchr(p, ' ', (size_t)(end - p));
                size_t len = space ? (size_t)(space - p) : 0;
                for (size_t i = 0; len && i < n; i++) {
                        uint64_t v;
                        if (keys[i].len != len || memcmp(keys[i].key, p, len) != 0)
                                continue;
                        if (parse_u64(space + 1, end, &v) == (int)(end - space - 1))
                                sample_set(s, keys[i].metric, v);
                        left--;
                        break;
                }
                p = *end ? end + 1 : end;
        }
}

void number_parse(const char *text, enum metric m, struct cg_sample *s)
{
        uint64_t v;
        if (parse_u64_z(text, &v) >= 0)
                sample_set(s, m, v);
}

bool metric_sum(const struct cg_sample *s, const enum metric *of, size_t n, uint64_t *ret)
{
        uint64_t sum = 0;
        for (size_t i = 0; i < n; i++)
                if (!sample_has(s, of[i]) || __builtin_add_overflow(sum, s->value[of[i]], &sum))
                        return false;
        *ret = sum;
        return true;
}

void cpu_stat_parse(const char *text, int version, struct cpu_stat *ret)
{
        /* a scratch sample: the metrics are only slots here */
        static const struct flat_key v2[] = {
                FLAT("usage_usec", 0), FLAT("user_usec", 1),    FLAT("system_usec", 2),
                FLAT("nr_periods", 3), FLAT("nr_throttled", 4), FLAT("throttled_usec", 5),
        };
        static const struct flat_key v1[] = {
                FLAT("nr_periods", 3),
                FLAT("nr_throttled", 4),
                FLAT("throttled_time", 5),
        };
        struct cg_sample s = {0};
        if (version == 2)
                flat_parse(text, v2, ARRAY_SIZE(v2), &s);
        else
                flat_parse(text, v1, ARRAY_SIZE(v1), &s);
        ret->usage_known = (s.have & 7) == 7;
        ret->usage_usec = s.value[0];
        ret->user_usec = s.value[1];
        ret->system_usec = s.value[2];
        ret->periods_known = (s.have & 0x38) == 0x38;
        ret->periods = s.value[3];
        ret->throttled = s.value[4];
        ret->throttled_usec = version == 2 ? s.value[5] : s.value[5] / 1000; /* v1: ns */
}

/* --- v2
 * ------------------------------------------------------------------------------------------- */

static void parse_memory_current(const char *text, struct blockdevs *b, struct cg_sample *s)
{
        (void)b;
        number_parse(text, MEMORY_USAGE_BYTES, s);
}

/* Keys that only feed the sum; slots of a scratch sample that memory.stat never fills itself. */
#define UNRECLAIMABLE NET_RX_BYTES
#define KERNEL_STACK  NET_TX_BYTES
#define PAGETABLES    NET_RX_ERRORS

static void parse_memory_stat(const char *text, struct blockdevs *b, struct cg_sample *s)
{
        static const struct flat_key keys[] = {
                FLAT("anon", MEMORY_ANON_BYTES),
                FLAT("file", MEMORY_FILE_BYTES),
                FLAT("shmem", MEMORY_SHMEM_BYTES),
                FLAT("slab", MEMORY_SLAB_BYTES),
                FLAT("inactive_file", MEMORY_INACTIVE_FILE_BYTES),
                FLAT("slab_unreclaimable", UNRECLAIMABLE),
                FLAT("kernel_stack", KERNEL_STACK),
                FLAT("pagetables", PAGETABLES),
        };
        static const enum metric needed[] = {MEMORY_ANON_BYTES, MEMORY_SHMEM_BYTES, UNRECLAIMABLE,
                                             KERNEL_STACK, PAGETABLES};
        (void)b;
        struct cg_sample t = {0};
        flat_parse(text, keys, ARRAY_SIZE(keys), &t);
        uint64_t v;
        if (metric_sum(&t, needed, ARRAY_SIZE(needed), &v))
                sample_set(s, MEMORY_NEEDED_BYTES, v);
        for (size_t i = 0; i < 5; i++)
                if (sample_has(&t, keys[i].metric))
                        sample_set(s, keys[i].metric, t.value[keys[i].metric]);
}

static void parse_memory_events(const char *text, struct blockdevs *b, struct cg_sample *s)
{
        static const struct flat_key keys[] = {
                FLAT("oom_kill", MEMORY_OOM_KILLS),
                FLAT("max", MEMORY_MAX_EVENTS),
                FLAT("high", MEMORY_HIGH_EVENTS),
        };
        (void)b;
        flat_parse(text, keys, ARRAY_SIZE(keys), s);
}

static void parse_swap(const char *text, struct blockdevs *b, struct cg_sample *s)
{
        (void)b;
        number_parse(text, MEMORY_SWAP_BYTES, s);
}

static void parse_peak(const char *text, struct blockdevs *b, struct cg_sample *s)
{
        (void)b;
        number_parse(text, MEMORY_PEAK_BYTES, s);
}

static void parse_pids(const char *text, struct blockdevs *b, struct cg_sample *s)
{
        (void)b;
        number_parse(text, PIDS_CURRENT, s);
}

static void parse_events(const char *text, struct blockdevs *b, struct cg_sample *s)
{
        static const struct flat_key keys[] = {FLAT("frozen", FROZEN),
                                               FLAT("populated", POPULATED)};
        (void)b;
        flat_parse(text, keys, ARRAY_SIZE(keys), s);
}

/* "name=number" words of one line of io.stat; false when one of ours is no number. */
static bool io_words(const char *p, const char *end, struct cg_sample *s)
{
        static const struct flat_key keys[] = {
                FLAT("rbytes=", IO_READ_BYTES),
                FLAT("wbytes=", IO_WRITE_BYTES),
                FLAT("rios=", IO_READ_OPS),
                FLAT("wios=", IO_WRITE_OPS),
        };
        for (; p < end; p++) {
                size_t word = MIN(strcspn(p, " \n"), (size_t)(end - p));
                for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
                        uint64_t v, *sum = &s->value[keys[i].metric];
                        if (word < keys[i].len || memcmp(p, keys[i].key, keys[i].len) != 0)
                                continue;
                        const char *number = p + keys[i].len;
                        if (parse_u64(number, p + word, &v) != (int)(p + word - number) ||
                            number == p + word || __builtin_add_overflow(*sum, v, sum))
                                return false;
                }
                p += word;
        }
        return true;
}

/* One line of io.stat: "MAJ:MIN rbytes=1 wbytes=2 rios=3 wios=4 ...", or a bare "MAJ:MIN". */
static bool io_line(const char *p, const char *end, struct blockdevs *b, struct cg_sample *s)
{
        unsigned major, minor;
        int n = blockdev_parse(p, end, &major, &minor);
        if (n < 0)
                return false;
        return !blockdev_is_leaf(b, major, minor) || io_words(p + n, end, s);
}

/* Present but empty means no IO yet: zero is true then. What cannot be read may hold any number. */
static void parse_io(const char *text, struct blockdevs *b, struct cg_sample *s)
{
        bool good = true;
        for (enum metric m = IO_READ_BYTES; m <= IO_WRITE_OPS; m++)
                sample_set(s, m, 0);
        for (const char *p = text; *p && good;) {
                const char *end = strchrnul(p, '\n');
                good = io_line(p, end, b, s);
                p = *end ? end + 1 : end;
        }
        for (enum metric m = IO_READ_BYTES; m <= IO_WRITE_OPS && !good; m++)
                s->have &= ~METRIC_BIT(m);
}

/* "some avg10=1.23 avg60=..." -> 123 */
static void psi_line(const char *text, const char *word, enum metric m, struct cg_sample *s)
{
        const char *p = strstr(text, word);
        if (!p || !(p = startswith(p + strlen(word), " avg10=")))
                return;
        uint64_t whole, cents;
        const char *end = p + strcspn(p, " \n");
        int n = parse_u64(p, end, &whole);
        if (n > 0 && end - p == n + 3 && p[n] == '.' && parse_u64(p + n + 1, end, &cents) == 2 &&
            whole <= 100)
                sample_set(s, m, whole * 100 + cents);
}

static void parse_psi_cpu(const char *text, struct blockdevs *b, struct cg_sample *s)
{
        (void)b;
        psi_line(text, "some", PSI_CPU_SOME, s);
        psi_line(text, "full", PSI_CPU_FULL, s);
}

static void parse_psi_memory(const char *text, struct blockdevs *b, struct cg_sample *s)
{
        (void)b;
        psi_line(text, "some", PSI_MEMORY_SOME, s);
        psi_line(text, "full", PSI_MEMORY_FULL, s);
}

static void parse_psi_io(const char *text, struct blockdevs *b, struct cg_sample *s)
{
        (void)b;
        psi_line(text, "some", PSI_IO_SOME, s);
        psi_line(text, "full", PSI_IO_FULL, s);
}

const struct cg_file cg_files_v2[] = {
        {"memory.current", CTRL_MEMORY, 2, WANT_MEMORY, 0, parse_memory_current},
        {"memory.stat", CTRL_MEMORY, 2, WANT_MEMORY_STAT, 0, parse_memory_stat},
        {"memory.events", CTRL_MEMORY, 2, WANT_MEMORY, CG_EVENT, parse_memory_events},
        {"memory.swap.current", CTRL_MEMORY, 2, WANT_SWAP, 0, parse_swap},
        {"memory.peak", CTRL_MEMORY, 2, WANT_PEAK, 0, parse_peak},
        {"io.stat", CTRL_IO, 2, WANT_IO | WANT_IO_OPS, 0, parse_io},
        {"pids.current", CTRL_PIDS, 2, WANT_PIDS, 0, parse_pids},
        {"cgroup.events", CTRL_CORE, 2, WANT_STATE, CG_EVENT | CG_INNER_DIR, parse_events},
        {"cpu.pressure", CTRL_CORE, 2, WANT_PSI_CPU, 0, parse_psi_cpu},
        {"memory.pressure", CTRL_CORE, 2, WANT_PSI_MEMORY, 0, parse_psi_memory},
        {"io.pressure", CTRL_CORE, 2, WANT_PSI_IO, 0, parse_psi_io},
};
const size_t n_cg_files_v2 = ARRAY_SIZE(cg_files_v2);

/* --- one row
 * ---------------------------------------------------------------------------------------- */

/* Files of both tables share one numbering: v2 first. */
static const struct cg_file *file_at(size_t i)
{
        if (i < n_cg_files_v2)
                return &cg_files_v2[i];
        i -= n_cg_files_v2;
        return i < n_cg_files_v1 ? &cg_files_v1[i] : NULL;
}

void cg_reader_init(struct cg_reader *r)
{
        *r = (struct cg_reader){.due = UINT32_MAX};
        for (size_t i = 0; i < CG_FILES_MAX; i++)
                r->fd[i].fd = CG_FD_NEW;
}

void cg_reader_set(struct cg_reader *r, struct cg_dirs *d, enum controller c, struct cg_dir *dir,
                   struct cg_dir *limit_dir)
{
        for (size_t i = 0; file_at(i); i++)
                if (file_at(i)->controller == c)
                        cg_fd_close(d, &r->fd[i]);
        cg_dir_put(d, r->of[c]);
        cg_dir_put(d, r->limit_of[c]);
        r->of[c] = dir;
        r->limit_of[c] = limit_dir;
        r->due = UINT32_MAX;
}

void cg_reader_done(struct cg_reader *r, struct cg_dirs *d)
{
        for (enum controller c = 0; c < CTRL_COUNT; c++)
                cg_reader_set(r, d, c, NULL, NULL);
}

void cg_reader_touch(struct cg_reader *r, const char *file)
{
        for (size_t i = 0; file_at(i); i++)
                if (streq(file_at(i)->name, file))
                        r->due |= 1u << i;
}

void cg_reader_retry(struct cg_reader *r)
{
        for (size_t i = 0; i < CG_FILES_MAX; i++)
                if (r->fd[i].fd == CG_FD_ABSENT)
                        r->fd[i].fd = CG_FD_NEW;
        r->due = UINT32_MAX;
}

static void sample_cpu(struct cg_reader *r, struct cg_dirs *d, struct cg_sample *s)
{
        struct cg_dir *dir = r->of[CTRL_CORE];
        s->taken_usec = d->clock_usec();
        if (!dir) /* pure v1: cpuacct's files are in the table */
                return;
        const struct cpu_stat *c = &cg_dir_cpu_stat(d, dir, CTRL_CORE)->now;
        if (!c->usage_known)
                return;
        s->taken_usec = c->taken_usec;
        sample_set(s, CPU_USAGE_USEC, c->usage_usec);
        sample_set(s, CPU_USER_USEC, c->user_usec);
        sample_set(s, CPU_SYSTEM_USEC, c->system_usec);
}

static void sample_throttled(struct cg_reader *r, struct cg_dirs *d, struct cg_sample *s)
{
        struct cg_dir *dir = r->limit_of[CTRL_CPU];
        if (!dir || dir->cpu.state != LIMIT_SET)
                return;
        const struct cpu_stat *c = &cg_dir_cpu_stat(d, dir, CTRL_CPU)->now;
        if (c->periods_known)
                sample_set(s, CPU_THROTTLED_USEC, c->throttled_usec);
}

static bool useful(const struct cg_reader *r, const struct cg_file *f, const struct blockdevs *b)
{
        if ((f->flags & CG_NO_CORE) && r->of[CTRL_CORE])
                return false;
        return !(f->flags & CG_BLKIO) || b->v1_accounted.len;
}

static bool wanted(const struct cg_reader *r, size_t i, const struct cg_file *f, unsigned wants,
                   bool events)
{
        if (!(f->wants & wants))
                return false;
        if ((f->flags & CG_EVENT) && events && r->fd[i].fd >= 0) /* no descriptor, no event */
                return r->due & (1u << i);
        return true;
}

/* What an event file says holds until it says otherwise, or cannot be read. */
static void keep_events(struct cg_reader *r, const struct cg_file *f, bool read,
                        struct cg_sample *s)
{
        bool memory = f->controller == CTRL_MEMORY;
        enum metric m = memory ? MEMORY_OOM_KILLS : FROZEN;
        for (enum metric end = memory ? FROZEN : POPULATED + 1; m < end; m++) {
                uint8_t bit = (uint8_t)(1u << (m - MEMORY_OOM_KILLS));
                if (!read)
                        s->have &= ~METRIC_BIT(m);
                r->events_have &= (uint8_t)~bit;
                if (!sample_has(s, m))
                        continue;
                r->events_have |= bit;
                r->events[m - MEMORY_OOM_KILLS] = s->value[m];
        }
}

static void add_events(const struct cg_reader *r, struct cg_sample *s)
{
        for (enum metric m = MEMORY_OOM_KILLS; m <= POPULATED; m++)
                if (r->events_have & (1u << (m - MEMORY_OOM_KILLS)))
                        sample_set(s, m, r->events[m - MEMORY_OOM_KILLS]);
}

/* False when it could not be read. */
static bool sample_file(struct cg_reader *r, struct cg_dirs *d, struct blockdevs *b, size_t i,
                        char *buf, struct cg_sample *s)
{
        const struct cg_file *f = file_at(i);
        struct cg_dir *dir =
                f->flags & CG_INNER_DIR ? r->limit_of[f->controller] : r->of[f->controller];
        const struct hierarchy *h = d->h->of[f->controller];
        if (!dir || h->version != f->version)
                return false;
        ssize_t n = cg_read(d, h, dir, f->name, &r->fd[i], buf, BUFFER_SIZE);
        r->gone |= n == -ENODEV;
        if (n < 0 || n >= BUFFER_SIZE - 1) /* cut: the end of a number may be missing */
                return false;
        f->parse(buf, b, s);
        return true;
}

void cg_reader_sample(struct cg_reader *r, struct cg_dirs *d, struct blockdevs *b, unsigned wants,
                      bool events, struct cg_sample *s)
{
        char buf[BUFFER_SIZE];
        *s = (struct cg_sample){0};
        if (wants & WANT_CPU) {
                sample_cpu(r, d, s);
                sample_throttled(r, d, s);
        } else {
                s->taken_usec = d->clock_usec();
        }
        add_events(r, s);
        for (size_t i = 0; file_at(i); i++) {
                const struct cg_file *f = file_at(i);
                if (!wanted(r, i, f, wants, events) || !useful(r, f, b))
                        continue;
                bool read = sample_file(r, d, b, i, buf, s);
                if (f->flags & CG_EVENT)
                        keep_events(r, f, read, s);
                if (read)
                        r->due &= ~(1u << i);
        }
}
