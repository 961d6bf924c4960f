/* SPDX-License-Identifier: MIT */

/* The child itself: what it inherits, how it ends, and what hangs in the kernel. */

#include "reader/reader.h"

#include <fcntl.h>
#include <ftw.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "reader_bench.h"
#include "stuck_fuse.h"

/* Forks fn; true when it returned 0. What fails in there must not go on with our tests. */
static bool in_process(int (*fn)(void *arg), void *arg)
{
        int status = -1;
        pid_t pid = fork();
        if (pid == 0)
                _exit(fn(arg));
        assert_int_equal(waitpid(pid, &status, 0), pid);
        if (status != 0)
                print_error("status of the process: %#x\n", (unsigned)status);
        return status == 0;
}

static void on_done_status(void *userdata, int status, struct wire *reply)
{
        (void)reply;
        *(int *)userdata = status;
}

/* Asks and turns without asserts; the status, or INT_MIN when there is none. */
static int ask_plainly(struct reader *r, enum job job, const struct str *request)
{
        int status = INT_MIN;
        if (reader_ask(r, job, request->p, request->len, on_done_status, &status) <= 0)
                return INT_MIN;
        while (reader_pending(r) > 0)
                if (turn(r, SECOND) < 0)
                        break;
        return status;
}

static void *shared_page(void)
{
        void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        assert_true(p != MAP_FAILED);
        return p;
}

static int leave_hung_child(void *arg)
{
        struct reader *r;
        if (reader_new(&host, jobs, ARRAY_SIZE(jobs), &r) < 0)
                return 1;
        *(pid_t *)arg = ask_plainly(r, PID, &(struct str){0});
        int status;
        if (reader_ask(r, HANG, NULL, 0, on_done_status, &status) <= 0)
                return 2;
        (void)turn(r, 0);
        (void)poll(NULL, 0, 100); /* it is in the job by now: an end of file does not reach it */
        return 0;
}

static void test_dies_with_its_parent(void **state)
{
        (void)state;
        pid_t *pid = shared_page();
        assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
        assert_true(in_process(leave_hung_child, pid));
        assert_true(*pid > 0);
        int status = 0, got = 0;
        for (int i = 0; i < 500 && got == 0; i++) {
                got = waitpid(*pid, &status, WNOHANG);
                (void)poll(NULL, 0, 10);
        }
        assert_int_equal(got, *pid);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        (void)prctl(PR_SET_CHILD_SUBREAPER, 0);
        munmap(pid, 4096);
}

/* --- what the child is --------------------------------------------------------------------- */

static void test_descriptors(void **state)
{
        (void)state;
        _cleanup_got_ struct got g = {0};
        _cleanup_close_ int low = open("/etc/passwd", O_RDONLY);
        _cleanup_close_ int high = fcntl(low, F_DUPFD, 700);
        assert_true(low >= 0 && high >= 700);
        struct reader *r = open_reader(&host);
        ask(r, DESCRIPTORS, NULL, 0, &g);
        finish(r);
        size_t lines = 0, sockets = 0, nulls = 0;
        for (char *save, *p = strtok_r(g.bytes.p, "\n", &save); p;
             p = strtok_r(NULL, "\n", &save)) {
                int fd = (int)strtol(p, NULL, 10);
                lines++;
                sockets += strstr(p, " socket:") != NULL && fd > 2;
                nulls += fd < 2 && endswith(p, " /dev/null");
                assert_true(fd <= 2 || fd == host.top || fd == host.proc || strstr(p, " socket:"));
        }
        assert_int_equal(nulls, 2);
        assert_int_equal(sockets, 1);
        assert_int_equal(lines, 3 + 2 + 1); /* stdio, top and proc, the socket */
        reader_free(r);
}

/* The value of a line in a proc status text. */
static uint64_t status_hex(const char *text, const char *name)
{
        const char *p = strstr(text, name);
        assert_non_null(p);
        return strtoull(p + strlen(name), NULL, 16);
}

static void on_signal(int s)
{
        (void)s;
}

