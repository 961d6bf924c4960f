/* SPDX-License-Identifier: MIT */
#include "runtime/disk_mounts.h"

#include <ctype.h>
#include <errno.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/mem.h"
#include "kernel/mounts.h"
#include "runtime/paths.h"
#include "runtime/safe_file.h"

#define MOUNTINFO_MAX (16 << 20)

/* --- reading paths from their end --------------------------------------------------------------
 */

/* The last n components of path, or NULL when it has fewer. */
static const char *tail(const char *path, size_t n)
{
        for (const char *p = path + strlen(path); p > path; p--)
                if (p[-1] == '/' && --n == 0)
                        return p;
        return NULL;
}

/* What lies between "head/" and "/" at p, owned; NULL if p is not so. */
static char *component_after(const char *p, const char *head)
{
        p = startswith(p, head);
        if (!p || *p++ != '/')
                return NULL;
        return xstrndup(p, strcspn(p, "/"));
}

static bool is_id(const char *s)
{
        return s && strlen(s) == 64 && strspn(s, "0123456789abcdef") == 64;
}

static void add_place(struct places *list, bool on_host, const struct mount *m, const char *path,
                      size_t path_len, const char *rest)
{
        char *full = xasprintf("%.*s%s", (int)path_len, path, rest);
        for (size_t i = 0; i < list->n; i++)
                if (list->p[i].on_host == on_host && streq(list->p[i].path, full)) {
                        free(full);
                        return;
                }
        if (list->n == PLACES_MAX || *full != '/') {
                free(full);
                return;
        }
        list->p[list->n++] = (struct place){
                .on_host = on_host, .major = m->major, .minor = m->minor, .path = full};
}

static void set_once(char **dst, char *owned)
{
        if (*dst)
                free(owned);
        else
                *dst = owned;
}

/* --- what a mount tells ------------------------------------------------------------------------
 */

/* .../containers/ID/hostname: docker */
static void look_at_docker_bind(const struct mount *m, struct mount_hints *h)
{
        const char *t = tail(m->root, 3);
        char *id = t ? component_after(t, "containers") : NULL;
        if (!is_id(id)) {
                free(id);
                return;
        }
        add_place(&h->docker, false, m, m->root, (size_t)(t - m->root), "containers");
        set_once(&h->docker_id, id);
}

/* .../overlay-containers/ID/userdata/hostname: podman and CRI-O; in a pod the ID is the pod's. */
static void look_at_storage_bind(const struct mount *m, struct mount_hints *h)
{
        const char *t = tail(m->root, 4), *userdata = tail(m->root, 2);
        if (!t || !startswith(userdata, "userdata/"))
                return;
        for (const char *const *driver = storage_drivers; *driver; driver++) {
                _cleanup_free_ char *head = xasprintf("%s-containers", *driver);
                char *id = component_after(t, head);
                if (!is_id(id)) {
                        free(id);
                        continue;
                }
                add_place(&h->storage, false, m, m->root, (size_t)(t - m->root), head);
                if (streq(m->point, CONTAINERENV))
                        set_once(&h->storage_id, id);
                else
                        free(id);
        }
}

/* Where the layers of containers/storage lie below the graphroot. */
static const struct {
        const char *head;  /* before the layer */
        size_t components; /* from head to the end */
        const char *containers;
} layers[] = {
        {"overlay", 3, "overlay-containers"}, /* overlay/LAYER/diff, an upperdir */
        {"vfs/dir", 3, "vfs-containers"},
        {"btrfs/subvolumes", 3, "btrfs-containers"},
};

static void look_at_root(const struct mount *m, struct mount_hints *h)
{
        _cleanup_free_ char *upper = option_value(m->options, "upperdir");
        const char *path = upper ? upper : m->root;
        for (size_t i = 0; i < ARRAY_SIZE(layers); i++) {
                const char *t = tail(path, layers[i].components);
                char *layer = t ? component_after(t, layers[i].head) : NULL;
                if (!is_id(layer)) {
                        free(layer);
                        continue;
                }
                add_place(&h->storage, upper != NULL, m, path, (size_t)(t - path),
                          layers[i].containers);
                set_once(&h->layer, layer);
        }
}

