/* SPDX-License-Identifier: MIT */
#include "model/order.h"

#include <errno.h>

#include "base/macros.h"
#include "base/mem.h"

#define NOBODY SIZE_MAX

/* What a row is sorted by. */
struct sort_key {
        bool is_text; /* a known text; otherwise the number counts */
        bool known;
        double number;
        struct value value;
};

/* A row in the making: a container, or a group of them (a pod, a compose project). */
struct node {
        const struct container *c; /* NULL: a group */
        const char *group;         /* its name */
        enum runtime_id group_runtime;
        struct sort_key key;
        size_t parent;
        size_t first_child, last_child, next_sibling;
        size_t row;
        size_t same_id;     /* the next container with the same id */
        size_t last_member; /* of a group, and the one before it: net_before() walks them */
        size_t member_before;
};

struct sorter {
        const struct model *m;
        const struct column *column;
        bool descending;
        struct node *nodes; /* the containers, then the groups */
        size_t n_nodes, n_containers;
};

/* --- what is shown -----------------------------------------------------------------------------
 */

enum shown { SHOWN, SHOWN_WITH_ALL, SHOWN_WITH_SERVICES, SHOWN_AS_PARENT };

static bool is_shown(const struct order *o, const struct container *c)
{
        static const enum shown shown[KIND_COUNT] = {
                [KIND_CONTAINER] = SHOWN,
                [KIND_MACHINE] = SHOWN,
                [KIND_SANDBOX] = SHOWN_WITH_ALL,
                [KIND_VM] = SHOWN_WITH_ALL,
                [KIND_BUILD] = SHOWN_WITH_ALL,
                [KIND_INFRA] = SHOWN_WITH_ALL,
                [KIND_SERVICE] = SHOWN_WITH_SERVICES,
                [KIND_POD] = SHOWN_AS_PARENT,
        };
        bool stopped = c->state == STATE_EXITED || c->state == STATE_DEAD;
        if (stopped && !o->all)
                return false;
        switch (shown[c->kind]) {
        case SHOWN:
                return true;
        case SHOWN_WITH_ALL:
                return o->all;
        case SHOWN_WITH_SERVICES:
                return o->services;
        case SHOWN_AS_PARENT:
                return false;
        }
        return false;
}

/* --- comparing ---------------------------------------------------------------------------------
 */

static struct sort_key key_of(const struct sorter *s, const struct container *c)
{
        struct sort_key k = {.value = s->column->get(s->m, c)};
        k.is_text = k.value.type == VALUE_TEXT;
        if (k.value.type == VALUE_BOOL)
                k.number = k.value.truth;
        k.known = k.is_text || k.value.type == VALUE_BOOL || value_number(&k.value, &k.number);
        return k;
}

static int compare_numbers(double a, double b)
{
        return (a > b) - (a < b);
}

/* Unknown is last whatever the direction. */
static int compare_keys(const struct sorter *s, const struct sort_key *a, const struct sort_key *b)
{
        if (!a->known || !b->known)
                return b->known - a->known;
        int r = a->is_text && b->is_text ? strcmp(value_text(&a->value), value_text(&b->value))
                                         : compare_numbers(a->number, b->number);
        return s->descending ? -r : r;
}

static const char *name_of(const struct node *n)
{
        return n->c ? n->c->name : n->group;
}

static int compare_nodes(const void *a, const void *b, void *arg)
{
        const struct sorter *s = arg;
        const struct node *x = &s->nodes[*(const size_t *)a], *y = &s->nodes[*(const size_t *)b];
        int r = compare_keys(s, &x->key, &y->key);
        if (r == 0)
                r = strcmp(name_of(x), name_of(y));
        if (r == 0)
                r = strcmp(x->c ? x->c->key : "", y->c ? y->c->key : "");
        return r ? r : compare_numbers((double)(x - s->nodes), (double)(y - s->nodes));
}

/* The indices of all nodes in order; owned. */
static size_t *sorted(struct sorter *s)
{
        size_t *index = xcalloc(s->n_nodes, sizeof(*index));
        for (size_t i = 0; i < s->n_nodes; i++)
                index[i] = i;
        qsort_r(index, s->n_nodes, sizeof(*index), compare_nodes, s);
        return index;
}

/* --- the tree: who is whose parent -------------------------------------------------------------
 */

/* Whether the cgroup of outer is around that of inner. */
static bool cgroup_is_around(const struct container *outer, const struct container *inner)
{
        if (!outer->cgroup || !inner->cgroup)
                return false;
        const char *rest = startswith(inner->cgroup, outer->cgroup);
        return rest && *rest == '/';
}

/* Whether node i is above node from, or is it. */
static bool is_above(const struct sorter *s, size_t i, size_t from)
{
        while (from != NOBODY && from != i)
                from = s->nodes[from].parent;
        return from == i;
}

