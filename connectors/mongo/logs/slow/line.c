/* What a line tells of an operation, see `fields.py` and `operation.sql`. */
#include "slow.h"

/* Of `attr`: words from KIND_OF on, numbers from MS on, and what holds more. */
enum { COUNTS = ERROR, COMMAND = COUNTS + YIELDS - MS + 1, ORIGINATING, LOCKS, FLOW, BUILD_INFO, SHAPE_HASH,
       ATTRIBUTES };
static const span ATTRIBUTE[ATTRIBUTES] = {
    NAME("type"), NAME("ns"), NAME("appName"), NAME("planSummary"), NAME("hasSortStage"), NAME("usedDisk"),
    NAME("queryHash"), NAME("cursorid"), NAME("cursorExhausted"), NAME("remote"), NAME("errCode"),
    NAME("durationMillis"), NAME("keysExamined"), NAME("docsExamined"), NAME("nreturned"), NAME("reslen"),
    NAME("ninserted"), NAME("keysInserted"), NAME("nMatched"), NAME("ndeleted"), NAME("numYields"),
    NAME("command"), NAME("originatingCommand"), NAME("locks"), NAME("flowControl"), NAME("buildInfo"),
    NAME("planCacheShapeHash"),
};

/* Of a command: its parts, and what stands beside them. */
enum { DELETE = PARTS, GET_MORE, BULK_WRITE, UPDATE_MODS, AUTOCOMMIT, DB, SAID, TXN_NUMBER, SESSION, MEMBERS };
const span PART[MEMBERS] = {
    NAME("find"), NAME("aggregate"), NAME("findAndModify"), NAME("count"), NAME("distinct"), NAME("insert"),
    NAME("query"), NAME("q"), NAME("filter"), NAME("pipeline"), NAME("sort"), NAME("projection"), NAME("limit"),
    NAME("skip"), NAME("hint"), NAME("collation"), NAME("min"), NAME("max"), NAME("let"), NAME("fields"), NAME("key"),
    NAME("u"), NAME("update"), NAME("remove"), NAME("multi"), NAME("upsert"), NAME("arrayFilters"),
    NAME("delete"), NAME("getMore"), NAME("bulkWrite"), NAME("updateMods"), NAME("autocommit"), NAME("$db"),
    NAME("comment"), NAME("txnNumber"), NAME("lsid"),
};

/* Of the command that opened a getMore's cursor rather than of the getMore. */
static bool is_opening(int part) { return part <= AGGREGATE || (part >= FILTER && part <= LET); }

/* The members of `of` by these names, of each the first; those that are null are none. */
static void members_of(const tape *t, const node *of, const span *names, int count, const node **found)
{
    bool seen[MEMBERS] = {false};
    for (const node *n = of && of->kind == '{' ? tape_child(of) : NULL; n; n = tape_next(t, n))
        for (int name = 0; name < count; name++)
            if (is_same(n->key, names[name])) {
                if (!seen[name] && n->kind != 'n')
                    found[name] = n;
                seen[name] = true;
                break;
            }
}

/* The session's UUID without hyphens. False: one that SQL reads. */
static bool set_session(piece *p, operation *o, const node *lsid)
{
    const tape *t = &p->tape;
    const node *id = tape_member(t, lsid, CALLED("id")), *uuid = tape_member(t, id, CALLED("$uuid"));
    if (!uuid)
        return !tape_member(t, tape_member(t, id, CALLED("$binary")), CALLED("base64"));
    char digits[32];
    size_t size = 0;
    for (size_t i = 0; i < uuid->text.size; i++) {
        if (uuid->text.at[i] == '-')
            continue;
        if (size == sizeof digits || uuid->text.at[i] == '\\')
            return false;
        digits[size++] = uuid->text.at[i];
    }
    return uuid->kind == '"' && set_word(p, o, LSID, (span){digits, size});
}

