/* SPDX-License-Identifier: MIT */
#include "kernel/tree.h"

#include <poll.h>

#include "temp_tree.h"

#define ID     "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define ID2    "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210"
#define DOCKER "docker-" ID ".scope"

/* A tree over plain directories with the true inotify behind it. */
struct world {
        struct temp temp;
        struct root root;
        struct hierarchy h;
        struct tree *tree;
        unsigned born, died, changed;
        char last[256];
};

static void listen(void *userdata, struct cg_node *node, enum tree_change what, const char *file)
{
        struct world *w = userdata;
        snprintf(w->last, sizeof(w->last), "%s", file ? file : node->name);
        if (what == TREE_BORN)
                w->born++;
        else if (what == TREE_DIED)
                w->died++;
        else
                w->changed++;
        assert_int_equal(what == TREE_CHANGED, file != NULL);
}

static void world_open(struct world *w, bool events)
{
        *w = (struct world){.root = ROOT_INIT};
        temp_open(&w->temp);
        w->h = (struct hierarchy){.fd = w->temp.fd, .version = 2};
        w->tree = tree_new(&w->root, &w->h, events, listen, w);
}

static void world_close(struct world *w)
{
        tree_free(w->tree);
        temp_close(&w->temp);
}

static void work(struct world *w)
{
        while (tree_work(w->tree, 100))
                continue;
}

static void settle(struct world *w)
{
        for (int i = 0; i < 10; i++) {
                struct pollfd p = {.fd = tree_fd(w->tree), .events = POLLIN};
                tree_dispatch(w->tree);
                work(w);
                if (poll(&p, 1, 0) <= 0)
                        return;
        }
}

static void gone(struct world *w, const char *path)
{
        assert_int_equal(unlinkat(w->temp.fd, path, AT_REMOVEDIR), 0);
}

static struct cg_node *node(struct world *w, const char *path)
{
        return tree_find(w->tree, path);
}

static void test_first_walk(void **state)
{
        (void)state;
        struct world w;
        world_open(&w, true);
        temp_mkdirs(&w.temp, "system.slice/" DOCKER "/inner");
        temp_mkdirs(&w.temp, "user.slice");
        temp_put(&w.temp, "system.slice/cgroup.procs", "");
        settle(&w);
        assert_int_equal(w.born, 1); /* plain directories are not told */
        assert_int_equal(tree_size(w.tree), 5);
        struct cg_node *n = node(&w, "/system.slice/" DOCKER);
        assert_non_null(n);
        assert_ptr_equal(n, node(&w, "system.slice/" DOCKER));
        assert_int_equal(n->class->role, CG_CONTAINER);
        assert_string_equal(n->class->id, ID);
        struct stat st;
        assert_int_equal(fstatat(w.temp.fd, "system.slice/" DOCKER, &st, 0), 0);
        assert_true(n->inode == st.st_ino);
        assert_ptr_equal(node_container(node(&w, "system.slice/" DOCKER "/inner")), n);
        assert_null(node_container(node(&w, "user.slice")));
        assert_null(node(&w, "system.slice/cgroup.procs"));
        assert_null(node(&w, "none/at/all"));
        _cleanup_str_ struct str path = STR_INIT;
        node_path(n, &path);
        assert_string_equal(path.p, "/system.slice/" DOCKER);
        str_clear(&path);
        node_relative(n, &path);
        assert_string_equal(path.p, "system.slice/" DOCKER);
        assert_false(tree_degraded(w.tree));
        world_close(&w);
}

static void test_births_and_deaths_by_event(void **state)
{
        (void)state;
        struct world w;
        world_open(&w, true);
        temp_mkdirs(&w.temp, "system.slice");
        settle(&w);
        assert_int_equal(w.born, 0);
        temp_mkdirs(&w.temp, "system.slice/" DOCKER);
        settle(&w);
        assert_int_equal(w.born, 1);
        assert_string_equal(w.last, DOCKER);
        temp_put(&w.temp, "system.slice/" DOCKER "/cgroup.events", "populated 1\n");
        settle(&w);
        assert_true(w.changed > 0);
        assert_string_equal(w.last, "cgroup.events");
        assert_int_equal(unlinkat(w.temp.fd, "system.slice/" DOCKER "/cgroup.events", 0), 0);
        gone(&w, "system.slice/" DOCKER);
        settle(&w);
        assert_int_equal(w.died, 1);
        assert_null(node(&w, "system.slice/" DOCKER));
        assert_int_equal(tree_size(w.tree), 2);
        world_close(&w);
}

