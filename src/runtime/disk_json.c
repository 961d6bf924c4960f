/* SPDX-License-Identifier: MIT */
#include "runtime/disk_json.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"

/* A tree takes up to about 250 bytes an element. */
#define MAX_ELEMENTS 200000

static bool is_dense(const char *text, size_t n)
{
        size_t elements = 0;
        for (size_t i = 0; i < n; i++)
                elements += text[i] == ',' || text[i] == '[' || text[i] == '{';
        return elements > MAX_ELEMENTS;
}

json_t *disk_json_parse(const char *text, size_t n)
{
        return is_dense(text, n) ? NULL : json_loadb(text, n, 0, NULL);
}

const char *json_text(const json_t *object, const char *key)
{
        const char *s = json_string_value(json_object_get(object, key));
        return s && *s ? s : NULL;
}

json_int_t json_number(const json_t *object, const char *key)
{
        const json_t *v = json_object_get(object, key);
        return json_is_integer(v) && json_integer_value(v) >= 0 ? json_integer_value(v) : -1;
}

/* --- one entry out of a long list --------------------------------------------------------------
 */

static void skip_space(struct json_slices *s)
{
        while (s->p < s->end && (*s->p == ' ' || (*s->p >= '\t' && *s->p <= '\r')))
                s->p++;
}

int json_slices_open(struct json_slices *s, const char *text, size_t n)
{
        *s = (struct json_slices){.p = text, .end = text + n};
        skip_space(s);
        if (s->p < s->end && *s->p == '[') {
                s->p++;
                return 0;
        }
        /* Go writes an empty list as null. */
        size_t left = (size_t)(s->end - s->p);
        bool none = left == 0 || (left >= 4 && memcmp(s->p, "null", 4) == 0);
        s->p = s->end;
        return none ? 0 : -EBADMSG;
}

/* The end of the string that starts at the quote p, or NULL. */
static const char *string_end(const char *p, const char *end)
{
        for (p++; p < end; p++) {
                if (*p == '"')
                        return p + 1;
                if (*p == '\\' && ++p == end)
                        break;
        }
        return NULL;
}

int json_slices_next(struct json_slices *s, const char **ret, size_t *ret_len)
{
        if (s->p == s->end)
                return 0;
        skip_space(s);
        if (s->p < s->end && *s->p == ',') {
                s->p++;
                skip_space(s);
        }
        size_t depth = 0;
        for (const char *p = s->p; p && p < s->end;) {
                if (depth == 0 && (*p == ',' || *p == ']')) {
                        *ret = s->p;
                        *ret_len = (size_t)(p - s->p);
                        s->p = *p == ']' ? s->end : p;
                        return *ret_len > 0;
                }
                if (*p == '"') {
                        p = string_end(p, s->end);
                        continue;
                }
                depth += *p == '{' || *p == '[';
                depth -= *p == '}' || *p == ']';
                p++;
        }
        s->p = s->end;
        return -EBADMSG;
}

/* A dense or broken element is no reason to give up on its neighbours. */
static json_t *entry_of(const char *slice, size_t n, const char *key, const char *value)
{
        if (!memmem(slice, n, value, strlen(value)))
                return NULL;
        json_auto_t *entry = disk_json_parse(slice, n);
        const char *got = json_text(entry, key);
        return got && streq(got, value) ? json_incref(entry) : NULL;
}

int json_find_entry(const char *text, size_t n, const char *key, const char *value, json_t **ret)
{
        struct json_slices s;
        const char *slice;
        size_t len;
        int e = json_slices_open(&s, text, n);
        if (e < 0)
                return e;
        while ((e = json_slices_next(&s, &slice, &len)) > 0) {
                json_t *entry = entry_of(slice, len, key, value);
                if (!entry)
                        continue;
                *ret = entry;
                return 0;
        }
        return e < 0 ? e : -ENOENT;
}

/* --- labels and annotations --------------------------------------------------------------------
 */

static bool has_prefix(const char *key, const char *const *prefixes)
{
        for (; prefixes && *prefixes; prefixes++)
                if (startswith(key, *prefixes))
                        return true;
        return false;
}

