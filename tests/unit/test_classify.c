/* SPDX-License-Identifier: MIT */

/*
 * Paths as real hosts and the sources of the engines have them, and what each of their levels is:
 * "." plain, "C" container, "P" pod, "H" helper, "I" inner, "S" service, "_" not looked at.
 */

#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/mem.h"
#include "kernel/classify.h"

#define H1    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define H2    "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210"
#define H3    "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define H63   "123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define B1    "f5lxx1zz5pnorynqglhzmsp33"
#define MD5   "0a1b2c3d4e5f60718293a4b5c6d7e8f9"
#define UID   "12345678-9abc-def0-1234-56789abcdef0"
#define UID_  "12345678_9abc_def0_1234_56789abcdef0"
#define U1000 "/user.slice/user-1000.slice/user@1000.service"
#define R     "\xef\xbf\xbd" /* U+FFFD */

struct row {
        const char *path;
        const char *roles;
        /* What the last level that is C, P or S says; the rest is only for those. */
        const char *runtime, *kind, *id, *name, *pod;
        uint32_t owner;
};

static const char role_letters[] = {
        [CG_PLAIN] = '.',  [CG_CONTAINER] = 'C', [CG_POD] = 'P',
        [CG_HELPER] = 'H', [CG_INNER] = 'I',     [CG_SERVICE] = 'S',
};

#define MAX_LEVELS 64

struct walk {
        char roles[MAX_LEVELS + 1];
        struct cg_class level[MAX_LEVELS];
        size_t end[MAX_LEVELS]; /* bytes of the path up to the level's end */
        size_t n;
};

/* Goes down as a sweep of the cgroups does; written apart from classify_path(). */
static void walk(const char *path, struct walk *w)
{
        static char copy[PATH_MAX];
        const char *component[MAX_LEVELS];
        size_t around = SIZE_MAX;
        bool helper = false;
        *w = (struct walk){0};
        assert_true(strlen(path) < sizeof(copy));
        snprintf(copy, sizeof(copy), "%s", path);
        for (char *save = NULL, *s = strtok_r(copy, "/", &save); s;
             s = strtok_r(NULL, "/", &save)) {
                size_t i = w->n++;
                assert_true(w->n <= MAX_LEVELS);
                component[i] = s;
                w->end[i] = (size_t)(s - copy) + strlen(s);
                w->roles[i] = '_';
                if (helper)
                        continue;
                bool has = around != SIZE_MAX;
                classify(component, w->n, has ? &w->level[around] : NULL, has ? i - around - 1 : 0,
                         &w->level[i]);
                enum cg_role role = w->level[i].role;
                w->roles[i] = role_letters[role];
                helper = role == CG_HELPER;
                if (role == CG_CONTAINER || role == CG_POD)
                        around = i;
        }
}

static void walk_done(struct walk *w)
{
        for (size_t i = 0; i < w->n; i++)
                cg_class_done(&w->level[i]);
}

static size_t last_level(const struct walk *w, const char *of)
{
        for (size_t i = w->n; i-- > 0;)
                if (strchr(of, w->roles[i]))
                        return i;
        return SIZE_MAX;
}

static void expect_text(const char *path, const char *what, const char *got, const char *want)
{
        bool same = got && want ? streq(got, want) : got == want;
        if (!same)
                fail_msg("%s: %s is %s, not %s", path, what, got ? got : "NULL",
                         want ? want : "NULL");
}

static void expect_class(const char *path, const struct cg_class *c, const struct row *row)
{
        expect_text(path, "runtime", runtime_names[c->runtime], row->runtime);
        expect_text(path, "kind", kind_names[c->kind], row->kind);
        expect_text(path, "id", c->id, row->id);
        expect_text(path, "name", c->name, row->name);
        expect_text(path, "pod", c->pod, row->pod);
        if (c->owner_uid != row->owner)
                fail_msg("%s: owner is %u, not %u", path, c->owner_uid, row->owner);
}

/* classify_path() has to name the innermost container of the walk, and where it ends. */
static void expect_path(const char *path, const struct walk *w)
{
        struct cg_class c = {.owner_uid = 77};
        size_t len = 4711, at = last_level(w, "C");
        int r = classify_path(path, &c, &len);
        if (at == SIZE_MAX) {
                assert_int_equal(r, -ENOENT);
                assert_int_equal(c.owner_uid, 77);
                assert_int_equal(len, 4711);
                return;
        }
        const struct cg_class *want = &w->level[at];
        assert_int_equal(r, 0);
        assert_int_equal(len, w->end[at]);
        expect_class(path, &c,
                     &(struct row){.runtime = runtime_names[want->runtime],
                                   .kind = kind_names[want->kind],
                                   .id = want->id,
                                   .name = want->name,
                                   .pod = want->pod,
                                   .owner = want->owner_uid});
        cg_class_done(&c);
}

