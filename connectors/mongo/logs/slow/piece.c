/* A piece of a log, of whole lines, and what DuckDB gets of it. */
#include "slow.h"

#include <stdlib.h>

piece *slow_open(const char *key, size_t size)
{
    piece *p = size <= KEY_AT_MOST ? calloc(1, sizeof *p) : NULL;
    if (!p)
        return NULL;
    memcpy(p->key, key, size);
    p->key_size = size;
    bool made = list_open(&p->asked_first);
    for (int w = 0; w < WORDS; w++)
        made = made && words_open(&p->words[w]);
    if (made)
        return p;
    slow_close(p);
    return NULL;
}

/* Make it empty, and keep its memory. */
void slow_clear(piece *p)
{
    stream_forget(p->streams);
    p->streams = NULL;
    for (int w = 0; w < WORDS; w++)
        words_clear(&p->words[w]);
    list_clear(&p->asked_first);
    p->count = p->example_count = 0;
    p->lines = 0;
}

void slow_close(piece *p)
{
    stream_forget(p->streams);
    for (int w = 0; w < WORDS; w++)
        words_close(&p->words[w]);
    buffer *const buffers[] = {&p->scratch, &p->asked, &p->skeleton, &p->shortened};
    for (size_t b = 0; b < sizeof buffers / sizeof *buffers; b++)
        free(buffers[b]->at);
    list_close(&p->asked_first);
    free(p->operations);
    free(p->examples);
    free(p->tape.nodes);
    free(p);
}

static bool is_blank(span line)
{
    for (size_t i = 0; i < line.size; i++)
        if (line.at[i] != ' ' && line.at[i] != '\t' && line.at[i] != '\r')
            return false;
    return true;
}

bool slow_read(piece *p, const char *bytes, size_t size)
{
    for (const char *i = bytes, *end = bytes + size; i < end;) {
        const char *feed = memchr(i, '\n', (size_t)(end - i));
        span line = {i, (size_t)((feed ? feed : end) - i)};
        i += line.size + 1;
        if (is_blank(line))
            continue;
        p->lines++;
        if (!line_read(p, line))
            return false;
    }
    return true;
}

int64_t slow_lines(const piece *p) { return p->lines; }

int64_t slow_operations(const piece *p) { return (int64_t)p->count; }

static const char *const NUMBER_NAME[NUMBERS] = {
    "ended", "ms", "keys", "documents", "returned", "bytes", "inserted", "keys_written", "matched", "deleted", "yields",
    "locked", "tickets", "limit_asked",
};
static const char *const WORD_NAME[WORDS] = {
    NULL, "kind_of", "ns", "application", "plan_summary", "has_sort", "used_disk", "query_hash", "cursor", "exhausted",
    "remote", "error", "build", "operation", "comment", "lsid", "transaction_number", "channel", "reason",
};
static const char *const FLAG_NAME[FLAGS] = {"q", "more", "envelope"};

enum { FIRST_WORD = NUMBERS, FIRST_FLAG = FIRST_WORD + SKELETON - 1, GIVEN = FIRST_FLAG + FLAGS, KEYED, QUESTION,
       COLUMNS };
enum { EXAMPLE_QUESTION, EXAMPLE_PLACE, EXAMPLE_OPERATION, EXAMPLE_NS, EXAMPLE_ASKED, EXAMPLE_Q, EXAMPLE_COLUMNS };

static int64_t describe(const void *owner, int kind, block *b)
{
    (void)owner;
    if (kind) {
        static const char *const NAMES[] = {"question", "place", "operation", "ns", "asked", "q"};
        static const char *const FORMATS[] = {"L", "l", "i", "i", "u", "l"};
        for (int c = 0; c < EXAMPLE_COLUMNS; c++)
            b[c] = (block){.name = NAMES[c], .format = FORMATS[c]};
        return EXAMPLE_COLUMNS;
    }
    for (int n = 0; n < NUMBERS; n++)
        b[n] = (block){.name = NUMBER_NAME[n], .format = n == ENDED ? "tsu:UTC" : "l"};
    for (int w = 1; w < SKELETON; w++)
        b[FIRST_WORD + w - 1] = (block){.name = WORD_NAME[w], .format = "i"};
    for (int f = 0; f < FLAGS; f++)
        b[FIRST_FLAG + f] = (block){.name = FLAG_NAME[f], .format = "l"};
    b[GIVEN] = (block){.name = "given", .format = "u"};
    b[KEYED] = (block){.name = "keyed", .format = "u"};
    b[QUESTION] = (block){.name = "question", .format = "L"};
    return COLUMNS;
}

static int64_t rows_of(const void *owner, int kind)
{
    const piece *p = owner;
    return (int64_t)(kind ? p->example_count : p->count);
}

static void fill_operation(const piece *p, int64_t row, block *b)
{
    const operation *o = &p->operations[row];
    for (int n = 0; n < NUMBERS; n++)
        block_number(&b[n], row, o->number[n], o->number[n] != NO_NUMBER);
    for (int w = 1; w < SKELETON; w++)
        block_word(&b[FIRST_WORD + w - 1], row, o->word[w]);
    for (int f = 0; f < FLAGS; f++)
        block_number(&b[FIRST_FLAG + f], row, o->flag[f], true);
    block_digits(&b[GIVEN], row, o->given);
    block_digits(&b[KEYED], row, o->keyed);
    int32_t skeleton = o->word[SKELETON];
    block_number(&b[QUESTION], row, skeleton ? (int64_t)p->examples[skeleton - 1].question : 0, skeleton);
}

static void fill_example(const piece *p, int64_t row, block *b)
{
    const example *e = &p->examples[row];
    const operation *o = &p->operations[e->place];
    block_number(&b[EXAMPLE_QUESTION], row, (int64_t)e->question, true);
    block_number(&b[EXAMPLE_PLACE], row, e->place, true);
    block_word(&b[EXAMPLE_OPERATION], row, o->word[OPERATION]);
    block_word(&b[EXAMPLE_NS], row, o->word[NS]);
    block_number(&b[EXAMPLE_Q], row, o->flag[HAS_Q], true);
}

static bool fill(const void *owner, int kind, int64_t rows, block *b)
{
    const piece *p = owner;
    for (int c = 0; c < (kind ? EXAMPLE_COLUMNS : COLUMNS); c++) {
        if (kind && c == EXAMPLE_ASKED) {
            b[c].borrowed = true;
            b[c].values = p->asked_first.ends.at;
            b[c].bytes = p->asked_first.bytes.at;
        } else if (!block_room(&b[c], rows, *b[c].format == 'u' ? DIGITS : 0)) {
            return false;
        }
    }
    for (int w = 1; !kind && w < SKELETON; w++)
        b[FIRST_WORD + w - 1].dictionary = &p->words[w];
    if (kind) {
        b[EXAMPLE_OPERATION].dictionary = &p->words[OPERATION];
        b[EXAMPLE_NS].dictionary = &p->words[NS];
    }
    for (int64_t row = 0; row < rows; row++)
        (kind ? fill_example : fill_operation)(p, row, b);
    return true;
}

struct ArrowArrayStream *slow_stream(piece *p, int kind)
{
    static const table ROWS = {describe, rows_of, fill};
    return stream_open(&p->streams, &ROWS, p, kind);
}
