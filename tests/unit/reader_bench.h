/* SPDX-License-Identifier: MIT */
#pragma once

/* What the tests of the reader share: a table of jobs, well-behaved and not, and a small poll loop
 * whose clock can jump. */

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include <cmocka.h>

#include "base/mem.h"
#include "reader/reader.h"

#define NOBODY 65534
#define SECOND UINT64_C(1000000)

/* --- jobs: they run in the child ----------------------------------------------------------- */

#define JOB(name)                                                                                  \
        static int job_##name(__attribute__((unused)) void *state,                                 \
                              __attribute__((unused)) const struct root *root,                     \
                              __attribute__((unused)) struct wire *request,                        \
                              __attribute__((unused)) struct str *reply)

/* The bytes of the request again, and their number as the status. */
JOB(echo)
{
        str_addn(reply, request->p, (size_t)(request->end - request->p));
        return (int)reply->len;
}

JOB(fail)
{
        str_add(reply, "why");
        return -(int)wire_get_u64(request);
}

JOB(hang)
{
        for (;;)
                pause();
        return 0;
}

enum crash { CRASH_ABORT, CRASH_EXIT, CRASH_SEGV, CRASH_KILL };

JOB(crash)
{
        switch (wire_get_u64(request)) {
        case CRASH_ABORT:
                abort();
        case CRASH_SEGV:
                raise(SIGSEGV);
                break;
        case CRASH_KILL:
                raise(SIGKILL);
        }
        _exit(0);
}

/* As many bytes as asked for. */
JOB(flood)
{
        uint64_t n = wire_get_u64(request);
        str_pad(reply, 'x', n);
        return 0;
}

/* Writes raw bytes where replies go. */
JOB(garbage)
{
        for (int fd = 3; fd < 1024; fd++) {
                int type;
                socklen_t n = sizeof(type);
                if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &n) == 0)
                        (void)!write(fd, request->p, (size_t)(request->end - request->p));
        }
        for (;;)
                pause();
        return 0;
}

/* The bytes of the questions that wait behind this one. */
JOB(backlog)
{
        (void)poll(NULL, 0, 200); /* they come while we look away */
        for (int fd = 3; fd < 1024; fd++) {
                int n;
                if (ioctl(fd, FIONREAD, &n) == 0)
                        return n;
        }
        return -ENOENT;
}

JOB(die)
{
        die("this line is part of the test");
        return 0;
}

static inline void *count_new(void)
{
        return xcalloc(1, sizeof(int));
}

/* How often this child has been asked. */
JOB(count)
{
        return ++*(int *)state;
}

JOB(pid)
{
        return getpid();
}

JOB(step)
{
        char buf[64];
        ssize_t n = root_read_path(root, "/sys/step", buf, sizeof(buf));
        if (n > 0)
                str_addn(reply, buf, (size_t)n);
        return (int)root->step;
}

JOB(read_path)
{
        char buf[64];
        return (int)root_read_path(root, wire_get_str(request), buf, sizeof(buf));
}

/* proc/PID/name: "PID, name" in the request. */
JOB(read_proc)
{
        char buf[4096];
        pid_t pid = (pid_t)wire_get_u64(request);
        const char *name = wire_get_str(request);
        ssize_t n = startswith(name, "ns/") ? root_readlink_proc(root, pid, name, buf, sizeof(buf))
                                            : root_read_proc(root, pid, name, buf, sizeof(buf));
        if (n > 0)
                str_addn(reply, buf, (size_t)n);
        return (int)n;
}

/* One line for each open descriptor: number and target. */
JOB(descriptors)
{
        for (int fd = 0; fd < 1024; fd++) {
                char path[64], target[PATH_MAX];
                snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
                ssize_t n = readlink(path, target, sizeof(target));
                if (n > 0)
                        str_addf(reply, "%d %.*s\n", fd, (int)n, target);
        }
        return 0;
}

enum job {
        ECHO,
        FAIL,
        HANG,
        CRASH,
        FLOOD,
        GARBAGE,
        BACKLOG,
        DIE,
        COUNT,
        PID,
        STEP,
        READ_PATH,
        READ_PROC,
        DESCRIPTORS,
};

static const struct reader_job jobs[] = {
        [ECHO] = {.name = "echo", .run = job_echo},
        [FAIL] = {.name = "fail", .run = job_fail},
        [HANG] = {.name = "hang", .run = job_hang},
        [CRASH] = {.name = "crash", .run = job_crash},
        [FLOOD] = {.name = "flood", .run = job_flood},
        [GARBAGE] = {.name = "garbage", .run = job_garbage},
        [BACKLOG] = {.name = "backlog", .run = job_backlog},
        [DIE] = {.name = "die", .run = job_die},
        [COUNT] = {.name = "count", .run = job_count, .state_new = count_new},
        [PID] = {.name = "pid", .run = job_pid},
        [STEP] = {.name = "step", .run = job_step},
        [READ_PATH] = {.name = "path", .run = job_read_path},
        [READ_PROC] = {.name = "proc", .run = job_read_proc},
        [DESCRIPTORS] = {.name = "descriptors", .run = job_descriptors},
};

/* --- the loop ------------------------------------------------------------------------------ */

static uint64_t skew; /* waiting for a deadline costs no time: the clock jumps */

