/* SPDX-License-Identifier: MIT */
#pragma once

/* ctop-c who PID | :PORT | INTERFACE: which container is that. */

#include "app/options.h"

/* The exit status: done, 4 when it is none's, 2 when o->who names no such thing. */
int who_run(const struct options *o);

/* --- for tests --- */

enum who_kind { WHO_PID, WHO_PORT, WHO_INTERFACE };
/* What a text asks for; *ret_number is the pid or port. 0 or -EINVAL. */
int who_parse(const char *text, enum who_kind *ret_kind, unsigned *ret_number);
