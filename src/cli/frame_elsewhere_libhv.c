/* SPDX-License-Identifier: MIT */
/* frame_elsewhere_libhv.c - the equivalent members of unpack_setting_t in libhv (hloop.h). */
#include <inttypes.h>
#include <string.h>

#include "frame_elsewhere.h"

#define FRAME_ELSEWHERE__DELIMITER_BYTES_MAX 8 /* PACKAGE_MAX_DELIMITER_BYTES */
#define FRAME_ELSEWHERE__READ_BYTES 8192       /* HLOOP_READ_BUFSIZE */
#define FRAME_ELSEWHERE__ADJUSTMENT_MAX 32767  /* length_adjustment is a short */

static void frame_elsewhere__libhv_line(struct frame_elsewhere *line)
{
    const struct weir_frame_info *info = line->info;
    uint64_t package_max = info->max_bytes + info->delimiter_bytes;

    if (info->delimiter_bytes > FRAME_ELSEWHERE__DELIMITER_BYTES_MAX) {
        frame_elsewhere_cannot(line, "its delimiters have 8 bytes at most");
        return;
    }
    text_builder_add(line->builder,
                     ".mode = UNPACK_BY_DELIMITER, .package_max_length = %" PRIu64
                     ", .delimiter_bytes = %u, .delimiter = {",
                     package_max, (unsigned)info->delimiter_bytes);
    for (uint32_t i = 0; i < info->delimiter_bytes; i++)
        text_builder_add(line->builder, "%s0x%02x", i > 0 ? ", " : "", info->delimiter[i]);
    text_builder_add(line->builder, "}");
    frame_elsewhere_note(line, "the message contains its delimiter");
    frame_elsewhere_note(line, "a last message without its delimiter is lost");
    if (frame_elsewhere_ends_in(info, "\n"))
        frame_elsewhere_note(line, "a CR counts as part of the line's length");
    if (package_max < FRAME_ELSEWHERE__READ_BYTES)
        frame_elsewhere_note(line, "messages of up to %u bytes are not too long",
                             FRAME_ELSEWHERE__READ_BYTES);
}

static uint32_t frame_elsewhere__varint_bytes(uint64_t value)
{
    uint32_t bytes = 1;

    for (; value > 0x7f; value >>= 7) bytes++;
    return bytes;
}

static void frame_elsewhere__libhv_varint(struct frame_elsewhere *line)
{
    const struct weir_frame_info *info = line->info;
    uint32_t header = info->offset + frame_elsewhere__varint_bytes(info->max_bytes);

    if (strcmp(info->covers, "body") != 0) {
        frame_elsewhere_cannot(line, "its varints do not count themselves");
        return;
    }
    if (info->adjust != 0) {
        frame_elsewhere_cannot(line, "an adjusted length could end inside the header");
        return;
    }
    text_builder_add(line->builder,
                     ".mode = UNPACK_BY_LENGTH_FIELD, .package_max_length = %" PRIu64
                     ", .body_offset = %u, .length_field_offset = %u, .length_field_bytes = 1, "
                     ".length_field_coding = ENCODE_BY_VARINT",
                     info->max_bytes + (info->strips_all ? header : 0), (unsigned)info->offset + 1,
                     (unsigned)info->offset);
    if (info->strips_all) frame_elsewhere_note(line, "the message contains the header");
    if (info->is_padding_valid && info->strips_all)
        frame_elsewhere_note(line, "padding counts as part of the message's length");
    if (!info->is_padding_valid) frame_elsewhere_note(line, "padded varints are valid");
    frame_elsewhere_note(line, "lengths are read modulo 2^32");
    if (info->magic_bytes > 0) frame_elsewhere_note(line, "the magic is not checked");
}

/* Returns why libhv cannot decode these frames; null: it can. */
static const char *frame_elsewhere__libhv_obstacle(const struct weir_frame_info *info)
{
    if (info->width > 4) return "its lengths have 4 bytes at most";
    if (frame_elsewhere_can_be_short(info))
        return "it accepts frames that are shorter than the header";
    if (info->constant - (int64_t)info->header > FRAME_ELSEWHERE__ADJUSTMENT_MAX)
        return "its adjustment is at most 32767";
    return NULL;
}

static void frame_elsewhere__libhv_length(struct frame_elsewhere *line)
{
    const struct weir_frame_info *info = line->info;
    const char *obstacle = frame_elsewhere__libhv_obstacle(info);

    if (obstacle) {
        frame_elsewhere_cannot(line, obstacle);
        return;
    }
    text_builder_add(line->builder,
                     ".mode = UNPACK_BY_LENGTH_FIELD, .package_max_length = %" PRIu64
                     ", .body_offset = %u, .length_field_offset = %u, .length_field_bytes = %u, "
                     ".length_field_coding = %s, .length_adjustment = %" PRId64,
                     info->max_bytes + info->strip, (unsigned)info->header, (unsigned)info->offset,
                     (unsigned)info->width,
                     info->is_little ? "ENCODE_BY_LITTLE_ENDIAN" : "ENCODE_BY_BIG_ENDIAN",
                     info->constant - (int64_t)info->header);
    if (info->strip > 0) frame_elsewhere_note(line, "the message contains the header");
    if (info->is_little)
        frame_elsewhere_note(line, "older versions spell it ENCODE_BY_LITTEL_ENDIAN");
    if (info->magic_bytes > 0) frame_elsewhere_note(line, "the magic is not checked");
}

void frame_elsewhere_libhv(struct frame_elsewhere *line)
{
    const struct weir_frame_info *info = line->info;

    if (info->skips_oversize)
        frame_elsewhere_cannot(line, "a message that is too long closes the connection");
    else if (frame_elsewhere_is(info, "fixed"))
        text_builder_add(line->builder,
                         ".mode = UNPACK_BY_FIXED_LENGTH, .package_max_length = %" PRIu64
                         ", .fixed_length = %" PRIu64,
                         info->size_bytes, info->size_bytes);
    else if (frame_elsewhere_is(info, "line"))
        frame_elsewhere__libhv_line(line);
    else if (!frame_elsewhere_is(info, "length"))
        frame_elsewhere_cannot(line, "it has no such mode");
    else if (info->width == 0)
        frame_elsewhere__libhv_varint(line);
    else
        frame_elsewhere__libhv_length(line);
}
