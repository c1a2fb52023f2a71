/* SPDX-License-Identifier: MIT */
/* frame_spec_name.h - the names in frame specifications: kinds, presets, what a length covers; and
 * the error that rejects a specification. Reading, checking and writing build on this file. */
#ifndef PROTO_FRAME_SPEC_NAME_H
#define PROTO_FRAME_SPEC_NAME_H

#include "frame_spec.h"

/* Returns the name of a kind, "length". */
const char *frame_spec_kind_name(enum frame_spec_kind kind);

/* Returns the name of the preset with this index; null: the index is past the last preset. */
const char *frame_spec_preset(size_t index);

/* Returns the specification that the preset with this index stands for. The index must be valid. */
const char *frame_spec_preset_text(size_t index);

/* Returns what a length covers as a word, "header+body". */
const char *frame_spec_covers_name(enum frame_spec_covers covers);

/* Fills *error (null is allowed) with the reason why `text` is not a valid frame specification.
 * Returns WEIR_INVALID. */
enum weir_code frame_spec_refuse(struct weir_error *error, const char *text, const char *hint,
                                 const char *format, ...)
#if defined(__GNUC__)
    __attribute__((format(printf, 4, 5)))
#endif
    ;

#endif
