/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Between disk.c and its sources, one file each. A source looks for one container (struct disk)
 * in every place that may hold it, the places its own mounts tell first. Results as disk_facts();
 * *ret is filled on success only.
 */

#include "runtime/disk.h"
#include "runtime/disk_mounts.h"
#include "runtime/paths.h"
#include "runtime/safe_file.h"

struct json_t;

#define DISK_FILE_MAX (4 << 20)  /* one container's own file */
#define DISK_LIST_MAX (32 << 20) /* all containers of a store; a user's gets DISK_FILE_MAX */

/* What conmon, parent of the leaders of podman and CRI-O, was told. Owned; NULL: not told. */
struct conmon {
        char *id;
        char *name;
        char *bundle;
        bool exec; /* runs an exec: what it started is not the container's first process */
};

/* The question with what was found out on the way. Owned by disk_facts(). */
struct disk {
        const struct root *root;
        enum runtime_id runtime;
        uint32_t owner_uid;
        const char *id; /* borrowed; a plain component; NULL: to be found by hints.layer */
        pid_t pid;
        pid_t init_pid;        /* if > 0, the engine must call this one the container's first */
        struct safe_owner who; /* whose files may speak */
        struct mount_hints hints;
        struct conmon conmon; /* read when first needed */
        bool conmon_known;
        char *bundle;                   /* told by a state file; NULL */
        uint64_t start_ticks;           /* of pid, for oci_disk_find() */
        const struct state_path *row;   /* being tried */
        struct host_mounts host_mounts; /* read when first needed */
        char *home;                     /* read when first needed */
        bool home_known;
};

typedef int (*disk_source_fn)(struct disk *d, struct facts *ret);

/* Called with an open directory; fills *ret and returns 0, or an error to go on to the next. */
typedef int (*disk_place_fn)(struct disk *d, int dirfd, struct facts *ret);

/* Tries each place; the first success ends it, else the gravest error. */
int disk_try_places(struct disk *d, const struct places *places, disk_place_fn fn,
                    struct facts *ret);
int disk_try_path(struct disk *d, const char *path, disk_place_fn fn, struct facts *ret);
/* Each row of the table of that kind that belongs to the owner; suffix ("" for none) is appended.
 */
int disk_try_state_paths(struct disk *d, enum state_kind kind, const char *suffix, disk_place_fn fn,
                         struct facts *ret);

int docker_disk_facts(struct disk *d, struct facts *ret);
int podman_disk_facts(struct disk *d, struct facts *ret);
int crio_disk_facts(struct disk *d, struct facts *ret);
int containerd_disk_facts(struct disk *d, struct facts *ret);
/* State and bundle of a raw runc or crun container. */
int oci_disk_facts(struct disk *d, struct facts *ret);
/* The id and runtime of the state file that names d->pid with its start time; or -ENOENT. */
int oci_disk_find(struct disk *d, struct facts *ret);
/* The source for what a runtime left; NULL: leaves nothing. */
disk_source_fn disk_source_of(enum runtime_id runtime);

/* The parent of the leader if it is a conmon of the owner, else all zero; no texts for an exec. */
const struct conmon *disk_conmon(struct disk *d);
void conmon_done(struct conmon *c);

/* The parent of a process by proc/PID/status, 0 if unknown. */
pid_t parent_of(const struct root *r, pid_t pid);

/* --- the parsers behind, pure ------------------------------------------------------------------
 */

/* config: config.v2.json; host: hostconfig.json (NULL: none). pid: if > 0, the container's first
 * process must be this one, else -ENOENT. */
int docker_parse(const char *config, size_t config_len, const char *host, size_t host_len,
                 const char *id, pid_t pid, struct facts *ret);
/* containers.json or volatile-containers.json: the entry whose member key ("id", "layer") is value.
 */
int podman_parse(const char *list, size_t n, const char *key, const char *value, struct facts *ret);
/* An OCI bundle's config.json. runtime: who made it. */
int bundle_parse(const char *config, size_t n, enum runtime_id runtime, struct facts *ret);
/* The same from annotations already parsed. Labels of raw OCI containers are their annotations. */
void annotations_to_facts(const struct json_t *a, enum runtime_id runtime, struct facts *f);
/* Arguments separated by NUL. */
void conmon_parse(const char *cmdline, size_t n, struct conmon *ret);

/* state.json of runc, status of crun. Texts owned, NULL: not told. */
struct oci_state {
        pid_t pid;            /* 0: not told */
        uint64_t start_ticks; /* 0: not told */
        char *bundle;
        struct json_t *annotations; /* runc keeps them here, crun in the bundle only; NULL */
};
int oci_state_parse(const char *text, size_t n, struct oci_state *ret);
void oci_state_done(struct oci_state *s);