static void check_rows(const struct row *rows, size_t n)
{
        for (size_t i = 0; i < n; i++) {
                const struct row *row = &rows[i];
                struct walk w;
                walk(row->path, &w);
                expect_text(row->path, "the row of roles", w.roles, row->roles);
                size_t at = last_level(&w, "CPS");
                if (at != SIZE_MAX)
                        expect_class(row->path, &w.level[at], row);
                for (size_t k = 0; k < w.n; k++)
                        if (strchr(".HI", w.roles[k])) {
                                assert_null(w.level[k].id);
                                assert_null(w.level[k].name);
                                assert_null(w.level[k].pod);
                        }
                expect_path(row->path, &w);
                walk_done(&w);
        }
}

#define CHECK_ROWS(rows) check_rows(rows, ARRAY_SIZE(rows))

static void test_docker(void **state)
{
        (void)state;
        static const struct row rows[] = {
                {"/system.slice/docker-" H1 ".scope", ".C", "docker", "container", H1},
                {"/docker/" H1, ".C", "docker", "container", H1},
                {U1000 "/user.slice/docker-" H1 ".scope", "..S.C", "docker", "container", H1,
                 .owner = 1000},
                {"/shop.slice/shop-web.slice/docker-" H1 ".scope", "..C", "docker", "container",
                 H1},
                {"/batch/night/" H1, "..C", "docker", "container", H1},
                {"/" H1, "C", "docker", "container", H1},
                {"/moby/" H1, ".C", "docker", "container", H1},
                {"/system.slice/docker-" B1 ".scope", ".C", "buildkit", "build", B1},
                {"/docker/buildkit/" B1, "..C", "buildkit", "build", B1},
                {"/buildkit/" B1, ".C", "buildkit", "build", B1},
                {"/ci/buildkit/" B1, "..C", "buildkit", "build", B1},
                {"/ci.slice/buildkit-" B1 ".scope", ".C", "buildkit", "build", B1},
                /* Near misses: 63 and 65 digits, capitals, other lengths and suffixes. */
                {"/docker/" H63, ".."},
                {"/docker/a" H1, ".."},
                {"/system.slice/docker-" H63 ".scope", ".."},
                {"/system.slice/docker-" H1 "0.scope", ".."},
                {"/system.slice/docker-A" H63 ".scope", ".."},
                {"/system.slice/docker-" H1, ".."},
                {"/system.slice/docker-" H1 ".scope.d", ".."},
                {"/system.slice/docker-" H1 ".mount", ".."},
                {"/system.slice/docker-" B1 "0.scope", ".."},
                {"/system.slice/docker-.scope", ".."},
                {"/docker/buildkit", ".."},
                {"/docker/buildkit/x", "..."},
                {"/docker/" B1, ".."},
                {"/system.slice/docker.service", ".S", "systemd", "service", "docker.service",
                 "docker"},
        };
        CHECK_ROWS(rows);
}

