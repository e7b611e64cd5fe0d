/* What belongs together inside a session, as `sessions.py` finds it where no statement is logged before it ran: parse
 * and bind belong to the execution after them, everything between BEGIN and COMMIT to one transaction. */
#include "plain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OPEN_AT_MOST = 20000 };

/* Where a record stands; `index` is negative for those that the piece before left open. */
typedef struct {
    int64_t line, index;
} place;

static int compared(const void *a, const void *b)
{
    const place *x = a, *y = b;
    if (x->line != y->line)
        return x->line < y->line ? -1 : 1;
    return x->index < y->index ? -1 : x->index > y->index;
}

static record *at(piece *p, const place *where)
{
    return &p->records[where->index < 0 ? where->index + (int64_t)p->count : where->index];
}

static bool is_one_of(char kind, const char *kinds)
{
    return kind && strchr(kinds, kind);
}

/* The number before the next blank; -1 for a minus. */
static bool next_number(const char **i, const char *end, int64_t *value)
{
    const char *blank = memchr(*i, ' ', (size_t)(end - *i));
    if (!blank)
        return false;
    span s = {*i, (size_t)(blank - *i)};
    *i = blank + 1;
    *value = -1;
    return (s.size == 1 && *s.at == '-') || parse_number(s, value);
}

/* One row of SQL's table: kind, transaction, microseconds, line and session, divided by blanks. Of the kinds that
 * belong together in other ways than those here, SQL reads the piece. */
static bool read_other(piece *p, record *r, bool carried, const char *i, const char *end)
{
    if (end - i < 4 || i[1] != ' ' || i[3] != ' ' || !is_one_of(i[0], "SXFPBEOT"))
        return false;
    r->kind = i[0];
    r->transaction = i[2] == '-' ? 0 : i[2];
    i += 4;
    int64_t line;
    if (!next_number(&i, end, &r->took) || !next_number(&i, end, &line) || r->took < 0 || line < 0)
        return false;
    if (carried || !p->lines || p->prefix.numbered)
        r->line = line;
    r->word[SESSION] = words_code(&p->words[SESSION], (span){i, (size_t)(end - i)});
    return r->word[SESSION] > 0;
}

/* Learn what SQL has read: a line for each row, first those `carried` over from the piece before, then the records
 * left to it here. */
bool plain_others(piece *p, const char *rows, size_t size, size_t carried)
{
    const char *i = rows, *end = rows + size;
    size_t row = 0, here = 0, count = p->count;
    for (; i < end; row++) {
        const char *line = memchr(i, '\n', (size_t)(end - i));
        if (!line)
            return false;
        record *r;
        if (row < carried) {
            r = piece_record(p);
            if (!r)
                return false;
        } else {
            while (here < count && p->records[here].kind)
                here++;
            if (here == count)
                return false;
            r = &p->records[here++];
        }
        r->row = (int64_t)row;
        if (!read_other(p, r, row < carried, i, line))
            return false;
        i = line + 1;
    }
    p->carried = carried;
    return row == carried + p->left;
}

/* Put the records that can belong together in order: by session, and in it by line. */
static place *ordered(piece *p, size_t *firsts, size_t sessions)
{
    place *places = malloc((p->count + 1) * sizeof *places);
    if (!places)
        return NULL;
    for (size_t i = 0; i < p->count; i++)
        if (!is_one_of(p->records[i].kind, "OAa?"))
            firsts[p->records[i].word[SESSION] + 1]++;
    for (size_t s = 0; s < sessions; s++)
        firsts[s + 1] += firsts[s];
    size_t here = p->count - p->carried;
    for (size_t n = 0; n < p->count; n++) {
        size_t i = n < p->carried ? here + n : n - p->carried;
        const record *r = &p->records[i];
        if (!is_one_of(r->kind, "OAa?"))
            places[firsts[r->word[SESSION]]++] = (place){r->line, i < here ? (int64_t)i : (int64_t)i - (int64_t)p->count};
    }
    memmove(firsts + 1, firsts, sessions * sizeof *firsts);
    firsts[0] = 0;
    for (size_t s = 0; s < sessions; s++)
        for (size_t i = firsts[s] + 1; i < firsts[s + 1]; i++)
            if (places[i].line < places[i - 1].line) {
                qsort(places + firsts[s], firsts[s + 1] - firsts[s], sizeof *places, compared);
                break;
            }
    return places;
}

