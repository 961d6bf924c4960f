/* SPDX-License-Identifier: MIT */

/* DATA-ROOT/containers/ID/{config.v2,hostconfig}.json of dockerd: what it knows of a container,
 * kept when it stops. */

#include <errno.h>

#include "base/mem.h"
#include "base/str.h"
#include "runtime/disk_json.h"
#include "runtime/disk_sources.h"

static void set_text(char **dst, const char *text)
{
        if (text)
                *dst = str_clean_z(text);
}

/* "80/tcp" */
static bool port_key(const char *key, unsigned *ret_port, const char **ret_protocol)
{
        uint64_t port;
        int n = parse_u64(key, key + strlen(key), &port);
        if (n < 0 || port > UINT16_MAX || (key[n] != '/' && key[n] != '\0'))
                return false;
        *ret_port = (unsigned)port;
        *ret_protocol = key[n] ? key + n + 1 : "tcp";
        return true;
}

static bool is_any_address(const char *ip)
{
        return !ip || streq(ip, "0.0.0.0") || streq(ip, "::");
}

static bool has_port(const struct facts *f, unsigned host, unsigned inner, const char *protocol)
{
        for (size_t i = 0; i < f->n_ports; i++) {
                const struct port *p = &f->ports[i];
                if (p->host_port == host && p->container_port == inner && !p->host_ip &&
                    streq(p->protocol, protocol))
                        return true;
        }
        return false;
}

static void add_binding(const json_t *binding, unsigned inner, const char *protocol,
                        struct facts *f)
{
        const char *ip = json_text(binding, "HostIp");
        const char *text = json_text(binding, "HostPort");
        uint64_t host;
        /* No number: "" means any free one, "8000-8010" one of these. */
        if (!text || parse_u64_z(text, &host) < 0 || host == 0 || host > UINT16_MAX)
                return;
        if (!is_any_address(ip))
                facts_add_port(f, ip, (unsigned)host, inner, protocol);
        else if (!has_port(f, (unsigned)host, inner, protocol)) /* comes once for each family */
                facts_add_port(f, NULL, (unsigned)host, inner, protocol);
}

/* {"80/tcp": [{"HostIp": "", "HostPort": "8080"}], "81/tcp": null} */
static void add_ports(const json_t *ports, struct facts *f)
{
        const char *key;
        json_t *bindings, *binding;
        json_object_foreach((json_t *)ports, key, bindings)
        {
                unsigned inner;
                const char *protocol;
                size_t i;
                if (!port_key(key, &inner, &protocol))
                        continue;
                json_array_foreach(bindings, i, binding)
                {
                        if (f->n_ports >= FACTS_MAX_PORTS)
                                return;
                        add_binding(binding, inner, protocol, f);
                }
        }
}

static void parse_host_config(const char *text, size_t n, struct facts *f)
{
        json_auto_t *o = text ? disk_json_parse(text, n) : NULL;
        set_text(&f->restart_policy, json_text(json_object_get(o, "RestartPolicy"), "Name"));
        if (f->n_ports == 0)
                add_ports(json_object_get(o, "PortBindings"), f);
}

int docker_parse(const char *config, size_t config_len, const char *host, size_t host_len,
                 const char *id, pid_t pid, struct facts *ret)
{
        json_auto_t *o = disk_json_parse(config, config_len);
        const char *got = json_text(o, "ID"), *name = json_text(o, "Name");
        if (!got || !streq(got, id))
                return -EBADMSG;
        if (pid > 0 && json_number(json_object_get(o, "State"), "Pid") != pid)
                return -ENOENT;
        struct facts f = {0};
        const json_t *c = json_object_get(o, "Config");
        const json_t *labels = json_object_get(c, "Labels");
        set_text(&f.name, name && *name == '/' ? name + 1 : name);
        set_text(&f.image, json_text(c, "Image"));
        json_add_labels(labels, NULL, &f);
        /* What is bound now; a stopped container has only what was asked for. */
        add_ports(json_object_get(json_object_get(o, "NetworkSettings"), "Ports"), &f);
        parse_host_config(host, host_len, &f);
        json_orchestrator_facts(labels, &f);
        *ret = f;
        return 0;
}

static int read_container(struct disk *d, int dirfd, struct facts *ret)
{
        _cleanup_free_ char *config_name = xasprintf("%s/config.v2.json", d->id);
        _cleanup_free_ char *host_name = xasprintf("%s/hostconfig.json", d->id);
        _cleanup_free_ char *config = NULL, *host = NULL;
        size_t config_len, host_len = 0;
        int e = safe_read_at(dirfd, config_name, &d->who, DISK_FILE_MAX, &config, &config_len);
        if (e < 0)
                return e;
        (void)safe_read_at(dirfd, host_name, &d->who, DISK_FILE_MAX, &host, &host_len);
        return docker_parse(config, config_len, host, host_len, d->id, d->init_pid, ret);
}

int docker_disk_facts(struct disk *d, struct facts *ret)
{
        int e = disk_try_places(d, &d->hints.docker, read_container, ret);
        if (e < 0)
                e = graver(e, disk_try_state_paths(d, STATE_PATH_DOCKER, "/containers",
                                                   read_container, ret));
        return e;
}