static void test_podman(void **state)
{
        (void)state;
        static const struct row rows[] = {
                {"/machine.slice/libpod-" H1 ".scope", ".C", "podman", "container", H1},
                {"/machine.slice/libpod-" H1 ".scope/container", ".CI", "podman", "container", H1},
                {"/libpod_parent/libpod-" H1, ".C", "podman", "container", H1},
                {"/lab.slice/libpod-" H1 ".scope/container", ".CI", "podman", "container", H1},
                {"/lab/libpod-" H1, ".C", "podman", "container", H1},
                {U1000 "/user.slice/libpod-" H1 ".scope/container", "..S.CI", "podman", "container",
                 H1, .owner = 1000},
                {"/machine.slice/machine-libpod_pod_" H2 ".slice", ".P", "podman", "pod", H2,
                 .pod = H2},
                {"/machine.slice/machine-libpod_pod_" H2 ".slice/libpod-" H1 ".scope/container",
                 ".PCI", "podman", "container", H1, .pod = H2},
                {U1000 "/user.slice/user-libpod_pod_" H2 ".slice/libpod-" H1 ".scope/container",
                 "..S.PCI", "podman", "container", H1, .pod = H2, .owner = 1000},
                {"/a.slice/a-b.slice/a-b-libpod_pod_" H2 ".slice/libpod-" H1 ".scope", "..PC",
                 "podman", "container", H1, .pod = H2},
                {"/libpod_parent/" H2, ".P", "podman", "pod", H2, .pod = H2},
                {"/libpod_parent/" H2 "/libpod-" H1, ".PC", "podman", "container", H1, .pod = H2},
                {"/system.slice/web.service/libpod-payload-" H1, ".SC", "podman", "container", H1},
                {U1000 "/app.slice/web.service/libpod-payload-" H1 "/container", "..S.SCI",
                 "podman", "container", H1, .owner = 1000},
                {"/system.slice/web.service/supervisor", ".SH", "systemd", "service", "web.service",
                 "web"},
                {"/system.slice/web.service/runtime", ".SH", "systemd", "service", "web.service",
                 "web"},
                {"/system.slice/run-r12.scope/runtime", "..H"},
                {"/machine.slice/libpod-conmon-" H1 ".scope", ".H"},
                {U1000 "/user.slice/libpod-conmon-" H1 ".scope", "..S.H", "systemd", "service",
                 "user@1000.service", "user@1000", .owner = 1000},
                {U1000 "/user.slice/podman-pause-93753f28.scope", "..S.H", "systemd", "service",
                 "user@1000.service", "user@1000", .owner = 1000},
                {"/libpod_parent/conmon", ".H"},
                {"/libpod_parent/" H2 "/conmon", ".PH", "podman", "pod", H2, .pod = H2},
                {"/lab/conmon", ".H"},
                /* Shared by the conmon and the container: no name tells them apart. */
                {U1000 "/user.slice/podman-4711.scope", "..S..", "systemd", "service",
                 "user@1000.service", "user@1000", .owner = 1000},
                {"/machine.slice/machine-libpod_pod_" H63 ".slice", ".."},
                {"/machine.slice/libpod-" H63 ".scope", ".."},
                {"/libpod_parent", "."},
                {"/runtime", "."},
                {"/lab/runtime", ".."},
        };
        CHECK_ROWS(rows);
}

static void test_kubernetes(void **state)
{
        (void)state;
#define BURST "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" UID_ ".slice"
#define BEST  "/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod" UID_ ".slice"
#define KIND                                                                                       \
        "/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-besteffort.slice/"                 \
        "kubelet-kubepods-besteffort-pod" UID_ ".slice"
        static const struct row rows[] = {
                {BURST, "..P", "kubernetes", "pod", UID, .pod = UID},
                {BURST "/cri-containerd-" H1 ".scope", "..PC", "containerd", "container", H1,
                 .pod = UID},
                {BEST "/crio-" H1 ".scope", "..PC", "crio", "container", H1, .pod = UID},
                {BEST "/crio-" H1 ".scope/container", "..PCI", "crio", "container", H1, .pod = UID},
                {BEST "/docker-" H1 ".scope", "..PC", "docker", "container", H1, .pod = UID},
                {BEST "/crio-" H1, "..PH", "kubernetes", "pod", UID, .pod = UID},
                {BEST "/crio-conmon-" H1 ".scope", "..PH", "kubernetes", "pod", UID, .pod = UID},
                {"/kubepods.slice/kubepods-pod" UID_ ".slice/cri-containerd-" H1 ".scope", ".PC",
                 "containerd", "container", H1, .pod = UID},
                {"/kubepods.slice/kubepods-pod" MD5 ".slice/cri-containerd-" H1 ".scope", ".PC",
                 "containerd", "container", H1, .pod = MD5},
                {"/kubepods/burstable/pod" UID "/" H1, "..PC", "kubernetes", "container", H1,
                 .pod = UID},
                {"/kubepods/besteffort/pod" UID "/" H1, "..PC", "kubernetes", "container", H1,
                 .pod = UID},
                {"/kubepods/pod" UID "/" H1, ".PC", "kubernetes", "container", H1, .pod = UID},
                {"/kubepods/pod" MD5 "/" H1, ".PC", "kubernetes", "container", H1, .pod = MD5},
                {"/kubelet/kubepods/burstable/pod" UID "/" H1, "...PC", "kubernetes", "container",
                 H1, .pod = UID},
                {"/kubepods/pod" UID "/crio-" H1, ".PC", "crio", "container", H1, .pod = UID},
                {"/kubepods/pod" UID "/crio-conmon-" H1, ".PH", "kubernetes", "pod", UID,
                 .pod = UID},
                {"/crio/crio-" H1, ".C", "crio", "container", H1},
                {"/kubepods/pod" UID "/kata_" H1, ".PC", "kubernetes", "container", H1, .pod = UID},
                {"/vc/kata_" H1, ".C", "containerd", "container", H1},
                {"/kata_overhead/kubepods/pod" UID "/" H1, "H___"},
                {KIND "/cri-containerd-" H1 ".scope", "...PC", "containerd", "container", H1,
                 .pod = UID},
                {"/system.slice/docker-" H2 ".scope" KIND "/cri-containerd-" H1 ".scope", ".C...PC",
                 "containerd", "container", H1, .pod = UID},
                {"/docker/" H2 "/kubelet/kubepods/besteffort/pod" UID "/" H1, ".C...PC",
                 "kubernetes", "container", H1, .pod = UID},
                {"/system.slice/containerd.service/kubepods-burstable-pod" UID_
                 ".slice:cri-containerd:" H1,
                 ".SC", "containerd", "container", H1, .pod = UID},
                {"/kubepods-pod" UID_ ".slice:cri-containerd:" H1, "C", "containerd", "container",
                 H1, .pod = UID},
                /* Near misses. */
                {"/kubepods.slice/kubepods-burstable.slice", ".."},
                {"/kubepods.slice/kubepods-podx.slice", ".."},
                {"/kubepods.slice/kubepods-pod12345678-9abc_def0-1234-56789abcdef0.slice", ".."},
                {"/kubepods.slice/xkubepods-pod" UID_ ".slice", ".."},
                {"/pod" UID "/" H1, ".C", "docker", "container", H1},
                {"/kubepods/pod" UID "/" H63, ".P.", "kubernetes", "pod", UID, .pod = UID},
        };
        CHECK_ROWS(rows);
#undef BURST
#undef BEST
#undef KIND
}

