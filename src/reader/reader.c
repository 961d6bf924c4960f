/* SPDX-License-Identifier: MIT */
#include "reader/reader.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/pidfd.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/mem.h"
#include "reader/child.h"

#define AHEAD_MAX    64           /* questions in the hands of the child */
#define PENDING_MAX  65536        /* questions in all */
#define FAILURES_MAX 3            /* deaths in a row, with no answer in between */
#define UNDEAD_MAX   8            /* killed children that have not died yet */
#define CHUNK        (64u << 10)  /* one recv */
#define SLICE        (1u << 20)   /* read in one dispatch: the loop has other things to do */
#define KEEP_CAP     (256u << 10) /* an input buffer above this is given back */
#define RETRY_USEC   UINT64_C(1000000)
#define FREE_MSEC    100

struct question {
        TAILQ_ENTRY(question) link;
        reader_done_fn done; /* NULL: cancelled, or a step */
        void *userdata;
        int id;
        size_t size; /* of bytes */
        size_t sent;
        char bytes[]; /* struct message, request */
};

TAILQ_HEAD(questions, question);

/* Owns the child, the questions, and the killed children until they are reaped. */
struct reader {
        const struct root *root;
        const struct reader_job *jobs;
        size_t n_jobs;

        int epoll; /* around sock: reader_fd() */
        int sock;  /* -1: no child */
        pid_t pid;
        uint32_t armed;    /* events that epoll waits for on sock */
        uint64_t progress; /* when the child last answered, or was asked while idle */
        uint64_t start_at; /* without a child: when to try again */

        struct questions flight; /* with the child, in its order; the last may be half sent */
        struct questions queue;  /* not sent yet */
        size_t n_flight;
        size_t n_pending;
        int last_id;

        char *in; /* replies, cut anywhere */
        size_t in_len;
        size_t in_cap;

        pid_t undead[UNDEAD_MAX];
        size_t n_undead;
        uint64_t reap_at;

        unsigned failures;
        unsigned restarts;
        int failed; /* -errno: it cannot go on */
};

/* --- questions -------------------------------------------------------------------------------- */

/* Frees q, which is on no list, and tells who asked. */
static void answer(struct reader *r, struct question *q, int status, const void *p, size_t n)
{
        reader_done_fn done = q->done;
        void *userdata = q->userdata;
        struct wire w = wire_of(p, n);
        free(q);
        if (!done)
                return;
        r->n_pending--;
        done(userdata, status, &w);
}

static struct question *take_flight(struct reader *r)
{
        struct question *q = TAILQ_FIRST(&r->flight);
        if (q) {
                TAILQ_REMOVE(&r->flight, q, link);
                r->n_flight--;
        }
        return q;
}

/* Answers as many as are queued now: a done that always asks again would never let us go. */
static void answer_queue(struct reader *r, int status)
{
        struct question *q;
        size_t n = 0;
        for (q = TAILQ_FIRST(&r->queue); q; q = TAILQ_NEXT(q, link))
                n++;
        while (n-- > 0 && (q = TAILQ_FIRST(&r->queue))) {
                TAILQ_REMOVE(&r->queue, q, link);
                answer(r, q, status, "", 0);
        }
}

/* The questions of a lost child are asked again, before the rest and in the same order. */
static void requeue_flight(struct reader *r)
{
        struct question *q;
        while ((q = TAILQ_LAST(&r->flight, questions))) {
                TAILQ_REMOVE(&r->flight, q, link);
                q->sent = 0;
                if (q->done)
                        TAILQ_INSERT_HEAD(&r->queue, q, link);
                else /* cancelled, or a step that a new child has made already */
                        free(q);
        }
        r->n_flight = 0;
}

static struct question *half_sent(struct reader *r)
{
        struct question *q = TAILQ_LAST(&r->flight, questions);
        return q && q->sent < q->size ? q : NULL;
}

/* The question to write from now, or NULL: none, or the child has enough to do. */
static struct question *next_to_send(struct reader *r)
{
        struct question *q = half_sent(r);
        if (q)
                return q;
        return r->n_flight < AHEAD_MAX ? TAILQ_FIRST(&r->queue) : NULL;
}

/* --- the child -------------------------------------------------------------------------------- */

/* Makes epoll wait for what sock is wanted for now. 0 or -errno (-ENOSPC: too many watches). */
static int arm(struct reader *r)
{
        uint32_t want = EPOLLIN | (next_to_send(r) ? EPOLLOUT : 0u);
        if (r->sock < 0 || r->armed == want)
                return 0;
        struct epoll_event ev = {.events = want};
        int op = r->armed ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
        if (epoll_ctl(r->epoll, op, r->sock, &ev) < 0)
                return -errno;
        r->armed = want;
        return 0;
}

/* Killing is not dying: a child in state D goes when its disk or server answers, or never. */
static void reap(struct reader *r, uint64_t now_usec)
{
        size_t n = 0;
        for (size_t i = 0; i < r->n_undead; i++)
                if (waitpid(r->undead[i], NULL, WNOHANG) == 0)
                        r->undead[n++] = r->undead[i];
        r->n_undead = n;
        r->reap_at = now_usec + RETRY_USEC;
}

