/* SPDX-License-Identifier: MIT */

/*
 * The n-th open or read of the parent fails, for n = 1, 2, 3, ... over two whole ticks on a
 * fixture host: no crash, no leak, no stale row or number, and whoever the fault does not touch
 * stays as he is. The linker wraps the calls (tests/meson.build); the reader child is left alone.
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "app/collect.h"
#include "base/mem.h"
#include "model/model.h"

#define SETTLE_USEC UINT64_C(20000000) /* a slow machine is no fault */
#define CGROUPS     "/sys/fs/cgroup"

/* --- the fault ---------------------------------------------------------------------------------
 */

static struct {
        pid_t parent;  /* nobody else fails */
        bool armed;    /* calls are counted */
        unsigned at;   /* the call that fails, from 1; 0: none */
        int error;     /* and how */
        unsigned seen; /* calls so far */
        bool hit;
        char where[2 * PATH_MAX]; /* what it was about */
} fault;

ssize_t __real_readlinkat(int dirfd, const char *path, char *buf, size_t size);

static void note_where(int fd, const char *path)
{
        char link[64], base[PATH_MAX];
        snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
        ssize_t n = __real_readlinkat(AT_FDCWD, link, base, sizeof(base) - 1);
        base[MAX(n, 0)] = '\0';
        if (path && *path == '/' && fd == AT_FDCWD)
                *base = '\0';
        snprintf(fault.where, sizeof(fault.where), "%s%s%s", base,
                 path && *path && *path != '/' ? "/" : "", path ? path : "");
}

static bool fails(int fd, const char *path)
{
        if (!fault.armed || getpid() != fault.parent || ++fault.seen != fault.at)
                return false;
        fault.hit = true;
        note_where(fd, path);
        errno = fault.error;
        return true;
}

#define WRAP(type, name, parameters, arguments, fd, path)                                          \
        type __real_##name parameters;                                                             \
        type __wrap_##name parameters;                                                             \
        type __wrap_##name parameters                                                              \
        {                                                                                          \
                return fails(fd, path) ? (type)-1 : __real_##name arguments;                       \
        }

/* The mode is passed on whether or not there is one: nothing under test makes files. */
WRAP(int, openat, (int fd, const char *p, int flags, mode_t m), (fd, p, flags, m), fd, p)
WRAP(int, openat64, (int fd, const char *p, int flags, mode_t m), (fd, p, flags, m), fd, p)
WRAP(int, open, (const char *p, int flags, mode_t m), (p, flags, m), AT_FDCWD, p)
WRAP(int, open64, (const char *p, int flags, mode_t m), (p, flags, m), AT_FDCWD, p)
WRAP(ssize_t, read, (int fd, void *b, size_t n), (fd, b, n), fd, NULL)
WRAP(ssize_t, pread, (int fd, void *b, size_t n, off_t at), (fd, b, n, at), fd, NULL)
WRAP(ssize_t, pread64, (int fd, void *b, size_t n, off_t at), (fd, b, n, at), fd, NULL)
WRAP(ssize_t, getdents64, (int fd, void *b, size_t n), (fd, b, n), fd, NULL)

ssize_t __wrap_readlinkat(int dirfd, const char *path, char *buf, size_t size);
ssize_t __wrap_readlinkat(int dirfd, const char *path, char *buf, size_t size)
{
        return fails(dirfd, path) ? -1 : __real_readlinkat(dirfd, path, buf, size);
}

long __real_syscall(long number, long a, long b, long c, long d, long e, long f);
long __wrap_syscall(long number, long a, long b, long c, long d, long e, long f);
long __wrap_syscall(long number, long a, long b, long c, long d, long e, long f)
{
        if (number == SYS_openat2 && fails((int)a, (const char *)b))
                return -1;
        return __real_syscall(number, a, b, c, d, e, f);
}

/* --- a run: two ticks with the fault, a third without ------------------------------------------
 */

struct run {
        struct root root;
        struct collector *collector;
        struct model *model;
        int status; /* below 0: it could not even begin, and said so */
};