static void test_other_engines(void **state)
{
        (void)state;
        static const struct row rows[] = {
                {"/system.slice/nerdctl-" H1 ".scope", ".C", "nerdctl", "container", H1},
                {U1000 "/user.slice/nerdctl-" H1 ".scope", "..S.C", "nerdctl", "container", H1,
                 .owner = 1000},
                {"/default/" H1, ".C", "nerdctl", "container", H1},
                {"/k8s.io/" H1, ".C", "containerd", "container", H1},
                {"/default/redis", ".."},
                {"/default", "."},
                {"/ecstasks.slice/ecstasks-" MD5 ".slice", ".P", "ecs", "pod", MD5, .pod = MD5},
                {"/ecstasks.slice/ecstasks-" MD5 ".slice/docker-" H1 ".scope", ".PC", "docker",
                 "container", H1, .pod = MD5},
                {"/ecs/" MD5 "/" H1, ".PC", "docker", "container", H1, .pod = MD5},
                {"/ecs/" UID "/" H1, ".PC", "docker", "container", H1, .pod = UID},
                {"/ecs/" MD5 "/" MD5 "-1234567", ".PC", "ecs", "container", MD5 "-1234567",
                 .pod = MD5},
                {"/system.slice/runc-r1.scope", ".C", "runc", "container", "r1", "r1"},
                {"/system.slice/runc-" H1 ".scope", ".C", "runc", "container", H1},
                {"/system.slice/crun-my-box.scope/container", ".CI", "crun", "container", "my-box",
                 "my-box"},
                {"/system.slice/crun-" H1 ".scope", ".C", "crun", "container", H1},
                {U1000 "/user.slice/crun-c_1.scope/container/init", "..S.CII", "crun", "container",
                 "c_1", "c_1", .owner = 1000},
                {"/system.slice/runc-.scope", ".."},
                {"/system.slice/r1", ".."},
                {"/r1", "."},
                {"/garden/3f2a-handle", ".C", "garden", "container", "3f2a-handle", "3f2a-handle"},
                {"/a/garden/good/handle/init", "...CI", "garden", "container", "handle", "handle"},
                {"/garden/bad/handle", "..C", "garden", "container", "handle", "handle"},
                {"/garden/good", ".."},
                {"/garden/bad", ".."},
                {"/good/handle", ".."},
                {"/garden/x.service", ".S", "systemd", "service", "x.service", "x"},
                {"/apptainer/4711", ".C", "apptainer", "container", "4711"},
                {"/singularity/4711", ".C", "apptainer", "container", "4711"},
                {U1000 "/user.slice/apptainer-4711.scope", "..S.C", "apptainer", "container",
                 "4711", .owner = 1000},
                {"/apptainer/x", ".."},
                {"/4711", "."},
        };
        CHECK_ROWS(rows);
}

