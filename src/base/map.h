/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A hash table from bytes to a pointer. Keys are copied, values are borrowed: the owner of the
 * table frees them. Order of iteration is unspecified; deleting while iterating is allowed for
 * the entry just returned.
 */

#include <stddef.h>
#include <stdint.h>

struct map_entry;
struct map {
        struct map_entry **slots;
        size_t n_slots;
        size_t len;
};

#define MAP_INIT                                                                                   \
        {                                                                                          \
                0                                                                                  \
        }

void *map_get(const struct map *m, const void *key, size_t n);        /* NULL: absent */
void *map_put(struct map *m, const void *key, size_t n, void *value); /* returns the old value */
void *map_del(struct map *m, const void *key, size_t n);              /* returns the value */
void map_done(struct map *m);                                         /* frees keys, not values */

void *map_get_z(const struct map *m, const char *key);
void *map_put_z(struct map *m, const char *key, void *value);
void *map_del_z(struct map *m, const char *key);
void *map_get_u64(const struct map *m, uint64_t key);
void *map_put_u64(struct map *m, uint64_t key, void *value);
void *map_del_u64(struct map *m, uint64_t key);

struct map_iter {
        size_t slot;
        struct map_entry *next;
};
#define MAP_ITER_INIT                                                                              \
        {                                                                                          \
                0                                                                                  \
        }
/* Returns the next value, or NULL at the end. ret_key (if not NULL) gets the stored key bytes. */
void *map_next(const struct map *m, struct map_iter *it, const void **ret_key);
#define map_foreach(m, it, value)                                                                  \
        for (struct map_iter it = MAP_ITER_INIT; ((value) = map_next((m), &it, NULL));)
