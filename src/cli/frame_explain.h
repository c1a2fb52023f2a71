/* SPDX-License-Identifier: MIT */
/* frame_explain.h - explains a frame specification: a drawing, a sample, and the equivalent
 * settings of other libraries. */
#ifndef CLI_FRAME_EXPLAIN_H
#define CLI_FRAME_EXPLAIN_H

#include <weir/frame.h>

#include "text_builder.h"

/* Adds a drawing of the frame, its parts in words, and a sample message in bytes. */
void frame_explain(struct text_builder *builder, const struct weir_frame *frame);

/* Adds the equivalent settings of Netty, tokio, Erlang and libhv, or the reason why there are
 * none. */
void frame_elsewhere(struct text_builder *builder, const struct weir_frame *frame);

#endif
