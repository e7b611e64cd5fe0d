/* Growing bytes, and strings with codes. */
#include "bytes.h"

#include <stdlib.h>
#include <string.h>

bool buffer_room(buffer *b, size_t more)
{
    if (more <= b->room - b->size)
        return true;
    size_t room = b->room ? b->room : 4096;
    while (room - b->size < more) {
        if (room > SIZE_MAX / 2)
            return false;
        room *= 2;
    }
    char *at = realloc(b->at, room);
    if (!at)
        return false;
    b->at = at;
    b->room = room;
    return true;
}

void *with_room(void *rows, size_t count, size_t *room, size_t size)
{
    if (count < *room)
        return rows;
    size_t more = *room ? *room * 2 : 256;
    void *made = realloc(rows, more * size);
    if (made)
        *room = more;
    return made;
}

bool list_open(strings *l)
{
    int32_t start = 0;
    return buffer_room(&l->bytes, 1) && buffer_add(&l->ends, (const char *)&start, sizeof start);
}

bool list_add(strings *l, const char *at, size_t size)
{
    if (size > (size_t)INT32_MAX - l->bytes.size || !buffer_add(&l->bytes, at, size))
        return false;
    int32_t end = (int32_t)l->bytes.size;
    return buffer_add(&l->ends, (const char *)&end, sizeof end);
}

void list_clear(strings *l)
{
    l->bytes.size = 0;
    l->ends.size = sizeof(int32_t);
}

void list_close(strings *l)
{
    free(l->bytes.at);
    free(l->ends.at);
}

static uint64_t hash(span word)
{
    uint64_t h = word.size * 0x9E3779B97F4A7C15u, part;
    const char *at = word.at;
    size_t left = word.size;
    for (; left >= 8; at += 8, left -= 8) {
        memcpy(&part, at, 8);
        h = (h ^ part) * 0x9FB21C651E98DF25u;
        h ^= h >> 32;
    }
    part = 0;
    if (left)
        memcpy(&part, at, left);
    h = (h ^ part) * 0xD6E8FEB86659FD93u;
    return h ^ h >> 32;
}

span words_at(const words *w, int32_t code)
{
    return (span){w->bytes.at + w->offsets[code], (size_t)(w->offsets[code + 1] - w->offsets[code])};
}

static bool is_at(const words *w, int32_t code, span word)
{
    span known = words_at(w, code);
    return known.size == word.size && !memcmp(known.at, word.at, word.size);
}

static bool grow(words *w)
{
    size_t room = w->room ? w->room * 2 : 256;
    int32_t *offsets = realloc(w->offsets, (room + 1) * sizeof *offsets);
    if (offsets)
        w->offsets = offsets;
    uint64_t *hashes = realloc(w->hashes, room * sizeof *hashes);
    if (hashes)
        w->hashes = hashes;
    int32_t *slots = offsets && hashes ? calloc(room * 2, sizeof *slots) : NULL;
    if (!slots)
        return false;
    free(w->slots);
    w->slots = slots;
    w->room = room;
    w->mask = (uint32_t)(room * 2 - 1);
    for (int32_t code = 0; code < w->count; code++) {
        uint32_t slot = (uint32_t)w->hashes[code] & w->mask;
        while (slots[slot])
            slot = (slot + 1) & w->mask;
        slots[slot] = code + 1;
    }
    return true;
}

bool words_open(words *w)
{
    if (!buffer_room(&w->bytes, 4096) || !grow(w))
        return false;
    w->offsets[0] = 0;
    return words_code(w, (span){"", 0}) == 0;
}

void words_clear(words *w)
{
    w->count = 1;
    w->last = 0;
    w->bytes.size = 0;
    memset(w->slots, 0, ((size_t)w->mask + 1) * sizeof *w->slots);
    w->slots[(uint32_t)w->hashes[0] & w->mask] = 1;
}

void words_close(words *w)
{
    free(w->slots);
    free(w->offsets);
    free(w->hashes);
    free(w->bytes.at);
}

int32_t words_code(words *w, span word)
{
    if (w->count && !word.size)
        return 0;
    if (w->count && is_at(w, w->last, word))
        return w->last;
    uint64_t h = hash(word);
    uint32_t slot = (uint32_t)h & w->mask;
    for (; w->slots[slot]; slot = (slot + 1) & w->mask) {
        int32_t code = w->slots[slot] - 1;
        if (w->hashes[code] == h && is_at(w, code, word))
            return w->last = code;
    }
    if (word.size > (size_t)INT32_MAX - w->bytes.size || !buffer_add(&w->bytes, word.at, word.size))
        return -1;
    int32_t code = w->count++;
    w->hashes[code] = h;
    w->offsets[code + 1] = (int32_t)w->bytes.size;
    w->slots[slot] = code + 1;
    if ((size_t)w->count == w->room && !grow(w)) {
        w->count--;
        w->slots[slot] = 0;
        w->bytes.size -= word.size;
        return -1;
    }
    return w->last = code;
}
