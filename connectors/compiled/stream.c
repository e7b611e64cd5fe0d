/* Apache Arrow, "The Arrow C data interface" and "The Arrow C stream interface". */
#include "stream.h"

#include <stdlib.h>
#include <string.h>

enum { NULLABLE = 2, NO_MEMORY = 12 };

struct source {
    const void *owner;
    const table *table;
    int kind;
    bool read;
    struct ArrowArrayStream stream;
    source *before;
};

static void release_schema(struct ArrowSchema *s)
{
    for (int64_t c = 0; s->children && c < s->n_children; c++)
        if (s->children[c] && s->children[c]->release)
            s->children[c]->release(s->children[c]);
    for (int64_t c = 0; s->children && c < s->n_children; c++)
        free(s->children[c]);
    if (s->dictionary && s->dictionary->release)
        s->dictionary->release(s->dictionary);
    free(s->dictionary);
    free(s->children);
    s->release = NULL;
}

/* A type with `children`, which its caller fills in. */
static bool make_schema(struct ArrowSchema *s, const char *format, const char *name, int64_t children)
{
    *s = (struct ArrowSchema){.format = format, .name = name, .flags = NULLABLE, .release = release_schema};
    s->children = children ? calloc((size_t)children, sizeof *s->children) : NULL;
    if (children && !s->children)
        return false;
    s->n_children = children;
    for (int64_t c = 0; c < children; c++)
        if (!(s->children[c] = calloc(1, sizeof *s)))
            return false;
    return true;
}

static bool schema_of(struct ArrowSchema *s, const block *b)
{
    if (!strcmp(b->format, "+m")) {
        if (!make_schema(s, b->format, b->name, 1) || !make_schema(s->children[0], "+s", "entries", 2))
            return false;
        struct ArrowSchema **pair = s->children[0]->children;
        s->children[0]->flags = pair[0]->flags = 0;
        return make_schema(pair[0], "u", "key", 0) && make_schema(pair[1], "u", "value", 0);
    }
    if (!make_schema(s, b->format, b->name, 0))
        return false;
    if (strcmp(b->format, "i"))
        return true;
    return (s->dictionary = calloc(1, sizeof *s)) && make_schema(s->dictionary, "u", "", 0);
}

static int get_schema(struct ArrowArrayStream *stream, struct ArrowSchema *s)
{
    const source *from = stream->private_data;
    block blocks[COLUMNS_AT_MOST] = {{0}};
    int64_t width = from->table->describe(from->owner, from->kind, blocks);
    bool made = make_schema(s, "+s", "", width);
    for (int64_t c = 0; made && c < width; c++)
        made = schema_of(s->children[c], &blocks[c]);
    if (!made)
        release_schema(s);
    return made ? 0 : NO_MEMORY;
}

static void release_array(struct ArrowArray *a)
{
    for (int64_t c = 0; a->children && c < a->n_children; c++) {
        if (a->children[c] && a->children[c]->release)
            a->children[c]->release(a->children[c]);
        free(a->children[c]);
    }
    if (a->dictionary && a->dictionary->release)
        a->dictionary->release(a->dictionary);
    for (int64_t b = 0; a->private_data && b < a->n_buffers; b++)
        free((void *)a->buffers[b]);
    free(a->dictionary);
    free(a->children);
    free(a->buffers);
    a->release = NULL;
}

/* An array with room for `children`; `owned`: its buffers go with it. */
static bool make_array(struct ArrowArray *a, int64_t rows, int64_t buffers, int64_t children, bool owned)
{
    *a = (struct ArrowArray){.length = rows, .release = release_array};
    a->buffers = calloc((size_t)buffers, sizeof *a->buffers);
    a->children = children ? calloc((size_t)children, sizeof *a->children) : NULL;
    if (!a->buffers || (children && !a->children))
        return false;
    a->n_buffers = buffers;
    a->n_children = children;
    a->private_data = owned ? a : NULL;
    for (int64_t c = 0; c < children; c++)
        if (!(a->children[c] = calloc(1, sizeof *a)))
            return false;
    return true;
}

