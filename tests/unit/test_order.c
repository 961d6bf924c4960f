/* SPDX-License-Identifier: MIT */
#include "model/order.h"

#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/macros.h"
#include "base/mem.h"

#define MAX_ROWS 12
#define SECOND   UINT64_C(1000000)

/* One container, in few words. */
struct spec {
        const char *id; /* also its name */
        int cpu;        /* percent; -1: unknown */
        const char *parent;
        const char *pod, *pod_name;
        const char *project; /* docker compose's label */
        const char *cgroup;
        const char *name;
        enum kind kind;
        uint32_t owner;
        enum runtime_id runtime; /* 0: docker */
        uint64_t netns;
        int rx; /* bytes per second; netns 0: unknown */
};

static struct model *make(const struct spec *spec)
{
        struct seen seen[MAX_ROWS] = {0}, *list[MAX_ROWS];
        struct facts facts[MAX_ROWS] = {0};
        struct model *m = model_new();
        struct snapshot s = {.seen = list, .monotonic_usec = SECOND};
        for (; spec[s.n_seen].id; s.n_seen++) {
                const struct spec *p = &spec[s.n_seen];
                struct facts *f = &facts[s.n_seen];
                f->pod_name = (char *)p->pod_name;
                if (p->project)
                        facts_add_label(f, "com.docker.compose.project", p->project);
                list[s.n_seen] = &seen[s.n_seen];
                seen[s.n_seen] = (struct seen){.runtime = p->runtime ? p->runtime : RUNTIME_DOCKER,
                                               .id = p->id,
                                               .name = p->name ? p->name : p->id,
                                               .kind = p->kind,
                                               .owner_uid = p->owner,
                                               .parent = p->parent,
                                               .pod = p->pod,
                                               .cgroup = p->cgroup ? p->cgroup : "/x",
                                               .facts = f,
                                               .net_mode = NET_PRIVATE,
                                               .netns = p->netns};
        }
        for (unsigned tick = 0; tick < 2; tick++, s.monotonic_usec += SECOND) {
                for (size_t i = 0; i < s.n_seen; i++) {
                        struct cg_sample *sample = &seen[i].sample;
                        sample->taken_usec = s.monotonic_usec;
                        if (spec[i].cpu >= 0)
                                sample_set(sample, CPU_USAGE_USEC,
                                           tick * (uint64_t)spec[i].cpu * 10000);
                        if (spec[i].netns)
                                sample_set(sample, NET_RX_BYTES, tick * (uint64_t)spec[i].rx);
                }
                model_apply(m, &s);
        }
        for (size_t i = 0; i < s.n_seen; i++) {
                facts[i].pod_name = NULL;
                facts_done(&facts[i]);
        }
        return m;
}

/* "a b c", and in a tree "a( b c) [pod:2]( d e.)": a full stop marks the last of its siblings. */
static void draw(const struct rows *rows, bool tree, struct str *out)
{
        unsigned depth = 0;
        for (size_t i = 0; i < rows->n; i++) {
                const struct row *r = &rows->row[i];
                for (; depth > r->depth; depth--)
                        str_addc(out, ')');
                for (; depth < r->depth; depth++)
                        str_addc(out, '(');
                if (i > 0)
                        str_addc(out, ' ');
                if (r->container)
                        str_add(out, r->container->name);
                else
                        str_addf(out, "[%s:%zu]", r->group, r->n_members);
                if (r->last)
                        str_addc(out, '.');
        }
        for (; tree && depth > 0; depth--)
                str_addc(out, ')');
}

static void check(const struct spec *spec, struct order o, const char *sort, const char *want)
{
        struct model *m = make(spec);
        struct rows rows = {0};
        char *error = NULL;
        _cleanup_str_ struct str got = STR_INIT;
        if (sort && order_parse_sort(sort, &o, &error) < 0)
                fail_msg("%s: %s", sort, error);
        order_rows(m, &o, &rows);
        draw(&rows, o.tree, &got);
        assert_string_equal(str_get(&got), want);
        rows_done(&rows);
        assert_int_equal(rows.n, 0);
        model_free(m);
}

