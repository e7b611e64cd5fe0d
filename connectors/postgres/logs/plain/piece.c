/* A piece of a log, from its first byte to its last record. */
#include "plain.h"

#include <stdlib.h>
#include <string.h>

piece *plain_open(const char *key, size_t size)
{
    piece *p = size <= KEY_AT_MOST ? calloc(1, sizeof *p) : NULL;
    if (!p)
        return NULL;
    memcpy(p->key, key, size);
    p->key_size = size;
    bool made = list_open(&p->keys) && list_open(&p->values);
    for (int w = 0; w < WORDS; w++)
        made = made && words_open(&p->words[w]);
    if (made)
        return p;
    plain_close(p);
    return NULL;
}

/* Make it empty, and keep its memory. */
void plain_clear(piece *p)
{
    stream_forget(p->streams);
    p->streams = NULL;
    for (int w = 0; w < WORDS; w++)
        words_clear(&p->words[w]);
    list_clear(&p->keys);
    list_clear(&p->values);
    p->count = p->carried = p->left = p->rest.size = 0;
    p->latest = p->lines = 0;
    p->latest_zone_size = 0;
    p->turned_back = false;
}

void plain_close(piece *p)
{
    stream_forget(p->streams);
    for (int w = 0; w < WORDS; w++)
        words_close(&p->words[w]);
    buffer *const buffers[] = {&p->rest, &p->said, &p->replaced, &p->shortened};
    for (size_t b = 0; b < sizeof buffers / sizeof *buffers; b++)
        free(buffers[b]->at);
    list_close(&p->keys);
    list_close(&p->values);
    free(p->records);
    free(p->texts);
    free(p);
}

summary plain_summary(const piece *p)
{
    summary s = {.left = (int64_t)p->left, .zones = p->words[ZONE].count, .turned_back = p->turned_back};
    s.records = (int64_t)(p->count - p->carried);
    for (size_t i = 0; i < p->count; i++) {
        const record *r = &p->records[i];
        s.events += (r->fate & EVENT) != 0;
        if (r->row < 0 && r->lone >= 0) {
            s.lone++;
            s.lone_took += r->lone;
        }
    }
    return s;
}

span plain_rest(const piece *p) { return (span){p->rest.at, p->rest.size}; }

span plain_zone(const piece *p, int code) { return words_at(&p->words[ZONE], code); }