static inline uint64_t now(void)
{
        struct timespec ts;
        clock_gettime(CLOCK_MONOTONIC, &ts);
        return (uint64_t)ts.tv_sec * SECOND + (uint64_t)ts.tv_nsec / 1000 + skew;
}

struct got {
        int status;
        struct str bytes;
        size_t times;
        size_t order; /* 1 for the first answer after open_reader() */
};

static size_t answers;

static inline void on_done(void *userdata, int status, struct wire *reply)
{
        struct got *g = userdata;
        g->status = status;
        g->times++;
        g->order = ++answers;
        str_clear(&g->bytes);
        str_addn(&g->bytes, reply->p, (size_t)(reply->end - reply->p));
}

static inline void got_done(struct got *g)
{
        str_done(&g->bytes);
}
#define _cleanup_got_ _cleanup_(got_done)

/* One turn: waits for the reader or its deadline, at most limit. What reader_dispatch() said. */
static inline int turn(struct reader *r, uint64_t limit)
{
        uint64_t t = now(), deadline = reader_deadline(r);
        uint64_t wait = deadline <= t ? 0 : MIN(limit, deadline - t);
        struct pollfd p = {.fd = reader_fd(r), .events = (short)reader_events(r)};
        (void)poll(&p, 1, (int)((wait + 999) / 1000));
        return reader_dispatch(r, now());
}

/* Turns for that long, or until at most n questions are pending. */
static inline void drive(struct reader *r, size_t n, uint64_t limit)
{
        uint64_t end = now() + limit;
        while (reader_pending(r) > n && now() < end)
                assert_int_equal(turn(r, end - now()), 0);
}

/* Until everything is answered. */
static inline void finish(struct reader *r)
{
        drive(r, 0, 20 * SECOND);
        assert_int_equal(reader_pending(r), 0);
}

/* Turns for a moment in which nothing is answered, then jumps to just before the end of silence. */
static inline void sit_out_silence(struct reader *r)
{
        size_t pending = reader_pending(r), before = answers;
        drive(r, 0, SECOND / 5);
        assert_int_equal(reader_pending(r), pending);
        assert_int_equal(answers, before);
        uint64_t deadline = reader_deadline(r);
        assert_true(deadline <= now() + READER_SILENT_USEC);
        skew += READER_SILENT_USEC;
}

static struct root host = ROOT_INIT;

static inline struct reader *open_reader(const struct root *root)
{
        struct reader *r = NULL;
        answers = 0;
        assert_int_equal(reader_new(root, jobs, ARRAY_SIZE(jobs), &r), 0);
        return r;
}

static inline int ask(struct reader *r, enum job job, const void *p, size_t n, struct got *g)
{
        int id = reader_ask(r, job, p, n, on_done, g);
        assert_true(id > 0);
        return id;
}

static inline int ask_u64(struct reader *r, enum job job, uint64_t v, struct got *g)
{
        return ask(r, job, &v, sizeof(v), g);
}

static inline int ask_proc(struct reader *r, pid_t pid, const char *name, struct got *g)
{
        _cleanup_str_ struct str s = STR_INIT;
        wire_put_u64(&s, (uint64_t)pid);
        wire_put_str(&s, name);
        return ask(r, READ_PROC, s.p, s.len, g);
}

static inline int ask_path(struct reader *r, const char *path, struct got *g)
{
        _cleanup_str_ struct str s = STR_INIT;
        wire_put_str(&s, path);
        return ask(r, READ_PATH, s.p, s.len, g);
}

static inline pid_t child_of(struct reader *r)
{
        _cleanup_got_ struct got g = {0};
        ask(r, PID, NULL, 0, &g);
        finish(r);
        assert_true(g.status > 0);
        return g.status;
}

static inline void assert_works(struct reader *r)
{
        _cleanup_got_ struct got g = {0};
        ask(r, ECHO, "still here", 11, &g);
        finish(r);
        assert_int_equal(g.status, 11);
        assert_string_equal(g.bytes.p, "still here");
}

/* The state letter of a process; 0: there is none. */
static inline char state_of(pid_t pid)
{
        char buf[1024];
        if (root_read_proc(&host, pid, "stat", buf, sizeof(buf)) < 0)
                return 0;
        const char *p = strrchr(buf, ')');
        return p ? p[2] : 0;
}

/* True once pid is in that state; gives it five seconds. */
static inline bool reaches_state(pid_t pid, char state)
{
        for (int i = 0; i < 500; i++) {
                if (state_of(pid) == state)
                        return true;
                (void)poll(NULL, 0, 10);
        }
        return false;
}

/* A test that blocks must end, and fail. */
static inline int set_alarm(void **state)
{
        (void)state;
        alarm(30);
        return 0;
}

#define TEST(name)       cmocka_unit_test_setup(test_##name, set_alarm)
#define TEST_CLEAN(name) cmocka_unit_test_setup_teardown(test_##name, set_alarm, clean)

static inline int bench_main(const char *name, const struct CMUnitTest *tests, size_t n)
{
        if (root_open(&host, NULL) < 0)
                return 77;
        int failed = _cmocka_run_group_tests(name, tests, n, NULL, NULL);
        root_close(&host);
        return failed;
}
