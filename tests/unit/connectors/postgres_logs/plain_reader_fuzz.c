/* Feeds the compiled reader damaged logs: plain_reader_fuzz ROUNDS LOG... The sanitizers it is built with are the test. */
#include "plain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t state = 88172645463325252u;
static uint64_t sum;

static size_t chance(size_t below)
{
    state ^= state << 13, state ^= state >> 7, state ^= state << 17;
    return below ? (size_t)(state % below) : 0;
}

static void read_all(const struct ArrowSchema *s, const struct ArrowArray *a)
{
    bool words = !strcmp(s->format, "u"), map = !strcmp(s->format, "+m");
    if (words || map) {
        const int32_t *offsets = a->buffers[1];
        for (int64_t i = 0; i < a->length; i++)
            for (int32_t at = offsets[i]; words && at < offsets[i + 1]; at++)
                sum += ((const unsigned char *)a->buffers[2])[at];
        if (map && offsets[a->length] != a->children[0]->length)
            abort();
    } else if (!strcmp(s->format, "i")) {
        for (int64_t i = 0; i < a->length; i++)
            if (((const int32_t *)a->buffers[1])[i] < 0 || ((const int32_t *)a->buffers[1])[i] >= a->dictionary->length)
                abort();
        read_all(s->dictionary, a->dictionary);
    } else if (*s->format != '+') {
        for (int64_t i = 0; i < a->length; i++)
            sum += (uint64_t)((const int64_t *)a->buffers[1])[i];
    }
    for (int64_t c = 0; c < a->n_children; c++)
        read_all(s->children[c], a->children[c]);
}

static void drain(piece *p, int fate)
{
    struct ArrowArrayStream *stream = plain_stream(p, fate);
    struct ArrowSchema schema;
    struct ArrowArray array;
    if (!stream || stream->get_schema(stream, &schema) || stream->get_next(stream, &array))
        abort();
    if (array.release) {
        read_all(&schema, &array);
        array.release(&array);
    }
    schema.release(&schema);
}

/* Some bytes of `from`, changed. */
static char *damaged(const char *from, size_t size, size_t *changed)
{
    static const char SIGNS[] = "\"',\n\\{}[]:()$0-/*;E \t\x1e\x80\xc3";
    size_t begin = chance(4) ? 0 : chance(size), length = chance(4) ? size - begin : chance(size - begin);
    char *bytes = malloc(length + 1);
    memcpy(bytes, from + begin, length);
    for (size_t n = chance(6); n && length; n--) {
        size_t at = chance(length), other = chance(length), more = chance(40);
        if (chance(2))
            bytes[at] = SIGNS[chance(sizeof SIGNS)];
        else if (at + more < length && other + more < length)
            memmove(bytes + at, bytes + other, more);
    }
    bytes = realloc(bytes, length ? length : 1);
    *changed = length;
    return bytes;
}

static void read_piece(piece *p, const char *bytes, size_t size)
{
    static const char *const PREFIXES[] = {"%m [%p] ", "%t:%r:%u@%d:[%p]:", "%m [%p]: [%l-1] user=%u,db=%d,app=%a ",
                                           "%m [%c-%l] %q%u@%d %a %r ", "%m %e %Q %v %x %h "};
    switch (chance(3)) {
    case 0: plain_csv(p, bytes, size, (int)chance(12) + 15); break;
    case 1: plain_json(p, bytes, size); break;
    default: plain_stderr(p, bytes, size, PREFIXES[chance(5)]);
    }
    static const char ROWS[][32] = {"S - 10 5 6a.1\n", "P - 7 1 x\n", "T b 0 3 6a.1\n", "B - 10 5 6a.1\n", "E e 1 9 y\n",
                                    "? - 1 1 x\n", "S b -1 2 x\n", "X", "O - 1 1 z\n"};
    char *rows = calloc(p->left + 4, sizeof *ROWS);
    size_t carried = chance(3), count = p->left + carried;
    for (size_t n = 0; n < count; n++)
        strcat(rows, ROWS[chance(chance(8) ? 5 : 9)]);
    int64_t *shifts = calloc((size_t)plain_summary(p).zones, sizeof *shifts);
    if (plain_others(p, rows, strlen(rows), carried) && plain_link(p, shifts, 17, chance(2))) {
        static const int FATES[] = {0, EVENT, CARRIED, LINKED};
        for (int f = 0; f < 4; f++)
            drain(p, FATES[f]);
    }
    for (int zone = 0; zone < plain_summary(p).zones; zone++)
        sum += plain_zone(p, zone).size;
    free(shifts);
    free(rows);
}

int main(int count, char **arguments)
{
    piece *p = plain_open("k", 1);
    for (long round = 0; count > 2 && round < atol(arguments[1]); round++) {
        char from[1 << 16];
        FILE *file = fopen(arguments[2 + chance((size_t)count - 2)], "rb");
        size_t size = file ? fread(from, 1, sizeof from, file) : 0, changed;
        if (!size)
            return 1;
        fclose(file);
        char *bytes = damaged(from, size, &changed);
        read_piece(p, bytes, changed);
        free(bytes);
        plain_clear(p);
    }
    plain_close(p);
    printf("%llu\n", (unsigned long long)sum);
    return 0;
}
