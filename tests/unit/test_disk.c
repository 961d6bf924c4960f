/* SPDX-License-Identifier: MIT */

/* Names from disk: whole questions against fixture hosts, then the parsers and hostile files. */

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/str.h"
#include "runtime/disk.h"
#include "runtime/disk_json.h"
#include "runtime/disk_sources.h"

#define R       "\xef\xbf\xbd"
#define POD_UID "8f9a1b2c-0000-1111-2222-333344445555"
#define WEB_POD " pod=" POD_UID " pod_name=shop/web-7d4b"
#define ID64(c)                                                                                    \
        c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c  \
                c c c c c c c c c c c c c c c c c c c

static void open_fixture(struct root *r, const char *name)
{
        _cleanup_free_ char *dir =
                xasprintf("%s/tests/fixtures/%s", getenv("CTOP_SOURCE_ROOT"), name);
        assert_int_equal(root_open(r, dir), 0);
        assert_true(r->fixture);
}

static void add_member(struct str *s, const char *key, const char *value)
{
        if (value)
                str_addf(s, " %s=%s", key, value);
}

/* What is known, in one line: " name=web image=bb". */
static char *describe(const struct facts *f)
{
        struct str s = STR_INIT;
        add_member(&s, "runtime", f->runtime ? runtime_names[f->runtime] : NULL);
        add_member(&s, "id", f->id);
        add_member(&s, "name", f->name);
        add_member(&s, "image", f->image);
        add_member(&s, "pod", f->pod);
        add_member(&s, "pod_name", f->pod_name);
        add_member(&s, "infra", f->infra ? "yes" : NULL);
        add_member(&s, "restart", f->restart_policy);
        for (size_t i = 0; i < f->n_labels; i++)
                str_addf(&s, " %s:%s", f->labels[i].key, f->labels[i].value);
        for (size_t i = 0; i < f->n_ports; i++)
                str_addf(&s, " %s>%u>%u/%s", f->ports[i].host_ip ? f->ports[i].host_ip : "*",
                         f->ports[i].host_port, f->ports[i].container_port, f->ports[i].protocol);
        return str_take(&s);
}

struct question {
        enum runtime_id runtime;
        uint32_t uid;
        const char *id;
        pid_t pid;
        int status;
        const char *text; /* when status is 0 */
};

static void check_answer(const struct root *r, const struct question *q, size_t number)
{
        struct facts f = {0};
        struct disk_query query = {
                .runtime = q->runtime, .owner_uid = q->uid, .id = q->id, .pid = q->pid};
        int e = disk_facts(r, &query, &f);
        _cleanup_free_ char *got = describe(&f);
        if (e != q->status || !streq(got, q->text ? q->text : ""))
                fail_msg("question %zu: %d \"%s\"", number, e, got);
        facts_done(&f);
}

static void check_answers(const char *fixture, const struct question *q, size_t n)
{
        struct root r;
        open_fixture(&r, fixture);
        for (size_t i = 0; i < n; i++)
                check_answer(&r, &q[i], i);
        root_close(&r);
}

/* --- whole hosts -------------------------------------------------------------------------------
 */

