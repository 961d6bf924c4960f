/* SPDX-License-Identifier: MIT */
#include "kernel/netdev.h"

#include "base/macros.h"
#include "base/str.h"

/* --- one line ------------------------------------------------------------------------------- */

enum field { /* of the 16 numbers of a line */
             RX_BYTES = 0,
             RX_ERRORS = 2,
             RX_DROPPED = 3,
             TX_BYTES = 8,
             TX_ERRORS = 10,
             TX_DROPPED = 11,
             FIELD_COUNT = 16,
};

static const char *skip_blanks(const char *p, const char *end)
{
        while (p < end && (*p == ' ' || *p == '\t'))
                p++;
        return p;
}

static bool parse_numbers(const char *p, const char *end, uint64_t v[static FIELD_COUNT])
{
        for (int i = 0; i < FIELD_COUNT; i++) {
                p = skip_blanks(p, end);
                int n = parse_u64(p, end, &v[i]);
                if (n < 0)
                        return false;
                p += n;
                if (p < end && *p != ' ' && *p != '\t')
                        return false;
        }
        return true;
}

/* The name at the start of a line: blanks, 1 to 15 bytes, a colon. NULL if there is none; the two
 * header lines have none. */
static const char *line_name(const char *line, const char *end, size_t *ret_len)
{
        const char *name = skip_blanks(line, end);
        const char *colon = memchr(name, ':', (size_t)(end - name));
        if (!colon || colon == name || colon - name >= 16)
                return NULL;
        *ret_len = (size_t)(colon - name);
        return name;
}

static bool parse_line(const char *line, const char *end, struct netdev_line *ret)
{
        size_t len;
        uint64_t v[FIELD_COUNT];
        const char *name = line_name(line, end, &len);
        if (!name || !parse_numbers(name + len + 1, end, v))
                return false;
        *ret = (struct netdev_line){
                .rx_bytes = v[RX_BYTES],
                .rx_errors = v[RX_ERRORS],
                .rx_dropped = v[RX_DROPPED],
                .tx_bytes = v[TX_BYTES],
                .tx_errors = v[TX_ERRORS],
                .tx_dropped = v[TX_DROPPED],
        };
        memcpy(ret->name, name, len);
        return true;
}

int netdev_next(const char **cursor, struct netdev_line *ret)
{
        while (**cursor) {
                const char *line = *cursor, *end = strchrnul(line, '\n');
                *cursor = *end ? end + 1 : end;
                if (parse_line(line, end, ret))
                        return 1;
        }
        return 0;
}

/* --- what counts ---------------------------------------------------------------------------- */

enum role {
        ROLE_BASE,     /* like a card: eth0, wlan0, ens3, host0 */
        ROLE_LOOPBACK, /* lo */
        ROLE_FALLBACK, /* the module puts one into every namespace, used or not */
        ROLE_BRIDGE,   /* carries what its ports carry */
        ROLE_PORT,     /* a bridge's port when there is a bridge, else like a card */
        ROLE_STACKED,  /* its packets pass a card too, when there is one */
        ROLE_IDLE,     /* carries nothing of its own */
};

/* First match wins. '#' is one or more digits up to the end, '*' is any rest, at least one byte. */
static const struct {
        const char *pattern;
        enum role role;
} roles[] = {
        {"lo", ROLE_LOOPBACK},      {"tunl0", ROLE_FALLBACK},     {"sit0", ROLE_FALLBACK},
        {"gre0", ROLE_FALLBACK},    {"gretap0", ROLE_FALLBACK},   {"erspan0", ROLE_FALLBACK},
        {"ip_vti0", ROLE_FALLBACK}, {"ip6_vti0", ROLE_FALLBACK},  {"ip6tnl0", ROLE_FALLBACK},
        {"ip6gre0", ROLE_FALLBACK}, {"docker#", ROLE_BRIDGE},     {"docker_gwbridge", ROLE_BRIDGE},
        {"br-*", ROLE_BRIDGE},      {"br#", ROLE_BRIDGE},         {"bridge#", ROLE_BRIDGE},
        {"virbr*", ROLE_BRIDGE},    {"vmbr#", ROLE_BRIDGE},       {"cni#", ROLE_BRIDGE},
        {"cni-*", ROLE_BRIDGE},     {"podman#", ROLE_BRIDGE},     {"nerdctl#", ROLE_BRIDGE},
        {"lxcbr#", ROLE_BRIDGE},    {"lxdbr#", ROLE_BRIDGE},      {"incusbr#", ROLE_BRIDGE},
        {"cbr#", ROLE_BRIDGE},      {"kube-bridge", ROLE_BRIDGE}, {"veth*", ROLE_PORT},
        {"vnet#", ROLE_PORT},       {"ve-*", ROLE_PORT},          {"vb-*", ROLE_PORT},
        {"bond#", ROLE_STACKED},    {"team#", ROLE_STACKED},      {"vlan#", ROLE_STACKED},
        {"macvlan#", ROLE_STACKED}, {"macvtap#", ROLE_STACKED},   {"ipvlan#", ROLE_STACKED},
        {"mv-*", ROLE_STACKED},     {"iv-*", ROLE_STACKED},       {"tun#", ROLE_STACKED},
        {"tap#", ROLE_STACKED},     {"wg#", ROLE_STACKED},        {"vxlan*", ROLE_STACKED},
        {"flannel*", ROLE_STACKED}, {"geneve*", ROLE_STACKED},    {"dummy#", ROLE_IDLE},
        {"ifb#", ROLE_IDLE},
};

