/* A line's JSON (RFC 8259) as a tape of values that stay where they are written. */
#include "slow.h"

#include <stdlib.h>
#include <string.h>

enum { DEEPEST = 250, LONGEST = 1 << 22 }; /* of lines in bytes; SQL reads what is longer or deeper */

/* Each of these takes the place it begins at, and returns the place behind what it has read; NULL: that is no JSON. */
typedef struct {
    const char *end;
    node *nodes;
    int32_t count;
} reader;

static inline const char *skip_blanks(const char *at, const char *end)
{
    while (at < end && (*at == ' ' || *at == '\t' || *at == '\r'))
        at++;
    return at;
}

static int hex_of(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
}

/* The four digits of a \u escape; -1: they are none. */
static int unit_of(const char *at, const char *end)
{
    int unit = 0;
    for (int i = 0; i < 4; i++) {
        if (at + i >= end || hex_of(at[i]) < 0)
            return -1;
        unit = unit << 4 | hex_of(at[i]);
    }
    return unit;
}

static const char *read_escape(const char *at, const char *end)
{
    if (++at == end)
        return NULL;
    if (*at != 'u')
        return memchr("\"\\/bfnrt", *at, 8) ? at + 1 : NULL;
    int unit = unit_of(++at, end);
    if (unit < 0 || (unit >= 0xdc00 && unit < 0xe000))
        return NULL;
    at += 4;
    if (unit < 0xd800 || unit >= 0xe000)
        return at;
    if (end - at < 6 || at[0] != '\\' || at[1] != 'u')
        return NULL;
    unit = unit_of(at + 2, end);
    return unit >= 0xdc00 && unit < 0xe000 ? at + 6 : NULL;
}

/* A character of several bytes (RFC 3629). */
static const char *read_wide(const char *at, const char *end)
{
    unsigned char first = (unsigned char)*at;
    int more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : 1;
    if (first < 0xc2 || first > 0xf4 || end - at <= more)
        return NULL;
    unsigned char second = (unsigned char)at[1];
    if ((first == 0xe0 && second < 0xa0) || (first == 0xed && second > 0x9f) || (first == 0xf0 && second < 0x90)
        || (first == 0xf4 && second > 0x8f))
        return NULL;
    for (int i = 1; i <= more; i++)
        if (((unsigned char)at[i] & 0xc0) != 0x80)
            return NULL;
    return at + more + 1;
}

/* Which of eight bytes are zero, for certain the first (H. S. Warren, "Hacker's Delight", 6-1). */
static inline uint64_t zeros(uint64_t bytes) { return (bytes - 0x0101010101010101u) & ~bytes & 0x8080808080808080u; }

/* The next character that needs a look: not ASCII, a control character, a quote or a backslash. */
static inline const char *skip_plain(const char *at, const char *end)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    for (uint64_t bytes, look; end - at >= 8; at += 8) {
        memcpy(&bytes, at, 8);
        look = zeros(bytes ^ 0x2222222222222222u) | zeros(bytes ^ 0x5c5c5c5c5c5c5c5cu)
               | ((bytes - 0x2020202020202020u) & ~bytes & 0x8080808080808080u) | (bytes & 0x8080808080808080u);
        if (look)
            return at + __builtin_ctzll(look) / 8;
    }
#endif
    while (at < end && (signed char)*at >= 32 && *at != '"' && *at != '\\')
        at++;
    return at;
}

/* A string behind its first quote. */
static inline const char *read_string(const char *at, const char *end, span *text, bool *escaped)
{
    text->at = at;
    for (at = skip_plain(at, end); at && at < end && *at != '"'; at = at ? skip_plain(at, end) : NULL) {
        *escaped = *escaped || *at == '\\';
        at = *at == '\\' ? read_escape(at, end) : (unsigned char)*at & 0x80 ? read_wide(at, end) : NULL;
    }
    if (!at || at == end)
        return NULL;
    text->size = (size_t)(at - text->at);
    return at + 1;
}

static const char *skip_digits(const char *at, const char *end)
{
    while (at < end && *at >= '0' && *at <= '9')
        at++;
    return at;
}

static const char *read_number(const char *at, const char *end)
{
    at += *at == '-';
    const char *start = at;
    at = skip_digits(at, end);
    if (at == start || (*start == '0' && at - start > 1))
        return NULL;
    if (at < end && *at == '.') {
        start = ++at;
        at = skip_digits(at, end);
        if (at == start)
            return NULL;
    }
    if (at < end && (*at | 32) == 'e') {
        at++;
        at += at < end && (*at == '+' || *at == '-');
        start = at;
        at = skip_digits(at, end);
        return at == start ? NULL : at;
    }
    return at;
}

static const char *read_word(const char *at, const char *end, const char *word, size_t size)
{
    return (size_t)(end - at) >= size && !memcmp(at, word, size) ? at + size : NULL;
}

static const char *read_value(reader *r, const char *at, span key, int depth);

/* The children of an object or array, behind its first sign and blanks. */
static const char *read_children(reader *r, const char *at, bool named, int depth)
{
    const char *end = r->end;
    for (int32_t before = 0;;) {
        span key = {NULL, 0};
        if (named) {
            bool escaped = false;
            at = skip_blanks(at, end);
            if (at == end || *at != '"' || !(at = read_string(at + 1, end, &key, &escaped)))
                return NULL;
            at = skip_blanks(at, end);
            if (at == end || *at++ != ':')
                return NULL;
        }
        if (before)
            r->nodes[before].next = r->count;
        before = r->count;
        if (!(at = read_value(r, at, key, depth)))
            return NULL;
        at = skip_blanks(at, end);
        if (at == end)
            return NULL;
        if (*at != ',')
            return *at == (named ? '}' : ']') ? at + 1 : NULL;
        at++;
    }
}

