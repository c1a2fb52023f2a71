/* SPDX-License-Identifier: MIT */
/* frame_elsewhere_tokio.c - the equivalent codec of tokio-util 0.7, in Rust. */
#include <inttypes.h>

#include "frame_elsewhere.h"

static void frame_elsewhere__tokio_line(struct frame_elsewhere *line)
{
    const struct weir_frame_info *info = line->info;

    if (frame_elsewhere_ends_in(info, "\n")) {
        text_builder_add(line->builder, "LinesCodec::new_with_max_length(%" PRIu64 ")",
                         info->max_bytes);
        frame_elsewhere_note(line, "UTF-8 only");
        frame_elsewhere_note(line, "a CR counts as part of the line's length");
        frame_elsewhere_note(line, "a CR is also removed from a last line without newline");
    } else if (info->delimiter_bytes == 1) {
        text_builder_add(line->builder,
                         "AnyDelimiterCodec::new_with_max_length(vec![0x%02x], vec![0x%02x], "
                         "%" PRIu64 ")",
                         info->delimiter[0], info->delimiter[0], info->max_bytes);
    } else {
        frame_elsewhere_cannot(line, "its delimiters are single bytes");
    }
}

static void frame_elsewhere__tokio_length(struct frame_elsewhere *line)
{
    const struct weir_frame_info *info = line->info;

    if (info->width == 0) {
        frame_elsewhere_cannot(line, "LengthDelimitedCodec has no varints");
        return;
    }
    if (frame_elsewhere_can_be_short(info) && info->strip < info->header) {
        frame_elsewhere_cannot(line, "it accepts frames that are shorter than the header");
        return;
    }
    text_builder_add(
        line->builder,
        "LengthDelimitedCodec::builder()%s.length_field_offset(%u).length_field_length(%u)"
        ".length_adjustment(%" PRId64 ").num_skip(%u).max_frame_length(%" PRId64 ").new_codec()",
        info->is_little ? ".little_endian()" : "", (unsigned)info->offset, (unsigned)info->width,
        info->constant - (int64_t)info->strip, (unsigned)info->strip,
        (int64_t)info->max_bytes + (int64_t)info->strip - info->constant);
    if (info->magic_bytes > 0) frame_elsewhere_note(line, "the magic is not checked");
}

void frame_elsewhere_tokio(struct frame_elsewhere *line)
{
    if (line->info->skips_oversize)
        frame_elsewhere_cannot(line, "a message that is too long is an error");
    else if (frame_elsewhere_is(line->info, "line"))
        frame_elsewhere__tokio_line(line);
    else if (frame_elsewhere_is(line->info, "length"))
        frame_elsewhere__tokio_length(line);
    else
        frame_elsewhere_cannot(line, "tokio-util has no such codec");
}