static void test_docker(void **state)
{
        (void)state;
        static const struct question questions[] = {
                /* the data-root by the mounts, not the stale one in the usual place */
                {RUNTIME_DOCKER, 0, ID64("a"), 100, 0,
                 " name=web-1 image=nginx:1.27 restart=unless-stopped app:shop tier:front"
                 " *>8080>80/tcp 127.0.0.1>5353>53/udp"},
                {RUNTIME_NAMESPACE, 0, "ns-pid-1-2", 100, 0,
                 " runtime=docker id=" ID64(
                         "a") " name=web-1 image=nginx:1.27"
                              " restart=unless-stopped app:shop tier:front *>8080>80/tcp"
                              " 127.0.0.1>5353>53/udp"},
                /* a sandbox inside has the same mounts */
                {RUNTIME_NAMESPACE, 0, "ns-pid-1-2", 101, -ENOENT, NULL},
                /* docker in docker, through a btrfs subvolume */
                {RUNTIME_DOCKER, 0, ID64("b"), 102, 0, " name=inner image=bb restart=no"},
                /* no process: the usual place */
                {RUNTIME_DOCKER, 0, ID64("c"), 0, 0,
                 " name=stopped image=bb restart=always 10.0.0.1>81>80/tcp *>90>90/tcp"},
                {RUNTIME_DOCKER, 0, ID64("d"), 0, -EBADMSG, NULL},
                {RUNTIME_DOCKER, 0, ID64("e"), 0, -EBADMSG, NULL}, /* another's file */
                {RUNTIME_DOCKER, 0, ID64("3"), 0, -ENOENT, NULL},
                {RUNTIME_KUBERNETES, 0, ID64("f"), 0, 0,
                 " runtime=docker"
                 " name=k8s_POD_web_shop_11111111-2222-3333-4444-555555555555_0"
                 " image=registry.k8s.io/pause:3.9 pod=11111111-2222-3333-4444-555555555555"
                 " pod_name=shop/web infra=yes io.kubernetes.docker.type:podsandbox"
                 " io.kubernetes.container.name:POD io.kubernetes.pod.name:web"
                 " io.kubernetes.pod.namespace:shop"
                 " io.kubernetes.pod.uid:11111111-2222-3333-4444-555555555555"},
                {RUNTIME_ECS, 0, ID64("0"), 0, 0,
                 " name=ecs-web-1-pause image=amazon/amazon-ecs-pause:0.1.0"
                 " pod=0123456789abcdef0123456789abcdef infra=yes"
                 " com.amazonaws.ecs.container-name:~internal~ecs~pause"
                 " com.amazonaws.ecs.task-arn:arn:aws:ecs:eu-west-1:123456789012:task/prod/"
                 "0123456789abcdef0123456789abcdef"},
                {RUNTIME_DOCKER, 0, ID64("1"), 0, 0,
                 " name=evil" R "[2J" R "gnp image=im" R "age a" R "b:c" R},
                {RUNTIME_DOCKER, 0, ID64("2"), 0, 0, ""}, /* every member of a wrong type */
                /* root's files do not speak for a user's cgroup of the same name */
                {RUNTIME_DOCKER, 1000, ID64("c"), 0, -ENOENT, NULL},
                {RUNTIME_DOCKER, 0, "../containers/" ID64("c"), 0, -ENOENT, NULL},
                {RUNTIME_DOCKER, 0, ID64("c") "/../" ID64("c"), 0, -ENOENT, NULL},
                {RUNTIME_NAMESPACE, 0, "x", 103, -ENOENT, NULL}, /* another subvolume, alike */
                {RUNTIME_DOCKER, 0, "..", 0, -ENOENT, NULL},
                {RUNTIME_DOCKER, 0, "", 0, -ENOENT, NULL},
                {RUNTIME_DOCKER, 0, NULL, 0, -ENOENT, NULL},
                {RUNTIME_NAMESPACE, 0, "x", 0, -ENOENT, NULL},
                {RUNTIME_NAMESPACE, 0, "x", 12345, -ENOENT, NULL},
                {RUNTIME_BUILDKIT, 0, ID64("c"), 100, -ENOENT, NULL},
        };
        check_answers("disk-docker", questions, ARRAY_SIZE(questions));
}

static void test_podman(void **state)
{
        (void)state;
        static const struct question questions[] = {
                /* the graphroot by the upperdir; names[0] follows podman rename */
                {RUNTIME_PODMAN, 0, ID64("a"), 100, 0, " name=web-2 image=localhost/bb:latest"},
                {RUNTIME_PODMAN, 0, ID64("b"), 101, 0, " name=rm-me image=localhost/bb:latest"},
                {RUNTIME_PODMAN, 0, ID64("c"), 102, 0,
                 " name=0123456789ab-infra image=localhost/podman-pause:4.3.1-0 infra=yes"},
                {RUNTIME_PODMAN, 0, ID64("d"), 0, 0, " name=usual image=localhost/bb:latest"},
                {RUNTIME_PODMAN, 0, ID64("6"), 0, 0, " name=on-vfs image=localhost/bb:latest"},
                {RUNTIME_PODMAN, 0, ID64("1"), 0, 0, ""},
                {RUNTIME_PODMAN, 0, ID64("8"), 0, -ENOENT, NULL}, /* in the file, as an image */
                {RUNTIME_NAMESPACE, 0, "x", 100, 0,
                 " runtime=podman id=" ID64("a") " name=web-2 image=localhost/bb:latest"},
                {RUNTIME_NAMESPACE, 0, "x", 103, -ENOENT, NULL}, /* a sandbox inside it */
                {RUNTIME_NAMESPACE, 0, "x", 114, -ENOENT, NULL}, /* podman exec into it */
                /* fuse-overlayfs: conmon tells the bundle, else at least the name */
                {RUNTIME_PODMAN, 0, ID64("f"), 110, 0, " name=by-bundle image=localhost/bb:latest"},
                {RUNTIME_NAMESPACE, 0, "x", 110, 0,
                 " runtime=podman id=" ID64("f") " name=by-bundle image=localhost/bb:latest"},
                {RUNTIME_PODMAN, 0, ID64("9"), 112, 0, " name=only-conmon"},
                /* conmon of another user says nothing, nor one for another container */
                {RUNTIME_PODMAN, 0, ID64("0"), 116, -ENOENT, NULL},
                {RUNTIME_NAMESPACE, 0, "x", 116, -ENOENT, NULL},
                {RUNTIME_PODMAN, 0, ID64("0"), 118, -ENOENT, NULL},
                {RUNTIME_PODMAN, 0, ID64("8"), 112, -ENOENT, NULL},
                /* a user's: by the bind of vfs, by etc/passwd, by the runroot on a tmpfs */
                {RUNTIME_PODMAN, 1000, ID64("2"), 200, 0, " name=anns image=localhost/bb:latest"},
                {RUNTIME_PODMAN, 1000, ID64("2"), 0, 0, " name=anns image=localhost/bb:latest"},
                {RUNTIME_NAMESPACE, 1000, "x", 200, 0,
                 " runtime=podman id=" ID64("2") " name=anns image=localhost/bb:latest"},
                {RUNTIME_PODMAN, 1000, ID64("5"), 202, 0,
                 " name=transient image=localhost/bb:latest"},
                /* each asks for its own only */
                {RUNTIME_PODMAN, 0, ID64("2"), 0, -ENOENT, NULL},
                {RUNTIME_PODMAN, 1000, ID64("d"), 0, -ENOENT, NULL},
                {RUNTIME_PODMAN, 1001, ID64("2"), 0, -ENOENT, NULL},
        };
        check_answers("disk-podman", questions, ARRAY_SIZE(questions));
}

