/* SPDX-License-Identifier: MIT */
#pragma once

/* --once and --batch: ticks, the model, a report on stdout. Both return the exit status. */

#include "app/options.h"
#include "app/session.h"

int print_run(const struct options *o);
