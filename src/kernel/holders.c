/* SPDX-License-Identifier: MIT */
#include "kernel/holders.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "base/str.h"
#include "kernel/namespaces.h"

#define PID_MAX_LIMIT (4 * 1024 * 1024) /* linux/threads.h */
#define LINKS_A_CALL  30000             /* about 50 ms */
#define PROCESS_LINKS 10                /* what opening a process costs, in links */
#define CHILDREN_MAX  64
#define STAT_MAX      2048

/* --- texts ------------------------------------------------------------------------------------ */

int fd_link_parse(const char *text, const char *prefix, uint64_t *ret)
{
        const char *p = startswith(text, prefix);
        uint64_t v;
        int n = p ? parse_u64(p, p + strlen(p), &v) : -EBADMSG;
        if (n < 0 || p[n] != ']' || (p[n + 1] != '\0' && !streq(p + n + 1, "\n")))
                return -EBADMSG;
        *ret = v;
        return 0;
}

int stat_parent(const char *text, pid_t *ret)
{
        const char *p = strrchr(text, ')'); /* comm may hold anything, what follows cannot */
        uint64_t v;
        if (!p || p[1] != ' ' || !p[2] || p[3] != ' ')
                return -EBADMSG;
        int n = parse_u64(p + 4, p + strlen(p), &v);
        if (n < 0 || p[4 + n] != ' ' || v > PID_MAX_LIMIT)
                return -EBADMSG;
        *ret = (pid_t)v;
        return 0;
}

/* --- directories of numbers ------------------------------------------------------------------- */

struct numbers {
        unsigned *v;
        size_t n, cap;
};

static void numbers_done(struct numbers *l)
{
        free(l->v);
}
#define _cleanup_numbers_ _cleanup_(numbers_done)

static int compare(const void *a, const void *b)
{
        unsigned x = *(const unsigned *)a, y = *(const unsigned *)b;
        return (x > y) - (x < y);
}

/* The names in a directory that are numbers, in order. */
static int numbers_read(int fd, struct numbers *l)
{
        _Alignas(struct dirent64) char buf[16 * 1024];
        for (ssize_t n; (n = getdents64(fd, buf, sizeof(buf))) != 0;) {
                if (n < 0)
                        return -errno;
                for (ssize_t at = 0; at < n;) {
                        const struct dirent64 *d = (const struct dirent64 *)(buf + at);
                        uint64_t v;
                        at += d->d_reclen;
                        if (d->d_name[0] < '0' || d->d_name[0] > '9' ||
                            parse_u64_z(d->d_name, &v) < 0 || v > PID_MAX_LIMIT)
                                continue;
                        grow(&l->v, &l->cap, l->n + 1, sizeof(*l->v));
                        l->v[l->n++] = (unsigned)v;
                }
        }
        if (l->n > 1)
                qsort(l->v, l->n, sizeof(*l->v), compare);
        return 0;
}

static int pids_read(const struct root *r, struct numbers *l)
{
        _cleanup_close_ int fd = root_open_proc(r, -1, ".", O_DIRECTORY);
        return fd < 0 ? fd : numbers_read(fd, l);
}

/* The descriptors of a process; *ret_fd stays open on its fd directory. */
static int fds_read(const struct root *r, pid_t pid, struct numbers *l, int *ret_fd)
{
        _cleanup_close_ int fd = root_open_proc(r, pid, "fd", O_DIRECTORY);
        if (fd < 0)
                return fd;
        int e = numbers_read(fd, l);
        if (e >= 0)
                *ret_fd = TAKE_FD(fd);
        return e;
}

/* In a fixture a link may be a plain file. */
static bool fd_link(const struct root *r, int dirfd, unsigned number, char *buf, size_t size)
{
        char name[16];
        snprintf(name, sizeof(name), "%u", number);
        ssize_t n = readlinkat(dirfd, name, buf, size - 1);
        if (n < 0 && errno == EINVAL && r->fixture)
                return read_beneath(dirfd, name, buf, size) >= 0;
        if (n < 0)
                return false;
        buf[n] = '\0';
        return true;
}

/* --- sockets ---------------------------------------------------------------------------------- */

struct scan {
        const struct root *r;
        const uint64_t *inodes;
        size_t n_inodes;
        struct holder *ret;
        size_t n;
        size_t links; /* looked at so far */
};

static bool is_wanted(const struct scan *s, uint64_t inode)
{
        for (size_t i = 0; i < s->n_inodes; i++)
                if (s->inodes[i] == inode)
                        return true;
        return false;
}

