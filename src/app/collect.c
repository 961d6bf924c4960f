/* SPDX-License-Identifier: MIT */
#include "app/collect.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "app/collect_internal.h"
#include "base/mem.h"
#include "kernel/host.h"

#define REWALK_USEC   UINT64_C(10000000)
#define DEGRADED_USEC UINT64_C(1000000) /* walking replaces events then */
#define SLICE_USEC    UINT64_C(4000)
#define DIRS_A_SLICE  500
#define FDS_RESERVED  160
#define STEP_USEC     UINT64_C(1000000)
#define RENEW_USEC    UINT64_C(2000000)  /* a reader that gave up is made anew after this ... */
#define RENEW_MAX     UINT64_C(32000000) /* ... or, when that does not help, ever later */
#define BLKIO_ROOT    "blkio.throttle.io_service_bytes_recursive"

static uint64_t now_of(clockid_t clock)
{
        struct timespec t;
        clock_gettime(clock, &t);
        return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* Under a stepped fixture time is its own: one second a step. */
static const struct root *stepped;

uint64_t now_monotonic_usec(void)
{
        if (stepped)
                return STEP_USEC * (1 + stepped->step);
        return now_of(CLOCK_MONOTONIC);
}

/* --- events
 * ---------------------------------------------------------------------------------------- */

static void on_tree(void *userdata, struct cg_node *node, enum tree_change what, const char *file)
{
        struct seat *seat = userdata;
        switch (what) {
        case TREE_BORN:
                track_node(seat, node);
                seat->c->sweep_due |= seat->c->tick > 0;
                break;
        case TREE_DIED:
                if (node->data)
                        track_free(node->data);
                break;
        case TREE_CHANGED:
                track_changed(seat, node, file);
                break;
        }
}

static int on_inotify(sd_event_source *s, int fd, uint32_t revents, void *userdata)
{
        struct seat *seat = userdata;
        (void)s;
        (void)fd;
        (void)revents;
        tree_dispatch(seat->tree);
        (void)tree_work(seat->tree, DIRS_A_SLICE); /* what is left waits for the tick */
        return 0;
}

/* The deadline moves with every answer: the timer is let fire early, and armed again then. */
static void arm_reader(struct collector *c)
{
        uint64_t deadline = reader_deadline(c->reader);
        int enabled = SD_EVENT_OFF;
        if (!c->reader_timer || deadline == UINT64_MAX)
                return;
        (void)sd_event_source_get_enabled(c->reader_timer, &enabled);
        if (enabled != SD_EVENT_OFF)
                return;
        (void)sd_event_source_set_time(c->reader_timer, deadline);
        (void)sd_event_source_set_enabled(c->reader_timer, SD_EVENT_ONESHOT);
}

/* A reader that cannot go on has answered every question with -EPIPE. It stays, and refuses all,
 * until renew_reader(). */
static void run_reader(struct collector *c)
{
        uint64_t now = now_of(CLOCK_MONOTONIC);
        int r = reader_dispatch(c->reader, now);
        arm_reader(c);
        if (r >= 0 || c->reader_error)
                return;
        c->reader_error = r;
        c->renew_usec = now + c->renew_after;
        c->renew_after = MIN(c->renew_after * 2, RENEW_MAX);
        if (c->reader_source)
                (void)sd_event_source_set_enabled(c->reader_source, SD_EVENT_OFF);
}

static int on_reader(sd_event_source *s, int fd, uint32_t revents, void *userdata)
{
        (void)s;
        (void)fd;
        (void)revents;
        run_reader(userdata);
        return 0;
}

static int on_reader_time(sd_event_source *s, uint64_t usec, void *userdata)
{
        (void)s;
        (void)usec;
        run_reader(userdata);
        return 0;
}

static int attach_reader(struct collector *c)
{
        c->reader_source = sd_event_source_disable_unref(c->reader_source);
        return sd_event_add_io(c->event, &c->reader_source, reader_fd(c->reader),
                               reader_events(c->reader), on_reader, c);
}

/* What was lost with the old one is asked again; it may go wrong again, and then takes longer. */
static void renew_reader(struct collector *c)
{
        struct reader *fresh;
        uint64_t now = now_of(CLOCK_MONOTONIC);
        if (!c->reader_error) {
                if (now >= c->renew_usec + RENEW_MAX)
                        c->renew_after = RENEW_USEC; /* it has been well for long */
                return;
        }
        if (now < c->renew_usec)
                return;
        c->renew_usec = now + c->renew_after;
        c->renew_after = MIN(c->renew_after * 2, RENEW_MAX);
        int r = reader_new(c->root, jobs, JOB_COUNT, &fresh);
        if (r < 0) {
                c->reader_error = r;
                return;
        }
        c->restarts += reader_restarts(c->reader) + 1;
        c->reader_source = sd_event_source_disable_unref(c->reader_source);
        reader_free(c->reader);
        c->reader = fresh;
        c->reader_error = c->event ? attach_reader(c) : 0;
        c->reader_error = MIN(c->reader_error, 0);
        c->sweep_due = true;
        for (size_t i = 0; i < c->n_rows; i++)
                c->rows[i]->leader_due |= !c->rows[i]->has_leader;
}

int collector_attach(struct collector *c, sd_event *event)
{
        c->event = event;
        for (size_t i = 0; i < c->n_seats; i++) {
                int fd = tree_fd(c->seats[i].tree);
                int r = fd < 0 ? 0
                               : sd_event_add_io(event, &c->seats[i].source, fd, EPOLLIN,
                                                 on_inotify, &c->seats[i]);
                if (r < 0)
                        return r;
        }
        int r = attach_reader(c);
        if (r < 0)
                return r;
        r = sd_event_add_time(event, &c->reader_timer, CLOCK_MONOTONIC, 0, 1000, on_reader_time, c);
        if (r < 0)
                return r;
        (void)sd_event_source_set_enabled(c->reader_timer, SD_EVENT_OFF);
        arm_reader(c);
        return 0;
}

/* --- life
 * -------------------------------------------------------------------------------------------- */

/* As many descriptors as the hard limit allows; returns how many the files of rows may have. */
static int fd_budget(void)
{
        struct rlimit l;
        if (getrlimit(RLIMIT_NOFILE, &l) < 0)
                return 256;
        l.rlim_cur = l.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &l);
        if (getrlimit(RLIMIT_NOFILE, &l) < 0 || l.rlim_cur < 2 * FDS_RESERVED)
                return 0;
        return (int)MIN(l.rlim_cur - FDS_RESERVED, 1u << 20);
}

