/* Feeds a compiled reader damaged logs, and reads all that it makes of them. Its sanitizers are the test. */
#include "stream.h"

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

static void drain(struct ArrowArrayStream *stream)
{
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

/* Call `read_piece` with damaged bytes of the named files: ROUNDS LOG... */
static int damage(int count, char **arguments, void *reader, void (*read_piece)(void *, const char *, size_t))
{
    for (long round = 0; count > 2 && round < atol(arguments[1]); round++) {
        static char from[1 << 16];
        FILE *file = fopen(arguments[2 + chance((size_t)count - 2)], "rb");
        size_t size = file ? fread(from, 1, sizeof from, file) : 0, changed;
        if (!size)
            return 1;
        fclose(file);
        char *bytes = damaged(from, size, &changed);
        read_piece(reader, bytes, changed);
        free(bytes);
    }
    printf("%llu\n", (unsigned long long)sum);
    return 0;
}
