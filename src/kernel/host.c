/* SPDX-License-Identifier: MIT */
#include "kernel/host.h"

#include <stdio.h>

#include "base/mem.h"
#include "base/str.h"
#include "kernel/leader.h"

#define PROC (-1) /* proc itself, for root_read_proc() */

#define CPU_LINE_MAX 512           /* "cpu" and ten numbers of at most 20 digits */
#define STAT_MAX     (1024 * 1024) /* thousands of CPUs, tens of thousands of interrupts */

/* --- proc/stat ------------------------------------------------------------------------------ */

enum cpu_field { CPU_IDLE = 3, CPU_IOWAIT = 4, CPU_FIELDS = 8 };

/* user nice system idle iowait irq softirq steal; guest and guest_nice are inside user and nice. */
static bool parse_cpu_line(const char *text, uint64_t *ret_busy, uint64_t *ret_total)
{
        const char *p = startswith(text, "cpu ");
        const char *end = strchrnul(text, '\n');
        uint64_t busy = 0, total = 0;
        for (int i = 0; p && i < CPU_FIELDS; i++) {
                uint64_t v;
                p += strspn(p, " ");
                int n = parse_u64(p, end, &v);
                if (n < 0 || __builtin_add_overflow(total, v, &total))
                        return false;
                if (i != CPU_IDLE && i != CPU_IOWAIT)
                        busy += v;
                p += n;
        }
        if (!p)
                return false;
        *ret_busy = busy;
        *ret_total = total;
        return true;
}

static void read_cpu(const struct root *r, struct host_sample *s)
{
        char buf[CPU_LINE_MAX];
        s->cpu_known = root_read_proc(r, PROC, "stat", buf, sizeof(buf)) > 0 &&
                       parse_cpu_line(buf, &s->cpu_busy_ticks, &s->cpu_total_ticks);
}

static bool is_cpu_line(const char *line)
{
        const char *p = startswith(line, "cpu");
        size_t digits = p ? strspn(p, "0123456789") : 0;
        return digits > 0 && p[digits] == ' ';
}

static void parse_boot(const char *line, struct host_sample *s)
{
        uint64_t v;
        const char *p = startswith(line, "btime ");
        const char *end = strchrnul(line, '\n');
        if (p && parse_u64(p, end, &v) == end - p && !__builtin_mul_overflow(v, 1000000, &v))
                s->boot_usec = v;
}

static void read_cpus_and_boot(const struct root *r, struct host_sample *s)
{
        _cleanup_free_ char *buf = xmalloc(STAT_MAX);
        if (root_read_proc(r, PROC, "stat", buf, STAT_MAX) < 0)
                return;
        for (const char *line = buf; *line;) {
                s->cpus += is_cpu_line(line);
                parse_boot(line, s);
                const char *end = strchrnul(line, '\n');
                line = *end ? end + 1 : end;
        }
}

/* --- proc/meminfo, proc/loadavg ------------------------------------------------------------- */

/* The value of "Key:   123 kB" in bytes. */
static bool meminfo_value(const char *text, const char *key, uint64_t *ret)
{
        for (const char *line = text; *line;) {
                const char *end = strchrnul(line, '\n'), *p = startswith(line, key);
                uint64_t v;
                if (p) {
                        p += strspn(p, " ");
                        int n = parse_u64(p, end, &v);
                        return n > 0 && startswith(p + n, " kB") &&
                               !__builtin_mul_overflow(v, 1024, ret);
                }
                line = *end ? end + 1 : end;
        }
        return false;
}

static void read_memory(const struct root *r, struct host_sample *s)
{
        char buf[1024]; /* the first lines */
        s->memory_known = root_read_proc(r, PROC, "meminfo", buf, sizeof(buf)) > 0 &&
                          meminfo_value(buf, "MemTotal:", &s->memory_total_bytes) &&
                          meminfo_value(buf, "MemAvailable:", &s->memory_available_bytes);
}

/* "0.52 0.58 0.59 1/1234 5678": all three or none. */
static bool parse_load(char *text, double load[static 3])
{
        for (int i = 0; i < 3; i++) {
                char *blank = strchr(text, ' ');
                if (!blank)
                        return false;
                *blank = '\0';
                if (parse_double_z(text, &load[i]) < 0 || load[i] < 0)
                        return false;
                text = blank + 1;
        }
        return true;
}

static void read_load(const struct root *r, struct host_sample *s)
{
        char buf[128];
        double load[3];
        bool known = root_read_proc(r, PROC, "loadavg", buf, sizeof(buf)) > 0;
        known = known && parse_load(buf, load);
        for (int i = 0; i < 3; i++)
                s->load[i] = known ? load[i] : -1;
}

void host_read(const struct root *r, struct host_sample *s)
{
        read_cpu(r, s);
        read_memory(r, s);
        read_load(r, s);
}

/* --- what stays ----------------------------------------------------------------------------- */

static void read_text(const struct root *r, const char *file, char *ret, size_t size)
{
        char buf[256];
        *ret = '\0';
        if (root_read_proc(r, PROC, file, buf, sizeof(buf)) < 0)
                return;
        buf[strcspn(buf, "\n")] = '\0';
        _cleanup_free_ char *clean = str_clean(buf, sizeof(buf), size - 1);
        snprintf(ret, size, "%s", clean);
}

static uint64_t read_bounding(const struct root *r)
{
        static const pid_t pids[] = {1, 2, 0};
        for (size_t i = 0; i < ARRAY_SIZE(pids); i++) {
                struct leader l;
                leader_init(&l);
                if (proc_status_read(r, pids[i], &l) >= 0 && l.status_known)
                        return l.cap_bounding;
        }
        return 0;
}

void host_read_static(const struct root *r, struct host_sample *s)
{
        s->cpus = 0;
        s->boot_usec = 0;
        read_text(r, "sys/kernel/hostname", s->name, sizeof(s->name));
        read_text(r, "sys/kernel/osrelease", s->kernel, sizeof(s->kernel));
        read_cpus_and_boot(r, s);
        s->cap_bounding = read_bounding(r);
}
