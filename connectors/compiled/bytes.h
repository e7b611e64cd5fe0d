/* Bytes that grow, strings with codes, and digests: what the compiled readers of logs share. */
#ifndef BYTES_H
#define BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct {
    const char *at;
    size_t size;
} span;

/* Bytes that grow. */
typedef struct {
    char *at;
    size_t size, room;
} buffer;

bool buffer_room(buffer *b, size_t more);
static inline bool buffer_add(buffer *b, const char *at, size_t size)
{
    if (size > b->room - b->size && !buffer_room(b, size))
        return false;
    if (size)
        memcpy(b->at + b->size, at, size);
    b->size += size;
    return true;
}

/* An array of `count` rows of `size` bytes with room for one more. NULL: no memory, and it is as it was. */
void *with_room(void *rows, size_t count, size_t *room, size_t size);

/* Different strings, each with a code: 0 is the empty one. `offsets` and `bytes` are as Arrow has them. */
typedef struct {
    int32_t *slots, *offsets;
    uint64_t *hashes;
    uint32_t mask;
    int32_t count, last;
    size_t room;
    buffer bytes;
} words;

bool words_open(words *w);
void words_clear(words *w);
void words_close(words *w);
int32_t words_code(words *w, span word); /* -1: no memory */
span words_at(const words *w, int32_t code);

/* Strings one after the other, as Arrow has them. */
typedef struct {
    buffer bytes, ends;  /* `ends`: 0 and an int32_t of each */
} strings;

bool list_open(strings *l);
bool list_add(strings *l, const char *at, size_t size);
void list_clear(strings *l);
void list_close(strings *l);

/* The first 16 hexadecimal digits of an MD5 (RFC 1321). */
void md5_16(const char *at, size_t size, char *digits);

#endif
