/* SPDX-License-Identifier: MIT */
#include "model/model.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "base/macros.h"
#include "base/mem.h"
#include "model/verdict.h"

#define SHORT_ID 12
#define LONG_HEX 32 /* from this length on, an id of hex digits is no name */

/*
 * What only model_apply() needs; every container of the model is the head of one of these.
 * Texts that are there twice are kept once: c.id is the tail of c.key, c.image and c.pod_name are
 * those of c.facts, and the source of a limit may be c.cgroup.
 */
struct entry {
        struct container c;
        enum net_mode net_seen; /* as floor 1 told it, before NET_SHARED */
        /* Where c.facts was copied from: compared only, never followed. */
        const struct facts *facts_from;
        const struct label *labels_from;
        const struct port *ports_from;
};

/* One call of model_apply(). */
struct apply {
        struct model *m;
        const struct snapshot *s;
        struct str key; /* scratch */
        bool net_changed;
};

static struct entry *entry_of(struct container *c)
{
        return (struct entry *)c; /* c is its first member */
}

static bool same_text(const char *a, const char *b)
{
        return a == b || (a && b && streq(a, b));
}

/* --- foreign texts, kept only when they changed ------------------------------------------------
 */

#define N_SOURCES 5

/*
 * The cgroups that set a limit. Most limits are set on the container's own cgroup, so a source that
 * is equal to it shares its text: free_source() knows.
 */
static char **source_slot(struct container *c, size_t i)
{
        char **slots[N_SOURCES] = {&c->cpu_limit.source, &c->memory_limit.source,
                                   &c->memory_high.source, &c->pids_limit.source,
                                   &c->throttled_source};
        return slots[i];
}

static void free_source(const struct container *c, char **slot)
{
        if (*slot != c->cgroup)
                free(*slot);
        *slot = NULL;
}

static void set_source(struct container *c, char **slot, const char *raw)
{
        if (same_text(*slot, raw))
                return;
        char *clean = str_clean_z(raw);
        free_source(c, slot);
        *slot = clean;
        if (clean && same_text(clean, c->cgroup)) {
                free(clean);
                *slot = c->cgroup;
        }
}

static void set_cgroup(struct container *c, const char *raw)
{
        if (same_text(c->cgroup, raw))
                return;
        _cleanup_free_ char *clean = str_clean_z(raw);
        if (same_text(c->cgroup, clean))
                return;
        for (size_t i = 0; i < N_SOURCES; i++)
                free_source(c, source_slot(c, i));
        free(c->cgroup);
        c->cgroup = TAKE_PTR(clean);
}

static bool is_long_hex(const char *id)
{
        size_t n = strspn(id, "0123456789abcdef");
        return n >= LONG_HEX && id[n] == '\0';
}

static bool is_told(const char *text)
{
        return text && *text;
}

static void set_name(struct container *c, const struct seen *s)
{
        char cut[SHORT_ID + 1];
        const char *name = is_told(c->facts.name) ? c->facts.name : s->name;
        if (!is_told(name) && s->runtime == RUNTIME_NAMESPACE && s->leader)
                name = s->leader->comm;
        if (!is_told(name) && is_long_hex(s->id)) {
                snprintf(cut, sizeof(cut), "%.*s", SHORT_ID, s->id);
                name = cut;
        }
        xstrset(&c->name, is_told(name) ? name : s->id);
}

/* --- facts -------------------------------------------------------------------------------------
 */