static bool name_unit(piece *p, record *r)
{
    char line[24];
    span session = words_at(&p->words[SESSION], r->word[SESSION]);
    int digits = snprintf(line, sizeof line, "/%lld", (long long)r->opened);
    p->said.size = 0;
    if (!buffer_add(&p->said, session.at, session.size) || !buffer_add(&p->said, line, (size_t)digits))
        return false;
    r->word[UNIT] = words_code(&p->words[UNIT], (span){p->said.at, p->said.size});
    return r->word[UNIT] >= 0;
}

/* The records of one session in their order. */
static bool link_session(piece *p, const place *places, size_t size, bool last)
{
    int64_t open = -1;
    for (size_t i = 0; i < size; i++) {
        record *r = at(p, &places[i]);
        const record *before = i ? at(p, &places[i - 1]) : NULL;
        char next = i + 1 < size ? at(p, &places[i + 1])->kind : 0;
        char second = i + 2 < size ? at(p, &places[i + 2])->kind : 0;
        if (before && before->kind == 'P')
            r->extra = before->took;
        else if (before && before->kind == 'B')
            r->extra = before->took + (i > 1 && at(p, &places[i - 2])->kind == 'P' ? at(p, &places[i - 2])->took : 0);
        r->opened = r->transaction == 'b' ? r->line : open;
        open = r->transaction == 'b' ? r->line : r->transaction == 'e' ? -1 : open;
        bool parsed_and_bound = r->kind == 'P' && next == 'B';
        r->waits = (is_one_of(r->kind, "PB") && !next) || (parsed_and_bound && !second);
        char after = parsed_and_bound ? second : next;
        if (is_one_of(r->kind, "PB") && (after ? is_one_of(after, "PBSs") : last))
            r->lone = r->took;
        r->opens = !next && r->opened >= 0 && (r->transaction != 'e' || r->waits);
        r->fate = r->row >= 0 ? LINKED : is_one_of(r->kind, "SX") ? EVENT : 0;
        if ((r->fate & EVENT) && r->opened >= 0 && !name_unit(p, r))
            return false;
    }
    return true;
}

/* Find what belongs together, once all records are known; `base`: the number of the piece's first line, where records
 * have none; `last`: no piece follows. */
bool plain_link(piece *p, const int64_t *shifts, int64_t base, bool last)
{
    p->shifts = shifts;
    for (size_t i = 0; p->lines && !p->prefix.numbered && i < p->count - p->carried; i++)
        p->records[i].line += base;
    size_t sessions = (size_t)p->words[SESSION].count;
    size_t *firsts = calloc(sessions + 2, sizeof *firsts);
    place *places = firsts ? ordered(p, firsts, sessions) : NULL;
    bool linked = places;
    for (size_t s = 0; linked && s < sessions; s++)
        linked = link_session(p, places + firsts[s], firsts[s + 1] - firsts[s], last);
    free(places);
    free(firsts);
    size_t open = 0;
    for (size_t n = p->count; linked && n-- > 0;) { /* those last heard of; the carried ones are the first */
        size_t here = p->count - p->carried;
        record *r = &p->records[n < p->carried ? here + n : n - p->carried];
        r->opens = r->opens && open++ < OPEN_AT_MOST;
        if (r->row < 0 && (r->waits || r->opens))
            r->fate |= CARRIED;
    }
    return linked;
}
