/* SPDX-License-Identifier: MIT */
#include "kernel/sockets.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/str.h"
#include "kernel/holders.h"
#include "kernel/rtnetlink.h"
#include "runtime/proxy.h"

/* What follows an endpoint pair and the state in a line of net/tcp, up to the inode. */
#define REST " 00000000:00000000 00:00000000 00000000     0        0 "
#define ANY6 "00000000000000000000000000000000"

/* --- lines ------------------------------------------------------------------------------------ */

static void test_socket_line(void **state)
{
        (void)state;
        static const struct {
                const char *line;
                int want;
                unsigned port, socket_state;
                uint64_t inode;
        } cases[] = {
                {"   0: 0100007F:1F90 00000000:0000 0A" REST "12345 1 0000", 0, 8080, 0x0a, 12345},
                {"   0: " ANY6 ":0016 " ANY6 ":0000 0A" REST "7 1", 0, 22, 0x0a, 7},
                {"  9: 00000000:14E9 00000000:0000 07" REST "99", 0, 5353, 7, 99},
                {"1: 0100007f:ffff 0100007f:0001 01" REST "18446744073709551615 1", 0, 65535, 1,
                 UINT64_MAX},
                {"  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   "
                 "uid  timeout inode",
                 -EBADMSG, 0, 0, 0},
                {"", -EBADMSG, 0, 0, 0},
                {"   0: ", -EBADMSG, 0, 0, 0},
                {"   0: 0100007F:1F90", -EBADMSG, 0, 0, 0},
                {"   0: 0100007F:1F90 00000000:0000 0A" REST, -EBADMSG, 0, 0, 0},
                {"   0: 0100007F:1F90 00000000:0000 0A 0 12345", -EBADMSG, 0, 0, 0},
                {"   0: 0100007:1F90 00000000:0000 0A" REST "12345 1", -EBADMSG, 0, 0, 0},
                {"   0: 0100007F:1F900 00000000:0000 0A" REST "12345 1", -EBADMSG, 0, 0, 0},
                {"   0: 0100007F:1F9 00000000:0000 0A" REST "12345 1", -EBADMSG, 0, 0, 0},
                {"   0: 0100007F:1F90 00000000:0000 0A" REST "1844674407370955161600 1", -EBADMSG,
                 0, 0, 0},
                {"   0: 0100007F:1F90 00000000:0000 0A" REST "12345x", -EBADMSG, 0, 0, 0},
                {"   x: 0100007F:1F90 00000000:0000 0A" REST "12345 1", -EBADMSG, 0, 0, 0},
        };
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                const char *line = cases[i].line;
                struct socket_line s = {0};
                assert_int_equal(socket_line_parse(line, line + strlen(line), &s), cases[i].want);
                assert_int_equal(s.port, cases[i].port);
                assert_int_equal(s.state, cases[i].socket_state);
                assert_true(s.inode == cases[i].inode);
        }
}

static void test_fib_trie(void **state)
{
        (void)state;
        static const char text[] =
                "Main:\n"
                "  +-- 0.0.0.0/0 3 0 5\n"
                "     |-- 0.0.0.0\n        /0 universe UNICAST\n"
                "     |-- 172.17.0.0\n        /16 link UNICAST\n"
                "     |-- 172.17.0.2\n        /32 host LOCAL\n"
                "     |-- 172.17.255.255\n        /32 link BROADCAST\n"
                "     |-- 10.0.0.9\n        /24 link UNICAST\n        /32 host LOCAL\n"
                "     |-- 300.1.1.1\n        /32 host LOCAL\n"
                "     |-- 1.1.1.1.1.1.1.1.1.1.1.1.1.1\n        /32 host LOCAL\n"
                "     |-- 10.0.0.10\n  +-- 10.0.0.0/8 2 0 2\n        /32 host LOCAL\n"
                "Local:\n        /32 host LOCAL\n"
                "     |-- 127.0.0.1\n        /32 host LOCAL"; /* no line feed */
        static const char *const want[] = {"172.17.0.2", "10.0.0.9", "127.0.0.1"};
        const char *p = text;
        struct in_addr a;
        for (size_t i = 0; i < ARRAY_SIZE(want); i++) {
                char shown[INET_ADDRSTRLEN];
                assert_int_equal(fib_trie_next(&p, &a), 1);
                assert_string_equal(inet_ntop(AF_INET, &a, shown, sizeof(shown)), want[i]);
        }
        assert_int_equal(fib_trie_next(&p, &a), 0);
        p = "";
        assert_int_equal(fib_trie_next(&p, &a), 0);
}

