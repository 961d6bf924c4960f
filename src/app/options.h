/* SPDX-License-Identifier: MIT */
#pragma once

/* The command line, from one table. Texts are borrowed from argv. */

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

enum mode { MODE_DASHBOARD, MODE_ONCE, MODE_BATCH, MODE_WHO, MODE_HELP, MODE_VERSION };

struct options {
        enum mode mode;
        bool demo, all, services, tree, no_runtime, read_only, ascii, no_color, fail_if_any;
        const char *format; /* "table" */
        const char *sort, *filter, *columns, *sysroot, *theme, *config;
        const char *who; /* what `who` asks about */
        double delay;    /* seconds; negative: the mode's default */
        bool delay_auto;
        unsigned long iterations; /* 0: until interrupted */
};

/* 0, or -EINVAL with one owned sentence: what is wrong, and what would be right. */
int options_parse(int argc, char **argv, struct options *ret, char **ret_error);

/* --help, made from the same table. */
void options_help(struct str *out);
