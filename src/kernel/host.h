/* SPDX-License-Identifier: MIT */
#pragma once

/* The host row: proc/stat, proc/meminfo, proc/loadavg, proc/sys/kernel/{hostname,osrelease}.
 * proc(5) */

#include "base/root.h"
#include "kernel/sample.h"

/* Fills what changes (cpu, memory, load); what cannot be read is unknown. taken_usec is the
 * caller's. */
void host_read(const struct root *r, struct host_sample *s);

/* Fills what does not change: name, kernel, cpus, boot time, cap_bounding (of proc/1/status, else
 * proc/2, else our own). */
void host_read_static(const struct root *r, struct host_sample *s);
