/* SPDX-License-Identifier: MIT */
#include "kernel/classify.h"

#include <errno.h>
#include <limits.h>

#include "base/mem.h"

/* Where a directory has to lie for a pattern to count. */
enum place {
        ANYWHERE,
        OUTSIDE,      /* in no container and no pod */
        IN_POD,       /* directly in a pod of the runtime "in" */
        IN_CONTAINER, /* directly in a container (of the runtime "in", if given) */
        IN_INNER,     /* one level further down */
};

/*
 * In a pattern, <...> is the id, [...] the name, (...) the pod, and
 *   %h 64 hex digits                 %s any text
 *   %b 25 base36 digits              %e any text in systemd's escaping
 *   %u a UUID or 32 hex digits       %n any text that does not look like a unit
 *   %d decimal digits                %p nothing, or text that ends in a dash
 *   %q nothing, or a QoS class of the kubelet
 */
struct pattern {
        const char *leaf;
        enum cg_role role;
        enum runtime_id runtime;
        enum kind kind;
        const char *parent; /* of the directories above, with "/" between; NULL: any */
        enum place place;
        enum runtime_id in;
};

/* The first that matches counts. The words are those of interfaces.md 1.3 and 1.4. */
static const struct pattern patterns[] = {
        /* Units that hold no processes of a container, whatever they are called. */
        {"%s.mount", CG_PLAIN},
        {"%s.swap", CG_PLAIN},

        /* crun's subgroup (one more with run.oci.delegate-cgroup), docker-in-docker's and garden's
         * own "init", nspawn, LXC with a pattern, libvirt. */
        {"container", CG_INNER, .place = IN_CONTAINER},
        {"init", CG_INNER, .place = IN_CONTAINER},
        {"payload", CG_INNER, .place = IN_CONTAINER, .in = RUNTIME_NSPAWN},
        {"payload", CG_INNER, .place = IN_CONTAINER, .in = RUNTIME_LXC},
        {"libvirt", CG_INNER, .place = IN_CONTAINER, .in = RUNTIME_LIBVIRT},
        {"container", CG_INNER, .parent = "container", .place = IN_INNER},
        {"payload", CG_INNER, .parent = "container", .place = IN_INNER},
        {"init", CG_INNER, .parent = "container", .place = IN_INNER},

        /* "runtime" and "supervisor" are podman's with --cgroups=split, newer and older. */
        {"libpod-conmon-%h.scope", CG_HELPER, RUNTIME_PODMAN},
        {"podman-pause-%s.scope", CG_HELPER, RUNTIME_PODMAN}, /* holds a user's namespaces */
        {"conmon", CG_HELPER, RUNTIME_PODMAN},
        {"runtime", CG_HELPER, RUNTIME_PODMAN, .parent = "%s.service"},
        {"runtime", CG_HELPER, RUNTIME_PODMAN, .parent = "%s.scope", .place = OUTSIDE},
        {"supervisor", CG_HELPER},
        {"crio-conmon-%h.scope", CG_HELPER, RUNTIME_CRIO},
        {"crio-conmon-%h", CG_HELPER, RUNTIME_CRIO},
        /* In a slice: the empty placeholder of a sandbox. In a directory: see below. */
        {"crio-%h", CG_HELPER, RUNTIME_CRIO, .parent = "%s.slice"},
        {"lxc.monitor.%s", CG_HELPER, RUNTIME_LXC},
        {"lxc.monitor", CG_HELPER, RUNTIME_LXC},
        {"lxc.pivot", CG_HELPER, RUNTIME_LXC},
        {"monitor", CG_HELPER, RUNTIME_LXC, .place = IN_CONTAINER, .in = RUNTIME_LXC},
        {"kata_overhead", CG_HELPER, RUNTIME_CONTAINERD},

        {"%pkubepods%q-pod(%u).slice", CG_POD, RUNTIME_KUBERNETES, KIND_POD},
        {"pod(%u)", CG_POD, RUNTIME_KUBERNETES, KIND_POD, .parent = "kubepods"},
        {"pod(%u)", CG_POD, RUNTIME_KUBERNETES, KIND_POD, .parent = "burstable"},
        {"pod(%u)", CG_POD, RUNTIME_KUBERNETES, KIND_POD, .parent = "besteffort"},
        {"%plibpod_pod_(%h).slice", CG_POD, RUNTIME_PODMAN, KIND_POD},
        {"(%h)", CG_POD, RUNTIME_PODMAN, KIND_POD, .parent = "libpod_parent"},
        {"ecstasks-(%u).slice", CG_POD, RUNTIME_ECS, KIND_POD},
        {"(%u)", CG_POD, RUNTIME_ECS, KIND_POD, .parent = "ecs"},

        {"docker-<%h>.scope", CG_CONTAINER, RUNTIME_DOCKER},
        {"docker-<%b>.scope", CG_CONTAINER, RUNTIME_BUILDKIT, KIND_BUILD},
        {"buildkit-<%b>.scope", CG_CONTAINER, RUNTIME_BUILDKIT, KIND_BUILD},
        {"<%b>", CG_CONTAINER, RUNTIME_BUILDKIT, KIND_BUILD, .parent = "buildkit"},
        {"libpod-<%h>.scope", CG_CONTAINER, RUNTIME_PODMAN},
        {"libpod-payload-<%h>", CG_CONTAINER, RUNTIME_PODMAN},
        {"libpod-<%h>", CG_CONTAINER, RUNTIME_PODMAN},
        {"nerdctl-<%h>.scope", CG_CONTAINER, RUNTIME_NERDCTL},
        {"cri-containerd-<%h>.scope", CG_CONTAINER, RUNTIME_CONTAINERD},
        /* The kubelet told to use systemd, containerd not: the OCI path becomes a directory. */
        {"%pkubepods%q-pod(%u).slice:cri-containerd:<%h>", CG_CONTAINER, RUNTIME_CONTAINERD},
        {"crio-<%h>.scope", CG_CONTAINER, RUNTIME_CRIO},
        {"crio-<%h>", CG_CONTAINER, RUNTIME_CRIO},
        {"kata_<%h>", CG_CONTAINER, RUNTIME_KUBERNETES, .place = IN_POD, .in = RUNTIME_KUBERNETES},
        {"kata_<%h>", CG_CONTAINER, RUNTIME_CONTAINERD},
        {"runc-<%h>.scope", CG_CONTAINER, RUNTIME_RUNC},
        {"runc-<[%s]>.scope", CG_CONTAINER, RUNTIME_RUNC},
        {"crun-<%h>.scope", CG_CONTAINER, RUNTIME_CRUN},
        {"crun-<[%s]>.scope", CG_CONTAINER, RUNTIME_CRUN},

        /* NAME may itself end in "-1": LXC's suffix for a taken name cannot be told, and stays. */
        {"lxc.payload.<[%s]>", CG_CONTAINER, RUNTIME_LXC},
        {"<[%n]>", CG_CONTAINER, RUNTIME_LXC, .parent = "lxc.payload"},
        {"<[%n]>", CG_CONTAINER, RUNTIME_LXC, .parent = "lxc"},

        {"machine-qemu\\x2d%d\\x2d<[%e]>.scope", CG_CONTAINER, RUNTIME_LIBVIRT, KIND_VM},
        {"machine-lxc\\x2d%d\\x2d<[%e]>.scope", CG_CONTAINER, RUNTIME_LIBVIRT},
        {"qemu-%d-<[%s]>.libvirt-qemu", CG_CONTAINER, RUNTIME_LIBVIRT, KIND_VM},
        {"<[%s]>.libvirt-qemu", CG_CONTAINER, RUNTIME_LIBVIRT, KIND_VM},
        {"lxc-%d-<[%s]>.libvirt-lxc", CG_CONTAINER, RUNTIME_LIBVIRT},
        {"<[%s]>.libvirt-lxc", CG_CONTAINER, RUNTIME_LIBVIRT},
        {"machine-<[%e]>.scope", CG_CONTAINER, RUNTIME_NSPAWN, KIND_MACHINE},
        {"systemd-nspawn@<[%e]>.service", CG_CONTAINER, RUNTIME_NSPAWN, KIND_MACHINE},

        {"good", CG_PLAIN, .parent = "garden"},
        {"bad", CG_PLAIN, .parent = "garden"},
        {"<[%n]>", CG_CONTAINER, RUNTIME_GARDEN, .parent = "garden"},
        {"<[%n]>", CG_CONTAINER, RUNTIME_GARDEN, .parent = "garden/good"},
        {"<[%n]>", CG_CONTAINER, RUNTIME_GARDEN, .parent = "garden/bad"},
        {"apptainer-<%d>.scope", CG_CONTAINER, RUNTIME_APPTAINER},
        {"<%d>", CG_CONTAINER, RUNTIME_APPTAINER, .parent = "apptainer"},
        {"<%d>", CG_CONTAINER, RUNTIME_APPTAINER, .parent = "singularity"},

        {"app-flatpak-<[%e]-%d>.scope", CG_CONTAINER, RUNTIME_FLATPAK, KIND_SANDBOX,
         .place = OUTSIDE},
        {"snap.<[%e]-%u>.scope", CG_CONTAINER, RUNTIME_SNAP, KIND_SANDBOX, .place = OUTSIDE},
        {"snap.<[%e].%u>.scope", CG_CONTAINER, RUNTIME_SNAP, KIND_SANDBOX, .place = OUTSIDE},
        {"snap.<[%e.%e]>.service", CG_CONTAINER, RUNTIME_SNAP, KIND_SANDBOX, .place = OUTSIDE},

        {"<%h>", CG_CONTAINER, RUNTIME_KUBERNETES, .place = IN_POD, .in = RUNTIME_KUBERNETES},
        {"<%u-%d>", CG_CONTAINER, RUNTIME_ECS, .place = IN_POD, .in = RUNTIME_ECS},
        {"<%h>", CG_CONTAINER, RUNTIME_NERDCTL, .parent = "default"},
        {"<%h>", CG_CONTAINER, RUNTIME_CONTAINERD, .parent = "k8s.io"},
        /* /docker/ID, and P/ID of --cgroup-parent P, which may be called anything. */
        {"<%h>", CG_CONTAINER, RUNTIME_DOCKER},

        {"<[%e].service>", CG_SERVICE, RUNTIME_SYSTEMD, KIND_SERVICE, .place = OUTSIDE},
};

