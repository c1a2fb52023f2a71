/* SPDX-License-Identifier: MIT */
/* frame_spec.h - a frame specification, "length:width=4,endian=little,max=64k", as values.
 *
 *      text -> frame_spec_read -> frame_spec_check -> valid values, all of them set
 *                                                    -> frame_spec_write -> shortest text
 */
#ifndef PROTO_FRAME_SPEC_H
#define PROTO_FRAME_SPEC_H

#include <weir/frame.h>

enum frame_spec_kind {
    FRAME_SPEC_RAW,
    FRAME_SPEC_DATAGRAM,
    FRAME_SPEC_LINE,
    FRAME_SPEC_LENGTH,
    FRAME_SPEC_NETSTRING,
    FRAME_SPEC_FIXED,
    FRAME_SPEC_SUNRPC,
    FRAME_SPEC_PROBE, /* made of a struct weir_probe; has no text */
    FRAME_SPEC_KINDS_COUNT
};

/* Which bytes the number in a length field counts. */
enum frame_spec_covers {
    FRAME_SPEC_BODY,  /* the bytes after the header */
    FRAME_SPEC_FRAME, /* header and body */
    FRAME_SPEC_REST,  /* the bytes after the length field */
};

#define FRAME_SPEC_MAX_BYTES (UINT64_C(1) << 20) /* default */
#define FRAME_SPEC_ADJUST_MAX (INT64_C(1) << 30)
#define FRAME_SPEC_FRAGMENTS 1024 /* default; more if max is above that many KiB */
#define FRAME_SPEC_DELIMITER_BYTES_MAX 16
#define FRAME_SPEC_MAGIC_BYTES_MAX 16
#define FRAME_SPEC_VARINT_BYTES_MAX 10
#define FRAME_SPEC_VARINT 0             /* a value of `width` */
#define FRAME_SPEC_STRIP_ALL UINT32_MAX /* a value of `strip`: the whole header */

struct frame_spec {
    enum frame_spec_kind kind;
    uint64_t max;  /* bytes of the longest message that is received or sent */
    bool has_max;  /* the text contains max */
    bool skips;    /* a longer message is skipped; otherwise it ends the stream */
    uint64_t size; /* fixed: bytes of each message */
    uint8_t delimiter[FRAME_SPEC_DELIMITER_BYTES_MAX]; /* kind line */
    uint32_t delimiter_length;
    uint32_t fragments_max; /* kind sunrpc: fragments of one record. 0 before the check: default */

    /* kind length: a frame is `header` bytes, which contain the length at `offset`, and the body */
    uint32_t width; /* bytes of the length, or FRAME_SPEC_VARINT */
    bool is_little; /* byte order of the length */
    uint32_t offset;
    uint32_t header; /* without a varint's own bytes. 0 before the check: offset + width */
    enum frame_spec_covers covers;
    int64_t adjust;
    bool is_padding_valid;                     /* a varint may have unnecessary bytes */
    uint32_t strip;                            /* header bytes that are not part of the message */
    uint8_t magic[FRAME_SPEC_MAGIC_BYTES_MAX]; /* the bytes that every frame begins with */
    uint32_t magic_length;

    /* set by the check, for a fixed width: frame = value + `constant` */
    int64_t constant;
    uint64_t value_max; /* the greatest number that `width` bytes can contain */
};

/* Parses and checks the text. Returns WEIR_OK; or WEIR_INVALID: *error (null is allowed) says why,
 * and suggests a correction. */
enum weir_code frame_spec_read(const char *text, struct frame_spec *spec, struct weir_error *error);

/* Rejects values that can never work, and sets those that the text left out. Returns WEIR_OK or
 * WEIR_INVALID. */
enum weir_code frame_spec_check(const char *text, struct frame_spec *spec,
                                struct weir_error *error);

/* Writes the shortest text with the same meaning, without blanks. Returns `text`. */
char *frame_spec_write(const struct frame_spec *spec, char *text, size_t size);

#endif
