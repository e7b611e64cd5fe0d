/* What DuckDB gets of the records: the columns of each stream, filled in one pass over the records. */
#include "plain.h"

#include <stdlib.h>
#include <string.h>

/* A column is numbers (of which negative ones may be NULL), digits, words, or else the tags. */
typedef struct {
    const char *name, *format;
    int64_t (*number)(const piece *p, const record *r);
    const char *(*digits)(const record *r);
    int word;
    bool negative_is_null;
} column;

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

static const column EXECUTIONS[] = {
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
    {"tags", "+m"},
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

static const column *columns_of(int fate, int64_t *width)
{
#define OF(table) (*width = (int64_t)(sizeof table / sizeof *table), table)
    return fate == EVENT ? OF(EXECUTIONS) : fate == CARRIED ? OF(OPEN) : fate == LINKED ? OF(LINKS) : OF(TEXTS);
}

static int64_t describe(const void *owner, int fate, block *blocks)
{
    (void)owner;
    int64_t width;
    const column *columns = columns_of(fate, &width);
    for (int64_t c = 0; c < width; c++)
        blocks[c] = (block){.name = columns[c].name, .format = columns[c].format};
    return width;
}

static int64_t rows_of(const void *owner, int fate)
{
    const piece *p = owner;
    int64_t rows = fate ? 0 : p->words[TEXT].count;
    for (size_t n = 0; fate && n < p->count; n++)
        rows += (p->records[n].fate & fate) != 0;
    return rows;
}

static void put(const piece *p, const record *r, const column *c, block *b, int64_t row)
{
    if (c->number) {
        int64_t value = c->number(p, r);
        block_number(b, row, value, value >= 0 || !c->negative_is_null);
    } else if (c->digits) {
        block_digits(b, row, c->digits(r));
    } else if (c->word) {
        block_word(b, row, r->word[c->word]);
    } else {
        b->size += r->tags;
        ((int32_t *)b->values)[row + 1] = b->size;
        block_mark(b, row, r->tags != 0);
    }
}

static bool fill_texts(const piece *p, int64_t rows, block *blocks)
{
    const words *texts = &p->words[TEXT];
    blocks[1].borrowed = true;
    blocks[1].values = texts->offsets;
    blocks[1].bytes = texts->bytes.at;
    if (!block_room(&blocks[0], rows, 0))
        return false;
    for (int64_t code = 0; code < rows; code++)
        block_number(&blocks[0], code, code, true);
    return true;
}

static bool fill(const void *owner, int fate, int64_t rows, block *blocks)
{
    const piece *p = owner;
    if (!fate)
        return fill_texts(p, rows, blocks);
    int64_t width, row = 0;
    const column *columns = columns_of(fate, &width);
    for (int64_t c = 0; c < width; c++) {
        block *b = &blocks[c];
        if (!block_room(b, rows, columns[c].digits ? DIGITS : 0))
            return false;
        b->dictionary = columns[c].word ? &p->words[columns[c].word] : NULL;
        if (!strcmp(b->format, "+m")) {
            b->keys = &p->keys;
            b->texts = &p->values;
        }
    }
    for (size_t n = 0; n < p->count; n++) {
        const record *r = &p->records[n];
        if (!(r->fate & fate))
            continue;
        for (int64_t c = 0; c < width; c++)
            put(p, r, &columns[c], &blocks[c], row);
        row++;
    }
    return true;
}

struct ArrowArrayStream *plain_stream(piece *p, int fate)
{
    static const table RECORDS = {describe, rows_of, fill};
    return stream_open(&p->streams, &RECORDS, p, fate);
}