static void copy_facts(struct facts *dst, const struct facts *src)
{
        facts_done(dst);
        *dst = (struct facts){
                .name = xstrdup(src->name),
                .image = xstrdup(src->image),
                .pod = xstrdup(src->pod),
                .pod_name = xstrdup(src->pod_name),
                .infra = src->infra,
                .runtime = src->runtime,
                .n_labels = src->n_labels,
                .n_ports = src->n_ports,
                .restart_policy = xstrdup(src->restart_policy),
        };
        if (src->n_labels)
                dst->labels = xcalloc(src->n_labels, sizeof(dst->labels[0]));
        for (size_t i = 0; i < src->n_labels; i++)
                dst->labels[i] = (struct label){.key = xstrdup(src->labels[i].key),
                                                .value = xstrdup(src->labels[i].value)};
        if (src->n_ports)
                dst->ports = xcalloc(src->n_ports, sizeof(dst->ports[0]));
        for (size_t i = 0; i < src->n_ports; i++) {
                dst->ports[i] = src->ports[i];
                dst->ports[i].host_ip = xstrdup(src->ports[i].host_ip);
        }
}

/*
 * Facts come whole: a new list has new arrays. The short texts are compared as well, since a
 * rename may build its facts where the old ones lay.
 */
static bool facts_unchanged(const struct entry *e, const struct facts *f)
{
        const struct facts *own = &e->c.facts;
        return e->facts_from == f && e->labels_from == f->labels && e->ports_from == f->ports &&
               own->n_labels == f->n_labels && own->n_ports == f->n_ports &&
               own->infra == f->infra && own->runtime == f->runtime &&
               same_text(own->name, f->name) && same_text(own->image, f->image) &&
               same_text(own->pod, f->pod) && same_text(own->pod_name, f->pod_name) &&
               same_text(own->restart_policy, f->restart_policy);
}

/* No facts means "none yet": after a restart those of the same key still hold. */
static void set_facts(struct entry *e, const struct facts *f)
{
        if (!f || facts_unchanged(e, f))
                return;
        copy_facts(&e->c.facts, f);
        e->facts_from = f;
        e->labels_from = f->labels;
        e->ports_from = f->ports;
}

/* The runtime to show: facts may say more than a cgroup that only tells the low-level runtime. */
static enum runtime_id shown_runtime(enum runtime_id told, enum runtime_id fact)
{
        switch (told) {
        case RUNTIME_UNKNOWN:
        case RUNTIME_KUBERNETES:
        case RUNTIME_RUNC:
        case RUNTIME_CRUN:
        case RUNTIME_NAMESPACE:
                return fact != RUNTIME_UNKNOWN ? fact : told;
        default:
                return told;
        }
}

/* --- isolation ---------------------------------------------------------------------------------
 */

/* Whether it is in the initial user namespace: 1, 0, -1 unknown. Neither hint may say no. */
static int in_initial_user_ns(const struct isolation *i)
{
        int host = i->host_ns_known[NS_USER] ? i->host_ns[NS_USER] : -1;
        if (host == 0 || i->user_initial == 0)
                return 0;
        return host == 1 || i->user_initial == 1 ? 1 : -1;
}

static int is_privileged(const struct isolation *i, uint64_t host_caps)
{
        bool caps_known = i->caps_known && host_caps;
        const int parts[] = {
                caps_known ? (i->cap_bounding & host_caps) == host_caps : -1,
                i->seccomp >= 0 ? i->seccomp == 0 : -1,
                in_initial_user_ns(i),
        };
        int all = 1;
        for (size_t k = 0; k < ARRAY_SIZE(parts); k++) {
                if (parts[k] == 0)
                        return 0;
                if (parts[k] < 0)
                        all = -1;
        }
        return all;
}

static void set_isolation(struct isolation *i, const struct seen *s, uint64_t host_caps)
{
        const struct leader *l = s->leader;
        char *lsm = i->lsm;
        *i = (struct isolation){.root_uid = -1, .user_initial = -1, .privileged = -1};
        i->seccomp = i->no_new_privileges = -1;
        i->lsm = lsm;
        xstrset(&i->lsm, l ? l->lsm : NULL);
        memcpy(i->host_ns, s->host_ns, sizeof(i->host_ns));
        memcpy(i->host_ns_known, s->host_ns_known, sizeof(i->host_ns_known));
        if (!l)
                return;
        i->known = true;
        i->ns = l->ns;
        i->root_uid = l->root_uid;
        i->user_initial = l->user_initial;
        i->caps_known = l->status_known;
        if (l->status_known) {
                i->cap_bounding = l->cap_bounding;
                i->seccomp = l->seccomp;
                i->no_new_privileges = l->no_new_privileges;
        }
        i->privileged = is_privileged(i, host_caps);
}