/* --- flat --------------------------------------------------------------------------------------
 */

static void test_sort(void **state)
{
        (void)state;
        static const struct spec spec[] = {
                {"b", 5}, {"e", -1}, {"d", 70}, {"a", 5}, {"c", 100}, {"f", -1}, {NULL},
        };
        static const struct {
                const char *sort, *want;
        } rows[] = {
                {NULL, "c d a b e f"},       {"cpu", "c d a b e f"},
                {"cpu:desc", "c d a b e f"}, {"cpu:asc", "a b d c e f"},
                {"name", "a b c d e f"},     {"name:desc", "f e d c b a"},
                {"image", "a b c d e f"},    {"image:desc", "a b c d e f"}, /* all unknown */
        };
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
                check(spec, (struct order){0}, rows[i].sort, rows[i].want);
}

/* Yes, no, and unknown last. */
static void test_sort_by_truth(void **state)
{
        (void)state;
        static const struct spec spec[] = {{"a", 1}, {"b", 1}, {"c", 1}, {"d", 1}, {NULL}};
        static const int privileged[] = {0, -1, 1, 0};
        static const struct {
                const char *sort, *want;
        } rows[] = {{"privileged", "c a d b"}, {"privileged:asc", "a d c b"}};
        struct model *m = make(spec);
        for (size_t i = 0; i < m->n_containers; i++)
                m->containers[i]->isolation.privileged = privileged[i];
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                struct order o = {0};
                struct rows got;
                char *error = NULL;
                _cleanup_str_ struct str text = STR_INIT;
                assert_int_equal(order_parse_sort(rows[i].sort, &o, &error), 0);
                order_rows(m, &o, &got);
                draw(&got, false, &text);
                assert_string_equal(str_get(&text), rows[i].want);
                rows_done(&got);
        }
        model_free(m);
}

/* Equal in value and name: the key decides, whatever the order of arrival. */
static void test_ties(void **state)
{
        (void)state;
        static const struct spec one[] = {
                {"1", 5, .name = "x"}, {"2", 5, .name = "x"}, {"3", 5, .name = "w"}, {NULL}};
        static const struct spec two[] = {
                {"2", 5, .name = "x"}, {"3", 5, .name = "w"}, {"1", 5, .name = "x"}, {NULL}};
        const struct spec *const specs[] = {one, two};
        for (size_t i = 0; i < ARRAY_SIZE(specs); i++) {
                struct model *m = make(specs[i]);
                struct rows rows;
                order_rows(m, &(struct order){0}, &rows);
                assert_int_equal(rows.n, 3);
                assert_string_equal(rows.row[0].container->id, "3");
                assert_string_equal(rows.row[1].container->id, "1");
                assert_string_equal(rows.row[2].container->id, "2");
                rows_done(&rows);
                model_free(m);
        }
}

static void test_kinds(void **state)
{
        (void)state;
        static const struct spec spec[] = {
                {"box", 1, .kind = KIND_CONTAINER},
                {"build", 1, .kind = KIND_BUILD},
                {"infra", 1, .kind = KIND_INFRA},
                {"machine", 1, .kind = KIND_MACHINE},
                {"pod", 1, .kind = KIND_POD},
                {"sandbox", 1, .kind = KIND_SANDBOX},
                {"service", 1, .kind = KIND_SERVICE},
                {"vm", 1, .kind = KIND_VM},
                {NULL},
        };
        static const struct {
                bool all, services;
                const char *want;
        } rows[] = {
                {false, false, "box machine"},
                {true, false, "box build infra machine sandbox vm"},
                {false, true, "box machine service"},
                {true, true, "box build infra machine sandbox service vm"},
        };
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
                check(spec, (struct order){.all = rows[i].all, .services = rows[i].services}, NULL,
                      rows[i].want);
}