static void test_lxc(void **state)
{
        (void)state;
        static const struct row rows[] = {
                {"/lxc.payload.web", "C", "lxc", "container", "web", "web"},
                {"/lxc.payload.web-1", "C", "lxc", "container", "web-1", "web-1"},
                {"/lxc.payload.shop_db.eu", "C", "lxc", "container", "shop_db.eu", "shop_db.eu"},
                {"/lxc.payload.web/init.scope", "C.", "lxc", "container", "web", "web"},
                {"/lxc.payload.web/system.slice/nginx.service", "C..", "lxc", "container", "web",
                 "web"},
                {"/lxc/web", ".C", "lxc", "container", "web", "web"},
                {"/lxc/web/payload", ".CI", "lxc", "container", "web", "web"},
                {"/lxc/web/monitor", ".CH", "lxc", "container", "web", "web"},
                {"/lxc.payload/web", ".C", "lxc", "container", "web", "web"},
                {"/lxc.monitor/web", "H_"},
                {"/lxc.monitor.web", "H"},
                {"/lxc.monitor.web-1", "H"},
                {"/lxc.pivot", "H"},
                {"/D/lxc.payload.web", ".C", "lxc", "container", "web", "web"},
                {U1000 "/app.slice/run-r9.scope/lxc.payload.box", "..S..C", "lxc", "container",
                 "box", "box", .owner = 1000},
                {"/lxc.payload.x.mount", "."},
                {"/lxc.payload.x.swap", "."},
                {"/lxc", "."},
                {"/lxc.payload", "."},
                {"/lxc.payload.", "."},
                {"/lxc/x.mount", ".."},
                {"/lxc/init.scope", ".."},
                {"/lxc/a.slice", ".."},
                {"/payload", "."},
                {"/x/payload", ".."},
                {"/x/monitor", ".."},
                /* Docker in LXD, LXD in LXD, docker in docker. */
                {"/lxc.payload.ci/docker/" H1, "C.C", "docker", "container", H1},
                {"/lxc.payload.ci/system.slice/docker-" H1 ".scope", "C.C", "docker", "container",
                 H1},
                {"/lxc.payload.a/lxc.payload.b", "CC", "lxc", "container", "b", "b"},
                {"/system.slice/docker-" H1 ".scope/docker/" H2, ".C.C", "docker", "container", H2},
                {"/docker/" H1 "/init", ".CI", "docker", "container", H1},
                {"/docker/" H1 "/docker/" H2 "/docker/" H3, ".C.C.C", "docker", "container", H3},
                {"/docker/" H1 "/docker/buildkit/" B1, ".C..C", "buildkit", "build", B1},
        };
        CHECK_ROWS(rows);
}

static void test_machines(void **state)
{
        (void)state;
        static const struct row rows[] = {
                {"/machine.slice/machine-box.scope/payload", ".CI", "nspawn", "machine", "box",
                 "box"},
                {"/machine.slice/machine-my\\x2dbox.scope", ".C", "nspawn", "machine", "my-box",
                 "my-box"},
                {"/machine.slice/machine-a\\x2db\\x2dc.scope/payload/init.scope", ".CI.", "nspawn",
                 "machine", "a-b-c", "a-b-c"},
                {"/machine.slice/systemd-nspawn@box.service", ".C", "nspawn", "machine", "box",
                 "box"},
                {"/machine.slice/systemd-nspawn@my-box.service/payload/system.slice/x.service",
                 ".CI..", "nspawn", "machine", "my-box", "my-box"},
                {"/machine.slice/systemd-nspawn@box.service/supervisor", ".CH", "nspawn", "machine",
                 "box", "box"},
                {"/machine.slice/machine-qemu\\x2d3\\x2dwin\\x2d11.scope/libvirt/emulator", ".CI.",
                 "libvirt", "vm", "win-11", "win-11"},
                {"/machine.slice/machine-lxc\\x2d12\\x2dbb.scope/libvirt", ".CI", "libvirt",
                 "container", "bb", "bb"},
                {"/machine/qemu-1-vm-one.libvirt-qemu/vcpu0", ".C.", "libvirt", "vm", "vm-one",
                 "vm-one"},
                {"/machine/prod.partition/old.libvirt-qemu", "..C", "libvirt", "vm", "old", "old"},
                {"/machine/bb.libvirt-lxc", ".C", "libvirt", "container", "bb", "bb"},
                {"/machine/lxc-7-bb.libvirt-lxc", ".C", "libvirt", "container", "bb", "bb"},
                /* A broken escape, and one that is a machine of nspawn after all. */
                {"/machine.slice/machine-a\\x2.scope", ".C", "nspawn", "machine", "a\\x2", "a\\x2"},
                {"/machine.slice/machine-qemu\\x2dbox.scope", ".C", "nspawn", "machine", "qemu-box",
                 "qemu-box"},
                {"/machine.slice", "."},
                {"/machine.slice/machine-x.slice", ".."},
                {"/machine.slice/machine-.scope", ".."},
                {"/machine.slice/systemd-nspawn@.service", ".S", "systemd", "service",
                 "systemd-nspawn@.service", "systemd-nspawn@"},
        };
        CHECK_ROWS(rows);
}

