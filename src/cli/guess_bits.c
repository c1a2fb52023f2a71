/* SPDX-License-Identifier: MIT */
/* guess_bits.c - logarithms in integers, so that every system computes the same evidence. */
#include "guess_bits.h"

/* 256 * log2(1 + i / 256) */
static const uint16_t guess_bits__mantissa[256] = {
    0,   1,   3,   4,   6,   7,   9,   10,  11,  13,  14,  16,  17,  18,  20,  21,  22,  24,  25,
    26,  28,  29,  30,  32,  33,  34,  36,  37,  38,  40,  41,  42,  44,  45,  46,  47,  49,  50,
    51,  52,  54,  55,  56,  57,  59,  60,  61,  62,  63,  65,  66,  67,  68,  69,  71,  72,  73,
    74,  75,  77,  78,  79,  80,  81,  82,  84,  85,  86,  87,  88,  89,  90,  92,  93,  94,  95,
    96,  97,  98,  99,  100, 102, 103, 104, 105, 106, 107, 108, 109, 110, 111, 112, 113, 114, 116,
    117, 118, 119, 120, 121, 122, 123, 124, 125, 126, 127, 128, 129, 130, 131, 132, 133, 134, 135,
    136, 137, 138, 139, 140, 141, 142, 143, 144, 145, 146, 147, 148, 149, 150, 151, 152, 153, 154,
    155, 155, 156, 157, 158, 159, 160, 161, 162, 163, 164, 165, 166, 167, 168, 169, 169, 170, 171,
    172, 173, 174, 175, 176, 177, 178, 178, 179, 180, 181, 182, 183, 184, 185, 185, 186, 187, 188,
    189, 190, 191, 192, 192, 193, 194, 195, 196, 197, 198, 198, 199, 200, 201, 202, 203, 203, 204,
    205, 206, 207, 208, 208, 209, 210, 211, 212, 212, 213, 214, 215, 216, 216, 217, 218, 219, 220,
    220, 221, 222, 223, 224, 224, 225, 226, 227, 228, 228, 229, 230, 231, 231, 232, 233, 234, 234,
    235, 236, 237, 238, 238, 239, 240, 241, 241, 242, 243, 244, 244, 245, 246, 247, 247, 248, 249,
    249, 250, 251, 252, 252, 253, 254, 255, 255,
};

int32_t guess_bits_log2(uint64_t value)
{
    int32_t whole = 0;

    if (value == 0) return 0;
    for (int32_t step = 32; step > 0; step /= 2) {
        if (value >> (whole + step) > 0) whole += step;
    }
    uint64_t mantissa = whole >= 8 ? value >> (whole - 8) : value << (8 - whole);
    return GUESS_BIT * whole + guess_bits__mantissa[mantissa & 0xff];
}

/* Returns 2 to the power of `exponent` / GUESS_BIT, times 2^16. The exponent is at most 30 bits. */
static uint64_t guess_bits__power(int32_t exponent)
{
    int32_t whole = (exponent + 64 * GUESS_BIT) / GUESS_BIT - 64;
    int32_t part = exponent - whole * GUESS_BIT; /* 0 to GUESS_BIT - 1 */

    if (whole < -16) return 0;
    /* 2^x is 1 + x - 0.343 x (1 - x) for x from 0 to 1, within 0.3 %. */
    uint64_t power =
        65536 + (uint64_t)part * 256 - (uint64_t)(part * (GUESS_BIT - part) * 343 / 1000);
    return whole >= 0 ? power << whole : power >> -whole;
}

int32_t guess_bits_mix(int64_t bits)
{
    if (bits > 24 * GUESS_BIT)
        return (int32_t)(bits > INT32_MAX ? INT32_MAX : bits) - 3 * GUESS_BIT;
    uint64_t ratio = bits < -16 * GUESS_BIT ? 0 : guess_bits__power((int32_t)bits);
    return guess_bits_log2(7 * 65536 + ratio) - 19 * GUESS_BIT;
}
