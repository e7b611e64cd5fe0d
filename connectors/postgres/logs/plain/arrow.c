/* Records as columns in memory: the Arrow C stream interface (Apache Arrow, "The Arrow C data interface"), which DuckDB
 * reads without a copy. A stream has one batch. The strings are those of the piece, which must outlive it. */
#include "plain.h"

#include <stdlib.h>
#include <string.h>

enum { NULLABLE = 2 };

struct ArrowSchema {
    const char *format, *name, *metadata;
    int64_t flags, n_children;
    struct ArrowSchema **children, *dictionary;
    void (*release)(struct ArrowSchema *);
    void *private_data;
};

struct ArrowArray {
    int64_t length, null_count, offset, n_buffers, n_children;
    const void **buffers;
    struct ArrowArray **children, *dictionary;
    void (*release)(struct ArrowArray *);
    void *private_data;
};

struct ArrowArrayStream {
    int (*get_schema)(struct ArrowArrayStream *, struct ArrowSchema *);
    int (*get_next)(struct ArrowArrayStream *, struct ArrowArray *);
    const char *(*get_last_error)(struct ArrowArrayStream *);
    void (*release)(struct ArrowArrayStream *);
    void *private_data;
};

typedef int64_t number(const piece *p, const record *r);
typedef const char *digits(const record *r);

static int64_t east(const piece *p, const record *r) { return p->shifts[r->word[ZONE]]; }
static int64_t whole(const record *r) { return r->took + (r->extra > 0 ? r->extra : 0); }
static int64_t place_of(const piece *p, const record *r) { return r - p->records; }
static int64_t line_of(const piece *p, const record *r) { return (void)p, r->line; }
static int64_t row_of(const piece *p, const record *r) { return (void)p, r->row; }
static int64_t kind_at(const piece *p, const record *r) { return (void)p, r->kind; }
static int64_t took_by(const piece *p, const record *r) { return (void)p, r->took; }
static int64_t extra_of(const piece *p, const record *r) { return (void)p, r->extra; }
static int64_t opened_of(const piece *p, const record *r) { return (void)p, r->opened; }
static int64_t lone_of(const piece *p, const record *r) { return (void)p, r->lone; }
static int64_t waits_at(const piece *p, const record *r) { return (void)p, r->waits; }
static int64_t opens_at(const piece *p, const record *r) { return (void)p, r->opens; }
static int64_t logged_at(const piece *p, const record *r) { return (void)p, r->logged; }
static int64_t ended_at(const piece *p, const record *r) { return r->logged - east(p, r); }
static int64_t started_at(const piece *p, const record *r) { return ended_at(p, r) - whole(r); }
static int64_t whole_of(const piece *p, const record *r) { return (void)p, whole(r); }
static int64_t text_of(const piece *p, const record *r) { return (void)p, r->word[TEXT]; }
static const char *digest_of(const record *r) { return r->digest; }
static const char *distinct_of(const record *r) { return r->distinct; }

/* A column is numbers (of which negative ones may be NULL), digits, or words. */
typedef struct {
    const char *name, *format;
    number *number;
    digits *digits;
    int word;
    bool negative_is_null;
} column;

static const column EVENTS[] = {
    {"place", "l", .number = place_of},
    {"line", "l", .number = line_of},
    {"took", "l", .number = whole_of},
    {"started_at", "tsu:UTC", .number = started_at},
    {"ended_at", "tsu:UTC", .number = ended_at},
    {"code", "l", .number = text_of},
    {"database", "i", .word = DATABASE},
    {"user", "i", .word = USER},
    {"application", "i", .word = APPLICATION},
    {"client", "i", .word = CLIENT},
    {"session", "i", .word = SESSION},
    {"unit", "i", .word = UNIT},
    {"comment", "i", .word = COMMENT},
    {"server_query_id", "i", .word = QUERY_ID},
    {"params_digest", "u", .digits = digest_of},
    {"params_distinct_key", "u", .digits = distinct_of},
};
static const column OPEN[] = {
    {"logged", "tsu:", .number = logged_at},
    {"line", "l", .number = line_of},
    {"opened", "l", .number = opened_of, .negative_is_null = true},
    {"kind", "l", .number = kind_at},
    {"took", "l", .number = took_by},
    {"waits", "l", .number = waits_at},
    {"opens", "l", .number = opens_at},
    {"zone", "i", .word = ZONE},
    {"user", "i", .word = USER},
    {"database", "i", .word = DATABASE},
    {"application", "i", .word = APPLICATION},
    {"client", "i", .word = CLIENT},
    {"session", "i", .word = SESSION},
};
static const column LINKS[] = {
    {"rid", "l", .number = row_of},
    {"place", "l", .number = place_of},
    {"line_", "l", .number = line_of},
    {"kind", "l", .number = kind_at},
    {"extra", "l", .number = extra_of, .negative_is_null = true},
    {"opened", "l", .number = opened_of, .negative_is_null = true},
    {"lone", "l", .number = lone_of, .negative_is_null = true},
    {"waits", "l", .number = waits_at},
    {"opens", "l", .number = opens_at},
};
static const column TEXTS[] = {{.name = "code", .format = "l"}, {.name = "replaced", .format = "u"}};

