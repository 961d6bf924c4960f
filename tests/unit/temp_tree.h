/* SPDX-License-Identifier: MIT */
#pragma once

/* A directory of plain files that a test fills and takes away again. */

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/macros.h"
#include "base/mem.h"

struct temp {
        char dir[32];
        int fd; /* O_PATH of dir */
};

static inline void temp_open(struct temp *t)
{
        /* memory is faster where thousands of directories are made */
        const char *where = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
        snprintf(t->dir, sizeof(t->dir), "%s/ctop-test-XXXXXX", where);
        assert_non_null(mkdtemp(t->dir));
        t->fd = open(t->dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
        assert_true(t->fd >= 0);
}

static inline int temp_remove_one(const char *path, const struct stat *st, int type, struct FTW *f)
{
        (void)st;
        (void)type;
        (void)f;
        return remove(path);
}

static inline void temp_close(struct temp *t)
{
        (void)nftw(t->dir, temp_remove_one, 32, FTW_DEPTH | FTW_PHYS);
        close(t->fd);
}

/* Makes every directory of the path ("a/b/c"). */
static inline void temp_mkdirs(const struct temp *t, const char *path)
{
        _cleanup_free_ char *p = xstrdup(path);
        for (char *slash = p; slash; *slash++ = '/') {
                slash = strchr(slash, '/');
                if (slash)
                        *slash = '\0';
                if (mkdirat(t->fd, p, 0755) < 0)
                        assert_int_equal(errno, EEXIST);
                if (!slash)
                        break;
        }
}

static inline void temp_write(const struct temp *t, const char *path, const void *bytes, size_t n)
{
        const char *slash = strrchr(path, '/');
        if (slash) {
                _cleanup_free_ char *dir = xstrndup(path, (size_t)(slash - path));
                temp_mkdirs(t, dir);
        }
        _cleanup_close_ int fd =
                openat(t->fd, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        assert_true(fd >= 0);
        assert_int_equal(write(fd, bytes, n), n);
}

static inline void temp_put(const struct temp *t, const char *path, const char *text)
{
        temp_write(t, path, text, strlen(text));
}
