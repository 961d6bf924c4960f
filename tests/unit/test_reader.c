/* SPDX-License-Identifier: MIT */
#include "reader/reader.h"

#include "reader_bench.h"

/* --- questions and answers ----------------------------------------------------------------- */

static void test_echo(void **state)
{
        (void)state;
        _cleanup_got_ struct got some = {0}, none = {0};
        struct reader *r = open_reader(&host);
        assert_true(reader_deadline(r) == UINT64_MAX);
        ask(r, ECHO, "hello", 6, &some);
        ask(r, ECHO, NULL, 0, &none);
        assert_int_equal(reader_pending(r), 2);
        assert_int_equal(some.times, 0);
        finish(r);
        assert_int_equal(some.status, 6);
        assert_string_equal(some.bytes.p, "hello");
        assert_int_equal(none.times, 1);
        assert_int_equal(none.status, 0);
        assert_int_equal(none.bytes.len, 0);
        assert_true(reader_deadline(r) == UINT64_MAX);
        assert_int_equal(reader_restarts(r), 0);
        reader_free(r);
}

static void test_status(void **state)
{
        (void)state;
        _cleanup_got_ struct got g = {0};
        struct reader *r = open_reader(&host);
        ask_u64(r, FAIL, ENOENT, &g);
        finish(r);
        assert_int_equal(g.status, -ENOENT);
        assert_int_equal(g.bytes.len, 3);
        reader_free(r);
}

static void test_refused(void **state)
{
        (void)state;
        _cleanup_free_ char *large = xcalloc(1, READER_MESSAGE_MAX + 1);
        _cleanup_got_ struct got g = {0};
        struct reader *r = open_reader(&host);
        assert_int_equal(reader_ask(r, ARRAY_SIZE(jobs), NULL, 0, on_done, NULL), -EINVAL);
        assert_int_equal(reader_ask(r, ECHO, large, READER_MESSAGE_MAX + 1, on_done, NULL),
                         -EMSGSIZE);
        assert_int_equal(reader_pending(r), 0);
        ask(r, ECHO, large, READER_MESSAGE_MAX, &g);
        finish(r);
        assert_int_equal(g.status, READER_MESSAGE_MAX);
        assert_int_equal(g.bytes.len, READER_MESSAGE_MAX);
        reader_free(r);
}

/* Our copy of the header of a message (reader/child.h). */
struct nonsense {
        uint32_t size;
        int32_t id;
        int32_t code;
};

#define MANY 2000

/* Far more bytes than the sockets hold, both ways. */
static void test_many_in_order(void **state)
{
        (void)state;
        static struct got got[MANY];
        static uint64_t request[1024];
        struct reader *r = open_reader(&host);
        for (size_t i = 0; i < MANY; i++) {
                request[0] = request[1023] = i;
                ask(r, ECHO, request, i % 3 ? sizeof(request) : 8, &got[i]);
        }
        finish(r);
        for (size_t i = 0; i < MANY; i++) {
                uint64_t last;
                assert_int_equal(got[i].times, 1);
                assert_int_equal(got[i].order, i + 1);
                assert_int_equal(got[i].bytes.len, i % 3 ? sizeof(request) : 8);
                memcpy(&last, got[i].bytes.p + got[i].bytes.len - 8, 8);
                assert_int_equal(last, i);
                got_done(&got[i]);
        }
        assert_int_equal(reader_restarts(r), 0);
        reader_free(r);
}

/* A queue is ours to reorder or cancel only as long as it is here. */
static void test_not_far_ahead(void **state)
{
        (void)state;
        struct got g = {0}, backlog = {0};
        struct reader *r = open_reader(&host);
        ask(r, BACKLOG, NULL, 0, &backlog);
        for (size_t i = 0; i < 1000; i++)
                ask(r, ECHO, NULL, 0, &g);
        finish(r);
        assert_int_equal(backlog.status, 63 * sizeof(struct nonsense));
        assert_int_equal(g.times, 1000);
        reader_free(r);
}