static void drop_child(struct reader *r)
{
        if (r->sock < 0)
                return;
        /* A process that we forked may hold a copy of our end, and with it the place in epoll. */
        (void)epoll_ctl(r->epoll, EPOLL_CTL_DEL, r->sock, NULL);
        close(TAKE_FD(r->sock));
        if (waitpid(r->pid, NULL, WNOHANG) == 0) { /* still ours: the pid is no other's yet */
                (void)kill(r->pid, SIGKILL);
                r->undead[r->n_undead++] = r->pid;
        }
        r->in_len = 0;
}

/* Needs a free place among the undead. */
static int start_child(struct reader *r)
{
        pid_t pid = child_start(r->root, r->jobs, r->n_jobs, &r->sock);
        if (pid < 0)
                return pid;
        r->pid = pid;
        r->armed = 0;
        int e = arm(r);
        if (e < 0)
                drop_child(r);
        return e;
}

static void give_up(struct reader *r, int error)
{
        r->failed = error;
        answer_queue(r, -EPIPE);
}

/*
 * Starts a child if one may be started now. While too many killed ones hang about, none is: each
 * would hang on the same disk. Questions get no other answer than the one before, -ETIMEDOUT.
 */
static void try_start(struct reader *r, uint64_t now_usec)
{
        int e = 0;
        r->start_at = now_usec + RETRY_USEC;
        if (r->n_undead < UNDEAD_MAX)
                e = start_child(r);
        else
                answer_queue(r, -ETIMEDOUT);
        if (e < 0 && ++r->failures >= FAILURES_MAX)
                give_up(r, e);
}

/* The child hung (-ETIMEDOUT) or broke (-EPIPE): that is the answer to the question it was on. */
static void replace_child(struct reader *r, int status, uint64_t now_usec)
{
        struct question *lost = take_flight(r);
        requeue_flight(r);
        drop_child(r);
        reap(r, now_usec);
        r->restarts++;
        if (lost)
                answer(r, lost, status, "", 0);
        if (status == -EPIPE && ++r->failures >= FAILURES_MAX)
                give_up(r, -EPIPE);
        else
                try_start(r, now_usec);
}

/* --- talking to it ---------------------------------------------------------------------------- */

/* Takes one whole message from the n bytes at p. Its length, 0 when more is needed, -EBADMSG. */
static ssize_t take_reply(struct reader *r, const char *p, size_t n)
{
        struct message m;
        if (n < sizeof(m))
                return 0;
        memcpy(&m, p, sizeof(m));
        struct question *q = TAILQ_FIRST(&r->flight);
        if (m.size > READER_MESSAGE_MAX || !q || q->id != m.id || q->sent < q->size)
                return -EBADMSG;
        if (n - sizeof(m) < m.size)
                return 0;
        r->failures = 0;
        answer(r, take_flight(r), m.code, p + sizeof(m), m.size);
        return (ssize_t)(sizeof(m) + m.size);
}

static int take_replies(struct reader *r)
{
        size_t used = 0;
        ssize_t n;
        while ((n = take_reply(r, r->in + used, r->in_len - used)) > 0)
                used += (size_t)n;
        r->in_len -= used;
        memmove(r->in, r->in + used, r->in_len);
        if (r->in_len == 0 && r->in_cap > KEEP_CAP) {
                free(TAKE_PTR(r->in));
                r->in_cap = 0;
        }
        return (int)n;
}

/* Reads what there is, at most a slice. 0, or < 0 when the child is gone or talks nonsense. */
static int receive(struct reader *r, uint64_t now_usec)
{
        for (size_t done = 0; done < SLICE;) {
                grow(&r->in, &r->in_cap, r->in_len + CHUNK, 1);
                ssize_t n = recv(r->sock, r->in + r->in_len, CHUNK, MSG_DONTWAIT);
                if (n < 0 && (errno == EAGAIN || errno == EINTR))
                        return 0;
                if (n <= 0)
                        return -EPIPE;
                r->progress = now_usec;
                r->in_len += (size_t)n;
                done += (size_t)n;
                if (take_replies(r) < 0)
                        return -EBADMSG;
        }
        return 0;
}

/* Writes what the socket takes. A dead child is seen by receive(), after its last answers. */
static void send_questions(struct reader *r, uint64_t now_usec)
{
        struct question *q;
        while ((q = next_to_send(r))) {
                ssize_t n = send(r->sock, q->bytes + q->sent, q->size - q->sent,
                                 MSG_DONTWAIT | MSG_NOSIGNAL);
                if (n <= 0)
                        return;
                if (q->sent == 0) {
                        if (r->n_flight++ == 0)
                                r->progress = now_usec;
                        TAILQ_REMOVE(&r->queue, q, link);
                        TAILQ_INSERT_TAIL(&r->flight, q, link);
                }
                q->sent += (size_t)n;
        }
}

/* --- for the loop ----------------------------------------------------------------------------- */

