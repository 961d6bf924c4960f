/* SPDX-License-Identifier: MIT */
#include <jansson.h>
#include <math.h>

#include "base/mem.h"
#include "kernel/leader.h"
#include "report/pieces.h"
#include "report/report.h"

/* --- scalars -------------------------------------------------------------------------------- */

/* Texts are clean where they enter; what slipped through must not cost the whole object. */
static json_t *text_json(const char *text)
{
        if (!text)
                return json_null();
        json_t *j = json_string(text);
        if (j)
                return j;
        _cleanup_free_ char *clean = str_clean_z(text);
        return json_string(clean);
}

static json_t *number_json(double d)
{
        return isfinite(d) ? json_real(report_round(d)) : json_null();
}

/* jansson's integers are signed. */
static json_t *uint_json(uint64_t u)
{
        return u <= INT64_MAX ? json_integer((json_int_t)u) : json_real((double)u);
}

/* For what has 0 for unknown: inodes, number of CPUs. */
static json_t *nonzero_json(uint64_t u)
{
        return u ? uint_json(u) : json_null();
}

static json_t *value_json(const struct value *v)
{
        switch (v->type) {
        case VALUE_UINT:
                return uint_json(v->u);
        case VALUE_INT:
                return json_integer(v->i);
        case VALUE_NUMBER:
                return number_json(v->number);
        case VALUE_TEXT:
                return text_json(value_text(v));
        case VALUE_BOOL:
                return json_boolean(v->truth);
        case VALUE_NONE:
                break;
        }
        return json_null();
}

/* Sets "key" or "object.key"; makes the object when it is the first of its keys. */
static void set_path(json_t *object, const char *path, json_t *value)
{
        const char *dot = strchr(path, '.');
        if (dot) {
                _cleanup_free_ char *head = xstrndup(path, (size_t)(dot - path));
                json_t *inner = json_object_get(object, head);
                if (!inner) {
                        inner = json_object();
                        json_object_set_new(object, head, inner);
                }
                object = inner;
                path = dot + 1;
        }
        if (json_object_set_new(object, path, value) < 0)
                die("out of memory");
}

/* --- what is no scalar ----------------------------------------------------------------------- */

/* In the order of the contract. */
static const enum ns_type ns_order[NS_COUNT] = {
        NS_PID, NS_NET, NS_MNT, NS_UTS, NS_IPC, NS_USER, NS_CGROUP, NS_TIME,
};
static const char *const ns_keys[NS_COUNT] = {
        [NS_PID] = "pid",   [NS_NET] = "net", [NS_MNT] = "mnt",       [NS_UTS] = "uts",
        [NS_USER] = "user", [NS_IPC] = "ipc", [NS_CGROUP] = "cgroup", [NS_TIME] = "time",
};

static json_t *labels_json(const struct container *c)
{
        json_t *labels = json_object();
        for (size_t i = 0; i < c->facts.n_labels; i++) {
                _cleanup_free_ char *key = str_clean_z(c->facts.labels[i].key);
                json_object_set_new(labels, key, text_json(c->facts.labels[i].value));
        }
        return labels;
}

static json_t *ports_json(const struct container *c)
{
        json_t *ports = json_array();
        for (size_t i = 0; i < c->facts.n_ports; i++) {
                const struct port *p = &c->facts.ports[i];
                json_t *port = json_object();
                json_object_set_new(port, "host_ip", text_json(p->host_ip));
                json_object_set_new(port, "host_port", json_integer(p->host_port));
                json_object_set_new(port, "container_port", json_integer(p->container_port));
                json_object_set_new(port, "protocol", text_json(p->protocol));
                json_array_append_new(ports, port);
        }
        return ports;
}

static json_t *namespaces_json(const struct container *c)
{
        json_t *namespaces = json_object();
        for (size_t i = 0; i < NS_COUNT; i++)
                json_object_set_new(namespaces, ns_keys[ns_order[i]],
                                    nonzero_json(c->isolation.ns.inode[ns_order[i]]));
        return namespaces;
}

static json_t *shared_json(const struct container *c)
{
        bool known = false;
        json_t *shared = json_array();
        for (size_t i = 0; i < NS_COUNT; i++) {
                enum ns_type type = ns_order[i];
                if (!c->isolation.host_ns_known[type])
                        continue;
                known = true;
                if (c->isolation.host_ns[type])
                        json_array_append_new(shared, json_string(ns_keys[type]));
        }
        if (known)
                return shared;
        json_decref(shared);
        return json_null();
}