/* --- matching --------------------------------------------------------------------------------- */

enum { ID, NAME, POD, N_SPANS };

/* Where the brackets of a pattern fell in the text: from and to of each span. */
struct match {
        const char *at[2 * N_SPANS];
};

static const char brackets[] = "<>[]()";

static bool is_digit(char c)
{
        return c >= '0' && c <= '9';
}

static bool is_hex(char c)
{
        return is_digit(c) || (c >= 'a' && c <= 'f');
}

static bool is_base36(char c)
{
        return is_digit(c) || (c >= 'a' && c <= 'z');
}

/* Length of the run at s, or -1 unless it is exactly n long (0: any length but none). */
static int run(const char *s, bool (*is)(char), int n)
{
        int len = 0;
        while (len <= NAME_MAX && is(s[len]))
                len++;
        return len > 0 && (n == 0 || len == n) ? len : -1;
}

/* With dashes, or the underscores that the kubelet makes of them; static pods have 32 digits. */
static int run_uuid(const char *s)
{
        static const char shape[] = "hhhhhhhh-hhhh-hhhh-hhhh-hhhhhhhhhhhh";
        int i = run(s, is_hex, 32);
        if (i > 0)
                return i;
        for (i = 0; shape[i]; i++)
                if (shape[i] == 'h' ? !is_hex(s[i]) : s[i] != s[8] || (s[i] != '-' && s[i] != '_'))
                        return -1;
        return i;
}

