/* SPDX-License-Identifier: MIT */
#pragma once

/* Absolute paths inside the root that floor 1 reads. */

#define CGROUP_V2_MOUNT  "/sys/fs/cgroup"
#define SYS_BLOCK_SLAVES "/sys/dev/block/%u:%u/slaves"