static void test_stopped(void **state)
{
        (void)state;
        static const struct {
                enum state state;
                bool shown, shown_with_all;
        } rows[] = {
                {STATE_RUNNING, true, true}, {STATE_PAUSED, true, true},
                {STATE_UNKNOWN, true, true}, {STATE_EXITED, false, true},
                {STATE_DEAD, false, true},
        };
        static const struct spec spec[] = {{"a", 1}, {NULL}};
        struct model *m = make(spec);
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                struct rows few, all;
                m->containers[0]->state = rows[i].state;
                order_rows(m, &(struct order){0}, &few);
                order_rows(m, &(struct order){.all = true}, &all);
                assert_int_equal(few.n, rows[i].shown);
                assert_int_equal(all.n, rows[i].shown_with_all);
                rows_done(&few);
                rows_done(&all);
        }
        model_free(m);
}

static struct filter *filter(const char *text)
{
        struct filter *f = NULL;
        char *error = NULL;
        size_t column;
        if (filter_parse(text, &f, &error, &column) < 0)
                fail_msg("%s: %s", text, error);
        return f;
}

static void test_filter(void **state)
{
        (void)state;
        static const struct spec spec[] = {{"a", 5}, {"b", 70}, {"c", -1}, {NULL}};
        struct filter *busy = filter("cpu>10 or c"), *none = filter("nobody");
        check(spec, (struct order){.filter = busy}, NULL, "b c");
        check(spec, (struct order){.filter = none}, NULL, "");
        check(spec, (struct order){.filter = none, .tree = true}, NULL, "");
        filter_free(busy);
        filter_free(none);
}

static void test_empty(void **state)
{
        (void)state;
        static const struct spec spec[] = {{NULL}};
        check(spec, (struct order){0}, NULL, "");
        check(spec, (struct order){.tree = true, .all = true}, NULL, "");
}

/* --- tree --------------------------------------------------------------------------------------
 */

static const struct spec compose[] = {
        {"alone", 30},
        {"shop-db", 5, .project = "shop"},
        {"shop-web", 20, .project = "shop"},
        {"blog-web", 60, .project = "blog"},
        {"idle", -1, .project = "zzz"},
        {NULL},
};

static const struct spec mixed[] = {
        {"m", 1, .project = "x"},
        {"b", 1, .project = "x"},
        {"c", 1, .project = "y"},
        {NULL},
};

static const struct spec pods[] = {
        {"web", 10, .pod = "p1"},
        {"pause", 0, .pod = "p1", .kind = KIND_INFRA},
        {"sidecar", 15, .pod = "p1", .pod_name = "prod/web"},
        {"job", 20, .pod = "p2"},
        {NULL},
};

static const struct spec nested[] = {
        {"inner", 3, .parent = "outer"},
        {"outer", 10},
        {"innermost", 1, .parent = "inner"},
        {"other", 50},
        {"busy", 8, .parent = "outer"},
        {"orphan", 20, .parent = "nobody"},
        {NULL},
};

/* A kubernetes node in a container: its pods are groups below it. */
static const struct spec kind_node[] = {
        {"node", 40},
        {"web", 10, .parent = "node", .pod = "p1"},
        {"db", 12, .parent = "node", .pod = "p1"},
        {"proxy", 1, .parent = "node"},
        {"web2", 50, .pod = "p1"},
        {NULL},
};

/* Two users have a container of that name: the cgroup tells which one is around. */
static const struct spec homonyms[] = {
        {"box", 1, .owner = 1, .cgroup = "/u1/box", .name = "box1", .runtime = RUNTIME_LXC},
        {"box", 2, .owner = 2, .cgroup = "/u2/box", .name = "box2", .runtime = RUNTIME_LXC},
        {"a", 1, .parent = "box", .cgroup = "/u1/box/a"},
        {"b", 1, .parent = "box", .cgroup = "/u2/box/b"},
        {"c", 1, .parent = "box", .cgroup = "/u2/boxer/c"},
        {NULL},
};

/* Whatever a runtime says, nobody is his own ancestor. */
static const struct spec loops[] = {
        {"self", 9, .parent = "self"},
        {"x", 5, .parent = "z"},
        {"y", 4, .parent = "x"},
        {"z", 3, .parent = "y"},
        {NULL},
};