static const char *read_value(reader *r, const char *at, span key, int depth)
{
    const char *end = r->end, *start = at = skip_blanks(at, end);
    if (at == end || depth == DEEPEST)
        return NULL;
    node *n = &r->nodes[r->count++];
    n->key = key;
    n->next = 0;
    n->kind = *at;
    n->escaped = n->is_empty = false;
    switch (*at) {
    case '"': return read_string(at + 1, end, &n->text, &n->escaped);
    case '{':
    case '[':
        at = skip_blanks(at + 1, end);
        n->is_empty = at < end && *at == (n->kind == '{' ? '}' : ']');
        at = n->is_empty ? at + 1 : read_children(r, at, n->kind == '{', depth + 1);
        break;
    case 't': at = read_word(at, end, "true", 4); break;
    case 'f': at = read_word(at, end, "false", 5); break;
    case 'n': at = read_word(at, end, "null", 4); break;
    default:
        n->kind = '0';
        at = read_number(at, end);
    }
    if (at)
        n->text = (span){start, (size_t)(at - start)};
    return at;
}

int tape_read(tape *t, span line)
{
    size_t most = line.size / 2 + 1; /* a value and what parts it from the next */
    if (line.size > LONGEST)
        return NOT_READ;
    if (t->room < most) {
        node *nodes = realloc(t->nodes, most * sizeof *nodes);
        if (!nodes)
            return NOT_READ;
        t->nodes = nodes;
        t->room = most;
    }
    reader r = {line.at + line.size, t->nodes, 0};
    const char *at = read_value(&r, line.at, (span){NULL, 0}, 0);
    t->count = (size_t)r.count;
    return at && skip_blanks(at, r.end) == r.end ? JSON : NOT_JSON;
}

const node *tape_child(const node *of)
{
    return of && (of->kind == '{' || of->kind == '[') && !of->is_empty ? of + 1 : NULL;
}

const node *tape_next(const tape *t, const node *of) { return of->next ? &t->nodes[of->next] : NULL; }

const node *tape_member(const tape *t, const node *of, span name)
{
    if (!of || of->kind != '{')
        return NULL;
    for (const node *n = tape_child(of); n; n = tape_next(t, n))
        if (is_same(n->key, name))
            return n->kind == 'n' ? NULL : n;
    return NULL;
}

/* Put a character's UTF-8 behind what is in `out`, which has room. */
static void put_wide(buffer *out, unsigned code)
{
    char *at = out->at + out->size;
    int more = code < 0x80 ? 0 : code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    at[0] = (char)(more ? (0xff00 >> (more + 1) & 0xff) | code >> 6 * more : code);
    for (int i = 1; i <= more; i++)
        at[i] = (char)(0x80 | (code >> 6 * (more - i) & 0x3f));
    out->size += (size_t)more + 1;
}

static bool unescaped_add(buffer *out, span text)
{
    if (!buffer_room(out, text.size + 4))
        return false;
    for (const char *i = text.at, *end = i + text.size; i < end;) {
        if (*i != '\\') {
            out->at[out->size++] = *i++;
            continue;
        }
        if (i[1] != 'u') {
            const char *from = "bfnrt", *known = strchr(from, i[1]);
            out->at[out->size++] = known ? "\b\f\n\r\t"[known - from] : i[1];
            i += 2;
            continue;
        }
        unsigned code = (unsigned)unit_of(i + 2, end);
        i += 6;
        if (code >= 0xd800 && code < 0xe000) {
            code = 0x10000 + ((code & 0x3ff) << 10 | ((unsigned)unit_of(i + 2, end) & 0x3ff));
            i += 6;
        }
        put_wide(out, code);
    }
    return true;
}

/* JSON without blanks. */
static bool json_add(buffer *out, span text)
{
    if (!buffer_room(out, text.size))
        return false;
    bool inside = false;
    for (const char *i = text.at, *end = i + text.size; i < end; i++) {
        if (!inside && (*i == ' ' || *i == '\t' || *i == '\r'))
            continue;
        out->at[out->size++] = *i;
        if (inside && *i == '\\')
            out->at[out->size++] = *++i;
        else if (*i == '"')
            inside = !inside;
    }
    return true;
}

bool text_add(buffer *out, const node *n)
{
    if (n->kind != '"')
        return json_add(out, n->text);
    return n->escaped ? unescaped_add(out, n->text) : buffer_add(out, n->text.at, n->text.size);
}

bool put_json(buffer *out, const node *n)
{
    if (n->kind != '"')
        return json_add(out, n->text);
    return put(out, "\"") && buffer_add(out, n->text.at, n->text.size) && put(out, "\"");
}

const char *find(span text, const char *what)
{
    size_t size = strlen(what);
    for (const char *i = text.at, *end = i + text.size; (size_t)(end - i) >= size; i++)
        if (!(i = memchr(i, what[0], (size_t)(end - i) - size + 1)) || !memcmp(i, what, size))
            return i;
    return NULL;
}
