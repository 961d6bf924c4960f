/* SPDX-License-Identifier: MIT */

/*
 * The files of a cgroup, both versions: whatever is in them, a limit is one that the kernel can
 * set, a pressure is at most 100 %, and what parts of a file tell is no more than the file has.
 */

#include "base/mem.h"
#include "base/root.h"
#include "kernel/cgroup.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(x)                                                                                   \
        do {                                                                                       \
                if (!(x))                                                                          \
                        die("line %d: %s", __LINE__, #x);                                          \
        } while (0)

static void check_sample(const struct cg_sample *s)
{
        CHECK(s->have >> METRIC_COUNT == 0);
        for (enum metric m = PSI_CPU_SOME; m <= PSI_IO_FULL; m++)
                CHECK(!sample_has(s, m) || s->value[m] <= 100 * 100 + 99);
}

static void run_files(const struct cg_file *files, size_t n, const char *text, struct blockdevs *b)
{
        for (size_t i = 0; i < n; i++) {
                struct cg_sample s = {0};
                files[i].parse(text, b, &s);
                check_sample(&s);
        }
}

static void check_limit(struct limit l)
{
        CHECK(l.state == LIMIT_SET || l.value == 0);
        CHECK(l.source == NULL);
}

static void check_limits(const char *text)
{
        struct limit l = limit_parse(text);
        check_limit(l);
        CHECK(l.state != LIMIT_SET || l.value < UINT64_C(1) << 62);
        check_limit(limit_parse_cpu_max(text));
        CHECK(cpu_list_size(text) <= 1 << 20);
}

static void check_cpu_stat(const char *text, int version)
{
        struct cpu_stat c = {0};
        cpu_stat_parse(text, version, &c);
        CHECK(!c.usage_known || (version == 2 && strstr(text, "usage_usec")));
        CHECK(!c.periods_known || (strstr(text, "nr_periods") && strstr(text, "nr_throttled")));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static const struct root nowhere = ROOT_INIT;
        if (size > 64 * 1024)
                return 0;
        _cleanup_free_ char *text = xmalloc(size + 1);
        memcpy(text, data, size);
        text[size] = '\0';
        struct blockdevs b;
        blockdevs_init(&b, &nowhere);
        run_files(cg_files_v2, n_cg_files_v2, text, &b);
        blockdevs_v1_root(&b, text);
        run_files(cg_files_v1, n_cg_files_v1, text, &b);
        blockdevs_done(&b);
        check_limits(text);
        check_cpu_stat(text, 1);
        check_cpu_stat(text, 2);
        return 0;
}
