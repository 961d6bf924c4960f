/* SPDX-License-Identifier: MIT */

/*
 * What a tick costs, beside the floor: bare preads of the same descriptors, in the same run. Real
 * cgroups on this host; prints tables, judges nothing. bench [containers] [many]
 */

#include <dirent.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "app/collect.h"
#include "base/mem.h"
#include "base/str.h"
#include "model/columns.h"
#include "model/model.h"
#include "report/report.h"
#include "world.h"

#define ROUNDS 31

/* --- counting, through the linker's --wrap --- */

static unsigned long calls;
static bool counting;
#define WRAP(ret, name, params, args)                                                              \
        ret __real_##name params;                                                                  \
        ret __wrap_##name params;                                                                  \
        ret __wrap_##name params                                                                   \
        {                                                                                          \
                calls += counting;                                                                 \
                return __real_##name args;                                                         \
        }
WRAP(ssize_t, pread64, (int fd, void *buf, size_t n, off_t at), (fd, buf, n, at)) /* 64-bit off_t */
WRAP(ssize_t, read, (int fd, void *buf, size_t n), (fd, buf, n))
WRAP(int, close, (int fd), (fd))

int __real_openat64(int dirfd, const char *path, int flags, ...);
int __wrap_openat64(int dirfd, const char *path, int flags, ...);
int __wrap_openat64(int dirfd, const char *path, int flags, ...)
{
        calls += counting;
        return __real_openat64(dirfd, path, flags);
}

long __real_syscall(long n, ...);
long __wrap_syscall(long n, long a, long b, long c, long d, long e, long f);
long __wrap_syscall(long n, long a, long b, long c, long d, long e, long f)
{
        calls += counting;
        return __real_syscall(n, a, b, c, d, e, f);
}

