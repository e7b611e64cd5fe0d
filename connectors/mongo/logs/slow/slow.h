/* Reads mongod's slow-query lines (manual, "Log Messages"): what `fields.py`, `operation.sql`, `questions.sql` and
 * `skeleton.py` do by SQL, with the same result but for the key that questions are grouped by.
 *
 * A function that returns false has met what only SQL reads, or found no memory; then SQL reads the whole piece.
 */
#ifndef SLOW_H
#define SLOW_H

#include "stream.h"

/* A value of a line's JSON. `kind`: '{', '[', '"', '0' (a number), 't', 'f' or 'n'. */
typedef struct {
    span key;      /* as written, of an object's member */
    span text;     /* as written; of a string, what is between its quotes */
    int32_t next;  /* its next sibling; 0: none */
    char kind;
    bool escaped;  /* a string with backslashes */
    bool is_empty; /* an object or array without a child; its first child follows it */
} node;

/* A line's values in the order of the text: the first is the whole. */
typedef struct {
    node *nodes;
    size_t count, room;
} tape;

#define NAME(text) {text, sizeof text - 1}
#define CALLED(text) ((span)NAME(text))

enum { NOT_JSON, JSON, NOT_READ }; /* the last: it is for SQL */

int tape_read(tape *t, span line);
const node *tape_child(const node *of); /* NULL: none */
const node *tape_next(const tape *t, const node *of);
const node *tape_member(const tape *t, const node *of, span name); /* the first so named, unless it is null */
static inline bool is_same(span one, span other)
{
    return one.size == other.size && (!one.size || (*one.at == *other.at && !memcmp(one.at, other.at, one.size)));
}
static inline bool is_text(span one, const char *text) { return is_same(one, (span){text, strlen(text)}); }
bool text_add(buffer *out, const node *n); /* a string without escapes, other values as JSON */
static inline bool put(buffer *out, const char *text) { return buffer_add(out, text, strlen(text)); }
bool put_json(buffer *out, const node *n); /* without blanks */
const char *find(span text, const char *what);

enum { NO_WORD, KIND_OF, NS, APPLICATION, PLAN_SUMMARY, HAS_SORT, USED_DISK, QUERY_HASH, CURSOR, EXHAUSTED, REMOTE,
       ERROR, BUILD, OPERATION, COMMENT, LSID, TRANSACTION, CHANNEL, REASON, SKELETON, WORDS };
enum { ENDED, MS, KEYS, DOCUMENTS, RETURNED, BYTES, INSERTED, KEYS_WRITTEN, MATCHED, DELETED, YIELDS, LOCKED, TICKETS,
       LIMIT_ASKED, NUMBERS };
enum { HAS_Q, HAS_MORE, IS_ENVELOPE, FLAGS };
enum { KEY_AT_MOST = 64 };
static const int64_t NO_NUMBER = INT64_MIN;

/* A row of the table `taken`. */
typedef struct {
    int64_t number[NUMBERS];
    int32_t word[WORDS];
    bool flag[FLAGS];
    char given[DIGITS], keyed[DIGITS]; /* [0] 0: none */
} operation;

/* What the first operation of a skeleton asked: a row of the table `example`. */
typedef struct {
    uint64_t question;
    int64_t place; /* of the operation */
} example;

typedef struct {
    operation *operations;
    size_t count, room;
    example *examples;
    size_t example_count, example_room;
    strings asked_first;
    words words[WORDS];
    tape tape;
    buffer scratch, asked, skeleton, shortened;
    char key[KEY_AT_MOST]; /* of the digests */
    size_t key_size;
    int64_t lines;         /* that hold anything */
    source *streams;
} piece;

/* The parts of a command that are asked about, in the order in which they are written out. */
enum { FIND, AGGREGATE, FIND_AND_MODIFY, COUNT, DISTINCT, INSERT, QUERY, Q, FILTER, PIPELINE, SORT, PROJECTION, LIMIT,
       SKIP, HINT, COLLATION, MIN, MAX, LET, FIELDS, KEY, U, UPDATE, REMOVE, MULTI, UPSERT, ARRAY_FILTERS, PARTS };
extern const span PART[];

bool set_word(piece *p, operation *o, int which, span text);
bool set_text(piece *p, operation *o, int which, const node *n);
bool set_number(operation *o, int which, const node *n);
bool set_time(operation *o, const node *n);
bool line_read(piece *p, span line);
bool asked_read(piece *p, operation *o, const node *const *parts, const node *db);
bool skeleton_write(const tape *t, const node *const *parts, buffer *out);

/* The functions called from Python, see `__init__.py`. */
piece *slow_open(const char *key, size_t size);
void slow_clear(piece *p);
void slow_close(piece *p);
bool slow_read(piece *p, const char *bytes, size_t size);
int64_t slow_lines(const piece *p);
int64_t slow_operations(const piece *p);
struct ArrowArrayStream *slow_stream(piece *p, int kind); /* 0: operations, 1: examples */

#endif
