/* SPDX-License-Identifier: MIT */
#include "kernel/netdev.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/macros.h"
#include "base/mem.h"
#include "base/str.h"

#define HEADER                                                                                     \
        "Inter-|   Receive                                                |  Transmit\n"           \
        " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets "      \
        "errs drop fifo colls carrier compressed\n"

static void test_line(void **state)
{
        (void)state;
        const char *text = HEADER
                "    lo:   21332     196    0    0    0     0          0         0    21332     "
                "196    0    0    0     0       0          0\n"
                "  eth0: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n"
                "eth1:18446744073709551615 0 0 0 0 0 0 0 7 0 0 0 0 0 0 0 99 99";
        struct netdev_line line;
        assert_int_equal(netdev_next(&text, &line), 1);
        assert_string_equal(line.name, "lo");
        assert_int_equal(line.rx_bytes, 21332);
        assert_int_equal(netdev_next(&text, &line), 1);
        assert_string_equal(line.name, "eth0");
        assert_int_equal(line.rx_bytes, 1);
        assert_int_equal(line.rx_errors, 3);
        assert_int_equal(line.rx_dropped, 4);
        assert_int_equal(line.tx_bytes, 9);
        assert_int_equal(line.tx_errors, 11);
        assert_int_equal(line.tx_dropped, 12);
        assert_int_equal(netdev_next(&text, &line), 1);
        assert_string_equal(line.name, "eth1");
        assert_true(line.rx_bytes == UINT64_MAX);
        assert_int_equal(line.tx_bytes, 7);
        assert_int_equal(netdev_next(&text, &line), 0);
        assert_int_equal(netdev_next(&text, &line), 0);
}

static void test_broken_lines_are_skipped(void **state)
{
        (void)state;
        static const char *const broken[] = {
                "",
                ":",
                "eth0",
                "eth0:",
                " : 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16",
                "eth0: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15",
                "eth0: 1 2 3 4 5 6 7 8 9 x 11 12 13 14 15 16",
                "eth0: 1 2 3 4 5 6 7 8 9 1x 11 12 13 14 15 16",
                "eth0: -1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16",
                "eth0: 99999999999999999999 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16",
                "abcdefghijklmnop: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16",
                "\xff\xfe\x01\x80",
        };
        for (size_t i = 0; i < ARRAY_SIZE(broken); i++) {
                _cleanup_free_ char *text =
                        xasprintf("%s\nabcdefghijklmno: 1 0 0 0 0 0 0 0 2 0 0 0 0 0 0 0\n%s",
                                  broken[i], broken[i]);
                const char *p = text;
                struct netdev_line line;
                assert_int_equal(netdev_next(&p, &line), 1);
                assert_string_equal(line.name, "abcdefghijklmno");
                assert_int_equal(netdev_next(&p, &line), 0);
        }
}

/* Interfaces get 1, 10, 100 ... bytes in their order, so that the sum tells which counted. */
static char *make_text(const char *names)
{
        struct str out = STR_INIT;
        uint64_t bytes = 1;
        str_add(&out, HEADER);
        while (*names) {
                int n = (int)strcspn(names, " ");
                str_addf(&out, "%.*s: %" PRIu64 " 1 2 3 0 0 0 0 %" PRIu64 " 1 4 5 0 0 0 0\n", n,
                         names, bytes, bytes * 2);
                bytes *= 10;
                names += n + (names[n] == ' ');
        }
        return str_take(&out);
}

