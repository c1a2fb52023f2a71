/* SPDX-License-Identifier: MIT */
/* frame_elsewhere_erlang.c - the equivalent options of gen_tcp, which Erlang's driver decodes. */
#include <inttypes.h>

#include "frame_elsewhere.h"

#define FRAME_ELSEWHERE__RECV_BYTES_MAX (UINT64_C(64) << 20) /* of gen_tcp:recv/2 */

/* Returns whether {packet, 1}, {packet, 2} or {packet, 4} is equivalent. */
static bool frame_elsewhere__is_packet(const struct weir_frame_info *info)
{
    bool is_width = info->width == 1 || info->width == 2 || info->width == 4;

    return is_width && info->offset == 0 && info->magic_bytes == 0 &&
           (!info->is_little || info->width == 1) && info->strips_all &&
           info->header == info->width && info->constant == (int64_t)info->width;
}

static bool frame_elsewhere__is_tpkt(const struct weir_frame_info *info)
{
    return info->width == 2 && info->offset == 2 && info->header == 4 && !info->is_little &&
           info->constant == 0 && info->magic_bytes == 1 && info->magic[0] == 3;
}

static void frame_elsewhere__erlang_length(struct frame_elsewhere *line)
{
    const struct weir_frame_info *info = line->info;

    if (frame_elsewhere__is_packet(info)) {
        text_builder_add(line->builder, "{packet, %u}, {packet_size, %" PRIu64 "}",
                         (unsigned)info->width, info->max_bytes);
    } else if (frame_elsewhere__is_tpkt(info)) {
        text_builder_add(line->builder, "{packet, tpkt}, {packet_size, %" PRIu64 "}",
                         info->max_bytes + info->strip - info->header);
        if (info->strip > 0) frame_elsewhere_note(line, "the message contains the header");
    } else {
        frame_elsewhere_cannot(line, "its lengths are big endian, of 1, 2 or 4 bytes, come first, "
                                     "count the body and are stripped");
    }
}

static void frame_elsewhere__erlang_line(struct frame_elsewhere *line)
{
    const struct weir_frame_info *info = line->info;
    bool is_newline = frame_elsewhere_ends_in(info, "\n");

    if (info->delimiter_bytes > 1) {
        frame_elsewhere_cannot(line, "its delimiter is one byte");
        return;
    }
    /* The buffer must have room for the longest line with its terminator. */
    text_builder_add(line->builder, "{packet, line}, {buffer, %" PRIu64 "}",
                     info->max_bytes + (is_newline ? 2 : 1));
    if (!is_newline)
        text_builder_add(line->builder, ", {line_delimiter, %u}", (unsigned)info->delimiter[0]);
    frame_elsewhere_note(line, "the message contains its terminator");
    frame_elsewhere_note(line, "a longer line is not an error, and arrives in parts");
    frame_elsewhere_note(line, "a last line without terminator is lost");
}

static void frame_elsewhere__erlang_fixed(struct frame_elsewhere *line)
{
    if (line->info->size_bytes > FRAME_ELSEWHERE__RECV_BYTES_MAX)
        frame_elsewhere_cannot(line, "gen_tcp:recv/2 returns at most 67108864 bytes");
    else
        text_builder_add(line->builder, "{packet, raw}, and gen_tcp:recv(Socket, %" PRIu64 ")",
                         line->info->size_bytes);
}

void frame_elsewhere_erlang(struct frame_elsewhere *line)
{
    const struct weir_frame_info *info = line->info;

    if (info->skips_oversize) {
        frame_elsewhere_cannot(line, "no packet is skipped");
    } else if (frame_elsewhere_is(info, "length")) {
        frame_elsewhere__erlang_length(line);
    } else if (frame_elsewhere_is(info, "line")) {
        frame_elsewhere__erlang_line(line);
    } else if (frame_elsewhere_is(info, "fixed")) {
        frame_elsewhere__erlang_fixed(line);
    } else if (frame_elsewhere_is(info, "sunrpc")) {
        text_builder_add(line->builder, "{packet, sunrm}, {packet_size, %" PRIu64 "}",
                         info->max_bytes);
        frame_elsewhere_note(line, "the message contains the mark");
        frame_elsewhere_note(line, "fragments are not joined, and not counted");
    } else {
        frame_elsewhere_cannot(line, "{packet, ...} has nothing like it");
    }
}
