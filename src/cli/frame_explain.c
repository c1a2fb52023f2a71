/* SPDX-License-Identifier: MIT */
/* frame_explain.c - draws a frame as boxes, with offsets above them and a sample below. */
#include "frame_explain.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define FRAME_EXPLAIN__CELLS_MAX 6
#define FRAME_EXPLAIN__SAMPLE_BYTES_MAX 512

/* A part of the frame, drawn as a box. */
struct frame_explain__cell {
    char offset[12]; /* printed above the left edge; empty: it varies */
    char label[64];
    bool is_open; /* its length varies */
};

struct frame_explain__drawing {
    struct frame_explain__cell cells[FRAME_EXPLAIN__CELLS_MAX];
    size_t count;
};

static void frame_explain__add(struct frame_explain__drawing *drawing, const char *offset,
                               const char *label, bool is_open)
{
    struct frame_explain__cell *cell = &drawing->cells[drawing->count++];

    snprintf(cell->offset, sizeof cell->offset, "%s", offset);
    snprintf(cell->label, sizeof cell->label, "%s%s", label, is_open ? " ..." : "");
    cell->is_open = is_open;
}

static size_t frame_explain__width(const struct frame_explain__cell *cell)
{
    return strlen(cell->label) + 2;
}

static void frame_explain__draw(struct text_builder *builder,
                                const struct frame_explain__drawing *drawing)
{
    text_builder_add(builder, "\n   ");
    for (size_t i = 0; i < drawing->count; i++)
        text_builder_add(builder, "%-*s", (int)frame_explain__width(&drawing->cells[i]) + 1,
                         drawing->cells[i].offset);
    while (builder->used > 0 && builder->bytes[builder->used - 1] == ' ') builder->used--;
    for (int line = 0; line < 3; line++) {
        text_builder_add(builder, "\n   ");
        for (size_t i = 0; i < drawing->count; i++) {
            text_builder_add(builder, line == 1 ? "| %s " : "+", drawing->cells[i].label);
            if (line != 1)
                text_builder_repeat(builder, '-', frame_explain__width(&drawing->cells[i]));
        }
        text_builder_add(builder, line == 1 ? "|" : "+");
    }
    text_builder_add(builder, "\n\n");
}

/* ---- boxes ---- */

/* Adds the header bytes before or after the length field. */
static void frame_explain__add_gap(struct frame_explain__drawing *drawing,
                                   const struct weir_frame_info *info, uint32_t from, uint32_t to)
{
    char offset[12], label[48];
    struct text_builder text = {label, sizeof label, 0};
    uint32_t magic = from == 0 ? info->magic_bytes : 0;

    if (magic > 0) {
        text_builder_add(&text, "\"");
        text_builder_escape(&text, info->magic, magic <= 4 ? magic : 4);
        text_builder_add(&text, magic <= 4 ? "\"" : "\"...");
        frame_explain__add(drawing, "0", label, false);
    }
    if (from + magic == to) return;
    snprintf(offset, sizeof offset, "%u", (unsigned)(from + magic));
    snprintf(label, sizeof label, "%u byte%s", (unsigned)(to - from - magic),
             to - from - magic == 1 ? "" : "s");
    frame_explain__add(drawing, offset, label, false);
}

static void frame_explain__add_length(struct frame_explain__drawing *drawing,
                                      const struct weir_frame_info *info)
{
    char offset[12], label[48];
    uint32_t end = info->offset + info->width;

    frame_explain__add_gap(drawing, info, 0, info->offset);
    snprintf(offset, sizeof offset, "%u", (unsigned)info->offset);
    if (info->width == 0) {
        frame_explain__add(drawing, offset, "length, varint (1 to 10 bytes)", false);
        frame_explain__add(drawing, "", "body", true);
        return;
    }
    snprintf(label, sizeof label, "length, %u byte%s%s", (unsigned)info->width,
             info->width == 1 ? "" : "s",
             info->width == 1  ? ""
             : info->is_little ? " little endian"
                               : " big endian");
    frame_explain__add(drawing, offset, label, false);
    frame_explain__add_gap(drawing, info, end, info->header);
    snprintf(offset, sizeof offset, "%u", (unsigned)info->header);
    frame_explain__add(drawing, offset, "body", true);
}

static void frame_explain__boxes(struct frame_explain__drawing *drawing,
                                 const struct weir_frame_info *info)
{
    char label[48];
    struct text_builder text = {label, sizeof label, 0};

    if (strcmp(info->kind, "length") == 0) {
        frame_explain__add_length(drawing, info);
    } else if (strcmp(info->kind, "line") == 0) {
        text_builder_add(&text, "\"");
        text_builder_escape(&text, info->delimiter,
                            info->delimiter_bytes < 8 ? info->delimiter_bytes : 8);
        text_builder_add(&text, info->delimiter_bytes <= 8 ? "\"" : "\"...");
        frame_explain__add(drawing, "0", "message", true);
        frame_explain__add(drawing, "", label, false);
    } else if (strcmp(info->kind, "netstring") == 0) {
        frame_explain__add(drawing, "0", "length in digits", false);
        frame_explain__add(drawing, "", "\":\"", false);
        frame_explain__add(drawing, "", "message", true);
        frame_explain__add(drawing, "", "\",\"", false);
    } else if (strcmp(info->kind, "fixed") == 0) {
        snprintf(label, sizeof label, "message, %" PRIu64 " bytes", info->size_bytes);
        frame_explain__add(drawing, "0", label, false);
    } else if (strcmp(info->kind, "sunrpc") == 0) {
        frame_explain__add(drawing, "0", "1 bit: last?, 31 bits: length", false);
        frame_explain__add(drawing, "4", "fragment", true);
    } else {
        frame_explain__add(drawing, "0", "bytes as received", true);
    }
}

