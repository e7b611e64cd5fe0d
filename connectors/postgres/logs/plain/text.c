/* A statement without its values, as `literals.skeleton` and `literals.without_values` make it of everyday SQL, its
 * comment, and its digests, as `events.py` makes them. */
#include "plain.h"

#include <stdlib.h>
#include <string.h>

enum { COPIED, LETTER, DIGIT, QUOTE, NAME, DOLLAR, SLASH, MINUS, DOT, REFUSED };

static const unsigned char CLASS[256] = {
    [0 ... 8] = REFUSED, [11 ... 31] = REFUSED, [127 ... 255] = REFUSED, /* also letters that are none for RE2 */
    ['a' ... 'z'] = LETTER, ['A' ... 'Z'] = LETTER, ['_'] = LETTER, ['0' ... '9'] = DIGIT,
    ['\''] = QUOTE, ['"'] = NAME, ['$'] = DOLLAR, ['/'] = SLASH, ['-'] = MINUS, ['.'] = DOT, ['\\'] = REFUSED,
};

/* Behind the string that begins at `i`, whose quotes may be doubled; NULL: it is not closed, or has what may be a
 * comment, an escape, or the end of our separators. */
static const char *string_end(const char *i, const char *end)
{
    for (i++; i < end; i++) {
        unsigned char c = (unsigned char)*i;
        if (c == '\'') {
            if (i + 1 == end || i[1] != '\'')
                return i + 1;
            i++;
        } else if (c == '\\' || (c < 32 && c != '\n' && c != '\t')) {
            return NULL;
        } else if ((c == '-' && i + 1 < end && i[1] == '-') || (c == '/' && i + 1 < end && i[1] == '*')) {
            return NULL;
        }
    }
    return NULL;
}

static const char *name_end(const char *i, const char *end)
{
    if (++i == end || CLASS[(unsigned char)*i] != LETTER)
        return NULL;
    while (i < end && is_word((unsigned char)*i))
        i++;
    return i < end && *i == '"' ? i + 1 : NULL;
}

static const char *number_end(const char *i, const char *end)
{
    while (i < end) {
        if ((*i == 'e' || *i == 'E') && i + 1 < end && (i[1] == '+' || i[1] == '-'))
            i += 2;
        else if (is_word((unsigned char)*i) || *i == '.')
            i++;
        else
            break;
    }
    return i;
}

/* Whether from `i` on there is one comment, the statement's end, as sqlcommenter writes it. */
static bool is_last_comment(const char *i, const char *end)
{
    const char *last = end;
    while (last > i && (last[-1] == ' ' || last[-1] == ';' || last[-1] == '\n' || last[-1] == '\t'))
        last--;
    if (last - i < 4 || last[-1] != '/' || last[-2] != '*')
        return false;
    for (const char *at = i + 2; at < end; at++) {
        unsigned char c = (unsigned char)*at;
        if (c < 32 && c != '\n' && c != '\t')
            return false;
        if (at + 1 < end && ((c == '-' && at[1] == '-') || (c == '/' && at[1] == '*')))
            return false;
    }
    return true;
}

/* Put the statement without values into `out`, of `said`'s size and more. Returns where the statement ends (a comment
 * begins); NULL: it is not plain. */
static const char *replace(span said, char *out, size_t *size)
{
    const char *i = said.at, *end = said.at + said.size, *next;
    char *o = out;
    while (i < end) {
        unsigned char c = (unsigned char)*i, before = i > said.at ? (unsigned char)i[-1] : ' ';
        switch (CLASS[c]) {
        case COPIED:
            *o++ = *i++;
            continue;
        case LETTER:
            do
                *o++ = *i++;
            while (i < end && is_word((unsigned char)*i));
            continue;
        case NAME:
            if (!(next = name_end(i, end)))
                return NULL;
            memcpy(o, i, (size_t)(next - i));
            o += next - i;
            i = next;
            continue;
        case DOLLAR:
            if (is_word(before) || i + 1 == end || i[1] < '1' || i[1] > '9')
                return NULL;
            do
                *o++ = *i++;
            while (i < end && *i >= '0' && *i <= '9');
            if (i < end && (is_word((unsigned char)*i) || *i == '$' || *i == '\''))
                return NULL;
            continue;
        case SLASH:
            if (i + 1 < end && i[1] == '*') {
                *size = (size_t)(o - out);
                return is_last_comment(i, end) ? i : NULL;
            }
            if (i + 1 == end || !(is_word((unsigned char)i[1]) || i[1] == ' ' || i[1] == '('))
                return NULL;
            *o++ = *i++;
            continue;
        case MINUS:
            if (i + 1 == end || strchr("\"'\\$/-", i[1]))
                return NULL;
            *o++ = *i++;
            continue;
        case DOT:
            if (i + 1 == end || i[1] < '0' || i[1] > '9') {
                *o++ = *i++;
                continue;
            }
            if (is_word(before) || before == '"' || before == '\'')
                return NULL;
            next = number_end(i, end);
            break;
        case DIGIT:
            if (before == '\'' || before == '.')
                return NULL;
            next = number_end(i, end);
            break;
        case QUOTE:
            if (is_word(before) || before == '&' || !(next = string_end(i, end)))
                return NULL;
            break;
        default:
            return NULL;
        }
        if (next < end && *next == '\'') /* values that touch */
            return NULL;
        *o++ = '$';
        *o++ = '0';
        i = next;
    }
    *size = (size_t)(o - out);
    return end;
}

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

