/* SPDX-License-Identifier: MIT */
/* dice.h - random numbers that follow from a seed. */
#ifndef SIMULATOR_DICE_H
#define SIMULATOR_DICE_H

#include <stdbool.h>
#include <stdint.h>

struct dice {
    uint64_t state;
};

/* splitmix64 (Steele, Lea, Flood 2014). */
static inline uint64_t dice_next(struct dice *dice)
{
    uint64_t value = dice->state += UINT64_C(0x9e3779b97f4a7c15);

    value = (value ^ (value >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    value = (value ^ (value >> 27)) * UINT64_C(0x94d049bb133111eb);
    return value ^ (value >> 31);
}

/* Returns dice for one purpose: other purposes of the same seed are independent. */
static inline struct dice dice_of(uint64_t seed, uint64_t purpose)
{
    struct dice dice = {seed};

    dice.state = dice_next(&dice) ^ purpose * UINT64_C(0xd1342543de82ef95);
    return dice;
}

/* Returns a number below `bound`, which is at least 1. */
static inline uint32_t dice_roll(struct dice *dice, uint32_t bound)
{
    return (uint32_t)((dice_next(dice) >> 32) % bound);
}

static inline bool dice_one_in(struct dice *dice, uint32_t n)
{
    return dice_roll(dice, n) == 0;
}

#endif