/* --- numbers -----------------------------------------------------------------------------------
 */

#define NET_BITS (METRIC_BIT(NET_TX_DROPPED + 1) - METRIC_BIT(NET_RX_BYTES))

/* Change of a counter per second; NAN when unknown or when it ran backwards. */
static double per_second(const struct container *c, enum metric m)
{
        const struct cg_sample *now = &c->now, *prev = &c->prev;
        if (!sample_has(now, m) || !sample_has(prev, m) || now->value[m] < prev->value[m] ||
            now->taken_usec <= prev->taken_usec)
                return NAN;
        return (double)(now->value[m] - prev->value[m]) * 1e6 /
               (double)(now->taken_usec - prev->taken_usec);
}

static void set_sample(struct container *c, const struct seen *s)
{
        bool same_epoch = memcmp(c->epoch, s->epoch, sizeof(c->epoch)) == 0;
        if (same_epoch)
                c->prev = c->now;
        else
                c->prev.have = 0;
        if (c->netns != s->netns) /* another namespace counts from elsewhere */
                c->prev.have &= ~NET_BITS;
        c->now = s->sample;
        if (s->net_mode == NET_HOST)
                c->now.have &= ~NET_BITS;
        memcpy(c->epoch, s->epoch, sizeof(c->epoch));
        c->rates = (struct rates){
                .cpu_percent = per_second(c, CPU_USAGE_USEC) / 1e6 * 100,
                .io_read = per_second(c, IO_READ_BYTES),
                .io_write = per_second(c, IO_WRITE_BYTES),
                .net_rx = per_second(c, NET_RX_BYTES),
                .net_tx = per_second(c, NET_TX_BYTES),
        };
}

static void set_limit(struct container *c, struct model_limit *dst, const struct limit *src)
{
        bool set = src->state == LIMIT_SET;
        dst->state = src->state;
        dst->value = set ? src->value : 0;
        set_source(c, &dst->source, set ? src->source : NULL);
}

static void set_limits(struct container *c, const struct limits *l)
{
        set_limit(c, &c->cpu_limit, &l->cpu);
        set_limit(c, &c->memory_limit, &l->memory_max);
        set_limit(c, &c->memory_high, &l->memory_high);
        set_limit(c, &c->pids_limit, &l->pids);
        c->throttled_percent = l->throttle.known ? l->throttle.percent : NAN;
        c->throttled_periods = l->throttle.known ? l->throttle.periods : 0;
        set_source(c, &c->throttled_source, l->throttle.known ? l->throttle.source : NULL);
}

bool container_working_set(const struct container *c, uint64_t *ret_bytes)
{
        const struct cg_sample *s = &c->now;
        if (!sample_has(s, MEMORY_USAGE_BYTES) || !sample_has(s, MEMORY_INACTIVE_FILE_BYTES))
                return false;
        uint64_t usage = s->value[MEMORY_USAGE_BYTES];
        uint64_t inactive = s->value[MEMORY_INACTIVE_FILE_BYTES];
        *ret_bytes = usage > inactive ? usage - inactive : 0;
        return true;
}

static enum state state_of(const struct seen *s)
{
        if (sample_has(&s->sample, FROZEN) && s->sample.value[FROZEN])
                return STATE_PAUSED;
        bool empty = sample_has(&s->sample, PIDS_CURRENT) && s->sample.value[PIDS_CURRENT] == 0;
        return empty && !s->leader ? STATE_CREATED : STATE_RUNNING;
}

/* --- one container -----------------------------------------------------------------------------
 */

/* The runtime in the key is the one the cgroup tells: facts come later, and the key must not move.
 */