/*
 * The row of the container around node i. Names repeat across runtimes and users, so of several
 * the one whose cgroup is around is taken.
 */
static size_t find_parent(const struct sorter *s, const struct map *by_id, size_t i)
{
        const struct container *c = s->nodes[i].c;
        const struct node *n = c->parent ? map_get_z(by_id, c->parent) : NULL;
        size_t found = NOBODY;
        for (size_t k = n ? (size_t)(n - s->nodes) : NOBODY; k != NOBODY; k = s->nodes[k].same_id) {
                if (k == i || is_above(s, i, k))
                        continue;
                if (cgroup_is_around(s->nodes[k].c, c))
                        return k;
                if (found == NOBODY)
                        found = k;
        }
        return found;
}

struct group_name {
        char type; /* 'p' pod, 'c' compose project */
        const char *id;
        const char *name;
};

static bool group_of(const struct container *c, struct group_name *ret)
{
        static const char *const labels[] = {"com.docker.compose.project",
                                             "io.podman.compose.project"};
        if (c->pod) {
                *ret = (struct group_name){'p', c->pod, c->pod_name ? c->pod_name : c->pod};
                return true;
        }
        for (size_t i = 0; i < ARRAY_SIZE(labels); i++) {
                const char *project = facts_label(&c->facts, labels[i]);
                if (project && *project) {
                        *ret = (struct group_name){'c', project, project};
                        return true;
                }
        }
        return false;
}

/* The group of node i below its parent (NOBODY: at the top); made when it is the first of it. */
static size_t find_group(struct sorter *s, struct map *groups, size_t i, size_t parent,
                         const struct group_name *name)
{
        const struct container *c = s->nodes[i].c;
        _cleanup_free_ char *key =
                xasprintf("%zu/%u/%c/%s", parent, c->owner_uid, name->type, name->id);
        struct node *g = map_get_z(groups, key);
        if (!g) {
                g = &s->nodes[s->n_nodes++];
                *g = (struct node){.group = name->name,
                                   .group_runtime = c->runtime,
                                   .parent = parent,
                                   .last_member = NOBODY};
                map_put_z(groups, key, g);
        } else if (streq(g->group, name->id)) {
                g->group = name->name; /* another member may know the pod's name */
        }
        return (size_t)(g - s->nodes);
}

/* --- the tree: what a group is sorted by -------------------------------------------------------
 */

/* Whether a member before i has the same network namespace: its traffic counts once. */
static bool net_before(const struct sorter *s, size_t i)
{
        const struct container *c = s->nodes[i].c;
        if (!(s->column->wants & WANT_NET) || c->net_mode != NET_SHARED)
                return false;
        for (size_t k = s->nodes[i].member_before; k != NOBODY; k = s->nodes[k].member_before)
                if (s->nodes[k].c->netns == c->netns)
                        return true;
        return false;
}

/* Numbers add up; of texts the first in order stands for the group, but its name is its own. */
static void add_member(struct sorter *s, size_t group, size_t i)
{
        struct node *g = &s->nodes[group], *n = &s->nodes[i];
        n->member_before = g->last_member;
        g->last_member = i;
        if (streq(s->column->key, "name")) {
                g->key = (struct sort_key){.is_text = true, .known = true};
                g->key.value = (struct value){.type = VALUE_TEXT, .text = g->group};
        } else if (!n->key.known || net_before(s, i)) {
                return;
        } else if (!g->key.known) {
                g->key = n->key;
        } else if (!n->key.is_text) {
                g->key.number += n->key.number;
        } else if (compare_keys(s, &n->key, &g->key) < 0) {
                g->key = n->key;
        }
}

static void link_parents(struct sorter *s)
{
        struct map by_id = MAP_INIT, groups = MAP_INIT;
        for (size_t i = s->n_containers; i-- > 0;) {
                struct node *next = map_put_z(&by_id, s->nodes[i].c->id, &s->nodes[i]);
                s->nodes[i].same_id = next ? (size_t)(next - s->nodes) : NOBODY;
        }
        for (size_t i = 0; i < s->n_containers; i++) {
                struct group_name name;
                size_t parent = find_parent(s, &by_id, i);
                bool grouped = group_of(s->nodes[i].c, &name);
                s->nodes[i].parent = grouped ? find_group(s, &groups, i, parent, &name) : parent;
        }
        for (size_t i = 0; i < s->n_containers; i++)
                if (s->nodes[i].parent != NOBODY && !s->nodes[s->nodes[i].parent].c)
                        add_member(s, s->nodes[i].parent, i);
        map_done(&groups);
        map_done(&by_id);
}

/* --- rows out ----------------------------------------------------------------------------------
 */

static struct row row_of(const struct node *n, unsigned depth, bool last)
{
        return (struct row){.container = n->c,
                            .depth = depth,
                            .last = last,
                            .group = n->group,
                            .group_runtime = n->group_runtime};
}

