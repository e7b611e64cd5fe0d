/* csvlog: records of comma-separated fields, quoted ones with doubled quotes (documentation, section 20.8.4). */
#include "plain.h"

#include <string.h>

enum { COLUMNS = 26 };

typedef struct {
    span raw;
    bool doubled;
} cell;

/* Where a cell without quotes ends, or is damaged. */
static const bool STOPS[256] = {[','] = true, ['\n'] = true, ['\r'] = true, ['"'] = true};

/* Read the cell at `*i`, and what divides it from the next: ',' or '\n'. False: it is damaged. */
static bool read_cell(const char **i, const char *end, cell *c, char *divider)
{
    const char *at = *i;
    c->doubled = false;
    if (at < end && *at == '"') {
        c->raw.at = ++at;
        while ((at = memchr(at, '"', (size_t)(end - at))) && at + 1 < end && at[1] == '"') {
            c->doubled = true;
            at += 2;
        }
        if (!at || at + 1 >= end)
            return false;
        c->raw.size = (size_t)(at++ - c->raw.at);
    } else {
        c->raw.at = at;
        while (at < end && !STOPS[(unsigned char)*at])
            at++;
        c->raw.size = (size_t)(at - c->raw.at);
    }
    if (at >= end || (*at != ',' && *at != '\n'))
        return false;
    *divider = *at;
    *i = at + 1;
    return true;
}

/* The cell's text; one with doubled quotes is made single in `b`. */
static bool text_of(const cell *c, buffer *b, span *text)
{
    *text = c->raw;
    if (!c->doubled)
        return true;
    size_t start = b->size;
    const char *at = c->raw.at, *end = at + c->raw.size, *quote;
    while ((quote = memchr(at, '"', (size_t)(end - at)))) {
        if (!buffer_add(b, at, (size_t)(quote + 1 - at)))
            return false;
        at = quote + 2;
    }
    if (!buffer_add(b, at, (size_t)(end - at)))
        return false;
    *text = (span){b->at + start, b->size - start};
    return true;
}

static bool read_cells(piece *p, const cell *c, int columns, bool *plain)
{
    static const int NAMES[] = {0, 1, 2, 4, 5, 6, 11, 22, 25};
    fields f = {
        .place = -1, .logged = c[0].raw, .user = c[1].raw, .database = c[2].raw, .client = c[4].raw, .session = c[5].raw,
        .line = c[6].raw, .severity = c[11].raw, .application = columns > 22 ? c[22].raw : (span){"", 0},
        .query_id = columns > 25 ? c[25].raw : (span){"", 0},
    };
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++)
        if (NAMES[i] < columns && c[NAMES[i]].doubled)
            f.severity.size = 0; /* a name with a quote: left to SQL */
    p->said.size = 0;
    if (!buffer_room(&p->said, c[13].raw.size + c[14].raw.size) || !text_of(&c[13], &p->said, &f.message)
        || !text_of(&c[14], &p->said, &f.detail))
        return false;
    return record_read(p, &f, plain);
}

bool plain_csv(piece *p, const char *bytes, size_t size, int columns)
{
    const char *i = bytes, *end = bytes + size;
    cell cells[COLUMNS];
    if (columns < 15 || columns > COLUMNS)
        return false;
    while (i < end) {
        const char *start = i;
        int count = 0;
        char divider = ',';
        for (; divider == ','; count++) {
            if (count == columns)
                return false;
            if (i < end && *i == ',') /* most cells are empty */
                cells[count] = (cell){{i++, 0}, false};
            else if (!read_cell(&i, end, &cells[count], &divider))
                return false;
        }
        bool plain = false;
        if (count != columns || !read_cells(p, cells, columns, &plain))
            return false;
        if (!plain && !record_leave(p, (span){start, (size_t)(i - start)}))
            return false;
    }
    return true;
}
