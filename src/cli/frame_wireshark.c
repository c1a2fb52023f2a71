/* SPDX-License-Identifier: MIT */
/* frame_wireshark.c - writes a Wireshark dissector in Lua: the values of a frame specification as
 * constants, then the fixed parts for its kind (frame_wireshark_lua.c).
 *
 *      constants -> has_magic() -> sized() -> measure() -> fields, show(), proto.dissector()
 *
 * Text of the user is only written as Lua strings in which every unusual byte is a number, so no
 * name or delimiter can be read as Lua. */
#include "frame_wireshark.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "frame_wireshark_lua.h"

#define FRAME_WIRESHARK__FILTER_BYTES_MAX 48
#define FRAME_WIRESHARK__SKIPPED_BYTES_MAX (16 * 1024 * 1024) /* Wireshark holds a skipped frame */

static bool frame_wireshark__is_letter(char character)
{
    return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z');
}

static bool frame_wireshark__is_digit(char character)
{
    return character >= '0' && character <= '9';
}

/* Adds `local KEY = "..."`. */
static void frame_wireshark__add_text(struct text_builder *builder, const char *key,
                                      const uint8_t *bytes, size_t length)
{
    text_builder_add(builder, "local %s = '", key);
    for (size_t i = 0; i < length; i++) {
        char byte = (char)bytes[i];
        bool is_plain = frame_wireshark__is_letter(byte) || frame_wireshark__is_digit(byte) ||
                        (byte != '\0' && strchr(" :,=_.+()-", byte) != NULL);
        if (is_plain)
            text_builder_add(builder, "%c", byte);
        else
            text_builder_add(builder, "\\%03u", (unsigned)bytes[i]);
    }
    text_builder_add(builder, "'\n");
}

static void frame_wireshark__add_number(struct text_builder *builder, const char *key,
                                        int64_t number)
{
    text_builder_add(builder, "local %s = %" PRId64 "\n", key, number);
}

static void frame_wireshark__add_flag(struct text_builder *builder, const char *key, bool flag)
{
    text_builder_add(builder, "local %s = %s\n", key, flag ? "true" : "false");
}

/* Writes the letters and digits of the name, in lower case, and one _ for what is between them.
 * Returns false if there are none. */
static bool frame_wireshark__filter(const char *name, char *filter, size_t size)
{
    size_t used = (size_t)snprintf(filter, size, "weir");
    bool is_after_gap = true, has_any = false;

    for (const char *at = name; *at && used + 3 < size; at++) {
        if (!frame_wireshark__is_letter(*at) && !frame_wireshark__is_digit(*at)) {
            is_after_gap = true;
            continue;
        }
        if (is_after_gap) filter[used++] = '_';
        filter[used++] = *at >= 'A' && *at <= 'Z' ? (char)(*at - 'A' + 'a') : *at;
        is_after_gap = false;
        has_any = true;
    }
    filter[used] = '\0';
    return has_any;
}

/* ---- constants ---- */

static void frame_wireshark__add_names(struct text_builder *builder, const struct weir_frame *frame,
                                       const char *name, uint16_t port)
{
    const struct weir_codec *codec = weir_frame_codec(frame);
    char filter[FRAME_WIRESHARK__FILTER_BYTES_MAX], title[WEIR_FRAME_TEXT_BYTES_MAX + 8];

    if (!name || !frame_wireshark__filter(name, filter, sizeof filter))
        frame_wireshark__filter(codec->name, filter, sizeof filter);
    snprintf(title, sizeof title, "weir %s", name ? name : codec->name);
    text_builder_add(builder,
                     "-- A Wireshark dissector, written by: weir frame wireshark\n"
                     "-- It splits a stream into the messages of %s\n"
                     "-- Use it with: wireshark -X lua_script:FILE\n"
                     "-- or copy it to the folder of personal Lua plugins (Help, About, Folders).\n"
                     "-- Display filters: %s.message, %s.message_length, %s.malformed\n\n",
                     codec->name, filter, filter, filter);
    frame_wireshark__add_text(builder, "NAME", (const uint8_t *)filter, strlen(filter));
    frame_wireshark__add_text(builder, "TITLE", (const uint8_t *)title, strlen(title));
    text_builder_add(builder, "local TRANSPORT = '%s'\n", codec->datagrams ? "udp" : "tcp");
    frame_wireshark__add_number(builder, "PORT", port);
}