typedef struct source {
    piece *piece;
    int fate;
    const column *columns;
    int64_t width;
    bool read;
    struct ArrowArrayStream stream;
    struct source *before;
} source;

static void nothing(struct ArrowArray *a) { a->release = NULL; }
static void no_schema(struct ArrowSchema *s) { s->release = NULL; }

static void release_array(struct ArrowArray *a)
{
    for (int64_t c = 0; a->children && c < a->n_children; c++) {
        struct ArrowArray *child = a->children[c];
        for (int64_t b = 0; child && b < child->n_buffers && child->private_data; b++)
            free((void *)child->buffers[b]);
        if (child && child->dictionary)
            free(child->dictionary->buffers);
        if (child) {
            free(child->dictionary);
            free(child->buffers);
        }
        free(child);
    }
    free(a->children);
    free(a->buffers);
    a->release = NULL;
}

static void release_schema(struct ArrowSchema *s)
{
    for (int64_t c = 0; s->children && c < s->n_children; c++) {
        if (s->children[c])
            free(s->children[c]->dictionary);
        free(s->children[c]);
    }
    free(s->children);
    s->release = NULL;
}

static int get_schema(struct ArrowArrayStream *stream, struct ArrowSchema *s)
{
    source *from = stream->private_data;
    *s = (struct ArrowSchema){.format = "+s", .name = "", .n_children = from->width, .release = release_schema};
    s->children = calloc((size_t)from->width, sizeof *s->children);
    for (int64_t c = 0; s->children && c < from->width; c++) {
        struct ArrowSchema *child = s->children[c] = calloc(1, sizeof *child);
        if (!child)
            goto full;
        *child = (struct ArrowSchema){
            .format = from->columns[c].format, .name = from->columns[c].name, .flags = NULLABLE, .release = no_schema};
        if (strcmp(child->format, "i"))
            continue;
        if (!(child->dictionary = calloc(1, sizeof *child)))
            goto full;
        *child->dictionary =
            (struct ArrowSchema){.format = "u", .name = "", .flags = NULLABLE, .release = no_schema};
    }
    if (s->children)
        return 0;
full:
    release_schema(s);
    return 12; /* ENOMEM */
}

static bool is_kept(const record *r, int fate) { return (r->fate & fate) != 0; }

/* Fill a column's validity bits, values and bytes from the records of this fate. */
static bool fill(const source *from, const column *c, struct ArrowArray *a)
{
    const piece *p = from->piece;
    size_t rows = (size_t)a->length, i = 0;
    unsigned char *valid = calloc(rows / 8 + 1, 1);
    void *values = malloc((rows + 1) * (c->number ? sizeof(int64_t) : sizeof(int32_t)));
    char *bytes = c->digits ? malloc(rows * 16 + 1) : NULL;
    a->buffers[0] = valid;
    a->buffers[1] = values;
    if (c->digits)
        a->buffers[2] = bytes;
    if (!valid || !values || (c->digits && (!bytes || rows > INT32_MAX / 16)))
        return false;
    int32_t size = 0;
    for (size_t n = 0; n < p->count; n++) {
        const record *r = &p->records[n];
        if (!is_kept(r, from->fate))
            continue;
        bool known = true;
        if (c->number) {
            int64_t value = ((int64_t *)values)[i] = c->number(p, r);
            known = value >= 0 || !c->negative_is_null;
        } else if (c->digits) {
            ((int32_t *)values)[i] = size;
            known = c->digits(r)[0] != 0;
            if (known)
                memcpy(bytes + size, c->digits(r), 16);
            size += known ? 16 : 0;
        } else {
            int32_t code = ((int32_t *)values)[i] = r->word[c->word];
            known = code != 0;
        }
        valid[i / 8] |= (unsigned char)(known << i % 8);
        a->null_count += !known;
        i++;
    }
    if (c->digits)
        ((int32_t *)values)[i] = size;
    return true;
}

