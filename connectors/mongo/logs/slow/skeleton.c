/* A command without its values: equal for commands whose canonical texts are equal, see `commands.py`. It may be finer
 * than these, which costs little, and never coarser. */
#include "slow.h"

/* Where values stand: in a filter all are constants, elsewhere strings name fields, and 0, 1 and -1 mean something. */
enum { FILTER_VALUE, EXPRESSION };
enum { MANY = 200, DIFFERENT = 8 }; /* see MAX_SCANS_TO_EXPLODE */

/* How a member is written, whatever holds it. */
static const struct {
    span key;
    enum { AS_IT_IS, PATTERN, AS_FILTER, AS_EXPRESSION, FIELD_NAMES, SHAPE } way;
} MEMBER[] = {
    {NAME("$regex"), PATTERN}, {NAME("pattern"), PATTERN}, {NAME("$options"), AS_IT_IS}, {NAME("options"), AS_IT_IS},
    {NAME("$type"), AS_IT_IS}, {NAME("$exists"), AS_IT_IS}, {NAME("$sort"), AS_IT_IS}, {NAME("$match"), AS_FILTER},
    {NAME("restrictSearchWithMatch"), AS_FILTER}, {NAME("$expr"), AS_EXPRESSION},
    {NAME("$geoWithin"), SHAPE}, {NAME("$geoIntersects"), SHAPE}, {NAME("$near"), SHAPE}, {NAME("$nearSphere"), SHAPE},
    {NAME("$within"), SHAPE}, {NAME("$jsonSchema"), SHAPE},
    {NAME("from"), FIELD_NAMES}, {NAME("localField"), FIELD_NAMES}, {NAME("foreignField"), FIELD_NAMES},
    {NAME("as"), FIELD_NAMES}, {NAME("connectFromField"), FIELD_NAMES}, {NAME("connectToField"), FIELD_NAMES},
    {NAME("coll"), FIELD_NAMES}, {NAME("into"), FIELD_NAMES}, {NAME("path"), FIELD_NAMES}, {NAME("db"), FIELD_NAMES},
    {NAME("locale"), FIELD_NAMES}, {NAME("includeArrayIndex"), FIELD_NAMES}, {NAME("distanceField"), FIELD_NAMES},
    {NAME("unit"), FIELD_NAMES}, {NAME("key"), FIELD_NAMES}, {NAME("newRoot"), FIELD_NAMES},
    {NAME("field"), FIELD_NAMES},
};

/* What extended JSON wraps one value in. */
static const span WRAPPERS[] = {
    NAME("$oid"), NAME("$date"), NAME("$numberLong"), NAME("$numberInt"), NAME("$numberDouble"), NAME("$numberDecimal"),
    NAME("$uuid"), NAME("$binary"), NAME("$timestamp"), NAME("$regularExpression"), NAME("$minKey"), NAME("$maxKey"),
    NAME("$symbol"), NAME("$code"), NAME("$dbPointer"), NAME("$undefined"),
};

static bool put_quoted(buffer *out, span text)
{
    return put(out, "\"") && buffer_add(out, text.at, text.size) && put(out, "\"");
}

/* A regular expression: A where an index can seek it, R where not, see ANCHORED in `commands.py`; in doubt as it is. */
static bool put_pattern(buffer *out, span text)
{
    const char *i = text.at, *end = i + text.size;
    if (i == end || *i++ != '^' || i == end)
        return put(out, "R");
    bool word = (*i >= '0' && *i <= '9') || ((*i | 32) >= 'a' && (*i | 32) <= 'z') || *i == '_';
    if ((unsigned char)*i >= 0x80 || *i == '\\')
        return put_quoted(out, text);
    if (!word)
        return put(out, "R");
    while (++i < end) {
        bool backslash = false; /* of the expression itself, which JSON writes as two */
        if (*i == '\\' && *++i == '\\' && (backslash = true, ++i < end) && *i == '\\')
            i++;
        if (i == end)
            return put(out, "R");
        if (*i == 'u' && i[-1] == '\\')
            return put_quoted(out, text);
        if (*i == '|' || (*i == '"' && (backslash || i[-1] == '\\')))
            return put(out, "R");
    }
    return put(out, "A");
}

static bool write_value(const tape *t, const node *n, int where, buffer *out);

static bool is_wrapped(const node *n)
{
    const node *first = n->kind == '{' ? tape_child(n) : NULL;
    for (size_t w = 0; first && w < sizeof WRAPPERS / sizeof *WRAPPERS; w++)
        if (is_same(first->key, WRAPPERS[w]))
            return true;
    return false;
}

/* Whether of many neighbours like this one only the kinds count. */
static bool is_constant(const node *n, int where)
{
    if (n->kind == '{')
        return is_wrapped(n);
    if (where == FILTER_VALUE)
        return n->kind != '[';
    bool meant = n->text.size == 1 ? *n->text.at == '0' || *n->text.at == '1' : is_text(n->text, "-1");
    return (n->kind == '"' && (!n->text.size || *n->text.at != '$')) || (n->kind == '0' && !meant);
}

