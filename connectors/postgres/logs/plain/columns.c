/* What DuckDB gets of the records: the columns of each stream, filled in one pass over the records. */
#include "plain.h"

#include <stdlib.h>
#include <string.h>


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

const column *columns_of(int fate, int64_t *width)
{
#define OF(table) (*width = (int64_t)(sizeof table / sizeof *table), table)
    return fate == EVENT ? OF(EXECUTIONS) : fate == CARRIED ? OF(OPEN) : fate == LINKED ? OF(LINKS) : OF(TEXTS);
}

static void put(const piece *p, const record *r, const column *c, block *b, size_t row)
{
    bool known = true;
    if (c->number) {
        int64_t value = ((int64_t *)b->values)[row] = c->number(p, r);
        known = value >= 0 || !c->negative_is_null;
    } else if (c->digits) {
        known = c->digits(r)[0] != 0;
        if (known)
            memcpy(b->bytes + b->size, c->digits(r), 16);
        b->size += known ? 16 : 0;
        ((int32_t *)b->values)[row + 1] = b->size;
    } else if (c->word) {
        int32_t code = ((int32_t *)b->values)[row] = r->word[c->word];
        known = code != 0;
    } else {
        known = r->tags != 0;
        b->size += r->tags;
        ((int32_t *)b->values)[row + 1] = b->size;
    }
    b->valid[row / 8] |= (unsigned char)(known << row % 8);
    b->nulls += !known;
}

/* Fill `blocks` from the `rows` records of this fate. False: no memory. */
bool columns_fill(const piece *p, int fate, const column *columns, int64_t width, size_t rows, block *blocks)
{
    for (int64_t c = 0; c < width; c++) {
        block *b = &blocks[c];
        b->valid = calloc(rows / 8 + 1, 1);
        b->values = malloc((rows + 1) * (columns[c].number ? sizeof(int64_t) : sizeof(int32_t)));
        b->bytes = columns[c].digits && rows < INT32_MAX / 16 ? malloc(rows * 16 + 1) : NULL;
        if (!b->valid || !b->values || (columns[c].digits && !b->bytes))
            return false;
        *(int32_t *)b->values = 0;
    }
    size_t row = 0;
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
