/* SPDX-License-Identifier: MIT */
/* frame_explain.h - a description of frames, drawn and put into the words of other libraries. */
#ifndef CLI_FRAME_EXPLAIN_H
#define CLI_FRAME_EXPLAIN_H

#include <weir/frame.h>

#include "text_builder.h"

/* Draws the frame, says what is what, and shows a sample in bytes. */
void frame_explain(struct text_builder *builder, const struct weir_frame *frame);

/* The settings that cut a stream alike: Netty, tokio, Erlang, libhv; or why there are none. */
void frame_elsewhere(struct text_builder *builder, const struct weir_frame *frame);

#endif
