/* SPDX-License-Identifier: MIT */
#pragma once

/* JSON from files that may be hostile: parsed within bounds, asked for texts that may be absent. */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/facts.h"

/*
 * Parses one text. NULL: broken, or so dense that its tree would take a hundred times its size.
 * Owned by the caller (json_decref).
 */
json_t *disk_json_parse(const char *text, size_t n);

/* The member as text, borrowed; NULL: absent, empty, or no text. */
const char *json_text(const json_t *object, const char *key);
/* The member as a number; -1: absent, negative or none. */
json_int_t json_number(const json_t *object, const char *key);

/*
 * Walks the elements of an array in text form without parsing them: a store's list can be large
 * while one entry of it is wanted. json_slices_open(): 0 or -EBADMSG. json_slices_next(): 1 with a
 * borrowed slice, 0 at the end, -EBADMSG when the text breaks off. An empty file is an empty list.
 */
struct json_slices {
        const char *p;
        const char *end;
};
int json_slices_open(struct json_slices *s, const char *text, size_t n);
int json_slices_next(struct json_slices *s, const char **ret, size_t *ret_len);

/* The first element of the array that is an object with this text as this member. 0 with *ret
 * owned by the caller; -ENOENT: none; -EBADMSG: none before the text breaks off. */
int json_find_entry(const char *text, size_t n, const char *key, const char *value, json_t **ret);

/* Adds the members of the object that are texts as labels, but for keys that start with one of the
 * prefixes (NULL ends the list; NULL: all). */
void json_add_labels(const json_t *object, const char *const *skip_prefixes, struct facts *f);

/* What the annotations or labels of Kubernetes, nerdctl and ECS tell, from one table; only what f
 * does not know yet. */
void json_orchestrator_facts(const json_t *annotations, struct facts *f);