static void test_kubernetes(void **state)
{
        (void)state;
#define CRI(name) " name=" name " image=docker.io/library/nginx:1.27" WEB_POD
        static const struct question questions[] = {
                {RUNTIME_CONTAINERD, 0, ID64("a"), 0, 0, CRI("nginx")},
                {RUNTIME_KUBERNETES, 0, ID64("a"), 0, 0, " runtime=containerd" CRI("nginx")},
                {RUNTIME_CONTAINERD, 0, ID64("b"), 0, 0, " name=web-7d4b" WEB_POD " infra=yes"},
                {RUNTIME_CONTAINERD, 0, ID64("c"), 0, -ENOENT, NULL}, /* docker's namespace */
                {RUNTIME_CONTAINERD, 0, ID64("d"), 0, 0, CRI("on-k3s")},
                {RUNTIME_CONTAINERD, 0, ID64("e"), 0, 0, CRI("on-microk8s")},
                {RUNTIME_CONTAINERD, 0, ID64("f"), 0, 0,
                 " runtime=nerdctl name=nweb com.docker.compose.project:shop *>8080>80/tcp"},
                {RUNTIME_CONTAINERD, 0, "plain", 0, 0, ""},
                {RUNTIME_CONTAINERD, 0, "torn", 0, -EBADMSG, NULL},
                {RUNTIME_CONTAINERD, 0, "nothing", 0, -ENOENT, NULL},
                {RUNTIME_CONTAINERD, 1000, ID64("a"), 0, -ENOENT, NULL},
                /* runc's state repeats the annotations */
                {RUNTIME_CONTAINERD, 0, ID64("0"), 0, 0, CRI("nginx")},
                {RUNTIME_NAMESPACE, 0, "x", 300, 0,
                 " runtime=containerd id=" ID64("0") CRI("nginx")},
                {RUNTIME_CRIO, 0, ID64("1"), 0, 0,
                 " name=db image=quay.io/postgres:16 pod=" POD_UID " pod_name=shop/db-0"
                 " io.kubernetes.container.name:db io.kubernetes.pod.name:db-0"
                 " io.kubernetes.pod.namespace:shop io.kubernetes.pod.uid:" POD_UID},
                {RUNTIME_KUBERNETES, 0, ID64("2"), 0, 0,
                 " runtime=crio name=db-0 image=registry.k8s.io/pause:3.9 pod=" POD_UID
                 " pod_name=shop/db-0 infra=yes io.kubernetes.container.name:POD"
                 " io.kubernetes.pod.uid:" POD_UID " app:db"},
                {RUNTIME_KUBERNETES, 0, ID64("9"), 0, -ENOENT, NULL},
        };
        check_answers("disk-kubernetes", questions, ARRAY_SIZE(questions));
}

