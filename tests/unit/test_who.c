/* SPDX-License-Identifier: MIT */
#include "app/who.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "app/demo_util.h"
#include "app/demo_veth.h"
#include "app/session.h"
#include "base/mem.h"

/* --- what is asked ---------------------------------------------------------------------------- */

static void test_parse(void **state)
{
        (void)state;
        static const struct {
                const char *text;
                int want;
                enum who_kind kind;
                unsigned number;
        } cases[] = {
                {"1", 0, WHO_PID, 1},
                {"4194304", 0, WHO_PID, 4194304},
                {":1", 0, WHO_PORT, 1},
                {":65535", 0, WHO_PORT, 65535},
                {"eth0", 0, WHO_INTERFACE, 0},
                {"4711x", 0, WHO_INTERFACE, 0},
                {"br-83bd1dffebb1", 0, WHO_INTERFACE, 0},
                {"0", -EINVAL, 0, 0},
                {"4194305", -EINVAL, 0, 0},
                {"99999999999999999999", -EINVAL, 0, 0},
                {"", -EINVAL, 0, 0},
                {":", -EINVAL, 0, 0},
                {":0", -EINVAL, 0, 0},
                {":65536", -EINVAL, 0, 0},
                {":80x", -EINVAL, 0, 0},
                {":-1", -EINVAL, 0, 0},
                {"0123456789abcdef", -EINVAL, 0, 0}, /* 16: one too long */
                {"a/b", -EINVAL, 0, 0},
                {"a b", -EINVAL, 0, 0},
                {"a:1", -EINVAL, 0, 0},
                {".", -EINVAL, 0, 0},
                {"..", -EINVAL, 0, 0},
                {"-1", -EINVAL, 0, 0},
                {"--help", -EINVAL, 0, 0},
        };
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                enum who_kind kind;
                unsigned number;
                assert_int_equal(who_parse(cases[i].text, &kind, &number), cases[i].want);
                if (cases[i].want < 0)
                        continue;
                assert_int_equal(kind, cases[i].kind);
                assert_int_equal(number, cases[i].number);
        }
}

/* --- what is said ----------------------------------------------------------------------------- */

struct said {
        int status;
        char out[16384], err[4096];
};

static int divert(int fd, int *ret_saved)
{
        int memory = memfd_create("said", MFD_CLOEXEC);
        assert_true(memory >= 0);
        fflush(NULL);
        *ret_saved = dup(fd);
        assert_int_equal(dup2(memory, fd), fd);
        return memory;
}

static void restore(int fd, int saved, int memory, char *buf, size_t size)
{
        fflush(NULL);
        assert_int_equal(dup2(saved, fd), fd);
        ssize_t n = pread(memory, buf, size - 1, 0);
        assert_true(n >= 0);
        buf[n] = '\0';
        close(saved);
        close(memory);
}

static void ask(struct options o, struct said *ret)
{
        int saved[2], memory[2];
        o.mode = MODE_WHO;
        o.format = o.format ? o.format : "table";
        o.ascii = true;
        memory[0] = divert(STDOUT_FILENO, &saved[0]);
        memory[1] = divert(STDERR_FILENO, &saved[1]);
        ret->status = who_run(&o);
        restore(STDOUT_FILENO, saved[0], memory[0], ret->out, sizeof(ret->out));
        restore(STDERR_FILENO, saved[1], memory[1], ret->err, sizeof(ret->err));
}

static char *fixture(void)
{
        const char *top = getenv("CTOP_SOURCE_ROOT");
        return xasprintf("%s/tests/fixtures/who-host", top ? top : ".");
}