static void make_key(struct str *key, const struct seen *s)
{
        str_clear(key);
        str_addf(key, "local/%s/%" PRIu32 "/", runtime_names[s->runtime], s->owner_uid);
        str_add(key, s->id);
}

static void container_free(struct container *c)
{
        for (size_t i = 0; i < N_SOURCES; i++)
                free_source(c, source_slot(c, i));
        free(c->key);
        free(c->name);
        free(c->pod);
        free(c->parent);
        free(c->cgroup);
        free(c->note);
        facts_done(&c->facts);
        free(c->isolation.lsm);
        free(entry_of(c));
}

static struct container *add_container(struct apply *a, const struct seen *s)
{
        struct model *m = a->m;
        struct entry *e = xcalloc(1, sizeof(*e));
        e->c.key = xstrndup(str_get(&a->key), a->key.len);
        e->c.id = e->c.key + a->key.len - strlen(s->id);
        memcpy(e->c.epoch, s->epoch, sizeof(s->epoch));
        grow(&m->containers, &m->cap, m->n_containers + 1, sizeof(struct container *));
        m->containers[m->n_containers++] = &e->c;
        map_put(&m->by_key, str_get(&a->key), a->key.len, &e->c);
        a->net_changed = true;
        return &e->c;
}

static void set_identity(struct container *c, const struct seen *s)
{
        const struct facts *f = &c->facts;
        set_name(c, s);
        set_cgroup(c, s->cgroup);
        c->image = f->image;
        xstrset(&c->pod, s->pod ? s->pod : f->pod);
        c->pod_name = f->pod_name;
        xstrset(&c->parent, s->parent);
        xstrset(&c->note, s->note);
        c->runtime = shown_runtime(s->runtime, f->runtime);
        c->owner_uid = s->owner_uid;
        c->pid = s->leader ? s->leader->pid : 0;
        c->state = state_of(s);
}

/* Whether the mode and the counting of network namespaces must be worked out anew. */
static void set_network(struct apply *a, struct entry *e, const struct seen *s, enum kind kind)
{
        struct container *c = &e->c;
        if (e->net_seen != s->net_mode || c->netns != s->netns || c->kind != kind ||
            c->started_usec != s->started_usec)
                a->net_changed = true;
        e->net_seen = s->net_mode;
        c->netns = s->netns;
        c->kind = kind;
        c->started_usec = s->started_usec;
}

static void apply_seen(struct apply *a, const struct seen *s)
{
        make_key(&a->key, s);
        struct container *c = map_get(&a->m->by_key, str_get(&a->key), a->key.len);
        if (c && c->tick == a->m->tick)
                return; /* seen twice: the first stays */
        if (!c)
                c = add_container(a, s);
        c->tick = a->m->tick;
        set_facts(entry_of(c), s->facts);
        set_identity(c, s);
        set_isolation(&c->isolation, s, a->s->host.cap_bounding);
        set_sample(c, s);
        set_network(a, entry_of(c), s, c->facts.infra ? KIND_INFRA : s->kind);
        set_limits(c, &s->limits);
        verdict_judge(c);
}

/* --- the whole ---------------------------------------------------------------------------------
 */

static void remove_gone(struct apply *a)
{
        struct model *m = a->m;
        size_t kept = 0;
        for (size_t i = 0; i < m->n_containers; i++) {
                struct container *c = m->containers[i];
                if (c->tick == m->tick) {
                        m->containers[kept++] = c;
                        continue;
                }
                map_del_z(&m->by_key, c->key);
                container_free(c);
                a->net_changed = true;
        }
        m->n_containers = kept;
}

/* Who stands for a shared network namespace: an infra container, else the oldest. */
static bool stands_before(const struct container *a, const struct container *b)
{
        if ((a->kind == KIND_INFRA) != (b->kind == KIND_INFRA))
                return a->kind == KIND_INFRA;
        if (a->started_usec == 0)
                return false;
        return b->started_usec == 0 || a->started_usec < b->started_usec;
}