static void test_too_many(void **state)
{
        (void)state;
        struct got g = {0};
        struct reader *r = open_reader(&host);
        for (size_t i = 0; i < 65536; i++)
                ask(r, ECHO, NULL, 0, &g);
        assert_int_equal(reader_ask(r, ECHO, NULL, 0, on_done, &g), -ENOBUFS);
        finish(r);
        assert_int_equal(g.times, 65536);
        reader_free(r);
}

static void test_state(void **state)
{
        (void)state;
        _cleanup_got_ struct got first = {0}, second = {0}, crash = {0}, fresh = {0};
        struct reader *r = open_reader(&host);
        ask(r, COUNT, NULL, 0, &first);
        ask(r, COUNT, NULL, 0, &second);
        ask_u64(r, CRASH, CRASH_EXIT, &crash);
        ask(r, COUNT, NULL, 0, &fresh);
        finish(r);
        assert_int_equal(first.status, 1);
        assert_int_equal(second.status, 2);
        assert_int_equal(fresh.status, 1);
        reader_free(r);
}

struct asker {
        struct reader *r;
        struct got *cancelled;
        int cancel;
        int left;
};

/* Asks again until left is 0, and cancels on the way. */
static void on_done_ask(void *userdata, int status, struct wire *reply)
{
        struct asker *a = userdata;
        (void)reply;
        assert_int_equal(status, 3);
        if (a->cancel > 0)
                reader_cancel(a->r, a->cancel);
        a->cancel = 0;
        if (--a->left > 0)
                assert_true(reader_ask(a->r, ECHO, "abc", 3, on_done_ask, a) > 0);
}

static void test_callbacks(void **state)
{
        (void)state;
        _cleanup_got_ struct got g = {0};
        struct reader *r = open_reader(&host);
        struct asker a = {.r = r, .left = 200};
        assert_true(reader_ask(r, ECHO, "abc", 3, on_done_ask, &a) > 0);
        a.cancel = ask(r, ECHO, "no", 2, &g);
        finish(r);
        assert_int_equal(a.left, 0);
        assert_int_equal(g.times, 0);
        reader_free(r);
}

static void test_cancel(void **state)
{
        (void)state;
        _cleanup_got_ struct got kept = {0}, queued = {0}, flying = {0}, after = {0};
        struct reader *r = open_reader(&host);
        ask(r, ECHO, "a", 1, &kept);
        int id = ask(r, ECHO, "b", 1, &queued);
        reader_cancel(r, id);
        reader_cancel(r, id);
        reader_cancel(r, INT_MAX);
        assert_int_equal(reader_pending(r), 1);
        finish(r);
        id = ask(r, ECHO, "c", 1, &flying);
        assert_int_equal(reader_dispatch(r, now()), 0); /* handed over */
        reader_cancel(r, id);
        reader_cancel(r, id);
        assert_int_equal(reader_pending(r), 0);
        ask(r, ECHO, "d", 1, &after);
        finish(r);
        assert_int_equal(kept.times, 1);
        assert_int_equal(queued.times + flying.times, 0);
        assert_string_equal(after.bytes.p, "d");
        reader_free(r);
}

static void test_cancel_hung(void **state)
{
        (void)state;
        _cleanup_got_ struct got hung = {0}, after = {0};
        struct reader *r = open_reader(&host);
        int id = ask(r, HANG, NULL, 0, &hung);
        ask(r, ECHO, "d", 1, &after);
        assert_int_equal(reader_dispatch(r, now()), 0);
        reader_cancel(r, id);
        sit_out_silence(r);
        finish(r);
        assert_int_equal(hung.times, 0);
        assert_int_equal(after.status, 1);
        assert_int_equal(reader_restarts(r), 1);
        reader_free(r);
}

/* --- a child that hangs -------------------------------------------------------------------- */

/* Dying takes a moment; the deadline brings us back to reap. */
static bool gets_reaped(struct reader *r, pid_t pid)
{
        for (int i = 0; i < 500 && state_of(pid) != 0; i++) {
                (void)poll(NULL, 0, 10);
                skew += SECOND;
                assert_int_equal(turn(r, 0), 0);
        }
        return state_of(pid) == 0;
}