/* Whole branches that were there before anybody could watch them. */
static void test_grandchildren_before_the_watch(void **state)
{
        (void)state;
        struct world w;
        world_open(&w, true);
        settle(&w);
        temp_mkdirs(&w.temp, "a/b/c/" DOCKER "/x/y");
        settle(&w);
        assert_int_equal(w.born, 1);
        assert_non_null(node(&w, "a/b/c/" DOCKER "/x/y"));
        temp_mkdirs(&w.temp, "a/b/c/" DOCKER "/x/y/z");
        settle(&w);
        assert_non_null(node(&w, "a/b/c/" DOCKER "/x/y/z"));
        world_close(&w);
}

static void test_rename(void **state)
{
        (void)state;
        struct world w;
        world_open(&w, true);
        temp_mkdirs(&w.temp, "a/" DOCKER "/x");
        temp_mkdirs(&w.temp, "b");
        settle(&w);
        assert_int_equal(renameat(w.temp.fd, "a/" DOCKER, w.temp.fd, "b/docker-" ID2 ".scope"), 0);
        settle(&w);
        assert_int_equal(w.born, 2);
        assert_int_equal(w.died, 1);
        assert_null(node(&w, "a/" DOCKER));
        assert_non_null(node(&w, "b/docker-" ID2 ".scope/x"));
        temp_mkdirs(&w.temp, "b/docker-" ID2 ".scope/new"); /* it is still watched */
        settle(&w);
        assert_non_null(node(&w, "b/docker-" ID2 ".scope/new"));
        world_close(&w);
}

/* The new place is listed before the event of the old one is read: one watch, two nodes. */
static void test_rename_seen_by_the_walk_first(void **state)
{
        (void)state;
        struct world w;
        world_open(&w, true);
        temp_mkdirs(&w.temp, "a/x/y");
        temp_mkdirs(&w.temp, "b");
        settle(&w);
        assert_int_equal(renameat(w.temp.fd, "a/x", w.temp.fd, "b/x"), 0);
        tree_rewalk(w.tree);
        work(&w);
        settle(&w);
        assert_null(node(&w, "a/x"));
        assert_non_null(node(&w, "b/x/y"));
        temp_mkdirs(&w.temp, "b/x/new");
        settle(&w);
        assert_non_null(node(&w, "b/x/new"));
        world_close(&w);
}

static void test_removed_and_made_again(void **state)
{
        (void)state;
        struct world w;
        struct stat st;
        world_open(&w, true);
        temp_mkdirs(&w.temp, DOCKER);
        settle(&w);
        temp_mkdirs(&w.temp, "taken"); /* so that the inode is another */
        for (int i = 0; i < 3; i++) {
                gone(&w, DOCKER);
                temp_mkdirs(&w.temp, DOCKER);
        }
        settle(&w);
        assert_int_equal(w.born, w.died + 1);
        assert_true(w.born >= 2);
        assert_int_equal(fstatat(w.temp.fd, DOCKER, &st, 0), 0);
        assert_true(node(&w, DOCKER)->inode == st.st_ino);
        temp_mkdirs(&w.temp, DOCKER "/new");
        settle(&w);
        assert_non_null(node(&w, DOCKER "/new"));
        world_close(&w);
}

/* Without events the safety walk finds all three kinds of change. */
static void test_walk_finds_what_events_missed(void **state)
{
        (void)state;
        struct world w;
        world_open(&w, false);
        temp_mkdirs(&w.temp, "a/" DOCKER);
        temp_mkdirs(&w.temp, "a/stays");
        work(&w);
        assert_int_equal(tree_fd(w.tree), -1);
        assert_false(tree_degraded(w.tree));
        assert_int_equal(w.born, 1);
        gone(&w, "a/" DOCKER);
        temp_mkdirs(&w.temp, "a/docker-" ID2 ".scope");
        temp_mkdirs(&w.temp, "a/stays/deep/docker-" ID ".scope");
        work(&w);
        assert_int_equal(w.died, 0); /* nobody asked */
        tree_rewalk(w.tree);
        work(&w);
        assert_int_equal(w.born, 3);
        assert_int_equal(w.died, 1);
        assert_non_null(node(&w, "a/stays/deep/" DOCKER));

        assert_int_equal(unlinkat(w.temp.fd, "a/docker-" ID2 ".scope", AT_REMOVEDIR), 0);
        temp_mkdirs(&w.temp, "a/in-between");
        temp_mkdirs(&w.temp, "a/docker-" ID2 ".scope");
        tree_rewalk(w.tree);
        work(&w);
        assert_int_equal(w.born, 4); /* another inode: another container */
        assert_int_equal(w.died, 2);
        world_close(&w);
}