static bool is_engine_point(const char *point)
{
        static const char *const points[] = {"/etc/hostname", "/etc/hosts", "/etc/resolv.conf",
                                             CONTAINERENV};
        for (size_t i = 0; i < ARRAY_SIZE(points); i++)
                if (streq(point, points[i]))
                        return true;
        return false;
}

/* The kernel marks a bind whose source is gone. */
static void cut_deleted(char *path)
{
        if (endswith(path, "//deleted"))
                path[strlen(path) - strlen("//deleted")] = '\0';
}

void mount_hints_parse(char *mountinfo, struct mount_hints *ret)
{
        _cleanup_free_ char *again = xstrdup(mountinfo);
        struct mount m;
        for (char *p = mountinfo; mount_next(&p, &m) > 0;)
                if (streq(m.point, "/"))
                        look_at_root(&m, ret);
        for (char *p = again; mount_next(&p, &m) > 0;) {
                if (!is_engine_point(m.point))
                        continue;
                cut_deleted(m.root);
                look_at_docker_bind(&m, ret);
                look_at_storage_bind(&m, ret);
        }
}

static char *read_mountinfo(const struct root *r, pid_t pid)
{
        _cleanup_close_ int fd = root_open_proc(r, pid, "mountinfo", 0);
        char *text;
        size_t n;
        if (fd < 0 || read_up_to(fd, MOUNTINFO_MAX, &text, &n) < 0)
                return NULL;
        return text;
}

void mount_hints_read(const struct root *r, pid_t pid, struct mount_hints *ret)
{
        _cleanup_free_ char *text = read_mountinfo(r, pid);
        if (text)
                mount_hints_parse(text, ret);
}

static void places_done(struct places *list)
{
        for (size_t i = 0; i < list->n; i++)
                free(list->p[i].path);
        list->n = 0;
}

void mount_hints_done(struct mount_hints *h)
{
        places_done(&h->docker);
        places_done(&h->storage);
        free(h->docker_id);
        free(h->storage_id);
        free(h->layer);
        *h = (struct mount_hints){0};
}

/* --- from a file system to the host ------------------------------------------------------------
 */

static void host_mounts_read(const struct root *r, struct host_mounts *host)
{
        if (host->known)
                return;
        host->known = true;
        host->text = read_mountinfo(r, 1);
        if (!host->text)
                host->text = read_mountinfo(r, 0);
}

void host_mounts_done(struct host_mounts *h)
{
        free(h->text);
        *h = (struct host_mounts){0};
}

/* What path is below the tree of a mount: "" or "/...", or NULL when it is not below it. */
static const char *below(const char *path, const char *tree)
{
        if (streq(tree, "/"))
                return path;
        const char *rest = startswith(path, tree);
        return rest && (*rest == '/' || *rest == '\0') ? rest : NULL;
}

static int open_through(const struct root *r, const struct mount *m, const struct place *p)
{
        const char *rest = below(p->path, m->root);
        if (m->major != p->major || m->minor != p->minor || !rest)
                return -ENOENT;
        _cleanup_free_ char *path = xasprintf("%s%s", streq(m->point, "/") ? "" : m->point, rest);
        return safe_open_dir(r, path);
}

static bool is_on_device(int fd, const struct place *p)
{
        struct stat st;
        return fstat(fd, &st) >= 0 && st.st_dev == makedev(p->major, p->minor);
}

int place_open(const struct root *r, struct host_mounts *host, const struct place *p)
{
        _cleanup_close_ int fd = safe_open_dir(r, p->path);
        if (p->on_host || (fd >= 0 && !r->fixture && is_on_device(fd, p)))
                return TAKE_FD(fd);
        host_mounts_read(r, host);
        if (!host->text)
                return TAKE_FD(fd);
        int worst = -ENOENT;
        _cleanup_free_ char *text = xstrdup(host->text);
        struct mount m;
        for (char *cursor = text; mount_next(&cursor, &m) > 0;) {
                int got = open_through(r, &m, p);
                if (got >= 0)
                        return got;
                worst = graver(worst, got);
        }
        return worst;
}
