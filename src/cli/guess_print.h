/* SPDX-License-Identifier: MIT */
/* guess_print.h - prints guesses: each with its confidence, and its evidence in one line. */
#ifndef CLI_GUESS_PRINT_H
#define CLI_GUESS_PRINT_H

#include "frame_guess.h"

/* Prints a guess about this capture in two lines. */
void guess_print(const struct frame_guess *guess, const uint8_t *bytes, size_t length);

/* Prints that nothing fits, and what was tried. */
void guess_print_nothing(const struct frame_guess_result *result);

#endif
