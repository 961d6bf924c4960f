/* SPDX-License-Identifier: MIT */
#include "model/columns.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <time.h>

#include "base/mem.h"

#define USEC UINT64_C(1000000)

/* --- values --------------------------------------------------------------------------------- */

static const struct value unknown = {.type = VALUE_NONE};

static struct value of_uint(uint64_t u)
{
        return (struct value){.type = VALUE_UINT, .u = u};
}

static struct value of_number(double d)
{
        return isfinite(d) ? (struct value){.type = VALUE_NUMBER, .number = d} : unknown;
}

static struct value of_text(const char *text)
{
        return text ? (struct value){.type = VALUE_TEXT, .text = text} : unknown;
}

/* 0 and 1; negative: unknown. */
static struct value of_bool(int truth)
{
        return truth >= 0 ? (struct value){.type = VALUE_BOOL, .truth = truth > 0} : unknown;
}

static struct value of_metric(const struct container *c, enum metric metric)
{
        return sample_has(&c->now, metric) ? of_uint(c->now.value[metric]) : unknown;
}

/* The kernel's avg10 comes in hundredths of a percent. */
static struct value of_pressure(const struct container *c, enum metric metric)
{
        if (!sample_has(&c->now, metric))
                return unknown;
        return of_number((double)c->now.value[metric] / 100);
}

/* In the host's namespace the counters are the host's, whatever a sample may hold. */
static struct value of_net(const struct container *c, enum metric metric)
{
        return c->net_mode == NET_HOST ? unknown : of_metric(c, metric);
}

static struct value of_limit(const struct model_limit *l)
{
        return l->state == LIMIT_SET ? of_uint(l->value) : unknown;
}

static struct value of_limit_source(const struct model_limit *l)
{
        if (l->state == LIMIT_NONE)
                return of_text("none");
        return l->state == LIMIT_SET ? of_text(l->source) : unknown;
}

/* RFC 3339 in UTC with milliseconds. 0 is unknown, and so is what needs a fifth digit for the year.
 */
static struct value of_time(uint64_t usec)
{
        struct value v = {.type = VALUE_TEXT};
        time_t seconds = (time_t)(usec / USEC);
        struct tm tm;
        if (usec == 0 || !gmtime_r(&seconds, &tm) || tm.tm_year > 9999 - 1900)
                return unknown;
        size_t n = strftime(v.scratch, sizeof(v.scratch), "%Y-%m-%dT%H:%M:%S", &tm);
        snprintf(v.scratch + n, sizeof(v.scratch) - n, ".%03uZ", (unsigned)(usec % USEC / 1000));
        return v;
}

const char *value_text(const struct value *v)
{
        if (v->type == VALUE_BOOL)
                return v->truth ? "true" : "false";
        if (v->type != VALUE_TEXT)
                return NULL;
        return v->text ? v->text : v->scratch;
}

bool value_number(const struct value *v, double *ret)
{
        switch (v->type) {
        case VALUE_UINT:
                *ret = (double)v->u;
                return true;
        case VALUE_INT:
                *ret = (double)v->i;
                return true;
        case VALUE_NUMBER:
                *ret = v->number;
                return true;
        default:
                return false;
        }
}

/* --- getters -------------------------------------------------------------------------------- */

#define GETTER(name, expression)                                                                   \
        static struct value name(const struct model *m, const struct container *c)                 \
        {                                                                                          \
                (void)m, (void)c;                                                                  \
                return (expression);                                                               \
        }

/* clang-format off */
GETTER(get_time,             of_time(m->realtime_usec))
GETTER(get_key,              of_text(c->key))
GETTER(get_id,               of_text(c->id))
GETTER(get_name,             of_text(c->name))
GETTER(get_runtime,          c->runtime == RUNTIME_UNKNOWN ? unknown : of_text(runtime_names[c->runtime]))
GETTER(get_kind,             of_text(kind_names[c->kind]))
GETTER(get_state,            c->state == STATE_UNKNOWN ? unknown : of_text(state_names[c->state]))
GETTER(get_image,            of_text(c->image))
GETTER(get_pid,              c->pid > 0 ? of_uint((uint64_t)c->pid) : unknown)
GETTER(get_owner,            c->owner_uid == UINT32_MAX ? unknown : of_uint(c->owner_uid))
GETTER(get_cgroup,           of_text(c->cgroup))
GETTER(get_parent,           of_text(c->parent))
GETTER(get_pod,              of_text(c->pod))
GETTER(get_pod_name,         of_text(c->pod_name))
GETTER(get_started,          of_time(c->started_usec))
GETTER(get_exit_code,        unknown) /* only an engine can tell */

