/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Real cgroups with a sleeping process in each, named as docker names them, in every mounted
 * hierarchy; and unrelated processes. Root only. world_free() removes all of it.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct world;

/* netns: each process gets a network namespace of its own. NULL with errno set when it cannot be
 * made. */
struct world *world_new(size_t containers, bool netns);
/* Processes in the host's namespaces and cgroups. */
int world_add_processes(struct world *w, size_t n);
void world_free(struct world *w);