static void test_fixture(void **state)
{
        (void)state;
        static const struct {
                const char *what;
                int status;
                const char *said; /* all of it: the lines before the table, or that on stderr */
                const char *rows; /* names in the table, each with a blank after it */
        } cases[] = {
                {"100", EXIT_DONE, "pid 100 (nginx) is in web\n", "web "},
                {"101", EXIT_DONE, "pid 101 (nginx) is in web\n", "web "}, /* in a cgroup below */
                {"200", EXIT_DONE, "pid 200 (node_exporter) is in hostnet\n", "hostnet "},
                {"801", EXIT_DONE, "pid 801 (redis) is in cccccccccccc\n", "cccccccccccc "},
                /* its pid namespace tells, its cgroup is a session's */
                {"700", EXIT_DONE, "pid 700 (sh) is in web\n", "web "},
                {"600", EXIT_DONE, "pid 600 (tcpdump) shares the network namespace of web\n",
                 "web "},
                {"1", EXIT_NOTHING, "ctop-c: pid 1 is not in a container\n", NULL},
                {"300", EXIT_NOTHING, "ctop-c: pid 300 is not in a container\n", NULL},
                {"4711", EXIT_NOTHING, "ctop-c: there is no process 4711\n", NULL},
                {":80", EXIT_DONE, ":80 is listened on inside web (nginx pid 100)\n", "web "},
                {":9090", EXIT_DONE,
                 ":9090 is listened on by hostnet (node_exporter pid 200, in the host's network)\n",
                 "hostnet "},
                {":8080", EXIT_DONE, ":8080 is published by web (docker-proxy pid 300)\n", "web "},
                {":8082", EXIT_DONE, ":8082 is published by cccccccccccc (conmon pid 800)\n",
                 "cccccccccccc "},
                {":8083", EXIT_DONE, ":8083 is published by dddddddddddd (rootlessport pid 900)\n",
                 "dddddddddddd "},
                {":8443", EXIT_DONE,
                 ":8443 is published by web (its port 443/tcp, as docker keeps it on disk)\n",
                 "web "},
                {":22", EXIT_NOTHING,
                 "ctop-c: :22 is listened on by sshd (pid 400), which is not in a container\n",
                 NULL},
                /* a user's process that has the name and words of root's docker-proxy */
                {":8081", EXIT_NOTHING,
                 "ctop-c: :8081 is listened on by docker-proxy (pid 500), which is not in a "
                 "container\n",
                 NULL},
                {":5353", EXIT_NOTHING, /* udp */
                 "ctop-c: :5353 is listened on by sshd (pid 400), which is not in a container\n",
                 NULL},
                {":5354", EXIT_NOTHING, /* a connected udp socket waits for nobody */
                 "ctop-c: nothing listens on :5354, and no container publishes it\n", NULL},
                {":50000", EXIT_NOTHING, /* nor does the end of a connection */
                 "ctop-c: nothing listens on :50000, and no container publishes it\n", NULL},
                {"eth0", EXIT_USAGE,
                 "ctop-c: who INTERFACE asks the kernel of this host: it does not go with "
                 "--sysroot\n",
                 NULL},
                {"a/b", EXIT_USAGE,
                 "ctop-c: who: 'a/b' is neither a pid (1 to 4194304), nor :PORT (:1 to :65535), "
                 "nor the name of an interface\n",
                 NULL},
        };
        _cleanup_free_ char *dir = fixture();
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct said s;
                ask((struct options){.who = cases[i].what, .sysroot = dir}, &s);
                assert_int_equal(s.status, cases[i].status);
                if (!cases[i].rows) {
                        assert_string_equal(s.err, cases[i].said);
                        assert_string_equal(s.out, "");
                        continue;
                }
                assert_string_equal(s.err, "");
                size_t n = strlen(cases[i].said);
                s.out[n] = s.out[n] ? s.out[n] : '?';
                assert_memory_equal(s.out, cases[i].said, n);
                const char *head = strstr(s.out + n, "NAME ");
                assert_non_null(head);
                const char *row = strchr(head, '\n') + 1;
                assert_memory_equal(row, cases[i].rows, strlen(cases[i].rows));
                assert_null(strchr(strchr(row, '\n') + 1, '\n')); /* one row */
        }
}

