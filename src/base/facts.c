/* SPDX-License-Identifier: MIT */
#include "base/facts.h"

#include <errno.h>
#include <stdio.h>

#include "base/mem.h"

const char *const runtime_names[RUNTIME_COUNT] = {
        [RUNTIME_UNKNOWN] = "unknown",
        [RUNTIME_DOCKER] = "docker",
        [RUNTIME_PODMAN] = "podman",
        [RUNTIME_CONTAINERD] = "containerd",
        [RUNTIME_NERDCTL] = "nerdctl",
        [RUNTIME_CRIO] = "crio",
        [RUNTIME_KUBERNETES] = "kubernetes",
        [RUNTIME_LXC] = "lxc",
        [RUNTIME_NSPAWN] = "nspawn",
        [RUNTIME_LIBVIRT] = "libvirt",
        [RUNTIME_BUILDKIT] = "buildkit",
        [RUNTIME_ECS] = "ecs",
        [RUNTIME_GARDEN] = "garden",
        [RUNTIME_APPTAINER] = "apptainer",
        [RUNTIME_RUNC] = "runc",
        [RUNTIME_CRUN] = "crun",
        [RUNTIME_FLATPAK] = "flatpak",
        [RUNTIME_SNAP] = "snap",
        [RUNTIME_SYSTEMD] = "systemd",
        [RUNTIME_NAMESPACE] = "namespace",
};

const char *const kind_names[KIND_COUNT] = {
        [KIND_CONTAINER] = "container", [KIND_SANDBOX] = "sandbox",
        [KIND_MACHINE] = "machine",     [KIND_VM] = "vm",
        [KIND_BUILD] = "build",         [KIND_POD] = "pod",
        [KIND_SERVICE] = "service",     [KIND_INFRA] = "infra",
};

const char *const state_names[STATE_COUNT] = {
        [STATE_UNKNOWN] = "unknown",       [STATE_RUNNING] = "running",
        [STATE_PAUSED] = "paused",         [STATE_CREATED] = "created",
        [STATE_RESTARTING] = "restarting", [STATE_REMOVING] = "removing",
        [STATE_EXITED] = "exited",         [STATE_DEAD] = "dead",
};

const char *const source_status_names[SOURCE_STATUS_COUNT] = {
        [SOURCE_OK] = "ok",
        [SOURCE_DEGRADED] = "degraded",
        [SOURCE_DENIED] = "denied",
        [SOURCE_SILENT] = "silent",
        [SOURCE_UNAVAILABLE] = "unavailable",
};

void facts_done(struct facts *f)
{
        free(f->id);
        free(f->name);
        free(f->image);
        free(f->pod);
        free(f->pod_name);
        free(f->restart_policy);
        for (size_t i = 0; i < f->n_labels; i++) {
                free(f->labels[i].key);
                free(f->labels[i].value);
        }
        free(f->labels);
        for (size_t i = 0; i < f->n_ports; i++)
                free(f->ports[i].host_ip);
        free(f->ports);
        *f = (struct facts){0};
}

void facts_add_label(struct facts *f, const char *key, const char *value)
{
        if (f->n_labels >= FACTS_MAX_LABELS || !key || !value)
                return;
        f->labels = xrealloc(f->labels, f->n_labels + 1, sizeof(f->labels[0]));
        f->labels[f->n_labels++] =
                (struct label){.key = str_clean_z(key), .value = str_clean_z(value)};
}

void facts_add_port(struct facts *f, const char *host_ip, unsigned host_port,
                    unsigned container_port, const char *protocol)
{
        if (f->n_ports >= FACTS_MAX_PORTS || host_port > UINT16_MAX || container_port > UINT16_MAX)
                return;
        f->ports = xrealloc(f->ports, f->n_ports + 1, sizeof(f->ports[0]));
        struct port *p = &f->ports[f->n_ports++];
        *p = (struct port){.host_port = (uint16_t)host_port,
                           .container_port = (uint16_t)container_port};
        if (host_ip && *host_ip)
                p->host_ip = str_clean_z(host_ip);
        _cleanup_free_ char *clean = str_clean(protocol, strlen(protocol), sizeof(p->protocol) - 1);
        snprintf(p->protocol, sizeof(p->protocol), "%s", clean);
}

const char *facts_label(const struct facts *f, const char *key)
{
        for (size_t i = 0; f && i < f->n_labels; i++)
                if (streq(f->labels[i].key, key))
                        return f->labels[i].value;
        return NULL;
}

void facts_pack(const struct facts *f, struct str *out)
{
        wire_put_str(out, f->id);
        wire_put_str(out, f->name);
        wire_put_str(out, f->image);
        wire_put_str(out, f->pod);
        wire_put_str(out, f->pod_name);
        wire_put_str(out, f->restart_policy);
        wire_put_u64(out, f->infra);
        wire_put_u64(out, f->runtime);
        wire_put_u64(out, f->n_labels);
        for (size_t i = 0; i < f->n_labels; i++) {
                wire_put_str(out, f->labels[i].key);
                wire_put_str(out, f->labels[i].value);
        }
        wire_put_u64(out, f->n_ports);
        for (size_t i = 0; i < f->n_ports; i++) {
                const struct port *p = &f->ports[i];
                wire_put_str(out, p->host_ip);
                wire_put_u64(out, p->host_port);
                wire_put_u64(out, p->container_port);
                wire_put_str(out, p->protocol);
        }
}

/* The child is not trusted: its texts are cleaned again here. */
static void get_text(struct wire *w, char **dst)
{
        const char *s = wire_get_str(w);
        *dst = s ? str_clean_z(s) : NULL;
}

int facts_unpack(struct wire *w, struct facts *ret)
{
        struct facts f = {0};
        get_text(w, &f.id);
        get_text(w, &f.name);
        get_text(w, &f.image);
        get_text(w, &f.pod);
        get_text(w, &f.pod_name);
        get_text(w, &f.restart_policy);
        f.infra = wire_get_u64(w) != 0;
        uint64_t runtime = wire_get_u64(w);
        f.runtime = runtime < RUNTIME_COUNT ? (enum runtime_id)runtime : RUNTIME_UNKNOWN;
        uint64_t n = wire_get_u64(w);
        for (uint64_t i = 0; i < n && i < FACTS_MAX_LABELS && wire_ok(w); i++) {
                const char *key = wire_get_str(w);
                facts_add_label(&f, key, wire_get_str(w));
        }
        n = wire_get_u64(w);
        for (uint64_t i = 0; i < n && i < FACTS_MAX_PORTS && wire_ok(w); i++) {
                const char *ip = wire_get_str(w);
                unsigned host = (unsigned)wire_get_u64(w), inner = (unsigned)wire_get_u64(w);
                const char *protocol = wire_get_str(w);
                facts_add_port(&f, ip, host, inner, protocol ? protocol : "");
        }
        if (!wire_ok(w)) {
                facts_done(&f);
                return -EBADMSG;
        }
        *ret = f;
        return 0;
}