GETTER(get_cpu,              of_number(c->rates.cpu_percent))
GETTER(get_cpu_usage,        of_metric(c, CPU_USAGE_USEC))
GETTER(get_cpu_user,         of_metric(c, CPU_USER_USEC))
GETTER(get_cpu_system,       of_metric(c, CPU_SYSTEM_USEC))
GETTER(get_cpu_limit,        c->cpu_limit.state == LIMIT_SET ? of_number((double)c->cpu_limit.value / 1e6) : unknown)
GETTER(get_cpu_limit_source, of_limit_source(&c->cpu_limit))
GETTER(get_throttled,        of_number(c->throttled_percent))
GETTER(get_throttled_source, of_text(c->throttled_source))
GETTER(get_throttled_usec,   of_metric(c, CPU_THROTTLED_USEC))

GETTER(get_mem_usage,        of_metric(c, MEMORY_USAGE_BYTES))
GETTER(get_mem_needed,       of_metric(c, MEMORY_NEEDED_BYTES))
GETTER(get_anon,             of_metric(c, MEMORY_ANON_BYTES))
GETTER(get_file,             of_metric(c, MEMORY_FILE_BYTES))
GETTER(get_shmem,            of_metric(c, MEMORY_SHMEM_BYTES))
GETTER(get_slab,             of_metric(c, MEMORY_SLAB_BYTES))
GETTER(get_swap,             of_metric(c, MEMORY_SWAP_BYTES))
GETTER(get_peak,             of_metric(c, MEMORY_PEAK_BYTES))
GETTER(get_mem_limit,        of_limit(&c->memory_limit))
GETTER(get_mem_limit_source, of_limit_source(&c->memory_limit))
GETTER(get_mem_high,         of_limit(&c->memory_high))
GETTER(get_mem_high_source,  of_limit_source(&c->memory_high))
GETTER(get_oom,              of_metric(c, MEMORY_OOM_KILLS))

GETTER(get_io_read,          of_metric(c, IO_READ_BYTES))
GETTER(get_io_write,         of_metric(c, IO_WRITE_BYTES))
GETTER(get_io_read_ops,      of_metric(c, IO_READ_OPS))
GETTER(get_io_write_ops,     of_metric(c, IO_WRITE_OPS))
GETTER(get_io_read_rate,     of_number(c->rates.io_read))
GETTER(get_io_write_rate,    of_number(c->rates.io_write))

GETTER(get_netns,            c->netns ? of_uint(c->netns) : unknown)
GETTER(get_net_rx,           of_net(c, NET_RX_BYTES))
GETTER(get_net_tx,           of_net(c, NET_TX_BYTES))
GETTER(get_net_rx_rate,      c->net_mode == NET_HOST ? unknown : of_number(c->rates.net_rx))
GETTER(get_net_tx_rate,      c->net_mode == NET_HOST ? unknown : of_number(c->rates.net_tx))
GETTER(get_net_rx_errors,    of_net(c, NET_RX_ERRORS))
GETTER(get_net_tx_errors,    of_net(c, NET_TX_ERRORS))
GETTER(get_net_rx_dropped,   of_net(c, NET_RX_DROPPED))
GETTER(get_net_tx_dropped,   of_net(c, NET_TX_DROPPED))

GETTER(get_pids,             of_metric(c, PIDS_CURRENT))
GETTER(get_pids_limit,       of_limit(&c->pids_limit))
GETTER(get_pids_limit_source, of_limit_source(&c->pids_limit))

GETTER(get_psi_cpu_some,     of_pressure(c, PSI_CPU_SOME))
GETTER(get_psi_cpu_full,     of_pressure(c, PSI_CPU_FULL))
GETTER(get_psi_mem_some,     of_pressure(c, PSI_MEMORY_SOME))
GETTER(get_psi_mem_full,     of_pressure(c, PSI_MEMORY_FULL))
GETTER(get_psi_io_some,      of_pressure(c, PSI_IO_SOME))
GETTER(get_psi_io_full,      of_pressure(c, PSI_IO_FULL))

GETTER(get_root_uid,         c->isolation.root_uid >= 0 ? of_uint((uint64_t)c->isolation.root_uid) : unknown)
GETTER(get_privileged,       of_bool(c->isolation.privileged))
GETTER(get_nnp,              of_bool(c->isolation.no_new_privileges))
GETTER(get_lsm,              of_text(c->isolation.lsm))

