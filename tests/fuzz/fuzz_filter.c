/* SPDX-License-Identifier: MIT */

/*
 * Filters, as typed. What is refused must have a sentence and a column inside the text; what is
 * taken must answer for a container of which all is known and for one of which nothing is, must
 * not change when it is said twice, and must not hold together with its negation.
 */

#include <errno.h>
#include <math.h>

#include "base/mem.h"
#include "model/columns.h"
#include "model/filter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(x)                                                                                   \
        do {                                                                                       \
                if (!(x))                                                                          \
                        die("line %d: %s", __LINE__, #x);                                          \
        } while (0)

static const struct model model = {.realtime_usec = UINT64_C(7200000000)};

static struct container known(void)
{
        static struct label label = {(char *)"app", (char *)"web"};
        struct container c = {
                .key = (char *)"local/docker/0/3fd9abc",
                .id = (char *)"3fd9abc",
                .name = (char *)"shop-web-1",
                .image = (char *)"docker.io/library/nginx:1.27",
                .pod = (char *)"pod",
                .pod_name = (char *)"prod/web",
                .parent = (char *)"outer",
                .cgroup = (char *)"/system.slice/docker-3fd9abc.scope",
                .note = (char *)"note",
                .runtime = RUNTIME_DOCKER,
                .state = STATE_RUNNING,
                .pid = 4711,
                .owner_uid = 1000,
                .started_usec = UINT64_C(3600000000),
                .facts = {.labels = &label, .n_labels = 1},
                .rates = {50, 1, 2, 3, 4},
                .throttled_percent = 5,
                .net_mode = NET_PRIVATE,
                .netns = 4026532441,
                .isolation = {.known = true, .caps_known = true, .lsm = (char *)"docker-default"},
                .verdict = {.code = VERDICT_PIDS, .percent = 98},
        };
        c.now.have = METRIC_BIT(METRIC_COUNT) - 1;
        for (size_t i = 0; i < METRIC_COUNT; i++)
                c.now.value[i] = i * 1000;
        return c;
}

static struct container blank(void)
{
        return (struct container){
                .key = (char *)"local/unknown/0/z",
                .id = (char *)"z",
                .name = (char *)"z",
                .rates = {NAN, NAN, NAN, NAN, NAN},
                .throttled_percent = NAN,
                .isolation = {.root_uid = -1,
                              .privileged = -1,
                              .no_new_privileges = -1,
                              .seccomp = -1},
        };
}

/* Bit 0: holds for the known one; bit 1: for the blank one; -1: refused. */
static int answers(const char *text)
{
        struct filter *f = NULL;
        char *error = NULL;
        size_t column = SIZE_MAX;
        int r = filter_parse(text, &f, &error, &column);
        if (r < 0) {
                CHECK(r == -EINVAL && !f && error && *error && column <= strlen(text));
                _cleanup_free_ char *clean = str_clean_z(error);
                CHECK(streq(clean, error));
                free(error);
                return -1;
        }
        CHECK(f && !error && column == SIZE_MAX);
        CHECK((filter_wants(f) & ~(unsigned)WANT_ALL) == 0);
        struct container k = known(), b = blank();
        int bits = filter_match(f, &model, &k) | filter_match(f, &model, &b) << 1;
        filter_free(f);
        return bits;
}

/* What format makes of the text; -1 also when only the longer text is refused, for its length. */
static int answers_f(const char *first, const char *between, const char *second)
{
        _cleanup_free_ char *text = xasprintf("%s%s%s", first, between, second);
        return answers(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        _cleanup_free_ char *text = xmalloc(size + 1);
        memcpy(text, data, size);
        text[size] = '\0';
        int got = answers(text);
        if (got < 0 || strlen(text) > 1024)
                return 0;
        CHECK(answers_f(text, " or ", text) == got);
        CHECK(answers_f(text, " ", text) == got);
        CHECK(answers_f(text, " or ", "z") == (got | 2));
        if (!strpbrk(text, " \t\r\n")) /* one term */
                CHECK((answers_f("!", text, "") & got) == 0);
        return 0;
}