static void test_sandboxes(void **state)
{
        (void)state;
        static const struct row rows[] = {
                {U1000 "/app.slice/app-flatpak-org.gnome.Maps-4711.scope", "..S.C", "flatpak",
                 "sandbox", "org.gnome.Maps-4711", "org.gnome.Maps", .owner = 1000},
                {U1000 "/app.slice/app-flatpak-org.x.A\\x2dB-12.scope", "..S.C", "flatpak",
                 "sandbox", "org.x.A-B-12", "org.x.A-B", .owner = 1000},
                {U1000 "/app.slice/snap.firefox.firefox." UID ".scope", "..S.C", "snap", "sandbox",
                 "firefox.firefox." UID, "firefox.firefox", .owner = 1000},
                {U1000 "/app.slice/snap.firefox.firefox-" UID ".scope", "..S.C", "snap", "sandbox",
                 "firefox.firefox-" UID, "firefox.firefox", .owner = 1000},
                {"/system.slice/snap.hello.hook.configure." UID ".scope", ".C", "snap", "sandbox",
                 "hello.hook.configure." UID, "hello.hook.configure"},
                {"/system.slice/snap.lxd.daemon.service", ".C", "snap", "sandbox", "lxd.daemon",
                 "lxd.daemon"},
                {U1000 "/app.slice/app-gnome-org.gnome.Maps-4711.scope", "..S..", "systemd",
                 "service", "user@1000.service", "user@1000", .owner = 1000},
                {"/system.slice/snap.lxd.scope", ".."},
                {"/system.slice/snap-core-1.mount", ".."},
                {"/system.slice/snapd.service", ".S", "systemd", "service", "snapd.service",
                 "snapd"},
                /* Within a container only nested engines make rows. */
                {"/lxc.payload.a/system.slice/snap.lxd.daemon.service", "C..", "lxc", "container",
                 "a", "a"},
        };
        CHECK_ROWS(rows);
}

static void test_services(void **state)
{
        (void)state;
        static const struct row rows[] = {
                {"/system.slice/nginx.service", ".S", "systemd", "service", "nginx.service",
                 "nginx"},
                {"/system.slice/system-getty.slice/getty@tty1.service", "..S", "systemd", "service",
                 "getty@tty1.service", "getty@tty1"},
                {"/system.slice/fsck@dev-sd\\x2da.service", ".S", "systemd", "service",
                 "fsck@dev-sd\\x2da.service", "fsck@dev-sd-a"},
                {U1000 "/app.slice/mpd.service", "..S.S", "systemd", "service", "mpd.service",
                 "mpd", .owner = 1000},
                /* cg_escape */
                {"/system.slice/_memory.x.service", ".S", "systemd", "service", "memory.x.service",
                 "memory.x"},
                {"/system.slice/__odd.service", ".S", "systemd", "service", "_odd.service", "_odd"},
                {"/lxc/_box", ".C", "lxc", "container", "_box", "_box"},
                {"/system.slice/.service", ".."},
                {"/init.scope", "."},
                {"/dev-hugepages.mount", "."},
                {"/system.slice/dev-sda2.swap", ".."},
                {"/system.slice/ssh.socket", ".."},
                {"/user.slice/user-1000.slice/session-2.scope", "..."},
                {"/-.slice", "."},
                {"/", ""},
                {"", ""},
                {"//system.slice//nginx.service/", ".S", "systemd", "service", "nginx.service",
                 "nginx"},
                {"/system.slice//docker-" H1 ".scope//", ".C", "docker", "container", H1},
                {"docker/" H1, ".C", "docker", "container", H1},
                {"/system.slice/docker-" H1 ".scope/nginx.service", ".C.", "docker", "container",
                 H1},
                {"/kubepods/pod" UID "/x.service", ".P.", "kubernetes", "pod", UID, .pod = UID},
        };
        CHECK_ROWS(rows);
}

static void test_inner(void **state)
{
        (void)state;
        static const struct row rows[] = {
                {"/container", "."},
                {"/init", "."},
                {"/system.slice/container", ".."},
                {"/machine.slice/libpod-" H1 ".scope/container/container", ".CII", "podman",
                 "container", H1},
                {"/machine.slice/libpod-" H1 ".scope/container/payload", ".CII", "podman",
                 "container", H1},
                {"/machine.slice/libpod-" H1 ".scope/container/x", ".CI.", "podman", "container",
                 H1},
                {"/machine.slice/libpod-" H1 ".scope/container/init/init", ".CII.", "podman",
                 "container", H1},
                {"/machine.slice/libpod-" H1 ".scope/x/container", ".C..", "podman", "container",
                 H1},
                {"/machine.slice/libpod-" H1 ".scope/init/container", ".CI.", "podman", "container",
                 H1},
                {"/machine.slice/libpod-" H1 ".scope/payload", ".C.", "podman", "container", H1},
                {"/docker/" H1 "/libvirt", ".C.", "docker", "container", H1},
                {"/docker/" H1 "/monitor", ".C.", "docker", "container", H1},
                /* An engine inside of what crun made. */
                {"/machine.slice/libpod-" H1 ".scope/container/docker/" H2, ".CI.C", "docker",
                 "container", H2},
                {"/kubepods/pod" UID "/container", ".P.", "kubernetes", "pod", UID, .pod = UID},
                {"/kubepods/pod" UID "/" H1 "/docker/" H2, ".PC.C", "docker", "container", H2},
        };
        CHECK_ROWS(rows);
}