void json_add_labels(const json_t *object, const char *const *skip_prefixes, struct facts *f)
{
        const char *key;
        json_t *value;
        json_object_foreach((json_t *)object, key, value)
        {
                if (f->n_labels >= FACTS_MAX_LABELS)
                        return;
                if (json_is_string(value) && !has_prefix(key, skip_prefixes))
                        facts_add_label(f, key, json_string_value(value));
        }
}

/* The first row of a field that is present wins. */
enum field {
        FIELD_NAME,
        FIELD_IMAGE,
        FIELD_POD,
        FIELD_POD_NAMESPACE,
        FIELD_POD_NAME,
        FIELD_TASK,
        FIELD_INFRA,
        FIELD_COUNT
};
static const struct {
        enum field field;
        const char *key;
        const char *value; /* the only value that counts; NULL: any */
} fields[] = {
        {FIELD_NAME, "nerdctl/name", NULL},
        {FIELD_NAME, "io.kubernetes.cri.container-name", NULL},
        {FIELD_NAME, "io.kubernetes.container.name", NULL},
        {FIELD_IMAGE, "io.kubernetes.cri.image-name", NULL},
        {FIELD_IMAGE, "io.kubernetes.cri-o.ImageName", NULL},
        {FIELD_IMAGE, "io.kubernetes.cri-o.Image", NULL},
        {FIELD_IMAGE, "org.opencontainers.image.ref.name", NULL},
        {FIELD_POD, "io.kubernetes.cri.sandbox-uid", NULL},
        {FIELD_POD, "io.kubernetes.pod.uid", NULL},
        {FIELD_POD_NAMESPACE, "io.kubernetes.cri.sandbox-namespace", NULL},
        {FIELD_POD_NAMESPACE, "io.kubernetes.pod.namespace", NULL},
        {FIELD_POD_NAMESPACE, "io.kubernetes.cri-o.Namespace", NULL},
        {FIELD_POD_NAME, "io.kubernetes.cri.sandbox-name", NULL},
        {FIELD_POD_NAME, "io.kubernetes.pod.name", NULL},
        {FIELD_POD_NAME, "io.kubernetes.cri-o.KubeName", NULL},
        {FIELD_TASK, "com.amazonaws.ecs.task-arn", NULL},
        {FIELD_INFRA, "io.kubernetes.cri.container-type", "sandbox"},
        {FIELD_INFRA, "io.kubernetes.cri-o.ContainerType", "sandbox"},
        {FIELD_INFRA, "io.kubernetes.docker.type", "podsandbox"},
        {FIELD_INFRA, "com.amazonaws.ecs.container-name", "~internal~ecs~pause"},
};

static void set_text(char **dst, const char *text)
{
        if (!*dst && text)
                *dst = str_clean_z(text);
}

void json_orchestrator_facts(const json_t *annotations, struct facts *f)
{
        const char *got[FIELD_COUNT] = {0};
        for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
                const char *text = json_text(annotations, fields[i].key);
                bool counts = text && (!fields[i].value || streq(text, fields[i].value));
                if (counts && !got[fields[i].field])
                        got[fields[i].field] = text;
        }
        f->infra |= got[FIELD_INFRA] != NULL;
        /* dockershim and CRI-O call a sandbox's container POD: the pod's own name tells more. */
        if (got[FIELD_NAME] && streq(got[FIELD_NAME], "POD"))
                got[FIELD_NAME] = NULL;
        if (got[FIELD_INFRA] && !got[FIELD_NAME])
                got[FIELD_NAME] = got[FIELD_POD_NAME];
        if (got[FIELD_TASK] && strrchr(got[FIELD_TASK], '/')) /* arn:...:task/CLUSTER/ID */
                set_text(&f->pod, strrchr(got[FIELD_TASK], '/') + 1);
        set_text(&f->name, got[FIELD_NAME]);
        set_text(&f->image, got[FIELD_IMAGE]);
        set_text(&f->pod, got[FIELD_POD]);
        if (!got[FIELD_POD_NAME] || f->pod_name)
                return;
        const char *ns = got[FIELD_POD_NAMESPACE];
        _cleanup_free_ char *full =
                xasprintf("%s%s%s", ns ? ns : "", ns ? "/" : "", got[FIELD_POD_NAME]);
        f->pod_name = str_clean_z(full);
}