static void test_oci(void **state)
{
        (void)state;
#define BLUE                                                                                       \
        " image=example/bb:1 org.example.team:blue org.opencontainers.image.ref.name:example/bb:1"
        static const struct question questions[] = {
                {RUNTIME_RUNC, 0, "r1", 400, 0, BLUE},
                {RUNTIME_NAMESPACE, 0, "x", 400, 0, " runtime=runc id=r1" BLUE},
                {RUNTIME_UNKNOWN, 0, NULL, 400, 0, " runtime=runc id=r1" BLUE},
                {RUNTIME_CRUN, 0, "c1", 0, 0, " org.example.team:red run.oci.handler:x"},
                {RUNTIME_NAMESPACE, 0, "x", 401, 0,
                 " runtime=crun id=c1 org.example.team:red run.oci.handler:x"},
                {RUNTIME_NAMESPACE, 0, "x", 402, -ENOENT, NULL}, /* the pid of a dead one */
                {RUNTIME_NAMESPACE, 0, "x", 406, -ENOENT, NULL}, /* 4061's, started as late */
                {RUNTIME_RUNC, 0, "torn", 0, -EBADMSG, NULL},
                /* podman --cgroups=disabled: found by crun's state, named by the bundle's store */
                {RUNTIME_NAMESPACE, 0, "x", 403, 0,
                 " runtime=podman id=" ID64("a") " name=no-cgroup image=localhost/bb:latest"},
                {RUNTIME_CRUN, 0, ID64("a"), 0, 0,
                 " runtime=podman name=no-cgroup image=localhost/bb:latest"},
                {RUNTIME_NAMESPACE, 0, "x", 405, 0,
                 " runtime=docker id=" ID64("b") " name=by-pid image=bb"},
                /* a user's state speaks for the user's, root's for anybody's process */
                {RUNTIME_NAMESPACE, 1000, "x", 404, 0, " runtime=crun id=mine"},
                {RUNTIME_NAMESPACE, 0, "x", 404, -ENOENT, NULL},
                {RUNTIME_NAMESPACE, 1000, "x", 400, 0, " runtime=runc id=r1" BLUE},
                {RUNTIME_LXC, 0, "box", 0, 0, " name=box"},
                {RUNTIME_LXC, 0, "no-box", 0, -ENOENT, NULL},
                {RUNTIME_LXC, 1000, "box", 0, -ENOENT, NULL},
        };
        check_answers("disk-oci", questions, ARRAY_SIZE(questions));
}

/* --- hostile files -----------------------------------------------------------------------------
 */

struct tree {
        char dir[32];
        struct root root;
};

static char *tree_path(const struct tree *t, const char *path)
{
        return xasprintf("%s/%s", t->dir, path);
}

static void tree_mkdir(const struct tree *t, const char *path)
{
        _cleanup_free_ char *full = tree_path(t, path);
        for (char *p = full + strlen(t->dir) + 1; (p = strchr(p, '/')); p++) {
                *p = '\0';
                assert_true(mkdir(full, 0755) == 0 || errno == EEXIST);
                *p = '/';
        }
        assert_true(mkdir(full, 0755) == 0 || errno == EEXIST);
}