static bool matches(const char *pattern, const char *name)
{
        while (*pattern && *pattern != '#' && *pattern != '*' && *pattern == *name) {
                pattern++;
                name++;
        }
        if (*pattern == '*')
                return *name != '\0';
        if (*pattern == '#')
                return *name != '\0' && name[strspn(name, "0123456789")] == '\0';
        return *pattern == *name;
}

static enum role role_of(const char *name)
{
        for (size_t i = 0; i < ARRAY_SIZE(roles); i++)
                if (matches(roles[i].pattern, name))
                        return roles[i].role;
        return ROLE_BASE;
}

/* Looks at names only: this is asked once per VLAN, and a container may make many. */
static bool has_interface(const char *text, const char *name, size_t n)
{
        for (const char *line = text; *line;) {
                const char *end = strchrnul(line, '\n');
                size_t len;
                const char *found = line_name(line, end, &len);
                if (found && len == n && memcmp(found, name, n) == 0)
                        return true;
                line = *end ? end + 1 : end;
        }
        return false;
}

/* "eth0.5" beside "eth0". */
static bool is_vlan(const char *text, const char *name)
{
        const char *dot = strrchr(name, '.');
        if (!dot || dot == name || !matches("#", dot + 1))
                return false;
        return has_interface(text, name, (size_t)(dot - name));
}

/* What a look over the whole text tells. */
struct census {
        unsigned n_lines;
        unsigned n_own; /* all but lo and fallback tunnels */
        bool has_base;
        bool has_bridge;
};

static struct census take_census(const char *text)
{
        struct census c = {0};
        bool has_port = false;
        struct netdev_line line;
        for (const char *p = text; netdev_next(&p, &line) > 0;) {
                enum role role = role_of(line.name);
                c.n_lines++;
                c.n_own += role != ROLE_LOOPBACK && role != ROLE_FALLBACK;
                c.has_base |= role == ROLE_BASE && !is_vlan(text, line.name);
                c.has_bridge |= role == ROLE_BRIDGE;
                has_port |= role == ROLE_PORT;
        }
        c.has_base |= has_port && !c.has_bridge;
        return c;
}

/* tap0 next to a bridge is not taken for its port: rootless engines have it as their only way out,
 * with a bridge for the containers behind it. */
static bool counts(const struct census *c, const char *text, const char *name)
{
        switch (role_of(name)) {
        case ROLE_BASE:
                return !is_vlan(text, name);
        case ROLE_PORT:
                return !c->has_bridge && !is_vlan(text, name);
        case ROLE_STACKED:
                return !c->has_base && !is_vlan(text, name);
        case ROLE_LOOPBACK:
        case ROLE_FALLBACK:
        case ROLE_BRIDGE:
        case ROLE_IDLE:
                break;
        }
        return false;
}

static void add(uint64_t *sum, uint64_t v)
{
        if (__builtin_add_overflow(*sum, v, sum))
                *sum = UINT64_MAX;
}

unsigned netdev_sum(const char *text, struct cg_sample *s)
{
        struct census c = take_census(text);
        struct netdev_line sum = {0}, line;
        if (c.n_lines == 0)
                return 0;
        for (const char *p = text; netdev_next(&p, &line) > 0;) {
                if (!counts(&c, text, line.name))
                        continue;
                add(&sum.rx_bytes, line.rx_bytes);
                add(&sum.tx_bytes, line.tx_bytes);
                add(&sum.rx_errors, line.rx_errors);
                add(&sum.tx_errors, line.tx_errors);
                add(&sum.rx_dropped, line.rx_dropped);
                add(&sum.tx_dropped, line.tx_dropped);
        }
        sample_set(s, NET_RX_BYTES, sum.rx_bytes);
        sample_set(s, NET_TX_BYTES, sum.tx_bytes);
        sample_set(s, NET_RX_ERRORS, sum.rx_errors);
        sample_set(s, NET_TX_ERRORS, sum.tx_errors);
        sample_set(s, NET_RX_DROPPED, sum.rx_dropped);
        sample_set(s, NET_TX_DROPPED, sum.tx_dropped);
        return c.n_own;
}