static void test_tree(void **state)
{
        (void)state;
        const struct {
                const struct spec *spec;
                bool all;
                const char *filter, *sort, *want;
        } rows[] = {
                {compose, false, NULL, NULL,
                 "[blog:1]( blog-web.) alone [shop:2]( shop-web shop-db.) [zzz:1].( idle.)"},
                {compose, false, NULL, "cpu:asc",
                 "[shop:2]( shop-db shop-web.) alone [blog:1]( blog-web.) [zzz:1].( idle.)"},
                {compose, false, NULL, "name",
                 "alone [blog:1]( blog-web.) [shop:2]( shop-db shop-web.) [zzz:1].( idle.)"},
                {compose, false, NULL, "name:desc",
                 "[zzz:1]( idle.) [shop:2]( shop-web shop-db.) [blog:1]( blog-web.) alone."},
                /* by a text a group stands where its first member does */
                {compose, false, NULL, "id",
                 "alone [blog:1]( blog-web.) [zzz:1]( idle.) [shop:2].( shop-db shop-web.)"},
                {compose, false, NULL, "id:desc",
                 "[shop:2]( shop-web shop-db.) [zzz:1]( idle.) [blog:1]( blog-web.) alone."},
                {mixed, false, NULL, "id", "[x:2]( b m.) [y:1].( c.)"},
                {mixed, false, NULL, "id:desc", "[x:2]( m b.) [y:1].( c.)"},
                {compose, false, "db or alone", NULL, "alone [shop:1].( shop-db.)"},
                {pods, false, NULL, NULL, "[prod/web:2]( sidecar web.) [p2:1].( job.)"},
                {pods, true, NULL, NULL, "[prod/web:3]( sidecar web pause.) [p2:1].( job.)"},
                {pods, false, "web or job", NULL, "[p2:1]( job.) [p1:1].( web.)"},
                {pods, false, NULL, "id:desc", "[prod/web:2]( web sidecar.) [p2:1].( job.)"},
                {nested, false, NULL, NULL, "other orphan outer.( busy inner.( innermost.))"},
                {nested, false, NULL, "cpu:asc", "outer( inner( innermost.) busy.) orphan other."},
                {nested, false, "!outer", NULL, "other orphan busy inner.( innermost.)"},
                {nested, false, "!name=inner", NULL, "other orphan outer( busy.) innermost."},
                {kind_node, false, NULL, NULL, "[p1:1]( web2.) node.( [p1:2]( db web.) proxy.)"},
                {homonyms, false, NULL, NULL, "box2( b.) box1.( a c.)"},
                {loops, false, NULL, NULL, "self z.( x.( y.))"},
        };
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                struct filter *f = rows[i].filter ? filter(rows[i].filter) : NULL;
                check(rows[i].spec, (struct order){.tree = true, .all = rows[i].all, .filter = f},
                      rows[i].sort, rows[i].want);
                filter_free(f);
        }
}

/* The counters of one network namespace are one row's worth of traffic, not two. */
static void test_group_traffic(void **state)
{
        (void)state;
        static const struct spec spec[] = {
                {"a", 1, .pod = "shared", .netns = 11, .rx = 100},
                {"b", 1, .pod = "shared", .netns = 11, .rx = 100},
                {"c", 1, .pod = "single", .netns = 12, .rx = 150},
                {"d", 1, .pod = "both", .netns = 13, .rx = 80},
                {"e", 1, .pod = "both", .netns = 14, .rx = 90},
                {NULL},
        };
        check(spec, (struct order){.tree = true}, "net_rx_rate",
              "[both:2]( e d.) [single:1]( c.) [shared:2].( a b.)");
}

static void test_group_rows(void **state)
{
        (void)state;
        static const struct spec spec[] = {
                {"a", 1, .pod = "p", .runtime = RUNTIME_CRIO},
                {"b", 2, .project = "q", .runtime = RUNTIME_PODMAN},
                {NULL},
        };
        struct model *m = make(spec);
        struct rows rows;
        order_rows(m, &(struct order){.tree = true}, &rows);
        assert_int_equal(rows.n, 4);
        assert_null(rows.row[0].container);
        assert_string_equal(rows.row[0].group, "q");
        assert_int_equal(rows.row[0].group_runtime, RUNTIME_PODMAN);
        assert_int_equal(rows.row[0].depth, 0);
        assert_null(rows.row[1].group);
        assert_int_equal(rows.row[1].n_members, 0);
        assert_int_equal(rows.row[1].depth, 1);
        assert_int_equal(rows.row[2].group_runtime, RUNTIME_CRIO);
        rows_done(&rows);
        model_free(m);
}