static void test_if_inet6(void **state)
{
        (void)state;
        const char *p = "00000000000000000000000000000001 01 80 10 80       lo\n"
                        "fd0000000000000000000000000000 02 40 00 80 short\n"
                        "fd00000000000000000000000000000g 02 40 00 80 eth0\n"
                        "fd000000000000000000000000000002\n"
                        "FD000000000000000000000000000002 02 40 00 80     eth0";
        struct in6_addr a;
        char shown[INET6_ADDRSTRLEN];
        assert_int_equal(if_inet6_next(&p, &a), 1);
        assert_string_equal(inet_ntop(AF_INET6, &a, shown, sizeof(shown)), "::1");
        assert_int_equal(if_inet6_next(&p, &a), 1);
        assert_string_equal(inet_ntop(AF_INET6, &a, shown, sizeof(shown)), "fd00::2");
        assert_int_equal(if_inet6_next(&p, &a), 0);
}

static void test_address(void **state)
{
        (void)state;
        static const struct {
                const char *text;
                int want;
                sa_family_t family;
        } cases[] = {
                {"172.17.0.2", 0, AF_INET},
                {"fd00::2", 0, AF_INET6},
                {"[fd00::2]", 0, AF_INET6},
                {"[10.0.0.1]", 0, AF_INET},
                {"", -EINVAL, 0},
                {"[", -EINVAL, 0},
                {"[]", -EINVAL, 0},
                {"10.0.0", -EINVAL, 0},
                {"10.0.0.1 ", -EINVAL, 0},
                {"web", -EINVAL, 0},
                {"fd00:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0002", -EINVAL, 0},
        };
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct address a = {0};
                assert_int_equal(address_parse(cases[i].text, &a), cases[i].want);
                assert_int_equal(a.family, cases[i].family);
        }
}

/* --- command lines ---------------------------------------------------------------------------- */

#define WORDS(text) text, sizeof(text) /* with the last NUL */

static void test_docker_proxy(void **state)
{
        (void)state;
        static const struct {
                const char *text;
                size_t n;
                int want;
                const char *ip;
                unsigned host, container;
        } cases[] = {
                {WORDS("/usr/bin/docker-proxy\0-proto\0tcp\0-host-ip\0"
                       "0.0.0.0\0-host-port\0"
                       "8080\0-container-ip\0"
                       "172.17.0.2\0-container-port\0"
                       "80"),
                 0, "172.17.0.2", 8080, 80},
                {WORDS("docker-proxy\0--host-port=1\0--container-ip=fd00::2\0-container-port=2\0"
                       "-use-listen-fd"),
                 0, "fd00::2", 1, 2},
                {WORDS("docker-proxy\0-host-port\0"
                       "0\0-container-ip\0"
                       "1.2.3.4\0-container-port\0"
                       "80"),
                 -EBADMSG, NULL, 0, 0},
                {WORDS("docker-proxy\0-host-port\0"
                       "65536\0-container-ip\0"
                       "1.2.3.4\0-container-port\0"
                       "80"),
                 -EBADMSG, NULL, 0, 0},
                {WORDS("docker-proxy\0-host-port\0"
                       "80\0-container-port\0"
                       "80\0-container-ip"),
                 -EBADMSG, NULL, 0, 0},
                {WORDS("docker-proxy\0-host-port=1\0-container-port=2\0-container-ip\0"
                       "0123456789012345678901234567890123456789012345678901234567890123456789"),
                 -EBADMSG, NULL, 0, 0},
                {WORDS("docker-proxy"), -EBADMSG, NULL, 0, 0},
                {"docker-proxy", 12, -ENOENT, NULL, 0, 0}, /* cut before its NUL */
                {WORDS("my-docker-proxy\0-host-port=1"), -ENOENT, NULL, 0, 0},
                {WORDS("nginx\0docker-proxy"), -ENOENT, NULL, 0, 0},
                {"", 0, -ENOENT, NULL, 0, 0},
                {"\0\0\0", 3, -ENOENT, NULL, 0, 0},
        };
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct docker_proxy d = {.container_ip = "untouched"};
                int r = docker_proxy_parse(cases[i].text, cases[i].n, &d);
                assert_int_equal(r, cases[i].want);
                assert_string_equal(d.container_ip, cases[i].ip ? cases[i].ip : "untouched");
                assert_int_equal(d.host_port, cases[i].host);
                assert_int_equal(d.container_port, cases[i].container);
        }
}

