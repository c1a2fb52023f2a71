/* SPDX-License-Identifier: MIT */
/* framing.c - makes codecs from frame specifications and from probes: opens, describes and frees
 * them. */
#include <stdio.h>
#include <string.h>

#include "builtin.h"
#include "codec.h"
#include "error_fill.h"
#include "frame_spec_name.h"
#include "memory.h"
#include "sized.h"

_Static_assert(sizeof(struct reassembly) <= 64, "an idle session's decoder is one cache line");
_Static_assert(sizeof(size_t) == 8, "lengths are compared in 64 bits, and added in them");

static void framing__fill_length(struct weir_frame *frame)
{
    if (frame->spec.width == FRAME_SPEC_VARINT)
        codec_varint_fill(frame);
    else
        codec_length_fill(frame);
}

/* Sets the functions of each kind in its codec. Null: the kind has no framing. */
static void (*const framing__fills[FRAME_SPEC_KINDS_COUNT])(struct weir_frame *frame) = {
    [FRAME_SPEC_LINE] = codec_line_fill,           [FRAME_SPEC_LENGTH] = framing__fill_length,
    [FRAME_SPEC_NETSTRING] = codec_netstring_fill, [FRAME_SPEC_FIXED] = codec_fixed_fill,
    [FRAME_SPEC_SUNRPC] = codec_sunrpc_fill,       [FRAME_SPEC_PROBE] = codec_probe_fill,
};

static const char *const framing__summaries[FRAME_SPEC_KINDS_COUNT] = {
    [FRAME_SPEC_LINE] = "messages that end in a delimiter",
    [FRAME_SPEC_LENGTH] = "messages after their length",
    [FRAME_SPEC_NETSTRING] = "messages after their length in digits: 5:hello,",
    [FRAME_SPEC_FIXED] = "messages of one size",
    [FRAME_SPEC_SUNRPC] = "records of ONC RPC",
};

static void framing__fill(struct weir_frame *frame)
{
    enum frame_spec_kind kind = frame->spec.kind;

    frame->codec.size = sizeof frame->codec;
    frame->codec.name = frame->name;
    if (framing__summaries[kind]) frame->codec.summary = framing__summaries[kind];
    frame->codec.streams = true;
    frame->codec.state_bytes = sizeof(struct reassembly);
    frame->codec.partial_bytes = reassembly_partial_bytes;
    frame->codec.release = reassembly_release;
    frame->shape.spec = &frame->spec;
    frame->shape.skips = frame->spec.skips;
    framing__fills[kind](frame);
}

enum weir_code weir_frame_open(const char *text, struct weir_frame **frame,
                               struct weir_error *error)
{
    struct frame_spec spec;
    enum weir_code code = frame_spec_read(text, &spec, error);

    *frame = NULL;
    if (code != WEIR_OK) return code;
    struct weir_frame *opened = memory_alloc(sizeof *opened);
    if (!opened) return error_fill(error, WEIR_NO_MEMORY, 0, "frame messages as", text, NULL, NULL);
    opened->spec = spec;
    frame_spec_write(&spec, opened->name, sizeof opened->name);
    if (spec.kind == FRAME_SPEC_RAW)
        opened->codec = codec_raw;
    else if (spec.kind == FRAME_SPEC_DATAGRAM)
        opened->codec = codec_datagram;
    else
        framing__fill(opened);
    *frame = opened;
    return WEIR_OK;
}

/* Checks what the probe says about itself. */
static enum weir_code framing__check_probe(const struct weir_probe *probe, const char *name,
                                           struct weir_error *error)
{
    static const char operation[] = "frame messages by the probe";

    if (!probe->probe)
        return error_fill(error, WEIR_INVALID, 0, operation, name, "it has no function", NULL);
    if (probe->header_bytes_max == 0)
        return error_fill(error, WEIR_INVALID, 0, operation, name, "header_bytes_max is 0",
                          "set it to the bytes of the longest header");
    if (probe->header_bytes_max > WEIR_MESSAGE_BYTES_MAX)
        return error_fill(error, WEIR_INVALID, 0, operation, name,
                          "header_bytes_max is above 1 GiB", "lower it");
    if (probe->message_bytes_max > WEIR_MESSAGE_BYTES_MAX)
        return error_fill(error, WEIR_INVALID, 0, operation, name,
                          "message_bytes_max is above 1 GiB", "lower it");
    return WEIR_OK;
}

enum weir_code weir_frame_open_probe(const struct weir_probe *given, struct weir_frame **frame,
                                     struct weir_error *error)
{
    struct weir_probe probe = {.size = 0};
    enum weir_code code = sized_copy(&sized_probe, given, &probe, error);

    *frame = NULL;
    if (code != WEIR_OK) return code;
    const char *name = probe.name ? probe.name : "probe";
    code = framing__check_probe(&probe, name, error);
    if (code != WEIR_OK) return code;
    struct weir_frame *opened = memory_alloc(sizeof *opened);
    if (!opened)
        return error_fill(error, WEIR_NO_MEMORY, 0, "frame messages by the probe", name, NULL,
                          NULL);
    opened->spec.kind = FRAME_SPEC_PROBE;
    opened->probe = probe;
    if (probe.message_bytes_max == 0) opened->probe.message_bytes_max = FRAME_SPEC_MAX_BYTES;
    snprintf(opened->name, sizeof opened->name, "%s", name);
    snprintf(opened->summary, sizeof opened->summary, "%s", probe.summary ? probe.summary : "");
    opened->codec.summary = opened->summary;
    framing__fill(opened);
    *frame = opened;
    return WEIR_OK;
}

void weir_frame_free(struct weir_frame *frame)
{
    memory_free(frame);
}

const struct weir_codec *weir_frame_codec(const struct weir_frame *frame)
{
    return &frame->codec;
}

void weir_frame_describe_sized(const struct weir_frame *frame, struct weir_frame_info *info,
                               size_t size)
{
    const struct frame_spec *spec = &frame->spec;
    bool is_varint = spec->width == FRAME_SPEC_VARINT;
    struct weir_frame_info whole = {
        .kind = frame_spec_kind_name(spec->kind),
        .max_bytes = spec->max,
        .skips_oversize = spec->skips,
        .size_bytes = spec->size,
        .delimiter = spec->delimiter,
        .delimiter_bytes = spec->delimiter_length,
        .width = spec->width,
        .offset = spec->offset,
        .header = is_varint ? spec->offset : spec->header,
        .strip = spec->strip,
        .strips_all = spec->strip == (is_varint ? FRAME_SPEC_STRIP_ALL : spec->header),
        .is_little = spec->is_little,
        .covers = frame_spec_covers_name(spec->covers),
        .adjust = spec->adjust,
        .constant = spec->constant,
        .magic = spec->magic,
        .magic_bytes = spec->magic_length,
        .fragments_max = spec->fragments_max,
        .is_padding_valid = spec->is_padding_valid,
    };

    memcpy(info, &whole, size < sizeof whole ? size : sizeof whole);
}

char *weir_frame_text(const struct weir_frame *frame, char *text, size_t size)
{
    snprintf(text, size, "%s", frame->name);
    return text;
}
