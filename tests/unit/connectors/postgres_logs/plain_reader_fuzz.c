/* Damaged logs for the compiled reader of plain records: plain_reader_fuzz ROUNDS LOG... */
#include "damage.h"
#include "plain.h"

static void read_piece(void *reader, const char *bytes, size_t size)
{
    piece *p = reader;
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
            drain(plain_stream(p, FATES[f]));
    }
    for (int zone = 0; zone < plain_summary(p).zones; zone++)
        sum += plain_zone(p, zone).size;
    free(shifts);
    free(rows);
    plain_clear(p);
}

int main(int count, char **arguments)
{
    piece *p = plain_open("k", 1);
    int failed = damage(count, arguments, p, read_piece);
    plain_close(p);
    return failed;
}
