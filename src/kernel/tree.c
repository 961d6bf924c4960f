/* SPDX-License-Identifier: MIT */
#include "kernel/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/macros.h"
#include "base/map.h"
#include "base/mem.h"

#define MAX_DEPTH 128
#define READS_MAX 32 /* in one go: somebody may make events faster than they are read */
#define WIDE      16 /* children from which a table pays */
#define WATCHED   (IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_MODIFY | IN_DONT_FOLLOW)

struct tree {
        const struct root *root;
        const struct hierarchy *h;
        struct cg_node *top;
        struct cg_node **queue; /* directories to look at */
        size_t q_head, q_len, q_cap;
        struct map by_wd;
        int inotify;
        bool degraded;
        bool walking; /* a full walk is under way: known directories are looked at too */
        uint32_t stamp;
        size_t size;
        tree_fn fn;
        void *userdata;
};

static struct cg_node *node_new(struct cg_node *parent, const char *name)
{
        size_t n = strlen(name) + 1;
        struct cg_node *node = xcalloc(1, sizeof(*node) + n);
        memcpy(node->name, name, n);
        node->wd = -1;
        node->parent = parent;
        if (parent) {
                node->next = parent->child;
                if (node->next)
                        node->next->prev = node;
                parent->child = node;
        }
        return node;
}

static void unlink_node(struct cg_node *n)
{
        if (n->prev)
                n->prev->next = n->next;
        else if (n->parent)
                n->parent->child = n->next;
        if (n->next)
                n->next->prev = n->prev;
}

void node_relative(const struct cg_node *n, struct str *out)
{
        const struct cg_node *up[MAX_DEPTH];
        size_t depth = 0;
        for (; n->parent && depth < MAX_DEPTH; n = n->parent)
                up[depth++] = n;
        while (depth > 0) {
                str_add(out, up[--depth]->name);
                if (depth)
                        str_addc(out, '/');
        }
}

void node_path(const struct cg_node *n, struct str *out)
{
        str_addc(out, '/');
        node_relative(n, out);
}

struct cg_node *node_container(struct cg_node *n)
{
        for (; n; n = n->parent)
                if (n->class && n->class->role == CG_CONTAINER)
                        return n;
        return NULL;
}

static void enqueue(struct tree *t, struct cg_node *n)
{
        if (n->queued)
                return;
        grow(&t->queue, &t->q_cap, t->q_len + 1, sizeof(t->queue[0]));
        t->queue[t->q_len++] = n;
        n->queued = t->q_len;
}

static void unwatch(struct tree *t, struct cg_node *n)
{
        if (n->wd < 0)
                return;
        /* a renamed directory keeps its watch, which is the new node's by now */
        if (map_get_u64(&t->by_wd, (uint64_t)n->wd) == n) {
                map_del_u64(&t->by_wd, (uint64_t)n->wd);
                (void)inotify_rm_watch(t->inotify, n->wd); /* EINVAL: the kernel was first */
        }
        n->wd = -1;
}

static void node_free(struct tree *t, struct cg_node *n, bool tell)
{
        while (n->child)
                node_free(t, n->child, tell);
        if ((n->class || n->data) && tell)
                t->fn(t->userdata, n, TREE_DIED, NULL);
        unwatch(t, n);
        if (n->queued)
                t->queue[n->queued - 1] = NULL;
        unlink_node(n);
        if (n->class)
                cg_class_done(n->class);
        free(n->class);
        free(n);
        t->size--;
}

/* Fills comp with the names from the root down to n. Returns their number, 0 when too deep. */
static size_t components(const struct cg_node *n, const char *comp[static MAX_DEPTH])
{
        size_t depth = 0;
        for (const struct cg_node *i = n; i->parent; i = i->parent)
                if (++depth > MAX_DEPTH)
                        return 0;
        for (size_t i = depth; n->parent; n = n->parent)
                comp[--i] = n->name;
        return depth;
}

static void classify_node(struct cg_node *n)
{
        const char *comp[MAX_DEPTH];
        const struct cg_class *around = NULL;
        size_t below = 0, depth = components(n, comp);
        if (!depth)
                return;
        for (const struct cg_node *up = n->parent; up; up = up->parent, below++)
                if (up->class && (up->class->role == CG_CONTAINER || up->class->role == CG_POD)) {
                        around = up->class;
                        break;
                }
        struct cg_class class = {0};
        classify(comp, depth, around, below, &class);
        if (class.role == CG_PLAIN) {
                cg_class_done(&class);
                return;
        }
        n->class = xmalloc(sizeof(class));
        *n->class = class;
}

static struct cg_node *born(struct tree *t, struct cg_node *parent, const char *name)
{
        struct cg_node *n = node_new(parent, name);
        t->size++;
        if (parent && parent->class && parent->class->role == CG_HELPER) {
                n->class = xcalloc(1, sizeof(*n->class)); /* nothing below a helper is a row */
                n->class->role = CG_HELPER;
        } else if (parent) {
                classify_node(n);
        }
        if (n->class)
                t->fn(t->userdata, n, TREE_BORN, NULL);
        enqueue(t, n);
        return n;
}

