/* SPDX-License-Identifier: MIT */
#include "base/map.h"

#include <assert.h>

#include "base/macros.h"
#include "base/mem.h"

#define MIN_SLOTS 16

struct map_entry {
        struct map_entry *next;
        void *value;
        uint64_t hash;
        size_t n;
        /* A NUL follows the key, so that the key of a text can be read as one. */
        char key[] __attribute__((aligned(8)));
};

/* FNV-1a; the table takes the low bits, so the high ones are folded in. */
static uint64_t hash_bytes(const void *key, size_t n)
{
        const unsigned char *p = key;
        uint64_t h = 0xcbf29ce484222325u;
        for (size_t i = 0; i < n; i++)
                h = (h ^ p[i]) * 0x100000001b3u;
        return h ^ h >> 32;
}

static bool same_key(const struct map_entry *e, uint64_t hash, const void *key, size_t n)
{
        return e->hash == hash && e->n == n && (n == 0 || memcmp(e->key, key, n) == 0);
}

/* The link that points at the entry, or the NULL at the end of its chain; the table has slots. */
static struct map_entry **find_link(const struct map *m, uint64_t hash, const void *key, size_t n)
{
        struct map_entry **link = &m->slots[hash & (m->n_slots - 1)];
        while (*link && !same_key(*link, hash, key, n))
                link = &(*link)->next;
        return link;
}

static void make_room(struct map *m)
{
        if (m->len < m->n_slots)
                return;
        size_t n_slots = m->n_slots ? m->n_slots * 2 : MIN_SLOTS;
        struct map_entry **slots = xcalloc(n_slots, sizeof(*slots));
        for (size_t i = 0; i < m->n_slots; i++)
                for (struct map_entry *e = m->slots[i], *next; e; e = next) {
                        struct map_entry **slot = &slots[e->hash & (n_slots - 1)];
                        next = e->next;
                        e->next = *slot;
                        *slot = e;
                }
        free(m->slots);
        m->slots = slots;
        m->n_slots = n_slots;
}

static struct map_entry *entry_new(uint64_t hash, const void *key, size_t n, void *value)
{
        if (n > SIZE_MAX - sizeof(struct map_entry) - 1)
                die("key too long");
        struct map_entry *e = xmalloc(sizeof(*e) + n + 1);
        *e = (struct map_entry){.value = value, .hash = hash, .n = n};
        if (n > 0)
                memcpy(e->key, key, n);
        e->key[n] = '\0';
        return e;
}

void *map_get(const struct map *m, const void *key, size_t n)
{
        if (m->len == 0)
                return NULL;
        const struct map_entry *e = *find_link(m, hash_bytes(key, n), key, n);
        return e ? e->value : NULL;
}

void *map_put(struct map *m, const void *key, size_t n, void *value)
{
        assert(value); /* NULL means absent, and the end of an iteration */
        uint64_t hash = hash_bytes(key, n);
        struct map_entry *e = m->n_slots ? *find_link(m, hash, key, n) : NULL;
        if (e) {
                void *old = e->value;
                e->value = value;
                return old;
        }
        make_room(m);
        e = entry_new(hash, key, n, value);
        struct map_entry **slot = &m->slots[hash & (m->n_slots - 1)];
        e->next = *slot;
        *slot = e;
        m->len++;
        return NULL;
}

/* Never shrinks the table: an iteration may be under way. */
void *map_del(struct map *m, const void *key, size_t n)
{
        if (m->len == 0)
                return NULL;
        struct map_entry **link = find_link(m, hash_bytes(key, n), key, n);
        struct map_entry *e = *link;
        if (!e)
                return NULL;
        void *value = e->value;
        *link = e->next;
        free(e);
        m->len--;
        return value;
}

void map_done(struct map *m)
{
        for (size_t i = 0; i < m->n_slots; i++)
                for (struct map_entry *e = m->slots[i], *next; e; e = next) {
                        next = e->next;
                        free(e);
                }
        free(m->slots);
        *m = (struct map)MAP_INIT;
}

void *map_get_z(const struct map *m, const char *key)
{
        return map_get(m, key, strlen(key));
}

void *map_put_z(struct map *m, const char *key, void *value)
{
        return map_put(m, key, strlen(key), value);
}

void *map_del_z(struct map *m, const char *key)
{
        return map_del(m, key, strlen(key));
}

void *map_get_u64(const struct map *m, uint64_t key)
{
        return map_get(m, &key, sizeof(key));
}

void *map_put_u64(struct map *m, uint64_t key, void *value)
{
        return map_put(m, &key, sizeof(key), value);
}

void *map_del_u64(struct map *m, uint64_t key)
{
        return map_del(m, &key, sizeof(key));
}

void *map_next(const struct map *m, struct map_iter *it, const void **ret_key)
{
        struct map_entry *e = it->next;
        while (!e && it->slot < m->n_slots)
                e = m->slots[it->slot++];
        if (!e)
                return NULL;
        it->next = e->next;
        if (ret_key)
                *ret_key = e->key;
        return e->value;
}
