/* SPDX-License-Identifier: MIT */
#include "kernel/sockets.h"

#include <arpa/inet.h>
#include <errno.h>

#include "base/mem.h"
#include "base/str.h"

#define CHUNK     (64 * 1024)
#define TABLE_MAX (16u << 20) /* bytes of one table that are looked at: listeners come first */
#define TRIE_MAX  (1u << 20)

#define STATE_LISTEN      0x0A /* TCP_LISTEN, include/net/tcp_states.h */
#define STATE_UNCONNECTED 0x07 /* TCP_CLOSE: what udp uses for a socket without a peer */

static const char *skip_blanks(const char *p, const char *end)
{
        while (p < end && (*p == ' ' || *p == '\t'))
                p++;
        return p;
}

static const char *skip_word(const char *p, const char *end)
{
        p = skip_blanks(p, end);
        while (p < end && *p != ' ' && *p != '\t')
                p++;
        return p;
}

static int hex_digit(char c)
{
        if (c >= '0' && c <= '9')
                return c - '0';
        c = (char)(c | 0x20);
        return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Exactly n hex digits; what follows them, or NULL. */
static const char *take_hex(const char *p, const char *end, unsigned n, uint32_t *ret)
{
        uint32_t v = 0;
        for (; n > 0; n--, p++) {
                int d = p < end ? hex_digit(*p) : -1;
                if (d < 0)
                        return NULL;
                v = v << 4 | (uint32_t)d;
        }
        if (p < end && hex_digit(*p) >= 0)
                return NULL;
        *ret = v;
        return p;
}

/* --- net/tcp and the like --------------------------------------------------------------------- */

/* "0100007F:1F90", 8 or 32 digits before the colon. What follows, or NULL. */
static const char *take_endpoint(const char *p, const char *end, uint32_t *ret_port)
{
        p = skip_blanks(p, end);
        const char *start = p;
        while (p < end && hex_digit(*p) >= 0)
                p++;
        if ((p - start != 8 && p - start != 32) || p >= end || *p != ':')
                return NULL;
        return take_hex(p + 1, end, 4, ret_port);
}

int socket_line_parse(const char *line, const char *end, struct socket_line *ret)
{
        uint32_t port, remote, state;
        uint64_t slot, inode;
        const char *p = skip_blanks(line, end);
        int n = parse_u64(p, end, &slot);
        if (n < 0 || p + n >= end || p[n] != ':')
                return -EBADMSG;
        p = take_endpoint(p + n + 1, end, &port);
        p = p ? take_endpoint(p, end, &remote) : NULL;
        p = p ? take_hex(skip_blanks(p, end), end, 2, &state) : NULL;
        for (int i = 0; p && i < 5; i++) /* queues, timer, retransmits, uid, timeout */
                p = skip_word(p, end);
        p = p ? skip_blanks(p, end) : NULL;
        n = p ? parse_u64(p, end, &inode) : -EBADMSG;
        if (n < 0 || (p + n < end && p[n] != ' '))
                return -EBADMSG;
        *ret = (struct socket_line){
                .port = (uint16_t)port, .state = (uint8_t)state, .inode = inode};
        return 0;
}

struct table {
        uint16_t port;
        bool udp;
        struct listener *ret;
        size_t n, max;
};

static void take_line(struct table *t, const char *line, const char *end)
{
        struct socket_line s;
        if (t->n >= t->max || socket_line_parse(line, end, &s) < 0 || s.port != t->port)
                return;
        if (s.state == (t->udp ? STATE_UNCONNECTED : STATE_LISTEN))
                t->ret[t->n++] = (struct listener){.inode = s.inode, .udp = t->udp};
}

/* Takes the whole lines out of buf; returns how many bytes of a started one are left at its front.
 * A line that fills the buffer is none. */
static size_t take_lines(struct table *t, char *buf, size_t len, size_t size)
{
        char *line = buf, *stop = buf + len;
        for (char *end; (end = memchr(line, '\n', (size_t)(stop - line)));) {
                take_line(t, line, end);
                line = end + 1;
        }
        size_t left = (size_t)(stop - line);
        if (left == size)
                return 0;
        memmove(buf, line, left);
        return left;
}

static int read_table(int fd, struct table *t)
{
        _cleanup_free_ char *buf = xmalloc(CHUNK);
        size_t kept = 0;
        for (size_t total = 0; total < TABLE_MAX && t->n < t->max;) {
                ssize_t n = read(fd, buf + kept, CHUNK - kept);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                if (n == 0) {
                        take_line(t, buf, buf + kept);
                        return 0;
                }
                total += (size_t)n;
                kept = take_lines(t, buf, kept + (size_t)n, CHUNK);
        }
        return 0;
}

int listeners_read(const struct root *r, pid_t pid, uint16_t port, struct listener *ret, size_t max)
{
        static const struct {
                const char *name;
                bool udp;
        } tables[] = {
                {"net/tcp", false}, {"net/tcp6", false}, {"net/udp", true}, {"net/udp6", true}};
        struct table t = {.port = port, .ret = ret, .max = max};
        int error = 0;
        bool any = false;
        for (size_t i = 0; i < ARRAY_SIZE(tables); i++) {
                _cleanup_close_ int fd = root_open_proc(r, pid, tables[i].name, 0);
                t.udp = tables[i].udp;
                int e = fd < 0 ? fd : read_table(fd, &t);
                any |= e >= 0;
                error = e < 0 && !error ? e : error;
        }
        return any ? (int)t.n : error;
}

/* --- addresses -------------------------------------------------------------------------------- */

static bool contains(const char *p, const char *end, const char *text)
{
        return memmem(p, (size_t)(end - p), text, strlen(text)) != NULL;
}

static bool parse_v4(const char *p, const char *end, struct in_addr *ret)
{
        char text[INET_ADDRSTRLEN];
        size_t n = (size_t)(end - p);
        if (n >= sizeof(text))
                return false;
        memcpy(text, p, n);
        text[n] = '\0';
        return inet_pton(AF_INET, text, ret) == 1;
}

/* A leaf "|-- 172.17.0.2" is followed by a line for each of its prefixes, "/32 host LOCAL" being
 * one. */
int fib_trie_next(const char **cursor, struct in_addr *ret)
{
        struct in_addr leaf;
        bool has_leaf = false;
        while (**cursor) {
                const char *line = *cursor, *end = strchrnul(line, '\n');
                *cursor = *end ? end + 1 : end;
                const char *p = skip_blanks(line, end);
                if (end - p > 4 && memcmp(p, "|-- ", 4) == 0)
                        has_leaf = parse_v4(p + 4, end, &leaf);
                else if (end - p > 1 && memcmp(p, "+-", 2) == 0)
                        has_leaf = false;
                else if (has_leaf && end - p > 4 && memcmp(p, "/32 ", 4) == 0 &&
                         contains(p, end, "host LOCAL")) {
                        *ret = leaf;
                        return 1;
                }
        }
        return 0;
}

int if_inet6_next(const char **cursor, struct in6_addr *ret)
{
        while (**cursor) {
                const char *line = *cursor, *end = strchrnul(line, '\n');
                *cursor = *end ? end + 1 : end;
                struct in6_addr a;
                size_t i = 0;
                if (end - line < 33 || line[32] != ' ')
                        continue;
                for (; i < 16; i++) {
                        int high = hex_digit(line[2 * i]), low = hex_digit(line[2 * i + 1]);
                        if (high < 0 || low < 0)
                                break;
                        a.s6_addr[i] = (uint8_t)(high << 4 | low);
                }
                if (i < 16)
                        continue;
                *ret = a;
                return 1;
        }
        return 0;
}

int address_parse(const char *text, struct address *ret)
{
        char plain[INET6_ADDRSTRLEN];
        size_t n = strlen(text);
        if (n >= 2 && text[0] == '[' && text[n - 1] == ']') {
                text++;
                n -= 2;
        }
        if (n >= sizeof(plain))
                return -EINVAL;
        memcpy(plain, text, n);
        plain[n] = '\0';
        struct address a = {.family = AF_INET};
        if (inet_pton(AF_INET, plain, &a.v4) != 1) {
                a.family = AF_INET6;
                if (inet_pton(AF_INET6, plain, &a.v6) != 1)
                        return -EINVAL;
        }
        *ret = a;
        return 0;
}

int address_is_local(const struct root *r, pid_t pid, const struct address *a)
{
        bool v4 = a->family == AF_INET;
        _cleanup_free_ char *text = xmalloc(TRIE_MAX);
        struct in_addr v4_one;
        struct in6_addr v6_one;
        ssize_t n = root_read_proc(r, pid, v4 ? "net/fib_trie" : "net/if_inet6", text, TRIE_MAX);
        if (n < 0)
                return (int)n;
        for (const char *p = text; v4 && fib_trie_next(&p, &v4_one) > 0;)
                if (v4_one.s_addr == a->v4.s_addr)
                        return 1;
        for (const char *p = text; !v4 && if_inet6_next(&p, &v6_one) > 0;)
                if (memcmp(&v6_one, &a->v6, sizeof(v6_one)) == 0)
                        return 1;
        return 0;
}