GETTER(get_verdict,          c->verdict.code < VERDICT_COUNT ? of_text(verdict_names[c->verdict.code]) : unknown)
GETTER(get_verdict_percent,  of_number(c->verdict.percent))
GETTER(get_verdict_source,   of_text(c->verdict.source))
GETTER(get_note,             of_text(c->note))
GETTER(get_restart_policy,   of_text(c->facts.restart_policy))
/* clang-format on */

/* Engines' ids are long hex; anything else is a name of its own. */
static struct value get_short_id(const struct model *m, const struct container *c)
{
        (void)m;
        if (!c->id || strlen(c->id) < 32 || c->id[strspn(c->id, "0123456789abcdef")] != '\0')
                return of_text(c->id);
        struct value v = {.type = VALUE_TEXT};
        snprintf(v.scratch, sizeof(v.scratch), "%.12s", c->id);
        return v;
}

static struct value get_uptime(const struct model *m, const struct container *c)
{
        bool ended = c->state == STATE_EXITED || c->state == STATE_DEAD;
        if (ended || c->started_usec == 0 || c->started_usec > m->realtime_usec)
                return unknown;
        return of_uint((m->realtime_usec - c->started_usec) / USEC);
}

static struct value get_mem(const struct model *m, const struct container *c)
{
        (void)m;
        uint64_t bytes;
        return container_working_set(c, &bytes) ? of_uint(bytes) : unknown;
}

static struct value get_mem_percent(const struct model *m, const struct container *c)
{
        (void)m;
        uint64_t bytes;
        const struct model_limit *l = &c->memory_limit;
        if (l->state != LIMIT_SET || l->value == 0 || !container_working_set(c, &bytes))
                return unknown;
        return of_number((double)bytes * 100 / (double)l->value);
}

static struct value get_net_mode(const struct model *m, const struct container *c)
{
        (void)m;
        static const char *const names[] = {
                [NET_PRIVATE] = "private",
                [NET_SHARED] = "shared",
                [NET_HOST] = "host",
                [NET_NONE] = "none",
        };
        return (size_t)c->net_mode < ARRAY_SIZE(names) ? of_text(names[c->net_mode]) : unknown;
}

static struct value get_seccomp(const struct model *m, const struct container *c)
{
        (void)m;
        static const char *const names[] = {"none", "strict", "filter"};
        int mode = c->isolation.seccomp;
        return mode >= 0 && mode < (int)ARRAY_SIZE(names) ? of_text(names[mode]) : unknown;
}

static struct value get_caps(const struct model *m, const struct container *c)
{
        (void)m;
        if (!c->isolation.caps_known)
                return unknown;
        return of_uint((uint64_t)__builtin_popcountll(c->isolation.cap_bounding));
}

/* What docker and podman leave a container by default: chown dac_override fowner fsetid kill
 * setgid setuid setpcap net_bind_service net_raw sys_chroot mknod audit_write setfcap. */
#define USUAL_CAPS UINT64_C(0xa80425fb)

static struct value get_caps_extra(const struct model *m, const struct container *c)
{
        (void)m;
        if (!c->isolation.caps_known)
                return unknown;
        uint64_t extra = c->isolation.cap_bounding & ~USUAL_CAPS;
        return of_uint((uint64_t)__builtin_popcountll(extra));
}

/* One text for each set of namespaces, made when first asked for: values may borrow it for ever. */
static struct value get_shared_ns(const struct model *m, const struct container *c)
{
        (void)m;
        static const struct {
                enum ns_type type;
                const char *name;
        } order[NS_COUNT] = {
                {NS_PID, "pid"}, {NS_NET, "net"},   {NS_MNT, "mnt"},       {NS_UTS, "uts"},
                {NS_IPC, "ipc"}, {NS_USER, "user"}, {NS_CGROUP, "cgroup"}, {NS_TIME, "time"},
        };
        static char texts[1 << NS_COUNT][40];
        const struct isolation *is = &c->isolation;
        unsigned set = 0, known = 0;
        for (size_t i = 0; i < NS_COUNT; i++) {
                known |= is->host_ns_known[order[i].type];
                set |= (unsigned)(is->host_ns_known[order[i].type] && is->host_ns[order[i].type])
                       << i;
        }
        if (!known)
                return unknown;
        char *text = texts[set];
        bool made = *text != '\0';
        for (size_t i = 0, n = 0; !made && i < NS_COUNT; i++)
                if (set & 1U << i)
                        n += (size_t)snprintf(text + n, sizeof(texts[0]) - n, "%s%s", n ? "," : "",
                                              order[i].name);
        return of_text(set ? text : "none");
}

