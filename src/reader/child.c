/* SPDX-License-Identifier: MIT */
#include "reader/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/mem.h"

#define KEEP_CAP (64u << 10) /* a buffer that grew above this is given back */

struct child {
        int sock;
        struct root root;
        const struct reader_job *jobs;
        size_t n_jobs;
        void **states;
        struct str request;
        struct str reply;
};

/* --- leaving the parent behind ---------------------------------------------------------------- */

static int compare_fd(const void *a, const void *b)
{
        int x = *(const int *)a, y = *(const int *)b;
        return (x > y) - (x < y);
}

/* Closes everything but stdio and the n descriptors in keep (-1 allowed), which it sorts. */
static void close_others(int *keep, size_t n)
{
        int from = STDERR_FILENO + 1;
        qsort(keep, n, sizeof(*keep), compare_fd);
        for (size_t i = 0; i < n; i++) {
                if (keep[i] < from)
                        continue;
                if (keep[i] > from)
                        (void)close_range((unsigned)from, (unsigned)keep[i] - 1, 0);
                from = keep[i] + 1;
        }
        (void)close_range((unsigned)from, ~0u, 0);
}

/* A child in state D outlives us: it must hold neither the terminal nor a pipe that somebody reads
 * to its end. stderr stays for last words. */
static void let_go_of_stdio(const int *keep, size_t n)
{
        int null = open("/dev/null", O_RDWR | O_CLOEXEC);
        for (int fd = STDIN_FILENO; null >= 0 && fd <= STDOUT_FILENO; fd++) {
                bool kept = false;
                for (size_t i = 0; i < n; i++)
                        kept |= keep[i] == fd;
                if (!kept)
                        (void)dup2(null, fd);
        }
        if (null > STDOUT_FILENO)
                close(null);
}

/* The signals of the terminal reach the whole foreground group; what they mean is the parent's
 * business, which ends us by closing the socket. */
static void reset_signals(void)
{
        static const int ignored[] = {SIGINT, SIGQUIT, SIGTSTP, SIGHUP};
        sigset_t none;
        for (int s = 1; s < NSIG; s++)
                (void)signal(s, SIG_DFL);
        for (size_t i = 0; i < ARRAY_SIZE(ignored); i++)
                (void)signal(ignored[i], SIG_IGN);
        sigemptyset(&none);
        (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

static void leave_parent(const struct child *c, pid_t parent)
{
        int keep[] = {c->sock, c->root.top, c->root.proc, c->root.steps};
        die_set_hook(NULL); /* the terminal is not ours to restore */
        reset_signals();
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent) /* it died before the prctl */
                _exit(0);
        let_go_of_stdio(keep, ARRAY_SIZE(keep));
        close_others(keep, ARRAY_SIZE(keep));
        (void)prctl(PR_SET_NAME, "ctop-c: reader");
        /* Same uid but perhaps more privilege than its neighbours: no ptrace, no core. What it may
         * read of other processes hangs on their dumpable flag, not on this one. */
        (void)prctl(PR_SET_DUMPABLE, 0);
}

/* --- serving ---------------------------------------------------------------------------------- */

/* The parent is gone, or gave us up: nothing is left to do. */
static void receive_all(int sock, void *p, size_t n)
{
        char *at = p;
        while (n > 0) {
                ssize_t got = recv(sock, at, n, 0);
                if (got < 0 && errno == EINTR)
                        continue;
                if (got <= 0)
                        _exit(0);
                at += got;
                n -= (size_t)got;
        }
}

/* Header and bytes in one piece, so that the parent wakes up once. */
static void send_reply(int sock, const struct message *m, const char *bytes)
{
        size_t total = sizeof(*m) + m->size;
        for (size_t sent = 0; sent < total;) {
                size_t head = MIN(sent, sizeof(*m)), body = sent - head;
                struct iovec iov[] = {
                        {.iov_base = (char *)m + head, .iov_len = sizeof(*m) - head},
                        {.iov_base = (char *)bytes + body, .iov_len = m->size - body},
                };
                struct msghdr h = {.msg_iov = iov, .msg_iovlen = m->size > 0 ? 2 : 1};
                ssize_t n = sendmsg(sock, &h, MSG_NOSIGNAL);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        _exit(0);
                sent += (size_t)n;
        }
}

/* Empties s, and gives its memory back after an unusually large message. */
static void reset(struct str *s)
{
        if (s->cap > KEEP_CAP)
                str_done(s);
        else
                str_clear(s);
}

static int take_step(struct child *c, struct wire *w)
{
        uint64_t step = wire_get_u64(w);
        while (c->root.step < step) {
                int e = root_next_step(&c->root);
                if (e <= 0)
                        return e;
        }
        return 0;
}

static int run(struct child *c, const struct message *m, struct wire *w)
{
        if (m->code == CHILD_STEP)
                return take_step(c, w);
        if (m->code < 0 || (size_t)m->code >= c->n_jobs)
                return -EINVAL;
        return c->jobs[m->code].run(c->states[m->code], &c->root, w, &c->reply);
}

static void serve_one(struct child *c)
{
        struct message m;
        receive_all(c->sock, &m, sizeof(m));
        if (m.size > READER_MESSAGE_MAX)
                _exit(1);
        reset(&c->request);
        reset(&c->reply);
        grow(&c->request.p, &c->request.cap, (size_t)m.size + 1, 1);
        receive_all(c->sock, c->request.p, m.size);
        struct wire w = wire_of(c->request.p, m.size);
        m.code = run(c, &m, &w);
        if (c->reply.len > READER_MESSAGE_MAX) {
                str_clear(&c->reply);
                m.code = -EMSGSIZE;
        }
        m.size = (uint32_t)c->reply.len;
        send_reply(c->sock, &m, str_get(&c->reply));
}

__attribute__((noreturn)) static void child_main(struct child *c, pid_t parent)
{
        leave_parent(c, parent);
        c->states = xcalloc(c->n_jobs, sizeof(*c->states));
        for (size_t i = 0; i < c->n_jobs; i++)
                c->states[i] = c->jobs[i].state_new ? c->jobs[i].state_new() : NULL;
        for (;;)
                serve_one(c);
}

pid_t child_start(const struct root *root, const struct reader_job *jobs, size_t n_jobs,
                  int *ret_sock)
{
        int pair[2];
        sigset_t all, before;
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
                return -errno;
        pid_t parent = getpid();
        sigfillset(&all); /* no handler of the parent may run in the child */
        (void)sigprocmask(SIG_SETMASK, &all, &before);
        pid_t pid = fork();
        if (pid == 0) {
                struct child c = {.sock = pair[1], .root = *root, .jobs = jobs, .n_jobs = n_jobs};
                child_main(&c, parent);
        }
        int e = -errno;
        (void)sigprocmask(SIG_SETMASK, &before, NULL);
        close(pair[1]);
        if (pid < 0) {
                close(pair[0]);
                return e;
        }
        *ret_sock = pair[0];
        return pid;
}
