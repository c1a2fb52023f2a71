/* SPDX-License-Identifier: MIT */
/* guess_columns.h - evidence that the same kind of bytes surrounds every length field. */
#ifndef CLI_GUESS_COLUMNS_H
#define CLI_GUESS_COLUMNS_H

#include "guess_capture.h"

#define GUESS_COLUMNS_BEFORE 20 /* columns before the anchor */
#define GUESS_COLUMNS_AFTER 20  /* columns from the anchor on */
#define GUESS_COLUMNS_COUNT (GUESS_COLUMNS_BEFORE + GUESS_COLUMNS_AFTER)

/* The bytes seen in each column, and what they are worth. */
struct guess_columns {
    uint32_t counts[GUESS_COLUMNS_COUNT][256], totals[GUESS_COLUMNS_COUNT];
    int64_t gains[GUESS_COLUMNS_COUNT]; /* in 1/256 bits, as long as the column is thought of */
};

/* The bytes around the anchor of one field: its byte of the lowest value. So a field has the same
 * surroundings, however many leading zeros belong to it. */
struct guess_landing {
    size_t at;     /* of the anchor */
    size_t before; /* bytes before it that belong to its columns */
    size_t after;  /* bytes from it on */
    size_t unused; /* bytes directly before the anchor that are no evidence: a delimiter */
};

void guess_columns_clear(struct guess_columns *columns);

/* Adds the evidence of a landing: how much better its columns predict its bytes than the bytes
 * before them do. Random landings have no evidence on average. */
void guess_columns_add(struct guess_columns *columns, const struct guess_capture *capture,
                       const struct guess_landing *landing);

/* Returns how much more the bytes of a landing resemble the columns that have proven useful than
 * the bytes at any other place of the capture do. */
int64_t guess_columns_check(const struct guess_columns *columns,
                            const struct guess_capture *capture,
                            const struct guess_landing *landing);

/* Returns the evidence of all landings, in 1/256 bits. */
int64_t guess_columns_gain(const struct guess_columns *columns);

/* Returns whether the column at this distance from the anchor has proven useful. */
bool guess_columns_is_useful(const struct guess_columns *columns, int distance);

#endif