static json_t *capabilities_json(const struct container *c)
{
        if (!c->isolation.caps_known)
                return json_null();
        json_t *names = json_array();
        for (unsigned bit = 0; bit < 64; bit++) {
                if (!(c->isolation.cap_bounding & UINT64_C(1) << bit))
                        continue;
                const char *name = capability_name(bit);
                _cleanup_free_ char *number = name ? NULL : xasprintf("cap_%u", bit);
                json_array_append_new(names, json_string(name ? name : number));
        }
        return names;
}

/* Each goes right behind a column, so that the keys come in the contract's order. */
static const struct {
        const char *after; /* json path */
        const char *path;
        json_t *(*make)(const struct container *c);
} extras[] = {
        {"exit_code", "labels", labels_json},
        {"exit_code", "ports", ports_json},
        {"pressure.io_full", "isolation.namespaces", namespaces_json},
        {"pressure.io_full", "isolation.shared_with_host", shared_json},
        {"isolation.root_uid", "isolation.capabilities", capabilities_json},
};

static json_t *container_json(const struct model *m, const struct container *c)
{
        json_t *object = json_object();
        for (size_t i = 0; i < n_columns; i++) {
                const struct column *col = &columns[i];
                if (!col->json)
                        continue;
                struct value v = col->get(m, c);
                set_path(object, col->json, value_json(&v));
                for (size_t k = 0; k < ARRAY_SIZE(extras); k++)
                        if (streq(extras[k].after, col->json))
                                set_path(object, extras[k].path, extras[k].make(c));
        }
        return object;
}

/* --- the host ------------------------------------------------------------------------------- */

static json_t *sources_json(const struct model *m)
{
        json_t *sources = json_array();
        for (size_t i = 0; i < m->n_sources; i++) {
                const struct source *s = &m->sources[i];
                json_t *source = json_object();
                json_object_set_new(source, "name", text_json(s->name));
                json_object_set_new(source, "status", text_json(source_status_names[s->status]));
                json_object_set_new(source, "detail", text_json(s->detail));
                json_array_append_new(sources, source);
        }
        return sources;
}

static json_t *told_json(const char *text)
{
        return *text ? text_json(text) : json_null();
}

static json_t *host_json(const struct model *m)
{
        const struct host_sample *s = &m->host.now;
        json_t *host = json_object();
        json_object_set_new(host, "name", told_json(s->name));
        json_object_set_new(host, "kernel", told_json(s->kernel));
        json_object_set_new(host, "cpus", nonzero_json(s->cpus));
        json_object_set_new(host, "cgroup", told_json(s->cgroup));
        json_object_set_new(host, "cpu_percent", number_json(m->host.cpu_percent));
        json_object_set_new(host, "memory_total_bytes",
                            s->memory_known ? uint_json(s->memory_total_bytes) : json_null());
        json_object_set_new(host, "memory_available_bytes",
                            s->memory_known ? uint_json(s->memory_available_bytes) : json_null());
        json_object_set_new(host, "sources", sources_json(m));
        return host;
}

static int write_out(const char *bytes, size_t n, void *out)
{
        str_addn(out, bytes, n);
        return 0;
}

void report_json(const struct report *r, struct str *out)
{
        const struct model *m = r->model;
        struct value now = column_find("time")->get(m, NULL);
        json_t *top = json_object(), *list = json_array();
        json_object_set_new(top, "schema", json_string("ctop-c/1"));
        json_object_set_new(top, "time", value_json(&now));
        json_object_set_new(top, "interval_seconds", number_json(m->interval_seconds));
        json_object_set_new(top, "host", host_json(m));
        json_object_set_new(top, "containers", list);
        for (size_t i = 0; i < r->rows->n; i++) {
                struct container scratch;
                const struct container *c = report_row(r, i, &scratch);
                json_t *object = container_json(m, c);
                if (c == &scratch)
                        json_object_set_new(object, "aggregate", json_true());
                json_array_append_new(list, object);
                aggregate_done(&scratch);
        }
        /* 15 digits hold what was rounded to four behind the point; 17 would show
         * 0.29999999999999999. */
        if (json_dump_callback(top, write_out, out, JSON_COMPACT | JSON_REAL_PRECISION(15)) < 0)
                die("json: cannot write what was just made");
        json_decref(top);
        str_addc(out, '\n');
}