/* ---- in words ---- */

static const char *frame_explain__covers(const struct weir_frame_info *info)
{
    if (strcmp(info->covers, "rest") == 0) return "all that follows the length field";
    return strcmp(info->covers, "body") == 0 ? "the body" : "header and body";
}

static void frame_explain__say_message(struct text_builder *builder,
                                       const struct weir_frame_info *info)
{
    text_builder_add(builder, "message  ");
    if (info->strips_all)
        text_builder_add(builder, "the body");
    else if (info->strip == 0)
        text_builder_add(builder, "the whole frame, header and body");
    else
        text_builder_add(builder, "the frame from its byte %u on", (unsigned)info->strip);
    text_builder_add(builder, "\n");
}

static void frame_explain__say_length(struct text_builder *builder,
                                      const struct weir_frame_info *info)
{
    text_builder_add(builder, "length   counts %s", frame_explain__covers(info));
    if (info->is_padding_valid) text_builder_add(builder, ", and may have unnecessary bytes");
    if (info->adjust != 0)
        text_builder_add(builder, "; %+" PRId64 " is added to the received length", info->adjust);
    if (info->width > 0) text_builder_add(builder, ": frame = length");
    if (info->width > 0 && info->constant != 0)
        text_builder_add(builder, " %c %" PRId64, info->constant < 0 ? '-' : '+',
                         info->constant < 0 ? -info->constant : info->constant);
    text_builder_add(builder, "\n");
    frame_explain__say_message(builder, info);
}

static void frame_explain__say_limits(struct text_builder *builder,
                                      const struct weir_frame_info *info)
{
    if (strcmp(info->kind, "fixed") == 0) return;
    text_builder_add(builder, "max      %" PRIu64 " bytes; a longer message %s\n", info->max_bytes,
                     info->skips_oversize ? "is skipped" : "ends the stream");
    if (info->fragments_max > 0)
        text_builder_add(builder, "max      %u fragments; a record of more ends the stream\n",
                         (unsigned)info->fragments_max);
}

/* ---- a sample ---- */

static void frame_explain__hex(struct text_builder *builder, const uint8_t *bytes, size_t length)
{
    for (size_t at = 0; at < length; at += 16) {
        size_t count = length - at < 16 ? length - at : 16;
        text_builder_add(builder, "   %04x  ", (unsigned)at);
        for (size_t i = 0; i < 16; i++) {
            if (i < count)
                text_builder_add(builder, "%02x ", bytes[at + i]);
            else
                text_builder_add(builder, "   ");
        }
        text_builder_add(builder, " ");
        for (size_t i = 0; i < count; i++)
            text_builder_add(builder, "%c",
                             bytes[at + i] >= 0x20 && bytes[at + i] < 0x7f ? bytes[at + i] : '.');
        text_builder_add(builder, "\n");
    }
}

static void frame_explain__sample(struct text_builder *builder, const struct weir_frame *frame,
                                  const struct weir_frame_info *info)
{
    uint8_t message[FRAME_EXPLAIN__SAMPLE_BYTES_MAX] = {0}, made[2 * sizeof message];
    size_t length = 5, made_length, header = 0;

    if (strcmp(info->kind, "length") == 0 && !info->strips_all)
        header = info->width == 0 ? info->offset + 1 : info->header - info->strip;
    if (strcmp(info->kind, "fixed") == 0) {
        if (info->size_bytes > 64) return;
        length = (size_t)info->size_bytes;
    }
    for (size_t i = 0; i < length; i++) message[header + i] = (uint8_t) "hello"[i % 5];
    enum weir_code code = weir_codec_encode(weir_frame_codec(frame), message, header + length, made,
                                            sizeof made, &made_length);
    if (code != WEIR_OK) {
        text_builder_add(builder, "\nThe message \"hello\" cannot be sent in this way: %s.\n",
                         weir_code_text(code));
        return;
    }
    text_builder_add(builder, "\nThe message \"%.*s\"%s is sent as %u bytes:\n\n", (int)length,
                     (const char *)message + header,
                     header > 0 ? ", after a header of zeros that the sender adds," : "",
                     (unsigned)made_length);
    frame_explain__hex(builder, made, made_length);
}

void frame_explain(struct text_builder *builder, const struct weir_frame *frame)
{
    struct frame_explain__drawing drawing = {.count = 0};
    struct weir_frame_info info;

    weir_frame_describe(frame, &info);
    text_builder_add(builder, "%s\n", weir_frame_codec(frame)->name);
    frame_explain__boxes(&drawing, &info);
    frame_explain__draw(builder, &drawing);
    if (strcmp(info.kind, "length") == 0) frame_explain__say_length(builder, &info);
    if (!weir_frame_codec(frame)->decode) return;
    frame_explain__say_limits(builder, &info);
    frame_explain__sample(builder, frame, &info);
}