static void test_conmon(void **state)
{
        (void)state;
        static const struct {
                const char *text;
                size_t n;
                const char *want;
        } cases[] = {
                {WORDS("/usr/bin/conmon\0--api-version\0"
                       "1\0-c\0abc123\0-u\0def"),
                 "abc123"},
                {WORDS("conmon\0--cid=abc\0-c\0no"), "abc"},
                {WORDS("conmon\0--cid\0a-b_c.d"), "a-b_c.d"},
                {WORDS("conmon\0-c\0../../etc"), NULL},
                {WORDS("conmon\0-c\0"), NULL},
                {WORDS("conmon\0-c"), NULL},
                {WORDS("conmonx\0-c\0abc"), NULL},
                {"conmon\0-c\0abc", 13, NULL}, /* cut */
                {"", 0, NULL},
        };
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_free_ char *id = conmon_container(cases[i].text, cases[i].n);
                if (cases[i].want)
                        assert_string_equal(id, cases[i].want);
                else
                        assert_null(id);
        }
        assert_true(is_port_forwarder(WORDS("rootlessport")));
        assert_true(is_port_forwarder(WORDS("/usr/bin/slirp4netns\0--mtu=65520")));
        assert_false(is_port_forwarder(WORDS("dockerd\0rootlessport")));
        assert_false(is_port_forwarder("pasta", 5));
}

/* --- processes -------------------------------------------------------------------------------- */

static void test_small_texts(void **state)
{
        (void)state;
        static const struct {
                const char *text;
                int parent; /* -1: broken */
        } stats[] = {
                {"7 (sh) S 3 7 7 0", 3},     {"7 (a) S 9) R 12 7 7", 12},
                {"7 (sh) S 0 0", 0},         {"7 (sh) S x 7", -1},
                {"7 (sh) S 3", -1},          {"7 (sh)", -1},
                {"7 (sh) S 99999999 7", -1}, {"", -1},
        };
        for (size_t i = 0; i < ARRAY_SIZE(stats); i++) {
                pid_t parent = -1;
                int r = stat_parent(stats[i].text, &parent);
                assert_int_equal(r, stats[i].parent < 0 ? -EBADMSG : 0);
                assert_int_equal(parent, stats[i].parent);
        }
        static const struct {
                const char *text, *prefix;
                uint64_t want; /* 0: broken */
        } links[] = {
                {"socket:[123]", "socket:[", 123}, {"net:[4026531840]\n", "net:[", 4026531840},
                {"socket:[123", "socket:[", 0},    {"socket:[123]x", "socket:[", 0},
                {"socket:[]", "socket:[", 0},      {"pipe:[123]", "socket:[", 0},
                {"socket:[-1]", "socket:[", 0},    {"", "socket:[", 0},
        };
        for (size_t i = 0; i < ARRAY_SIZE(links); i++) {
                uint64_t v = 0;
                int r = fd_link_parse(links[i].text, links[i].prefix, &v);
                assert_int_equal(r, links[i].want ? 0 : -EBADMSG);
                assert_true(v == links[i].want);
        }
}

struct tmp {
        char path[32];
        int proc;
        struct root root;
};

