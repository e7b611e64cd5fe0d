/* Rows as columns in memory: the Arrow C stream interface, which DuckDB reads without a copy. */
#ifndef STREAM_H
#define STREAM_H

#include "arrow.h"
#include "bytes.h"

/* A column, and its buffers as Arrow has them. Its format is that of 64-bit numbers ("l", "L", "tsu:"), "u": strings,
 * "i": codes of the `dictionary`, or "+m": maps. */
typedef struct {
    const char *name, *format;
    unsigned char *valid; /* NULL: all are */
    void *values;         /* numbers or codes; where strings or maps end */
    char *bytes;          /* of strings */
    int64_t nulls;
    bool borrowed;        /* the buffers are not freed with the column */
    const words *dictionary;
    const strings *keys, *texts; /* of all maps, of which there are `size` */
    int32_t size;
} block;

enum { COLUMNS_AT_MOST = 48 };

/* How the rows of an owner become columns; an owner may have several kinds of them. */
typedef struct {
    int64_t (*describe)(const void *owner, int kind, block *blocks); /* names and formats; how many columns */
    int64_t (*rows)(const void *owner, int kind);
    bool (*fill)(const void *owner, int kind, int64_t rows, block *blocks); /* false: no memory */
} table;

typedef struct source source;

/* A stream of one batch, one more of the list `streams`. The owner must outlive it. NULL: no memory. */
struct ArrowArrayStream *stream_open(source **streams, const table *table, const void *owner, int kind);
void stream_forget(source *streams);

/* Buffers for a column of `rows` rows; `digits`: bytes of each of its strings. False: no memory. */
bool block_room(block *b, int64_t rows, int64_t digits);

static inline void block_mark(block *b, int64_t row, bool known)
{
    b->valid[row / 8] |= (unsigned char)(known << row % 8);
    b->nulls += !known;
}

static inline void block_number(block *b, int64_t row, int64_t value, bool known)
{
    ((int64_t *)b->values)[row] = value;
    block_mark(b, row, known);
}

/* A code of the dictionary; 0, the empty word, is NULL. */
static inline void block_word(block *b, int64_t row, int32_t code)
{
    ((int32_t *)b->values)[row] = code;
    block_mark(b, row, code != 0);
}

enum { DIGITS = 16 };

/* A digest of so many digits; one that begins with 0 is NULL. */
static inline void block_digits(block *b, int64_t row, const char *digits)
{
    bool known = *digits != 0;
    if (known)
        memcpy(b->bytes + b->size, digits, DIGITS);
    b->size += known ? DIGITS : 0;
    ((int32_t *)b->values)[row + 1] = b->size;
    block_mark(b, row, known);
}

#endif
