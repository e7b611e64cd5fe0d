/* Records as columns in memory: the Arrow C stream interface (Apache Arrow, "The Arrow C data interface"), which DuckDB
 * reads without a copy. A stream has one batch. The strings are those of the piece, which must outlive it. */
#include "arrow.h"
#include "plain.h"

#include <stdlib.h>
#include <string.h>

enum { NULLABLE = 2, NO_MEMORY = 12 };

typedef struct source {
    piece *piece;
    int fate;
    const column *columns;
    int64_t width;
    bool read;
    struct ArrowArrayStream stream;
    struct source *before;
} source;

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

static bool schema_of(struct ArrowSchema *s, const column *c)
{
    if (!strcmp(c->format, "+m")) {
        if (!make_schema(s, c->format, c->name, 1) || !make_schema(s->children[0], "+s", "entries", 2))
            return false;
        struct ArrowSchema **pair = s->children[0]->children;
        s->children[0]->flags = pair[0]->flags = 0;
        return make_schema(pair[0], "u", "key", 0) && make_schema(pair[1], "u", "value", 0);
    }
    if (!make_schema(s, c->format, c->name, 0))
        return false;
    if (strcmp(c->format, "i"))
        return true;
    return (s->dictionary = calloc(1, sizeof *s)) && make_schema(s->dictionary, "u", "", 0);
}

static int get_schema(struct ArrowArrayStream *stream, struct ArrowSchema *s)
{
    source *from = stream->private_data;
    bool made = make_schema(s, "+s", "", from->width);
    for (int64_t c = 0; made && c < from->width; c++)
        made = schema_of(s->children[c], &from->columns[c]);
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

static bool make_tags(struct ArrowArray *a, int64_t rows, const piece *p)
{
    return make_array(a, rows, 1, 2, false)
           && make_texts(a->children[0], rows, p->keys.ends.at, p->keys.bytes.at)
           && make_texts(a->children[1], rows, p->values.ends.at, p->values.bytes.at);
}

/* A column's array. The buffers in `b` are its own from here on. */
static bool array_of(struct ArrowArray *a, const piece *p, const column *c, const block *b, int64_t rows)
{
    bool tags = !strcmp(c->format, "+m");
    if (!make_array(a, rows, c->digits ? 3 : 2, tags, true)) {
        a->private_data = NULL;
        return false;
    }
    a->buffers[0] = b->valid;
    a->buffers[1] = b->values;
    if (c->digits)
        a->buffers[2] = b->bytes;
    a->null_count = b->nulls;
    if (tags)
        return make_tags(a->children[0], b->size, p);
    const words *w = &p->words[c->word];
    return !c->word
           || ((a->dictionary = calloc(1, sizeof *a)) && make_texts(a->dictionary, w->count, w->offsets, w->bytes.at));
}

static bool read_records(const source *from, struct ArrowArray *a)
{
    block *blocks = calloc((size_t)from->width, sizeof *blocks);
    bool made = blocks && columns_fill(from->piece, from->fate, from->columns, from->width, (size_t)a->length, blocks);
    for (int64_t c = 0; blocks && c < from->width; c++) {
        made = made && array_of(a->children[c], from->piece, &from->columns[c], &blocks[c], a->length);
        if (!a->children[c]->private_data) {
            free(blocks[c].valid);
            free(blocks[c].values);
            free(blocks[c].bytes);
        }
    }
    free(blocks);
    return made;
}

static bool read_texts(const source *from, struct ArrowArray *a)
{
    const words *texts = &from->piece->words[TEXT];
    int64_t *codes = malloc((size_t)a->length * sizeof *codes);
    if (!codes || !make_array(a->children[0], a->length, 2, 0, true)) {
        a->children[0]->private_data = NULL;
        free(codes);
        return false;
    }
    a->children[0]->buffers[1] = codes;
    for (int64_t i = 0; i < a->length; i++)
        codes[i] = i;
    return make_texts(a->children[1], a->length, texts->offsets, texts->bytes.at);
}

static int get_next(struct ArrowArrayStream *stream, struct ArrowArray *a)
{
    source *from = stream->private_data;
    const piece *p = from->piece;
    int64_t rows = from->fate ? 0 : p->words[TEXT].count;
    for (size_t n = 0; from->fate && n < p->count; n++)
        rows += (p->records[n].fate & from->fate) != 0;
    *a = (struct ArrowArray){0};
    if (from->read || !rows)
        return 0;
    from->read = true;
    if (make_array(a, rows, 1, from->width, false) && (from->fate ? read_records(from, a) : read_texts(from, a)))
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

/* A stream that goes with its piece. */
struct ArrowArrayStream *plain_stream(piece *p, int fate)
{
    source *from = calloc(1, sizeof *from);
    if (!from)
        return NULL;
    from->piece = p;
    from->fate = fate;
    from->columns = columns_of(fate, &from->width);
    from->stream = (struct ArrowArrayStream){get_schema, get_next, get_last_error, release_stream, from};
    from->before = p->streams;
    p->streams = from;
    return &from->stream;
}

void plain_forget(source *from)
{
    while (from) {
        source *before = from->before;
        free(from);
        from = before;
    }
}
