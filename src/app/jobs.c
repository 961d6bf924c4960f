/* SPDX-License-Identifier: MIT */
#include "app/jobs.h"

#include <errno.h>

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

static int run_leader(void *state, const struct root *root, struct wire *request, struct str *reply)
{
        pid_t pids[JOB_PIDS_MAX];
        (void)state;
        size_t n = get_pids(request, pids);
        pid_t pid = leader_pick(root, pids, n);
        if (pid < 0)
                return pid;
        struct leader leader;
        int r = leader_read(root, pid, &leader);
        if (r < 0)
                return r;
        leader_pack(&leader, reply);
        leader_done(&leader);
        return 0;
}

struct sweep {
        struct ns_sweep *sweep;
};

static void *sweep_new(void)
{
        struct sweep *s = xcalloc(1, sizeof(*s));
        s->sweep = ns_sweep_new();
        return s;
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
        for (int i = 0; i < n; i++)
                wire_put_bytes(reply, &groups[i], sizeof(groups[i]));
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
        struct facts facts = {0};
        (void)state;
        int r = disk_query_unpack(request, &q);
        if (r >= 0)
                r = disk_facts(root, &q, &facts);
        if (r < 0)
                return r;
        facts_pack(&facts, reply);
        facts_done(&facts);
        return 0;
}

const struct reader_job jobs[JOB_COUNT] = {
        [JOB_LEADER] = {"leader", run_leader, NULL},
        [JOB_SWEEP] = {"sweep", run_sweep, sweep_new},
        [JOB_OWN] = {"own", run_own, NULL},
        [JOB_DISK] = {"disk", run_disk, NULL},
};