static void tmp_make(struct tmp *t)
{
        snprintf(t->path, sizeof(t->path), "/tmp/ctop-sock-XXXXXX");
        assert_non_null(mkdtemp(t->path));
        int top = open(t->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        assert_int_equal(mkdirat(top, "proc", 0755), 0);
        t->proc = openat(top, "proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        close(top);
        t->root = (struct root)ROOT_INIT;
        assert_int_equal(root_open(&t->root, t->path), 0);
}

static void tmp_remove(struct tmp *t)
{
        root_close(&t->root);
        close(t->proc);
        pid_t pid = fork();
        if (pid == 0) {
                execlp("rm", "rm", "-rf", t->path, NULL);
                _exit(1);
        }
        assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void tmp_dir(struct tmp *t, const char *path)
{
        assert_int_equal(mkdirat(t->proc, path, 0755), 0);
}

static void tmp_file(struct tmp *t, const char *path, const char *text, size_t n)
{
        _cleanup_close_ int fd = openat(t->proc, path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
        assert_true(fd >= 0);
        assert_int_equal(write(fd, text, n), n);
}

/* Lines longer than any buffer, no line feed at the end, and a table that is not there. */
static void test_hostile_table(void **state)
{
        (void)state;
        _cleanup_(tmp_remove) struct tmp t;
        struct str text = STR_INIT;
        struct listener found[4];
        tmp_make(&t);
        tmp_dir(&t, "1");
        assert_int_equal(listeners_read(&t.root, 1, 8080, found, 4), -ENOENT);
        tmp_dir(&t, "1/net");
        str_pad(&text, 'x', 200 * 1024);
        str_add(&text, "\n   0: 0100007F:1F90 00000000:0000 0A" REST "11 1\n");
        str_add(&text, "   1: 0100007F:1F90 00000000:0000 01" REST "12 1\n"); /* connected */
        str_add(&text, "   2: 0100007F:1F91 00000000:0000 0A" REST "13 1\n"); /* another port */
        str_add(&text, "   3: 00000000:1F90 00000000:0000 0A" REST "14 1");
        tmp_file(&t, "1/net/tcp", text.p, text.len);
        assert_int_equal(listeners_read(&t.root, 1, 8080, found, 4), 2);
        assert_int_equal(found[0].inode, 11);
        assert_int_equal(found[1].inode, 14);
        assert_false(found[0].udp);
        assert_int_equal(listeners_read(&t.root, 1, 8080, found, 1),
                         1); /* no more than asked for */
        str_clear(&text);
        str_add(&text, "   0: 0100007F:1F90 00000000:0000 07" REST "21 2\n"
                       "   0: 0100007F:1F90 0100007F:0001 01" REST "22 2\n");
        tmp_file(&t, "1/net/udp6", text.p, text.len);
        assert_int_equal(listeners_read(&t.root, 1, 8080, found, 4), 3);
        assert_int_equal(found[2].inode, 21);
        assert_true(found[2].udp);
        str_done(&text);
}

/* More processes than one call looks at: the cursor goes on where it stopped, and ends. */
static void test_scan_in_slices(void **state)
{
        (void)state;
        enum { LAST = 3500 };
        _cleanup_(tmp_remove) struct tmp t;
        static struct holder found[HOLDERS_MAX];
        const uint64_t wanted[] = {77, 88};
        unsigned denied, calls = 0, n = 0;
        pid_t cursor = 0, last = -1;
        tmp_make(&t);
        for (int i = 1; i <= LAST; i++) {
                char name[16];
                snprintf(name, sizeof(name), "%d", i);
                tmp_dir(&t, name);
        }
        tmp_dir(&t, "3/fd");
        tmp_file(&t, "3/fd/5", "socket:[88]\n", 12);
        tmp_file(&t, "3/fd/6", "socket:[88]\n", 12); /* twice, told once */
        tmp_file(&t, "3/fd/7", "socket:[99]\n", 12); /* not asked for */
        tmp_dir(&t, "3499/fd");
        assert_int_equal(symlinkat("socket:[77]", t.proc, "3499/fd/0"), 0);
        do {
                int r = holders_scan(&t.root, wanted, 2, &cursor, found, &denied);
                assert_true(r >= 0 && calls < 10);
                assert_true(cursor == 0 || cursor > last);
                last = cursor;
                calls++;
                for (int i = 0; i < r; i++, n++) {
                        assert_int_equal(found[i].pid, found[i].inode == 77 ? 3499 : 3);
                        assert_true(found[i].inode == 77 || found[i].inode == 88);
                }
        } while (cursor);
        assert_true(calls > 1);
        assert_int_equal(n, 2);
}

static void test_reach(void **state)
{
        (void)state;
        _cleanup_(tmp_remove) struct tmp t;
        uint64_t reach[REACH_MAX];
        tmp_make(&t);
        tmp_dir(&t, "10");
        tmp_dir(&t, "10/fd");
        tmp_file(&t, "10/fd/3", "net:[111]\n", 10);
        tmp_file(&t, "10/fd/4", "net:[222]\n", 10);
        tmp_file(&t, "10/fd/5", "mnt:[333]\n", 10);
        for (int i = 11; i <= 12; i++) { /* 11 is a child of 10, 12 of 11 */
                char path[32], text[64];
                snprintf(path, sizeof(path), "%d", i);
                tmp_dir(&t, path);
                snprintf(path, sizeof(path), "%d/ns", i);
                tmp_dir(&t, path);
                snprintf(path, sizeof(path), "%d/stat", i);
                snprintf(text, sizeof(text), "%d (x) S %d 1 1 0 -1 0 ", i, i - 1);
                tmp_file(&t, path, text, strlen(text));
                snprintf(path, sizeof(path), "%d/ns/net", i);
                snprintf(text, sizeof(text), "net:[%d]\n", i == 11 ? 222 : 444);
                tmp_file(&t, path, text, strlen(text));
        }
        assert_int_equal(netns_reach(&t.root, 10, reach), 2);
        assert_int_equal(reach[0], 222);
        assert_int_equal(reach[1], 111);
        assert_int_equal(netns_reach(&t.root, 99, reach), 0);
}

/* --- rtnetlink -------------------------------------------------------------------------------- */

struct message {
        char bytes[512];
        size_t n;
};

static void put(struct message *m, const void *data, size_t n)
{
        size_t at = NLMSG_ALIGN(m->n);
        memcpy(m->bytes + at, data, n);
        m->n = at + n;
}

static void put_attr(struct message *m, unsigned short type, const void *data, size_t n)
{
        struct rtattr a = {.rta_len = (unsigned short)RTA_LENGTH(n), .rta_type = type};
        put(m, &a, sizeof(a));
        put(m, data, n);
}

static void finish(struct message *m)
{
        ((struct nlmsghdr *)(void *)m->bytes)->nlmsg_len = (uint32_t)m->n;
}

static struct message link_message(void)
{
        struct message m = {0};
        struct nlmsghdr head = {.nlmsg_type = RTM_NEWLINK};
        struct ifinfomsg info = {.ifi_index = 12};
        int other = 2, nsid = 5, master = 7;
        struct message kind = {0};
        put(&m, &head, sizeof(head));
        put(&m, &info, sizeof(info));
        put_attr(&m, IFLA_IFNAME, "veth12ab", 9);
        put_attr(&m, IFLA_LINK, &other, sizeof(other));
        put_attr(&m, IFLA_LINK_NETNSID, &nsid, sizeof(nsid));
        put_attr(&m, IFLA_MASTER, &master, sizeof(master));
        put_attr(&kind, IFLA_INFO_KIND, "veth", 5);
        put_attr(&m, IFLA_LINKINFO | NLA_F_NESTED, kind.bytes, kind.n);
        finish(&m);
        return m;
}

static void test_link_message(void **state)
{
        (void)state;
        struct message m = link_message();
        struct rtnl_link l;
        assert_int_equal(rtnl_link_parse(m.bytes, m.n, &l), 0);
        assert_int_equal(l.index, 12);
        assert_string_equal(l.name, "veth12ab");
        assert_string_equal(l.kind, "veth");
        assert_int_equal(l.other, 2);
        assert_int_equal(l.other_nsid, 5);
        assert_int_equal(l.master, 7);
}

/* Cut anywhere, with any length written into it: never a read past the end (ASan), never a name
 * without its end. */
static void test_hostile_link(void **state)
{
        (void)state;
        struct message m = link_message();
        for (size_t n = 0; n < m.n; n++) {
                _cleanup_free_ char *cut = xmalloc(n + 1);
                struct rtnl_link l = {.index = -7};
                memcpy(cut, m.bytes, n);
                assert_int_equal(rtnl_link_parse(cut, n, &l), -EBADMSG);
                assert_int_equal(l.index, -7);
        }
        for (size_t at = 0; at + 2 <= m.n; at += 2)
                for (unsigned v = 0; v <= UINT16_MAX; v += 4369) {
                        _cleanup_free_ char *bad = xmalloc(m.n);
                        uint16_t word = (uint16_t)v;
                        struct rtnl_link l;
                        memcpy(bad, m.bytes, m.n);
                        memcpy(bad + at, &word, sizeof(word));
                        if (rtnl_link_parse(bad, m.n, &l) < 0)
                                continue;
                        assert_true(l.index > 0);
                        assert_true(l.name[0] && memchr(l.name, '\0', sizeof(l.name)));
                        assert_non_null(memchr(l.kind, '\0', sizeof(l.kind)));
                }
        struct message long_name = {0};
        struct nlmsghdr head = {.nlmsg_type = RTM_NEWLINK};
        struct ifinfomsg info = {.ifi_index = 1};
        struct rtnl_link l;
        put(&long_name, &head, sizeof(head));
        put(&long_name, &info, sizeof(info));
        put_attr(&long_name, IFLA_IFNAME, "0123456789abcdefghijk", 21);
        finish(&long_name);
        assert_int_equal(rtnl_link_parse(long_name.bytes, long_name.n, &l), 0);
        assert_string_equal(l.name, "0123456789abcde");
        assert_int_equal(l.other_nsid, -1);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_socket_line),    cmocka_unit_test(test_fib_trie),
                cmocka_unit_test(test_if_inet6),       cmocka_unit_test(test_address),
                cmocka_unit_test(test_docker_proxy),   cmocka_unit_test(test_conmon),
                cmocka_unit_test(test_small_texts),    cmocka_unit_test(test_hostile_table),
                cmocka_unit_test(test_scan_in_slices), cmocka_unit_test(test_reach),
                cmocka_unit_test(test_link_message),   cmocka_unit_test(test_hostile_link),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