static int tick(struct run *run, bool advance)
{
        struct snapshot s;
        int r = collect_begin(run->collector, advance);
        if (r < 0)
                return r;
        while (collect_walk(run->collector))
                continue;
        collect_settle(run->collector, SETTLE_USEC);
        assert_true(collect_settled(run->collector));
        while (collect_some(run->collector))
                continue;
        collect_end(run->collector, &s);
        model_apply(run->model, &s);
        return 0;
}

/* The first tick and, on a new step of the fixture, the second. */
static void start(struct run *run, unsigned at, int error)
{
        static const struct collect_options all = {.wants = WANT_ALL, .services = true};
        const char *top = getenv("CTOP_SOURCE_ROOT");
        _cleanup_free_ char *dir = xasprintf("%s/tests/fixtures/host-v2", top ? top : ".");
        *run = (struct run){.root = ROOT_INIT, .model = model_new()};
        fault.at = at;
        fault.error = error;
        fault.seen = 0;
        fault.hit = false;
        *fault.where = '\0';
        fault.armed = true;
        run->status = root_open(&run->root, dir);
        if (run->status >= 0)
                run->status = collector_new(&run->root, &all, &run->collector);
        if (run->status >= 0)
                run->status = tick(run, false);
        if (run->status >= 0 && tick(run, true) < 0)
                run->status = tick(run, true); /* the step was not taken: it can be */
        fault.armed = false;
}

/* All but the model. */
static void leave_host(struct run *run)
{
        collector_free(run->collector);
        run->collector = NULL;
        root_close(&run->root);
        int left = 0; /* the reader is gone, or on its way */
        for (int i = 0; i < 1000 && (left = waitpid(-1, NULL, WNOHANG)) == 0; i++)
                (void)poll(NULL, 0, 10);
        assert_true(left > 0 || errno == ECHILD);
}

static void finish(struct run *run)
{
        leave_host(run);
        model_free(run->model);
}

static unsigned count_fds(void)
{
        unsigned n = 0;
        DIR *dir = opendir("/proc/self/fd");
        while (readdir(dir))
                n++;
        closedir(dir);
        return n;
}

/* --- what may differ ---------------------------------------------------------------------------
 */

/* The cgroup (or the file in it) that could not be read; NULL: something else. */
static const char *faulty_cgroup(void)
{
        const char *p = strstr(fault.where, CGROUPS);
        return p ? p + strlen(CGROUPS) : NULL;
}

/* True when the fault is in the row's cgroup, in one above or below, or in nobody's. */
static bool is_touched(const struct container *c)
{
        const char *bad = faulty_cgroup();
        if (!bad)
                return true;
        size_t dir = strlen(bad);
        if (c->cgroup && startswith(bad, c->cgroup))
                return true;
        for (;; dir--) { /* the file's directory, or the directory itself */
                if (c->cgroup && strncmp(bad, c->cgroup, dir) == 0 &&
                    (c->cgroup[dir] == '/' || c->cgroup[dir] == '\0'))
                        return true;
                if (dir == 0 || bad[dir] == '/')
                        return false;
        }
}

static int wrong;    /* differences in this run */
static bool healing; /* in the tick after the fault */

static void tell(const struct container *c, const char *what)
{
        print_error("%sfault %u (%s) at %s: %s: %s\n", healing ? "after " : "", fault.at,
                    strerror(fault.error), fault.where, c->name, what);
        wrong++;
}

/* Without its slaves folder a disk is made of no other: it counts, and that is no fault. */
static bool is_other_disk(void)
{
        return fault.error == ENOENT && strstr(fault.where, "/slaves");
}