static int run_qos(const char *s)
{
        static const char *const classes[] = {"-burstable", "-besteffort"};
        for (size_t i = 0; i < ARRAY_SIZE(classes); i++)
                if (startswith(s, classes[i]))
                        return (int)strlen(classes[i]);
        return 0;
}

static int run_atom(char atom, const char *s)
{
        switch (atom) {
        case 'h':
                return run(s, is_hex, 64);
        case 'b':
                return run(s, is_base36, 25);
        case 'u':
                return run_uuid(s);
        case 'd':
                return run(s, is_digit, 0);
        case 'q':
                return run_qos(s);
        default:
                return -1;
        }
}

static bool is_unit(const char *name)
{
        static const char *const types[] = {".service", ".scope", ".slice",
                                            ".mount",   ".swap",  ".socket"};
        for (size_t i = 0; i < ARRAY_SIZE(types); i++)
                if (endswith(name, types[i]))
                        return true;
        return false;
}

static bool match(const char *pattern, const char *s, struct match *m);

/* Tries the longest text first: what follows the wildcard is found from the right. */
static bool match_wild(char atom, const char *rest, const char *s, struct match *m)
{
        if (atom == 'n' && is_unit(s))
                return false;
        const char *next = rest + strspn(rest, brackets);
        char wanted = *next == '/' ? '\0' : *next;
        size_t min = atom == 'p' ? 0 : 1;
        for (size_t len = strlen(s) + 1; len-- > min;) {
                if (wanted != '%' && s[len] != wanted)
                        continue;
                if (atom == 'p' && len > 0 && s[len - 1] != '-')
                        continue;
                if (match(rest, s + len, m))
                        return true;
        }
        return false;
}

