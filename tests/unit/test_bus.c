/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

#include "base/macros.h"
#include "runtime/bus.h"

#define UNIT "ctop-demo-4711.scope"
#define JOB  "/org/freedesktop/systemd1/job/7"

/* How the fake systemd behaves, played by a forked child over a socketpair. */
struct fake {
        const char *name;
        const char *refusal; /* D-Bus error name; NULL: accepts */
        bool silent;         /* never answers */
        bool hangs_up;       /* closes instead of answering */
        bool early;          /* the job is removed before the call is answered */
        const char *unit;    /* of the job that is removed; NULL: never */
        const char *result;
        int expected; /* of the last step; 0: still waiting at the end */
};

static const struct fake fakes[] = {
        {"done", .unit = UNIT, .result = "done", .expected = 1},
        {"done before the answer", .early = true, .unit = UNIT, .result = "done", .expected = 1},
        {"failed job", .unit = UNIT, .result = "failed", .expected = -EIO},
        {"cancelled job", .unit = UNIT, .result = "canceled", .expected = -EIO},
        {"somebody else's job", .unit = "other.scope", .result = "done", .expected = 0},
        {"somebody else's failure", .unit = "other.scope", .result = "failed", .expected = 0},
        {"no end of the job", .expected = 0},
        {"silent", .silent = true, .expected = 0},
        {"refused", .refusal = "org.freedesktop.DBus.Error.AccessDenied", .expected = -EACCES},
        {"would ask somebody",
         .refusal = "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired",
         .expected = -EACCES},
        {"unit exists", .refusal = "org.freedesktop.systemd1.UnitExists", .expected = -EEXIST},
        {"hangs up", .hangs_up = true, .expected = -ENOTCONN},
};

/* --- the fake --------------------------------------------------------------------------------- */

static void emit_removed(sd_bus *bus, const struct fake *f)
{
        sd_bus_message *m = NULL;
        if (sd_bus_message_new_signal(bus, &m, "/org/freedesktop/systemd1",
                                      "org.freedesktop.systemd1.Manager", "JobRemoved") < 0 ||
            sd_bus_message_set_sender(m, "org.freedesktop.systemd1") < 0 ||
            sd_bus_message_append(m, "uoss", 7, JOB, f->unit, f->result) < 0 ||
            sd_bus_send(bus, m, NULL) < 0)
                _exit(10);
        sd_bus_message_unref(m);
}

/* 0 when the call is what systemd wants to see, else a status for _exit(). */
static int check_call(sd_bus_message *m)
{
        const char *unit, *mode, *name, *text;
        bool delegate = false, pids = false;
        if (sd_bus_message_get_allow_interactive_authorization(m) > 0)
                return 11;
        if (!streq(sd_bus_message_get_destination(m), "org.freedesktop.systemd1") ||
            sd_bus_message_read(m, "ss", &unit, &mode) < 0 || !streq(unit, UNIT) ||
            !streq(mode, "fail") || sd_bus_message_enter_container(m, 'a', "(sv)") < 0)
                return 13;
        while (sd_bus_message_enter_container(m, 'r', "sv") > 0) {
                int on = 0;
                uint32_t pid = 0;
                if (sd_bus_message_read(m, "s", &name) < 0)
                        return 14;
                if (streq(name, "Delegate"))
                        delegate = sd_bus_message_read(m, "v", "b", &on) >= 0 && on;
                else if (streq(name, "PIDs"))
                        pids = sd_bus_message_read(m, "v", "au", 1, &pid) >= 0 && pid == 4711;
                else if (streq(name, "Description")) {
                        if (sd_bus_message_read(m, "v", "s", &text) < 0)
                                return 15;
                } else if (sd_bus_message_skip(m, "v") < 0)
                        return 16;
                if (sd_bus_message_exit_container(m) < 0)
                        return 17;
        }
        return delegate && pids ? 0 : 18;
}