static struct cg_node *find_child(const struct cg_node *n, const char *name)
{
        for (struct cg_node *c = n->child; c; c = c->next)
                if (streq(c->name, name))
                        return c;
        return NULL;
}

/* Watch first, then look: a child made in between is told by an event. */
static void watch(struct tree *t, struct cg_node *n, const char *path)
{
        if (t->inotify < 0 || n->wd >= 0)
                return;
        int wd = watch_beneath(t->inotify, t->h->fd, path, WATCHED);
        if (wd == -ENOSPC || wd == -ENOMEM)
                t->degraded = true;
        if (wd < 0)
                return;
        n->wd = wd;
        map_put_u64(&t->by_wd, (uint64_t)wd, n);
}

struct child_index {
        struct map map;
        size_t count;
        bool used;
};

/* Wide directories are joined by a table, narrow ones by looking. */
static struct cg_node *lookup(struct child_index *index, const struct cg_node *n, const char *name)
{
        return index->used ? map_get_z(&index->map, name) : find_child(n, name);
}

static void index_children(struct child_index *index, const struct cg_node *n)
{
        index->count = 0;
        for (struct cg_node *c = n->child; c && index->count < WIDE; c = c->next)
                index->count++;
        index->used = index->count >= WIDE;
        for (struct cg_node *c = n->child; c && index->used; c = c->next)
                map_put_z(&index->map, c->name, c);
}

/* A child was born: the table grows with it, so that a first listing is not quadratic. */
static void index_born(struct child_index *index, struct cg_node *c)
{
        if (index->used)
                map_put_z(&index->map, c->name, c);
        else if (++index->count >= WIDE)
                index_children(index, c->parent);
}