static bool may_limit(char c) { return (c | 32) == 'l' || (c | 32) == 'o'; }

/* Behind `limit` or `offset` and blanks at `i`, as a word of its own; NULL: there is none. */
static const char *limit_end(span text, const char *i)
{
    const char *end = text.at + text.size, *word = (*i | 32) == 'l' ? "limit" : "offset";
    if ((i > text.at && is_word((unsigned char)i[-1])))
        return NULL;
    for (; *word; word++, i++)
        if (i == end || (*i | 32) != *word)
            return NULL;
    const char *blanks = i;
    while (i < end && is_blank((unsigned char)*i))
        i++;
    return i > blanks && i < end ? i : NULL;
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

static bool is_of_types(const char *word, size_t size)
{
    static const char *const TYPES[] = {
        "numeric", "decimal", "dec", "varchar", "varying", "char", "character", "bpchar", "bit", "varbit", "float",
        "timestamp", "timestamptz", "time", "timetz", "interval"};
    for (size_t t = 0; t < sizeof TYPES / sizeof *TYPES; t++) {
        size_t i = 0;
        while (i < size && TYPES[t][i] == (word[i] | 32))
            i++;
        if (i == size && !TYPES[t][i])
            return true;
    }
    return false;
}

/* Whether a type's modifier was taken for values: numeric($0, $0). */
static bool has_modifier(span text)
{
    for (size_t i = 0; i + 2 < text.size; i++) {
        if (text.at[i] != '(')
            continue;
        size_t value = i + 1, last = i;
        while (value < text.size && is_blank((unsigned char)text.at[value]))
            value++;
        while (last && is_blank((unsigned char)text.at[last - 1]))
            last--;
        size_t first = last;
        while (first && is_word((unsigned char)text.at[first - 1]))
            first--;
        if (value < text.size && text.at[value] == '$' && is_of_types(text.at + first, last - first))
            return true;
    }
    return false;
}

static bool begins(span text, const char *word)
{
    size_t size = strlen(word);
    if (text.size < size)
        return false;
    for (size_t i = 0; i < size; i++)
        if ((text.at[i] >= 'a' && text.at[i] <= 'z' ? text.at[i] - 32 : text.at[i]) != word[i])
            return false;
    return true;
}

/* Whether ROLLBACK goes back to a savepoint. */
static bool is_rollback_to(span text)
{
    for (size_t i = 0; i + 1 < text.size; i++)
        if ((text.at[i] | 32) == 't' && (text.at[i + 1] | 32) == 'o'
            && (i + 2 == text.size || !is_word((unsigned char)text.at[i + 2])) && is_blank((unsigned char)text.at[i - 1]))
            return true;
    return false;
}

text_facts text_judge(span text)
{
    static const char *const OTHERS[] = {"DECLA", "FETCH", "MOVE", "EXECU", "PREPA"};
    text_facts facts = {.plain = !has_modifier(text)};
    for (size_t i = 0; i < sizeof OTHERS / sizeof *OTHERS; i++)
        if (begins(text, OTHERS[i]))
            facts.plain = false;
    if (begins(text, "BEGIN") || begins(text, "START"))
        facts.transaction = 'b';
    else if (begins(text, "ABORT") || begins(text, "END") || begins(text, "COMMI"))
        facts.transaction = 'e';
    else if (begins(text, "ROLLB") && !is_rollback_to(text))
        facts.transaction = 'e';
    if (facts.transaction == 'b' && memchr(text.at, ';', text.size))
        facts.plain = false;
    const char *end = text.at + text.size;
    int parameters = 0;
    for (const char *i = text.at; i < end; i++) {
        const char *value = may_limit(*i) ? limit_end(text, i) : NULL, *last = value ? value + 1 : NULL;
        if (!value || *value != '$')
            continue;
        facts.limited = true;
        facts.cut_off = facts.cut_off || (last < end && *last == '0');
        while (last < end && *last >= '0' && *last <= '9')
            last++;
        if (value[1] == '0' || parameters == 2)
            continue;
        if (last - value > 10) {
            facts.plain = false;
            continue;
        }
        memcpy(facts.skipped[parameters], value, (size_t)(last - value));
        strcpy(facts.skipped[parameters++] + (last - value), " = ");
    }
    return facts;
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
    const char *end = replace(said, p->replaced.at, &text.size);
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
    if ((size_t)texts->count > p->text_room) {
        size_t room = p->text_room * 2 + 256;
        text_facts *more = realloc(p->texts, room * sizeof *more);
        if (!more)
            return false;
        p->texts = more;
        p->text_room = room;
    }
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
