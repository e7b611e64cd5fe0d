/* What an operation asks, see `written_out` in `fields.py`, and its digests, see `questions.sql`. */
#include "slow.h"

/* `"name":`, after a comma where something stands before it. */
static bool put_name(buffer *out, span name)
{
    return (out->at[out->size - 1] == '{' || put(out, ",")) && put(out, "\"") && buffer_add(out, name.at, name.size)
           && put(out, "\":");
}

static bool put_string(buffer *out, span text)
{
    for (size_t i = 0; i < text.size; i++)
        if (text.at[i] == '"' || text.at[i] == '\\' || (unsigned char)text.at[i] < 32)
            return false; /* SQL escapes it */
    return put(out, "\"") && buffer_add(out, text.at, text.size) && put(out, "\"");
}

/* `db`: where the namespace does not tell it. */
static bool write(buffer *out, const node *const *parts, span collection, const node *db)
{
    static const span DATABASE = NAME("$db");
    if (!put(out, "{") || (collection.size && (!put_name(out, PART[FIND_AND_MODIFY]) || !put_string(out, collection))))
        return false;
    for (int part = 0; part < PARTS; part++)
        if (parts[part] && (!put_name(out, PART[part]) || !put_json(out, parts[part])))
            return false;
    return (!db || (put_name(out, DATABASE) && put_json(out, db))) && put(out, "}");
}

/* Whether a limit or a place in the result stands at `i`, and where its number ends. */
static const char *place_end(const char *i, const char *end)
{
    const char *start = ++i;
    i += i < end && *i == '$';
    bool limit = end - i > 7 && !memcmp(i, "limit\":", 7), skip = end - i > 6 && !memcmp(i, "skip\":", 6);
    if (!limit && !skip)
        return NULL;
    i += limit ? 7 : 6;
    i += *i == '-';
    start = i;
    while (i < end && *i >= '0' && *i <= '9')
        i++;
    return i > start ? i : NULL;
}

/* Whether anything in the line is called so. */
static bool names_place(const tape *t)
{
    for (size_t n = 0; n < t->count; n++) {
        span key = t->nodes[n].key;
        if (key.size >= 4 && key.size <= 6 && (is_text(key, "limit") || is_text(key, "$limit") || is_text(key, "skip")
                                                || is_text(key, "$skip")))
            return true;
    }
    return false;
}

/* What is asked without the place in its result, behind what is in `out`. */
static bool without_place(span asked, buffer *out)
{
    const char *i = asked.at, *end = i + asked.size;
    if (!buffer_room(out, asked.size))
        return false;
    while (i < end) {
        const char *quote = memchr(i, '"', (size_t)(end - i)), *after = quote ? place_end(quote, end) : NULL;
        const char *until = after ? quote : quote ? quote + 1 : end;
        buffer_add(out, i, (size_t)(until - i));
        i = after ? after : until;
    }
    return true;
}

/* The first number behind the first limit. */
static void set_limit(operation *o, span asked)
{
    const char *end = asked.at + asked.size, *i = find(asked, "limit\":");
    if (!i || o->flag[HAS_Q] || find(asked, "$lookup"))
        return;
    i += 7;
    const char *other = find((span){i, (size_t)(end - i)}, "limit\":");
    end = other ? other : end;
    while (i < end && (*i < '0' || *i > '9'))
        i++;
    int64_t value = 0;
    int digits = 0;
    for (; i < end && *i >= '0' && *i <= '9' && digits < 19; i++, digits++)
        value = value * 10 + (*i - '0');
    if (digits && digits < 19)
        o->number[LIMIT_ASKED] = value;
}

static bool set_place(piece *p, operation *o, span asked)
{
    set_limit(o, asked);
    p->shortened.size = 0;
    if (!buffer_add(&p->shortened, p->key, p->key_size) || !without_place(asked, &p->shortened))
        return false;
    md5_16(p->shortened.at, p->shortened.size, o->keyed);
    return true;
}

/* The first of its skeleton is an example. */
static bool set_skeleton(piece *p, operation *o, span asked)
{
    int32_t code = o->word[SKELETON] = words_code(&p->words[SKELETON], (span){p->skeleton.at, p->skeleton.size});
    if (code < 0 || (size_t)code <= p->example_count)
        return code > 0;
    example *examples = with_room(p->examples, p->example_count, &p->example_room, sizeof *examples);
    if (!examples)
        return false;
    p->examples = examples;
    char digits[DIGITS];
    uint64_t question = 0;
    md5_16(p->skeleton.at, p->skeleton.size, digits);
    for (int i = 0; i < DIGITS; i++)
        question = question << 4 | (uint64_t)(digits[i] <= '9' ? digits[i] - '0' : digits[i] - 'a' + 10);
    if (!list_add(&p->asked_first, asked.at, asked.size))
        return false;
    p->examples[p->example_count++] = (example){question, (int64_t)(o - p->operations)};
    return true;
}

bool asked_read(piece *p, operation *o, const node *const *parts, const node *db)
{
    span ns = words_at(&p->words[NS], o->word[NS]), collection = {NULL, 0};
    span name = words_at(&p->words[OPERATION], o->word[OPERATION]);
    const char *dot = memchr(ns.at, '.', ns.size);
    if (!parts[FIND_AND_MODIFY] && is_text(name, "findAndModify") && dot)
        collection = (span){dot + 1, (size_t)(ns.at + ns.size - dot - 1)};
    bool told = db && db->kind == '"' && ns.size > db->text.size && ns.at[db->text.size] == '.'
                && !memcmp(ns.at, db->text.at, db->text.size);
    db = told ? NULL : db;
    p->asked.size = p->skeleton.size = 0;
    if (!buffer_add(&p->asked, p->key, p->key_size) || !write(&p->asked, parts, collection, db))
        return false;
    span asked = {p->asked.at + p->key_size, p->asked.size - p->key_size};
    md5_16(p->asked.at, p->asked.size, o->given);
    if (names_place(&p->tape) && !set_place(p, o, asked))
        return false;
    return buffer_add(&p->skeleton, name.at, name.size) && put(&p->skeleton, "\n")
           && buffer_add(&p->skeleton, ns.at, ns.size) && put(&p->skeleton, "\n")
           && (!db || put_json(&p->skeleton, db)) && skeleton_write(&p->tape, parts, &p->skeleton)
           && set_skeleton(p, o, asked);
}