static double now(void)
{
        struct timespec t;
        clock_gettime(CLOCK_MONOTONIC, &t);
        return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* CPU time of this process alone: what other processes do to the clock on the wall is not ours. */
static double cpu_now(void)
{
        struct timespec t;
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
        return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int by_value(const void *a, const void *b)
{
        double x = *(const double *)a, y = *(const double *)b;
        return (x > y) - (x < y);
}

static double median(double *v, size_t n)
{
        qsort(v, n, sizeof(v[0]), by_value);
        return v[n / 2];
}

/* --- the two things compared --- */

static void tick(struct collector *c, struct model *m)
{
        struct snapshot s;
        if (collect_begin(c, false) < 0)
                die("collect_begin failed");
        while (collect_walk(c))
                ;
        while (collect_some(c))
                ;
        collect_end(c, &s);
        model_apply(m, &s);
}

/* Descriptors that a tick reads: cgroup files and net/dev, but not those that tell by event. */
static int *tick_fds(size_t *ret_n)
{
        static const char *const events[] = {"/cgroup.events", "/memory.events"};
        int *fds = NULL;
        size_t n = 0, cap = 0;
        DIR *dir = opendir("/proc/self/fd");
        for (struct dirent *d; dir && (d = readdir(dir));) {
                char link[512];
                ssize_t len = readlinkat(dirfd(dir), d->d_name, link, sizeof(link) - 1);
                if (len <= 0)
                        continue;
                link[len] = '\0';
                bool ours = strstr(link, "/ctop-bench-") || endswith(link, "/net/dev");
                for (size_t i = 0; i < ARRAY_SIZE(events); i++)
                        ours &= !endswith(link, events[i]);
                if (!ours)
                        continue;
                grow(&fds, &cap, n + 1, sizeof(fds[0]));
                fds[n++] = (int)strtol(d->d_name, NULL, 10);
        }
        closedir(dir);
        *ret_n = n;
        return fds;
}

static void floor_pass(const int *fds, size_t n)
{
        static char buf[16 * 1024];
        for (size_t i = 0; i < n; i++)
                if (pread(fds[i], buf, sizeof(buf), 0) < 0)
                        continue;
}

struct engine {
        struct root root;
        struct collector *c;
        struct model *m;
};

static struct engine engine_new(unsigned wants)
{
        struct engine e = {.root = ROOT_INIT, .m = model_new()};
        struct collect_options o = {.wants = wants};
        if (root_open(&e.root, NULL) < 0 || collector_new(&e.root, &o, &e.c) < 0)
                die("cannot open this host");
        tick(e.c, e.m);
        collect_settle(e.c, 60000000);
        tick(e.c, e.m);
        collect_settle(e.c, 60000000);
        tick(e.c, e.m);
        return e;
}

static void engine_free(struct engine *e)
{
        collector_free(e->c);
        model_free(e->m);
        root_close(&e->root);
}

static unsigned default_wants(void)
{
        return report_wants("table", NULL, 0);
}

/* --- tables --- */

static double compare(const char *what, size_t n, unsigned wants)
{
        double engine[ROUNDS], bare[ROUNDS];
        size_t n_fds;
        struct engine e = engine_new(wants);
        int *fds = tick_fds(&n_fds);
        for (size_t i = 0; i < ROUNDS; i++) { /* side by side, so that noise hits both */
                double t0 = now();
                tick(e.c, e.m);
                double t1 = now();
                floor_pass(fds, n_fds);
                engine[i] = t1 - t0;
                bare[i] = now() - t1;
        }
        counting = true;
        calls = 0;
        tick(e.c, e.m);
        counting = false;
        double a = median(engine, ROUNDS), b = median(bare, ROUNDS);
        printf("%-16s %6zu rows %6zu  tick %8.2f ms  floor %8.2f ms  ratio %5.2f  calls/row %5.2f  "
               "preads/row %5.2f\n",
               what, n, e.m->n_containers, a, b, a / b, (double)calls / (double)n,
               (double)n_fds / (double)n);
        free(fds);
        engine_free(&e);
        return a;
}

static void memory(size_t n)
{
        malloc_trim(0);
        struct mallinfo2 before = mallinfo2();
        struct engine e = engine_new(default_wants());
        struct mallinfo2 after = mallinfo2();
        struct rusage u;
        getrusage(RUSAGE_SELF, &u);
        printf("memory           %6zu rows: heap %.2f KiB a row; peak of this process %.1f MiB\n",
               n, (double)(after.uordblks - before.uordblks) / 1024.0 / (double)n,
               (double)u.ru_maxrss / 1024.0);
        engine_free(&e);
}

static void processes(struct world *w, size_t n)
{
        double t[2] = {0};
        struct engine e = engine_new(default_wants());
        for (size_t pass = 0; pass < 2; pass++) {
                if (pass && world_add_processes(w, n) < 0)
                        die("cannot fork");
                tick(e.c, e.m);
                double t0 = cpu_now();
                for (size_t i = 0; i < ROUNDS; i++) {
                        tick(e.c, e.m);
                        collect_settle(e.c, 10000); /* the sweep's answers are part of the cost */
                }
                t[pass] = (cpu_now() - t0) / ROUNDS;
        }
        printf("%zu unrelated processes: mean tick %.2f ms of CPU without, %.2f ms with, %+.1f "
               "%%\n",
               n, t[0], t[1], 100.0 * (t[1] / t[0] - 1));
        engine_free(&e);
}

/* A whole run of the program, as a script sees it. */
static void whole_run(size_t containers)
{
        const char *program = getenv("CTOP");
        double v[ROUNDS];
        for (size_t i = 0; program && i < ROUNDS; i++) {
                double t0 = now();
                pid_t pid = fork();
                if (pid == 0) {
                        int fd = open("/dev/null", O_WRONLY);
                        dup2(fd, STDOUT_FILENO);
                        execl(program, program, "--once", "--delay", "0", (char *)NULL);
                        _exit(127);
                }
                waitpid(pid, NULL, 0);
                v[i] = now() - t0;
        }
        if (program)
                printf("--once --delay 0 %6zu containers: median %.1f ms\n", containers,
                       median(v, ROUNDS));
}

static struct world *need_world(size_t n, bool netns)
{
        struct world *w = world_new(n, netns);
        if (!w)
                die("cannot make cgroups (root only)");
        usleep(300000);
        return w;
}

int main(int argc, char **argv)
{
        uint64_t few = 1000, many = 10000;
        if (argc > 1)
                (void)parse_u64_z(argv[1], &few);
        if (argc > 2)
                (void)parse_u64_z(argv[2], &many);
        setvbuf(stdout, NULL, _IOLBF, 0);

        struct world *w = need_world(few / 10, true);
        if (world_add_processes(w, 100) < 0)
                die("cannot fork");
        whole_run(few / 10);
        memory(few / 10);
        world_free(w);

        w = need_world(few, true);
        compare("default columns", few, default_wants());
        compare("every column", few, WANT_ALL);
        memory(few);
        processes(w, many);
        world_free(w);

        w = need_world(few, false);
        double a = compare("no netns", few, default_wants());
        world_free(w);
        w = need_world(many, false);
        double b = compare("no netns", many, default_wants());
        printf("%llu cost %.1f x %llu\n", (unsigned long long)many, b / a, (unsigned long long)few);
        world_free(w);
        return 0;
}
