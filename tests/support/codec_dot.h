/* SPDX-License-Identifier: MIT */
/* codec_dot.h - a simple codec for tests: a message ends with '.'; '!' and messages of more than 28
 * bytes are decode errors. */
#ifndef SUPPORT_CODEC_DOT_H
#define SUPPORT_CODEC_DOT_H

#include <weir/frame.h>

extern const struct weir_codec codec_dot;

#endif
