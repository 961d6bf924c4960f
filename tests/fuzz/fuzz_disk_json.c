/* SPDX-License-Identifier: MIT */

/* Files of engines through their parsers; the first byte tells whose. A NUL parts docker's two. */

#include <string.h>

#include "base/mem.h"
#include "runtime/disk_json.h"
#include "runtime/disk_sources.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(x)                                                                                   \
        do {                                                                                       \
                if (!(x))                                                                          \
                        die("line %d: %s", __LINE__, #x);                                          \
        } while (0)

#define ID "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static void check_text(const char *text)
{
        if (!text)
                return;
        _cleanup_free_ char *again = str_clean_z(text);
        CHECK(streq(again, text));
}

/* Clean, and the same after the way to the other process. */
static void check_facts(struct facts *f)
{
        struct facts got = {0};
        _cleanup_str_ struct str first = STR_INIT, second = STR_INIT;
        check_text(f->name);
        check_text(f->image);
        check_text(f->pod);
        check_text(f->pod_name);
        CHECK(f->n_labels <= FACTS_MAX_LABELS && f->n_ports <= FACTS_MAX_PORTS);
        facts_pack(f, &first);
        struct wire w = wire_of(first.p, first.len);
        CHECK(facts_unpack(&w, &got) == 0);
        facts_pack(&got, &second);
        CHECK(first.len == second.len && memcmp(first.p, second.p, first.len) == 0);
        facts_done(f);
        facts_done(&got);
}

static void fuzz_docker(const char *text, size_t n)
{
        struct facts f = {0};
        size_t config = strnlen(text, n);
        const char *host = config < n ? text + config + 1 : NULL;
        (void)docker_parse(text, config, host, host ? n - config - 1 : 0, ID, 0, &f);
        check_facts(&f);
}

static void fuzz_podman(const char *text, size_t n)
{
        struct facts f = {0};
        struct json_slices s;
        const char *slice, *last = text;
        size_t len;
        (void)podman_parse(text, n, "id", ID, &f);
        check_facts(&f);
        for (int e = json_slices_open(&s, text, n);
             e >= 0 && json_slices_next(&s, &slice, &len) > 0;) {
                CHECK(slice >= last && slice + len <= text + n);
                last = slice + len;
        }
}

static void fuzz_bundle(const char *text, size_t n)
{
        static const enum runtime_id runtimes[] = {RUNTIME_CONTAINERD, RUNTIME_CRIO, RUNTIME_RUNC};
        for (size_t i = 0; i < ARRAY_SIZE(runtimes); i++) {
                struct facts f = {0};
                (void)bundle_parse(text, n, runtimes[i], &f);
                check_facts(&f);
        }
}

static void fuzz_state(const char *text, size_t n)
{
        struct oci_state s = {0};
        CHECK(oci_state_parse(text, n, &s) < 0 || s.pid > 0);
        oci_state_done(&s);
}

static void fuzz_conmon(const char *text, size_t n)
{
        struct conmon c = {0};
        conmon_parse(text, n, &c);
        CHECK(!c.id || is_component(c.id));
        conmon_done(&c);
}

static void fuzz_mounts(const char *text, size_t n)
{
        struct mount_hints h = {0};
        _cleanup_free_ char *copy = xstrndup(text, n);
        mount_hints_parse(copy, &h);
        CHECK(h.docker.n <= PLACES_MAX && h.storage.n <= PLACES_MAX);
        for (size_t i = 0; i < h.storage.n; i++)
                CHECK(*h.storage.p[i].path == '/');
        mount_hints_done(&h);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static void (*const parsers[])(const char *text, size_t n) = {
                fuzz_docker, fuzz_podman, fuzz_bundle, fuzz_state, fuzz_conmon, fuzz_mounts,
        };
        if (size < 1)
                return 0;
        size_t n = size - 1;
        _cleanup_free_ char *text = xmalloc(n + 1);
        memcpy(text, data + 1, n);
        text[n] = '\0';
        parsers[data[0] % ARRAY_SIZE(parsers)](text, n);
        return 0;
}
