/* SPDX-License-Identifier: MIT */
#pragma once

/* --once and --batch: ticks, the model, a report on stdout. Both return the exit status. */

#include "app/options.h"

enum exit_status { EXIT_DONE, EXIT_FAILED, EXIT_USAGE, EXIT_FOUND, EXIT_NOTHING, EXIT_UNKNOWN };

int print_run(const struct options *o);
