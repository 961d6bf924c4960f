/* SPDX-License-Identifier: MIT */
#include "base/root.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/macros.h"

#define OPEN_FLAGS (O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)

static int openat2_errno(int dirfd, const char *path, int flags, uint64_t resolve)
{
        if (flags & O_PATH) /* the kernel refuses O_NONBLOCK beside O_PATH */
                flags |= O_CLOEXEC;
        else
                flags |= OPEN_FLAGS;
        struct open_how how = {.flags = (uint64_t)flags, .resolve = resolve};
        int fd;
        do
                fd = (int)syscall(SYS_openat2, dirfd, path, &how, sizeof(how));
        while (fd < 0 && errno == EAGAIN); /* a rename raced with RESOLVE_IN_ROOT */
        return fd >= 0 ? fd : -errno;
}

int open_beneath(int dirfd, const char *path, int flags)
{
        return openat2_errno(dirfd, *path ? path : ".", flags,
                             RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS);
}

static bool is_fixture(int proc)
{
        struct statfs fs;
        return proc < 0 || fstatfs(proc, &fs) < 0 || fs.f_type != PROC_SUPER_MAGIC;
}

/* Makes top, proc and fixture those of dirfd/name. */
static int enter(struct root *r, int dirfd, const char *name)
{
        _cleanup_close_ int top = openat(dirfd, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (top < 0)
                return -errno;
        int proc = openat2_errno(top, "/proc", O_PATH | O_DIRECTORY, RESOLVE_IN_ROOT);
        if (r->top >= 0)
                close(r->top);
        if (r->proc >= 0)
                close(r->proc);
        r->top = TAKE_FD(top);
        r->proc = proc >= 0 ? proc : -1;
        r->fixture = is_fixture(r->proc);
        return 0;
}

static unsigned count_steps(int dirfd)
{
        unsigned n = 0;
        char name[16];
        for (;; n++) {
                struct stat st;
                snprintf(name, sizeof(name), "%u", n);
                if (fstatat(dirfd, name, &st, 0) < 0 || !S_ISDIR(st.st_mode))
                        return n;
        }
}

static int open_sysroot(struct root *r, const char *dir)
{
        _cleanup_close_ int fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        r->foreign = true;
        r->n_steps = count_steps(fd);
        int e = enter(r, fd, r->n_steps ? "0" : ".");
        if (e < 0)
                return e;
        if (r->n_steps)
                r->steps = TAKE_FD(fd);
        struct stat st;
        if (r->proc < 0 && fstatat(r->top, "sys", &st, 0) < 0)
                return -ENODATA;
        return 0;
}

int root_open(struct root *ret, const char *dir)
{
        struct root r = ROOT_INIT;
        int e = dir ? open_sysroot(&r, dir) : enter(&r, AT_FDCWD, "/");
        if (e < 0) {
                root_close(&r);
                return e;
        }
        *ret = r;
        return 0;
}

void root_close(struct root *r)
{
        cleanup_closep(&r->top);
        cleanup_closep(&r->proc);
        cleanup_closep(&r->steps);
        *r = (struct root)ROOT_INIT;
}

int root_next_step(struct root *r)
{
        if (!r->n_steps)
                return 0;
        if (r->step + 1 >= r->n_steps)
                return -ENODATA;
        char name[16];
        snprintf(name, sizeof(name), "%u", r->step + 1);
        int e = enter(r, r->steps, name);
        if (e < 0)
                return e;
        r->step++;
        return 1;
}

int root_open_path(const struct root *r, const char *path, int flags)
{
        return openat2_errno(r->top, path, flags, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
}

/* "PID/name", "self/name" or "name" into buf. */
static const char *proc_path(char *buf, size_t size, pid_t pid, const char *name)
{
        if (pid == -1)
                return name;
        if (pid == 0)
                snprintf(buf, size, "self/%s", name);
        else
                snprintf(buf, size, "%d/%s", (int)pid, name);
        return buf;
}

int root_open_proc(const struct root *r, pid_t pid, const char *name, int flags)
{
        char buf[256];
        if (r->proc < 0)
                return -ENOENT;
        name = proc_path(buf, sizeof(buf), pid, name);
        if (!r->fixture) { /* a true procfs holds no foreign links below PID/; self is a link */
                flags |= flags & O_PATH ? O_CLOEXEC : OPEN_FLAGS;
                int fd = openat(r->proc, name, flags);
                return fd >= 0 ? fd : -errno;
        }
        return open_beneath(r->proc, name, flags);
}

ssize_t read_whole(int fd, char *buf, size_t size)
{
        size_t len = 0;
        while (len + 1 < size) {
                ssize_t n = pread(fd, buf + len, size - 1 - len, (off_t)len);
                if (n < 0 && errno == ESPIPE) /* a FIFO or socket where a file should be */
                        return -EINVAL;
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                if (n == 0)
                        break;
                len += (size_t)n;
        }
        buf[len] = '\0';
        return (ssize_t)len;
}

ssize_t read_once(int fd, char *buf, size_t size)
{
        ssize_t n = pread(fd, buf, size - 1, 0);
        if (n < 0)
                return -errno;
        buf[n] = '\0';
        return n;
}

/*
 * Kernel files are made of small records, so a first answer this short was all: one call saved.
 * Not for mountinfo, where a record that does not fit ends an answer early.
 */
#define SHORT_ANSWER 2048

static ssize_t read_records(int fd, char *buf, size_t size)
{
        ssize_t n = read_once(fd, buf, size);
        return n >= 0 && n < SHORT_ANSWER ? n : read_whole(fd, buf, size);
}

static ssize_t close_after(int fd, ssize_t n)
{
        close(fd);
        return n;
}

static ssize_t read_and_close(int fd, char *buf, size_t size)
{
        if (fd < 0)
                return fd;
        ssize_t n = read_whole(fd, buf, size);
        close(fd);
        return n;
}

ssize_t root_read_path(const struct root *r, const char *path, char *buf, size_t size)
{
        return read_and_close(root_open_path(r, path, 0), buf, size);
}

ssize_t root_read_proc(const struct root *r, pid_t pid, const char *name, char *buf, size_t size)
{
        int fd = root_open_proc(r, pid, name, 0);
        if (fd < 0 || streq(name, "mountinfo"))
                return read_and_close(fd, buf, size);
        return close_after(fd, read_records(fd, buf, size));
}

ssize_t read_beneath(int dirfd, const char *path, char *buf, size_t size)
{
        int fd = open_beneath(dirfd, path, 0);
        return fd < 0 ? fd : close_after(fd, read_records(fd, buf, size));
}

ssize_t root_readlink_proc(const struct root *r, pid_t pid, const char *name, char *buf,
                           size_t size)
{
        char path[256];
        if (r->proc < 0)
                return -ENOENT;
        ssize_t n = readlinkat(r->proc, proc_path(path, sizeof(path), pid, name), buf, size - 1);
        if (n < 0 && errno == EINVAL && r->fixture)
                return root_read_proc(r, pid, name, buf, size);
        if (n < 0)
                return -errno;
        buf[n] = '\0';
        return n;
}

int watch_beneath(int inotify_fd, int dirfd, const char *path, uint32_t mask)
{
        char full[4096 + 64];
        int n = snprintf(full, sizeof(full), "/proc/self/fd/%d/%s", dirfd, path);
        if (n < 0 || (size_t)n >= sizeof(full))
                return -ENAMETOOLONG;
        int wd = inotify_add_watch(inotify_fd, full, mask | IN_ONLYDIR);
        return wd >= 0 ? wd : -errno;
}