/* Under the real clock: two seconds of silence and not much more. */
static void test_hang(void **state)
{
        (void)state;
        _cleanup_got_ struct got before = {0}, hung = {0}, after = {0}, last = {0};
        struct reader *r = open_reader(&host);
        pid_t old = child_of(r);
        ask(r, ECHO, "before", 7, &before);
        ask(r, HANG, NULL, 0, &hung);
        ask(r, ECHO, "after", 6, &after);
        ask(r, ECHO, "last", 5, &last);
        uint64_t start = now();
        finish(r);
        uint64_t took = now() - start;
        assert_true(took >= READER_SILENT_USEC && took < 2 * READER_SILENT_USEC);
        assert_string_equal(before.bytes.p, "before");
        assert_int_equal(hung.status, -ETIMEDOUT);
        assert_int_equal(hung.bytes.len, 0);
        assert_int_equal(hung.times, 1);
        assert_string_equal(after.bytes.p, "after");
        assert_string_equal(last.bytes.p, "last");
        assert_true(before.order < hung.order && hung.order < after.order);
        assert_true(after.order < last.order);
        assert_int_equal(reader_restarts(r), 1);
        assert_true(child_of(r) != old);
        assert_true(gets_reaped(r, old));
        reader_free(r);
}

static void test_hang_again_and_again(void **state)
{
        (void)state;
        static struct got hung[5], echo[5];
        struct reader *r = open_reader(&host);
        for (size_t i = 0; i < 5; i++) {
                ask(r, HANG, NULL, 0, &hung[i]);
                ask(r, ECHO, "x", 1, &echo[i]);
        }
        for (size_t left = 10; left > 0; left -= 2) {
                drive(r, left, 5 * SECOND); /* the echo of the round before */
                sit_out_silence(r);
        }
        finish(r);
        for (size_t i = 0; i < 5; i++) {
                assert_int_equal(hung[i].status, -ETIMEDOUT);
                assert_int_equal(echo[i].status, 1);
                got_done(&hung[i]);
                got_done(&echo[i]);
        }
        assert_int_equal(reader_restarts(r), 5);
        reader_free(r);
}

/* Nobody can keep a hung child alive by asking more, and asking does not block. */
static void test_hang_is_not_extended(void **state)
{
        (void)state;
        _cleanup_got_ struct got hung = {0}, more = {0};
        _cleanup_free_ char *large = xcalloc(1, 1u << 20);
        struct reader *r = open_reader(&host);
        ask(r, HANG, NULL, 0, &hung);
        for (int i = 0; i < 3; i++) {
                ask(r, ECHO, large, i < 2 ? 1 : 1u << 20, &more);
                assert_int_equal(turn(r, SECOND / 100), 0);
                assert_int_equal(hung.times, 0);
                skew += SECOND * 6 / 10;
        }
        assert_int_equal(turn(r, 0), 0);
        assert_int_equal(hung.times, 0);
        skew += SECOND * 3 / 10;
        assert_int_equal(turn(r, 0), 0);
        assert_int_equal(hung.status, -ETIMEDOUT);
        finish(r);
        assert_int_equal(more.times, 3);
        reader_free(r);
}

/* The two seconds are for one answer, not for all that is asked. */
static void test_slow_is_not_hung(void **state)
{
        (void)state;
        static struct got got[40];
        struct reader *r = open_reader(&host);
        for (size_t i = 0; i < ARRAY_SIZE(got); i++)
                ask_u64(r, FLOOD, 4u << 20, &got[i]);
        for (size_t left = reader_pending(r); left > 0; left = reader_pending(r)) {
                drive(r, left - 1, 5 * SECOND);
                skew += SECOND * 3 / 2;
        }
        for (size_t i = 0; i < ARRAY_SIZE(got); i++) {
                assert_int_equal(got[i].status, 0);
                got_done(&got[i]);
        }
        assert_int_equal(reader_restarts(r), 0);
        reader_free(r);
}

/* A loop that was held up finds the answer, not a hung child. */
static void test_late_dispatch(void **state)
{
        (void)state;
        _cleanup_got_ struct got g = {0};
        struct reader *r = open_reader(&host);
        ask(r, ECHO, "x", 1, &g);
        assert_int_equal(reader_dispatch(r, now()), 0);
        struct pollfd p = {.fd = reader_fd(r), .events = POLLIN};
        assert_int_equal(poll(&p, 1, 5000), 1);
        skew += 60 * SECOND;
        assert_int_equal(reader_dispatch(r, now()), 0);
        assert_int_equal(g.status, 1);
        assert_int_equal(reader_restarts(r), 0);
        reader_free(r);
}