static int on_call(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        const struct fake *f = userdata;
        sd_bus *bus = sd_bus_message_get_bus(m);
        (void)error;
        if (!sd_bus_message_is_method_call(m, "org.freedesktop.systemd1.Manager",
                                           "StartTransientUnit"))
                return 0;
        int wrong = check_call(m);
        if (wrong)
                _exit(wrong);
        if (f->hangs_up)
                _exit(0);
        if (f->silent)
                return 1;
        if (f->refusal)
                return sd_bus_reply_method_errorf(m, f->refusal, "no");
        if (f->early)
                emit_removed(bus, f);
        if (sd_bus_reply_method_return(m, "o", JOB) < 0)
                _exit(19);
        if (f->unit && !f->early)
                emit_removed(bus, f);
        return 1;
}

static _Noreturn void play(int fd, const struct fake *f)
{
        sd_bus *bus = NULL;
        sd_id128_t id = {{1}};
        if (sd_bus_new(&bus) < 0 || sd_bus_set_fd(bus, fd, fd) < 0 ||
            sd_bus_set_server(bus, 1, id) < 0 || sd_bus_set_anonymous(bus, 1) < 0 ||
            sd_bus_start(bus) < 0 ||
            sd_bus_add_filter(bus, NULL, on_call, (void *)(uintptr_t)f) < 0)
                _exit(20);
        for (;;) {
                int r = sd_bus_process(bus, NULL);
                if (r < 0)
                        _exit(0); /* the other side is done */
                if (r == 0 && sd_bus_wait(bus, UINT64_MAX) < 0)
                        _exit(0);
        }
}

/* --- our side --------------------------------------------------------------------------------- */

static uint64_t now_ms(void)
{
        struct timespec ts;
        clock_gettime(CLOCK_MONOTONIC, &ts);
        return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static sd_bus *connect_to(int fd)
{
        sd_bus *bus = NULL;
        assert_true(sd_bus_new(&bus) >= 0);
        assert_true(sd_bus_set_fd(bus, fd, fd) >= 0);
        assert_true(sd_bus_start(bus) >= 0);
        return bus;
}

/* The last step's result. What does not end is given 300 ms, what ends has all the time. */
static int run_scope(sd_bus *bus, const struct fake *f)
{
        struct bus_scope *s = NULL;
        uint64_t end = now_ms() + (f->expected == 0 ? 300 : 20000);
        int r = bus_scope_begin(bus, UNIT, "Demo containers", 4711, &s);
        assert_int_equal(r, 0);
        while (r == 0 && now_ms() < end)
                r = bus_scope_step(s, 50000);
        bus_scope_free(s);
        return r;
}

static void test_scope(void **state)
{
        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(fakes); i++) {
                int pair[2], status;
                assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
                pid_t pid = fork();
                if (pid == 0) {
                        (void)close(pair[0]);
                        play(pair[1], &fakes[i]);
                }
                (void)close(pair[1]);
                sd_bus *bus = connect_to(pair[0]);
                int r = run_scope(bus, &fakes[i]);
                sd_bus_close_unref(bus);
                assert_int_equal(waitpid(pid, &status, 0), pid);
                if (!WIFEXITED(status) || WEXITSTATUS(status))
                        fail_msg("%s: the fake saw a wrong call: %d", fakes[i].name, status);
                if (r != fakes[i].expected)
                        fail_msg("%s: %d instead of %d", fakes[i].name, r, fakes[i].expected);
        }
}

/* A peer that accepts the connection and never says a word must not hold us. */
static void test_mute_peer(void **state)
{
        (void)state;
        int pair[2];
        struct fake mute = {.expected = 0};
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
        sd_bus *bus = connect_to(pair[0]);
        assert_int_equal(run_scope(bus, &mute), 0);
        sd_bus_close_unref(bus);
        (void)close(pair[1]);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_scope),
                cmocka_unit_test(test_mute_peer),
        };
        (void)signal(SIGPIPE, SIG_IGN);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
