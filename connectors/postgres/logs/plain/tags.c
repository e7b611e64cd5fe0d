/* The tags in a comment just as sqlcommenter writes it, see `tags.py`. */
#include "plain.h"

#include <string.h>

static int hex(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
}

/* Cut key='value',key='value'. How many there are; 0: it is written in another way. */
static int cut(span s, tag *tags)
{
    const char *i = s.at, *end = s.at + s.size;
    for (int count = 0; count < TAGS_AT_MOST;) {
        tag *t = &tags[count++];
        t->key.at = i;
        while (i < end && (is_word((unsigned char)*i) || *i == '.' || *i == '-'))
            i++;
        t->key.size = (size_t)(i - t->key.at);
        if (!t->key.size || end - i < 2 || i[0] != '=' || i[1] != '\'')
            return 0;
        t->value.at = i += 2;
        while (i < end && *i != '\'' && *i != '\\')
            i++;
        t->value.size = (size_t)(i - t->value.at);
        if (i == end || *i++ != '\'')
            return 0;
        for (tag *other = tags; other < t; other++)
            if (other->key.size == t->key.size && !memcmp(other->key.at, t->key.at, t->key.size))
                return 0;
        if (i == end)
            return count;
        if (*i++ != ',')
            return 0;
    }
    return 0;
}

/* Undo the percent escapes. False: they stand for other than printed ASCII. */
static bool decode(span s, buffer *b, bool *plain)
{
    if (!buffer_room(b, s.size))
        return false;
    const char *i = s.at, *end = s.at + s.size;
    char *out = b->at + b->size;
    while (i < end) {
        int value = (unsigned char)*i++;
        if (value == '%') {
            int high = end - i >= 2 ? hex(i[0]) : -1, low = high >= 0 ? hex(i[1]) : -1;
            value = high * 16 + low;
            if (high < 2 || high > 7 || low < 0 || value == 127)
                *plain = false;
            i += low >= 0 ? 2 : 0;
        }
        *out++ = (char)value;
    }
    b->size = (size_t)(out - b->at);
    return true;
}

/* Give `r` the tags of a comment; `plain`: whether they could be read. False: no memory. */
bool read_tags(piece *p, record *r, span comment, bool *plain)
{
    tag tags[TAGS_AT_MOST];
    *plain = false;
    if (comment.size < 8 || comment.at[comment.size - 1] != '/')
        return true;
    int count = cut((span){comment.at + 2, comment.size - 4}, tags);
    if (!count)
        return true;
    p->shortened.size = 0;
    *plain = true;
    for (int t = 0; t < count; t++) {
        size_t start = p->shortened.size;
        if (!decode(tags[t].value, &p->shortened, plain))
            return false;
        tags[t].value.size = p->shortened.size - start;
    }
    const char *value = p->shortened.at;
    for (int t = 0; *plain && t < count; t++) {
        if (!list_add(&p->keys, tags[t].key.at, tags[t].key.size) || !list_add(&p->values, value, tags[t].value.size))
            return false;
        value += tags[t].value.size;
    }
    r->tags = *plain ? count : 0;
    return true;
}