/* --- a child that dies or talks nonsense --------------------------------------------------- */

static void test_crash(void **state)
{
        (void)state;
        static const enum crash how[] = {CRASH_ABORT, CRASH_EXIT, CRASH_SEGV, CRASH_KILL};
        struct reader *r = open_reader(&host);
        for (size_t i = 0; i < ARRAY_SIZE(how); i++) {
                _cleanup_got_ struct got before = {0}, crash = {0}, after = {0};
                ask(r, ECHO, "b", 1, &before);
                ask_u64(r, CRASH, how[i], &crash);
                ask(r, ECHO, "a", 1, &after);
                finish(r);
                assert_int_equal(before.status, 1);
                assert_int_equal(crash.status, -EPIPE);
                assert_int_equal(crash.times, 1);
                assert_int_equal(after.status, 1);
                assert_int_equal(reader_restarts(r), i + 1);
        }
        reader_free(r);
}

static void test_killed_while_idle(void **state)
{
        (void)state;
        struct reader *r = open_reader(&host);
        for (int i = 0; i < 5; i++) {
                pid_t pid = child_of(r);
                assert_int_equal(kill(pid, SIGKILL), 0);
                assert_true(reaches_state(pid, 'Z'));
                assert_int_equal(turn(r, SECOND), 0);
                assert_works(r);
                assert_true(child_of(r) != pid);
        }
        assert_int_equal(reader_restarts(r), 5);
        reader_free(r);
}

static void test_gives_up(void **state)
{
        (void)state;
        static struct got crash[3], behind[70];
        struct reader *r = open_reader(&host);
        int e = 0;
        for (size_t i = 0; i < ARRAY_SIZE(crash); i++)
                ask_u64(r, CRASH, CRASH_EXIT, &crash[i]);
        for (size_t i = 0; i < ARRAY_SIZE(behind); i++)
                ask(r, ECHO, "x", 1, &behind[i]);
        for (int i = 0; i < 1000 && e == 0; i++)
                e = turn(r, SECOND);
        assert_int_equal(e, -EPIPE);
        assert_int_equal(reader_restarts(r), 3);
        assert_int_equal(reader_pending(r), 0);
        for (size_t i = 0; i < ARRAY_SIZE(crash); i++)
                assert_int_equal(crash[i].status, -EPIPE);
        for (size_t i = 0; i < ARRAY_SIZE(behind); i++) {
                assert_int_equal(behind[i].times, 1);
                assert_int_equal(behind[i].status, -EPIPE);
        }
        assert_int_equal(reader_ask(r, ECHO, "x", 1, on_done, &crash[0]), -EPIPE);
        assert_int_equal(reader_step(r), -EPIPE);
        assert_int_equal(reader_dispatch(r, now()), -EPIPE);
        assert_true(reader_deadline(r) == UINT64_MAX);
        reader_free(r);
}

static void test_flood(void **state)
{
        (void)state;
        _cleanup_got_ struct got flood = {0}, limit = {0};
        struct reader *r = open_reader(&host);
        ask_u64(r, FLOOD, 20u << 20, &flood);
        ask_u64(r, FLOOD, READER_MESSAGE_MAX, &limit);
        finish(r);
        assert_int_equal(flood.status, -EMSGSIZE);
        assert_int_equal(flood.bytes.len, 0);
        assert_int_equal(limit.status, 0);
        assert_int_equal(limit.bytes.len, READER_MESSAGE_MAX);
        assert_int_equal(reader_restarts(r), 0);
        assert_works(r);
        reader_free(r);
}

