/* What a record says, as `records.py` tells it. */
#include "plain.h"

#include <string.h>

enum { NAME_AT_MOST = 100 };

record *piece_record(piece *p)
{
    record *records = with_room(p->records, p->count, &p->room, sizeof *records);
    if (!records)
        return NULL;
    p->records = records;
    record *r = &p->records[p->count++];
    memset(r, 0, sizeof *r);
    r->extra = r->opened = r->row = r->lone = -1;
    return r;
}

bool record_leave(piece *p, span raw)
{
    p->left++;
    return buffer_add(&p->rest, raw.at, raw.size);
}

bool parse_number(span s, int64_t *value)
{
    if (!s.size || s.size > 18)
        return false;
    *value = 0;
    for (size_t i = 0; i < s.size; i++) {
        if (s.at[i] < '0' || s.at[i] > '9')
            return false;
        *value = *value * 10 + (s.at[i] - '0');
    }
    return true;
}

static bool parse_two(const char *at, int *value, int least, int most)
{
    if (at[0] < '0' || at[0] > '9' || at[1] < '0' || at[1] > '9')
        return false;
    *value = (at[0] - '0') * 10 + (at[1] - '0');
    return *value >= least && *value <= most;
}

/* Days since 1970 in the Gregorian calendar, from the days of years that begin in March. */
static int64_t days(int year, int month, int day)
{
    year -= month <= 2;
    int era = year / 400, of_era = year - era * 400;
    int of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return (int64_t)era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

/* The seconds since 1970 of "2026-01-01 00:00:00". */
static bool parse_second(const char *at, int64_t *seconds)
{
    static const char FORM[SECOND_SIZE + 1] = "dddd-dd-dd dd:dd:dd";
    static const int LENGTH[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int century, of_century, month, day, hour, minute, second;
    for (size_t i = 0; i < SECOND_SIZE; i++)
        if (FORM[i] != 'd' && at[i] != FORM[i])
            return false;
    if (!parse_two(at, &century, 19, 29) || !parse_two(at + 2, &of_century, 0, 99) || !parse_two(at + 5, &month, 1, 12)
        || !parse_two(at + 8, &day, 1, 31) || !parse_two(at + 11, &hour, 0, 23) || !parse_two(at + 14, &minute, 0, 59)
        || !parse_two(at + 17, &second, 0, 59))
        return false;
    int year = century * 100 + of_century;
    bool leap = (year % 4 == 0 && year % 100) || year % 400 == 0;
    if (day > LENGTH[month - 1] + (month == 2 && leap))
        return false;
    *seconds = ((days(year, month, day) * 24 + hour) * 60 + minute) * 60 + second;
    return true;
}

/* "2026-01-01 00:00:00.000 UTC", or without a fraction. Many records share a second. */
static bool parse_stamp(piece *p, const fields *f, int64_t *logged, span *zone)
{
    span s = f->logged;
    size_t size = f->of_seconds ? SECOND_SIZE + 1 : SECOND_SIZE + 5;
    int64_t thousandths = 0;
    if (s.size <= size || s.size > size + ZONE_AT_MOST || s.at[size - 1] != ' ')
        return false;
    if (!f->of_seconds && (s.at[SECOND_SIZE] != '.' || !parse_number((span){s.at + SECOND_SIZE + 1, 3}, &thousandths)))
        return false;
    if (memcmp(p->second, s.at, SECOND_SIZE)) {
        if (!parse_second(s.at, &p->seconds))
            return false;
        memcpy(p->second, s.at, SECOND_SIZE);
    }
    for (size_t i = size; i < s.size; i++)
        if (!is_word((unsigned char)s.at[i]) && !strchr("+-:", s.at[i]))
            return false;
    *logged = p->seconds * 1000000 + thousandths * 1000;
    *zone = (span){s.at + size, s.size - size};
    return true;
}

static bool starts(span s, const char *with)
{
    size_t size = strlen(with);
    return s.size >= size && !memcmp(s.at, with, size);
}

static span behind(span s, size_t size)
{
    return (span){s.at + size, s.size - size};
}

/* "duration: 0.123 ms  ": its microseconds, and what follows. */
static bool parse_duration(span message, int64_t *took, span *said)
{
    if (!starts(message, "duration: "))
        return false;
    span s = behind(message, 10);
    size_t whole = 0, parts = 0;
    while (whole < s.size && whole < 12 && s.at[whole] >= '0' && s.at[whole] <= '9')
        whole++;
    if (!parse_number((span){s.at, whole}, took))
        return false;
    *took *= 1000;
    s = behind(s, whole);
    if (starts(s, ".")) {
        s = behind(s, 1);
        for (int64_t unit = 100; parts < s.size && s.at[parts] >= '0' && s.at[parts] <= '9'; parts++, unit /= 10) {
            if (!unit)
                return false;
            *took += unit * (s.at[parts] - '0');
        }
        s = behind(s, parts);
    }
    if (!starts(s, " ms  "))
        return false;
    *said = behind(s, 5);
    return true;
}

/* The kind of a record that says `said` after its duration, and the statement. 0: left to SQL. */
static char kind_of(span said, span *statement)
{
    if (starts(said, "parse "))
        return 'P';
    if (starts(said, "bind "))
        return 'B';
    if (starts(said, "statement: ")) {
        *statement = behind(said, 11);
        return 'S';
    }
    if (!starts(said, "execute ") || starts(said, "execute fetc"))
        return 0;
    for (size_t i = 8; i + 1 < said.size && i < NAME_AT_MOST && (unsigned char)said.at[i] < 128; i++)
        if (said.at[i] == ':' && said.at[i + 1] == ' ') {
            *statement = behind(said, i + 2);
            return 'X';
        }
    return 0;
}

static bool coded(piece *p, record *r, const fields *f, span zone)
{
    const span found[] = {zone, f->user, f->database, f->application, f->client, f->session, f->query_id};
    for (int w = ZONE; w <= QUERY_ID; w++)
        if ((r->word[w] = words_code(&p->words[w], found[w - ZONE])) < 0)
            return false;
    return true;
}

/* Notice a clock that goes back by more than a second, which SQL has to report. A record may be no record after all. */
static void watch_clock(piece *p, int64_t logged, span zone)
{
    bool same = zone.size == p->latest_zone_size && !memcmp(zone.at, p->latest_zone, zone.size);
    if (!same || logged > p->latest) {
        p->latest = logged;
        p->latest_zone_size = zone.size;
        memcpy(p->latest_zone, zone.at, zone.size);
    } else if (logged < p->latest - 1000000) {
        p->turned_back = true;
    }
}

/* Read a record; `plain` says whether it could be read here. False: no memory. */
bool record_read(piece *p, const fields *f, bool *plain)
{
    span zone = {NULL, 0}, said = zone, statement = zone, bound = zone;
    int64_t logged, line = f->place, took = 0;
    char kind = 0;
    bool stamped = parse_stamp(p, f, &logged, &zone);
    bool known = stamped && starts(f->severity, "LOG") && f->severity.size == 3 && f->session.size
                 && (f->place >= 0 || parse_number(f->line, &line)) && parse_duration(f->message, &took, &said);
    record *r = piece_record(p);
    if (!r)
        return false;
    if (stamped)
        watch_clock(p, logged, zone);
    r->line = line;
    if (known)
        kind = kind_of(said, &statement);
    *plain = kind != 0;
    if (!kind)
        return true;
    r->kind = kind;
    r->logged = logged;
    r->line = line;
    r->took = took;
    if (kind == 'S' || kind == 'X') {
        if (starts(f->detail, "parameters: $") || starts(f->detail, "Parameters: $"))
            bound = f->detail;
        if (!read_statement(p, r, statement, bound))
            return false;
        *plain = r->kind != 0;
        if (!*plain)
            return true;
    }
    return coded(p, r, f, zone);
}
