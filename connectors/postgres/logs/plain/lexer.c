/* A statement without its values, as `literals.skeleton` and `literals.without_values` make it of everyday SQL. */
#include "plain.h"

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
const char *text_replace(span said, char *out, size_t *size)
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
