/* stderr under a `log_line_prefix` (documentation, section 20.8.3): lines, whose own line feeds are joints already. What
 * follows a message (DETAIL, CONTEXT, …) stands right behind it. */
#include "plain.h"

#include <string.h>

static const char JOINT = '\x1e';

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

/* Learn a prefix. False: one like this is read by SQL only. */
bool plain_prefix(piece *p, const char *text)
{
    prefix *to = &p->prefix;
    size_t size = strlen(text);
    if (to->size == size && size && !memcmp(to->text, text, size))
        return true;
    if (!size || size >= sizeof to->text)
        return false;
    to->size = 0;
    to->numbered = false;
    for (size_t i = 0; i < size; i++) {
        if (text[i] != '%')
            continue;
        char what = i + 1 < size ? text[i + 1] : 0;
        bool name = what && strchr("uda", what);
        if (!what || !strchr("mtpluadrhceQxvq", what))
            return false;
        if (name && (i + 2 >= size || text[i + 2] == '%' || text[i + 2] == '\n'))
            return false;
        for (size_t before = 0; before < i; before++)
            if (text[before] == '%' && text[before + 1] == what)
                return false;
        to->numbered = to->numbered || what == 'l';
        i++;
    }
    memcpy(to->text, text, size);
    to->size = size;
    return true;
}

static size_t run(span s, const char *more)
{
    size_t i = 0;
    while (i < s.size && s.at[i] && (is_word((unsigned char)s.at[i]) || strchr(more, s.at[i])))
        i++;
    return i;
}

static size_t digits(span s)
{
    size_t i = 0;
    while (i < s.size && is_digit(s.at[i]))
        i++;
    return i;
}

/* The address at the beginning of `s`. SIZE_MAX: where it ends is not plain. */
static size_t address(span s, char following, bool with_port)
{
    static const char *const NAMED[] = {"[local]", "[unknown]"};
    for (int n = 0; n < 2; n++)
        if (s.size > strlen(NAMED[n]) && !memcmp(s.at, NAMED[n], strlen(NAMED[n])))
            return strlen(NAMED[n]);
    size_t size = run(s, ".:%/-");
    if (with_port && size && size < s.size && s.at[size] == '(') {
        size_t port = digits((span){s.at + size + 1, s.size - size - 1}), end = size + port + 2;
        return port && end <= s.size && s.at[end - 1] == ')' ? end : SIZE_MAX;
    }
    if (!size && s.size && s.at[0] == following)
        return 0;
    return is_word((unsigned char)following) || strchr(".:%/-", following) ? SIZE_MAX : size;
}

/* Behind the time zone at `start`. SIZE_MAX: there is none, or where it ends is not plain. */
static size_t zone_end(span s, size_t start, char following)
{
    size_t end = start;
    if (s.at[end] == '+' || s.at[end] == '-') {
        if (strchr(":+-", following) || is_word((unsigned char)following))
            return SIZE_MAX;
        for (end++; end < s.size && (is_digit(s.at[end]) || s.at[end] == ':');)
            end++;
        return end;
    }
    while (end < s.size && is_word((unsigned char)s.at[end]) && !is_digit(s.at[end]))
        end++;
    return end == start || is_word((unsigned char)following) ? SIZE_MAX : end;
}

/* How much of `s` the escape `what` takes. SIZE_MAX: it is not plain. */
static size_t taken(span s, char what, char following)
{
    size_t size = 0;
    switch (what) {
    case 'p': case 'l': case 'x':
        size = digits(s);
        return size ? size : SIZE_MAX;
    case 'Q':
        size = s.size && s.at[0] == '-';
        return digits((span){s.at + size, s.size - size}) ? size + digits((span){s.at + size, s.size - size}) : SIZE_MAX;
    case 'm': case 't':
        size = what == 'm' ? 24 : 20;
        if (s.size <= size)
            return SIZE_MAX;
        return zone_end(s, size, following);
    case 'c':
        return run(s, ".");
    case 'e':
        return run(s, "") == 5 ? 5 : SIZE_MAX;
    case 'v':
        return run(s, "/-");
    case 'r': case 'h':
        return address(s, following, what == 'r');
    default:
        while (size < s.size && s.at[size] != following)
            size++;
        return size;
    }
}

/* A line's parts; `after` is what it says, `severity` the word before it. */
typedef struct {
    fields fields;
    span pid, after;
} line_parts;

static bool is_severity(span s, span *severity)
{
    size_t size = run(s, "");
    if (!size || s.size < size + 3 || memcmp(s.at + size, ":  ", 3))
        return false;
    *severity = (span){s.at, size};
    for (size_t i = 0; i < size; i++)
        if ((s.at[i] < 'A' || s.at[i] > 'Z') && !is_digit(s.at[i]))
            return false;
    return true;
}

