/* SPDX-License-Identifier: MIT */
/* frame_elsewhere.c - prints the equivalent settings of Netty, tokio-util, Erlang and libhv. Each
 * computes the length of a frame in its own way. In weir, frame = length + constant:
 *
 *      Netty   frame = length + lengthAdjustment + lengthFieldOffset + lengthFieldLength
 *      tokio   frame = length + length_adjustment + num_skip
 *      libhv   frame = length + length_adjustment + body_offset
 */
#include <inttypes.h>
#include <string.h>

#include "frame_explain.h"

static bool frame_elsewhere__is(const struct weir_frame_info *info, const char *kind)
{
    return strcmp(info->kind, kind) == 0;
}

static bool frame_elsewhere__ends_in(const struct weir_frame_info *info, const char *delimiter)
{
    return info->delimiter_bytes == strlen(delimiter) &&
           memcmp(info->delimiter, delimiter, info->delimiter_bytes) == 0;
}

static const char *frame_elsewhere__magic(const struct weir_frame_info *info)
{
    return info->magic_bytes > 0 ? " (the magic is not checked)" : "";
}

/* ---- Netty ---- */

static void frame_elsewhere__netty_line(struct text_builder *builder,
                                        const struct weir_frame_info *info)
{
    if (frame_elsewhere__ends_in(info, "\n")) {
        text_builder_add(builder, "new LineBasedFrameDecoder(%" PRIu64 ")", info->max_bytes);
        return;
    }
    text_builder_add(
        builder, "new DelimiterBasedFrameDecoder(%" PRIu64 ", Unpooled.wrappedBuffer(new byte[] {",
        info->max_bytes);
    for (uint32_t i = 0; i < info->delimiter_bytes; i++)
        text_builder_add(builder, "%s(byte) 0x%02x", i > 0 ? ", " : "", info->delimiter[i]);
    text_builder_add(builder, "}))");
}

static bool frame_elsewhere__is_protobuf(const struct weir_frame_info *info)
{
    return info->width == 0 && info->offset == 0 && info->adjust == 0 && info->strips_all &&
           strcmp(info->covers, "body") == 0;
}

static void frame_elsewhere__netty_length(struct text_builder *builder,
                                          const struct weir_frame_info *info)
{
    int64_t field_end = (int64_t)info->offset + info->width;

    if (frame_elsewhere__is_protobuf(info))
        text_builder_add(builder, "new ProtobufVarint32FrameDecoder() (lengths below 2^32)");
    else if (info->width == 0 || (info->width > 4 && info->width != 8))
        text_builder_add(builder, "none: its lengths have 1, 2, 3, 4 or 8 bytes");
    else
        text_builder_add(builder,
                         "new LengthFieldBasedFrameDecoder(ByteOrder.%s, %" PRIu64
                         ", %u, %u, %" PRId64 ", %u, true)%s",
                         info->is_little ? "LITTLE_ENDIAN" : "BIG_ENDIAN",
                         info->max_bytes + info->strip, (unsigned)info->offset,
                         (unsigned)info->width, info->constant - field_end, (unsigned)info->strip,
                         frame_elsewhere__magic(info));
}

static void frame_elsewhere__netty(struct text_builder *builder, const struct weir_frame_info *info)
{
    if (frame_elsewhere__is(info, "line"))
        frame_elsewhere__netty_line(builder, info);
    else if (frame_elsewhere__is(info, "fixed"))
        text_builder_add(builder, "new FixedLengthFrameDecoder(%" PRIu64 ")", info->size_bytes);
    else if (frame_elsewhere__is(info, "length"))
        frame_elsewhere__netty_length(builder, info);
    else
        text_builder_add(builder, "none: it has no decoder for %s", info->kind);
}

/* ---- tokio-util ---- */

