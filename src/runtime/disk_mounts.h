/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Where an engine's state lies, told by the mounts of a container: its /etc/hostname is a file of
 * the engine's, and its "/" is a layer in the engine's store. Places in there are paths inside a
 * file system; the host's own mounts tell where that is.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/root.h"

#define PLACES_MAX 8

struct place {
        bool on_host; /* path is the host's, else inside the file system major:minor */
        unsigned major, minor;
        char *path; /* raw */
};

struct places {
        struct place p[PLACES_MAX];
        size_t n;
};

/* Owned texts; NULL: not told. */
struct mount_hints {
        struct places docker;  /* DATA-ROOT/containers */
        struct places storage; /* GRAPHROOT/DRIVER-containers first, then RUNROOT/... */
        char *docker_id;
        char *storage_id; /* by /run/.containerenv */
        char *layer;      /* of containers/storage */
};

/* The host's mountinfo, kept for several questions. */
struct host_mounts {
        bool known;
        char *text; /* NULL: not readable */
};

void mount_hints_parse(char *mountinfo, struct mount_hints *ret); /* cuts the text up */
/* proc/PID/mountinfo; nothing is told when it cannot be read. */
void mount_hints_read(const struct root *r, pid_t pid, struct mount_hints *ret);
void mount_hints_done(struct mount_hints *h);

/* Opens a place as a directory of the host. fd or as safe_open_dir(). */
int place_open(const struct root *r, struct host_mounts *host, const struct place *p);
void host_mounts_done(struct host_mounts *h);