static void test_garbage(void **state)
{
        (void)state;
        static const struct nonsense cases[] = {
                {UINT32_MAX, 1, 0},             /* a size above the cap */
                {READER_MESSAGE_MAX + 1, 1, 0}, /* just above it */
                {0, 2, 0},                      /* an answer to the question behind */
                {0, 0, 0},                      /* to none */
                {0, -1, 0},
        };
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_got_ struct got bad = {0}, after = {0};
                struct reader *r = open_reader(&host);
                assert_int_equal(ask(r, GARBAGE, &cases[i], sizeof(cases[i]), &bad), 1);
                ask(r, ECHO, "a", 1, &after);
                uint64_t start = now();
                finish(r);
                assert_true(now() - start < READER_SILENT_USEC);
                assert_int_equal(bad.status, -EPIPE);
                assert_int_equal(after.status, 1);
                assert_int_equal(reader_restarts(r), 1);
                reader_free(r);
        }
}

/* The answer to the last question, and more that nobody asked for. */
static void test_garbage_unasked(void **state)
{
        (void)state;
        static const struct nonsense two[] = {{0, 1, 7}, {0, 2, 7}};
        _cleanup_got_ struct got g = {0};
        struct reader *r = open_reader(&host);
        ask(r, GARBAGE, two, sizeof(two), &g);
        for (int i = 0; i < 100 && reader_restarts(r) == 0; i++)
                assert_int_equal(turn(r, SECOND / 10), 0);
        assert_int_equal(g.status, 7);
        assert_int_equal(g.times, 1);
        assert_int_equal(reader_restarts(r), 1);
        assert_works(r);
        reader_free(r);
}

/* Half a reply, and then nothing. */
static void test_garbage_cut(void **state)
{
        (void)state;
        static const struct nonsense cut = {100, 1, 0};
        _cleanup_got_ struct got g = {0};
        struct reader *r = open_reader(&host);
        ask(r, GARBAGE, &cut, sizeof(cut), &g);
        sit_out_silence(r);
        finish(r);
        assert_int_equal(g.status, -ETIMEDOUT);
        assert_works(r);
        reader_free(r);
}

/* --- the end ------------------------------------------------------------------------------- */

struct last_words {
        struct reader *r;
        int status;
        int ask;
};

static void on_done_ask_at_end(void *userdata, int status, struct wire *reply)
{
        struct last_words *l = userdata;
        (void)reply;
        l->status = status;
        l->ask = reader_ask(l->r, ECHO, NULL, 0, on_done_ask_at_end, l);
}

static void test_free_pending(void **state)
{
        (void)state;
        static struct got got[100];
        struct reader *r = open_reader(&host);
        struct last_words l = {.r = r};
        pid_t pid = child_of(r);
        ask(r, HANG, NULL, 0, &got[0]);
        assert_int_equal(turn(r, 0), 0);
        for (size_t i = 1; i < ARRAY_SIZE(got); i++)
                ask(r, ECHO, "x", 1, &got[i]);
        reader_cancel(r, ask(r, ECHO, "x", 1, NULL));
        assert_true(reader_ask(r, ECHO, NULL, 0, on_done_ask_at_end, &l) > 0);
        assert_int_equal(turn(r, 0), 0);
        reader_free(r);
        for (size_t i = 0; i < ARRAY_SIZE(got); i++) {
                assert_int_equal(got[i].times, 1);
                assert_int_equal(got[i].status, -ECANCELED);
        }
        assert_int_equal(l.status, -ECANCELED);
        assert_int_equal(l.ask, -ECANCELED);
        int how; /* a busy machine may need longer for it than reader_free() waits */
        if (waitpid(pid, &how, 0) == pid)
                assert_true(WIFSIGNALED(how) && WTERMSIG(how) == SIGKILL);
        else
                assert_int_equal(errno, ECHILD);
        reader_free(NULL);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(echo),
                TEST(status),
                TEST(refused),
                TEST(many_in_order),
                TEST(not_far_ahead),
                TEST(too_many),
                TEST(state),
                TEST(callbacks),
                TEST(cancel),
                TEST(cancel_hung),
                TEST(hang),
                TEST(hang_again_and_again),
                TEST(hang_is_not_extended),
                TEST(slow_is_not_hung),
                TEST(late_dispatch),
                TEST(crash),
                TEST(killed_while_idle),
                TEST(gives_up),
                TEST(flood),
                TEST(garbage),
                TEST(garbage_unasked),
                TEST(garbage_cut),
                TEST(free_pending),
        };
        return bench_main("reader", tests, ARRAY_SIZE(tests));
}