static void test_signals_and_name(void **state)
{
        (void)state;
        _cleanup_got_ struct got g = {0};
        sigset_t set, before;
        sigfillset(&set);
        sigdelset(&set, SIGUSR2);
        assert_int_equal(sigprocmask(SIG_BLOCK, &set, &before), 0);
        (void)signal(SIGUSR1, on_signal);
        (void)signal(SIGTERM, SIG_IGN);
        struct reader *r = open_reader(&host);
        (void)signal(SIGUSR1, SIG_DFL);
        (void)signal(SIGTERM, SIG_DFL);
        sigset_t during;
        assert_int_equal(sigprocmask(SIG_SETMASK, &before, &during), 0);
        assert_int_equal(sigismember(&during, SIGUSR1), 1); /* ours was put back */
        assert_int_equal(sigismember(&during, SIGUSR2), 0);
        ask_proc(r, 0, "status", &g);
        finish(r);
        assert_non_null(startswith(g.bytes.p, "Name:\tctop-c: reader\n"));
        assert_int_equal(status_hex(g.bytes.p, "SigBlk:"), 0);
        assert_int_equal(status_hex(g.bytes.p, "SigCgt:"), 0);
        assert_int_equal(status_hex(g.bytes.p, "SigIgn:"),
                         1u << (SIGINT - 1) | 1u << (SIGQUIT - 1) | 1u << (SIGHUP - 1) |
                                 1u << (SIGTSTP - 1));
        reader_free(r);
}

static int *hook_called;

static void count_hook(void)
{
        ++*hook_called;
}

/* Out of memory in the child must not reset the terminal under the dashboard. */
static void test_die_hook(void **state)
{
        (void)state;
        _cleanup_got_ struct got g = {0};
        hook_called = shared_page();
        die_set_hook(count_hook);
        struct reader *r = open_reader(&host);
        ask(r, DIE, NULL, 0, &g);
        finish(r);
        die_set_hook(NULL);
        assert_int_equal(g.status, -EPIPE);
        assert_int_equal(*hook_called, 0);
        reader_free(r);
        munmap(hook_called, 4096);
}

static bool become_nobody(void)
{
        return setresgid(NOBODY, NOBODY, NOBODY) == 0 && setresuid(NOBODY, NOBODY, NOBODY) == 0 &&
               prctl(PR_SET_DUMPABLE, 1) == 0;
}

/* As a user who may read no more than his own processes. Returns the case that failed. */
static int read_as_nobody(void *arg)
{
        static const char *const names[] = {"stat",   "status",    "cgroup", "cmdline",
                                            "ns/pid", "mountinfo", "environ"};
        (void)arg;
        struct reader *r;
        if (!become_nobody() || reader_new(&host, jobs, ARRAY_SIZE(jobs), &r) < 0)
                return 100;
        pid_t pids[] = {getpid(), ask_plainly(r, PID, &(struct str){0})};
        for (size_t i = 0; i < ARRAY_SIZE(names) * 2; i++) {
                _cleanup_str_ struct str s = STR_INIT;
                wire_put_u64(&s, (uint64_t)pids[i % 2]);
                wire_put_str(&s, names[i / 2]);
                /* The one file that it costs shows that it is not dumpable. */
                int want = i == 2 * ARRAY_SIZE(names) - 1 ? -EACCES : 0;
                if (MIN(ask_plainly(r, READ_PROC, &s), 0) != want)
                        return (int)i + 1;
        }
        reader_free(r);
        return 0;
}

/* Not being dumpable must not cost it the sight of others, nor of itself. */
static void test_reads_proc_as_user(void **state)
{
        (void)state;
        if (getuid() != 0)
                skip();
        assert_true(in_process(read_as_nobody, NULL));
}

