/* SPDX-License-Identifier: MIT */
#include "app/who_jobs.h"

#include <errno.h>

#include "base/mem.h"
#include "kernel/holders.h"
#include "kernel/leader.h"
#include "kernel/rtnetlink.h"
#include "kernel/sockets.h"
#include "runtime/proxy.h"

#define SPACES_MAX 65536 /* network namespaces in one question */
#define PORTS_MAX  4096  /* of one bridge: a kernel's bridge has 1024 */

int job_process(void *state, const struct root *r, struct wire *request, struct str *reply)
{
        struct leader leader;
        (void)state;
        int e = leader_read_to(r, (pid_t)wire_get_u64(request), LEADER_ISOLATION, &leader);
        if (e < 0)
                return e;
        leader_pack(&leader, reply);
        leader_done(&leader);
        return 0;
}

int job_command(void *state, const struct root *r, struct wire *request, struct str *reply)
{
        char text[COMMAND_LINE_MAX];
        (void)state;
        pid_t pid = (pid_t)wire_get_u64(request);
        ssize_t n = root_read_proc(r, pid, "cmdline", text, sizeof(text));
        if (n < 0)
                return (int)n;
        wire_put_u64(reply, (uint64_t)n);
        wire_put_bytes(reply, text, (size_t)n);
        return 0;
}

int job_listen(void *state, const struct root *r, struct wire *request, struct str *reply)
{
        struct listener found[LISTEN_MAX];
        (void)state;
        pid_t pid = (pid_t)wire_get_u64(request);
        uint16_t port = (uint16_t)wire_get_u64(request);
        int n = listeners_read(r, pid, port, found, LISTEN_MAX);
        if (n < 0)
                return n;
        wire_put_u64(reply, (uint64_t)n);
        wire_put_bytes(reply, found, (size_t)n * sizeof(found[0]));
        return 0;
}

int job_holders(void *state, const struct root *r, struct wire *request, struct str *reply)
{
        struct holder found[HOLDERS_MAX];
        uint64_t inodes[LISTEN_MAX];
        unsigned denied = 0;
        (void)state;
        pid_t cursor = (pid_t)wire_get_u64(request);
        uint64_t n_inodes = wire_get_u64(request);
        if (n_inodes > LISTEN_MAX)
                return -EINVAL;
        wire_get_bytes(request, inodes, n_inodes * sizeof(inodes[0]));
        int n = holders_scan(r, inodes, n_inodes, &cursor, found, &denied);
        if (n < 0)
                return n;
        wire_put_u64(reply, (uint64_t)cursor);
        wire_put_u64(reply, denied);
        wire_put_u64(reply, (uint64_t)n);
        wire_put_bytes(reply, found, (size_t)n * sizeof(found[0]));
        return 0;
}

int job_reach(void *state, const struct root *r, struct wire *request, struct str *reply)
{
        uint64_t inodes[REACH_MAX];
        (void)state;
        size_t n = netns_reach(r, (pid_t)wire_get_u64(request), inodes);
        wire_put_u64(reply, n);
        wire_put_bytes(reply, inodes, n * sizeof(inodes[0]));
        return 0;
}

int job_address(void *state, const struct root *r, struct wire *request, struct str *reply)
{
        struct address a;
        (void)state;
        pid_t pid = (pid_t)wire_get_u64(request);
        wire_get_bytes(request, &a, sizeof(a));
        int local = wire_ok(request) ? address_is_local(r, pid, &a) : -EBADMSG;
        if (local < 0)
                return local;
        wire_put_u64(reply, (uint64_t)local);
        return 0;
}

/* --- interfaces ------------------------------------------------------------------------------- */

struct spaces {
        int *nsid; /* our number for each; -1 none */
        size_t n;
};

static void read_spaces(int fd, struct wire *request, struct spaces *s)
{
        uint64_t n = wire_get_u64(request);
        n = MIN(n, (uint64_t)SPACES_MAX);
        s->nsid = xcalloc(n + 1, sizeof(*s->nsid));
        for (; s->n < n && wire_ok(request); s->n++) {
                pid_t pid = (pid_t)wire_get_u64(request);
                if (rtnl_nsid(fd, pid, &s->nsid[s->n]) < 0)
                        s->nsid[s->n] = -1;
        }
}

static void put_ends(int fd, const struct rtnl_link *l, const struct spaces *s, struct str *reply)
{
        for (size_t i = 0; i < s->n; i++) {
                struct rtnl_link other;
                if (l->other_nsid < 0 || s->nsid[i] != l->other_nsid)
                        continue;
                bool seen = l->other > 0 &&
                            rtnl_link_by_index(fd, l->other_nsid, l->other, &other) >= 0;
                wire_put_u64(reply, 1);
                wire_put_u64(reply, i);
                wire_put_str(reply, l->name);
                wire_put_str(reply, seen ? other.name : NULL);
        }
}

static int put_ports(int fd, int bridge, const struct spaces *s, struct str *reply)
{
        _cleanup_free_ struct rtnl_link *ports = xcalloc(PORTS_MAX, sizeof(*ports));
        int n = rtnl_ports(fd, bridge, ports, PORTS_MAX);
        for (int i = 0; i < n; i++)
                put_ends(fd, &ports[i], s, reply);
        return n;
}

int job_link(void *state, const struct root *r, struct wire *request, struct str *reply)
{
        struct rtnl_link link;
        struct spaces s = {0};
        (void)state;
        (void)r;
        const char *name = wire_get_str(request);
        _cleanup_close_ int fd = rtnl_open();
        if (fd < 0 || !name)
                return fd < 0 ? fd : -EBADMSG;
        int e = rtnl_link_by_name(fd, name, &link);
        if (e < 0)
                return e;
        bool bridge = streq(link.kind, "bridge");
        read_spaces(fd, request, &s);
        wire_put_u64(reply, bridge);
        if (bridge)
                e = put_ports(fd, link.index, &s, reply);
        else
                put_ends(fd, &link, &s, reply);
        wire_put_u64(reply, 0);
        free(s.nsid);
        return e < 0 ? e : 0;
}
