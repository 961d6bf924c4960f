/* SPDX-License-Identifier: MIT */
#include "app/demo_keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <systemd/sd-daemon.h>

#include "app/demo_cgroup.h"
#include "app/demo_load.h"
#include "app/demo_util.h"
#include "base/mem.h"
#include "runtime/bus.h"

#define START_USEC  6000000
#define BUS_USEC    3000000
#define CLEAN_USEC  10000000
#define WORK_SET    (DEMO_MEMORY_LIMIT / 100 * 92)
#define NOT_LIMITED "no limit: not delegated"
#define NO_TRAFFIC  "no traffic: no veth in this kernel"
#define NAMESPACES  (CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET)

const char *const demo_names[DEMO_CONTAINERS] = {
        [DEMO_WEB] = "demo-web", [DEMO_DB] = "demo-db", [DEMO_BATCH] = "demo-batch"};

struct worker {
        pid_t pid;   /* 0: none */
        int pidfd;   /* -1: ended */
        int control; /* -1: closed */
};

struct keeper {
        struct root root; /* own copies of the descriptors */
        int control, program;
        int scratch; /* demo-db's file; -1: none */
        uint64_t deadline;
        struct demo_tree tree;
        struct worker workers[DEMO_CONTAINERS];
        struct demo_report report;
};

static const int keeper_ignores[] = {SIGTERM, SIGINT,  SIGHUP,  SIGQUIT, SIGPIPE, SIGUSR1,
                                     SIGUSR2, SIGTSTP, SIGTTIN, SIGTTOU, SIGALRM, SIGWINCH};

/* --- becoming the keeper ---------------------------------------------------------------------- */

/* Only the end of the program ends the keeper, not the Ctrl-C that ends both. */
static void quiet_signals(void)
{
        struct sigaction ignore = {.sa_handler = SIG_IGN}, def = {.sa_handler = SIG_DFL};
        sigset_t none;
        for (int sig = 1; sig < NSIG; sig++)
                (void)sigaction(sig, &def, NULL);
        for (size_t i = 0; i < ARRAY_SIZE(keeper_ignores); i++)
                (void)sigaction(keeper_ignores[i], &ignore, NULL);
        sigemptyset(&none);
        (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

/* A copy above stdio, which is replaced. */
static int lift(int fd)
{
        return fd >= 0 ? fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1) : -1;
}

static void null_stdio(void)
{
        int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
        for (int i = 0; fd >= 0 && i <= STDERR_FILENO; i++)
                if (i != fd)
                        (void)dup2(fd, i);
        if (fd > STDERR_FILENO)
                (void)close(fd);
}

static void become_keeper(struct keeper *k, const struct root *r, int control, int program)
{
        die_set_hook(NULL);
        (void)setsid();
        quiet_signals();
        (void)prctl(PR_SET_NAME, DEMO_COMM);
        *k = (struct keeper){.root = *r,
                             .control = lift(control),
                             .program = lift(program),
                             .scratch = -1};
        k->root.top = lift(r->top);
        k->root.proc = lift(r->proc);
        null_stdio();
        int keep[] = {k->control, k->program, k->root.top, k->root.proc};
        demo_close_others(keep, ARRAY_SIZE(keep));
        (void)!chdir("/");
        for (size_t i = 0; i < DEMO_CONTAINERS; i++)
                k->workers[i].pidfd = k->workers[i].control = -1;
}

/* --- where the cgroups go --------------------------------------------------------------------- */

/* Takes us into a scope of that name. 0 or -errno. */
static int enter_scope(const char *name)
{
        sd_bus *bus = NULL;
        struct bus_scope *scope = NULL;
        uint64_t deadline = demo_now_usec() + BUS_USEC;
        int r = bus_open(geteuid() != 0, &bus);
        if (r < 0)
                return r;
        r = bus_scope_begin(bus, name, "Demo containers of ctop-c", getpid(), &scope);
        while (r == 0 && demo_left_ms(deadline) > 0)
                r = bus_scope_step(scope, (uint64_t)demo_left_ms(deadline) * 1000);
        bus_scope_free(scope);
        sd_bus_close_unref(bus);
        return r == 0 ? -ETIMEDOUT : MIN(r, 0);
}

static bool use_scope(struct keeper *k)
{
        char name[sizeof(k->tree.name)];
        snprintf(name, sizeof(name), DEMO_PREFIX "%d.scope", (int)getpid());
        return sd_booted() > 0 && enter_scope(name) >= 0 && demo_tree_adopt(&k->tree, name) >= 0;
}

/* A scope from systemd, else raw cgroups as root, else none. */
static void place_tree(struct keeper *k)
{
        if (demo_tree_open(&k->root, &k->tree) < 0)
                return;
        (void)demo_tree_sweep(&k->tree);
        if (!use_scope(k) && geteuid() == 0)
                (void)demo_tree_make(&k->tree);
}

/* --- making the containers -------------------------------------------------------------------- */

static int fail(struct keeper *k, int error, const char *text)
{
        k->report.error = error;
        snprintf(k->report.text, sizeof(k->report.text), "%s", text);
        return error;
}

/* Everything that a host which bars namespaces says. Others keep their errno. */
static int fail_namespaces(struct keeper *k, int error)
{
        switch (-error) {
        case EPERM:
        case EACCES:
        case ENOSPC: /* user.max_user_namespaces is 0 */
        case ENOSYS:
        case EINVAL: /* a kernel without them */
                return fail(k, -EPERM,
                            geteuid() == 0 ? "demo: this process may not make namespaces (is it "
                                             "inside a container?)"
                                           : "demo: users may not make user namespaces on this "
                                             "host; try it as root");
        default:
                fail(k, error, "");
                snprintf(k->report.text, sizeof(k->report.text),
                         "demo: cannot make a container: %s", strerror(-error));
                return error;
        }
}

static bool is_on_disk(int fd)
{
        struct statfs fs;
        return fstatfs(fd, &fs) == 0 && fs.f_type != TMPFS_MAGIC && fs.f_type != RAMFS_MAGIC;
}

static int open_unlinked(const char *dir)
{
        char path[512];
        int fd = open(dir, O_TMPFILE | O_RDWR | O_EXCL | O_CLOEXEC, 0600);
        if (fd >= 0 || errno != EOPNOTSUPP)
                return fd;
        if ((size_t)snprintf(path, sizeof(path), "%s/ctop-demo-XXXXXX", dir) >= sizeof(path))
                return -1;
        fd = mkostemp(path, O_CLOEXEC);
        if (fd >= 0)
                (void)unlink(path);
        return fd;
}

/* A file without a name, on a disk where possible, else in memory. -1: nowhere. */
static int open_scratch(void)
{
        const char *dirs[] = {secure_getenv("TMPDIR"), "/tmp", "/var/tmp"};
        int found = -1;
        for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
                _cleanup_close_ int fd = dirs[i] ? open_unlinked(dirs[i]) : -1;
                if (fd < 0 || (found >= 0 && !is_on_disk(fd)))
                        continue;
                cleanup_closep(&found);
                found = TAKE_FD(fd);
                if (is_on_disk(found))
                        break;
        }
        return found;
}