static bool set_transaction(piece *p, operation *o, const node *automatic, const node *number)
{
    if (!automatic || automatic->kind != 'f' || !number)
        return true;
    const char *i = number->text.at, *end = i + number->text.size;
    while (i < end && (*i < '0' || *i > '9'))
        i++;
    const char *start = i;
    while (i < end && *i >= '0' && *i <= '9')
        i++;
    return set_word(p, o, TRANSACTION, (span){start, (size_t)(i - start)});
}

/* `bulk`: a statement of a bulkWrite (8.0), which names its namespace by its place among the command's. */
static const char *name_of(const node *const *m, bool bulk)
{
    if (bulk)
        return m[UPDATE] ? "update" : m[DELETE] ? "remove" : m[INSERT] ? "insert" : "";
    if (m[FIND])
        return "find";
    if (m[AGGREGATE])
        return "aggregate";
    /* An old shell writes findandmodify: its update is no collection's name. */
    if (m[FIND_AND_MODIFY] || (m[REMOVE] && m[REMOVE]->kind == 't') || (m[UPDATE] && m[UPDATE]->kind != '"'))
        return "findAndModify";
    return m[UPDATE] ? "update" : m[DELETE] ? "delete" : m[INSERT] ? "insert" : m[DISTINCT] ? "distinct"
           : m[COUNT] ? "count" : "";
}

static bool starts(span text, const char *with)
{
    return text.size >= strlen(with) && !memcmp(text.at, with, strlen(with));
}

static bool asks_the_server(span pipeline)
{
    static const char *const STAGES[] = {
        "\"$collStats\":", "\"$indexStats\":", "\"$currentOp\":", "\"$listSessions\":", "\"$planCacheStats\":",
        "\"$queryStats\":", "\"$changeStream\":",
    };
    for (size_t s = 0; s < sizeof STAGES / sizeof *STAGES; s++)
        if (find(pipeline, STAGES[s]))
            return true;
    return false;
}

/* Why an operation is left out; "": it is not. */
static const char *reason_of(const piece *p, const operation *o, const node *const *m, bool originates, bool cut)
{
#define TOLD(which) words_at(&p->words[which], o->word[which])
    span ns = TOLD(NS), application = TOLD(APPLICATION), name = TOLD(OPERATION);
    bool q = o->flag[HAS_Q];
    if (is_text(application, "query-advisor") || is_text(TOLD(COMMENT), "query-advisor"))
        return "the advisor's own";
    if (m[BULK_WRITE])
        return "write commands, whose statements have lines of their own";
    if (starts(ns, "admin.") || starts(ns, "config.") || starts(ns, "local.") || is_text(application, "OplogFetcher"))
        return "internal databases and replication (admin, config, local)";
    if (find(ns, ".system."))
        return find(ns, ".system.buckets.") ? "time-series buckets, which take no advice of this kind"
                                            : "system collections";
    if (cut)
        return "cut lines, whose command is not whole";
    if (q && (is_text(name, "update") || is_text(name, "remove") || is_text(name, "insert")))
        return "";
    if (o->flag[IS_ENVELOPE] || (q && ns.size >= 5 && !memcmp(ns.at + ns.size - 5, ".$cmd", 5)))
        return "write commands, whose statements have lines of their own";
    if (o->flag[HAS_MORE] && !originates)
        return "getMore without its originating command";
    if (!o->word[OPERATION]
        || (is_text(name, "aggregate") && m[PIPELINE] && asks_the_server(m[PIPELINE]->text)))
        return "server and monitoring commands";
    return "";
}

static operation *add(piece *p)
{
    operation *operations = with_room(p->operations, p->count, &p->room, sizeof *operations);
    if (!operations)
        return NULL;
    p->operations = operations;
    operation *o = &p->operations[p->count++];
    *o = (operation){0};
    for (int n = 0; n < NUMBERS; n++)
        o->number[n] = NO_NUMBER;
    return o;
}

static bool set_reason(piece *p, operation *o, const char *reason)
{
    return set_word(p, o, REASON, (span){reason, strlen(reason)});
}