static void add_seat(struct collector *c, struct hierarchy *h)
{
        struct seat *s = &c->seats[c->n_seats];
        struct stat st;
        *s = (struct seat){.c = c, .index = (unsigned)c->n_seats};
        if (fstat(h->fd, &st) == 0)
                s->device = st.st_dev;
        c->n_seats++;
        s->tree = tree_new(c->root, h, !c->root->fixture && !c->o.once, on_tree, s);
}

int collector_new(struct root *root, const struct collect_options *o, struct collector **ret)
{
        struct collector *c = xcalloc(1, sizeof(*c));
        c->root = root;
        c->o = *o;
        c->renew_after = RENEW_USEC;
        stepped = root->n_steps ? root : NULL;
        int budget = fd_budget(), r = hierarchies_open(root, &c->h);
        if (r < 0 && r != -ENOENT) {
                hierarchies_close(&c->h);
                free(c);
                return r;
        }
        r = reader_new(root, jobs, JOB_COUNT, &c->reader);
        if (r < 0) {
                hierarchies_close(&c->h);
                free(c);
                return r;
        }
        cg_dirs_init(&c->dirs, root, &c->h, budget, now_monotonic_usec);
        c->dirs.cache &= !c->o.once;
        blockdevs_init(&c->blockdevs, root);
        ns_baseline(root, &c->host_ns);
        host_read_static(root, &c->host);
        snprintf(c->host.cgroup, sizeof(c->host.cgroup), "%s", c->h.mode);
        c->dirs.host_cpus = c->host.cpus;
        for (size_t i = 0; i < c->h.n_discovery; i++)
                add_seat(c, c->h.discovery[i]);
        *ret = c;
        return 0;
}

void collector_free(struct collector *c)
{
        if (!c)
                return;
        groups_done(c);
        while (c->n_rows)
                track_free(c->rows[c->n_rows - 1]);
        for (size_t i = 0; i < c->n_seats; i++) {
                sd_event_source_disable_unref(c->seats[i].source);
                tree_free(c->seats[i].tree);
        }
        sd_event_source_disable_unref(c->reader_source);
        sd_event_source_disable_unref(c->reader_timer);
        reader_free(c->reader);
        blockdevs_done(&c->blockdevs);
        cg_dirs_done(&c->dirs);
        hierarchies_close(&c->h);
        map_done(&c->by_key);
        map_done(&c->netns);
        for (size_t i = 0; i < ARRAY_SIZE(c->details); i++)
                str_done(&c->details[i]);
        free(c->rows);
        free(c->shown);
        free(c);
}