/* The whole of s against a pattern that ends at NUL or "/". m is good only when it matched. */
static bool match(const char *pattern, const char *s, struct match *m)
{
        for (;; pattern++) {
                const char *bracket;
                int len;
                switch (*pattern) {
                case '\0':
                case '/':
                        return *s == '\0';
                case '<':
                case '>':
                case '[':
                case ']':
                case '(':
                case ')':
                        bracket = strchr(brackets, *pattern);
                        m->at[bracket - brackets] = s;
                        continue;
                case '%':
                        pattern++;
                        if (strchr("senp", *pattern))
                                return match_wild(*pattern, pattern + 1, s, m);
                        len = run_atom(*pattern, s);
                        if (len < 0)
                                return false;
                        s += len;
                        continue;
                default:
                        if (*pattern != *s)
                                return false;
                        s++;
                }
        }
}

/* above: the n directories above the one in question. */
static bool match_parents(const char *pattern, const char *const *above, size_t n)
{
        struct match unused;
        size_t depth = 1;
        for (const char *p = pattern; (p = strchr(p, '/')); p++)
                depth++;
        if (depth > n)
                return false;
        for (size_t i = n - depth; i < n; i++) {
                if (!match(pattern, above[i], &unused))
                        return false;
                pattern = strchr(pattern, '/') ? strchr(pattern, '/') + 1 : pattern;
        }
        return true;
}

/* Most patterns are done with at the first character. */
static bool may_match(const char *pattern, const char *s)
{
        return *pattern == *s || *pattern == '%' || *pattern == '<' || *pattern == '(';
}

static bool in_place(const struct pattern *p, const struct cg_class *around, size_t below_around)
{
        switch (p->place) {
        case OUTSIDE:
                return !around;
        case IN_POD:
                return around && around->role == CG_POD && below_around == 0 &&
                       around->runtime == p->in;
        case IN_CONTAINER:
                return around && around->role == CG_CONTAINER && below_around == 0 &&
                       (p->in == RUNTIME_UNKNOWN || around->runtime == p->in);
        case IN_INNER:
                return around && around->role == CG_CONTAINER && below_around == 1;
        default:
                return true;
        }
}

/* --- results ---------------------------------------------------------------------------------- */

void cg_class_done(struct cg_class *c)
{
        free(c->id);
        free(c->name);
        free(c->pod);
        *c = (struct cg_class){0};
}

/* The clean text of a span; NULL if the pattern has none. */
static char *span_text(const struct match *m, unsigned span, bool escaped)
{
        const char *from = m->at[2 * span], *to = m->at[2 * span + 1];
        if (!from)
                return NULL;
        size_t n = (size_t)(to - from);
        return escaped ? unit_unescape(from, n, false) : str_clean(from, n, n * 3);
}

static char *span_pod(const struct match *m, const struct cg_class *around)
{
        char *pod = span_text(m, POD, false);
        for (char *p = pod; p && (p = strchr(p, '_'));)
                *p = '-';
        if (!pod && around && around->role == CG_POD)
                pod = xstrdup(around->pod);
        return pod;
}

/* Ids become parts of keys, and of paths below state directories. */
static bool is_good_id(const char *id)
{
        return *id != '\0' && !streq(id, ".") && !streq(id, "..") && !strchr(id, '/');
}

static void fill(const struct pattern *p, const struct match *m, const struct cg_class *around,
                 struct cg_class *ret)
{
        bool row = p->role == CG_CONTAINER || p->role == CG_POD || p->role == CG_SERVICE;
        if (!row) {
                ret->role = p->role;
                ret->runtime = p->runtime;
                return;
        }
        bool escaped = strstr(p->leaf, "%e") != NULL;
        _cleanup_free_ char *id =
                span_text(m, p->role == CG_POD ? POD : ID, escaped && p->role != CG_SERVICE);
        if (!id || !is_good_id(id))
                return;
        ret->role = p->role;
        ret->runtime = p->runtime;
        ret->kind = p->kind;
        ret->id = TAKE_PTR(id);
        ret->name = span_text(m, NAME, escaped);
        ret->pod = span_pod(m, around);
        if (p->role == CG_POD)
                xstrset(&ret->id, ret->pod);
}