static bool write_each(const tape *t, const node *n, int where, buffer *out)
{
    for (const node *c = tape_child(n); c; c = tape_next(t, c))
        if (!write_value(t, c, where, out) || !put(out, ","))
            return false;
    return true;
}

/* An array of constants: the different ones, and whether they are one, several or many. */
static bool write_kinds(const tape *t, const node *n, int where, buffer *out)
{
    size_t starts[DIFFERENT + 1], known = 0, count = 0, begin = out->size;
    for (const node *c = tape_child(n); c; c = tape_next(t, c), count++) {
        size_t start = starts[known] = out->size;
        if (!write_value(t, c, where, out) || !put(out, ","))
            return false;
        size_t size = out->size - start;
        for (size_t k = 0; k < known; k++)
            if (starts[k + 1] - starts[k] == size && !memcmp(out->at + starts[k], out->at + start, size)) {
                out->size = start;
                break;
            }
        if (out->size == start)
            continue;
        if (++known > DIFFERENT) {
            out->size = begin;
            return write_each(t, n, where, out);
        }
        starts[known] = out->size;
    }
    return put(out, count > MANY ? "*,*" : count > 1 ? "*" : "");
}

static bool write_array(const tape *t, const node *n, int where, buffer *out)
{
    bool constants = true;
    for (const node *c = tape_child(n); c && constants; c = tape_next(t, c))
        constants = is_constant(c, where);
    return put(out, "[") && (constants ? write_kinds : write_each)(t, n, where, out) && put(out, "]");
}

static bool write_member(const tape *t, const node *n, int where, buffer *out)
{
    if (!put_quoted(out, n->key) || !put(out, ":"))
        return false;
    for (size_t m = 0; m < sizeof MEMBER / sizeof *MEMBER; m++) {
        if (!is_same(n->key, MEMBER[m].key))
            continue;
        switch (MEMBER[m].way) {
        case AS_IT_IS: return put_json(out, n);
        case PATTERN: return n->kind == '"' ? put_pattern(out, n->text) : write_value(t, n, where, out);
        case AS_FILTER: return write_value(t, n, FILTER_VALUE, out);
        case AS_EXPRESSION: return write_value(t, n, EXPRESSION, out);
        case SHAPE: return where == FILTER_VALUE ? put(out, "_") : write_value(t, n, where, out);
        case FIELD_NAMES:
            return where == EXPRESSION && n->kind != '{' ? put_json(out, n) : write_value(t, n, where, out);
        }
    }
    return write_value(t, n, where, out);
}

static bool write_object(const tape *t, const node *n, int where, buffer *out)
{
    if (!put(out, "{"))
        return false;
    for (const node *c = tape_child(n); c; c = tape_next(t, c))
        if (!write_member(t, c, where, out) || !put(out, ","))
            return false;
    return put(out, "}");
}

static bool write_value(const tape *t, const node *n, int where, buffer *out)
{
    bool constant = is_constant(n, where);
    switch (n->kind) {
    case '{': return write_object(t, n, where, out);
    case '[': return write_array(t, n, where, out);
    case '"': return constant ? put(out, "S") : put_quoted(out, n->text);
    case '0': return constant ? put(out, "N") : buffer_add(out, n->text.at, n->text.size);
    case 'n': return put(out, "null");
    default: return constant ? put(out, "B") : buffer_add(out, n->text.at, n->text.size);
    }
}

/* What an update does: its operators with their fields; a pipeline; or a new document. */
static bool write_update(const tape *t, const node *n, buffer *out)
{
    if (n->kind != '{')
        return n->kind == '[' ? write_array(t, n, EXPRESSION, out) : put_json(out, n);
    for (const node *c = tape_child(n); c; c = tape_next(t, c)) {
        if (!c->key.size || *c->key.at != '$' || c->kind != '{')
            continue;
        if (!put_quoted(out, c->key) || !put(out, "{"))
            return false;
        for (const node *field = tape_child(c); field; field = tape_next(t, field))
            if (!put_quoted(out, field->key))
                return false;
        if (!put(out, "}"))
            return false;
    }
    return true;
}

bool skeleton_write(const tape *t, const node *const *parts, buffer *out)
{
    for (int part = 0; part < PARTS; part++) {
        const node *n = parts[part];
        bool written = true;
        if (!n)
            continue;
        if (!buffer_add(out, PART[part].at, PART[part].size) || !put(out, ":"))
            return false;
        if (part == QUERY || part == Q || part == FILTER)
            written = write_value(t, n, FILTER_VALUE, out);
        else if (part == PIPELINE || part == PROJECTION || part == FIELDS || part == LIMIT || part == SKIP)
            written = write_value(t, n, EXPRESSION, out);
        else if (part == U || part == UPDATE)
            written = write_update(t, n, out);
        else if (part != MIN && part != MAX && part != LET && part != ARRAY_FILTERS)
            written = put_json(out, n);
        if (!written)
            return false;
    }
    return true;
}
