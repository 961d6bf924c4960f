/* SPDX-License-Identifier: MIT */
#include "app/demo.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "app/demo_cgroup.h"
#include "app/demo_keeper.h"
#include "app/demo_util.h"
#include "base/mem.h"

#define START_USEC 10000000 /* the keeper waits for the bus and for its containers */
#define STOP_USEC  3000000

struct demo {
        const struct root *root; /* borrowed */
        pid_t keeper;
        int keeper_fd; /* pidfd */
        int control;
        struct demo_report report;
};

static void demo_free(struct demo *d)
{
        cleanup_closep(&d->keeper_fd);
        cleanup_closep(&d->control);
        free(d);
}

/* Fills the keeper's part of d. 0 or -errno. */
static int fork_keeper(struct demo *d)
{
        int pair[2];
        _cleanup_close_ int self = pidfd_open(getpid(), 0);
        if (self < 0 || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
                return -errno;
        d->control = pair[0];
        d->keeper = fork();
        if (d->keeper == 0) {
                (void)close(pair[0]);
                demo_keeper_run(d->root, pair[1], self);
        }
        int r = d->keeper < 0 ? -errno : 0;
        (void)close(pair[1]);
        if (r >= 0)
                d->keeper_fd = pidfd_open(d->keeper, 0);
        return r;
}

static int await_report(struct demo *d)
{
        uint64_t deadline = demo_now_usec() + START_USEC;
        struct pollfd p = {.fd = d->control, .events = POLLIN};
        int n;
        do
                n = poll(&p, 1, demo_left_ms(deadline));
        while (n < 0 && errno == EINTR);
        if (n <= 0)
                return n < 0 ? -errno : -ETIMEDOUT;
        if (recv(d->control, &d->report, sizeof(d->report), MSG_DONTWAIT) != sizeof(d->report))
                return -EIO; /* the keeper died */
        return d->report.error;
}

int demo_start(const struct root *live_root, struct demo **ret, char **ret_error)
{
        if (live_root->foreign || live_root->fixture) {
                *ret_error = xstrdup("demo: makes containers on this host only, not in a sysroot");
                return -EINVAL;
        }
        struct demo *d = xcalloc(1, sizeof(*d));
        *d = (struct demo){.root = live_root, .keeper = -1, .keeper_fd = -1, .control = -1};
        int r = fork_keeper(d);
        if (r >= 0)
                r = await_report(d);
        if (r < 0) {
                *ret_error = *d->report.text ? xasprintf("%s", d->report.text)
                                             : xasprintf("demo: the containers did not start: %s",
                                                         strerror(-r));
                demo_stop(d);
                return r;
        }
        *ret = d;
        return 0;
}

/* True when it ended by itself; false: killed, or still not done at the deadline. */
static bool await_keeper(const struct demo *d, uint64_t deadline)
{
        int status;
        struct pollfd p = {.fd = d->keeper_fd, .events = POLLIN};
        while (poll(&p, 1, demo_left_ms(deadline)) < 0 && errno == EINTR)
                ;
        pid_t pid = waitpid(d->keeper, &status, WNOHANG);
        if (pid < 0) /* SIGCHLD is ignored: no status to be had */
                return errno == ECHILD && p.revents;
        if (pid == 0)
                return false;
        return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* What the keeper could not do: it was killed, or systemd has yet to remove the scope. */
static void await_removal(struct demo *d, bool kept, uint64_t deadline)
{
        struct demo_tree tree;
        char *top = d->report.c[0].cgroup, *slash = strrchr(top, '/');
        if (demo_tree_open(d->root, &tree) < 0)
                return;
        if (!kept)
                (void)demo_tree_sweep(&tree);
        if (slash)
                *slash = '\0';
        while (*top && demo_tree_exists(&tree, top) && demo_left_ms(deadline) > 0)
                demo_nap_ms(5);
        demo_tree_close(&tree);
}

void demo_stop(struct demo *d)
{
        if (!d)
                return;
        uint64_t deadline = demo_now_usec() + STOP_USEC;
        if (d->control >= 0)
                (void)shutdown(d->control, SHUT_RDWR);
        if (d->keeper > 0)
                await_removal(d, await_keeper(d, deadline), deadline);
        demo_free(d);
}

const char *demo_note(const struct demo *d, const char *name)
{
        for (size_t i = 0; i < DEMO_CONTAINERS; i++)
                if (streq(demo_names[i], name) && *d->report.c[i].note)
                        return d->report.c[i].note;
        return NULL;
}

size_t demo_containers(const struct demo *d, struct demo_container ret[DEMO_CONTAINERS])
{
        for (size_t i = 0; i < DEMO_CONTAINERS; i++)
                ret[i] = (struct demo_container){
                        .name = demo_names[i],
                        .pid = d->report.c[i].pid,
                        .cgroup = *d->report.c[i].cgroup ? d->report.c[i].cgroup : NULL,
                        .note = *d->report.c[i].note ? d->report.c[i].note : NULL};
        return DEMO_CONTAINERS;
}
