/* SPDX-License-Identifier: MIT */
/* frame_spec_check.c - rejects specifications that can never work, at startup and not when the
 * first bytes arrive. */
#include <inttypes.h>
#include <string.h>

#include "check.h"
#include "frame_spec_name.h"

static enum weir_code frame_spec__check_varint(const char *text, struct frame_spec *spec,
                                               struct weir_error *error)
{
    if (spec->header != 0)
        return frame_spec_refuse(error, text,
                                 "leave header out: it is offset plus the bytes of the varint",
                                 "a varint's header has no fixed size");
    if (spec->strip != 0 && spec->strip != FRAME_SPEC_STRIP_ALL)
        return frame_spec_refuse(error, text, "write strip=yes or strip=no",
                                 "a varint's header has no fixed size");
    if (spec->is_little)
        return frame_spec_refuse(error, text, "leave endian out",
                                 "the byte order of a varint is fixed");
    if (spec->offset > WEIR_HEADER_BYTES_MAX - FRAME_SPEC_VARINT_BYTES_MAX)
        return frame_spec_refuse(error, text, NULL, "no header may be longer than %d bytes",
                                 WEIR_HEADER_BYTES_MAX);
    if (spec->magic_length > spec->offset)
        return frame_spec_refuse(error, text, "raise offset", "the magic overlaps the length");
    if (spec->adjust > (int64_t)spec->max)
        return frame_spec_refuse(error, text, "lower adjust, or raise max",
                                 "every frame would be longer than max");
    if (spec->covers == FRAME_SPEC_REST) spec->covers = FRAME_SPEC_BODY;
    spec->value_max = UINT64_MAX;
    return WEIR_OK;
}

/* Checks the layout of the header. */
static enum weir_code frame_spec__check_header(const char *text, struct frame_spec *spec,
                                               struct weir_error *error)
{
    uint32_t field_end = spec->offset + spec->width;

    if (spec->header == 0) spec->header = field_end;
    if (spec->header > WEIR_HEADER_BYTES_MAX)
        return frame_spec_refuse(error, text, NULL, "no header may be longer than %d bytes",
                                 WEIR_HEADER_BYTES_MAX);
    if (field_end > spec->header)
        return frame_spec_refuse(error, text, "raise header, or lower offset",
                                 "the length field ends at byte %u, outside the header of %u",
                                 (unsigned)field_end, (unsigned)spec->header);
    if (spec->is_padding_valid)
        return frame_spec_refuse(error, text, "leave minimal out, or write width=varint",
                                 "a length of %u bytes cannot have unnecessary bytes",
                                 (unsigned)spec->width);
    if (spec->strip == FRAME_SPEC_STRIP_ALL) spec->strip = spec->header;
    if (spec->strip > spec->header)
        return frame_spec_refuse(error, text, "raise header, or lower strip",
                                 "strip=%u is more than the header of %u", (unsigned)spec->strip,
                                 (unsigned)spec->header);
    if (spec->magic_length > spec->offset)
        return frame_spec_refuse(error, text, "raise offset, or shorten magic",
                                 "the magic overlaps the length field");
    if (spec->covers == FRAME_SPEC_REST && spec->header == field_end)
        spec->covers = FRAME_SPEC_BODY; /* both mean the same here, and have one canonical text */
    return WEIR_OK;
}

/* Checks which lengths can be received, and which of them are valid. */
static enum weir_code frame_spec__check_values(const char *text, struct frame_spec *spec,
                                               struct weir_error *error)
{
    int64_t header = spec->header;
    int64_t shortest = header - (int64_t)spec->strip;

    spec->value_max = spec->width == 8 ? UINT64_MAX : (UINT64_C(1) << 8 * spec->width) - 1;
    spec->constant = spec->adjust;
    if (spec->covers == FRAME_SPEC_BODY) spec->constant += header;
    if (spec->covers == FRAME_SPEC_REST) spec->constant += (int64_t)spec->offset + spec->width;

    /* The sum cannot overflow. A field of more than 5 bytes reaches the header for every
     * constant. */
    if (spec->width <= 5 && (int64_t)spec->value_max + spec->constant < header)
        return frame_spec_refuse(error, text, "check the sign of adjust: it is added to the length",
                                 "no value of a %u-byte length reaches the end of the header",
                                 (unsigned)spec->width);
    if (spec->constant - (int64_t)spec->strip > (int64_t)spec->max)
        return frame_spec_refuse(error, text, "lower adjust, or raise max",
                                 "every frame would be longer than max");
    if ((int64_t)spec->max < shortest)
        return frame_spec_refuse(error, text,
                                 "raise max: it includes the header bytes that are not stripped",
                                 "every frame would be longer than max");
    /* The width limits the length: lower max to that. */
    if (spec->width <= 5) {
        uint64_t longest =
            (uint64_t)((int64_t)spec->value_max + spec->constant - (int64_t)spec->strip);
        if (spec->max > longest) spec->max = longest;
    }
    return WEIR_OK;
}

/* By default, fragments of a long record must have 1 KiB on average. */
static enum weir_code frame_spec__check_sunrpc(struct frame_spec *spec)
{
    if (spec->fragments_max > 0) return WEIR_OK;
    spec->fragments_max = (uint32_t)(spec->max / 1024);
    if (spec->fragments_max < FRAME_SPEC_FRAGMENTS) spec->fragments_max = FRAME_SPEC_FRAGMENTS;
    return WEIR_OK;
}

enum weir_code frame_spec_check(const char *text, struct frame_spec *spec, struct weir_error *error)
{
    enum weir_code code;

    switch (spec->kind) {
    case FRAME_SPEC_LENGTH:
        if (spec->width == FRAME_SPEC_VARINT) return frame_spec__check_varint(text, spec, error);
        code = frame_spec__check_header(text, spec, error);
        return code == WEIR_OK ? frame_spec__check_values(text, spec, error) : code;
    case FRAME_SPEC_FIXED:
        if (spec->size == 0)
            return frame_spec_refuse(error, text, "write fixed:size=16", "size is missing");
        if (spec->has_max && spec->size > spec->max)
            return frame_spec_refuse(error, text, "raise max, or lower size",
                                     "every message would be longer than max");
        spec->max = spec->size;
        return WEIR_OK;
    case FRAME_SPEC_SUNRPC: return frame_spec__check_sunrpc(spec);
    case FRAME_SPEC_RAW:
    case FRAME_SPEC_DATAGRAM:
    case FRAME_SPEC_LINE:
    case FRAME_SPEC_NETSTRING:
    case FRAME_SPEC_PROBE:
    case FRAME_SPEC_KINDS_COUNT: break;
    }
    return WEIR_OK;
}