static int count_failed_forks(void *arg)
{
        (void)arg;
        struct reader *r;
        struct rlimit none = {0, 4096}, some = {4096, 4096};
        if (!become_nobody() || reader_new(&host, jobs, ARRAY_SIZE(jobs), &r) < 0)
                return 1;
        for (int round = 0; round < 2; round++) {
                pid_t pid = ask_plainly(r, PID, &(struct str){0});
                if (pid <= 0 || setrlimit(RLIMIT_NPROC, &none) < 0 || kill(pid, SIGKILL) < 0)
                        return 2;
                if (turn(r, 10 * SECOND) != 0) /* a death, and a failed start */
                        return 3;
                if (reader_deadline(r) == UINT64_MAX)
                        return 4;
                if (round == 0 && setrlimit(RLIMIT_NPROC, &some) < 0)
                        return 5;
                skew += SECOND;
        }
        skew += SECOND;
        int e = turn(r, 0); /* the third in a row */
        reader_free(r);
        return e == -EAGAIN ? 0 : 6;
}

/* One failed fork is tried again later; more than that are the end. */
static void test_cannot_fork(void **state)
{
        (void)state;
        if (getuid() != 0)
                skip();
        assert_true(in_process(count_failed_forks, NULL));
}

/* --- fixtures ------------------------------------------------------------------------------ */

static char fixture[64]; /* removed after the test, however it ends */

static int make_fixture(void)
{
        snprintf(fixture, sizeof(fixture), "/tmp/ctop-reader-XXXXXX");
        assert_non_null(mkdtemp(fixture));
        int fd = open(fixture, O_PATH | O_DIRECTORY | O_CLOEXEC);
        assert_true(fd >= 0);
        return fd;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
        (void)st;
        (void)type;
        (void)ftw;
        return remove(path);
}

