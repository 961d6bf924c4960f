/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Which block devices count: only those at the bottom. A dm or md device and its disks are both
 * in io.stat; a device counts when sys/dev/block/M:m/slaves is empty or absent. Also whether v1's
 * blkio accounts a device at all (the hierarchy's root file has its line).
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/map.h"
#include "base/root.h"

struct blockdevs {
        const struct root *root;
        struct map leaf;         /* major:minor -> yes or no, asked once */
        struct map v1_accounted; /* devices with a line in v1's root file */
};

void blockdevs_init(struct blockdevs *b, const struct root *r);
void blockdevs_done(struct blockdevs *b);
void blockdevs_forget(struct blockdevs *b); /* the safety walk: devices come and go */
bool blockdev_is_leaf(struct blockdevs *b, unsigned major, unsigned minor);

/* Takes in the text of the v1 root's blkio.throttle.io_service_bytes_recursive. */
void blockdevs_v1_root(struct blockdevs *b, const char *text);
bool blockdev_v1_accounted(const struct blockdevs *b, unsigned major, unsigned minor);

/* "MAJ:MIN" at s. Returns the characters used, or -EINVAL. */
int blockdev_parse(const char *s, const char *end, unsigned *ret_major, unsigned *ret_minor);