static bool operation_read(piece *p, operation *o, const node *command, const node *originating, bool cut)
{
    const node *m[MEMBERS] = {NULL}, *opening[PARTS] = {NULL};
    members_of(&p->tape, command, PART, MEMBERS, m);
    members_of(&p->tape, originating, PART, PARTS, opening);
    for (int part = 0; part < PARTS; part++)
        if (opening[part] && is_opening(part))
            m[part] = opening[part];
    span kind = words_at(&p->words[KIND_OF], o->word[KIND_OF]);
    bool bulk = is_text(kind, "bulkWrite") && !m[BULK_WRITE];
    const char *name = name_of(m, bulk && !m[Q]);
    o->flag[HAS_Q] = m[Q] || bulk;
    o->flag[HAS_MORE] = m[GET_MORE];
    o->flag[IS_ENVELOPE] = m[BULK_WRITE] || (!o->flag[HAS_Q] && (!strcmp(name, "update") || !strcmp(name, "delete")));
    span operation = m[Q] ? kind : (span){name, strlen(name)};
    m[U] = m[U] ? m[U] : m[UPDATE_MODS];
    if (bulk)
        m[UPDATE] = m[INSERT] = NULL;
    if (!set_word(p, o, OPERATION, operation) || !set_text(p, o, COMMENT, m[SAID]) || !set_session(p, o, m[SESSION])
        || !set_transaction(p, o, m[AUTOCOMMIT], m[TXN_NUMBER]))
        return false;
    const char *reason = o->word[NS] && command ? reason_of(p, o, m, originating, cut)
                                                : "slow lines without namespace or command";
    return set_reason(p, o, reason) && (*reason || asked_read(p, o, m, m[DB]));
}

static bool attributes_read(piece *p, operation *o, const node *attr, const node **a)
{
    const tape *t = &p->tape;
    members_of(t, attr, ATTRIBUTE, ATTRIBUTES, a);
    for (int n = 0; n < COMMAND; n++)
        if (n < COUNTS ? !set_text(p, o, KIND_OF + n, a[n]) : !set_number(o, MS + n - COUNTS, a[n]))
            return false;
    const node *locks = tape_member(t, tape_member(t, a[LOCKS], CALLED("Collection")), CALLED("acquireCount"));
    return set_text(p, o, BUILD, tape_member(t, a[BUILD_INFO], CALLED("version")))
           && set_text(p, o, QUERY_HASH, a[SHAPE_HASH]) && set_number(o, LOCKED, tape_member(t, locks, CALLED("w")))
           && set_number(o, TICKETS, tape_member(t, a[FLOW], CALLED("acquireCount")));
}

bool line_read(piece *p, span line)
{
    tape *t = &p->tape;
    int read = tape_read(t, line);
    if (read == NOT_READ)
        return false;
    const node *whole = read == JSON ? t->nodes : NULL;
    const node *id = tape_member(t, whole, CALLED("id")), *attr = tape_member(t, whole, CALLED("attr"));
    const node *time = tape_member(t, whole, CALLED("t")), *context = tape_member(t, whole, CALLED("ctx"));
    const node *cut = tape_member(t, whole, CALLED("truncated"));
    if (!id && !attr && !time && !context && !cut) {
        operation *o = add(p);
        return o && set_reason(p, o, "lines that are no JSON");
    }
    bool slow = id && is_text(id->text, "51803"), build = id && is_text(id->text, "23403");
    if (id && !slow && !build)
        return true;
    operation *o = add(p);
    const node *a[ATTRIBUTES] = {NULL};
    if (!o || !set_time(o, tape_member(t, time, CALLED("$date"))) || !attributes_read(p, o, attr, a)
        || !set_text(p, o, CHANNEL, context))
        return false;
    return build ? set_reason(p, o, "other log messages") : operation_read(p, o, a[COMMAND], a[ORIGINATING], cut);
}