static void tree_write(const struct tree *t, const char *path, const char *text)
{
        _cleanup_free_ char *full = tree_path(t, path);
        _cleanup_close_ int fd = open(full, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        assert_true(fd >= 0);
        assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

static void tree_link(const struct tree *t, const char *target, const char *path)
{
        _cleanup_free_ char *full = tree_path(t, path);
        assert_int_equal(symlink(target, full), 0);
}

static int tree_setup(void **state)
{
        struct tree *t = xcalloc(1, sizeof(*t));
        snprintf(t->dir, sizeof(t->dir), "/tmp/ctop-disk-XXXXXX");
        assert_non_null(mkdtemp(t->dir));
        tree_mkdir(t, "proc");
        assert_int_equal(root_open(&t->root, t->dir), 0);
        *state = t;
        return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
        (void)st;
        (void)type;
        (void)where;
        return remove(path);
}

static int tree_teardown(void **state)
{
        struct tree *t = *state;
        root_close(&t->root);
        int e = nftw(t->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
        free(t);
        return e;
}

static int try_read(struct tree *t, const char *path, const struct safe_owner *who, size_t max)
{
        _cleanup_free_ char *text = NULL;
        size_t n = 0;
        int e = safe_read(&t->root, path, who, max, &text, &n);
        if (e >= 0)
                assert_int_equal(strlen(text), n);
        return e < 0 ? e : (int)n;
}

static void test_safe_read(void **state)
{
        struct tree *t = *state;
        struct safe_owner me = {.uid = getuid(), .also = -1};
        tree_mkdir(t, "a/dir");
        tree_write(t, "a/file", "12345");
        tree_write(t, "a/empty", "");
        _cleanup_free_ char *fifo = tree_path(t, "a/fifo");
        assert_int_equal(mkfifo(fifo, 0600), 0);
        tree_link(t, "file", "a/link");
        tree_link(t, "missing", "a/dangling");
        static const struct {
                const char *path;
                size_t max;
                int want;
        } cases[] = {
                {"/a/file", 100, 5},        {"/a/file", 5, 5},
                {"/a/file", 4, -EBADMSG},   {"/a/empty", 0, 0},
                {"/a/none", 100, -ENOENT},  {"/a/fifo", 100, -ENOENT},
                {"/a/link", 100, -ENOENT},  {"/a/dangling", 100, -ENOENT},
                {"/a/dir", 100, -ENOENT},   {"/a/file/x", 100, -ENOENT},
                {"/none/file", 1, -ENOENT}, {"a/file", 100, -ENOENT},
                {"file", 100, -ENOENT},     {"/../../a/file", 100, 5}, /* stays inside */
        };
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                int got = try_read(t, cases[i].path, &me, cases[i].max);
                if (got != cases[i].want)
                        fail_msg("%s, %zu: %d", cases[i].path, cases[i].max, got);
        }
        struct safe_owner other = {.uid = getuid() + 1, .also = -1};
        assert_int_equal(try_read(t, "/a/file", &other, 100), -ENOENT);
        other.also = getuid();
        assert_int_equal(try_read(t, "/a/file", &other, 100), 5);
}

/* In a fixture the links of whoever checked it out count as root's. */
static void test_safe_links(void **state)
{
        struct tree *t = *state;
        struct safe_owner me = {.uid = getuid(), .also = -1};
        tree_mkdir(t, "real/a/b");
        tree_mkdir(t, "other");
        tree_write(t, "real/a/b/file", "12345");
        tree_link(t, "/real/a", "absolute");
        tree_link(t, "../real/./a", "other/relative");
        tree_link(t, "../../../../../real/a", "other/out");
        tree_link(t, "b", "real/a/same");
        tree_link(t, "/absolute/same", "twice");
        tree_link(t, "/real/a/..", "up");
        tree_link(t, "/loop", "loop");
        tree_link(t, "/growing/x", "growing");
        static const struct {
                const char *path;
                int want;
        } cases[] = {
                {"/absolute/b/file", 5},      {"/other/relative/b/file", 5},
                {"/other/out/b/file", 5},     {"/real/a/same/file", 5},
                {"/twice/file", 5},           {"/up/a/b/file", 5},
                {"/absolute/../a/b/file", 5}, {"/loop/file", -ENOENT},
                {"/growing/file", -ENOENT},
        };
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
                if (try_read(t, cases[i].path, &me, 100) != cases[i].want)
                        fail_msg("%s", cases[i].path);
}

/* As root only: what belongs to a user does not speak for root, nor lead anywhere. */
static void test_foreign_owner(void **state)
{
        struct tree *t = *state;
        struct safe_owner root_user = {.uid = 0, .also = -1}, user = {.uid = 4321, .also = -1};
        if (getuid() != 0)
                skip();
        tree_mkdir(t, "home/x");
        tree_write(t, "home/x/theirs", "12345");
        tree_write(t, "home/x/ours", "12345");
        tree_link(t, "/home/x", "home/link");
        _cleanup_free_ char *theirs = tree_path(t, "home/x/theirs");
        _cleanup_free_ char *link = tree_path(t, "home/link");
        assert_int_equal(chown(theirs, 4321, 4321), 0);
        assert_int_equal(try_read(t, "/home/x/theirs", &root_user, 100), -ENOENT);
        assert_int_equal(try_read(t, "/home/x/theirs", &user, 100), 5);
        assert_int_equal(try_read(t, "/home/x/ours", &user, 100), -ENOENT);
        assert_int_equal(try_read(t, "/home/link/theirs", &user, 100), 5);
        assert_int_equal(lchown(link, 4321, 4321), 0);
        assert_int_equal(try_read(t, "/home/link/theirs", &user, 100), -ENOENT);
        assert_int_equal(try_read(t, "/home/link/ours", &root_user, 100), -ENOENT);
}

/* A store that a user made of traps: answered at once, each time. */
static void test_hostile_store(void **state)
{
        struct tree *t = *state;
        static const char store[] = "home/eve/.local/share/containers/storage/overlay-containers";
        _cleanup_free_ char *list = xasprintf("%s/containers.json", store);
        _cleanup_free_ char *volatile_list = xasprintf("%s/volatile-containers.json", store);
        _cleanup_free_ char *full = tree_path(t, list);
        struct question q = {RUNTIME_PODMAN, 1001, ID64("a"), 0, -ENOENT, NULL};
        tree_mkdir(t, "etc");
        tree_write(t, "etc/passwd", "eve:x:1001:1001::/home/eve:/bin/sh\n");
        tree_mkdir(t, store);

        assert_int_equal(mkfifo(full, 0600), 0);
        check_answer(&t->root, &q, 0);
        assert_int_equal(unlink(full), 0);
        tree_link(t, "/etc/passwd", list);
        check_answer(&t->root, &q, 1);
        assert_int_equal(unlink(full), 0);

        /* too large, though sparse */
        tree_write(t, list, "[");
        assert_int_equal(truncate(full, DISK_FILE_MAX + 1), 0);
        q.status = -EBADMSG;
        check_answer(&t->root, &q, 2);
        /* a full-size file of nothing: NULs break off the list */
        assert_int_equal(truncate(full, DISK_FILE_MAX), 0);
        check_answer(&t->root, &q, 3);

        /* the other list still counts */
        tree_write(t, volatile_list, "[{\"id\":\"" ID64("a") "\",\"names\":[\"good\"]}]");
        q.status = 0;
        q.text = " name=good";
        check_answer(&t->root, &q, 4);
}

static void test_denied(void **state)
{
        struct tree *t = *state;
        struct question q = {RUNTIME_DOCKER, 0, ID64("a"), 0, -EACCES, NULL};
        tree_mkdir(t, "var/lib/docker/containers");
        _cleanup_free_ char *dir = tree_path(t, "var/lib/docker");
        assert_int_equal(chmod(dir, 0), 0);
        assert_int_equal(seteuid(getuid() ? getuid() : 4321), 0); /* root may read everything */
        check_answer(&t->root, &q, 0);
        assert_int_equal(seteuid(getuid()), 0);
        assert_int_equal(chmod(dir, 0755), 0);
}

/* --- parsers -----------------------------------------------------------------------------------
 */

static char *join_slices(const char *text, int *ret_end)
{
        struct str s = STR_INIT;
        struct json_slices it;
        const char *slice;
        size_t n;
        *ret_end = json_slices_open(&it, text, strlen(text));
        while (*ret_end >= 0 && (*ret_end = json_slices_next(&it, &slice, &n)) > 0) {
                str_addc(&s, '|');
                str_addn(&s, slice, n);
        }
        return str_take(&s);
}

static void test_slices(void **state)
{
        (void)state;
        static const struct {
                const char *text, *slices;
                int end;
        } cases[] = {
                {"[]", "", 0},
                {"", "", 0},
                {"null\n", "", 0},
                {" [ 1 ,2, \"a,]\\\"b\" , {\"x\":[1,{}],\"y\":\"}\"} ]  ",
                 "|1 |2|\"a,]\\\"b\" |{\"x\":[1,{}],\"y\":\"}\"} ", 0},
                {"[1", "", -EBADMSG},
                {"[1,{\"a\":2}", "|1", -EBADMSG},
                {"[\"a", "", -EBADMSG},
                {"[\"a\\", "", -EBADMSG},
                {"[[[1,2]", "", -EBADMSG},
                {"[}]", "", -EBADMSG},
                {"{}", "", -EBADMSG},
                {"nul", "", -EBADMSG},
                {"hello", "", -EBADMSG},
        };
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                int end;
                _cleanup_free_ char *got = join_slices(cases[i].text, &end);
                if (end != cases[i].end || !streq(got, cases[i].slices))
                        fail_msg("case %zu: %d \"%s\"", i, end, got);
        }
}

static void test_dense_json(void **state)
{
        (void)state;
        size_t n = 1 << 20;
        _cleanup_free_ char *text = xmalloc(n);
        memset(text, '[', n);
        assert_null(disk_json_parse(text, n));
        for (size_t i = 1; i < n - 1; i++)
                text[i] = i % 2 ? '1' : ',';
        text[n - 2] = ' ';
        text[n - 1] = ']';
        assert_null(disk_json_parse(text, n));
        /* deep, within the bound on elements */
        memset(text, '[', 100000);
        memset(text + 100000, ']', 100000);
        assert_null(disk_json_parse(text, 200000));
        json_auto_t *good = disk_json_parse("[1,2]", 5);
        assert_int_equal(json_array_size(good), 2);
}

/* A hostile neighbour in the list hides nobody. */
static void test_neighbours(void **state)
{
        (void)state;
        _cleanup_str_ struct str list = STR_INIT;
        str_add(&list, "[{\"id\":\"x\",\"names\":");
        str_pad(&list, '[', 300000);
        str_pad(&list, ']', 300000);
        str_add(&list, "},{\"id\":x},{\"names\":[\"x\"]},{\"id\":\"x\",\"names\":[\"found\"]}]");
        struct facts f = {0};
        assert_int_equal(podman_parse(list.p, list.len, "id", "x", &f), 0);
        assert_string_equal(f.name, "found");
        facts_done(&f);
}

static void test_conmon(void **state)
{
        (void)state;
#define ARGS(s) s, sizeof(s)
        static const struct {
                const char *cmdline;
                size_t n;
                const char *id, *name, *bundle;
                bool exec;
        } cases[] = {
                {ARGS("conmon\0-c\0abc\0-u\0abc\0-n\0web\0-b\0/b"), "abc", "web", "/b", false},
                {ARGS("conmon\0--cid\0abc\0--name\0web\0--bundle\0/b"), "abc", "web", "/b", false},
                /* only the first of a kind, nothing from the commands it will run */
                {ARGS("conmon\0-c\0abc\0--exit-command-arg\0-n\0--exit-command-arg\0x\0-n\0web"),
                 "abc", "web", NULL, false},
                {ARGS("conmon\0-c\0abc\0-n\0web\0-n\0evil"), "abc", "web", NULL, false},
                {ARGS("conmon\0-c\0abc\0-e\0-n\0web"), NULL, NULL, NULL, true},
                {ARGS("conmon\0-n\0web"), NULL, NULL, NULL, false},
                {ARGS("conmon\0-c\0../x\0-n\0web"), NULL, NULL, NULL, false},
                {ARGS("conmon\0-c"), NULL, NULL, NULL, false},
                {ARGS("conmon\0-c\0abc\0-n"), "abc", NULL, NULL, false},
                {ARGS("conmon\0-c\0abc\0--exit-command-arg"), "abc", NULL, NULL, false},
                {ARGS(""), NULL, NULL, NULL, false},
                {"", 0, NULL, NULL, NULL, false},
        };
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct conmon c = {0};
                conmon_parse(cases[i].cmdline, cases[i].n, &c);
                const char *got[] = {c.id, c.name, c.bundle};
                const char *want[] = {cases[i].id, cases[i].name, cases[i].bundle};
                for (size_t k = 0; k < ARRAY_SIZE(got); k++)
                        if (!got[k] != !want[k] || (got[k] && !streq(got[k], want[k])))
                                fail_msg("case %zu, text %zu: %s", i, k, got[k] ? got[k] : "-");
                assert_int_equal(c.exec, cases[i].exec);
                conmon_done(&c);
        }
}

