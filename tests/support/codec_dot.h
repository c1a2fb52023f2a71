/* SPDX-License-Identifier: MIT */
/* codec_dot.h - a codec that tests can write by hand: a message ends with '.', '!' is no frame, and
 * neither is one of more than 28 bytes. */
#ifndef SUPPORT_CODEC_DOT_H
#define SUPPORT_CODEC_DOT_H

#include <weir/frame.h>

extern const struct weir_codec codec_dot;

#endif
