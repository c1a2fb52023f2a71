/* SPDX-License-Identifier: MIT */
/* frame_spec.h - a description of frames, "length:width=4,endian=little,max=64k", as values.
 *
 *      text -> frame_spec_read -> frame_spec_check -> values that can work, all of them set
 *                                                    -> frame_spec_write -> its shortest text
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
    FRAME_SPEC_PROBE, /* of a struct weir_probe; it has no text */
    FRAME_SPEC_KINDS_COUNT
};

/* What the number in a length field counts. */
enum frame_spec_covers {
    FRAME_SPEC_BODY,  /* what follows the header */
    FRAME_SPEC_FRAME, /* header and body */
    FRAME_SPEC_REST,  /* what follows the length field */
};

#define FRAME_SPEC_MAX_BYTES (UINT64_C(1) << 20) /* unless it says otherwise */
#define FRAME_SPEC_MAX_BYTES_MAX (UINT64_C(1) << 40)
#define FRAME_SPEC_ADJUST_MAX (INT64_C(1) << 30)
#define FRAME_SPEC_DELIMITER_BYTES_MAX 16
#define FRAME_SPEC_MAGIC_BYTES_MAX 16
#define FRAME_SPEC_VARINT_BYTES_MAX 10
#define FRAME_SPEC_VARINT 0             /* as a width */
#define FRAME_SPEC_STRIP_ALL UINT32_MAX /* as `strip`: all of the header */

struct frame_spec {
    enum frame_spec_kind kind;
    uint64_t max;  /* bytes of the longest message that is handed up, or sent */
    bool has_max;  /* it was written down, and is no default */
    bool skips;    /* what is longer is passed over; else it ends the stream */
    uint64_t size; /* fixed: of each message */
    uint8_t delimiter[FRAME_SPEC_DELIMITER_BYTES_MAX]; /* line */
    uint32_t delimiter_length;

    /* length: the frame is `header` bytes, in which the length is at `offset`, and the body */
    uint32_t width; /* bytes of the length; FRAME_SPEC_VARINT: as many as it takes */
    bool is_little; /* endian */
    uint32_t offset;
    uint32_t header; /* a varint's own bytes come on top. Before the check, 0: as short as can be */
    enum frame_spec_covers covers;
    int64_t adjust;
    uint32_t strip; /* bytes of the frame that are not part of the message */
    uint8_t magic[FRAME_SPEC_MAGIC_BYTES_MAX]; /* what every frame begins with */
    uint32_t magic_length;

    /* set by the check: of a length with a fixed width, frame = value + `constant` */
    int64_t constant;
    uint64_t value_max; /* that the width can say */
};

/* Reads the text. WEIR_INVALID: *error says what was meant. */
enum weir_code frame_spec_read(const char *text, struct frame_spec *spec, struct weir_error *error);

/* Refuses what can never work, and fills in what was left open. */
enum weir_code frame_spec_check(const char *text, struct frame_spec *spec,
                                struct weir_error *error);

/* The shortest text that means the same, without blanks. Returns `text`. */
char *frame_spec_write(const struct frame_spec *spec, char *text, size_t size);

#endif