static void test_oci_state(void **state)
{
        (void)state;
        static const struct {
                const char *text;
                int status;
                pid_t pid;
                uint64_t start;
                const char *bundle;
        } cases[] = {
                {"{\"init_process_pid\":7,\"init_process_start\":9,"
                 "\"config\":{\"labels\":[\"a=b\",\"bundle=/x=y\",3]}}",
                 0, 7, 9, "/x=y"},
                {"{\"pid\":7,\"process-start-time\":9,\"bundle\":\"/x\"}", 0, 7, 9, "/x"},
                {"{\"pid\":7}", 0, 7, 0, NULL},
                {"{\"pid\":0}", -EBADMSG, 0, 0, NULL},
                {"{\"pid\":-1}", -EBADMSG, 0, 0, NULL},
                {"{\"pid\":99999999999}", -EBADMSG, 0, 0, NULL},
                {"{\"pid\":99999999999999999999}", -EBADMSG, 0, 0, NULL},
                {"{\"pid\":\"7\"}", -EBADMSG, 0, 0, NULL},
                {"[7]", -EBADMSG, 0, 0, NULL},
                {"", -EBADMSG, 0, 0, NULL},
        };
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct oci_state s = {0};
                int e = oci_state_parse(cases[i].text, strlen(cases[i].text), &s);
                bool same =
                        cases[i].bundle ? s.bundle && streq(s.bundle, cases[i].bundle) : !s.bundle;
                if (e != cases[i].status || s.pid != cases[i].pid ||
                    s.start_ticks != cases[i].start || !same)
                        fail_msg("case %zu: %d", i, e);
                oci_state_done(&s);
        }
}