static void compare_samples(const struct container *c, const struct container *want, bool exact)
{
        for (enum metric m = 0; m < METRIC_COUNT; m++) {
                char what[128];
                bool has = sample_has(&c->now, m), wants = sample_has(&want->now, m);
                if (m >= IO_READ_BYTES && m <= IO_WRITE_OPS && is_other_disk())
                        continue;
                if (has == wants && (!has || c->now.value[m] == want->now.value[m]))
                        continue;
                if (!has && !exact)
                        continue;
                snprintf(what, sizeof(what), "metric %d is %s%llu, not %s%llu", m,
                         has ? "" : "unknown ", (unsigned long long)c->now.value[m],
                         wants ? "" : "unknown ", (unsigned long long)want->now.value[m]);
                tell(c, what);
        }
}

static void compare_rate(const struct container *c, double got, double want, bool exact,
                         const char *what)
{
        if (isnan(got) && (isnan(want) || !exact))
                return;
        if (isnan(got) != isnan(want) || fabs(got - want) > 1e-6)
                tell(c, what);
}

static void compare_rates(const struct container *c, const struct container *want, bool exact)
{
        compare_rate(c, c->rates.cpu_percent, want->rates.cpu_percent, exact, "another CPU rate");
        if (!is_other_disk()) {
                compare_rate(c, c->rates.io_read, want->rates.io_read, exact, "another read rate");
                compare_rate(c, c->rates.io_write, want->rates.io_write, exact,
                             "another write rate");
        }
        compare_rate(c, c->rates.net_rx, want->rates.net_rx, exact, "another rx rate");
        compare_rate(c, c->rates.net_tx, want->rates.net_tx, exact, "another tx rate");
        compare_rate(c, c->throttled_percent, want->throttled_percent, exact, "other throttling");
}

static void compare_limit(const struct container *c, const struct model_limit *got,
                          const struct model_limit *want, bool exact, const char *what)
{
        bool same = got->state == want->state && got->value == want->value &&
                    (got->source == want->source ||
                     (got->source && want->source && streq(got->source, want->source)));
        if (!same && (exact || got->state != LIMIT_UNKNOWN))
                tell(c, what);
}

static void compare_limits(const struct container *c, const struct container *want, bool exact)
{
        compare_limit(c, &c->cpu_limit, &want->cpu_limit, exact, "another CPU limit");
        compare_limit(c, &c->memory_limit, &want->memory_limit, exact, "another memory limit");
        compare_limit(c, &c->memory_high, &want->memory_high, exact, "another high mark");
        compare_limit(c, &c->pids_limit, &want->pids_limit, exact, "another pids limit");
}

static void compare_texts(const struct container *c, const struct container *want)
{
        if (c->runtime != want->runtime || c->kind != want->kind || !streq(c->name, want->name))
                tell(c, "another name, runtime or kind");
        if (memcmp(c->epoch, want->epoch, sizeof(c->epoch)) != 0)
                tell(c, "another epoch");
}

/* Its directory could not be looked for: it may be there still, but then without a number. */
static bool is_kept_blindly(const struct container *c)
{
        return faulty_cgroup() && is_touched(c) && c->now.have == 0;
}

/* Without its name it is still a process in namespaces of its own: shown as such, for now. */
static bool is_nameless(const struct container *c, const struct model *got,
                        const struct model *want)
{
        if (c->runtime != RUNTIME_NAMESPACE || !faulty_cgroup())
                return false;
        for (size_t i = 0; i < want->n_containers; i++) {
                const struct container *w = want->containers[i];
                if (w->pid == c->pid && !model_find(got, w->key))
                        return true;
        }
        return false;
}

/* A step of the fixture is taken once: what of it could not be opened then stays unknown. No live
 * host has such a moment. */
static bool is_step(void)
{
        static const char *const opened[] = {"/1/proc", "/1" CGROUPS,
                                             "/1" CGROUPS "/cgroup.controllers"};
        for (size_t i = 0; i < ARRAY_SIZE(opened); i++)
                if (endswith(fault.where, opened[i]))
                        return true;
        return false;
}

/* No cgroups at all from the start on: true as far as anybody can tell, and told. */
static bool is_without_cgroups(const struct model *m)
{
        return m->n_sources > 0 && m->sources[0].status == SOURCE_UNAVAILABLE;
}

