/* SPDX-License-Identifier: MIT */
#include "runtime/safe_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/mem.h"
#include "base/str.h"

#define MAX_LINKS   16
#define MAX_RETRIES 4
#define DIR_FLAGS   (O_PATH | O_DIRECTORY | O_CLOEXEC)
#define LINK_FLAGS  (O_PATH | O_NOFOLLOW | O_CLOEXEC)
#define LIST_FLAGS  (O_RDONLY | O_DIRECTORY | O_NONBLOCK | O_CLOEXEC)
#define FILE_FLAGS  (O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)

/* What stands in the way for no reason of permission counts as absent. */
static int open_errno(int e)
{
        switch (e) {
        case EPERM:
        case EAGAIN: /* somebody holds a lease on it */
                return -EACCES;
        case ENOTDIR:
        case ELOOP:
        case ENXIO:
        case EXDEV:
        case ESTALE:
        case ENAMETOOLONG:
                return -ENOENT;
        default:
                return -e;
        }
}

/* fd, or minus the raw errno. The retries are few: EAGAIN also comes from a lease, for as long as
 * its holder likes. */
static int open_plain(int dirfd, const char *path, int flags, uint64_t resolve)
{
        struct open_how how = {
                .flags = (uint64_t)flags,
                .resolve = resolve | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
        };
        for (unsigned i = 0;; i++) {
                int fd = (int)syscall(SYS_openat2, dirfd, path, &how, sizeof(how));
                if (fd >= 0)
                        return fd;
                if (errno != EINTR && (errno != EAGAIN || i >= MAX_RETRIES))
                        return -errno;
        }
}

struct safe_owner safe_owner_of(const struct root *r, uint32_t uid)
{
        struct safe_owner who = {.uid = uid, .also = -1};
        struct stat st;
        if (r->fixture && fstat(r->top, &st) >= 0)
                who.also = st.st_uid;
        return who;
}

static bool owned_by(const struct stat *st, const struct safe_owner *who)
{
        return st->st_uid == who->uid || (who->also >= 0 && st->st_uid == (uint64_t)who->also);
}

/* The target of the link at path, if it is one that root made. -ENOENT: it is no link. */
static int trusted_link(const struct root *r, const char *path, char *buf, size_t size)
{
        struct safe_owner root_user = safe_owner_of(r, 0);
        _cleanup_close_ int fd = open_plain(r->top, path, LINK_FLAGS, RESOLVE_IN_ROOT);
        if (fd < 0)
                return fd;
        struct stat st;
        if (fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISLNK(st.st_mode))
                return -ENOENT;
        if (!owned_by(&st, &root_user))
                return -ELOOP;
        ssize_t n = readlinkat(fd, "", buf, size - 1);
        if (n < 0)
                return -errno;
        buf[n] = '\0';
        return 0;
}

/* dir + "/" + target + rest, with the ".." at the start of target undone: dir holds no links. */
static char *splice_link(const char *dir, size_t n, const char *target, const char *rest)
{
        if (*target == '/')
                n = 0;
        for (;;) {
                target += strspn(target, "/");
                if (startswith(target, "./")) {
                        target += 2;
                } else if (startswith(target, "../") || streq(target, "..")) {
                        target += 2;
                        while (n > 0 && dir[--n] != '/')
                                continue;
                } else {
                        return xasprintf("%.*s/%s%s", (int)n, dir, target, rest);
                }
        }
}

/* Replaces the first link in path. 0 with the new path, or minus the raw errno. */
static int follow_first_link(const struct root *r, const char *path, char **ret)
{
        char target[PATH_MAX];
        for (size_t i = 1; path[i - 1] != '\0'; i++) {
                if (path[i] != '/' && path[i] != '\0')
                        continue;
                _cleanup_free_ char *head = xstrndup(path, i);
                int e = trusted_link(r, head, target, sizeof(target));
                if (e == -ENOENT)
                        continue;
                if (e < 0)
                        return e;
                size_t dir = (size_t)(strrchr(head, '/') - head);
                *ret = splice_link(path, dir, target, path + i);
                return 0;
        }
        return -ENOENT;
}