int reader_new(const struct root *root, const struct reader_job *jobs, size_t n_jobs,
               struct reader **ret)
{
        int epoll = epoll_create1(EPOLL_CLOEXEC);
        if (epoll < 0)
                return -errno;
        struct reader *r = xcalloc(1, sizeof(*r));
        r->root = root;
        r->jobs = jobs;
        r->n_jobs = n_jobs;
        r->epoll = epoll;
        r->sock = -1;
        TAILQ_INIT(&r->flight);
        TAILQ_INIT(&r->queue);
        int e = start_child(r);
        if (e < 0) {
                reader_free(r);
                return e;
        }
        *ret = r;
        return 0;
}

/* One that stays in state D goes to init with us. */
static void await_death(pid_t pid)
{
        _cleanup_close_ int fd = pidfd_open(pid, 0);
        struct pollfd p = {.fd = fd, .events = POLLIN};
        if (fd >= 0)
                (void)poll(&p, 1, FREE_MSEC);
}

void reader_free(struct reader *r)
{
        if (!r)
                return;
        bool had_child = r->sock >= 0;
        drop_child(r);
        if (had_child)
                await_death(r->pid);
        reap(r, 0);
        requeue_flight(r);
        r->failed = -ECANCELED;
        answer_queue(r, -ECANCELED);
        close(r->epoll);
        free(r->in);
        free(r);
}

static int enqueue(struct reader *r, int32_t code, const void *p, size_t n, reader_done_fn done,
                   void *userdata)
{
        struct question *q = xcalloc(1, sizeof(*q) + sizeof(struct message) + n);
        r->last_id = r->last_id == INT_MAX ? 1 : r->last_id + 1;
        struct message m = {.size = (uint32_t)n, .id = r->last_id, .code = code};
        q->done = done;
        q->userdata = userdata;
        q->id = r->last_id;
        q->size = sizeof(m) + n;
        memcpy(q->bytes, &m, sizeof(m));
        if (n > 0)
                memcpy(q->bytes + sizeof(m), p, n);
        TAILQ_INSERT_TAIL(&r->queue, q, link);
        if (done)
                r->n_pending++;
        (void)arm(r);
        return q->id;
}

int reader_ask(struct reader *r, size_t job, const void *request, size_t n, reader_done_fn done,
               void *userdata)
{
        assert(done);
        if (r->failed < 0)
                return r->failed;
        if (job >= r->n_jobs || job > INT32_MAX)
                return -EINVAL;
        if (n > READER_MESSAGE_MAX)
                return -EMSGSIZE;
        if (r->n_pending >= PENDING_MAX)
                return -ENOBUFS;
        return enqueue(r, (int32_t)job, request, n, done, userdata);
}

static struct question *find(struct questions *list, int id)
{
        struct question *q;
        for (q = TAILQ_FIRST(list); q; q = TAILQ_NEXT(q, link))
                if (q->id == id && q->done)
                        return q;
        return NULL;
}

void reader_cancel(struct reader *r, int id)
{
        struct question *q = find(&r->flight, id);
        if (q) { /* its answer will come, and is awaited to stay in step */
                q->done = NULL;
                r->n_pending--;
                return;
        }
        q = find(&r->queue, id);
        if (!q)
                return;
        TAILQ_REMOVE(&r->queue, q, link);
        r->n_pending--;
        free(q);
        (void)arm(r);
}

int reader_step(struct reader *r)
{
        _cleanup_str_ struct str request = STR_INIT;
        if (r->failed < 0)
                return r->failed;
        wire_put_u64(&request, r->root->step);
        (void)enqueue(r, CHILD_STEP, request.p, request.len, NULL, NULL);
        return 0;
}

int reader_fd(const struct reader *r)
{
        return r->epoll;
}

uint32_t reader_events(const struct reader *r)
{
        (void)r;
        return EPOLLIN;
}

/* When the child counts as hung. */
static uint64_t silence_ends(const struct reader *r)
{
        return r->n_flight > 0 ? r->progress + READER_SILENT_USEC : UINT64_MAX;
}

uint64_t reader_deadline(const struct reader *r)
{
        if (r->failed < 0)
                return UINT64_MAX;
        uint64_t t = r->sock >= 0 ? silence_ends(r) : r->start_at;
        return r->n_undead > 0 ? MIN(t, r->reap_at) : t;
}

int reader_dispatch(struct reader *r, uint64_t now_usec)
{
        if (r->n_undead > 0 && now_usec >= r->reap_at)
                reap(r, now_usec);
        if (r->failed < 0)
                return r->failed;
        if (r->sock >= 0) {
                if (receive(r, now_usec) < 0)
                        replace_child(r, -EPIPE, now_usec);
                else if (now_usec >= silence_ends(r))
                        replace_child(r, -ETIMEDOUT, now_usec);
        } else if (now_usec >= r->start_at) {
                try_start(r, now_usec);
        }
        if (r->sock >= 0)
                send_questions(r, now_usec);
        (void)arm(r);
        return r->failed;
}

size_t reader_pending(const struct reader *r)
{
        return r->n_pending;
}

unsigned reader_restarts(const struct reader *r)
{
        return r->restarts;
}