/* Other formats have no sentence; the filter and the columns are as everywhere. */
static void test_formats(void **state)
{
        (void)state;
        _cleanup_free_ char *dir = fixture();
        struct said s;
        ask((struct options){.who = "101", .sysroot = dir, .format = "json"}, &s);
        assert_int_equal(s.status, EXIT_DONE);
        assert_int_equal(s.out[0], '{');
        assert_non_null(strstr(s.out, "\"pid\":100,"));
        assert_null(strstr(s.out, "hostnet"));
        ask((struct options){.who = "101", .sysroot = dir, .format = "csv", .columns = "name,pid"},
            &s);
        assert_memory_equal(s.out, "name,pid", 8);
        assert_non_null(strstr(s.out, "web,100"));
        assert_null(strstr(s.out, "hostnet"));
        ask((struct options){.who = "101", .sysroot = dir, .filter = "name=hostnet"}, &s);
        assert_int_equal(s.status, EXIT_NOTHING);
        assert_string_equal(s.out, "");
        assert_string_equal(s.err, "ctop-c: the filter leaves nothing of what 101 is in\n");
        ask((struct options){.who = "101", .sysroot = "/nonexistent"}, &s);
        assert_int_equal(s.status, EXIT_FAILED);
}

/* --- for real --------------------------------------------------------------------------------- */

#define COMM "ctop-who-live"

struct live {
        pid_t pid;
        unsigned port;
        char veth[IFNAMSIZ], bridge[IFNAMSIZ];
        int control;
};

/* Inside: the pid of 1, a listener, and no end until killed. */
__attribute__((noreturn)) static void live_inside(int report)
{
        struct sockaddr_in a = {.sin_family = AF_INET};
        socklen_t n = sizeof(a);
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)prctl(PR_SET_NAME, COMM);
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 || listen(fd, 1) < 0 ||
            getsockname(fd, (struct sockaddr *)&a, &n) < 0)
                _exit(1);
        unsigned port = ntohs(a.sin_port);
        if (write(report, &port, sizeof(port)) != sizeof(port))
                _exit(1);
        for (;;)
                pause();
}

static bool live_start(struct live *l)
{
        int pipes[2];
        *l = (struct live){.control = -1};
        assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
        fflush(NULL);
        l->pid = demo_clone(CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWNS);
        if (l->pid == 0)
                live_inside(pipes[1]);
        close(pipes[1]);
        bool up = l->pid > 0 && read(pipes[0], &l->port, sizeof(l->port)) == sizeof(l->port);
        close(pipes[0]);
        return up;
}

static void live_stop(struct live *l)
{
        if (l->pid > 0) {
                kill(l->pid, SIGKILL);
                assert_int_equal(waitpid(l->pid, NULL, 0), l->pid);
        }
        if (*l->bridge && ioctl(l->control, SIOCBRDELBR, l->bridge) < 0)
                print_error("the bridge %s stays: %s\n", l->bridge, strerror(errno));
        for (int i = 0; *l->veth && i < 1000 && if_nametoindex(l->veth); i++)
                demo_nap_ms(5); /* goes with the namespace */
        bool gone = !*l->veth || !if_nametoindex(l->veth);
        if (l->control >= 0)
                close(l->control);
        assert_true(gone);
}

/* A veth into the namespace, and a bridge above it. */
static void live_network(struct live *l)
{
        struct ifreq rq = {0};
        snprintf(l->veth, sizeof(l->veth), "ctw%d", (int)getpid());
        int r = veth_create(l->veth, "inside0", l->pid);
        if (r < 0) {
                print_message("no veth on this kernel (%s): half of the test is left out\n",
                              strerror(-r));
                *l->veth = '\0';
                return;
        }
        l->control = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        char name[IFNAMSIZ];
        snprintf(name, sizeof(name), "ctwb%d", (int)getpid());
        if (ioctl(l->control, SIOCBRADDBR, name) < 0) {
                print_message("no bridge on this kernel (%s)\n", strerror(errno));
                return;
        }
        memcpy(l->bridge, name, sizeof(name));
        memcpy(rq.ifr_name, name, sizeof(name));
        rq.ifr_ifindex = (int)if_nametoindex(l->veth);
        assert_int_equal(ioctl(l->control, SIOCBRADDIF, &rq), 0);
}

static void expect_line(const char *what, const char *sentence)
{
        struct said s;
        ask((struct options){.who = what}, &s);
        if (s.status != EXIT_DONE)
                print_error("who %s: %s", what, s.err);
        assert_int_equal(s.status, EXIT_DONE);
        const char *at = strstr(s.out, sentence);
        if (!at)
                print_error("who %s: %s", what, s.out);
        assert_non_null(at);
        assert_true(at == s.out || at[-1] == '\n');
        assert_non_null(strstr(s.out, "\n" COMM)); /* its row */
}