int safe_open_dir(const struct root *r, const char *path)
{
        _cleanup_free_ char *now = xstrdup(path);
        if (*path != '/')
                return -ENOENT;
        for (unsigned i = 0; i < MAX_LINKS; i++) {
                int fd = open_plain(r->top, now, DIR_FLAGS, RESOLVE_IN_ROOT);
                if (fd != -ELOOP)
                        return fd >= 0 ? fd : open_errno(-fd);
                char *next;
                int e = follow_first_link(r, now, &next);
                if (e < 0)
                        return open_errno(-e);
                free(now);
                now = next;
                if (strlen(now) >= PATH_MAX)
                        return -ENOENT;
        }
        return -ENOENT;
}

int read_up_to(int fd, size_t max, char **ret, size_t *ret_len)
{
        _cleanup_free_ char *buf = NULL;
        size_t len = 0, cap = 0;
        while (len < max) {
                grow(&buf, &cap, MIN(len + 16384, max + 1), 1);
                ssize_t n = read(fd, buf + len, MIN(cap - 1, max) - len);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                if (n == 0)
                        break;
                len += (size_t)n;
        }
        grow(&buf, &cap, len + 1, 1);
        buf[len] = '\0';
        *ret = TAKE_PTR(buf);
        *ret_len = len;
        return 0;
}

static int check_file(int fd, const struct safe_owner *who, size_t max)
{
        struct stat st;
        if (fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode) || !owned_by(&st, who))
                return -ENOENT;
        return (uint64_t)st.st_size > max ? -EBADMSG : 0;
}

/* Looks before it opens: opening a device can do something. */
static int open_checked(int dirfd, const char *name, const struct safe_owner *who, size_t max)
{
        _cleanup_close_ int look = open_plain(dirfd, name, LINK_FLAGS, RESOLVE_BENEATH);
        if (look < 0)
                return open_errno(-look);
        int e = check_file(look, who, max);
        if (e < 0)
                return e;
        _cleanup_close_ int fd = open_plain(dirfd, name, FILE_FLAGS, RESOLVE_BENEATH);
        if (fd < 0)
                return open_errno(-fd);
        e = check_file(fd, who, max);
        return e < 0 ? e : TAKE_FD(fd);
}

int safe_read_at(int dirfd, const char *name, const struct safe_owner *who, size_t max, char **ret,
                 size_t *ret_len)
{
        _cleanup_close_ int fd = open_checked(dirfd, name, who, max);
        if (fd < 0)
                return fd;
        return read_up_to(fd, max, ret, ret_len);
}

int safe_read(const struct root *r, const char *path, const struct safe_owner *who, size_t max,
              char **ret, size_t *ret_len)
{
        const char *slash = strrchr(path, '/');
        if (!slash)
                return -ENOENT;
        _cleanup_free_ char *dir =
                slash == path ? xstrdup("/") : xstrndup(path, (size_t)(slash - path));
        _cleanup_close_ int fd = safe_open_dir(r, dir);
        if (fd < 0)
                return fd;
        return safe_read_at(fd, slash + 1, who, max, ret, ret_len);
}

void names_free(char ***names)
{
        for (char **p = *names; p && *p; p++)
                free(*p);
        free(*names);
        *names = NULL;
}

int safe_list(int dirfd, const char *name, size_t max, char ***ret)
{
        int fd = open_plain(dirfd, name, LIST_FLAGS, RESOLVE_BENEATH);
        if (fd < 0)
                return open_errno(-fd);
        DIR *dir = fdopendir(fd);
        if (!dir) {
                int e = -errno;
                close(fd);
                return e;
        }
        char **names = NULL;
        size_t n = 0, cap = 0;
        for (struct dirent *e; n < max && (e = readdir(dir));) {
                if (*e->d_name == '.')
                        continue;
                grow(&names, &cap, n + 2, sizeof(names[0]));
                names[n++] = xstrdup(e->d_name);
        }
        closedir(dir);
        grow(&names, &cap, n + 1, sizeof(names[0]));
        names[n] = NULL;
        *ret = names;
        return (int)n;
}

bool is_component(const char *name)
{
        return name && *name && strlen(name) <= NAME_MAX && !strchr(name, '/') &&
               !streq(name, ".") && !streq(name, "..");
}

static unsigned gravity(int e)
{
        switch (e) {
        case -EACCES:
                return 3;
        case -EBADMSG:
                return 2;
        default:
                return e != -ENOENT;
        }
}

int graver(int a, int b)
{
        return b >= 0 || gravity(b) > gravity(a) ? b : a;
}