static void test_owner(void **state)
{
        (void)state;
#define D "docker-" H1 ".scope"
        static const struct row rows[] = {
                {"/user.slice/user-1000.slice/" D, "..C", "docker", "container", H1, .owner = 1000},
                {"/user.slice/user@1001.service/" D, ".SC", "docker", "container", H1,
                 .owner = 1001},
                {"/user.slice/user-0.slice/user@0.service/" D, "..SC", "docker", "container", H1},
                {"/user.slice/user-4294967294.slice/" D, "..C", "docker", "container", H1,
                 .owner = 4294967294},
                /* A user makes directories as they like, but does not become another. */
                {U1000 "/user-0.slice/" D, "..S.C", "docker", "container", H1, .owner = 1000},
                {U1000 "/app.slice/user@0.service/" D, "..S.SC", "docker", "container", H1,
                 .owner = 1000},
                {U1000 "/user.slice/user-2000.slice/user@2000.service/" D, "..S..SC", "docker",
                 "container", H1, .owner = 1000},
                /* What lies in a container is the container's affair. */
                {"/lxc.payload.a/user.slice/user-1000.slice/user@1000.service/user.slice/" D,
                 "C....C", "docker", "container", H1},
                {"/machine.slice/machine-a.scope/payload" U1000 "/user.slice/libpod-" H1
                 ".scope/container",
                 ".CI....CI", "podman", "container", H1},
                {U1000 "/user.slice/libpod-" H2 ".scope/container/user.slice/user-0.slice/" D,
                 "..S.CI..C", "docker", "container", H1, .owner = 1000},
                {"/kubepods/pod" UID "/user-1000.slice/" D, ".P.C", "docker", "container", H1,
                 .pod = UID},
                /* Not a user's. */
                {"/user.slice/user-1000x.slice/" D, "..C", "docker", "container", H1},
                {"/user.slice/user-.slice/" D, "..C", "docker", "container", H1},
                {"/user.slice/user-01000.slice/" D, "..C", "docker", "container", H1},
                {"/user.slice/user--1.slice/" D, "..C", "docker", "container", H1},
                {"/user.slice/user- 1.slice/" D, "..C", "docker", "container", H1},
                {"/user.slice/user-4294967295.slice/" D, "..C", "docker", "container", H1},
                {"/user.slice/user-4294968296.slice/" D, "..C", "docker", "container", H1},
                {"/user.slice/user-99999999999999999999.slice/" D, "..C", "docker", "container",
                 H1},
                {"/user.slice/user-1000.slice.d/" D, "..C", "docker", "container", H1},
                {"/user.slice/user-1000-x.slice/" D, "..C", "docker", "container", H1},
                {"/user.slice/user@1000.slice/" D, "..C", "docker", "container", H1},
        };
        CHECK_ROWS(rows);
#undef D

        /* Every role has it: a namespace found in a plain directory has an owner, too. */
        struct walk w;
        walk(U1000 "/app.slice/run-1.scope", &w);
        assert_string_equal(w.roles, "..S..");
        static const uint32_t owners[] = {0, 0, 1000, 1000, 1000};
        for (size_t i = 0; i < w.n; i++)
                assert_int_equal(w.level[i].owner_uid, owners[i]);
        walk_done(&w);
        walk(U1000 "/user.slice/libpod-conmon-" H1 ".scope", &w);
        assert_int_equal(w.level[4].owner_uid, 1000);
        walk_done(&w);
}

