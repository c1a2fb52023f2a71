/* SPDX-License-Identifier: MIT */
/* guess_columns.c - evidence that the same kind of bytes surrounds every length field.
 *
 *                     -2     -1      0      1      2
 *      landing 1      03     03     00     50    ...        Each column learns which bytes it
 *      landing 2      03     03     01     1c    ...        contains. Its prediction starts as that
 *      landing 3      03     03     00     20    ...        of the null hypothesis.
 *
 * The evidence of a byte is log2(its probability in the column / its probability by the null
 * hypothesis). A column that learns nothing costs almost nothing (guess_bits_mix()).
 */
#include "guess_columns.h"

#include <string.h>

#include "guess_bits.h"

#define GUESS_COLUMNS__USEFUL (2 * GUESS_BIT)
#define GUESS_COLUMNS__ONE_BITS 24 /* probabilities are multiples of 2^-24 */

void guess_columns_clear(struct guess_columns *columns)
{
    memset(columns, 0, sizeof *columns);
}

/* Returns the evidence of a byte of which a column has seen `count` among `total`. The column
 * predicts with three quarters of the weight, the null hypothesis with the rest. */
static int64_t guess_columns__evidence(uint32_t count, uint32_t total, uint8_t surprise)
{
    static const uint64_t one = UINT64_C(1) << GUESS_COLUMNS__ONE_BITS;
    int32_t null_bits = surprise * (GUESS_BIT / GUESS_CAPTURE_SURPRISE_BIT);
    uint64_t null = one >> surprise / GUESS_CAPTURE_SURPRISE_BIT;

    null -=
        null * (uint64_t)(null_bits % GUESS_BIT) / (2 * GUESS_BIT); /* 2^-x is about 1 - x / 2 */
    uint64_t column = ((uint64_t)count * one + null) / (total + 1);
    return guess_bits_log2(3 * column + null) - (GUESS_COLUMNS__ONE_BITS + 2) * GUESS_BIT +
           null_bits;
}

/* Calls `each` for each byte of the landing. */
#define GUESS_COLUMNS__FOR_EACH(landing, column, position)         \
    for (size_t column = GUESS_COLUMNS_BEFORE - (landing)->before, \
                position = (landing)->at - (landing)->before;      \
         column < GUESS_COLUMNS_BEFORE + (landing)->after; column++, position++)

static bool guess_columns__is_unused(const struct guess_landing *landing, size_t column)
{
    return column < GUESS_COLUMNS_BEFORE && column + landing->unused >= GUESS_COLUMNS_BEFORE;
}

void guess_columns_add(struct guess_columns *columns, const struct guess_capture *capture,
                       const struct guess_landing *landing)
{
    GUESS_COLUMNS__FOR_EACH(landing, column, position)
    {
        if (guess_columns__is_unused(landing, column)) continue;
        uint32_t *count = &columns->counts[column][capture->bytes[position]];
        columns->gains[column] +=
            guess_columns__evidence(*count, columns->totals[column], capture->surprise[position]);
        ++*count;
        columns->totals[column]++;
    }
}

int64_t guess_columns_check(const struct guess_columns *columns,
                            const struct guess_capture *capture,
                            const struct guess_landing *landing)
{
    int64_t evidence = 0;

    GUESS_COLUMNS__FOR_EACH(landing, column, position)
    {
        uint32_t total = columns->totals[column];
        if (total < 2 || columns->gains[column] < GUESS_COLUMNS__USEFUL) continue;
        uint8_t byte = capture->bytes[position];
        uint32_t count = columns->counts[column][byte];
        evidence +=
            guess_columns__evidence(count > 0 ? count - 1 : 0, total - 1, capture->rarity[byte]);
    }
    return evidence;
}

int64_t guess_columns_gain(const struct guess_columns *columns)
{
    int64_t gain = 0;

    for (size_t i = 0; i < GUESS_COLUMNS_COUNT; i++) gain += guess_bits_mix(columns->gains[i]);
    return gain;
}

bool guess_columns_is_useful(const struct guess_columns *columns, int distance)
{
    int column = GUESS_COLUMNS_BEFORE + distance;

    return column >= 0 && column < GUESS_COLUMNS_COUNT &&
           columns->gains[column] >= GUESS_COLUMNS__USEFUL;
}