static void test_freed_while_queued(void **state)
{
        (void)state;
        struct world w;
        world_open(&w, true);
        temp_mkdirs(&w.temp, "a");
        settle(&w);
        for (int i = 0; i < 50; i++) {
                char path[64];
                snprintf(path, sizeof(path), "a/d%d/e", i);
                temp_mkdirs(&w.temp, path);
        }
        tree_dispatch(w.tree); /* all are queued now */
        (void)tree_work(w.tree, 10);
        (void)nftw(w.temp.dir, temp_remove_one, 32, FTW_DEPTH | FTW_PHYS);
        tree_dispatch(w.tree);
        work(&w);
        settle(&w);
        assert_int_equal(tree_size(w.tree), 1);
        world_close(&w);
}

static void test_freed_with_the_tree_while_queued(void **state)
{
        (void)state;
        struct world w;
        world_open(&w, true);
        temp_mkdirs(&w.temp, "a/b/" DOCKER);
        (void)tree_work(w.tree, 2);
        world_close(&w);
        assert_int_equal(w.died, 0); /* no callbacks */
}

static void make_many(struct world *w, unsigned n)
{
        char name[16];
        for (unsigned i = 0; i < n; i++) {
                snprintf(name, sizeof(name), "w%u", i);
                assert_int_equal(mkdirat(w->temp.fd, name, 0755), 0);
        }
}

static void test_wide(void **state)
{
        (void)state;
        struct world w;
        world_open(&w, false);
        make_many(&w, 20000);
        work(&w);
        assert_int_equal(tree_size(w.tree), 20001);
        tree_rewalk(w.tree);
        work(&w);
        assert_int_equal(tree_size(w.tree), 20001);
        assert_non_null(node(&w, "w19999"));
        tree_rewalk(w.tree);
        (void)tree_work(w.tree, 1); /* every one is queued */
        (void)nftw(w.temp.dir, temp_remove_one, 32, FTW_DEPTH | FTW_PHYS);
        work(&w);
        world_close(&w);
}

/* More events than the kernel queues: the overflow asks for a walk. */
static void test_many_events(void **state)
{
        (void)state;
        struct world w;
        world_open(&w, true);
        settle(&w);
        make_many(&w, 18000); /* max_queued_events is 16384 */
        settle(&w);
        assert_int_equal(tree_size(w.tree), 18001);
        world_close(&w);
}

static void test_deep(void **state)
{
        (void)state;
        struct world w;
        _cleanup_str_ struct str path = STR_INIT;
        world_open(&w, true);
        for (int i = 0; i < 29; i++)
                str_addf(&path, "d%d/", i);
        str_add(&path, DOCKER);
        temp_mkdirs(&w.temp, str_get(&path));
        settle(&w);
        assert_int_equal(w.born, 1);
        assert_int_equal(tree_size(w.tree), 31);
        assert_non_null(node(&w, str_get(&path)));
        world_close(&w);
}

/* Deeper than anybody nests, all of one name: it ends, and shows no directory twice. */
static void test_absurdly_deep(void **state)
{
        (void)state;
        struct world w;
        _cleanup_str_ struct str path = STR_INIT;
        world_open(&w, true);
        for (int i = 0; i < 300; i++)
                str_add(&path, i ? "/a" : "a");
        temp_mkdirs(&w.temp, str_get(&path));
        for (int i = 0; i < 1000 && tree_work(w.tree, 1); i++)
                continue;
        assert_false(tree_work(w.tree, 1));
        assert_true(tree_size(w.tree) >= 100 && tree_size(w.tree) <= 301);
        tree_dispatch(w.tree);
        world_close(&w);
}

static void test_names_of_any_bytes(void **state)
{
        (void)state;
        static const char *const names[] = {
                "\x01\x02\x1b[2J", "\xff\xfe\x80", "a\nb", "back\\slash\\x2d", "...", " ", "%s%n",
        };
        struct world w;
        world_open(&w, true);
        settle(&w);
        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                _cleanup_free_ char *path = xasprintf("%s/" DOCKER, names[i]);
                temp_mkdirs(&w.temp, path);
        }
        settle(&w);
        assert_int_equal(w.born, ARRAY_SIZE(names));
        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                _cleanup_free_ char *path = xasprintf("%s/" DOCKER, names[i]);
                _cleanup_str_ struct str told = STR_INIT;
                struct cg_node *n = node(&w, path);
                assert_non_null(n);
                node_relative(n, &told);
                assert_string_equal(told.p, path); /* raw */
        }
        world_close(&w);
}

