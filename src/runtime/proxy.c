/* SPDX-License-Identifier: MIT */
#include "runtime/proxy.h"

#include <errno.h>

#include "base/mem.h"
#include "base/str.h"

#define ID_MAX 128

/* The next word; NULL at the end. A last word without its NUL was cut, and is none. */
static const char *next_word(const char **cursor, const char *end)
{
        const char *word = *cursor;
        const char *nul = word < end ? memchr(word, '\0', (size_t)(end - word)) : NULL;
        if (!nul)
                return NULL;
        *cursor = nul + 1;
        return word;
}

static bool is_program(const char **cursor, const char *end, const char *name)
{
        const char *word = next_word(cursor, end);
        const char *slash = word ? strrchr(word, '/') : NULL;
        return word && streq(slash ? slash + 1 : word, name);
}

/* The value when word is the option, as "-name value" or "-name=value" with one dash or two (flags
 * of Go and of glib). NULL if it is another word. */
static const char *option(const char *word, const char *name, const char **cursor, const char *end)
{
        const char *p = *word == '-' ? word + 1 : word;
        p = p == word ? NULL : startswith(*p == '-' ? p + 1 : p, name);
        if (!p)
                return NULL;
        if (*p == '=')
                return p + 1;
        return *p == '\0' ? next_word(cursor, end) : NULL;
}

static bool take_port(const char *text, uint16_t *ret)
{
        uint64_t v;
        if (parse_u64_z(text, &v) < 0 || v == 0 || v > UINT16_MAX)
                return false;
        *ret = (uint16_t)v;
        return true;
}

int docker_proxy_parse(const char *cmdline, size_t n, struct docker_proxy *ret)
{
        const char *p = cmdline, *end = cmdline + n, *value;
        struct docker_proxy d = {0};
        bool ok = true;
        if (!is_program(&p, end, "docker-proxy"))
                return -ENOENT;
        for (const char *word; ok && (word = next_word(&p, end));) {
                if ((value = option(word, "host-port", &p, end))) {
                        ok = take_port(value, &d.host_port);
                } else if ((value = option(word, "container-port", &p, end))) {
                        ok = take_port(value, &d.container_port);
                } else if ((value = option(word, "container-ip", &p, end))) {
                        ok = strlen(value) < sizeof(d.container_ip);
                        memcpy(d.container_ip, value, ok ? strlen(value) + 1 : 0);
                }
        }
        if (!ok || !d.host_port || !d.container_port || !d.container_ip[0])
                return -EBADMSG;
        *ret = d;
        return 0;
}

static bool is_id(const char *text)
{
        size_t n =
                strspn(text, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_.-");
        return n > 0 && n <= ID_MAX && text[n] == '\0';
}

char *conmon_container(const char *cmdline, size_t n)
{
        const char *p = cmdline, *end = cmdline + n, *value;
        if (!is_program(&p, end, "conmon"))
                return NULL;
        for (const char *word; (word = next_word(&p, end));) {
                value = option(word, "cid", &p, end);
                if (!value)
                        value = option(word, "c", &p, end);
                if (value)
                        return is_id(value) ? xstrdup(value) : NULL;
        }
        return NULL;
}

bool is_port_forwarder(const char *cmdline, size_t n)
{
        static const char *const names[] = {"rootlessport", "slirp4netns", "pasta", "pasta.avx2"};
        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                const char *p = cmdline;
                if (is_program(&p, cmdline + n, names[i]))
                        return true;
        }
        return false;
}
