/* SPDX-License-Identifier: MIT */
/* frame_spec_name.c - the tables of names in frame specifications. */
#include "frame_spec_name.h"

#include <stdarg.h>
#include <stdio.h>

#include "check.h"
#include "error_fill.h"

static const char *const frame_spec__kinds[FRAME_SPEC_KINDS_COUNT] = {
    [FRAME_SPEC_RAW] = "raw",
    [FRAME_SPEC_DATAGRAM] = "datagram",
    [FRAME_SPEC_LINE] = "line",
    [FRAME_SPEC_LENGTH] = "length",
    [FRAME_SPEC_NETSTRING] = "netstring",
    [FRAME_SPEC_FIXED] = "fixed",
    [FRAME_SPEC_SUNRPC] = "sunrpc",
    [FRAME_SPEC_PROBE] = "probe",
};

static const struct weir_frame_preset frame_spec__presets[] = {
#define PRESET(name, spec, summary) {name, spec, summary},
#include "preset.def"
#undef PRESET
};

const char *frame_spec_kind_name(enum frame_spec_kind kind)
{
    return frame_spec__kinds[kind];
}

const struct weir_frame_preset *weir_frame_preset_at(size_t index)
{
    return index < weir_count_of(frame_spec__presets) ? &frame_spec__presets[index] : NULL;
}

const char *frame_spec_preset(size_t index)
{
    return weir_frame_preset_at(index) ? frame_spec__presets[index].name : NULL;
}

const char *frame_spec_preset_text(size_t index)
{
    return frame_spec__presets[index].spec;
}

const char *frame_spec_covers_name(enum frame_spec_covers covers)
{
    static const char *const words[] = {
        [FRAME_SPEC_BODY] = "body",
        [FRAME_SPEC_FRAME] = "header+body",
        [FRAME_SPEC_REST] = "rest",
    };

    return words[covers];
}

enum weir_code frame_spec_refuse(struct weir_error *error, const char *text, const char *hint,
                                 const char *format, ...)
{
    char reason[sizeof error->reason];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(reason, sizeof reason, format, arguments);
    va_end(arguments);
    return error_fill(error, WEIR_INVALID, 0, "frame messages as", text, reason, hint);
}
