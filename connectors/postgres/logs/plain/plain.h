/* Reads the plain records of PostgreSQL's logs: statements with their durations, in SQL of everyday shape.
 *
 * What is not plain beyond doubt is left to the SQL of `records.py`, `literals.py` and `sessions.py`, which say what a
 * record means; here the same is computed for what can be read without them. A function that returns false has met
 * what only SQL reads, or found no memory; then SQL reads the whole piece.
 */
#ifndef PLAIN_H
#define PLAIN_H

#include "stream.h"

/* What is known of a statement's text without its values. */
typedef struct {
    bool plain;
    bool limited, cut_off;   /* LIMIT or OFFSET takes a value, which stands in the text */
    char skipped[2][16];     /* "$2 = ": the parameters that LIMIT and OFFSET take */
    char transaction;        /* 'b' begins one, 'e' ends it */
} text_facts;

enum { NO_WORD, ZONE, USER, DATABASE, APPLICATION, CLIENT, SESSION, QUERY_ID, COMMENT, UNIT, TEXT, WORDS };

/* What becomes of a record: an execution; a step or an open transaction that the next piece begins with; a record of
 * SQL's table, which is told what belongs to it. */
enum { EVENT = 1, CARRIED = 2, LINKED = 4 };

typedef struct {
    int64_t logged;      /* microseconds since 1970, as printed */
    int64_t line;
    int64_t took;        /* microseconds of its own */
    int64_t extra;       /* microseconds of parse and bind; -1: none */
    int64_t opened;      /* the line of its transaction's BEGIN; -1: none */
    int64_t row;         /* its row in SQL's table; -1: read here */
    int64_t lone;        /* microseconds of a parse or bind that no execution follows; -1: it is none */
    int32_t word[WORDS];
    char kind;           /* of records.py; 0: left to SQL */
    char transaction;
    bool waits, opens;
    uint8_t fate;
    char digest[16], distinct[16]; /* digest[0] 0: none */
    int32_t tags;        /* how many */
} record;

typedef struct {
    span key, value;     /* in a comment */
} tag;

enum { TAGS_AT_MOST = 16, KEY_AT_MOST = 64, SECOND_SIZE = 19, ZONE_AT_MOST = 12 };

typedef struct {
    char text[256];
    size_t size;
    bool numbered;       /* tells a record's line */
} prefix;

typedef struct {
    record *records;
    size_t count, room;
    size_t carried;      /* the last records: what the piece before left open */
    const int64_t *shifts; /* microseconds east of Greenwich, of each zone */
    words words[WORDS];
    text_facts *texts;
    size_t text_room;
    buffer rest;         /* the records left to SQL, as they are */
    size_t left;         /* how many they are */
    strings keys, values; /* of all tags */
    buffer said, replaced, shortened;
    char key[KEY_AT_MOST]; /* of the digests */
    size_t key_size;
    int64_t latest;      /* the latest time of the zone at hand */
    char latest_zone[ZONE_AT_MOST];
    size_t latest_zone_size;
    bool turned_back;    /* the clock went back */
    source *streams;
    prefix prefix;       /* of stderr's lines */
    int64_t lines;       /* of stderr, so far */
    char second[SECOND_SIZE]; /* as last printed */
    int64_t seconds;     /* the same, since 1970 */
} piece;

/* What the formats find in a record. Strings are as the server wrote them. */
typedef struct {
    span logged, user, database, application, client, session, line, severity, message, detail, query_id;
    bool of_seconds;     /* the time is one without a fraction */
    int64_t place;       /* in the piece, of a record that has no line */
} fields;

record *piece_record(piece *p);              /* a new one, all zero; NULL: no memory */
bool record_read(piece *p, const fields *f, bool *plain);
bool record_leave(piece *p, span raw);       /* to SQL */
bool read_statement(piece *p, record *r, span said, span bound);
const char *text_replace(span said, char *out, size_t *size);
text_facts text_judge(span text);
const char *limit_end(span text, const char *i);
bool read_tags(piece *p, record *r, span comment, bool *plain);

/* The functions called from Python, see `__init__.py`. */
typedef struct {
    int64_t records, left, events, lone, lone_took, zones;
    bool turned_back;
} summary;

piece *plain_open(const char *key, size_t size);
void plain_clear(piece *p);
void plain_close(piece *p);
bool plain_csv(piece *p, const char *bytes, size_t size, int columns);
bool plain_stderr(piece *p, const char *bytes, size_t size, const char *prefix_text);
bool plain_prefix(piece *p, const char *text);
bool plain_json(piece *p, const char *bytes, size_t size);
summary plain_summary(const piece *p);
span plain_rest(const piece *p);
span plain_zone(const piece *p, int code);
bool plain_others(piece *p, const char *rows, size_t size, size_t carried);
bool plain_link(piece *p, const int64_t *shifts, int64_t base, bool last);
struct ArrowArrayStream *plain_stream(piece *p, int fate); /* fate 0: the texts */

bool parse_number(span s, int64_t *value);
static inline bool is_word(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}
static inline bool may_limit(char c)
{
    return (c | 32) == 'l' || (c | 32) == 'o';
}
static inline bool is_blank(unsigned char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\f' || c == '\r';
}

#endif
