/* SPDX-License-Identifier: MIT */
#pragma once

/* One parser for proc/PID/mountinfo (proc(5)), for cgroup mounts and for roots of containers. */

#include <stdbool.h>
#include <stddef.h>

/* Fields are borrowed from the line, already unescaped (\040 and friends), NUL-terminated. */
struct mount {
        unsigned id, parent, major, minor;
        char *root;  /* tree inside its file system */
        char *point; /* where, as the process sees it */
        char *fstype;
        char *source;
        char *options; /* super options; a comma or backslash inside a value stays as "\," or "\\"
                        */
};

/*
 * Parses the next line at *cursor (advances it; the buffer is cut up in place).
 * Returns 1 with *ret filled, 0 at the end. Broken lines are skipped.
 */
int mount_next(char **cursor, struct mount *ret);

/* True if the comma list has the word: "rw,memory" has "memory". */
bool option_has(const char *options, const char *word);
/* The value of "key=value" in a comma list, owned; NULL if absent. "\," and "\\" are a comma and a
 * backslash of the value, as mount_next() leaves them. */
char *option_value(const char *options, const char *key);
