/* SPDX-License-Identifier: MIT */

/* What `who` parses: tables of sockets, addresses, command lines of helpers, rtnetlink. */

#include "base/mem.h"
#include "kernel/holders.h"
#include "kernel/rtnetlink.h"
#include "kernel/sockets.h"
#include "runtime/proxy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(x)                                                                                   \
        do {                                                                                       \
                if (!(x))                                                                          \
                        die("line %d: %s", __LINE__, #x);                                          \
        } while (0)

static void try_lines(const char *text)
{
        for (const char *line = text; *line;) {
                const char *end = strchrnul(line, '\n');
                struct socket_line s;
                if (socket_line_parse(line, end, &s) == 0)
                        CHECK(end - line > 40); /* two endpoints and more */
                line = *end ? end + 1 : end;
        }
}

static void try_addresses(const char *text)
{
        struct in_addr v4;
        struct in6_addr v6;
        struct address a;
        const char *end = text + strlen(text);
        for (const char *p = text, *was = text; fib_trie_next(&p, &v4) > 0; was = p)
                CHECK(p > was && p <= end);
        for (const char *p = text, *was = text; if_inet6_next(&p, &v6) > 0; was = p)
                CHECK(p > was && p <= end);
        if (address_parse(text, &a) == 0)
                CHECK(a.family == AF_INET || a.family == AF_INET6);
}

static void try_words(const char *bytes, size_t size)
{
        struct docker_proxy d;
        if (docker_proxy_parse(bytes, size, &d) == 0) {
                CHECK(d.host_port && d.container_port && d.container_ip[0]);
                CHECK(memchr(d.container_ip, '\0', sizeof(d.container_ip)));
                CHECK(!is_port_forwarder(bytes, size));
        }
        _cleanup_free_ char *id = conmon_container(bytes, size);
        if (id)
                CHECK(*id && !strchr(id, '/') && strlen(id) < size);
}

static void try_small(const char *text)
{
        pid_t parent;
        uint64_t inode;
        if (stat_parent(text, &parent) == 0)
                CHECK(parent >= 0);
        if (fd_link_parse(text, "socket:[", &inode) == 0)
                CHECK(strchr(text, ']'));
}

static void try_link(const char *bytes, size_t size)
{
        struct rtnl_link l;
        if (rtnl_link_parse(bytes, size, &l) < 0)
                return;
        CHECK(l.index > 0 && l.name[0]);
        CHECK(memchr(l.name, '\0', sizeof(l.name)) && memchr(l.kind, '\0', sizeof(l.kind)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        _cleanup_free_ char *exact = xmalloc(size + !size); /* no byte after the end */
        _cleanup_free_ char *text = xmalloc(size + 1);
        if (size)
                memcpy(exact, data, size);
        memcpy(text, exact, size);
        text[size] = '\0';
        try_words(exact, size);
        try_link(exact, size);
        try_lines(text);
        try_addresses(text);
        try_small(text);
        return 0;
}