static bool fill_dictionary(const words *w, struct ArrowArray *a)
{
    struct ArrowArray *d = a->dictionary = calloc(1, sizeof *d);
    if (!d)
        return false;
    *d = (struct ArrowArray){.length = w->count, .n_buffers = 3, .release = nothing};
    if (!(d->buffers = calloc(3, sizeof *d->buffers)))
        return false;
    d->buffers[1] = w->offsets;
    d->buffers[2] = w->bytes.at;
    return true;
}

static struct ArrowArray *child_of(const source *from, const column *c, int64_t rows)
{
    struct ArrowArray *a = calloc(1, sizeof *a);
    const words *texts = &from->piece->words[TEXT];
    if (!a)
        return NULL;
    bool three = !strcmp(c->format, "u");
    *a = (struct ArrowArray){.length = rows, .n_buffers = three ? 3 : 2, .release = nothing};
    a->private_data = from->fate ? a : NULL; /* whether the buffers are its own */
    a->buffers = calloc(3, sizeof *a->buffers);
    if (!a->buffers)
        goto full;
    if (!from->fate) {
        if (three) {
            a->buffers[1] = texts->offsets;
            a->buffers[2] = texts->bytes.at;
            return a;
        }
        int64_t *codes = malloc(((size_t)rows + 1) * sizeof *codes);
        a->buffers[1] = codes;
        a->private_data = a;
        for (int64_t i = 0; codes && i < rows; i++)
            codes[i] = i;
        if (codes)
            return a;
    } else if (fill(from, c, a) && (strcmp(c->format, "i") || fill_dictionary(&from->piece->words[c->word], a))) {
        return a;
    }
full:
    for (int b = 0; a->buffers && a->private_data && b < 3; b++)
        free((void *)a->buffers[b]);
    free(a->buffers);
    free(a->dictionary);
    free(a);
    return NULL;
}

static int get_next(struct ArrowArrayStream *stream, struct ArrowArray *a)
{
    source *from = stream->private_data;
    const piece *p = from->piece;
    int64_t rows = from->fate ? 0 : p->words[TEXT].count;
    for (size_t n = 0; from->fate && n < p->count; n++)
        rows += is_kept(&p->records[n], from->fate);
    *a = (struct ArrowArray){0};
    if (from->read || !rows)
        return 0;
    from->read = true;
    *a = (struct ArrowArray){.length = rows, .n_buffers = 1, .n_children = from->width, .release = release_array};
    a->buffers = calloc(1, sizeof *a->buffers);
    a->children = calloc((size_t)from->width, sizeof *a->children);
    bool filled = a->buffers && a->children;
    for (int64_t c = 0; filled && c < from->width; c++)
        filled = (a->children[c] = child_of(from, &from->columns[c], rows)) != NULL;
    if (filled)
        return 0;
    release_array(a);
    return 12; /* ENOMEM */
}

static const char *get_last_error(struct ArrowArrayStream *stream)
{
    (void)stream;
    return "no memory";
}

static void release_stream(struct ArrowArrayStream *stream)
{
    stream->release = NULL;
}

/* A stream that goes with its piece. */
struct ArrowArrayStream *plain_stream(piece *p, int fate)
{
    source *from = calloc(1, sizeof *from);
    if (!from)
        return NULL;
#define OF(table) table, (int64_t)(sizeof table / sizeof *table)
    *from = fate == EVENT     ? (source){p, fate, OF(EVENTS)}
            : fate == CARRIED ? (source){p, fate, OF(OPEN)}
            : fate == LINKED  ? (source){p, fate, OF(LINKS)}
                              : (source){p, fate, OF(TEXTS)};
    from->stream = (struct ArrowArrayStream){get_schema, get_next, get_last_error, release_stream, from};
    from->before = p->streams;
    p->streams = from;
    return &from->stream;
}

void plain_forget(struct source *from)
{
    while (from) {
        struct source *before = from->before;
        if (from->stream.release)
            from->stream.release(&from->stream);
        free(from);
        from = before;
    }
}
