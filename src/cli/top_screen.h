/* SPDX-License-Identifier: MIT */
/* top_screen.h - draws the screen of `weir top`, or the same as plain text. */
#ifndef CLI_TOP_SCREEN_H
#define CLI_TOP_SCREEN_H

#include <stdbool.h>
#include <stdint.h>

#include "text_builder.h"
#include "top_state.h"

/* The orders of the sessions, largest first. */
enum top_sort { TOP_SORT_QUEUE, TOP_SORT_BYTES, TOP_SORT_AGE, TOP_SORT_IDLE, TOP_SORTS_COUNT };

struct top_screen {
    const struct top_state *now;         /* null: the server has not answered yet */
    const struct top_state *before;      /* for rates; null: there is no earlier state */
    const struct top_sessions *sessions; /* null: not known */
    const char *problem;                 /* why the server does not answer; null: it does */
    enum top_sort sort;
    uint32_t columns, rows; /* of the terminal; both 0: plain text of any size, without VT
                             * sequences */
};

/* Appends the whole screen. Of a terminal no line is wider, and the last one has no newline. */
void top_screen_draw(const struct top_screen *screen, struct text_builder *out);

/* Returns the name of the order: "queue". */
const char *top_sort_text(enum top_sort sort);

#endif