/*
 * got: the model of a run with a fault. What is told must be true; only of rows that the fault
 * touches may something be missing. An absent file (ENOENT) is no fault of reading: without its
 * own file a limit is that of the cgroups above.
 */
static void compare(const struct model *got, const struct model *want)
{
        bool truth = fault.error == ENOENT && !healing;
        if (is_without_cgroups(got))
                return;
        for (size_t i = 0; i < want->n_containers; i++) {
                const struct container *w = want->containers[i], *c = model_find(got, w->key);
                bool exact = healing || !is_touched(w);
                if (!c) {
                        if (exact)
                                tell(w, "the row is lost");
                        continue;
                }
                compare_samples(c, w, exact);
                if (exact)
                        compare_texts(c, w);
                if (!healing)
                        compare_rates(c, w, exact);
                if (exact || !truth)
                        compare_limits(c, w, exact);
        }
        for (size_t i = 0; i < got->n_containers; i++) {
                const struct container *c = got->containers[i];
                bool blind =
                        !healing && (is_kept_blindly(c) || is_nameless(c, got, want) || is_step());
                if (!model_find(want, c->key) && !blind)
                        tell(c, "a row that should not be there");
        }
}

/*
 * Every call fails once, with one error after the other in turn; with CTOP_FAULTS_ALL in the
 * environment every call fails with every error, which takes minutes.
 */

/* --- the loop ----------------------------------------------------------------------------------
 */

struct baseline {
        struct run second, third;
        unsigned calls;
};

static int setup(void **state)
{
        static struct baseline b;
        fault.parent = getpid();
        start(&b.second, 0, 0);
        b.calls = fault.seen;
        assert_int_equal(b.second.status, 0);
        leave_host(&b.second);
        start(&b.third, 0, 0);
        assert_int_equal(tick(&b.third, false), 0);
        leave_host(&b.third);
        *state = &b;
        return 0;
}

static int teardown(void **state)
{
        struct baseline *b = *state;
        model_free(b->second.model);
        model_free(b->third.model);
        return 0;
}

static void try_fault(const struct baseline *b, unsigned n, int error)
{
        struct run run;
        start(&run, n, error);
        wrong = 0;
        healing = false;
        if (!fault.hit)
                tell(b->second.model->containers[0], "the call did not come");
        if (run.status < 0 && run.status != -error)
                tell(b->second.model->containers[0], "it failed for another reason");
        if (run.status >= 0) {
                compare(run.model, b->second.model);
                assert_int_equal(tick(&run, false), 0);
                healing = true;
                if (!is_step())
                        compare(run.model, b->third.model);
        }
        finish(&run);
}

static void test_faults(void **state)
{
        static const int errors[] = {EIO, EMFILE, ENOENT};
        const struct baseline *b = *state;
        unsigned bad = 0, runs = 0, fds = count_fds();
        assert_in_range(b->calls, 300, 100000);
        const char *all = getenv("CTOP_FAULTS_ALL");
        for (unsigned n = 1; n <= b->calls; n++)
                for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
                        if (!all && i != n % ARRAY_SIZE(errors))
                                continue;
                        try_fault(b, n, errors[i]);
                        bad += wrong > 0;
                        runs++;
                        assert_int_equal(count_fds(), fds);
                }
        print_message("%u calls, %u runs with a fault, %u of them wrong\n", b->calls, runs, bad);
        assert_int_equal(bad, 0);
}

/* The fixture is what the loop needs it to be: rows of all sorts, with rates. */
static void test_baseline(void **state)
{
        const struct baseline *b = *state;
        const struct container *web = NULL;
        for (size_t i = 0; i < b->second.model->n_containers; i++)
                if (streq(b->second.model->containers[i]->name, "web"))
                        web = b->second.model->containers[i];
        assert_non_null(web);
        assert_true(web->rates.cpu_percent == 60.0);
        assert_true(b->second.model->n_containers >= 12);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_baseline),
                cmocka_unit_test(test_faults),
        };
        return cmocka_run_group_tests(tests, setup, teardown);
}