static void test_inside_of_a_helper_is_no_row(void **state)
{
        (void)state;
        struct world w;
        world_open(&w, true);
        temp_mkdirs(&w.temp, "machine.slice/libpod-conmon-" ID ".scope/docker-" ID2 ".scope");
        settle(&w);
        struct cg_node *n =
                node(&w, "machine.slice/libpod-conmon-" ID ".scope/docker-" ID2 ".scope");
        assert_non_null(n);
        assert_int_equal(n->class->role, CG_HELPER);
        assert_int_equal(n->parent->class->role, CG_HELPER);
        assert_null(node_container(n));
        world_close(&w);
}

static void test_no_links_are_followed(void **state)
{
        (void)state;
        struct world w;
        world_open(&w, true);
        temp_mkdirs(&w.temp, "a");
        assert_int_equal(symlinkat("..", w.temp.fd, "a/up"), 0);
        assert_int_equal(symlinkat("/", w.temp.fd, "a/top"), 0);
        settle(&w);
        assert_int_equal(tree_size(w.tree), 2);
        world_close(&w);
}

static void test_pids(void **state)
{
        (void)state;
        struct world w;
        pid_t pids[8];
        world_open(&w, true);
        temp_put(&w.temp, "own/cgroup.procs", "12\n34\n56");
        temp_put(&w.temp, "below/cgroup.procs", "");
        temp_put(&w.temp, "below/x/cgroup.procs", "");
        temp_put(&w.temp, "below/x/y/cgroup.procs", "78\n");
        temp_put(&w.temp, "around/cgroup.procs", "");
        temp_put(&w.temp, "around/" DOCKER "/cgroup.procs", "99\n");
        temp_put(&w.temp, "odd/cgroup.procs", "0\n-1\nx\n99999999999999999999\n4294967297\n7\n\n");
        temp_mkdirs(&w.temp, "none");
        settle(&w);
        assert_int_equal(node_pids(w.tree, node(&w, "own"), pids, 8), 3);
        assert_int_equal(pids[0], 12);
        assert_int_equal(pids[2], 56);
        assert_int_equal(node_pids(w.tree, node(&w, "own"), pids, 2), 2);
        assert_int_equal(node_pids(w.tree, node(&w, "below"), pids, 8), 1);
        assert_int_equal(pids[0], 78);
        assert_int_equal(node_pids(w.tree, node(&w, "around"), pids, 8), 0);
        assert_int_equal(node_pids(w.tree, node(&w, "odd"), pids, 8), 1);
        assert_int_equal(pids[0], 7);
        assert_int_equal(node_pids(w.tree, node(&w, "none"), pids, 8), -ENOENT);
        world_close(&w);
}

/* The buffer ends in the middle of a number: half a pid is somebody else's. */
static void test_pids_cut_short(void **state)
{
        (void)state;
        struct world w;
        _cleanup_str_ struct str text = STR_INIT;
        _cleanup_free_ pid_t *pids = xcalloc(4096, sizeof(pid_t));
        world_open(&w, true);
        for (int i = 0; i < 2000; i++)
                str_add(&text, "1234567\n");
        temp_put(&w.temp, "a/cgroup.procs", str_get(&text));
        str_clear(&text);
        str_pad(&text, '8', 1 << 20);
        temp_put(&w.temp, "b/cgroup.procs", str_get(&text));
        settle(&w);
        int n = node_pids(w.tree, node(&w, "a"), pids, 4096);
        assert_true(n > 0);
        for (int i = 0; i < n; i++)
                assert_int_equal(pids[i], 1234567);
        assert_true(node_pids(w.tree, node(&w, "b"), pids, 4096) <= 0);
        world_close(&w);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_first_walk),
                cmocka_unit_test(test_births_and_deaths_by_event),
                cmocka_unit_test(test_grandchildren_before_the_watch),
                cmocka_unit_test(test_rename),
                cmocka_unit_test(test_rename_seen_by_the_walk_first),
                cmocka_unit_test(test_removed_and_made_again),
                cmocka_unit_test(test_walk_finds_what_events_missed),
                cmocka_unit_test(test_freed_while_queued),
                cmocka_unit_test(test_freed_with_the_tree_while_queued),
                cmocka_unit_test(test_wide),
                cmocka_unit_test(test_many_events),
                cmocka_unit_test(test_deep),
                cmocka_unit_test(test_absurdly_deep),
                cmocka_unit_test(test_names_of_any_bytes),
                cmocka_unit_test(test_inside_of_a_helper_is_no_row),
                cmocka_unit_test(test_no_links_are_followed),
                cmocka_unit_test(test_pids),
                cmocka_unit_test(test_pids_cut_short),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
