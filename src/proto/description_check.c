/* SPDX-License-Identifier: MIT */
/* description_check.c - what can never work is refused when it is written down, and not when the
 * first peer sends something. */
#include <inttypes.h>
#include <string.h>

#include "check.h"
#include "description.h"

static enum weir_code description__check_varint(const char *text, struct description *description,
                                                struct weir_error *error)
{
    if (description->header != 0)
        return description_refuse(error, text,
                                  "leave header out: it is offset and the varint's own bytes",
                                  "a varint's header has no fixed size");
    if (description->strip != 0 && description->strip != DESCRIPTION_STRIP_ALL)
        return description_refuse(error, text, "write strip=yes or strip=no",
                                  "a varint's header has no fixed size");
    if (description->is_little)
        return description_refuse(error, text, "leave endian out",
                                  "a varint has an order of its own");
    if (description->offset > WEIR_HEAD_BYTES_MAX - DESCRIPTION_VARINT_BYTES_MAX)
        return description_refuse(error, text, NULL, "no header may be longer than %d bytes",
                                  WEIR_HEAD_BYTES_MAX);
    if (description->magic_length > description->offset)
        return description_refuse(error, text, "raise offset", "the magic lies over the length");
    if (description->adjust > (int64_t)description->max)
        return description_refuse(error, text, "lower adjust, or raise max",
                                  "every frame would be longer than max");
    if (description->covers == DESCRIPTION_REST) description->covers = DESCRIPTION_BODY;
    description->value_max = UINT64_MAX;
    return WEIR_OK;
}

/* Where the length field is, and what is around it. */
static enum weir_code description__check_header(const char *text, struct description *description,
                                                struct weir_error *error)
{
    uint32_t field_end = description->offset + description->width;

    if (description->header == 0) description->header = field_end;
    if (description->header > WEIR_HEAD_BYTES_MAX)
        return description_refuse(error, text, NULL, "no header may be longer than %d bytes",
                                  WEIR_HEAD_BYTES_MAX);
    if (field_end > description->header)
        return description_refuse(error, text, "raise header, or lower offset",
                                  "the length field ends at byte %u, outside the header of %u",
                                  (unsigned)field_end, (unsigned)description->header);
    if (description->strip == DESCRIPTION_STRIP_ALL) description->strip = description->header;
    if (description->strip > description->header)
        return description_refuse(error, text, "raise header, or lower strip",
                                  "strip=%u is more than the header of %u",
                                  (unsigned)description->strip, (unsigned)description->header);
    if (description->magic_length > description->offset)
        return description_refuse(error, text, "raise offset, or shorten magic",
                                  "the magic lies over the length field");
    if (description->covers == DESCRIPTION_REST && description->header == field_end)
        description->covers = DESCRIPTION_BODY; /* the same, and one thing has one text */
    return WEIR_OK;
}

/* Which lengths can come, and which of them are of use. */
static enum weir_code description__check_values(const char *text, struct description *description,
                                                struct weir_error *error)
{
    int64_t header = description->header;
    int64_t shortest = header - (int64_t)description->strip;

    description->value_max =
        description->width == 8 ? UINT64_MAX : (UINT64_C(1) << 8 * description->width) - 1;
    description->constant = description->adjust;
    if (description->covers == DESCRIPTION_BODY) description->constant += header;
    if (description->covers == DESCRIPTION_REST)
        description->constant += (int64_t)description->offset + description->width;

    /* No sum can overflow: what is wider than 5 bytes reaches anything that a constant may ask. */
    if (description->width <= 5 && (int64_t)description->value_max + description->constant < header)
        return description_refuse(error, text, "mind the sign of adjust: it is added to the length",
                                  "no length of %u bytes would reach the end of the header",
                                  (unsigned)description->width);
    if (description->constant - (int64_t)description->strip > (int64_t)description->max)
        return description_refuse(error, text, "lower adjust, or raise max",
                                  "every frame would be longer than max");
    if ((int64_t)description->max < shortest)
        return description_refuse(error, text, "raise max: it counts the header bytes that stay",
                                  "every frame would be longer than max");
    /* What the width cannot say is no limit: max is what it can. */
    if (description->width <= 5) {
        uint64_t longest = (uint64_t)((int64_t)description->value_max + description->constant -
                                      (int64_t)description->strip);
        if (description->max > longest) description->max = longest;
    }
    return WEIR_OK;
}

static enum weir_code description__check_line(const char *text, struct description *description,
                                              struct weir_error *error)
{
    if (description->max < DESCRIPTION_MAX_BYTES_MAX) return WEIR_OK;
    return description_refuse(error, text, "lower max", "max is too large");
}

enum weir_code description_check(const char *text, struct description *description,
                                 struct weir_error *error)
{
    enum weir_code code;

    switch (description->kind) {
    case DESCRIPTION_LENGTH:
        if (description->width == DESCRIPTION_VARINT)
            return description__check_varint(text, description, error);
        code = description__check_header(text, description, error);
        return code == WEIR_OK ? description__check_values(text, description, error) : code;
    case DESCRIPTION_LINE: return description__check_line(text, description, error);
    case DESCRIPTION_FIXED:
        if (description->size == 0)
            return description_refuse(error, text, "write fixed:size=16", "it has no size");
        if (description->has_max && description->size > description->max)
            return description_refuse(error, text, "raise max, or lower size",
                                      "every message would be longer than max");
        description->max = description->size;
        return WEIR_OK;
    case DESCRIPTION_SUNRPC:
        if (description->max > INT32_MAX) description->max = INT32_MAX; /* one fragment's most */
        return WEIR_OK;
    case DESCRIPTION_RAW:
    case DESCRIPTION_DATAGRAM:
    case DESCRIPTION_NETSTRING:
    case DESCRIPTION_PROBE:
    case DESCRIPTION_KINDS_COUNT: break;
    }
    return WEIR_OK;
}
