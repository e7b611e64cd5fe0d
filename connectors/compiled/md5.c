/* MD5 (RFC 1321), of which the first eight bytes are used: the digests are keyed and no protection by themselves. */
#include "bytes.h"

#include <string.h>

static const uint32_t SINES[64] = {
    0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501,
    0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821,
    0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8,
    0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a,
    0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70,
    0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665,
    0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1,
    0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391,
};

#define ROTATED(x, n) ((x) << (n) | (x) >> (32 - (n)))
#define STEP(mix, a, b, c, d, k, i, n) a += (mix) + part[k] + SINES[i], a = ROTATED(a, n) + b
#define F(b, c, d) (d ^ (b & (c ^ d)))
#define G(b, c, d) (c ^ (d & (b ^ c)))
#define H(b, c, d) (b ^ c ^ d)
#define I(b, c, d) (c ^ (b | ~d))
#define ROUND(mix, i, k0, k1, k2, k3, n0, n1, n2, n3) \
    STEP(mix(b, c, d), a, b, c, d, k0, i, n0);        \
    STEP(mix(a, b, c), d, a, b, c, k1, i + 1, n1);    \
    STEP(mix(d, a, b), c, d, a, b, k2, i + 2, n2);    \
    STEP(mix(c, d, a), b, c, d, a, k3, i + 3, n3)

static void mixed(uint32_t state[4], const unsigned char *at)
{
    uint32_t part[16], a = state[0], b = state[1], c = state[2], d = state[3];
    for (int i = 0; i < 16; i++)
        part[i] = (uint32_t)at[4 * i] | (uint32_t)at[4 * i + 1] << 8 | (uint32_t)at[4 * i + 2] << 16
                   | (uint32_t)at[4 * i + 3] << 24;
    ROUND(F, 0, 0, 1, 2, 3, 7, 12, 17, 22);
    ROUND(F, 4, 4, 5, 6, 7, 7, 12, 17, 22);
    ROUND(F, 8, 8, 9, 10, 11, 7, 12, 17, 22);
    ROUND(F, 12, 12, 13, 14, 15, 7, 12, 17, 22);
    ROUND(G, 16, 1, 6, 11, 0, 5, 9, 14, 20);
    ROUND(G, 20, 5, 10, 15, 4, 5, 9, 14, 20);
    ROUND(G, 24, 9, 14, 3, 8, 5, 9, 14, 20);
    ROUND(G, 28, 13, 2, 7, 12, 5, 9, 14, 20);
    ROUND(H, 32, 5, 8, 11, 14, 4, 11, 16, 23);
    ROUND(H, 36, 1, 4, 7, 10, 4, 11, 16, 23);
    ROUND(H, 40, 13, 0, 3, 6, 4, 11, 16, 23);
    ROUND(H, 44, 9, 12, 15, 2, 4, 11, 16, 23);
    ROUND(I, 48, 0, 7, 14, 5, 6, 10, 15, 21);
    ROUND(I, 52, 12, 3, 10, 1, 6, 10, 15, 21);
    ROUND(I, 56, 8, 15, 6, 13, 6, 10, 15, 21);
    ROUND(I, 60, 4, 11, 2, 9, 6, 10, 15, 21);
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
}

void md5_16(const char *at, size_t size, char *digits)
{
    uint32_t state[4] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476};
    unsigned char last[128] = {0};
    size_t left = size;
    for (; left >= 64; at += 64, left -= 64)
        mixed(state, (const unsigned char *)at);
    if (left)
        memcpy(last, at, left);
    last[left] = 0x80;
    size_t end = left < 56 ? 64 : 128;
    for (int i = 0; i < 8; i++)
        last[end - 8 + (size_t)i] = (unsigned char)((uint64_t)size * 8 >> 8 * i);
    mixed(state, last);
    if (end == 128)
        mixed(state, last + 64);
    for (int i = 0; i < 16; i++)
        digits[i] = "0123456789abcdef"[state[i / 8] >> (8 * (i % 8 / 2) + 4 * (1 - i % 2)) & 15];
}