static void frame_elsewhere__tokio_line(struct text_builder *builder,
                                        const struct weir_frame_info *info)
{
    if (frame_elsewhere__ends_in(info, "\n"))
        text_builder_add(builder, "LinesCodec::new_with_max_length(%" PRIu64 ")", info->max_bytes);
    else if (info->delimiter_bytes == 1)
        text_builder_add(builder,
                         "AnyDelimiterCodec::new_with_max_length(vec![0x%02x], vec![0x%02x], "
                         "%" PRIu64 ")",
                         info->delimiter[0], info->delimiter[0], info->max_bytes);
    else
        text_builder_add(builder, "none: its delimiters are single bytes");
}

static void frame_elsewhere__tokio(struct text_builder *builder, const struct weir_frame_info *info)
{
    if (frame_elsewhere__is(info, "line"))
        frame_elsewhere__tokio_line(builder, info);
    else if (!frame_elsewhere__is(info, "length"))
        text_builder_add(builder, "none: tokio-util has no codec for %s", info->kind);
    else if (info->width == 0)
        text_builder_add(builder, "none: LengthDelimitedCodec has no varints");
    else
        text_builder_add(
            builder,
            "LengthDelimitedCodec::builder()%s.length_field_offset(%u).length_field_length(%u)"
            ".length_adjustment(%" PRId64 ").num_skip(%u).max_frame_length(%" PRId64
            ").new_codec()%s",
            info->is_little ? ".little_endian()" : "", (unsigned)info->offset,
            (unsigned)info->width, info->constant - (int64_t)info->strip, (unsigned)info->strip,
            (int64_t)info->max_bytes + (int64_t)info->strip - info->constant,
            frame_elsewhere__magic(info));
}

/* ---- Erlang ---- */

/* Returns whether {packet, 1}, {packet, 2} or {packet, 4} is equivalent. */
static bool frame_elsewhere__is_packet(const struct weir_frame_info *info)
{
    bool is_width = info->width == 1 || info->width == 2 || info->width == 4;

    return is_width && info->offset == 0 && !info->is_little && info->strips_all &&
           info->header == info->width && info->constant == (int64_t)info->width;
}

static bool frame_elsewhere__is_tpkt(const struct weir_frame_info *info)
{
    return info->width == 2 && info->offset == 2 && info->constant == 0 && info->magic_bytes == 1 &&
           info->magic[0] == 3;
}

static void frame_elsewhere__erlang_length(struct text_builder *builder,
                                           const struct weir_frame_info *info)
{
    if (frame_elsewhere__is_packet(info))
        text_builder_add(builder, "{packet, %u}, {packet_size, %" PRIu64 "}", (unsigned)info->width,
                         info->max_bytes);
    else if (frame_elsewhere__is_tpkt(info))
        text_builder_add(builder, "{packet, tpkt} (which leaves the header in the message)");
    else
        text_builder_add(builder,
                         "none: its lengths are big endian, of 1, 2 or 4 bytes, come first and "
                         "count what follows");
}

static void frame_elsewhere__erlang(struct text_builder *builder,
                                    const struct weir_frame_info *info)
{
    if (frame_elsewhere__is(info, "length"))
        frame_elsewhere__erlang_length(builder, info);
    else if (frame_elsewhere__is(info, "line") && frame_elsewhere__ends_in(info, "\n"))
        text_builder_add(builder, "{packet, line} (which leaves the line end in the message)");
    else if (frame_elsewhere__is(info, "sunrpc"))
        text_builder_add(builder,
                         "{packet, sunrm} (which leaves the mark in the message, and does not join "
                         "fragments)");
    else if (frame_elsewhere__is(info, "fixed"))
        text_builder_add(builder, "{packet, raw}, and gen_tcp:recv(Socket, %" PRIu64 ")",
                         info->size_bytes);
    else
        text_builder_add(builder, "none: {packet, ...} has nothing like it");
}

/* ---- libhv ---- */