static void test_hostile(void **state)
{
        (void)state;
        static const struct row rows[] = {
                {"/lxc.payload.\x1b[31mred", "C", "lxc", "container", R "[31mred", R "[31mred"},
                {"/lxc.payload.a\nb\xc2\x9b", "C", "lxc", "container", "a" R "b" R, "a" R "b" R},
                {"/lxc.payload.\xff\xfe", "C", "lxc", "container", R R, R R},
                {"/machine.slice/machine-\\x1b\\xff.scope", ".C", "nspawn", "machine", R R, R R},
                {"/machine.slice/machine-a\\\\x2d.scope", ".C", "nspawn", "machine", "a\\-",
                 "a\\-"},
                /* No id may lead out of a directory. */
                {"/lxc.payload...", "."},
                {"/lxc.payload..", "."},
                {"/lxc/..", ".."},
                {"/lxc/.", ".."},
                {"/machine.slice/machine-...scope", ".."},
                {"/machine.slice/machine-\\x2e\\x2e.scope", ".."},
                {"/machine.slice/machine-\\x2f.scope", ".."},
                {"/machine.slice/machine-..\\x2f..\\x2fetc.scope", ".."},
                {"/machine.slice/machine-qemu\\x2d1\\x2d...scope", ".."},
                {"/../../docker/" H1, "...C", "docker", "container", H1},
                {"/\\x2d.slice/\\.service", ".S", "systemd", "service", "\\.service", "\\"},
                {"/_", "."},
                {"/_.service", "."},
                {"/ /\t/%s%n", "..."},
                {"/<>[]()/%h", ".."},
        };
        CHECK_ROWS(rows);
}

static void test_sizes(void **state)
{
        (void)state;
        struct cg_class c;
        char name[300];

        /* 255 bytes is what a name may have, all of them kept; more is no cgroup. */
        memset(name, '\x01', sizeof(name));
        memcpy(name, "lxc.payload.", 12);
        name[NAME_MAX] = '\0';
        const char *component = name;
        classify(&component, 1, NULL, 0, &c);
        assert_int_equal(c.role, CG_CONTAINER);
        assert_int_equal(strlen(c.id), 3 * (NAME_MAX - 12));
        assert_string_equal(c.id, c.name);
        cg_class_done(&c);
        assert_null(c.id);
        assert_int_equal(c.role, CG_PLAIN);
        cg_class_done(&c);
        name[NAME_MAX] = 'x';
        name[NAME_MAX + 1] = '\0';
        classify(&component, 1, NULL, 0, &c);
        assert_int_equal(c.role, CG_PLAIN);
        assert_null(c.id);

        /* An empty name, and none at all. */
        component = "";
        classify(&component, 1, NULL, 0, &c);
        assert_int_equal(c.role, CG_PLAIN);
        classify(NULL, 0, NULL, 0, &c);
        assert_int_equal(c.role, CG_PLAIN);

        /* 30 deep, and a path as long as the kernel makes none. */
        _cleanup_str_ struct str path = STR_INIT;
        for (int i = 0; i < 29; i++)
                str_add(&path, "/d");
        str_add(&path, "/docker-" H1 ".scope");
        size_t len = 0;
        assert_int_equal(classify_path(str_get(&path), &c, &len), 0);
        assert_int_equal(len, path.len);
        assert_string_equal(c.id, H1);
        cg_class_done(&c);

        str_clear(&path);
        while (path.len < PATH_MAX - 1)
                str_add(&path, path.len % 2 ? "a" : "/");
        assert_int_equal(path.len, PATH_MAX - 1);
        assert_int_equal(classify_path(str_get(&path), &c, &len), -ENOENT);
        str_add(&path, "a");
        assert_int_equal(classify_path(str_get(&path), &c, &len), -ENAMETOOLONG);
}

/* A stray '-' or digit more in every wildcard position must not take forever: each of these makes
 * the matcher try all it can. */
static void test_backtracking(void **state)
{
        (void)state;
        static const char *const starts[] = {"snap.", "app-flatpak-", "machine-qemu\\x2d1\\x2d",
                                             "kubepods-", "qemu-1-"};
        char name[NAME_MAX + 1];
        for (size_t i = 0; i < ARRAY_SIZE(starts); i++) {
                size_t n = strlen(starts[i]);
                memcpy(name, starts[i], n);
                for (size_t k = n; k < NAME_MAX; k++)
                        name[k] = "-.1"[k % 3];
                name[NAME_MAX] = '\0';
                const char *component = name;
                struct cg_class c;
                classify(&component, 1, NULL, 0, &c);
                assert_int_equal(c.role, CG_PLAIN);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_docker),       cmocka_unit_test(test_podman),
                cmocka_unit_test(test_kubernetes),   cmocka_unit_test(test_other_engines),
                cmocka_unit_test(test_lxc),          cmocka_unit_test(test_machines),
                cmocka_unit_test(test_sandboxes),    cmocka_unit_test(test_services),
                cmocka_unit_test(test_inner),        cmocka_unit_test(test_owner),
                cmocka_unit_test(test_hostile),      cmocka_unit_test(test_sizes),
                cmocka_unit_test(test_backtracking),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