bool collect_settled(const struct collector *c)
{
        return !c->sweeping && !reader_pending(c->reader);
}

/* --- a tick
 * --------------------------------------------------------------------------------------------- */

static int step(struct collector *c)
{
        int r = root_next_step(c->root);
        if (r <= 0)
                return r;
        struct hierarchies h;
        (void)hierarchies_open(c->root, &h);
        /* the same mounts in the same order: only the descriptors are others */
        for (size_t i = 0; i < c->h.n; i++) {
                int fd = c->h.all[i].fd;
                c->h.all[i].fd = i < h.n ? h.all[i].fd : -1; /* -1: all in it is unknown now */
                if (i < h.n)
                        h.all[i].fd = fd;
                else
                        cleanup_closep(&fd);
        }
        hierarchies_close(&h);
        (void)reader_step(c->reader); /* one that gave up is made anew in the step it is in then */
        return 0;
}

static void read_blkio_root(struct collector *c)
{
        const struct hierarchy *h = c->h.of[CTRL_IO];
        _cleanup_free_ char *text = NULL;
        if (!h || h->version != 1)
                return;
        text = xmalloc(64 * 1024);
        if (read_beneath(h->fd, BLKIO_ROOT, text, 64 * 1024) >= 0)
                blockdevs_v1_root(&c->blockdevs, text);
}

/* The safety net: all that events could have missed. */
static void rewalk(struct collector *c)
{
        c->last_walk_usec = c->now_usec;
        for (size_t i = 0; i < c->n_seats; i++)
                tree_rewalk(c->seats[i].tree);
        cg_dirs_all_stale(&c->dirs);
        blockdevs_forget(&c->blockdevs);
        for (size_t i = 0; i < c->n_rows; i++) {
                cg_reader_retry(&c->rows[i]->reader);
                c->rows[i]->leader_due |= !c->rows[i]->has_leader || c->root->fixture;
        }
        read_blkio_root(c);
}

static bool degraded(const struct collector *c)
{
        bool any = false;
        for (size_t i = 0; i < c->n_seats; i++)
                any |= tree_degraded(c->seats[i].tree);
        return any;
}

int collect_begin(struct collector *c, bool advance)
{
        int r = advance ? step(c) : 0;
        if (r < 0)
                return r;
        c->now_usec = now_monotonic_usec();
        renew_reader(c);
        c->tick++;
        c->dirs.tick = c->tick;
        c->cursor = 0;
        uint64_t every = degraded(c) ? DEGRADED_USEC : REWALK_USEC;
        if (c->tick == 1 || c->root->fixture || c->o.once ||
            c->now_usec - c->last_walk_usec >= every)
                rewalk(c);
        for (size_t i = 0; i < c->n_seats; i++)
                tree_dispatch(c->seats[i].tree);
        c->host.taken_usec = c->now_usec;
        host_read(c->root, &c->host);
        return 0;
}

bool collect_walk(struct collector *c)
{
        for (size_t i = 0; i < c->n_seats; i++)
                if (tree_work(c->seats[i].tree, DIRS_A_SLICE))
                        return true;
        for (size_t i = 0; i < c->n_rows; i++)
                if (c->rows[i]->leader_due)
                        track_ask_leader(c->rows[i]);
        groups_sweep(c); /* after the leaders: most groups are then known to be theirs */
        run_reader(c);
        return false;
}

void collect_settle(struct collector *c, uint64_t timeout_usec)
{
        uint64_t now = now_of(CLOCK_MONOTONIC), end = now + timeout_usec;
        while (!collect_settled(c) && now < end) {
                uint64_t until = MIN(end, reader_deadline(c->reader));
                struct pollfd p = {.fd = reader_fd(c->reader), .events = POLLIN};
                (void)poll(&p, 1, until > now ? (int)((until - now) / 1000 + 1) : 0);
                run_reader(c);
                now = now_of(CLOCK_MONOTONIC);
        }
}

bool collect_some(struct collector *c)
{
        uint64_t until = now_of(CLOCK_MONOTONIC) + SLICE_USEC;
        while (c->cursor < c->n_rows) {
                track_sample(c->rows[c->cursor++]);
                if (c->cursor % 16 == 0 && now_of(CLOCK_MONOTONIC) >= until)
                        break;
        }
        return c->cursor < c->n_rows;
}

/* --- how the sources are
 * --------------------------------------------------------------------------------- */