static void frame_wireshark__add_header(struct text_builder *builder,
                                        const struct weir_frame_info *info)
{
    frame_wireshark__add_number(builder, "OFFSET", info->offset);
    if (info->width == 0) {
        frame_wireshark__add_flag(builder, "COUNTS_HEADER",
                                  strcmp(info->covers, "header+body") == 0);
        frame_wireshark__add_number(builder, "ADJUST", info->adjust);
        frame_wireshark__add_flag(builder, "STRIPS", info->strips_all);
        frame_wireshark__add_flag(builder, "PADDED", info->is_padding_valid);
        return;
    }
    frame_wireshark__add_number(builder, "WIDTH", info->width);
    frame_wireshark__add_number(builder, "CONSTANT", info->constant);
    frame_wireshark__add_number(builder, "HEADER", info->header);
    frame_wireshark__add_number(builder, "STRIP", info->strip);
}

static void frame_wireshark__add_constants(struct text_builder *builder,
                                           const struct weir_frame_info *info)
{
    text_builder_add(builder, "local ONE_MORE = DESEGMENT_ONE_MORE_SEGMENT\n");
    frame_wireshark__add_number(builder, "LARGEST_SKIPPED", FRAME_WIRESHARK__SKIPPED_BYTES_MAX);
    frame_wireshark__add_number(builder, "MAX", (int64_t)info->max_bytes);
    frame_wireshark__add_flag(builder, "SKIPS", info->skips_oversize);
    frame_wireshark__add_text(builder, "MAGIC", info->magic, info->magic_bytes);
    frame_wireshark__add_flag(builder, "LITTLE", info->is_little);
    if (strcmp(info->kind, "length") == 0) frame_wireshark__add_header(builder, info);
    if (strcmp(info->kind, "fixed") == 0)
        frame_wireshark__add_number(builder, "SIZE", (int64_t)info->size_bytes);
    if (strcmp(info->kind, "sunrpc") == 0)
        frame_wireshark__add_number(builder, "FRAGMENTS", info->fragments_max);
    if (strcmp(info->kind, "line") == 0) {
        frame_wireshark__add_text(builder, "DELIMITER", info->delimiter, info->delimiter_bytes);
        frame_wireshark__add_flag(builder, "TAKES_RETURN",
                                  info->delimiter_bytes == 1 && info->delimiter[0] == '\n');
    }
    text_builder_add(builder, "\n");
}

/* ---- the fixed parts ---- */

static const char *frame_wireshark__measure(const struct weir_frame_info *info)
{
    static const struct {
        const char *kind, *lua;
    } kinds[] = {
        {"line", frame_wireshark_lua_line},
        {"netstring", frame_wireshark_lua_netstring},
        {"fixed", frame_wireshark_lua_fixed},
        {"sunrpc", frame_wireshark_lua_sunrpc},
    };

    if (strcmp(info->kind, "length") == 0)
        return info->width == 0 ? frame_wireshark_lua_varint : frame_wireshark_lua_length;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (strcmp(info->kind, kinds[i].kind) == 0) return kinds[i].lua;
    return frame_wireshark_lua_raw;
}

void frame_wireshark(struct text_builder *builder, const struct weir_frame *frame, const char *name,
                     uint16_t port)
{
    struct weir_frame_info info;

    weir_frame_describe(frame, &info);
    bool has_header = strcmp(info.kind, "length") == 0;
    frame_wireshark__add_names(builder, frame, name, port);
    frame_wireshark__add_constants(builder, &info);
    if (has_header) text_builder_add(builder, "%s", frame_wireshark_lua_magic);
    if (has_header || strcmp(info.kind, "netstring") == 0)
        text_builder_add(builder, "%s", frame_wireshark_lua_sized);
    text_builder_add(builder, "%s\n", frame_wireshark__measure(&info));
    text_builder_add(builder, "%s%s%s", frame_wireshark_lua_fields, frame_wireshark_lua_show,
                     frame_wireshark_lua_loop);
}