static void test_mount_hints(void **state)
{
        (void)state;
        char text[] = "1 0 0:9 / / rw - overlay overlay rw,upperdir=/g/st/overlay/" ID64(
                "a") "/diff\n"
                     "2 1 8:1 /d/containers/" ID64(
                             "b") "/hosts//deleted /etc/hosts rw - ext4 x rw\n"
                                  "3 1 8:1 /d/containers/" ID64(
                                          "c") "/data /data rw - ext4 x rw\n"
                                               "4 1 8:1 /containers/short/hostname /etc/hostname "
                                               "rw - ext4 x rw\n"
                                               "5 1 0:8 /st/overlay-containers/" ID64(
                                                       "d") "/userdata/resolv.conf"
                                                            " /etc/resolv.conf rw - tmpfs x rw\n"
                                                            "6 1 0:8 /st/overlay-containers/" ID64(
                                                                    "e") "/userdata/.containerenv"
                                                                         " /run/.containerenv rw - "
                                                                         "tmpfs x rw\n"
                                                                         "junk\n";
        struct mount_hints h = {0};
        mount_hints_parse(text, &h);
        assert_string_equal(h.layer, ID64("a"));
        assert_string_equal(h.docker_id, ID64("b"));
        assert_string_equal(h.storage_id, ID64("e"));
        assert_int_equal(h.docker.n, 1);
        assert_string_equal(h.docker.p[0].path, "/d/containers");
        assert_int_equal(h.docker.p[0].major, 8);
        assert_false(h.docker.p[0].on_host);
        assert_int_equal(h.storage.n, 2);
        assert_string_equal(h.storage.p[0].path, "/g/st/overlay-containers");
        assert_true(h.storage.p[0].on_host);
        assert_string_equal(h.storage.p[1].path, "/st/overlay-containers");
        mount_hints_done(&h);
        assert_null(h.layer);
}