static void write_file(int dirfd, const char *path, const char *text)
{
        _cleanup_close_ int fd = openat(dirfd, path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
        assert_true(fd >= 0);
        assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

static void test_fifo(void **state)
{
        (void)state;
        _cleanup_close_ int fd = make_fixture();
        assert_true(mkdirat(fd, "sys", 0755) == 0 && mkdirat(fd, "run", 0755) == 0);
        assert_int_equal(mkfifoat(fd, "run/state.json", 0644), 0);
        write_file(fd, "run/plain.json", "{}");

        struct root root = ROOT_INIT;
        _cleanup_got_ struct got fifo = {0}, plain = {0};
        assert_int_equal(root_open(&root, fixture), 0);
        struct reader *r = open_reader(&root);
        ask_path(r, "/run/state.json", &fifo);
        ask_path(r, "/run/plain.json", &plain);
        finish(r);
        assert_int_equal(fifo.status, -EINVAL);
        assert_int_equal(plain.status, 2);
        assert_int_equal(reader_restarts(r), 0);
        reader_free(r);
        root_close(&root);
}

#define STEPS 4

static void make_steps(int fd)
{
        for (int i = 0; i < STEPS; i++) {
                char path[32], text[8];
                snprintf(path, sizeof(path), "%d", i);
                assert_int_equal(mkdirat(fd, path, 0755), 0);
                snprintf(path, sizeof(path), "%d/sys", i);
                assert_int_equal(mkdirat(fd, path, 0755), 0);
                snprintf(path, sizeof(path), "%d/sys/step", i);
                snprintf(text, sizeof(text), "at %d", i);
                write_file(fd, path, text);
        }
}

static void take_step(struct root *root, struct reader *r)
{
        assert_int_equal(root_next_step(root), 1);
        assert_int_equal(reader_step(r), 0);
}

/* The step is part of the order of questions, and is not taken twice by a child that is new. */
static void test_steps(void **state)
{
        (void)state;
        _cleanup_close_ int fd = make_fixture();
        make_steps(fd);
        struct root root = ROOT_INIT;
        _cleanup_got_ struct got zero = {0}, one = {0}, two = {0}, crash = {0}, three = {0};
        assert_int_equal(root_open(&root, fixture), 0);
        struct reader *r = open_reader(&root);
        ask(r, STEP, NULL, 0, &zero);
        take_step(&root, r);
        ask(r, STEP, NULL, 0, &one);
        take_step(&root, r);
        ask(r, STEP, NULL, 0, &two);
        finish(r);
        ask_u64(r, CRASH, CRASH_EXIT, &crash);
        take_step(&root, r);
        ask(r, STEP, NULL, 0, &three);
        assert_int_equal(reader_pending(r), 2);
        finish(r);
        assert_string_equal(zero.bytes.p, "at 0");
        assert_string_equal(one.bytes.p, "at 1");
        assert_string_equal(two.bytes.p, "at 2");
        assert_string_equal(three.bytes.p, "at 3");
        assert_int_equal(three.status, 3);
        reader_free(r);
        root_close(&root);
}

/* --- what hangs in the kernel -------------------------------------------------------------- */

static struct stuck_fuse stuck; /* closed after the test, however it ends */

/* Maps a file that never answers, then waits to be asked to take its own memory map for writing. */
__attribute__((noreturn)) static void be_target(const char *path, int out, int in)
{
        char c;
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        void *p = fd < 0 ? MAP_FAILED : mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
        (void)!write(out, &p, sizeof(p));
        (void)!read(in, &c, 1);
        (void)mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        for (;;)
                pause();
}

/* Waits inside the target's memory map, holding it for reading. */
__attribute__((noreturn)) static void be_holder(pid_t target, void *at)
{
        char path[64], c;
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        snprintf(path, sizeof(path), "/proc/%d/mem", (int)target);
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        (void)!pread(fd, &c, 1, (off_t)(uintptr_t)at);
        _exit(0);
}

struct locked {
        pid_t target;
        pid_t holder;
};

/*
 * A process whose memory map is locked, as ps meets it: somebody waits for a page in it, a writer
 * waits for it, and every reader (proc/PID/cmdline) waits for the writer. (Pages of files are no
 * good as arguments themselves: proc refuses those since Linux 4.17.)
 */
static void lock_a_process(struct stuck_fuse *f, struct locked *ret)
{
        char path[128];
        int out[2], in[2];
        void *at = MAP_FAILED;
        snprintf(path, sizeof(path), "%s/" STUCK_CACHED, f->dir);
        assert_true(pipe2(out, O_CLOEXEC) == 0 && pipe2(in, O_CLOEXEC) == 0);
        ret->target = fork();
        if (ret->target == 0)
                be_target(path, out[1], in[0]);
        assert_int_equal(read(out[0], &at, sizeof(at)), sizeof(at));
        assert_true(at != MAP_FAILED);
        ret->holder = fork();
        if (ret->holder == 0)
                be_holder(ret->target, at);
        assert_true(stuck_await_read(f));
        assert_int_equal(write(in[1], "x", 1), 1);
        assert_true(reaches_state(ret->target, 'D'));
        for (int i = 0; i < 2; i++) {
                close(in[i]);
                close(out[i]);
        }
}

static void unlock_process(struct stuck_fuse *f, struct locked *l)
{
        stuck_end_server(f);
        (void)kill(l->holder, SIGKILL);
        (void)kill(l->target, SIGKILL);
        (void)waitpid(l->holder, NULL, 0);
        (void)waitpid(l->target, NULL, 0);
}

static void open_stuck(void)
{
        int e = stuck_open(&stuck);
        if (e < 0) {
                print_message("no FUSE here: %s\n", strerror(-e));
                skip();
        }
}

static void test_locked_memory_map(void **state)
{
        (void)state;
        struct locked l;
        _cleanup_got_ struct got before = {0}, hung = {0}, after = {0}, freed = {0};
        open_stuck();
        lock_a_process(&stuck, &l);
        struct reader *r = open_reader(&host);
        pid_t old = child_of(r);
        ask_proc(r, l.target, "stat", &before); /* this one needs no memory map */
        drive(r, 0, 5 * SECOND);
        assert_true(before.status > 0);
        ask_proc(r, l.target, "cmdline", &hung);
        ask_proc(r, getpid(), "cmdline", &after);
        sit_out_silence(r);
        finish(r);
        assert_int_equal(hung.status, -ETIMEDOUT);
        assert_true(after.status > 0);
        assert_int_equal(reader_restarts(r), 1);
        assert_true(child_of(r) != old);
        unlock_process(&stuck, &l);
        ask_proc(r, getpid(), "cmdline", &freed);
        finish(r);
        assert_int_equal(freed.status, after.status);
        reader_free(r);
}

static void ask_stuck(struct reader *r, const struct stuck_fuse *f, struct got *g)
{
        char path[128];
        snprintf(path, sizeof(path), "%s/" STUCK_DIRECT, f->dir);
        ask_path(r, path, g);
}

/* Opened after the mount: the host of before may be another mount namespace. */
static struct root open_here(void)
{
        struct root root = ROOT_INIT;
        assert_int_equal(root_open(&root, NULL), 0);
        return root;
}

/* SIGKILL does not end it; nobody waits for it, and it is reaped when it does end. */
static void test_unkillable(void **state)
{
        (void)state;
        _cleanup_got_ struct got hung = {0}, after = {0};
        open_stuck();
        struct root root = open_here();
        struct reader *r = open_reader(&root);
        pid_t old = child_of(r);
        ask_stuck(r, &stuck, &hung);
        ask(r, ECHO, "a", 1, &after);
        assert_int_equal(turn(r, 0), 0);
        assert_true(stuck_await_read(&stuck));
        sit_out_silence(r);
        finish(r);
        assert_int_equal(hung.status, -ETIMEDOUT);
        assert_int_equal(after.status, 1);
        assert_true(reaches_state(old, 'D'));
        skew += SECOND;
        assert_int_equal(turn(r, 0), 0);
        assert_int_equal(state_of(old), 'D');
        assert_true(reader_deadline(r) < UINT64_MAX);
        stuck_end_server(&stuck);
        assert_true(reaches_state(old, 'Z'));
        skew += SECOND;
        assert_int_equal(turn(r, 0), 0);
        assert_int_equal(state_of(old), 0);
        assert_true(reader_deadline(r) == UINT64_MAX);
        reader_free(r);
        root_close(&root);
}

/* Every question makes another child that cannot die: that ends, and heals. */
static void test_too_many_unkillable(void **state)
{
        (void)state;
        static struct got hung[12];
        _cleanup_got_ struct got echo = {0};
        open_stuck();
        struct root root = open_here();
        struct reader *r = open_reader(&root);
        for (size_t i = 0; i < ARRAY_SIZE(hung); i++)
                ask_stuck(r, &stuck, &hung[i]);
        for (size_t i = 0; i < 8; i++) {
                assert_int_equal(turn(r, 0), 0);
                assert_true(stuck_await_read(&stuck));
                skew += READER_SILENT_USEC;
        }
        finish(r);
        assert_int_equal(reader_restarts(r), 8);
        for (size_t i = 0; i < ARRAY_SIZE(hung); i++) {
                assert_int_equal(hung[i].status, -ETIMEDOUT);
                got_done(&hung[i]);
        }
        ask(r, ECHO, "x", 1, &echo);
        skew += SECOND;
        finish(r);
        assert_int_equal(echo.status, -ETIMEDOUT);
        stuck_end_server(&stuck);
        for (int i = 0; i < 100 && echo.status < 0; i++) {
                (void)poll(NULL, 0, 20);
                skew += SECOND;
                assert_int_equal(turn(r, 0), 0);
                ask(r, ECHO, "x", 1, &echo);
                finish(r);
        }
        assert_int_equal(echo.status, 1);
        reader_free(r);
        root_close(&root);
}

static int clean(void **state)
{
        (void)state;
        stuck_close(&stuck);
        if (*fixture)
                (void)nftw(fixture, remove_one, 8, FTW_DEPTH | FTW_PHYS);
        *fixture = '\0';
        return 0;
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(dies_with_its_parent),
                TEST(descriptors),
                TEST(signals_and_name),
                TEST(die_hook),
                TEST(reads_proc_as_user),
                TEST(cannot_fork),
                TEST_CLEAN(fifo),
                TEST_CLEAN(steps),
                TEST_CLEAN(locked_memory_map),
                TEST_CLEAN(unkillable),
                TEST_CLEAN(too_many_unkillable),
        };
        return bench_main("reader_child", tests, ARRAY_SIZE(tests));
}
