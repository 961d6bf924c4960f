/* SPDX-License-Identifier: MIT */
#include "app/jobs.h"

#include <errno.h>

#include "app/who_jobs.h"
#include "base/map.h"
#include "base/mem.h"
#include "kernel/leader.h"
#include "kernel/namespaces.h"
#include "runtime/disk.h"

static size_t get_pids(struct wire *w, pid_t pids[static JOB_PIDS_MAX])
{
        uint64_t n = wire_get_u64(w);
        size_t count = 0;
        for (; count < n && count < JOB_PIDS_MAX && wire_ok(w); count++)
                pids[count] = (pid_t)wire_get_u64(w);
        return count;
}

static void put_facts(const struct root *root, const struct disk_query *q, struct str *reply)
{
        struct facts facts = {0};
        int r = disk_facts(root, q, &facts);
        wire_put_u64(reply, (uint64_t)(int64_t)r);
        if (r >= 0)
                facts_pack(&facts, reply);
        facts_done(&facts);
}

static int run_leader(void *state, const struct root *root, struct wire *request, struct str *reply)
{
        pid_t pids[JOB_PIDS_MAX];
        (void)state;
        struct disk_query q = {0};
        enum leader_depth depth = (enum leader_depth)wire_get_u64(request);
        bool names = wire_get_u64(request) && disk_query_unpack(request, &q) >= 0;
        size_t n = get_pids(request, pids);
        /* one is nothing to choose from: whether it lives, the reading tells */
        pid_t pid = n == 1 ? pids[0] : leader_pick(root, pids, n);
        if (pid < 0)
                return pid;
        struct leader leader;
        int r = leader_read_to(root, pid, depth, &leader);
        if (r < 0)
                return r;
        leader_pack(&leader, reply);
        leader_done(&leader);
        q.pid = pid;
        if (names)
                put_facts(root, &q, reply);
        return 0;
}

struct sweep {
        struct ns_sweep *sweep;
        struct map told; /* inits whose cgroups were sent, by pid and start time */
};

static void *sweep_new(void)
{
        struct sweep *s = xcalloc(1, sizeof(*s));
        s->sweep = ns_sweep_new();
        return s;
}

/* Most groups are the inside of a row that has a name: their cgroup tells, without a question each.
 */
static void put_cgroups(struct sweep *s, const struct root *root, const struct ns_group *g,
                        struct str *reply)
{
        char text[4096];
        uint64_t key[2] = {(uint64_t)g->pid, g->start_ticks};
        bool told = !root->fixture && map_put(&s->told, key, sizeof(key), s);
        bool ok = !told && root_read_proc(root, g->pid, "cgroup", text, sizeof(text)) > 0;
        wire_put_str(reply, ok ? text : NULL);
}

static int run_sweep(void *state, const struct root *root, struct wire *request, struct str *reply)
{
        struct sweep *s = state;
        struct namespaces host;
        _cleanup_free_ struct ns_group *groups = NULL;
        unsigned denied = 0;
        (void)request;
        ns_baseline(root, &host);
        int n = ns_sweep_run(s->sweep, root, &host, &groups, &denied);
        if (n < 0)
                return n;
        wire_put_u64(reply, denied);
        wire_put_u64(reply, (uint64_t)n);
        if (s->told.len >
            (size_t)n * 2 + 4096) { /* the dead: telling the living again does no harm */
                map_done(&s->told);
                s->told = (struct map)MAP_INIT;
        }
        for (int i = 0; i < n; i++) {
                wire_put_bytes(reply, &groups[i], sizeof(groups[i]));
                put_cgroups(s, root, &groups[i], reply);
        }
        return 0;
}

static int run_own(void *state, const struct root *root, struct wire *request, struct str *reply)
{
        pid_t pids[JOB_PIDS_MAX];
        (void)state;
        uint64_t type = wire_get_u64(request), inode = wire_get_u64(request);
        size_t n = get_pids(request, pids);
        bool own = n > 0 && n < JOB_PIDS_MAX && type < NS_COUNT;
        for (size_t i = 0; own && i < n; i++) {
                uint64_t ino;
                int r = ns_link_read(root, pids[i], (enum ns_type)type, &ino);
                own = r == -ENOENT || r == -ESRCH || (r >= 0 && ino == inode);
        }
        wire_put_u64(reply, own);
        return 0;
}

static int run_disk(void *state, const struct root *root, struct wire *request, struct str *reply)
{
        struct disk_query q;
        (void)state;
        int r = disk_query_unpack(request, &q);
        if (r >= 0)
                put_facts(root, &q, reply);
        return r;
}

const struct reader_job jobs[JOB_COUNT] = {
        [JOB_LEADER] = {"leader", run_leader, NULL},
        [JOB_SWEEP] = {"sweep", run_sweep, sweep_new},
        [JOB_OWN] = {"own", run_own, NULL},
        [JOB_DISK] = {"disk", run_disk, NULL},
        [JOB_PROCESS] = {"process", job_process, NULL},
        [JOB_COMMAND] = {"command", job_command, NULL},
        [JOB_LISTEN] = {"listen", job_listen, NULL},
        [JOB_HOLDERS] = {"holders", job_holders, NULL},
        [JOB_REACH] = {"reach", job_reach, NULL},
        [JOB_ADDRESS] = {"address", job_address, NULL},
        [JOB_LINK] = {"link", job_link, NULL},
};