static void test_home(void **state)
{
        (void)state;
        struct root r;
        open_fixture(&r, "disk-podman");
        _cleanup_free_ char *ann = home_of(&r, 1000), *superuser = home_of(&r, 0);
        assert_string_equal(ann, "/home/ann");
        assert_string_equal(superuser, "/root");
        assert_null(home_of(&r, 1001)); /* not absolute */
        assert_null(home_of(&r, 1));    /* in a line with a broken uid */
        assert_null(home_of(&r, 7));
        root_close(&r);
}

static void test_query_wire(void **state)
{
        (void)state;
        struct disk_query q = {
                .runtime = RUNTIME_PODMAN, .owner_uid = UINT32_MAX, .id = "x", .pid = 42};
        struct disk_query got = {0};
        _cleanup_str_ struct str s = STR_INIT;
        disk_query_pack(&q, &s);
        struct wire w = wire_of(s.p, s.len);
        assert_int_equal(disk_query_unpack(&w, &got), 0);
        assert_int_equal(got.runtime, RUNTIME_PODMAN);
        assert_int_equal(got.owner_uid, UINT32_MAX);
        assert_int_equal(got.pid, 42);
        assert_string_equal(got.id, "x");
        for (size_t n = 0; n < s.len; n++) {
                w = wire_of(s.p, n);
                assert_int_equal(disk_query_unpack(&w, &got), -EBADMSG);
        }
        q.runtime = RUNTIME_COUNT;
        str_clear(&s);
        disk_query_pack(&q, &s);
        w = wire_of(s.p, s.len);
        assert_int_equal(disk_query_unpack(&w, &got), -EBADMSG);
}

static void test_facts_wire(void **state)
{
        (void)state;
        struct facts f = {.id = xstrdup("full"), .name = xstrdup("web")}, got = {0};
        _cleanup_str_ struct str s = STR_INIT;
        facts_add_label(&f, "a", "b");
        facts_pack(&f, &s);
        struct wire w = wire_of(s.p, s.len);
        assert_int_equal(facts_unpack(&w, &got), 0);
        _cleanup_free_ char *text = describe(&got);
        assert_string_equal(text, " id=full name=web a:b");
        facts_done(&f);
        facts_done(&got);
}

#define with_tree(f) cmocka_unit_test_setup_teardown(f, tree_setup, tree_teardown)

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_docker),
                cmocka_unit_test(test_podman),
                cmocka_unit_test(test_kubernetes),
                cmocka_unit_test(test_oci),
                with_tree(test_safe_read),
                with_tree(test_safe_links),
                with_tree(test_foreign_owner),
                with_tree(test_hostile_store),
                with_tree(test_denied),
                cmocka_unit_test(test_slices),
                cmocka_unit_test(test_dense_json),
                cmocka_unit_test(test_neighbours),
                cmocka_unit_test(test_conmon),
                cmocka_unit_test(test_oci_state),
                cmocka_unit_test(test_mount_hints),
                cmocka_unit_test(test_home),
                cmocka_unit_test(test_query_wire),
                cmocka_unit_test(test_facts_wire),
        };
        if (!getenv("CTOP_SOURCE_ROOT")) {
                fputs("CTOP_SOURCE_ROOT is not set\n", stderr);
                return 1;
        }
        return cmocka_run_group_tests(tests, NULL, NULL);
}
