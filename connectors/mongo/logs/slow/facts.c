/* Facts of a line, see `fields.py`. */
#include "slow.h"

bool set_word(piece *p, operation *o, int which, span text)
{
    return (o->word[which] = words_code(&p->words[which], text)) >= 0;
}

bool set_text(piece *p, operation *o, int which, const node *n)
{
    if (!n || n->kind == 'n')
        return true;
    if (!n->escaped && n->kind != '{' && n->kind != '[')
        return set_word(p, o, which, n->text);
    p->scratch.size = 0;
    return text_add(&p->scratch, n) && set_word(p, o, which, (span){p->scratch.at, p->scratch.size});
}

/* False: it is no whole number, which SQL converts. */
bool set_number(operation *o, int which, const node *n)
{
    if (!n || n->kind == 'n')
        return true;
    bool negative = n->kind == '0' && n->text.at[0] == '-';
    if (n->kind != '0' || n->text.size > 18)
        return false;
    int64_t value = 0;
    for (size_t i = negative; i < n->text.size; i++) {
        if (n->text.at[i] < '0' || n->text.at[i] > '9')
            return false;
        value = value * 10 + (n->text.at[i] - '0');
    }
    o->number[which] = negative ? -value : value;
    return true;
}

static bool digits_at(const char *at, int count, int64_t *value)
{
    *value = 0;
    for (int i = 0; i < count; i++) {
        if (at[i] < '0' || at[i] > '9')
            return false;
        *value = *value * 10 + (at[i] - '0');
    }
    return true;
}

/* Days since 1970 of a date of the Gregorian calendar (H. Hinnant, "chrono-Compatible Low-Level Date Algorithms"). */
static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
    year -= month <= 2;
    int64_t era = year / 400, of_era = year - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

/* "2026-11-21T12:14:24.341+00:00", as mongod writes it. False: anything else, which SQL reads. */
bool set_time(operation *o, const node *n)
{
    if (!n)
        return true;
    int64_t year, month, day, hour, minute, second, fraction = 0, east_hours = 0, east_minutes = 0;
    const char *i = n->text.at, *end = i + n->text.size;
    if (n->kind != '"' || n->escaped || end - i < 20 || !digits_at(i, 4, &year) || i[4] != '-'
        || !digits_at(i + 5, 2, &month) || i[7] != '-' || !digits_at(i + 8, 2, &day) || i[10] != 'T'
        || !digits_at(i + 11, 2, &hour) || i[13] != ':' || !digits_at(i + 14, 2, &minute) || i[16] != ':'
        || !digits_at(i + 17, 2, &second) || year < 1970 || month < 1 || month > 12 || day < 1
        || day > (month == 2 ? 28 + (year % 4 == 0) : 30 + (month == 1 || month == 3 || month == 5 || month == 7
                                                           || month == 8 || month == 10 || month == 12))
        || hour > 23 || minute > 59 || second > 59)
        return false;
    i += 19;
    if (end - i > 4 && *i == '.') {
        if (!digits_at(i + 1, 3, &fraction))
            return false;
        i += 4;
    }
    bool zulu = end - i == 1 && *i == 'Z', west = *i == '-';
    if (!zulu && (end - i != 6 || (*i != '+' && *i != '-') || !digits_at(i + 1, 2, &east_hours) || i[3] != ':'
                  || !digits_at(i + 4, 2, &east_minutes) || east_hours > 14 || east_minutes > 59))
        return false;
    int64_t east = (east_hours * 60 + east_minutes) * (west ? -1 : 1);
    int64_t minutes = (days_of(year, month, day) * 24 + hour) * 60 + minute - east;
    o->number[ENDED] = (minutes * 60 + second) * 1000000 + fraction * 1000;
    return true;
}
