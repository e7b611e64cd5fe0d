/* Damaged logs for the compiled reader of slow-query lines: slow_reader_fuzz ROUNDS LOG... */
#include "damage.h"
#include "slow.h"

static void read_piece(void *reader, const char *bytes, size_t size)
{
    piece *p = reader;
    slow_clear(p);
    if (slow_read(p, bytes, size))
        for (int kind = 0; kind < 2; kind++)
            drain(slow_stream(p, kind));
    sum += (uint64_t)slow_lines(p);
}

int main(int count, char **arguments)
{
    piece *p = slow_open("k", 1);
    int failed = damage(count, arguments, p, read_piece);
    slow_close(p);
    return failed;
}
