/* SPDX-License-Identifier: MIT */

/* The cgroup v1 equivalents of cgroup.c's files, behind the same sample. (cgroup-v1/ of the kernel
 * docs) */

#include <limits.h>
#include <unistd.h>

#include "base/macros.h"
#include "base/str.h"
#include "kernel/cgroup.h"

static void parse_cpuacct(const char *text, struct blockdevs *b, struct cg_sample *s)
{
        uint64_t ns;
        (void)b;
        if (!sample_has(s, CPU_USAGE_USEC) && parse_u64_z(text, &ns) >= 0)
                sample_set(s, CPU_USAGE_USEC, ns / 1000);
}

/* USER_HZ ticks: coarse, so only where no v2 directory tells it better. */
static void parse_cpuacct_stat(const char *text, struct blockdevs *b, struct cg_sample *s)
{
        static const struct flat_key keys[] = {FLAT("user", 0), FLAT("system", 1)};
        struct cg_sample t = {0};
        uint64_t usec = 1000000 / (uint64_t)sysconf(_SC_CLK_TCK);
        (void)b;
        if (sample_has(s, CPU_USER_USEC))
                return;
        flat_parse(text, keys, ARRAY_SIZE(keys), &t);
        if ((t.have & 3) != 3)
                return;
        sample_set(s, CPU_USER_USEC, t.value[0] * usec);
        sample_set(s, CPU_SYSTEM_USEC, t.value[1] * usec);
}

static void parse_usage(const char *text, struct blockdevs *b, struct cg_sample *s)
{
        (void)b;
        number_parse(text, MEMORY_USAGE_BYTES, s);
}

/*
 * needed = total_rss + total_shmem + kmem.usage; the file of kmem comes later in the table and adds
 * itself. total_cache includes shmem, as v2's "file" does.
 */
static void parse_stat(const char *text, struct blockdevs *b, struct cg_sample *s)
{
        static const struct flat_key keys[] = {
                FLAT("total_rss", MEMORY_ANON_BYTES),
                FLAT("total_cache", MEMORY_FILE_BYTES),
                FLAT("total_shmem", MEMORY_SHMEM_BYTES),
                FLAT("total_inactive_file", MEMORY_INACTIVE_FILE_BYTES),
                FLAT("total_swap", MEMORY_SWAP_BYTES),
        };
        (void)b;
        flat_parse(text, keys, ARRAY_SIZE(keys), s);
}

static void parse_kmem(const char *text, struct blockdevs *b, struct cg_sample *s)
{
        static const enum metric parts[] = {MEMORY_ANON_BYTES, MEMORY_SHMEM_BYTES};
        uint64_t kmem, sum;
        (void)b;
        if (parse_u64_z(text, &kmem) >= 0 && metric_sum(s, parts, ARRAY_SIZE(parts), &sum) &&
            !__builtin_add_overflow(sum, kmem, &sum))
                sample_set(s, MEMORY_NEEDED_BYTES, sum);
}

static void parse_peak(const char *text, struct blockdevs *b, struct cg_sample *s)
{
        (void)b;
        number_parse(text, MEMORY_PEAK_BYTES, s);
}

static void parse_oom(const char *text, struct blockdevs *b, struct cg_sample *s)
{
        static const struct flat_key keys[] = {FLAT("oom_kill", MEMORY_OOM_KILLS)};
        (void)b;
        flat_parse(text, keys, ARRAY_SIZE(keys), s);
}

/* "MAJ:MIN Read N" lines; only devices that the hierarchy's root accounts tell the truth. */
static void blkio(const char *text, struct blockdevs *b, enum metric read, enum metric write,
                  struct cg_sample *s)
{
        uint64_t sum[2] = {0};
        for (const char *p = text; *p;) {
                const char *end = strchrnul(p, '\n');
                unsigned major, minor;
                int n = blockdev_parse(p, end, &major, &minor);
                uint64_t v;
                const char *word = n > 0 ? p + n : p;
                if (n > 0 && blockdev_is_leaf(b, major, minor)) {
                        const char *rd = startswith(word, " Read ");
                        const char *wr = startswith(word, " Write ");
                        if ((rd || wr) &&
                            (parse_u64(rd ? rd : wr, end, &v) <= 0 ||
                             __builtin_add_overflow(sum[wr != NULL], v, &sum[wr != NULL])))
                                return; /* unknown, not less */
                }
                p = *end ? end + 1 : end;
        }
        if (!b->v1_accounted.len) /* "Total 0" of a device nobody counts is no zero */
                return;
        sample_set(s, read, sum[0]);
        sample_set(s, write, sum[1]);
}

static void parse_bytes(const char *text, struct blockdevs *b, struct cg_sample *s)
{
        blkio(text, b, IO_READ_BYTES, IO_WRITE_BYTES, s);
}

static void parse_ops(const char *text, struct blockdevs *b, struct cg_sample *s)
{
        blkio(text, b, IO_READ_OPS, IO_WRITE_OPS, s);
}

static void parse_pids(const char *text, struct blockdevs *b, struct cg_sample *s)
{
        (void)b;
        number_parse(text, PIDS_CURRENT, s);
}

/* On a hybrid host docker pause freezes here, and v2's cgroup.events stays "frozen 0". */
static void parse_freezer(const char *text, struct blockdevs *b, struct cg_sample *s)
{
        (void)b;
        if (startswith(text, "FROZEN"))
                sample_set(s, FROZEN, 1);
        else if (startswith(text, "THAWED") && !sample_has(s, FROZEN))
                sample_set(s, FROZEN, 0);
}

const struct cg_file cg_files_v1[] = {
        {"cpuacct.usage", CTRL_CPUACCT, 1, WANT_CPU, CG_NO_CORE, parse_cpuacct},
        {"cpuacct.stat", CTRL_CPUACCT, 1, WANT_CPU_SPLIT, CG_NO_CORE, parse_cpuacct_stat},
        {"memory.usage_in_bytes", CTRL_MEMORY, 1, WANT_MEMORY, 0, parse_usage},
        {"memory.stat", CTRL_MEMORY, 1, WANT_MEMORY_STAT | WANT_SWAP, 0, parse_stat},
        {"memory.kmem.usage_in_bytes", CTRL_MEMORY, 1, WANT_MEMORY_STAT, 0, parse_kmem},
        {"memory.max_usage_in_bytes", CTRL_MEMORY, 1, WANT_PEAK, 0, parse_peak},
        {"memory.oom_control", CTRL_MEMORY, 1, WANT_MEMORY, 0, parse_oom},
        {"blkio.throttle.io_service_bytes_recursive", CTRL_IO, 1, WANT_IO, CG_BLKIO, parse_bytes},
        {"blkio.throttle.io_serviced_recursive", CTRL_IO, 1, WANT_IO_OPS, CG_BLKIO, parse_ops},
        {"pids.current", CTRL_PIDS, 1, WANT_PIDS, 0, parse_pids},
        {"freezer.state", CTRL_FREEZER, 1, WANT_STATE, 0, parse_freezer},
};
const size_t n_cg_files_v1 = ARRAY_SIZE(cg_files_v1);