/* Adds node i and all below it. No recursion: nothing bounds how deep containers nest. */
static void add_branch(const struct sorter *s, size_t i, struct rows *out)
{
        unsigned depth = 0;
        for (size_t k = i;;) {
                struct node *n = &s->nodes[k];
                n->row = out->n++;
                out->row[n->row] = row_of(n, depth, n->next_sibling == NOBODY);
                if (n->first_child != NOBODY) {
                        k = n->first_child;
                        depth++;
                        continue;
                }
                while (k != i && s->nodes[k].next_sibling == NOBODY) {
                        k = s->nodes[k].parent;
                        depth--;
                        if (!s->nodes[k].c)
                                out->row[s->nodes[k].row].n_members = out->n - s->nodes[k].row - 1;
                }
                if (k == i)
                        return;
                k = s->nodes[k].next_sibling;
        }
}

static void append_child(struct sorter *s, size_t *first, size_t *last, size_t i)
{
        s->nodes[i].next_sibling = NOBODY;
        if (*first == NOBODY)
                *first = i;
        else
                s->nodes[*last].next_sibling = i;
        *last = i;
}

static void emit_tree(struct sorter *s, const size_t *index, struct rows *out)
{
        size_t first = NOBODY, last = NOBODY;
        for (size_t i = 0; i < s->n_nodes; i++)
                s->nodes[i].first_child = s->nodes[i].last_child = NOBODY;
        for (size_t k = 0; k < s->n_nodes; k++) {
                size_t parent = s->nodes[index[k]].parent;
                struct node *p = parent != NOBODY ? &s->nodes[parent] : NULL;
                append_child(s, p ? &p->first_child : &first, p ? &p->last_child : &last, index[k]);
        }
        for (size_t i = first; i != NOBODY; i = s->nodes[i].next_sibling)
                add_branch(s, i, out);
}

static void emit_flat(const struct sorter *s, const size_t *index, struct rows *out)
{
        for (size_t k = 0; k < s->n_nodes; k++)
                out->row[out->n++] = row_of(&s->nodes[index[k]], 0, false);
}

static void collect(struct sorter *s, const struct order *o)
{
        for (size_t i = 0; i < s->m->n_containers; i++) {
                const struct container *c = s->m->containers[i];
                if (!is_shown(o, c) || !filter_match(o->filter, s->m, c))
                        continue;
                s->nodes[s->n_nodes++] =
                        (struct node){.c = c, .key = key_of(s, c), .parent = NOBODY};
        }
        s->n_containers = s->n_nodes;
}

void order_rows(const struct model *m, const struct order *o, struct rows *ret)
{
        struct sorter s = {.m = m, .column = o->sort, .descending = o->descending};
        if (!o->sort) {
                s.column = column_find("cpu");
                s.descending = true;
        }
        /* Each container makes one group at most. */
        size_t most = m->n_containers * (o->tree ? 2 : 1);
        _cleanup_free_ struct node *nodes = xcalloc(most, sizeof(*nodes));
        s.nodes = nodes;
        collect(&s, o);
        if (o->tree)
                link_parents(&s);
        _cleanup_free_ size_t *index = sorted(&s);
        *ret = (struct rows){.row = xcalloc(s.n_nodes, sizeof(ret->row[0]))};
        if (o->tree)
                emit_tree(&s, index, ret);
        else
                emit_flat(&s, index, ret);
}

void rows_done(struct rows *r)
{
        free(r->row);
        *r = (struct rows){0};
}

/* --- --sort ------------------------------------------------------------------------------------
 */

static bool descends_by_default(const struct column *col)
{
        return col->style != STYLE_TEXT && col->style != STYLE_TIME;
}

static char *clean_error(char *sentence)
{
        char *clean = str_clean_z(sentence);
        free(sentence);
        return clean;
}

int order_parse_sort(const char *text, struct order *o, char **ret_error)
{
        const char *colon = strchr(text, ':');
        _cleanup_free_ char *key = colon ? xstrndup(text, (size_t)(colon - text)) : xstrdup(text);
        const struct column *col = column_find(key);
        if (!col) {
                *ret_error = clean_error(
                        *key ? xasprintf("unknown column '%s' (see -c help)", key)
                             : xasprintf("a column is missing in '%s' (see -c help)", text));
                return -EINVAL;
        }
        bool asc = colon && streq(colon + 1, "asc"), desc = colon && streq(colon + 1, "desc");
        if (colon && !asc && !desc) {
                *ret_error =
                        clean_error(xasprintf("'%s' is no direction: use asc or desc", colon + 1));
                return -EINVAL;
        }
        o->sort = col;
        o->descending = colon ? desc : descends_by_default(col);
        return 0;
}
