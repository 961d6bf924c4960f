/* SPDX-License-Identifier: MIT */

/* net/dev: the sum never exceeds that of all lines, and is unknown exactly without a good line. */

#include "base/mem.h"
#include "kernel/netdev.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(x)                                                                                   \
        do {                                                                                       \
                if (!(x))                                                                          \
                        die("line %d: %s", __LINE__, #x);                                          \
        } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        if (size > 64 * 1024)
                return 0;
        _cleanup_free_ char *text = xmalloc(size + 1);
        memcpy(text, data, size);
        text[size] = '\0';
        const char *p = text;
        struct netdev_line line;
        unsigned n = 0;
        uint64_t all = 0;
        while (netdev_next(&p, &line) > 0) {
                CHECK(p > text && p <= text + strlen(text));
                CHECK(line.name[0] && memchr(line.name, '\0', sizeof(line.name)));
                CHECK(!strpbrk(line.name, ":\n"));
                if (__builtin_add_overflow(all, line.rx_bytes, &all))
                        all = UINT64_MAX;
                n++;
        }
        struct cg_sample s = {0};
        CHECK(netdev_sum(text, &s) <= n);
        CHECK(sample_has(&s, NET_RX_BYTES) == (n > 0));
        CHECK(s.value[NET_RX_BYTES] <= all);
        return 0;
}