static bool make_texts(struct ArrowArray *a, int64_t rows, const void *offsets, const void *bytes)
{
    if (!make_array(a, rows, 3, 0, false))
        return false;
    a->buffers[1] = offsets;
    a->buffers[2] = bytes;
    return true;
}

/* A column's array. The buffers in `b` are its own from here on, unless they are borrowed. */
static bool array_of(struct ArrowArray *a, const block *b, int64_t rows)
{
    bool maps = b->keys;
    if (!make_array(a, rows, b->bytes ? 3 : 2, maps, !b->borrowed)) {
        a->private_data = NULL;
        return false;
    }
    a->buffers[0] = b->valid;
    a->buffers[1] = b->values;
    if (b->bytes)
        a->buffers[2] = b->bytes;
    a->null_count = b->nulls;
    if (maps) {
        struct ArrowArray *pairs = a->children[0];
        return make_array(pairs, b->size, 1, 2, false)
               && make_texts(pairs->children[0], b->size, b->keys->ends.at, b->keys->bytes.at)
               && make_texts(pairs->children[1], b->size, b->texts->ends.at, b->texts->bytes.at);
    }
    const words *w = b->dictionary;
    return !w
           || ((a->dictionary = calloc(1, sizeof *a)) && make_texts(a->dictionary, w->count, w->offsets, w->bytes.at));
}

static bool read_rows(const source *from, struct ArrowArray *a, block *blocks, int64_t width)
{
    bool made = from->table->fill(from->owner, from->kind, a->length, blocks);
    for (int64_t c = 0; c < width; c++) {
        made = made && array_of(a->children[c], &blocks[c], a->length);
        if (!a->children[c]->private_data && !blocks[c].borrowed) {
            free(blocks[c].valid);
            free(blocks[c].values);
            free(blocks[c].bytes);
        }
    }
    return made;
}

static int get_next(struct ArrowArrayStream *stream, struct ArrowArray *a)
{
    source *from = stream->private_data;
    int64_t rows = from->table->rows(from->owner, from->kind);
    *a = (struct ArrowArray){0};
    if (from->read || !rows)
        return 0;
    from->read = true;
    block blocks[COLUMNS_AT_MOST] = {{0}};
    int64_t width = from->table->describe(from->owner, from->kind, blocks);
    if (make_array(a, rows, 1, width, false) && read_rows(from, a, blocks, width))
        return 0;
    release_array(a);
    return NO_MEMORY;
}

static const char *get_last_error(struct ArrowArrayStream *stream)
{
    (void)stream;
    return "no memory";
}

static void release_stream(struct ArrowArrayStream *stream) { stream->release = NULL; }

struct ArrowArrayStream *stream_open(source **streams, const table *table, const void *owner, int kind)
{
    source *from = calloc(1, sizeof *from);
    if (!from)
        return NULL;
    *from = (source){owner, table, kind, false, {get_schema, get_next, get_last_error, release_stream, from}, *streams};
    *streams = from;
    return &from->stream;
}

void stream_forget(source *streams)
{
    while (streams) {
        source *before = streams->before;
        free(streams);
        streams = before;
    }
}

bool block_room(block *b, int64_t rows, int64_t digits)
{
    bool wide = !digits && strcmp(b->format, "i") && strcmp(b->format, "+m");
    if (digits && rows >= INT32_MAX / digits)
        return false;
    b->valid = calloc((size_t)rows / 8 + 1, 1);
    b->values = calloc((size_t)rows + 1, wide ? sizeof(int64_t) : sizeof(int32_t));
    b->bytes = digits ? malloc((size_t)(rows * digits) + 1) : NULL;
    return b->valid && b->values && (!digits || b->bytes);
}