static void share_network(struct map *by_netns, struct container *c)
{
        struct container *first = map_get_u64(by_netns, c->netns);
        c->net_counted = !first || stands_before(c, first);
        if (c->net_counted)
                map_put_u64(by_netns, c->netns, c);
        if (!first)
                return;
        c->net_mode = first->net_mode = NET_SHARED;
        first->net_counted = !c->net_counted;
}

static void share_networks(struct model *m)
{
        struct map by_netns = MAP_INIT;
        for (size_t i = 0; i < m->n_containers; i++) {
                struct container *c = m->containers[i];
                c->net_mode = entry_of(c)->net_seen;
                if (c->netns == 0 || c->net_mode == NET_HOST)
                        c->net_counted = c->net_mode != NET_HOST && c->net_mode != NET_UNKNOWN;
                else
                        share_network(&by_netns, c);
        }
        map_done(&by_netns);
}

static double host_cpu_percent(const struct host_sample *prev, const struct host_sample *now)
{
        if (!prev->cpu_known || !now->cpu_known || now->cpus == 0 ||
            now->cpu_total_ticks <= prev->cpu_total_ticks ||
            now->cpu_busy_ticks < prev->cpu_busy_ticks)
                return NAN;
        double busy = (double)(now->cpu_busy_ticks - prev->cpu_busy_ticks);
        double total = (double)(now->cpu_total_ticks - prev->cpu_total_ticks);
        return MIN(busy / total, 1.0) * 100 * now->cpus;
}

static void free_sources(struct model *m)
{
        for (size_t i = 0; i < m->n_sources; i++) {
                free((char *)m->sources[i].name);
                free((char *)m->sources[i].detail);
        }
        free(m->sources);
        m->sources = NULL;
        m->n_sources = 0;
}

static bool sources_unchanged(const struct model *m, const struct snapshot *s)
{
        if (m->n_sources != s->n_sources)
                return false;
        for (size_t i = 0; i < m->n_sources; i++)
                if (m->sources[i].status != s->sources[i].status ||
                    !same_text(m->sources[i].name, s->sources[i].name) ||
                    !same_text(m->sources[i].detail, s->sources[i].detail))
                        return false;
        return true;
}

static void copy_sources(struct model *m, const struct snapshot *s)
{
        if (sources_unchanged(m, s))
                return;
        free_sources(m);
        m->sources = xcalloc(s->n_sources, sizeof(m->sources[0]));
        for (size_t i = 0; i < s->n_sources; i++)
                m->sources[i] = (struct source){.name = xstrdup(s->sources[i].name),
                                                .status = s->sources[i].status,
                                                .detail = xstrdup(s->sources[i].detail)};
        m->n_sources = s->n_sources;
}

struct model *model_new(void)
{
        struct model *m = xcalloc(1, sizeof(*m));
        m->interval_seconds = NAN;
        m->host.cpu_percent = NAN;
        return m;
}

void model_free(struct model *m)
{
        if (!m)
                return;
        for (size_t i = 0; i < m->n_containers; i++)
                container_free(m->containers[i]);
        free(m->containers);
        map_done(&m->by_key);
        free_sources(m);
        free(m);
}

void model_apply(struct model *m, const struct snapshot *s)
{
        struct apply a = {.m = m, .s = s};
        bool later = m->tick > 0 && s->monotonic_usec > m->monotonic_usec;
        m->interval_seconds = later ? (double)(s->monotonic_usec - m->monotonic_usec) / 1e6 : NAN;
        m->tick++;
        m->monotonic_usec = s->monotonic_usec;
        m->realtime_usec = s->realtime_usec;
        m->host.cpu_percent = host_cpu_percent(&m->host.now, &s->host);
        m->host.now = s->host;
        for (size_t i = 0; i < s->n_seen; i++)
                apply_seen(&a, s->seen[i]);
        remove_gone(&a);
        if (a.net_changed)
                share_networks(m);
        copy_sources(m, s);
        str_done(&a.key);
}

struct container *model_find(const struct model *m, const char *key)
{
        return map_get_z(&m->by_key, key);
}
