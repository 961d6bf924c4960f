/* SPDX-License-Identifier: MIT */

/* What the reader child sends: accepted messages survive another round trip, others change nothing.
 */

#include "base/mem.h"
#include "kernel/leader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(x)                                                                                   \
        do {                                                                                       \
                if (!(x))                                                                          \
                        die("line %d: %s", __LINE__, #x);                                          \
        } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct wire w = wire_of(data, size);
        _cleanup_(leader_done) struct leader l, again;
        leader_init(&l);
        leader_init(&again);
        if (leader_unpack(&w, &l) < 0) {
                CHECK(l.pid == 0 && l.seccomp == -1 && !l.comm && !l.cgroups);
                return 0;
        }
        CHECK(l.pid >= 0 && l.inner_pid >= 0);
        CHECK(l.seccomp >= -1 && l.seccomp <= 2);
        CHECK(l.own_root >= -1 && l.own_root <= 1);
        CHECK(l.root_uid >= -2 && l.root_uid <= UINT32_MAX);
        CHECK(!l.comm || !strpbrk(l.comm, "\x1b\n\x7f"));
        _cleanup_str_ struct str one = STR_INIT, two = STR_INIT;
        leader_pack(&l, &one);
        struct wire back = wire_of(one.p, one.len);
        CHECK(leader_unpack(&back, &again) == 0);
        leader_pack(&again, &two);
        CHECK(one.len == two.len && memcmp(one.p, two.p, one.len) == 0);
        return 0;
}