/* "8080->80/tcp +2": the first published port and how many more there are. */
static struct value get_ports(const struct model *m, const struct container *c)
{
        (void)m;
        size_t n = c->facts.n_ports;
        if (n == 0)
                return unknown;
        const struct port *p = &c->facts.ports[0];
        struct value v = {.type = VALUE_TEXT};
        int len = snprintf(v.scratch, sizeof(v.scratch), "%u->%u/%.7s", p->host_port,
                           p->container_port, p->protocol);
        if (n > 1 && len > 0)
                snprintf(v.scratch + len, sizeof(v.scratch) - (size_t)len, " +%u",
                         (unsigned)(n - 1));
        return v;
}

/* --- the table ------------------------------------------------------------------------------ */

#define GAUGE(name, unit)   name, "gauge", unit
#define COUNTER(name, unit) name, "counter", unit
#define NO_METRIC           NULL, NULL, NULL

#define ASKED 255

/* What the verdict looks at. */
#define WANT_VERDICT                                                                               \
        (WANT_CPU | WANT_MEMORY | WANT_MEMORY_STAT | WANT_PIDS | WANT_STATE | WANT_PSI_MEMORY |    \
         WANT_PSI_IO)
#define WANT_SET (WANT_MEMORY | WANT_MEMORY_STAT) /* working set */

/*
 * In the order of the contract's json object. Counters of microseconds have a csv name that ends
 * in _usec: outputs with base units divide by a million. csv names and json paths are the
 * contract; columns without a json path can be had from others.
 */
