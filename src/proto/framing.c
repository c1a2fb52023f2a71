/* SPDX-License-Identifier: MIT */
/* framing.c - codecs made of a description, or of a probe: opened, named, freed. */
#include <stdio.h>
#include <string.h>

#include "builtin.h"
#include "check.h"
#include "codec.h"
#include "error_fill.h"
#include "memory.h"

_Static_assert(sizeof(struct gather) <= 64, "an idle session's decoder is one cache line");
_Static_assert(sizeof(size_t) == 8, "lengths are compared in 64 bits, and added in them");

const struct weir_frame *codec_frame(const struct weir_codec *codec)
{
    return weir_container_of(codec, const struct weir_frame, codec);
}

static void framing__fill_length(struct weir_frame *frame)
{
    if (frame->description.width == DESCRIPTION_VARINT)
        codec_varint_fill(frame);
    else
        codec_length_fill(frame);
}

/* What each kind puts into its codec, beside what all have; null: decodes and encodes nothing. */
static void (*const framing__fills[DESCRIPTION_KINDS_COUNT])(struct weir_frame *frame) = {
    [DESCRIPTION_LINE] = codec_line_fill,           [DESCRIPTION_LENGTH] = framing__fill_length,
    [DESCRIPTION_NETSTRING] = codec_netstring_fill, [DESCRIPTION_FIXED] = codec_fixed_fill,
    [DESCRIPTION_SUNRPC] = codec_sunrpc_fill,       [DESCRIPTION_PROBE] = codec_probe_fill,
};

static const char *const framing__summaries[DESCRIPTION_KINDS_COUNT] = {
    [DESCRIPTION_LINE] = "messages that end in a delimiter",
    [DESCRIPTION_LENGTH] = "messages behind their length",
    [DESCRIPTION_NETSTRING] = "messages behind their length in digits: 5:hello,",
    [DESCRIPTION_FIXED] = "messages of one size",
    [DESCRIPTION_SUNRPC] = "records of ONC RPC",
};

static void framing__fill(struct weir_frame *frame)
{
    enum description_kind kind = frame->description.kind;

    frame->codec.size = sizeof frame->codec;
    frame->codec.name = frame->name;
    if (framing__summaries[kind]) frame->codec.summary = framing__summaries[kind];
    frame->codec.streams = true;
    frame->codec.state_bytes = sizeof(struct gather);
    frame->codec.begun_bytes = gather_begun_bytes;
    frame->codec.release = gather_release;
    frame->shape.description = &frame->description;
    frame->shape.skips = frame->description.skips;
    framing__fills[kind](frame);
}

enum weir_code weir_frame_open(const char *spec, struct weir_frame **frame,
                               struct weir_error *error)
{
    struct description description;
    enum weir_code code = description_read(spec, &description, error);

    *frame = NULL;
    if (code != WEIR_OK) return code;
    struct weir_frame *opened = memory_alloc(sizeof *opened);
    if (!opened) return error_fill(error, WEIR_NO_MEMORY, 0, "frame messages as", spec, NULL, NULL);
    opened->description = description;
    description_write(&description, opened->name, sizeof opened->name);
    if (description.kind == DESCRIPTION_RAW)
        opened->codec = codec_raw;
    else if (description.kind == DESCRIPTION_DATAGRAM)
        opened->codec = codec_datagram;
    else
        framing__fill(opened);
    *frame = opened;
    return WEIR_OK;
}

enum weir_code weir_frame_open_probe(const struct weir_probe *probe, struct weir_frame **frame,
                                     struct weir_error *error)
{
    static const char operation[] = "frame messages by the probe";
    const char *name = probe->name ? probe->name : "probe";

    *frame = NULL;
    weir_check_use(probe->size == sizeof *probe, "struct weir_probe: size is its sizeof");
    if (!probe->probe)
        return error_fill(error, WEIR_INVALID, 0, operation, name, "it has no function", NULL);
    if (probe->head_bytes_max == 0)
        return error_fill(error, WEIR_INVALID, 0, operation, name, "head_bytes_max is 0",
                          "set it to the bytes of the longest head");
    if (probe->message_bytes_max > DESCRIPTION_MAX_BYTES_MAX)
        return error_fill(error, WEIR_INVALID, 0, operation, name, "message_bytes_max is too large",
                          NULL);
    struct weir_frame *opened = memory_alloc(sizeof *opened);
    if (!opened) return error_fill(error, WEIR_NO_MEMORY, 0, operation, name, NULL, NULL);
    opened->description.kind = DESCRIPTION_PROBE;
    opened->probe = *probe;
    if (probe->message_bytes_max == 0) opened->probe.message_bytes_max = DESCRIPTION_MAX_BYTES;
    snprintf(opened->name, sizeof opened->name, "%s", name);
    snprintf(opened->summary, sizeof opened->summary, "%s", probe->summary ? probe->summary : "");
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
    const struct description *description = &frame->description;
    struct weir_frame_info whole = {
        .kind = description_kind_name(description->kind),
        .max_bytes = description->max,
        .skips_oversize = description->skips,
        .size_bytes = description->size,
        .delimiter = description->delimiter,
        .delimiter_bytes = description->delimiter_length,
        .width = description->width,
        .offset = description->offset,
        .header =
            description->width == DESCRIPTION_VARINT ? description->offset : description->header,
        .strip = description->strip,
        .strips_all = description->strip == DESCRIPTION_STRIP_ALL ||
                      description->strip == description->header,
        .is_little = description->is_little,
        .covers = description_covers_name(description->covers),
        .adjust = description->adjust,
        .constant = description->constant,
        .magic = description->magic,
        .magic_bytes = description->magic_length,
    };

    memcpy(info, &whole, size < sizeof whole ? size : sizeof whole);
}

char *weir_frame_text(const struct weir_frame *frame, char *text, size_t size)
{
    snprintf(text, size, "%s", frame->name);
    return text;
}
