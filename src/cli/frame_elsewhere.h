/* SPDX-License-Identifier: MIT */
/* frame_elsewhere.h - what the equivalents in other libraries have in common: one line per library,
 * which is its settings and, in parentheses, every difference to weir. scripts/peers checks all of
 * them with the real libraries. */
#ifndef CLI_FRAME_ELSEWHERE_H
#define CLI_FRAME_ELSEWHERE_H

#include <weir/frame.h>

#include "text_builder.h"

/* A line that is being written. */
struct frame_elsewhere {
    struct text_builder *builder;
    const struct weir_frame_info *info;
    size_t notes_count;
};

/* Returns whether the frame is of this kind, "line". */
bool frame_elsewhere_is(const struct weir_frame_info *info, const char *kind);

/* Returns whether messages end in this delimiter, a text. */
bool frame_elsewhere_ends_in(const struct weir_frame_info *info, const char *delimiter);

/* Returns whether a received length can make the frame shorter than its header. Weir rejects it.
 * Not for varints. */
bool frame_elsewhere_can_be_short(const struct weir_frame_info *info);

/* Adds the reason why the library has no equivalent. */
void frame_elsewhere_cannot(struct frame_elsewhere *line, const char *why);

/* Adds a difference to weir. */
void frame_elsewhere_note(struct frame_elsewhere *line, const char *format, ...)
#if defined(__clang__)
    __attribute__((format(printf, 2, 3)))
#elif defined(__GNUC__)
    __attribute__((format(gnu_printf, 2, 3)))
#endif
    ;

/* Each adds the settings of one library, with notes. */
void frame_elsewhere_netty(struct frame_elsewhere *line);
void frame_elsewhere_tokio(struct frame_elsewhere *line);
void frame_elsewhere_erlang(struct frame_elsewhere *line);
void frame_elsewhere_libhv(struct frame_elsewhere *line);

#endif