/* --- owners ----------------------------------------------------------------------------------- */

/* systemd writes a uid in decimal and without leading zeros. */
static bool parse_owner(const char *component, const char *prefix, const char *suffix,
                        uint32_t *ret)
{
        uint64_t uid;
        const char *s = startswith(component, prefix);
        if (!s || (s[0] == '0' && is_digit(s[1])))
                return false;
        int r = parse_u64(s, s + strlen(s), &uid);
        if (r < 0 || uid >= UINT32_MAX || !streq(s + r, suffix))
                return false;
        *ret = (uint32_t)uid;
        return true;
}

/* The outermost one counts: below it the user makes directories as they like, user@0.service, too.
 * Above a container nothing was a name inside of it. */
static uint32_t find_owner(const char *const *above, size_t n, const struct cg_class *around)
{
        uint32_t uid;
        if (around)
                return around->owner_uid;
        for (size_t i = 0; i < n; i++)
                if (parse_owner(above[i], "user-", ".slice", &uid) ||
                    parse_owner(above[i], "user@", ".service", &uid))
                        return uid;
        return 0;
}

/* --- the questions ---------------------------------------------------------------------------- */

/* systemd puts "_" before a unit whose name the kernel would take for a file of its own
 * ("memory.x.service"), and before one that starts with "_" (cg_escape in its cgroup-util.c). */
static const char *skip_escape(const char *component)
{
        return component[0] == '_' && is_unit(component) ? component + 1 : component;
}

void classify(const char *const *component, size_t n, const struct cg_class *around,
              size_t below_around, struct cg_class *ret)
{
        *ret = (struct cg_class){0};
        if (n == 0)
                return;
        size_t n_above = n - 1;
        const char *leaf = skip_escape(component[n_above]);
        ret->owner_uid = find_owner(component, n_above, around);
        if (strnlen(leaf, NAME_MAX + 1) > NAME_MAX)
                return;
        for (size_t i = 0; i < ARRAY_SIZE(patterns); i++) {
                const struct pattern *p = &patterns[i];
                struct match m = {0};
                if (!may_match(p->leaf, leaf) || !in_place(p, around, below_around))
                        continue;
                if (p->parent && !match_parents(p->parent, component, n_above))
                        continue;
                if (!match(p->leaf, leaf, &m))
                        continue;
                fill(p, &m, around, ret);
                return;
        }
}

/* The state of a way down one path. */
struct descent {
        struct cg_class container; /* the innermost so far */
        size_t container_end;      /* bytes of the path up to its end; 0: none yet */
        struct cg_class pod;
        const struct cg_class *around;
        size_t n_around; /* components up to it */
};

/* Takes over what c owns. False: there is nothing to be found further down. */
static bool descend(struct descent *d, struct cg_class *c, size_t n, size_t end)
{
        if (c->role == CG_CONTAINER || c->role == CG_POD) {
                struct cg_class *to = c->role == CG_POD ? &d->pod : &d->container;
                cg_class_done(to);
                *to = *c;
                d->around = to;
                d->n_around = n;
                if (to == &d->container)
                        d->container_end = end;
                return true;
        }
        bool on = c->role != CG_HELPER;
        cg_class_done(c);
        return on;
}

int classify_path(const char *path, struct cg_class *ret, size_t *ret_prefix_len)
{
        const char *component[PATH_MAX / 2];
        char copy[PATH_MAX];
        struct descent d = {0};
        size_t len = strnlen(path, sizeof(copy));
        if (len >= sizeof(copy))
                return -ENAMETOOLONG;
        memcpy(copy, path, len + 1);
        size_t n = 0;
        for (size_t at = strspn(copy, "/"); at < len; at += strspn(copy + at, "/")) {
                size_t end = at + strcspn(copy + at, "/");
                size_t next = end < len ? end + 1 : end;
                struct cg_class c;
                copy[end] = '\0';
                component[n++] = copy + at;
                classify(component, n, d.around, d.around ? n - 1 - d.n_around : 0, &c);
                if (!descend(&d, &c, n, end))
                        break;
                at = next;
        }
        cg_class_done(&d.pod);
        if (d.container_end == 0)
                return -ENOENT;
        *ret = d.container;
        *ret_prefix_len = d.container_end;
        return 0;
}