/* clang-format off */
const struct column columns[] = {
        {"time", "TIME", NULL, "time", "when the snapshot was taken",
         STYLE_TIME, 24, ASKED, 0, NO_METRIC, get_time},
        {"key", "KEY", "key", "key", "unique on the host, survives a restart",
         STYLE_TEXT, 20, ASKED, 0, NO_METRIC, get_key},
        {"id", "ID", "id", "id", "the engine's full id, or the name for LXC, nspawn and libvirt",
         STYLE_TEXT, 12, ASKED, 0, NO_METRIC, get_id},
        {"short_id", "ID", NULL, "short_id", "the first 12 digits of the id",
         STYLE_TEXT, 12, ASKED, 0, NO_METRIC, get_short_id},
        {"name", "NAME", "name", "name", "name",
         STYLE_TEXT, 14, 0, WANT_NAMES, NO_METRIC, get_name},
        {"runtime", "RUNTIME", "runtime", "runtime", "who owns it: docker, podman, lxc, ...",
         STYLE_TEXT, 10, 8, WANT_NAMES, NO_METRIC, get_runtime},
        {"kind", "KIND", "kind", "kind", "container, sandbox, machine, vm, build, pod, service, infra",
         STYLE_TEXT, 9, ASKED, 0, NO_METRIC, get_kind},
        {"state", "STATE", "state", "state", "running, paused, created, restarting, removing, exited, dead",
         STYLE_TEXT, 10, 11, WANT_STATE, NO_METRIC, get_state},
        {"image", "IMAGE", "image", "image", "image",
         STYLE_TEXT, 16, 10, WANT_NAMES, NO_METRIC, get_image},
        {"pid", "PID", "pid", "pid", "pid of its first process, as the host counts",
         STYLE_TEXT, 7, ASKED, 0, NO_METRIC, get_pid},
        {"owner", "OWNER", "owner_uid", "owner_uid", "uid of the user who runs it",
         STYLE_TEXT, 6, ASKED, 0, NO_METRIC, get_owner},
        {"cgroup", "CGROUP", "cgroup", "cgroup", "path of its cgroup",
         STYLE_TEXT, 24, ASKED, 0, NO_METRIC, get_cgroup},
        {"parent", "PARENT", "parent", "parent", "id of the container around it",
         STYLE_TEXT, 12, ASKED, 0, NO_METRIC, get_parent},
        {"pod", "POD ID", "pod", "pod", "id of its pod or task",
         STYLE_TEXT, 12, ASKED, WANT_NAMES, NO_METRIC, get_pod},
        {"pod_name", "POD", "pod_name", "pod_name", "name of its pod",
         STYLE_TEXT, 12, 12, WANT_NAMES, NO_METRIC, get_pod_name},
        {"started", "STARTED", "started_at", "started_at", "when it started, UTC",
         STYLE_TIME, 24, ASKED, 0, GAUGE("start_time_seconds", "seconds"), get_started},
        {"uptime", "UP", NULL, "uptime_seconds", "seconds since it started",
         STYLE_AGE, 6, 9, 0, NO_METRIC, get_uptime},
        {"exit_code", "EXIT", "exit_code", "exit_code", "exit code of a stopped one, if an engine tells",
         STYLE_TEXT, 4, ASKED, 0, NO_METRIC, get_exit_code},

        {"cpu", "CPU%", "cpu.percent", "cpu_percent", "CPU used in this interval; 100 is one CPU",
         STYLE_PERCENT, 5, 2, WANT_CPU, NO_METRIC, get_cpu},
        {"cpu_usage", "CPU T", "cpu.usage_usec", "cpu_usage_usec", "CPU time used",
         STYLE_AGE, 6, ASKED, WANT_CPU, COUNTER("cpu_seconds", "seconds"), get_cpu_usage},
        {"cpu_user", "USER T", "cpu.user_usec", "cpu_user_usec", "CPU time in user mode",
         STYLE_AGE, 6, ASKED, WANT_CPU | WANT_CPU_SPLIT, COUNTER("cpu_user_seconds", "seconds"), get_cpu_user},
        {"cpu_system", "SYS T", "cpu.system_usec", "cpu_system_usec", "CPU time in the kernel",
         STYLE_AGE, 6, ASKED, WANT_CPU | WANT_CPU_SPLIT, COUNTER("cpu_system_seconds", "seconds"), get_cpu_system},
        {"cpu_limit", "CPUS", "cpu.limit_cores", "cpu_limit_cores", "CPUs it may use, the least over its cgroup and all above",
         STYLE_CORES, 5, ASKED, WANT_CPU, GAUGE("cpu_limit_cores", "cores"), get_cpu_limit},
        {"cpu_limit_source", "CPUS SET BY", "cpu.limit_source", "cpu_limit_source", "the cgroup that sets the CPU limit, or none",
         STYLE_TEXT, 16, ASKED, WANT_CPU, NO_METRIC, get_cpu_limit_source},
        {"throttled", "THR%", "cpu.throttled_percent", "cpu_throttled_percent", "share of enforcement periods that throttled, in this interval",
         STYLE_PERCENT, 5, ASKED, WANT_CPU, GAUGE("cpu_throttled_periods_ratio", "ratio"), get_throttled},
        {"throttled_source", "THROTTLED BY", "cpu.throttled_source", "cpu_throttled_source", "the cgroup that throttled most",
         STYLE_TEXT, 16, ASKED, WANT_CPU, NO_METRIC, get_throttled_source},
        {"throttled_usec", "THR T", "cpu.throttled_usec", "cpu_throttled_usec", "time its own cgroup was throttled",
         STYLE_AGE, 6, ASKED, WANT_CPU, COUNTER("cpu_throttled_seconds", "seconds"), get_throttled_usec},

        {"mem", "MEM", "memory.working_set_bytes", "memory_working_set_bytes", "memory without inactive file cache, as engines show it",
         STYLE_BYTES, 5, 3, WANT_SET, GAUGE("memory_working_set_bytes", "bytes"), get_mem},
        {"mem_usage", "USAGE", "memory.usage_bytes", "memory_usage_bytes", "memory with all caches",
         STYLE_BYTES, 5, ASKED, WANT_MEMORY, GAUGE("memory_usage_bytes", "bytes"), get_mem_usage},
        {"mem_needed", "NEED", "memory.needed_bytes", "memory_needed_bytes", "memory that cannot be given back",
         STYLE_BYTES, 5, ASKED, WANT_MEMORY_STAT, GAUGE("memory_needed_bytes", "bytes"), get_mem_needed},
        {"anon", "ANON", "memory.anon_bytes", "memory_anon_bytes", "anonymous memory",
         STYLE_BYTES, 5, ASKED, WANT_MEMORY_STAT, GAUGE("memory_anon_bytes", "bytes"), get_anon},
        {"file", "FILE", "memory.file_bytes", "memory_file_bytes", "file cache",
         STYLE_BYTES, 5, ASKED, WANT_MEMORY_STAT, GAUGE("memory_file_bytes", "bytes"), get_file},
        {"shmem", "SHMEM", "memory.shmem_bytes", "memory_shmem_bytes", "shared memory and tmpfs",
         STYLE_BYTES, 5, ASKED, WANT_MEMORY_STAT, GAUGE("memory_shmem_bytes", "bytes"), get_shmem},
        {"slab", "SLAB", "memory.slab_bytes", "memory_slab_bytes", "kernel objects",
         STYLE_BYTES, 5, ASKED, WANT_MEMORY_STAT, GAUGE("memory_slab_bytes", "bytes"), get_slab},
        {"swap", "SWAP", "memory.swap_bytes", "memory_swap_bytes", "swapped out",
         STYLE_BYTES, 5, ASKED, WANT_SWAP, GAUGE("memory_swap_bytes", "bytes"), get_swap},
        {"peak", "PEAK", "memory.peak_bytes", "memory_peak_bytes", "the most memory it ever used",
         STYLE_BYTES, 5, ASKED, WANT_PEAK, GAUGE("memory_peak_bytes", "bytes"), get_peak},
        {"mem_limit", "LIMIT", "memory.limit_bytes", "memory_limit_bytes", "memory it may use, the least over its cgroup and all above",
         STYLE_BYTES, 5, 4, WANT_MEMORY, GAUGE("memory_limit_bytes", "bytes"), get_mem_limit},
        {"mem_limit_source", "LIMIT SET BY", "memory.limit_source", "memory_limit_source", "the cgroup that sets the memory limit, or none",
         STYLE_TEXT, 16, ASKED, WANT_MEMORY, NO_METRIC, get_mem_limit_source},
        {"mem_percent", "MEM%", NULL, "memory_percent", "working set in percent of the limit",
         STYLE_PERCENT, 5, ASKED, WANT_SET, NO_METRIC, get_mem_percent},
        {"mem_high", "HIGH", "memory.high_bytes", "memory_high_bytes", "memory above which it is slowed down",
         STYLE_BYTES, 5, ASKED, WANT_MEMORY, GAUGE("memory_high_bytes", "bytes"), get_mem_high},
        {"mem_high_source", "HIGH SET BY", "memory.high_source", "memory_high_source", "the cgroup that sets it, or none",
         STYLE_TEXT, 16, ASKED, WANT_MEMORY, NO_METRIC, get_mem_high_source},
        {"oom", "OOM", "memory.oom_kills", "memory_oom_kills", "processes killed for lack of memory",
         STYLE_COUNT, 4, ASKED, WANT_MEMORY, COUNTER("memory_oom_kills", NULL), get_oom},

        {"io_read", "READ", "io.read_bytes", "io_read_bytes", "read from disks",
         STYLE_BYTES, 5, ASKED, WANT_IO, COUNTER("io_read_bytes", "bytes"), get_io_read},
        {"io_write", "WRITE", "io.write_bytes", "io_write_bytes", "written to disks",
         STYLE_BYTES, 5, ASKED, WANT_IO, COUNTER("io_write_bytes", "bytes"), get_io_write},
        {"io_read_ops", "R OPS", "io.read_ops", "io_read_ops", "read operations",
         STYLE_COUNT, 5, ASKED, WANT_IO | WANT_IO_OPS, COUNTER("io_read_operations", NULL), get_io_read_ops},
        {"io_write_ops", "W OPS", "io.write_ops", "io_write_ops", "write operations",
         STYLE_COUNT, 5, ASKED, WANT_IO | WANT_IO_OPS, COUNTER("io_write_operations", NULL), get_io_write_ops},
        {"io_read_rate", "DISK r", "io.read_bytes_per_second", "io_read_bytes_per_second", "bytes read from disks per second",
         STYLE_RATE, 6, 6, WANT_IO, NO_METRIC, get_io_read_rate},
        {"io_write_rate", "DISK w", "io.write_bytes_per_second", "io_write_bytes_per_second", "bytes written to disks per second",
         STYLE_RATE, 5, 6, WANT_IO, NO_METRIC, get_io_write_rate},

        {"net_mode", "NET", "network.mode", "network_mode", "private, shared, host, none",
         STYLE_TEXT, 7, ASKED, WANT_NET, NO_METRIC, get_net_mode},
        {"netns", "NETNS", "network.namespace", "network_namespace", "inode of its network namespace",
         STYLE_TEXT, 10, ASKED, 0, NO_METRIC, get_netns},
        {"net_rx", "RX", "network.rx_bytes", "network_rx_bytes", "received by its network namespace",
         STYLE_BYTES, 5, ASKED, WANT_NET, COUNTER("network_rx_bytes", "bytes"), get_net_rx},
        {"net_tx", "TX", "network.tx_bytes", "network_tx_bytes", "sent by its network namespace",
         STYLE_BYTES, 5, ASKED, WANT_NET, COUNTER("network_tx_bytes", "bytes"), get_net_tx},
        {"net_rx_rate", "NET rx", "network.rx_bytes_per_second", "network_rx_bytes_per_second", "bytes received per second",
         STYLE_RATE, 6, 5, WANT_NET, NO_METRIC, get_net_rx_rate},
        {"net_tx_rate", "NET tx", "network.tx_bytes_per_second", "network_tx_bytes_per_second", "bytes sent per second",
         STYLE_RATE, 5, 5, WANT_NET, NO_METRIC, get_net_tx_rate},
        {"net_rx_errors", "RXERR", "network.rx_errors", "network_rx_errors", "receive errors",
         STYLE_COUNT, 5, ASKED, WANT_NET, COUNTER("network_rx_errors", NULL), get_net_rx_errors},
        {"net_tx_errors", "TXERR", "network.tx_errors", "network_tx_errors", "send errors",
         STYLE_COUNT, 5, ASKED, WANT_NET, COUNTER("network_tx_errors", NULL), get_net_tx_errors},
        {"net_rx_dropped", "RXDRP", "network.rx_dropped", "network_rx_dropped", "received packets dropped",
         STYLE_COUNT, 5, ASKED, WANT_NET, COUNTER("network_rx_dropped", NULL), get_net_rx_dropped},
        {"net_tx_dropped", "TXDRP", "network.tx_dropped", "network_tx_dropped", "packets to send dropped",
         STYLE_COUNT, 5, ASKED, WANT_NET, COUNTER("network_tx_dropped", NULL), get_net_tx_dropped},

        {"pids", "PIDS", "pids.current", "pids_current", "processes and threads",
         STYLE_COUNT, 5, 7, WANT_PIDS, GAUGE("pids", NULL), get_pids},
        {"pids_limit", "PIDMAX", "pids.limit", "pids_limit", "processes and threads it may have, the least over its cgroup and all above",
         STYLE_COUNT, 6, ASKED, WANT_PIDS, GAUGE("pids_limit", NULL), get_pids_limit},
        {"pids_limit_source", "PIDMAX SET BY", "pids.limit_source", "pids_limit_source", "the cgroup that sets the pids limit, or none",
         STYLE_TEXT, 16, ASKED, WANT_PIDS, NO_METRIC, get_pids_limit_source},

        {"psi_cpu_some", "PSI c", "pressure.cpu_some", "pressure_cpu_some", "share of time some task waited for a CPU, over 10 s",
         STYLE_PERCENT, 5, ASKED, WANT_PSI_CPU, GAUGE("pressure_cpu_some_ratio", "ratio"), get_psi_cpu_some},
        {"psi_cpu_full", "PSI C", "pressure.cpu_full", "pressure_cpu_full", "share of time all tasks waited for a CPU, over 10 s",
         STYLE_PERCENT, 5, ASKED, WANT_PSI_CPU, GAUGE("pressure_cpu_full_ratio", "ratio"), get_psi_cpu_full},
        {"psi_mem_some", "PSI m", "pressure.memory_some", "pressure_memory_some", "share of time some task waited for memory, over 10 s",
         STYLE_PERCENT, 5, ASKED, WANT_PSI_MEMORY, GAUGE("pressure_memory_some_ratio", "ratio"), get_psi_mem_some},
        {"psi_mem_full", "PSI M", "pressure.memory_full", "pressure_memory_full", "share of time all tasks waited for memory, over 10 s",
         STYLE_PERCENT, 5, ASKED, WANT_PSI_MEMORY, GAUGE("pressure_memory_full_ratio", "ratio"), get_psi_mem_full},
        {"psi_io_some", "PSI i", "pressure.io_some", "pressure_io_some", "share of time some task waited for disks, over 10 s",
         STYLE_PERCENT, 5, ASKED, WANT_PSI_IO, GAUGE("pressure_io_some_ratio", "ratio"), get_psi_io_some},
        {"psi_io_full", "PSI I", "pressure.io_full", "pressure_io_full", "share of time all tasks waited for disks, over 10 s",
         STYLE_PERCENT, 5, ASKED, WANT_PSI_IO, GAUGE("pressure_io_full_ratio", "ratio"), get_psi_io_full},

        {"shared_ns", "HOST NS", NULL, "shared_with_host", "namespaces it shares with the host",
         STYLE_TEXT, 9, ASKED, 0, NO_METRIC, get_shared_ns},
        {"root_uid", "ROOT", "isolation.root_uid", "root_uid", "who its root is on the host",
         STYLE_TEXT, 6, ASKED, WANT_ISOLATION, NO_METRIC, get_root_uid},
        {"caps", "CAPS", NULL, "capabilities", "how many capabilities it can hold",
         STYLE_COUNT, 4, ASKED, WANT_ISOLATION, NO_METRIC, get_caps},
        {"caps_extra", "CAPS+", NULL, "capabilities_extra", "how many of them docker would not give by default",
         STYLE_COUNT, 5, ASKED, WANT_ISOLATION, NO_METRIC, get_caps_extra},
        {"privileged", "PRIV", "isolation.privileged", "privileged", "holds all that root on the host holds",
         STYLE_BOOL, 5, ASKED, WANT_ISOLATION, GAUGE("privileged", NULL), get_privileged},
        {"seccomp", "SECCOMP", "isolation.seccomp", "seccomp", "none, strict, filter",
         STYLE_TEXT, 7, ASKED, WANT_ISOLATION, NO_METRIC, get_seccomp},
        {"nnp", "NNP", "isolation.no_new_privileges", "no_new_privileges", "no_new_privs is set: setuid does nothing",
         STYLE_BOOL, 5, ASKED, WANT_ISOLATION, NO_METRIC, get_nnp},
        {"lsm", "LSM", "isolation.lsm", "lsm", "AppArmor profile or SELinux label",
         STYLE_TEXT, 14, ASKED, WANT_ISOLATION, NO_METRIC, get_lsm},

        {"verdict", "WHY", "verdict.code", "verdict", "what holds it back now: ok, oom_killed, paused, memory, thrashing, throttled, io, pids",
         STYLE_TEXT, 14, 1, WANT_VERDICT, NO_METRIC, get_verdict},
        {"verdict_percent", "WHY%", "verdict.percent", "verdict_percent", "how much, in the verdict's own measure",
         STYLE_PERCENT, 5, ASKED, WANT_VERDICT, NO_METRIC, get_verdict_percent},
        {"verdict_source", "WHY SET BY", "verdict.source", "verdict_source", "the cgroup whose limit it is",
         STYLE_TEXT, 16, ASKED, WANT_VERDICT, NO_METRIC, get_verdict_source},
        {"note", "NOTE", "note", "note", "what else is worth telling",
         STYLE_TEXT, 16, ASKED, 0, NO_METRIC, get_note},
        {"ports", "PORTS", NULL, "ports", "published ports: the first, and how many more",
         STYLE_TEXT, 14, ASKED, WANT_NAMES, NO_METRIC, get_ports},
        {"restart_policy", "RESTART", "restart_policy", "restart_policy", "what the engine does when it ends",
         STYLE_TEXT, 8, ASKED, WANT_NAMES, NO_METRIC, get_restart_policy},
};
/* clang-format on */
const size_t n_columns = ARRAY_SIZE(columns);