/* A chain as long as nothing in the kernel is: no recursion to run out of stack. */
static void test_deep(void **state)
{
        (void)state;
        enum { DEEP = 3000 };
        struct seen *seen = calloc(DEEP, sizeof(*seen)), **list = calloc(DEEP, sizeof(*list));
        char(*id)[16] = calloc(DEEP, sizeof(*id));
        for (size_t i = 0; i < DEEP; i++) {
                snprintf(id[i], sizeof(id[i]), "c%04zu", i);
                seen[i] = (struct seen){.runtime = RUNTIME_LXC, .id = id[i]};
                seen[i].parent = i > 0 ? id[i - 1] : NULL;
                list[i] = &seen[i];
        }
        struct model *m = model_new();
        struct rows rows;
        model_apply(m, &(struct snapshot){.seen = list, .n_seen = DEEP});
        order_rows(m, &(struct order){.tree = true}, &rows);
        assert_int_equal(rows.n, DEEP);
        for (size_t i = 0; i < DEEP; i++) {
                assert_int_equal(rows.row[i].depth, i);
                assert_string_equal(rows.row[i].container->id, id[i]);
        }
        rows_done(&rows);
        model_free(m);
        free(id);
        free(list);
        free(seen);
}

/* --- --sort ------------------------------------------------------------------------------------
 */

static void test_parse_sort(void **state)
{
        (void)state;
        static const struct {
                const char *text, *column;
                bool descending;
                const char *error;
        } rows[] = {
                {"cpu", "cpu", true, NULL},
                {"cpu:asc", "cpu", false, NULL},
                {"cpu:desc", "cpu", true, NULL},
                {"mem", "mem", true, NULL},
                {"uptime", "uptime", true, NULL},
                {"name", "name", false, NULL},
                {"name:desc", "name", true, NULL},
                {"state", "state", false, NULL},
                {"started", "started", false, NULL},
                {"", NULL, false, "a column is missing in '' (see -c help)"},
                {":asc", NULL, false, "a column is missing in ':asc' (see -c help)"},
                {"foo", NULL, false, "unknown column 'foo' (see -c help)"},
                {"foo:asc", NULL, false, "unknown column 'foo' (see -c help)"},
                {"cpu:", NULL, false, "'' is no direction: use asc or desc"},
                {"cpu:up", NULL, false, "'up' is no direction: use asc or desc"},
                {"cpu:asc:desc", NULL, false, "'asc:desc' is no direction: use asc or desc"},
                {"cpu ", NULL, false, "unknown column 'cpu ' (see -c help)"},
                {"a\tb", NULL, false,
                 "unknown column 'a\xef\xbf\xbd"
                 "b' (see -c help)"},
        };
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                const struct column *before = column_find("id");
                struct order o = {.sort = before, .descending = true, .tree = true};
                _cleanup_free_ char *error = NULL;
                int r = order_parse_sort(rows[i].text, &o, &error);
                assert_int_equal(r, rows[i].error ? -EINVAL : 0);
                assert_true(o.tree);
                if (rows[i].error) {
                        assert_string_equal(error, rows[i].error);
                        assert_ptr_equal(o.sort, before);
                        assert_true(o.descending);
                } else {
                        assert_null(error);
                        assert_string_equal(o.sort->key, rows[i].column);
                        assert_int_equal(o.descending, rows[i].descending);
                }
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_sort),          cmocka_unit_test(test_ties),
                cmocka_unit_test(test_sort_by_truth), cmocka_unit_test(test_kinds),
                cmocka_unit_test(test_stopped),       cmocka_unit_test(test_filter),
                cmocka_unit_test(test_empty),         cmocka_unit_test(test_tree),
                cmocka_unit_test(test_group_traffic), cmocka_unit_test(test_group_rows),
                cmocka_unit_test(test_deep),          cmocka_unit_test(test_parse_sort),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
