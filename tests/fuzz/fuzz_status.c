/* SPDX-License-Identifier: MIT */

/* The texts of /proc/PID: status, stat, uid_map, cgroup and the namespace links, all from one
 * input. */

#include "base/mem.h"
#include "kernel/leader.h"
#include "kernel/namespaces.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(x)                                                                                   \
        do {                                                                                       \
                if (!(x))                                                                          \
                        die("line %d: %s", __LINE__, #x);                                          \
        } while (0)

static void check_status(const char *text)
{
        struct leader l;
        leader_init(&l);
        proc_status_parse(text, &l);
        CHECK(l.inner_pid >= 0);
        CHECK(l.pid_depth > 0 || l.inner_pid == 0);
        CHECK(l.seccomp >= -1 && l.seccomp <= 2);
        CHECK(l.no_new_privileges >= -1 && l.no_new_privileges <= 1);
        CHECK(!l.status_known || (strstr(text, "Uid:") && strstr(text, "CapBnd:")));
}

static void check_uid_map(const char *text)
{
        struct leader l;
        leader_init(&l);
        uid_map_parse(text, &l);
        CHECK(l.root_uid >= -2 && l.root_uid < UINT32_MAX);
        CHECK(l.user_initial != 1 || l.root_uid == 0);
        CHECK((l.user_initial < 0) <= (l.root_uid == -1));
}

static void check_cgroups(const char *text)
{
        static const char *const tags[] = {"", "memory", "name=systemd"};
        for (size_t i = 0; i < ARRAY_SIZE(tags); i++) {
                _cleanup_free_ char *path = cgroup_line_path(text, tags[i]);
                CHECK(!path || (path[0] == '/' && !strchr(path, '\n')));
                CHECK(!path || strstr(text, path));
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        _cleanup_free_ char *text = xmalloc(size + 1);
        memcpy(text, data, size);
        text[size] = '\0';
        struct proc_stat st = {0};
        uint64_t inode = 0;
        check_status(text);
        check_uid_map(text);
        check_cgroups(text);
        if (proc_stat_parse(text, &st) == 0)
                CHECK(st.state && strchr(text, ')'));
        for (enum ns_type t = 0; t < NS_COUNT; t++)
                if (ns_link_parse(text, t, &inode) == 0)
                        CHECK(inode > 0 && startswith(text, ns_names[t]));
        return 0;
}
