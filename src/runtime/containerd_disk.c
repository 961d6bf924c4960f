/* SPDX-License-Identifier: MIT */

/*
 * Bundles of containerd: STATE/io.containerd.runtime.v2.task/NAMESPACE/ID/config.json, the OCI
 * configuration with annotations of the CRI plugin or of nerdctl. Labels and ctr's image are in
 * its database only.
 */

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "runtime/disk_json.h"
#include "runtime/disk_sources.h"

#define MAX_NAMESPACES 64

/* Written for machines: no labels. */
static const char *const internal_annotations[] = {
        "nerdctl/", "io.kubernetes.cri", "io.containerd.", "io.container.", "org.systemd.", NULL};

static uint16_t port_of(const json_t *mapping, const char *key)
{
        json_int_t v = json_number(mapping, key);
        return v > 0 && v <= UINT16_MAX ? (uint16_t)v : 0;
}

/* [{"HostPort":8080,"ContainerPort":80,"Protocol":"tcp","HostIP":"0.0.0.0"}] as a text */
static void add_nerdctl_ports(const char *text, struct facts *f)
{
        json_auto_t *list = text ? disk_json_parse(text, strlen(text)) : NULL;
        size_t i;
        json_t *m;
        json_array_foreach(list, i, m)
        {
                const char *ip = json_text(m, "HostIP"), *protocol = json_text(m, "Protocol");
                bool any = ip && (streq(ip, "0.0.0.0") || streq(ip, "::"));
                if (f->n_ports >= FACTS_MAX_PORTS)
                        return;
                if (port_of(m, "HostPort") && port_of(m, "ContainerPort"))
                        facts_add_port(f, any ? NULL : ip, port_of(m, "HostPort"),
                                       port_of(m, "ContainerPort"), protocol ? protocol : "tcp");
        }
}

/* CRI-O keeps the pod's labels as a JSON text in one annotation. */
static void add_crio_labels(const json_t *annotations, struct facts *f)
{
        const char *text = json_text(annotations, "io.kubernetes.cri-o.Labels");
        json_auto_t *labels = text ? disk_json_parse(text, strlen(text)) : NULL;
        json_add_labels(labels, NULL, f);
        json_orchestrator_facts(labels, f);
}

void annotations_to_facts(const json_t *a, enum runtime_id runtime, struct facts *f)
{
        if (runtime == RUNTIME_CRIO)
                add_crio_labels(a, f);
        json_orchestrator_facts(a, f);
        if (runtime == RUNTIME_CRIO)
                return;
        json_add_labels(a, internal_annotations, f);
        if (json_text(a, "nerdctl/name")) {
                f->runtime = RUNTIME_NERDCTL;
                add_nerdctl_ports(json_text(a, "nerdctl/ports"), f);
        }
}

int bundle_parse(const char *config, size_t n, enum runtime_id runtime, struct facts *ret)
{
        json_auto_t *o = disk_json_parse(config, n);
        if (!json_is_object(o))
                return -EBADMSG;
        struct facts f = {0};
        annotations_to_facts(json_object_get(o, "annotations"), runtime, &f);
        *ret = f;
        return 0;
}

/* dirfd: .../io.containerd.runtime.v2.task */
static int read_task(struct disk *d, int dirfd, struct facts *ret)
{
        _cleanup_(names_free) char **namespaces = NULL;
        int e = safe_list(dirfd, ".", MAX_NAMESPACES, &namespaces);
        if (e < 0)
                return e;
        int worst = -ENOENT;
        for (char **ns = namespaces; *ns; ns++) {
                _cleanup_free_ char *name = xasprintf("%s/%s/config.json", *ns, d->id);
                _cleanup_free_ char *text = NULL;
                size_t n;
                if (streq(*ns, "moby")) /* docker's: nothing in there but the id */
                        continue;
                e = safe_read_at(dirfd, name, &d->who, DISK_FILE_MAX, &text, &n);
                if (e >= 0)
                        e = bundle_parse(text, n, RUNTIME_CONTAINERD, ret);
                if (e >= 0)
                        return e;
                worst = graver(worst, e);
        }
        return worst;
}

int containerd_disk_facts(struct disk *d, struct facts *ret)
{
        static const char *const tasks[] = {"/io.containerd.runtime.v2.task",
                                            "/io.containerd.runtime.v1.linux"};
        int e = -ENOENT;
        for (size_t i = 0; e < 0 && i < ARRAY_SIZE(tasks); i++)
                e = graver(e, disk_try_state_paths(d, STATE_PATH_CONTAINERD, tasks[i], read_task,
                                                   ret));
        if (e < 0) /* runc's state repeats the annotations */
                e = graver(e, oci_disk_facts(d, ret));
        return e;
}
