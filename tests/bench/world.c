/* SPDX-License-Identifier: MIT */
#include "world.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/root.h"
#include "kernel/mounts.h"

#define MOUNTS_MAX 24

struct world {
        char name[32]; /* of our directory at the top of each hierarchy */
        int mount[MOUNTS_MAX];
        bool v2[MOUNTS_MAX];
        size_t n_mounts;
        size_t n_containers;
        pid_t *pids;
        size_t n_pids, cap;
};

static void find_mounts(struct world *w)
{
        static char text[1 << 18];
        struct root root;
        struct mount m;
        if (root_open(&root, NULL) < 0)
                return;
        char *cursor = text;
        (void)root_read_proc(&root, 0, "mountinfo", text, sizeof(text));
        while (mount_next(&cursor, &m) > 0 && w->n_mounts < MOUNTS_MAX) {
                bool v2 = strcmp(m.fstype, "cgroup2") == 0;
                if (!v2 && strcmp(m.fstype, "cgroup") != 0)
                        continue;
                w->v2[w->n_mounts] = v2;
                w->mount[w->n_mounts++] = root_open_path(&root, m.point, O_DIRECTORY);
        }
        root_close(&root);
}

static void path_of(const struct world *w, size_t i, char *path, size_t size)
{
        snprintf(path, size, "%s/docker-%064zx.scope", w->name, i);
}

static int write_at(int dirfd, const char *path, const char *text)
{
        int fd = openat(dirfd, path, O_WRONLY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        ssize_t n = write(fd, text, strlen(text));
        int r = n < 0 ? -errno : 0;
        close(fd);
        return r;
}

static pid_t sleeper(bool netns)
{
        pid_t pid = fork();
        if (pid != 0)
                return pid;
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        close_range(3, ~0U, 0);
        if (netns && unshare(CLONE_NEWNET) < 0)
                _exit(1);
        for (;;)
                pause();
}

static void add_pid(struct world *w, pid_t pid)
{
        grow(&w->pids, &w->cap, w->n_pids + 1, sizeof(w->pids[0]));
        w->pids[w->n_pids++] = pid;
}

static int make_container(struct world *w, size_t i, bool netns)
{
        char path[256], file[300], text[32];
        path_of(w, i, path, sizeof(path));
        pid_t pid = sleeper(netns);
        if (pid < 0)
                return -errno;
        add_pid(w, pid);
        snprintf(text, sizeof(text), "%d", (int)pid);
        snprintf(file, sizeof(file), "%s/cgroup.procs", path);
        for (size_t m = 0; m < w->n_mounts; m++)
                if (mkdirat(w->mount[m], path, 0755) < 0 || write_at(w->mount[m], file, text) < 0)
                        (void)unlinkat(w->mount[m], path, AT_REMOVEDIR); /* cpuset: not set up */
        return 0;
}

struct world *world_new(size_t containers, bool netns)
{
        struct world *w = xcalloc(1, sizeof(*w));
        snprintf(w->name, sizeof(w->name), "ctop-bench-%d", (int)getpid());
        find_mounts(w);
        for (size_t m = 0; m < w->n_mounts; m++) {
                if (mkdirat(w->mount[m], w->name, 0755) < 0 && errno != EEXIST) {
                        int e = errno;
                        world_free(w);
                        errno = e;
                        return NULL;
                }
                char file[64];
                snprintf(file, sizeof(file), "%s/cgroup.subtree_control", w->name);
                if (w->v2[m])
                        (void)write_at(w->mount[m], file, "+cpu +memory +io +pids");
        }
        for (size_t i = 0; i < containers; i++, w->n_containers++)
                if (make_container(w, i, netns) < 0)
                        die("cannot fork: %s", strerror(errno));
        return w;
}

int world_add_processes(struct world *w, size_t n)
{
        for (size_t i = 0; i < n; i++) {
                pid_t pid = sleeper(false);
                if (pid < 0)
                        return -errno;
                add_pid(w, pid);
        }
        return 0;
}

void world_free(struct world *w)
{
        char path[256];
        if (!w)
                return;
        for (size_t i = 0; i < w->n_pids; i++)
                kill(w->pids[i], SIGKILL);
        for (size_t i = 0; i < w->n_pids; i++)
                waitpid(w->pids[i], NULL, 0);
        for (size_t m = 0; m < w->n_mounts; m++) {
                for (size_t i = 0; i < w->n_containers; i++) {
                        path_of(w, i, path, sizeof(path));
                        (void)unlinkat(w->mount[m], path, AT_REMOVEDIR);
                }
                (void)unlinkat(w->mount[m], w->name, AT_REMOVEDIR);
                close(w->mount[m]);
        }
        free(w->pids);
        free(w);
}
