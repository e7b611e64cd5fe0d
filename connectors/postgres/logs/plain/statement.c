/* A statement's text, comment and digests, as `records.py` and `events.py` make them. */
#include "plain.h"

#include <string.h>

static bool is_loose(span s)
{
    return s.size && (strchr("; \n\t", s.at[s.size - 1]) || strchr(" \n\t", s.at[0]));
}

static span trimmed(span s)
{
    while (s.size && strchr(" ;\n\r\t", *s.at))
        s.at++, s.size--;
    while (s.size && strchr(" ;\n\r\t", s.at[s.size - 1]))
        s.size--;
    return s;
}

static bool without_limit(span text, buffer *out)
{
    const char *kept = text.at, *end = text.at + text.size;
    for (const char *i = text.at; i < end; i++) {
        const char *number = may_limit(*i) ? limit_end(text, i) : NULL, *last = number;
        while (last && last < end && *last >= '0' && *last <= '9')
            last++;
        if (last > number) {
            if (!buffer_add(out, kept, (size_t)(i - kept)))
                return false;
            kept = last;
            i = last - 1;
        }
    }
    return buffer_add(out, kept, (size_t)(end - kept));
}

static const char *found(const char *at, const char *end, const char *word)
{
    size_t size = strlen(word);
    while ((size_t)(end - at) >= size && (at = memchr(at, *word, (size_t)(end - at) - size + 1))) {
        if (!memcmp(at, word, size))
            return at;
        at++;
    }
    return NULL;
}

/* The parameter list at the end of `b`, from `from` on, without the parameter that begins with `start`. */
static void without_parameter(buffer *b, size_t from, const char *start)
{
    char *end = b->at + b->size, *place = *start ? (char *)found(b->at + from, end, start) : NULL;
    if (!place)
        return;
    const char *next = found(place + 1, end, ", $");
    size_t left = next ? (size_t)(end - next) : 0;
    if (left)
        memmove(place, next, left);
    b->size = (size_t)(place - b->at) + left;
}

static bool digested(piece *p, record *r, const text_facts *facts, span values, span bound)
{
    buffer *b = &p->shortened;
    b->size = 0;
    bool whole = buffer_add(b, p->key, p->key_size) && buffer_add(b, values.at, values.size)
                 && buffer_add(b, "\x1f", 1) && buffer_add(b, bound.at, bound.size);
    if (!whole)
        return false;
    md5_16(b->at, b->size, r->digest);
    memcpy(r->distinct, r->digest, sizeof r->distinct);
    if (!facts->limited)
        return true;
    b->size = p->key_size;
    if (facts->cut_off ? !without_limit(values, b) : !buffer_add(b, values.at, values.size))
        return false;
    if (!buffer_add(b, "\x1f", 1))
        return false;
    size_t from = b->size;
    if (!buffer_add(b, bound.at, bound.size))
        return false;
    without_parameter(b, from, facts->skipped[0]);
    without_parameter(b, from, facts->skipped[1]);
    md5_16(b->at, b->size, r->distinct);
    return true;
}

/* Give `r` its text, comment and digests. Its `kind` becomes 0 when `said` is not plain; false: no memory. */
bool read_statement(piece *p, record *r, span said, span bound)
{
    p->replaced.size = 0;
    if (!buffer_room(&p->replaced, said.size * 2 + 2))
        return false;
    span text = {p->replaced.at, 0}, body = {said.at, 0};
    const char *end = text_replace(said, p->replaced.at, &text.size);
    if (end) {
        body.size = (size_t)(end - said.at);
        if (is_loose(body))
            body = trimmed(body), text = trimmed(text);
    }
    if (!body.size) {
        r->kind = 0;
        return true;
    }
    words *texts = &p->words[TEXT];
    int32_t known = texts->count, code = words_code(texts, text);
    if (code < 0)
        return false;
    text_facts *judged = with_room(p->texts, (size_t)texts->count - 1, &p->text_room, sizeof *judged);
    if (!judged)
        return false;
    p->texts = judged;
    if (code == known)
        p->texts[code] = text_judge(text);
    const text_facts *facts = &p->texts[code];
    if (!facts->plain) {
        r->kind = 0;
        return true;
    }
    r->word[TEXT] = code;
    r->transaction = facts->transaction;
    span comment = {end, (size_t)(said.at + said.size - end)};
    bool tagged = !comment.size;
    if (!tagged && !read_tags(p, r, comment, &tagged))
        return false;
    if (!tagged && (r->word[COMMENT] = words_code(&p->words[COMMENT], comment)) < 0)
        return false;
    bool valued = text.size != body.size || memcmp(text.at, body.at, text.size);
    span values = valued ? body : (span){"", 0};
    return (!valued && !bound.at) || digested(p, r, facts, values, bound);
}
