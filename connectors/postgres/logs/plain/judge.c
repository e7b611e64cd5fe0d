/* What a statement's text without its values tells, see `texts.py` and `sessions.py`. */
#include "plain.h"

#include <string.h>

/* Behind `limit` or `offset` and blanks at `i`, as a word of its own; NULL: there is none. */
const char *limit_end(span text, const char *i)
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