static void frame_elsewhere__libhv_line(struct text_builder *builder,
                                        const struct weir_frame_info *info)
{
    if (info->delimiter_bytes > 8) {
        text_builder_add(builder, "none: its delimiters have 8 bytes at most");
        return;
    }
    text_builder_add(builder,
                     ".mode = UNPACK_BY_DELIMITER, .package_max_length = %" PRIu64
                     ", .delimiter_bytes = %u, .delimiter = {",
                     info->max_bytes + info->delimiter_bytes, (unsigned)info->delimiter_bytes);
    for (uint32_t i = 0; i < info->delimiter_bytes; i++)
        text_builder_add(builder, "%s0x%02x", i > 0 ? ", " : "", info->delimiter[i]);
    text_builder_add(builder, "} (which leaves the delimiter in the message)");
}

/* The settings of libhv that differ between varints and fixed widths. */
struct frame_elsewhere__libhv_length {
    uint64_t package_max;
    uint32_t body_offset, width;
    int64_t adjustment;
    const char *coding;
};

static struct frame_elsewhere__libhv_length frame_elsewhere__libhv_settings(
    const struct weir_frame_info *info)
{
    if (info->width == 0)
        return (struct frame_elsewhere__libhv_length){.package_max =
                                                          info->max_bytes + info->offset + 10,
                                                      .body_offset = info->offset + 1,
                                                      .width = 1,
                                                      .adjustment = info->adjust,
                                                      .coding = "ENCODE_BY_VARINT"};
    return (struct frame_elsewhere__libhv_length){
        .package_max = info->max_bytes + info->strip,
        .body_offset = info->header,
        .width = info->width,
        .adjustment = info->constant - (int64_t)info->header,
        .coding = info->is_little ? "ENCODE_BY_LITTEL_ENDIAN" : "ENCODE_BY_BIG_ENDIAN"};
}

static void frame_elsewhere__libhv_length(struct text_builder *builder,
                                          const struct weir_frame_info *info)
{
    struct frame_elsewhere__libhv_length settings = frame_elsewhere__libhv_settings(info);

    if (info->width == 0 && strcmp(info->covers, "body") != 0) {
        text_builder_add(builder, "none: its varints do not count themselves");
        return;
    }
    text_builder_add(builder,
                     ".mode = UNPACK_BY_LENGTH_FIELD, .package_max_length = %" PRIu64
                     ", .body_offset = %u, .length_field_offset = %u, .length_field_bytes = %u, "
                     ".length_field_coding = %s, .length_adjustment = %" PRId64
                     " (which leaves the header in the message)%s",
                     settings.package_max, (unsigned)settings.body_offset, (unsigned)info->offset,
                     (unsigned)settings.width, settings.coding, settings.adjustment,
                     frame_elsewhere__magic(info));
}

static void frame_elsewhere__libhv(struct text_builder *builder, const struct weir_frame_info *info)
{
    if (frame_elsewhere__is(info, "fixed"))
        text_builder_add(builder, ".mode = UNPACK_BY_FIXED_LENGTH, .fixed_length = %" PRIu64,
                         info->size_bytes);
    else if (frame_elsewhere__is(info, "line"))
        frame_elsewhere__libhv_line(builder, info);
    else if (frame_elsewhere__is(info, "length"))
        frame_elsewhere__libhv_length(builder, info);
    else
        text_builder_add(builder, "none: it has no mode for %s", info->kind);
}

void frame_elsewhere(struct text_builder *builder, const struct weir_frame *frame)
{
    static const struct {
        const char *name;
        void (*say)(struct text_builder *builder, const struct weir_frame_info *info);
    } others[] = {
        {"Netty", frame_elsewhere__netty},
        {"tokio", frame_elsewhere__tokio},
        {"Erlang", frame_elsewhere__erlang},
        {"libhv", frame_elsewhere__libhv},
    };
    struct weir_frame_info info;

    weir_frame_describe(frame, &info);
    text_builder_add(builder, "\nElsewhere:\n");
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        text_builder_add(builder, "   %-7s ", others[i].name);
        others[i].say(builder, &info);
        text_builder_add(builder, "\n");
    }
}
