/* SPDX-License-Identifier: MIT */

/* mountinfo lines: what comes out lies inside the buffer, in the order of the line; options too. */

#include "base/mem.h"
#include "kernel/mounts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(x)                                                                                   \
        do {                                                                                       \
                if (!(x))                                                                          \
                        die("line %d: %s", __LINE__, #x);                                          \
        } while (0)

static void check_options(const char *options)
{
        _cleanup_free_ char *upper = option_value(options, "upperdir");
        _cleanup_free_ char *empty = option_value(options, "");
        CHECK(!upper || strlen(upper) + strlen("upperdir=") <= strlen(options));
        CHECK(!empty || strlen(empty) < strlen(options));
        CHECK(!option_has(options, ""));
        (void)option_has(options, "rw");
        if (!strpbrk(options, ",\\") && *options)
                CHECK(option_has(options, options));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        _cleanup_free_ char *text = xmalloc(size + 1);
        memcpy(text, data, size);
        text[size] = '\0';
        const char *end = text + strlen(text);
        check_options(text);
        char *cursor = text;
        struct mount m;
        while (cursor < end) {
                char *before = cursor;
                int r = mount_next(&cursor, &m);
                CHECK(cursor > before && cursor <= end);
                if (r == 0)
                        break;
                CHECK(*m.root && *m.point && *m.fstype);
                const char *fields[] = {before, m.root, m.point, m.fstype, m.source, m.options};
                for (size_t i = 1; i < ARRAY_SIZE(fields); i++)
                        CHECK(fields[i] >= fields[i - 1]);
                CHECK(m.options + strlen(m.options) <= end);
                check_options(m.options);
        }
        CHECK(mount_next(&cursor, &m) == 0);
        return 0;
}