static bool is_dir(int dirfd, const struct dirent *d)
{
        struct stat st;
        if (d->d_type != DT_UNKNOWN)
                return d->d_type == DT_DIR;
        return fstatat(dirfd, d->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
}

static void see_child(struct tree *t, struct cg_node *n, struct child_index *index,
                      const struct dirent *d)
{
        struct cg_node *c = lookup(index, n, d->d_name);
        if (c && c->inode && c->inode != d->d_ino && !t->root->fixture) {
                map_del_z(&index->map, c->name); /* removed and made again in between */
                node_free(t, c, true);
                c = NULL;
        }
        if (!c) {
                c = born(t, n, d->d_name);
                index_born(index, c);
        } else if (t->walking) {
                enqueue(t, c);
        }
        c->inode = d->d_ino;
        c->stamp = t->stamp;
}

static void list(struct tree *t, struct cg_node *n, const char *path)
{
        int fd = open_beneath(t->h->fd, path, O_DIRECTORY);
        if (fd == -EMFILE || fd == -ENFILE) /* unseen, not empty: look again soon, and say so */
                t->degraded = true;
        if (fd < 0)
                return; /* gone: its parent's listing or event tells; denied: as if empty */
        DIR *dir = fdopendir(fd);
        if (!dir) {
                close(fd);
                return;
        }
        struct child_index index = {0};
        index_children(&index, n);
        t->stamp++;
        errno = 0;
        for (struct dirent *d; (d = readdir(dir)); errno = 0)
                if (!streq(d->d_name, ".") && !streq(d->d_name, "..") && is_dir(fd, d))
                        see_child(t, n, &index, d);
        bool whole = errno == 0;
        closedir(dir);
        map_done(&index.map);
        for (struct cg_node *c = n->child, *next; c && whole; c = next) {
                next = c->next;
                if (c->stamp != t->stamp)
                        node_free(t, c, true);
        }
}

/* No engine nests like that, and node_relative() goes no further. */
static bool is_too_deep(const struct cg_node *n)
{
        size_t depth = 0;
        for (; n->parent && depth <= MAX_DEPTH; n = n->parent)
                depth++;
        return depth > MAX_DEPTH;
}

static void look(struct tree *t, struct cg_node *n)
{
        _cleanup_str_ struct str path = STR_INIT;
        if (is_too_deep(n))
                return;
        node_relative(n, &path);
        if (path.len >= PATH_MAX)
                return;
        const char *p = str_get(&path);
        watch(t, n, p);
        struct stat st;
        if (fstatat(t->h->fd, p, &st, *p ? AT_SYMLINK_NOFOLLOW : AT_EMPTY_PATH) < 0)
                return;
        if (!n->inode)
                n->inode = st.st_ino;
        if (st.st_nlink == 2 && !n->child)
                return;
        list(t, n, p);
}

struct tree *tree_new(const struct root *r, const struct hierarchy *h, bool events, tree_fn fn,
                      void *userdata)
{
        struct tree *t = xcalloc(1, sizeof(*t));
        *t = (struct tree){.root = r, .h = h, .inotify = -1, .fn = fn, .userdata = userdata};
        if (events) {
                t->inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
                t->degraded = t->inotify < 0;
        }
        t->top = born(t, NULL, "");
        return t;
}

void tree_free(struct tree *t)
{
        if (!t)
                return;
        node_free(t, t->top, false);
        map_done(&t->by_wd);
        cleanup_closep(&t->inotify);
        free(t->queue);
        free(t);
}

int tree_fd(const struct tree *t)
{
        return t->inotify;
}

bool tree_degraded(const struct tree *t)
{
        return t->degraded;
}

size_t tree_size(const struct tree *t)
{
        return t->size;
}

const struct hierarchy *tree_hierarchy(const struct tree *t)
{
        return t->h;
}

void tree_moved(struct tree *t, const struct hierarchy *h)
{
        t->h = h;
        tree_rewalk(t);
}

void tree_rewalk(struct tree *t)
{
        t->walking = true;
        enqueue(t, t->top);
}

bool tree_work(struct tree *t, unsigned max)
{
        while (t->q_head < t->q_len && max > 0) {
                struct cg_node *n = t->queue[t->q_head++];
                if (!n)
                        continue;
                n->queued = 0;
                look(t, n);
                max--;
        }
        if (t->q_head < t->q_len)
                return true;
        t->q_head = t->q_len = 0;
        t->walking = false;
        return false;
}

static void handle_event(struct tree *t, const struct inotify_event *e)
{
        if (e->mask & IN_Q_OVERFLOW) {
                tree_rewalk(t);
                return;
        }
        struct cg_node *n = map_get_u64(&t->by_wd, (uint64_t)e->wd);
        if (!n)
                return;
        if (e->mask & IN_IGNORED) {
                map_del_u64(&t->by_wd, (uint64_t)e->wd);
                n->wd = -1;
                return;
        }
        if (!e->len)
                return;
        if (!(e->mask & IN_ISDIR)) {
                t->fn(t->userdata, n, TREE_CHANGED, e->name);
                return;
        }
        struct cg_node *c = find_child(n, e->name);
        if (c && (e->mask & (IN_DELETE | IN_MOVED_FROM)))
                node_free(t, c, true);
        else if (!c && (e->mask & (IN_CREATE | IN_MOVED_TO)))
                born(t, n, e->name);
        else if (c) /* made again before the old one's end was read: the listing sorts it out */
                enqueue(t, n);
}

void tree_dispatch(struct tree *t)
{
        char buf[32 * 1024] __attribute__((aligned(__alignof__(struct inotify_event))));
        ssize_t len;
        for (unsigned i = 0; t->inotify >= 0 && i < READS_MAX; i++) {
                if ((len = read(t->inotify, buf, sizeof(buf))) <= 0)
                        return;
                for (char *p = buf; p < buf + len;) {
                        const struct inotify_event *e = (const void *)p;
                        handle_event(t, e);
                        p += sizeof(*e) + e->len;
                }
        }
}

struct cg_node *tree_find(const struct tree *t, const char *path)
{
        struct cg_node *n = t->top;
        char name[NAME_MAX + 1];
        while (n) {
                path += strspn(path, "/");
                size_t len = strcspn(path, "/");
                if (!len)
                        return n;
                if (len >= sizeof(name))
                        return NULL;
                memcpy(name, path, len);
                name[len] = '\0';
                n = find_child(n, name);
                path += len;
        }
        return NULL;
}

static size_t parse_pids(const char *text, pid_t *ret, size_t max)
{
        size_t n = 0;
        for (const char *p = text; *p && n < max;) {
                uint64_t v;
                const char *end = p + strcspn(p, "\n");
                if (parse_u64(p, end, &v) > 0 && v > 0 && v <= INT_MAX)
                        ret[n++] = (pid_t)v;
                p = *end ? end + 1 : end;
        }
        return n;
}

int node_pids(const struct tree *t, const struct cg_node *n, pid_t *ret, size_t max)
{
        _cleanup_str_ struct str path = STR_INIT;
        node_relative(n, &path);
        str_add(&path, path.len ? "/cgroup.procs" : "cgroup.procs");
        char small[4096];
        ssize_t len = read_beneath(t->h->fd, str_get(&path), small, sizeof(small));
        char *last = len == (ssize_t)sizeof(small) - 1 ? strrchr(small, '\n') : NULL;
        if (last) /* the one behind it may be cut */
                *last = '\0';
        size_t count = len > 0 ? parse_pids(small, ret, max) : 0;
        int e = len < 0 ? (int)len : len > 0 && !count ? -EBADMSG : 0;
        for (const struct cg_node *c = n->child; c && !count; c = c->next) {
                if (c->class && (c->class->role == CG_CONTAINER || c->class->role == CG_HELPER))
                        continue;
                int r = node_pids(t, c, ret, max);
                count = r > 0 ? (size_t)r : 0;
        }
        return count ? (int)count : e;
}
