/* jsonlog: one object a line, of strings, numbers and nothing else (documentation, section 20.8.5). */
#include "plain.h"

#include <string.h>

enum { TIMESTAMP, USER_NAME, DBNAME, HOST, PORT, SESSION_ID, LINE_NUM, SEVERITY, MESSAGE, DETAIL, APPLICATION_NAME,
       QUERY, FIELDS };

static const struct {
    const char *name;
    bool number;
} FIELD[FIELDS] = {
    [TIMESTAMP] = {"timestamp", false}, [USER_NAME] = {"user", false}, [DBNAME] = {"dbname", false},
    [HOST] = {"remote_host", false}, [PORT] = {"remote_port", true}, [SESSION_ID] = {"session_id", false},
    [LINE_NUM] = {"line_num", true}, [SEVERITY] = {"error_severity", false}, [MESSAGE] = {"message", false},
    [DETAIL] = {"detail", false}, [APPLICATION_NAME] = {"application_name", false}, [QUERY] = {"query_id", true},
};

typedef struct {
    const char *at, *end;
} cursor;

static bool skip(cursor *c, char sign)
{
    while (c->at < c->end && (*c->at == ' ' || *c->at == '\t'))
        c->at++;
    if (c->at == c->end || *c->at != sign)
        return false;
    c->at++;
    return true;
}

/* The string at the cursor, as it is written; `escaped`: with backslashes. */
static bool read_string(cursor *c, span *s, bool *escaped)
{
    if (!skip(c, '"'))
        return false;
    *escaped = false;
    s->at = c->at;
    for (; c->at < c->end && *c->at != '"'; c->at++) {
        if ((unsigned char)*c->at < 32)
            return false;
        if (*c->at == '\\') {
            *escaped = true;
            if (++c->at == c->end)
                return false;
        }
    }
    if (c->at == c->end)
        return false;
    s->size = (size_t)(c->at++ - s->at);
    return true;
}

static bool read_number(cursor *c, span *s)
{
    s->at = c->at;
    while (c->at < c->end && ((*c->at >= '0' && *c->at <= '9') || (c->at == s->at && *c->at == '-')))
        c->at++;
    s->size = (size_t)(c->at - s->at);
    return s->size > 0 && s->size < 20 && (s->size == 1 || s->at[0] != '0') && s->at[s->size - 1] != '-'
           && !(s->size > 2 && s->at[0] == '-' && s->at[1] == '0');
}

/* Put the text of `s` behind what is in `b`. False: it has escapes that are not read here. */
static bool unescape(span s, buffer *b, span *text)
{
    char *out = b->at + b->size, *start = out;
    for (const char *i = s.at, *end = i + s.size; i < end; i++) {
        if (*i != '\\') {
            *out++ = *i;
            continue;
        }
        switch (*++i) {
        case 'n': *out++ = '\n'; break;
        case 't': *out++ = '\t'; break;
        case '"': case '\\': case '/': *out++ = *i; break;
        default: return false;
        }
    }
    *text = (span){start, (size_t)(out - start)};
    b->size += text->size;
    return true;
}

static int field_of(span name)
{
    for (int f = 0; f < FIELDS; f++)
        if (strlen(FIELD[f].name) == name.size && !memcmp(FIELD[f].name, name.at, name.size))
            return f;
    return FIELDS;
}

/* One member of the object; `b` has room. False: the record is not plain. */
static bool read_member(cursor *c, span *found, buffer *b)
{
    span name, value = {"", 0};
    bool escaped = false, number = false;
    if (!read_string(c, &name, &escaped) || escaped || !skip(c, ':'))
        return false;
    while (c->at < c->end && *c->at == ' ')
        c->at++;
    int field = field_of(name);
    if (c->at == c->end)
        return false;
    if (*c->at == '"') {
        if (!read_string(c, &value, &escaped))
            return false;
    } else if (c->end - c->at > 4 && !memcmp(c->at, "null", 4)) {
        c->at += 4;
        return field == FIELDS || !found[field].at;
    } else {
        number = true;
        if (!read_number(c, &value))
            return false;
    }
    if (field == FIELDS)
        return true;
    if (found[field].at || number != FIELD[field].number || (escaped && field != MESSAGE && field != DETAIL))
        return false;
    found[field] = value;
    return !escaped || unescape(value, b, &found[field]);
}

static bool read_object(cursor c, span *found, buffer *b)
{
    if (!skip(&c, '{'))
        return false;
    do {
        if (!read_member(&c, found, b))
            return false;
    } while (skip(&c, ','));
    return skip(&c, '}') && c.at == c.end;
}

static bool read_line(piece *p, span line, bool *plain)
{
    span found[FIELDS] = {{NULL, 0}};
    p->said.size = 0;
    if (!buffer_room(&p->said, line.size * 2))
        return false;
    if (!read_object((cursor){line.at, line.at + line.size}, found, &p->said))
        found[SEVERITY].size = 0; /* left to SQL */
    span client = found[HOST];
    if (found[PORT].at) {
        char *start = p->said.at + p->said.size;
        if (client.size)
            memcpy(start, client.at, client.size);
        start[client.size] = ':';
        memcpy(start + client.size + 1, found[PORT].at, found[PORT].size);
        client = (span){found[HOST].at ? start : "", found[HOST].at ? client.size + 1 + found[PORT].size : 0};
    }
    fields f = {
        .place = -1, .logged = found[TIMESTAMP], .user = found[USER_NAME], .database = found[DBNAME],
        .application = found[APPLICATION_NAME], .client = client, .session = found[SESSION_ID],
        .line = found[LINE_NUM], .severity = found[SEVERITY], .message = found[MESSAGE], .detail = found[DETAIL],
        .query_id = found[QUERY],
    };
    return record_read(p, &f, plain);
}

bool plain_json(piece *p, const char *bytes, size_t size)
{
    const char *i = bytes, *end = bytes + size;
    while (i < end) {
        const char *line = memchr(i, '\n', (size_t)(end - i));
        bool plain = false;
        if (!line || !read_line(p, (span){i, (size_t)(line - i)}, &plain))
            return false;
        if (!plain && !record_leave(p, (span){i, (size_t)(line + 1 - i)}))
            return false;
        i = line + 1;
    }
    return true;
}