static void source(struct collector *c, size_t i, const char *name, enum source_status status,
                   const char *detail)
{
        str_clear(&c->details[i]);
        if (detail)
                str_add(&c->details[i], detail);
        c->sources[i] = (struct source){name, status, detail ? str_get(&c->details[i]) : NULL};
}

static void tell_cgroup(struct collector *c)
{
        bool watches = false;
        for (size_t i = 0; i < c->n_seats; i++)
                watches |= tree_degraded(c->seats[i].tree);
        if (!c->n_seats)
                source(c, 0, "cgroup", SOURCE_UNAVAILABLE, "no cgroup hierarchy is mounted");
        else if (watches)
                source(c, 0, "cgroup", SOURCE_DEGRADED,
                       "out of inotify watches or file descriptors: directories are walked every "
                       "second");
        else if (c->dirs.short_of_fds)
                source(c, 0, "cgroup", SOURCE_DEGRADED,
                       "out of file descriptors: some files are opened at every tick");
        else
                source(c, 0, "cgroup", SOURCE_OK, NULL);
}

/* Rows whose processes are there, but not for us: hidepid, or a pid namespace around us. */
static unsigned unseen_leaders(const struct collector *c)
{
        unsigned n = 0;
        for (size_t i = 0; i < c->n_rows && !c->root->fixture; i++) {
                const struct tracked *t = c->rows[i];
                bool populated = sample_has(&t->seen.sample, POPULATED)
                                         ? t->seen.sample.value[POPULATED]
                                         : false;
                n += populated && t->node && !t->has_leader && !t->leader_due &&
                     !t->leader_question && track_shown(t);
        }
        return n;
}

static void tell_namespaces(struct collector *c)
{
        unsigned unseen = unseen_leaders(c);
        char text[128];
        if (c->sweep_error) {
                snprintf(text, sizeof(text), "the sweep of processes failed: %s",
                         strerror(-c->sweep_error));
                source(c, 1, "namespaces", SOURCE_DEGRADED, text);
        } else if (c->denied &&
                   (c->denied > 1 || geteuid() != 0)) { /* an LSM may guard PID 1 from root */
                snprintf(text, sizeof(text),
                         "not allowed to read the namespaces of %u processes (root would be)",
                         c->denied);
                source(c, 1, "namespaces", SOURCE_DENIED, text);
        } else if (unseen && !c->reader_error) {
                snprintf(text, sizeof(text),
                         "the processes of %u containers are hidden from here (hidepid, or another "
                         "pid namespace)",
                         unseen);
                source(c, 1, "namespaces", SOURCE_DENIED, text);
        } else {
                source(c, 1, "namespaces", SOURCE_OK, NULL);
        }
}

static void tell_sources(struct collector *c)
{
        unsigned restarts = c->restarts + reader_restarts(c->reader);
        char text[128];
        tell_cgroup(c);
        tell_namespaces(c);
        if (c->reader_error) {
                snprintf(text, sizeof(text), "it died or could not be started (%s): tried again",
                         strerror(-c->reader_error));
                source(c, 2, "reader", SOURCE_UNAVAILABLE, text);
        } else if (restarts) {
                snprintf(text, sizeof(text), "a read hung or failed %u times and was given up",
                         restarts);
                source(c, 2, "reader", SOURCE_DEGRADED, text);
        } else {
                source(c, 2, "reader", SOURCE_OK, NULL);
        }
        if (c->disk_denied)
                source(c, 3, "disk", SOURCE_DENIED,
                       "not allowed to read the state files of some engines: names are missing");
        else
                source(c, 3, "disk", c->disk_silent ? SOURCE_SILENT : SOURCE_OK,
                       c->disk_silent ? "a state file could not be read in time" : NULL);
}

void collect_end(struct collector *c, struct snapshot *ret)
{
        size_t n = 0;
        grow(&c->shown, &c->shown_cap, c->n_rows, sizeof(c->shown[0]));
        for (size_t i = 0; i < c->n_rows; i++)
                if (track_shown(c->rows[i]))
                        c->shown[n++] = &c->rows[i]->seen;
        tell_sources(c);
        uint64_t real = now_of(CLOCK_REALTIME);
        if (stepped)
                real = (c->host.boot_usec ? c->host.boot_usec : 0) + c->now_usec;
        *ret = (struct snapshot){.monotonic_usec = c->now_usec,
                                 .realtime_usec = real,
                                 .host = c->host,
                                 .seen = c->shown,
                                 .n_seen = n,
                                 .sources = c->sources,
                                 .n_sources = ARRAY_SIZE(c->sources)};
}
