/* SPDX-License-Identifier: MIT */
/* frame_elsewhere_netty.c - the equivalent decoder of Netty 4.1. Every error there is an exception,
 * after which the decoder skips the rest of an oversized message. */
#include <inttypes.h>
#include <string.h>

#include "frame_elsewhere.h"

static void frame_elsewhere__note_skip(struct frame_elsewhere *line)
{
    if (line->info->skips_oversize)
        frame_elsewhere_note(line,
                             "ignore TooLongFrameException: the message is skipped, and bytes "
                             "after it wait for the next read");
}

static void frame_elsewhere__netty_delimiter(struct frame_elsewhere *line)
{
    const struct weir_frame_info *info = line->info;

    if (info->skips_oversize && info->delimiter_bytes > 1) {
        frame_elsewhere_cannot(line, "while it skips, it does not find a delimiter that arrives in "
                                     "parts");
        return;
    }
    text_builder_add(line->builder,
                     "new DelimiterBasedFrameDecoder(%" PRIu64
                     ", Unpooled.wrappedBuffer(new byte[] {",
                     info->max_bytes);
    for (uint32_t i = 0; i < info->delimiter_bytes; i++)
        text_builder_add(line->builder, "%s(byte) 0x%02x", i > 0 ? ", " : "", info->delimiter[i]);
    text_builder_add(line->builder, "}))");
    frame_elsewhere_note(line, "a last message without its delimiter is lost");
    if (info->delimiter_bytes > 1)
        frame_elsewhere_note(line,
                             "a message of %" PRIu64 " bytes is too long if its delimiter "
                             "arrives in parts",
                             info->max_bytes);
    frame_elsewhere__note_skip(line);
}

static void frame_elsewhere__netty_line(struct frame_elsewhere *line)
{
    uint64_t max = line->info->max_bytes;

    if (!frame_elsewhere_ends_in(line->info, "\n")) {
        frame_elsewhere__netty_delimiter(line);
        return;
    }
    text_builder_add(line->builder, "new LineBasedFrameDecoder(%" PRIu64 ", true, true)", max);
    frame_elsewhere_note(line, "a last line without its newline is lost");
    frame_elsewhere_note(line,
                         "a line of %" PRIu64 " bytes is too long if its CR and LF arrive "
                         "apart",
                         max);
    if (!line->info->skips_oversize)
        frame_elsewhere_note(line, "lines of the same read still arrive after the exception");
    else
        frame_elsewhere_note(line, "ignore TooLongFrameException: the line is skipped");
}

static void frame_elsewhere__netty_varint(struct frame_elsewhere *line)
{
    const struct weir_frame_info *info = line->info;

    if (info->offset > 0 || info->adjust != 0 || !info->strips_all ||
        strcmp(info->covers, "body") != 0) {
        frame_elsewhere_cannot(line, "its varint comes first, counts the body, and is stripped");
        return;
    }
    if (info->skips_oversize) {
        frame_elsewhere_cannot(line, "its decoder of varints has no maximum");
        return;
    }
    text_builder_add(line->builder, "new ProtobufVarint32FrameDecoder()");
    frame_elsewhere_note(line, "it has no maximum below 2^31");
    frame_elsewhere_note(line, "lengths are read modulo 2^32");
    frame_elsewhere_note(line, info->is_padding_valid
                                   ? "a varint above 5 bytes is malformed"
                                   : "padded varints of up to 5 bytes are valid");
}

/* Returns why LengthFieldBasedFrameDecoder cannot decode these frames; null: it can. */
static const char *frame_elsewhere__netty_obstacle(const struct weir_frame_info *info)
{
    uint32_t field_end = info->offset + info->width;

    if (info->width > 4 && info->width != 8) return "its lengths have 1, 2, 3, 4 or 8 bytes";
    if (frame_elsewhere_can_be_short(info) && info->header > field_end &&
        info->header > info->strip)
        return "it accepts frames that are shorter than the header";
    if (info->width == 8 && info->skips_oversize) return "lengths above 2^63 are errors";
    return NULL;
}

static void frame_elsewhere__netty_length(struct frame_elsewhere *line)
{
    const struct weir_frame_info *info = line->info;
    int64_t field_end = (int64_t)info->offset + info->width;
    const char *obstacle = frame_elsewhere__netty_obstacle(info);

    if (obstacle) {
        frame_elsewhere_cannot(line, obstacle);
        return;
    }
    text_builder_add(line->builder,
                     "new LengthFieldBasedFrameDecoder(ByteOrder.%s, %" PRIu64 ", %u, %u, %" PRId64
                     ", %u, true)",
                     info->is_little ? "LITTLE_ENDIAN" : "BIG_ENDIAN",
                     info->max_bytes + info->strip, (unsigned)info->offset, (unsigned)info->width,
                     info->constant - field_end, (unsigned)info->strip);
    if (info->magic_bytes > 0) frame_elsewhere_note(line, "the magic is not checked");
    frame_elsewhere__note_skip(line);
}

void frame_elsewhere_netty(struct frame_elsewhere *line)
{
    const struct weir_frame_info *info = line->info;

    if (frame_elsewhere_is(info, "line"))
        frame_elsewhere__netty_line(line);
    else if (frame_elsewhere_is(info, "fixed"))
        text_builder_add(line->builder, "new FixedLengthFrameDecoder(%" PRIu64 ")",
                         info->size_bytes);
    else if (!frame_elsewhere_is(info, "length"))
        frame_elsewhere_cannot(line, "it has no such decoder");
    else if (info->width == 0)
        frame_elsewhere__netty_varint(line);
    else
        frame_elsewhere__netty_length(line);
}