/* Somebody without rights: what the cgroup and the leader's pid tell, and what /proc/PID/net does.
 */
static void expect_unprivileged(const char *what, const char *sentence)
{
        int status;
        pid_t pid = fork();
        if (pid == 0) {
                struct said s;
                if (setresgid(65534, 65534, 65534) < 0 || setresuid(65534, 65534, 65534) < 0 ||
                    prctl(PR_SET_DUMPABLE, 1) < 0) /* as after an exec */
                        _exit(2);
                ask((struct options){.who = what}, &s);
                bool good = s.status == EXIT_DONE && strstr(s.out, sentence) == s.out;
                if (!good)
                        print_error("who %s: %d %s%s", what, s.status, s.out, s.err);
                _exit(!good);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
}

static void test_live(void **state)
{
        (void)state;
        _cleanup_(live_stop) struct live l;
        char what[32], sentence[128];
        if (geteuid() != 0) {
                print_message("SKIPPED: not root, no namespaces to look at\n");
                skip();
        }
        if (!live_start(&l)) {
                print_message("SKIPPED: no new namespaces here: %s\n", strerror(errno));
                skip();
        }
        live_network(&l);
        snprintf(what, sizeof(what), "%d", (int)l.pid);
        snprintf(sentence, sizeof(sentence), "pid %d (" COMM ") is in " COMM "\n", (int)l.pid);
        expect_line(what, sentence);
        expect_unprivileged(what, sentence);
        snprintf(what, sizeof(what), ":%u", l.port);
        snprintf(sentence, sizeof(sentence),
                 ":%u is listened on inside " COMM " (" COMM " pid %d)\n", l.port, (int)l.pid);
        expect_line(what, sentence);
        snprintf(sentence, sizeof(sentence),
                 ":%u is listened on in the network namespace of " COMM "\n", l.port);
        expect_unprivileged(what, sentence);
        if (*l.veth) {
                snprintf(sentence, sizeof(sentence), "%s is inside0 of " COMM "\n", l.veth);
                expect_line(l.veth, sentence);
        }
        if (*l.bridge) {
                snprintf(sentence, sizeof(sentence),
                         "%s leads to inside0 of " COMM " (through %s)\n", l.bridge, l.veth);
                expect_line(l.bridge, sentence);
        }
}

/* Of the host: this process, a thread that is none, a listener of its own, lo. */
static void test_live_host(void **state)
{
        (void)state;
        struct said s;
        struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        socklen_t n = sizeof(a);
        char what[32], sentence[128];
        _cleanup_close_ int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        ask((struct options){.who = "lo"}, &s);
        assert_int_equal(s.status, EXIT_NOTHING);
        assert_string_equal(s.err, "ctop-c: lo does not lead into a container\n");
        ask((struct options){.who = "ctop-no-such"}, &s);
        assert_int_equal(s.status, EXIT_NOTHING);
        assert_string_equal(s.err, "ctop-c: there is no interface ctop-no-such\n");
        snprintf(what, sizeof(what), "%d", (int)getpid());
        ask((struct options){.who = what}, &s);
        if (s.status == EXIT_DONE) {
                print_message("SKIPPED: the tests themselves run in a container\n");
                skip();
        }
        assert_int_equal(s.status, EXIT_NOTHING);
        snprintf(sentence, sizeof(sentence), "ctop-c: pid %s is not in a container\n", what);
        assert_string_equal(s.err, sentence);
        assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
        assert_int_equal(listen(fd, 1), 0);
        assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &n), 0);
        snprintf(what, sizeof(what), ":%u", ntohs(a.sin_port));
        snprintf(sentence, sizeof(sentence), "(pid %d), which is not in a container\n",
                 (int)getpid());
        ask((struct options){.who = what}, &s);
        assert_int_equal(s.status, EXIT_NOTHING);
        assert_non_null(strstr(s.err, sentence));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_parse),     cmocka_unit_test(test_fixture),
                cmocka_unit_test(test_formats),   cmocka_unit_test(test_live),
                cmocka_unit_test(test_live_host),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