static int write_proc(const struct keeper *k, pid_t pid, const char *file, const char *text)
{
        char path[64];
        snprintf(path, sizeof(path), "%d/%s", (int)pid, file);
        _cleanup_close_ int fd = openat(k->root.proc, path, O_WRONLY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        return write(fd, text, strlen(text)) < 0 ? -errno : 0;
}

/* Makes us root in there. user_namespaces(7) */
static int map_user(const struct keeper *k, pid_t pid)
{
        char uid[48], gid[48];
        snprintf(uid, sizeof(uid), "0 %u 1", (unsigned)geteuid());
        snprintf(gid, sizeof(gid), "0 %u 1", (unsigned)getegid());
        (void)write_proc(k, pid, "setgroups", "deny");
        int r = write_proc(k, pid, "uid_map", uid);
        return r < 0 ? r : write_proc(k, pid, "gid_map", gid);
}

/* The child of the clone never returns. */
static pid_t clone_load(const struct demo_load *load, unsigned long flags)
{
        pid_t pid = demo_clone(flags);
        if (pid == 0)
                demo_load_run(load);
        return pid < 0 ? -errno : pid;
}

/* With a user namespace where we are not root, or root without the capability. */
static int clone_worker(struct keeper *k, enum demo_kind kind)
{
        struct worker *w = &k->workers[kind];
        int pair[2];
        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
                return -errno;
        struct demo_load load = {.kind = kind,
                                 .name = demo_names[kind],
                                 .control = pair[1],
                                 .file = kind == DEMO_DB ? k->scratch : -1,
                                 .work_set = WORK_SET};
        bool user = geteuid() != 0;
        pid_t pid = user ? -EPERM : clone_load(&load, NAMESPACES);
        if (pid == -EPERM) {
                user = true;
                pid = clone_load(&load, NAMESPACES | CLONE_NEWUSER);
        }
        (void)close(pair[1]);
        w->control = pair[0];
        if (pid < 0)
                return pid;
        w->pid = pid;
        w->pidfd = pidfd_open(pid, 0);
        return user ? map_user(k, pid) : 0;
}

/* Puts a container into cgroups, if there are any. True when its limit holds. */
static bool confine(struct keeper *k, enum demo_kind kind)
{
        const char *name = demo_names[kind];
        _cleanup_free_ char *path = demo_tree_path(&k->tree, name);
        int limited = path ? demo_tree_add(&k->tree, name) : -ENOENT;
        if (limited < 0 || demo_tree_attach(&k->tree, name, k->workers[kind].pid) < 0)
                return false;
        snprintf(k->report.c[kind].cgroup, sizeof(k->report.c[kind].cgroup), "%s", path);
        return limited > 0;
}

static void add_note(struct keeper *k, enum demo_kind kind, const char *text)
{
        char *note = k->report.c[kind].note;
        size_t len = strlen(note);
        snprintf(note + len, sizeof(k->report.c[kind].note) - len, "%s%s", len ? "; " : "", text);
}

static int begin_worker(struct keeper *k, enum demo_kind kind)
{
        int r = clone_worker(k, kind);
        if (r < 0)
                return fail_namespaces(k, r);
        struct demo_go go = {.limited = confine(k, kind)};
        k->report.c[kind].pid = k->workers[kind].pid;
        if (!go.limited)
                add_note(k, kind, NOT_LIMITED);
        if (send(k->workers[kind].control, &go, sizeof(go), MSG_NOSIGNAL) < 0)
                return fail(k, -errno, "demo: a container ended at once");
        return 0;
}

/* Waits for the load's word that it runs. */
static int await_worker(struct keeper *k, enum demo_kind kind)
{
        struct demo_ready ready;
        struct pollfd p = {.fd = k->workers[kind].control, .events = POLLIN};
        if (poll(&p, 1, demo_left_ms(k->deadline)) <= 0)
                return fail(k, -ETIMEDOUT, "demo: a container did not start in time");
        if (recv(p.fd, &ready, sizeof(ready), MSG_DONTWAIT) != sizeof(ready))
                return fail(k, -EIO, "demo: a container ended at once");
        if (ready.error < 0)
                return fail_namespaces(k, ready.error);
        if (ready.no_veth)
                add_note(k, kind, NO_TRAFFIC);
        (void)close(p.fd);
        k->workers[kind].control = -1;
        return 0;
}

static int make_all(struct keeper *k)
{
        int r = 0;
        place_tree(k);
        k->deadline = demo_now_usec() + START_USEC; /* what a slow bus took is not the load's */
        k->scratch = open_scratch();
        for (size_t i = 0; i < DEMO_CONTAINERS && r >= 0; i++)
                r = begin_worker(k, (enum demo_kind)i);
        for (size_t i = 0; i < DEMO_CONTAINERS && r >= 0; i++)
                r = await_worker(k, (enum demo_kind)i);
        cleanup_closep(&k->scratch);
        return r;
}

/* --- keeping and cleaning --------------------------------------------------------------------- */

static void reap(struct keeper *k)
{
        for (pid_t pid; (pid = waitpid(-1, NULL, WNOHANG)) > 0;)
                for (size_t i = 0; i < DEMO_CONTAINERS; i++)
                        if (k->workers[i].pid == pid) {
                                k->workers[i].pid = 0;
                                cleanup_closep(&k->workers[i].pidfd);
                                k->workers[i].pidfd = -1;
                        }
}

/* A container that somebody ended leaves no empty cgroup behind. */
static void drop_ended(struct keeper *k)
{
        reap(k);
        for (size_t i = 0; i < DEMO_CONTAINERS; i++)
                for (unsigned tries = 0; !k->workers[i].pid && tries < 20; tries++) {
                        if (demo_tree_drop(&k->tree, demo_names[i]))
                                break;
                        demo_nap_ms(5);
                }
}

/* Until the program has no more use for us. */
static void keep(struct keeper *k)
{
        for (;;) {
                struct pollfd p[2 + DEMO_CONTAINERS] = {{.fd = k->control, .events = POLLIN},
                                                        {.fd = k->program, .events = POLLIN}};
                for (size_t i = 0; i < DEMO_CONTAINERS; i++)
                        p[2 + i] = (struct pollfd){.fd = k->workers[i].pidfd, .events = POLLIN};
                int n = poll(p, ARRAY_SIZE(p), -1);
                if (n < 0 && errno != EINTR)
                        return;
                if (n > 0 && (p[0].revents || p[1].revents))
                        return;
                if (n > 0)
                        drop_ended(k);
        }
}

static bool clean_once(struct keeper *k)
{
        bool gone = true;
        reap(k);
        for (size_t i = 0; i < DEMO_CONTAINERS; i++) {
                if (k->workers[i].pid > 0) {
                        (void)kill(k->workers[i].pid, SIGKILL);
                        gone = false;
                }
                gone &= demo_tree_drop(&k->tree, demo_names[i]);
        }
        return gone && demo_tree_remove(&k->tree);
}

/* False when something resisted to the end: the next --demo tries again. */
static bool clean(struct keeper *k)
{
        uint64_t deadline = demo_now_usec() + CLEAN_USEC;
        while (!clean_once(k)) {
                if (demo_left_ms(deadline) == 0)
                        return false;
                demo_nap_ms(5);
        }
        return true;
}

_Noreturn void demo_keeper_run(const struct root *r, int control, int program)
{
        struct keeper k;
        become_keeper(&k, r, control, program);
        int made = make_all(&k);
        if (made < 0) /* the program hears of it when nothing is left */
                (void)clean(&k);
        (void)send(k.control, &k.report, sizeof(k.report), MSG_NOSIGNAL);
        if (made < 0)
                _exit(0);
        keep(&k);
        _exit(clean(&k) ? 0 : 1);
}