/* A process may hold one socket many times. */
static void add(struct scan *s, uint64_t inode, pid_t pid)
{
        for (size_t i = s->n; i-- > 0 && s->ret[i].pid == pid;)
                if (s->ret[i].inode == inode)
                        return;
        if (s->n < HOLDERS_MAX)
                s->ret[s->n++] = (struct holder){.inode = inode, .pid = pid};
}

static int scan_process(struct scan *s, pid_t pid)
{
        _cleanup_numbers_ struct numbers fds = {0};
        _cleanup_close_ int dirfd = -1;
        char text[64];
        uint64_t inode;
        int e = fds_read(s->r, pid, &fds, &dirfd);
        s->links += PROCESS_LINKS + fds.n;
        for (size_t i = 0; e >= 0 && i < fds.n; i++)
                if (fd_link(s->r, dirfd, fds.v[i], text, sizeof(text)) &&
                    fd_link_parse(text, "socket:[", &inode) >= 0 && is_wanted(s, inode))
                        add(s, inode, pid);
        return e;
}

int holders_scan(const struct root *r, const uint64_t *inodes, size_t n, pid_t *cursor,
                 struct holder ret[static HOLDERS_MAX], unsigned *ret_denied)
{
        _cleanup_numbers_ struct numbers pids = {0};
        struct scan s = {.r = r, .inodes = inodes, .n_inodes = n, .ret = ret};
        int e = pids_read(r, &pids);
        if (e < 0)
                return e;
        unsigned denied = 0;
        size_t i = 0;
        while (i < pids.n && (pid_t)pids.v[i] <= *cursor)
                i++;
        for (; i < pids.n && s.links < LINKS_A_CALL; i++) {
                e = scan_process(&s, (pid_t)pids.v[i]);
                denied += e == -EACCES || e == -EPERM;
        }
        *cursor = i < pids.n ? (pid_t)pids.v[i - 1] : 0;
        *ret_denied = denied;
        return (int)s.n;
}

/* --- network namespaces ----------------------------------------------------------------------- */

static size_t reach_add(uint64_t *ret, size_t n, uint64_t inode)
{
        for (size_t i = 0; i < n; i++)
                if (ret[i] == inode)
                        return n;
        if (n < REACH_MAX && inode)
                ret[n++] = inode;
        return n;
}

static size_t reach_children(const struct root *r, pid_t pid, uint64_t *ret, size_t n)
{
        _cleanup_numbers_ struct numbers pids = {0};
        unsigned children = 0;
        (void)pids_read(r, &pids);
        for (size_t i = 0; i < pids.n && children < CHILDREN_MAX; i++) {
                char text[STAT_MAX];
                pid_t parent;
                uint64_t inode;
                if (root_read_proc(r, (pid_t)pids.v[i], "stat", text, sizeof(text)) < 0 ||
                    stat_parent(text, &parent) < 0 || parent != pid)
                        continue;
                children++;
                if (ns_link_read(r, (pid_t)pids.v[i], NS_NET, &inode) >= 0)
                        n = reach_add(ret, n, inode);
        }
        return n;
}

/*
 * "net:[4026532441]", or the path where the namespace is bound: then the file behind the link is
 * asked for its number. The path's name decides, so as to touch no file that could be remote.
 */
static bool fd_netns(const struct root *r, int dirfd, unsigned number, dev_t nsfs, uint64_t *ret)
{
        char text[512], name[16];
        struct stat st;
        if (!fd_link(r, dirfd, number, text, sizeof(text)))
                return false;
        if (fd_link_parse(text, "net:[", ret) >= 0)
                return true;
        if (r->fixture || !strstr(text, "/netns/"))
                return false;
        snprintf(name, sizeof(name), "%u", number);
        if (fstatat(dirfd, name, &st, 0) < 0 || st.st_dev != nsfs)
                return false;
        *ret = st.st_ino;
        return true;
}

static dev_t nsfs_device(const struct root *r)
{
        _cleanup_close_ int fd = root_open_proc(r, 0, "ns/net", O_PATH);
        struct stat st;
        return fd >= 0 && fstat(fd, &st) == 0 ? st.st_dev : 0;
}

size_t netns_reach(const struct root *r, pid_t pid, uint64_t ret[static REACH_MAX])
{
        _cleanup_numbers_ struct numbers fds = {0};
        _cleanup_close_ int dirfd = -1;
        uint64_t inode;
        size_t n = reach_children(r, pid, ret, 0);
        if (fds_read(r, pid, &fds, &dirfd) < 0)
                return n;
        dev_t nsfs = nsfs_device(r);
        for (size_t i = 0; i < MIN(fds.n, (size_t)LINKS_A_CALL); i++)
                if (fd_netns(r, dirfd, fds.v[i], nsfs, &inode))
                        n = reach_add(ret, n, inode);
        return n;
}
