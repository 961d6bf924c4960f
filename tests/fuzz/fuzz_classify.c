/* SPDX-License-Identifier: MIT */

/*
 * A path of cgroups from hostile hands, level by level and at once: the two have to agree, ids have
 * to be fit for keys and paths, and nothing inside of a container may change whose it is.
 */

#include <errno.h>
#include <limits.h>

#include "base/mem.h"
#include "kernel/classify.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(x)                                                                                   \
        do {                                                                                       \
                if (!(x))                                                                          \
                        die("line %d: %s", __LINE__, #x);                                          \
        } while (0)

#define MAX_LEVELS 64

static void check_text(const char *text)
{
        if (!text)
                return;
        _cleanup_free_ char *again = str_clean_z(text);
        CHECK(streq(text, again));
}

static void check_class(const struct cg_class *c)
{
        bool row = c->role == CG_CONTAINER || c->role == CG_POD || c->role == CG_SERVICE;
        CHECK(c->role <= CG_SERVICE && c->runtime < RUNTIME_COUNT && c->kind < KIND_COUNT);
        CHECK(row == (c->id != NULL));
        CHECK(row || (!c->name && !c->pod));
        CHECK((c->role == CG_POD) == (c->kind == KIND_POD));
        CHECK((c->role == CG_SERVICE) == (c->kind == KIND_SERVICE));
        CHECK(c->role != CG_POD || streq(c->id, c->pod));
        CHECK(!row || c->runtime != RUNTIME_UNKNOWN);
        check_text(c->id);
        check_text(c->name);
        check_text(c->pod);
        if (row)
                CHECK(*c->id && !strchr(c->id, '/') && !streq(c->id, ".") && !streq(c->id, ".."));
        if (c->pod)
                CHECK(!strchr(c->pod, '_') && strlen(c->pod) >= 32);
}

static bool same(const char *a, const char *b)
{
        return a && b ? streq(a, b) : a == b;
}

/* The level of the innermost container, or -1. */
static int descend(const char *const *component, size_t n, struct cg_class *level)
{
        const struct cg_class *around = NULL;
        size_t around_at = 0;
        int found = -1;
        for (size_t i = 0; i < n; i++) {
                classify(component, i + 1, around, around ? i - around_at - 1 : 0, &level[i]);
                check_class(&level[i]);
                CHECK(!around || level[i].owner_uid == around->owner_uid);
                CHECK(!around || level[i].role != CG_SERVICE);
                if (level[i].role == CG_HELPER)
                        break;
                if (level[i].role == CG_CONTAINER)
                        found = (int)i;
                if (level[i].role == CG_CONTAINER || level[i].role == CG_POD) {
                        around = &level[i];
                        around_at = i;
                }
        }
        return found;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        _cleanup_free_ char *path = xmalloc(size + 1);
        _cleanup_free_ char *copy = NULL;
        memcpy(path, data, size);
        path[size] = '\0';
        copy = xstrdup(path);

        const char *component[MAX_LEVELS];
        size_t n = 0;
        char *save = NULL;
        for (char *s = strtok_r(copy, "/", &save); s; s = strtok_r(NULL, "/", &save)) {
                if (n == MAX_LEVELS)
                        return 0;
                component[n++] = s;
        }
        struct cg_class level[MAX_LEVELS] = {0}, c;
        size_t len;
        int found = descend(component, n, level);
        int r = classify_path(path, &c, &len);
        if (strlen(path) >= PATH_MAX) {
                CHECK(r == -ENAMETOOLONG);
        } else if (found < 0) {
                CHECK(r == -ENOENT);
        } else {
                const struct cg_class *want = &level[found];
                CHECK(r == 0 && len <= strlen(path) && (path[len] == '/' || path[len] == '\0'));
                CHECK(len == (size_t)(component[found] - copy) + strlen(component[found]));
                CHECK(c.role == CG_CONTAINER && c.owner_uid == want->owner_uid);
                CHECK(c.runtime == want->runtime && c.kind == want->kind);
                CHECK(same(c.id, want->id) && same(c.name, want->name) && same(c.pod, want->pod));
                cg_class_done(&c);
        }
        for (size_t i = 0; i < n; i++)
                cg_class_done(&level[i]);
        return 0;
}