/* --- by name -------------------------------------------------------------------------------- */

static const struct {
        const char *alias;
        const char *key;
} aliases[] = {
        {"memory", "mem"},        {"limit", "mem_limit"},     {"status", "state"},
        {"why", "verdict"},       {"uid", "owner"},           {"up", "uptime"},
        {"rx", "net_rx_rate"},    {"tx", "net_tx_rate"},      {"net", "net_rx_rate"},
        {"read", "io_read_rate"}, {"write", "io_write_rate"},
};

static const struct column *find_key(const char *key)
{
        for (size_t i = 0; i < n_columns; i++)
                if (streq(columns[i].key, key))
                        return &columns[i];
        return NULL;
}

const struct column *column_find(const char *key)
{
        const struct column *col = find_key(key);
        for (size_t i = 0; !col && i < ARRAY_SIZE(aliases); i++)
                if (streq(aliases[i].alias, key))
                        col = find_key(aliases[i].key);
        /* The names of the outputs are good, too. */
        for (size_t i = 0; !col && i < n_columns; i++)
                if (streq(columns[i].csv, key) || (columns[i].json && streq(columns[i].json, key)))
                        col = &columns[i];
        return col;
}

int columns_parse(const char *list, const struct column ***ret, size_t *ret_n, char **ret_error)
{
        _cleanup_free_ const struct column **found = NULL;
        size_t n = 0, cap = 0;
        for (const char *p = list;; p++) {
                p += strspn(p, " ");
                size_t len = strcspn(p, ",");
                size_t end = len;
                while (end > 0 && p[end - 1] == ' ')
                        end--;
                _cleanup_free_ char *key = xstrndup(p, end);
                const struct column *col = column_find(key);
                if (!col) {
                        _cleanup_free_ char *clean = str_clean_z(key);
                        *ret_error = *key ? xasprintf("no column '%s' (-c help lists them)", clean)
                                          : xasprintf("a column name is missing in '%s'", list);
                        return -EINVAL;
                }
                grow(&found, &cap, n + 1, sizeof(found[0]));
                found[n++] = col;
                p += len;
                if (*p == '\0')
                        break;
        }
        *ret = TAKE_PTR(found);
        *ret_n = n;
        return 0;
}
