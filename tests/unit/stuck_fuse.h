/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A file system whose files never answer a read, as a dead NFS server does: a FUSE server of a few
 * requests in a process of its own. Its two files differ in how a reader waits: for a page of
 * STUCK_CACHED, which SIGKILL ends, and for the server itself on STUCK_DIRECT, in state D until the
 * server is gone. linux/fuse.h, fuse(4).
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "base/macros.h"

#define STUCK_CACHED "cached"
#define STUCK_DIRECT "direct"

enum { STUCK_NODE_CACHED = 2, STUCK_NODE_DIRECT = 3 };

struct stuck_fuse {
        char dir[64];
        pid_t server; /* killing it ends the connection: every reader gets an error */
        int reads;    /* a byte can be read from it for each read that waits */
};

static struct fuse_attr stuck_attr(uint64_t node)
{
        bool dir = node == FUSE_ROOT_ID;
        return (struct fuse_attr){
                .ino = node,
                .size = dir ? 0 : 4096,
                .mode = dir ? S_IFDIR | 0755 : S_IFREG | 0444,
                .nlink = 1,
                .blksize = 4096,
        };
}

static void stuck_reply(int fd, uint64_t unique, int error, const void *p, size_t n)
{
        struct fuse_out_header h = {
                .len = (uint32_t)(sizeof(h) + n), .error = error, .unique = unique};
        struct iovec iov[] = {{&h, sizeof(h)}, {(void *)p, n}};
        (void)!writev(fd, iov, n ? 2 : 1);
}

static void stuck_lookup(int fd, const struct fuse_in_header *h, const char *name)
{
        struct fuse_entry_out out = {.attr_valid = 60, .entry_valid = 60};
        if (streq(name, STUCK_CACHED))
                out.nodeid = STUCK_NODE_CACHED;
        else if (streq(name, STUCK_DIRECT))
                out.nodeid = STUCK_NODE_DIRECT;
        out.attr = stuck_attr(out.nodeid);
        if (out.nodeid)
                stuck_reply(fd, h->unique, 0, &out, sizeof(out));
        else
                stuck_reply(fd, h->unique, -ENOENT, NULL, 0);
}

static void stuck_answer(int fd, int reads, const struct fuse_in_header *h)
{
        struct fuse_init_out init = {.major = 7, .minor = 31, .max_write = 4096};
        struct fuse_attr_out attr = {.attr_valid = 60, .attr = stuck_attr(h->nodeid)};
        struct fuse_open_out open = {.open_flags =
                                             h->nodeid == STUCK_NODE_DIRECT ? FOPEN_DIRECT_IO : 0};
        switch (h->opcode) {
        case FUSE_INIT:
                stuck_reply(fd, h->unique, 0, &init, sizeof(init));
                break;
        case FUSE_LOOKUP:
                stuck_lookup(fd, h, (const char *)(h + 1));
                break;
        case FUSE_GETATTR:
                stuck_reply(fd, h->unique, 0, &attr, sizeof(attr));
                break;
        case FUSE_OPEN:
        case FUSE_OPENDIR:
                stuck_reply(fd, h->unique, 0, &open, sizeof(open));
                break;
        case FUSE_RELEASE:
                stuck_reply(fd, h->unique, 0, NULL, 0);
                break;
        case FUSE_READ:
                (void)!write(reads, "r", 1);
                break;
        case FUSE_INTERRUPT: /* gets no answer either */
        case FUSE_FORGET:    /* wants none */
        case FUSE_BATCH_FORGET:
                break;
        default:
                stuck_reply(fd, h->unique, -ENOSYS, NULL, 0);
        }
}

__attribute__((noreturn)) static void stuck_serve(int fd, int reads)
{
        static char buf[FUSE_MIN_READ_BUFFER + 4096] __attribute__((aligned(8)));
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;) {
                ssize_t n = read(fd, buf, sizeof(buf) - 1);
                if (n < 0 && (errno == EINTR || errno == ENOENT || errno == EAGAIN))
                        continue;
                if (n < (ssize_t)sizeof(struct fuse_in_header))
                        _exit(0); /* unmounted */
                buf[n] = '\0';
                stuck_answer(fd, reads, (const struct fuse_in_header *)buf);
        }
}

static int stuck_mount(struct stuck_fuse *f, int fd)
{
        char options[128];
        int reads[2];
        snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0", fd);
        if (mount("stuck", f->dir, "fuse.stuck", MS_NOSUID | MS_NODEV, options) < 0 ||
            pipe2(reads, O_CLOEXEC) < 0)
                return -errno;
        f->reads = reads[0];
        f->server = fork();
        if (f->server == 0)
                stuck_serve(fd, reads[1]);
        close(reads[1]);
        return f->server < 0 ? -errno : 0;
}

/* Waits until one more read hangs; false after five seconds. */
static bool stuck_await_read(struct stuck_fuse *f)
{
        char c;
        struct pollfd p = {.fd = f->reads, .events = POLLIN};
        return poll(&p, 1, 5000) == 1 && read(f->reads, &c, 1) == 1;
}

/* In a mount namespace of the test's own, so that nothing else meets it. 0, or -errno: not here.
 * f is zeroed; close it in any case. */
static int stuck_open(struct stuck_fuse *f)
{
        _cleanup_close_ int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
        if (fd < 0 || unshare(CLONE_NEWNS) < 0 ||
            mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
                return -errno;
        char dir[] = "/tmp/ctop-stuck-XXXXXX";
        if (!mkdtemp(dir))
                return -errno;
        snprintf(f->dir, sizeof(f->dir), "%s", dir);
        return stuck_mount(f, fd);
}

/* Frees everybody who waits. May be called twice. */
static void stuck_end_server(struct stuck_fuse *f)
{
        if (f->server <= 0)
                return;
        (void)kill(f->server, SIGKILL);
        (void)waitpid(f->server, NULL, 0);
        f->server = 0;
}

/* May be called twice, or without stuck_open(). */
static void stuck_close(struct stuck_fuse *f)
{
        if (!*f->dir)
                return;
        stuck_end_server(f);
        if (f->reads > 0)
                close(f->reads);
        (void)umount2(f->dir, MNT_DETACH);
        (void)rmdir(f->dir);
        *f = (struct stuck_fuse){0};
}