static void test_sum(void **state)
{
        (void)state;
        static const struct {
                const char *names;
                uint64_t rx;
                unsigned n;
        } cases[] = {
                {"lo eth0", 10, 1},
                {"lo eth0 eth1", 110, 2},
                {"lo", 0, 0},
                {"lo tunl0 sit0 ip6tnl0 gre0", 0, 0}, /* modules loaded, no network */
                {"lo eth0 tunl0", 10, 1},
                {"lo tap0", 10, 1}, /* slirp4netns */
                {"lo tap0 eth0", 100, 2},
                {"lo tap0 podman1 veth12ab", 10, 3},            /* a rootless netns */
                {"lo eth0 docker0 veth12ab br-1234567", 10, 4}, /* docker in docker */
                {"lo eth0 cni0 flannel.1 veth12ab kube-bridge", 10, 5},
                {"lo ens3 virbr0 vnet0 lxcbr0 lxdbr0 incusbr0 cbr0 cni-podman0", 10, 8},
                {"lo veth0", 10, 1},
                {"lo veth0 tun0", 10, 2},
                {"lo eth0 eth0.5", 10, 2},
                {"lo eth0.5 eth0 eth0.5.6", 100, 3},
                {"lo eth0.5", 10, 1}, /* the base is in another namespace */
                {"lo eth0.x eth0", 110, 2},
                {"lo eth0 eth1 bond0", 110, 3},
                {"lo bond0", 10, 1},
                {"lo bond0 bond0.7", 10, 2},
                {"lo team0 ens1f0", 100, 2},
                {"lo eth0 wg0 tun0 vxlan.calico macvlan0", 10, 5},
                {"lo wg0", 10, 1},
                {"lo host0", 10, 1}, /* nspawn --network-veth */
                {"lo mv-eth0", 10, 1},
                {"lo eth0 dummy0 ifb0", 10, 3},
                {"lo loud", 10, 1},
                {"lo br0 eth0", 100, 2},
                {"lo brain", 10, 1},
        };
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_free_ char *text = make_text(cases[i].names);
                struct cg_sample s = {0};
                unsigned n = netdev_sum(text, &s);
                if (n != cases[i].n || s.value[NET_RX_BYTES] != cases[i].rx)
                        fail_msg("%s: %u interfaces, %" PRIu64 " bytes", cases[i].names, n,
                                 s.value[NET_RX_BYTES]);
                assert_true(sample_has(&s, NET_RX_BYTES) && sample_has(&s, NET_TX_BYTES));
                assert_true(s.value[NET_TX_BYTES] == 2 * cases[i].rx);
        }
}

static void test_sum_of_errors(void **state)
{
        (void)state;
        struct cg_sample s = {0};
        const char *text = "lo: 9 9 9 9 9 9 9 9 9 9 9 9 9 9 9 9\n"
                           "a: 1 0 2 3 0 0 0 0 4 0 5 6 0 0 0 0\n"
                           "b: 10 0 20 30 0 0 0 0 40 0 50 60 0 0 0 0\n";
        assert_int_equal(netdev_sum(text, &s), 2);
        assert_int_equal(s.value[NET_RX_BYTES], 11);
        assert_int_equal(s.value[NET_RX_ERRORS], 22);
        assert_int_equal(s.value[NET_RX_DROPPED], 33);
        assert_int_equal(s.value[NET_TX_BYTES], 44);
        assert_int_equal(s.value[NET_TX_ERRORS], 55);
        assert_int_equal(s.value[NET_TX_DROPPED], 66);
}

static void test_nothing_is_unknown(void **state)
{
        (void)state;
        static const char *const texts[] = {"", HEADER, "garbage\n", "lo: 1 2 3\n", "\xff\x01"};
        for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
                struct cg_sample s = {0};
                assert_int_equal(netdev_sum(texts[i], &s), 0);
                assert_true(s.have == 0);
        }
}

static void test_sum_does_not_wrap(void **state)
{
        (void)state;
        struct cg_sample s = {0};
        const char *text = "a: 18446744073709551615 0 0 0 0 0 0 0 1 0 0 0 0 0 0 0\n"
                           "b: 18446744073709551615 0 0 0 0 0 0 0 1 0 0 0 0 0 0 0\n";
        netdev_sum(text, &s);
        assert_true(s.value[NET_RX_BYTES] == UINT64_MAX);
        assert_int_equal(s.value[NET_TX_BYTES], 2);
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_line),
                cmocka_unit_test(test_broken_lines_are_skipped),
                cmocka_unit_test(test_sum),
                cmocka_unit_test(test_sum_of_errors),
                cmocka_unit_test(test_nothing_is_unknown),
                cmocka_unit_test(test_sum_does_not_wrap),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