static bool read_prefix(const prefix *p, span line, line_parts *parts)
{
    fields *f = &parts->fields;
    for (size_t i = 0; i < p->size; i++) {
        if (p->text[i] != '%') {
            if (!line.size || line.at[0] != p->text[i])
                return false;
            line = (span){line.at + 1, line.size - 1};
            continue;
        }
        char what = p->text[++i], following = i + 1 < p->size ? p->text[i + 1] : 0;
        if (what == 'q') {
            if (is_severity(line, &f->severity))
                break;
            continue;
        }
        size_t size = taken(line, what, following);
        if (size == SIZE_MAX || size > line.size)
            return false;
        span found = {line.at, size};
        line = (span){line.at + size, line.size - size};
        switch (what) {
        case 'm': case 't': f->logged = found; f->of_seconds = what == 't'; break;
        case 'p': parts->pid = found; break;
        case 'l': f->line = found; break;
        case 'c': f->session = found; break;
        case 'u': f->user = found; break;
        case 'd': f->database = found; break;
        case 'a': f->application = found; break;
        case 'r': case 'h': f->client = found; break;
        case 'Q': f->query_id = found; break;
        default: break;
        }
    }
    if (!is_severity(line, &f->severity))
        return false;
    parts->after = (span){line.at + f->severity.size + 3, line.size - f->severity.size - 3};
    return true;
}

static bool is(span s, const char *word)
{
    return s.size == strlen(word) && !memcmp(s.at, word, s.size);
}

static span known(span name) { return is(name, "[unknown]") ? (span){"", 0} : name; }

/* What a line says, with its own line feeds. */
static span unjoined(span s, buffer *b)
{
    char *out = b->at + b->size;
    if (s.size)
        memcpy(out, s.at, s.size);
    for (char *i = out; (i = memchr(i, JOINT, (size_t)(out + s.size - i))); i++)
        *i = '\n';
    b->size += s.size;
    return (span){out, s.size};
}

/* host(port) as host:port */
static span client_of(span s, buffer *b)
{
    if (!s.size || s.at[s.size - 1] != ')')
        return known(s);
    char *out = b->at + b->size;
    memcpy(out, s.at, s.size - 1);
    *(char *)memchr(out, '(', s.size) = ':';
    b->size += s.size;
    return (span){out, s.size - 1};
}

/* Read a message with what follows it, the lines from `raw.at` on. */
static bool read_message(piece *p, line_parts *parts, span detail, span raw, int64_t place)
{
    fields *f = &parts->fields;
    bool plain = false;
    p->said.size = 0;
    if (!buffer_room(&p->said, raw.size + 16))
        return false;
    f->message = unjoined(parts->after, &p->said);
    f->detail = detail.at ? unjoined(detail, &p->said) : (span){"", 0};
    f->client = client_of(f->client, &p->said);
    f->user = known(f->user);
    f->database = known(f->database);
    f->application = known(f->application);
    if (!f->session.size)
        f->session = parts->pid;
    if (!p->prefix.numbered)
        f->place = place;
    return record_read(p, f, &plain) && (plain || record_leave(p, raw));
}

bool plain_stderr(piece *p, const char *bytes, size_t size, const char *prefix_text)
{
    const char *i = bytes, *end = bytes + size, *start = NULL;
    line_parts message = {0};
    span detail = {NULL, 0};
    int64_t place = 0;
    if (!plain_prefix(p, prefix_text))
        return false;
    for (; i < end; p->lines++) {
        const char *feed = memchr(i, '\n', (size_t)(end - i));
        line_parts parts = {.fields.place = -1};
        if (!feed || !read_prefix(&p->prefix, (span){i, (size_t)(feed - i)}, &parts))
            return false;
        span severity = parts.fields.severity;
        bool follows = is(severity, "DETAIL") || is(severity, "HINT") || is(severity, "QUERY") || is(severity, "CONTEXT")
                       || is(severity, "STATEMENT") || is(severity, "LOCATION") || is(severity, "BACKTRACE");
        if (follows) {
            span pid = parts.pid;
            if (!start || pid.size != message.pid.size || (pid.size && memcmp(pid.at, message.pid.at, pid.size)))
                return false;
            if (is(severity, "DETAIL")) {
                if (detail.at)
                    return false;
                detail = parts.after;
            }
        } else {
            if (start && !read_message(p, &message, detail, (span){start, (size_t)(i - start)}, place))
                return false;
            message = parts;
            detail = (span){NULL, 0};
            start = i;
            place = p->lines;
        }
        i = feed + 1;
    }
    return !start || read_message(p, &message, detail, (span){start, (size_t)(end - start)}, place);
}
