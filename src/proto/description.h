/* SPDX-License-Identifier: MIT */
/* description.h - a description of frames, "length:width=4,endian=little,max=64k", as values.
 *
 *      text -> description_read -> description_check -> values that can work, all of them set
 *                                                    -> description_write -> its shortest text
 */
#ifndef PROTO_DESCRIPTION_H
#define PROTO_DESCRIPTION_H

#include <weir/frame.h>

enum description_kind {
    DESCRIPTION_RAW,
    DESCRIPTION_DATAGRAM,
    DESCRIPTION_LINE,
    DESCRIPTION_LENGTH,
    DESCRIPTION_NETSTRING,
    DESCRIPTION_FIXED,
    DESCRIPTION_SUNRPC,
    DESCRIPTION_PROBE, /* of a struct weir_probe; it has no text */
    DESCRIPTION_KINDS_COUNT
};

/* What the number in a length field counts. */
enum description_covers {
    DESCRIPTION_BODY,  /* what follows the header */
    DESCRIPTION_FRAME, /* header and body */
    DESCRIPTION_REST,  /* what follows the length field */
};

#define DESCRIPTION_MAX_BYTES (UINT64_C(1) << 20) /* unless it says otherwise */
#define DESCRIPTION_MAX_BYTES_MAX (UINT64_C(1) << 40)
#define DESCRIPTION_ADJUST_MAX (INT64_C(1) << 30)
#define DESCRIPTION_DELIMITER_BYTES_MAX 16
#define DESCRIPTION_MAGIC_BYTES_MAX 16
#define DESCRIPTION_VARINT_BYTES_MAX 10
#define DESCRIPTION_VARINT 0             /* as a width */
#define DESCRIPTION_STRIP_ALL UINT32_MAX /* as `strip`: all of the header */

struct description {
    enum description_kind kind;
    uint64_t max;  /* bytes of the longest message that is handed up, or sent */
    bool has_max;  /* it was written down, and is no default */
    bool skips;    /* what is longer is passed over; else it ends the stream */
    uint64_t size; /* fixed: of each message */
    uint8_t delimiter[DESCRIPTION_DELIMITER_BYTES_MAX]; /* line */
    uint32_t delimiter_length;

    /* length: the frame is `header` bytes, in which the length is at `offset`, and the body */
    uint32_t width; /* bytes of the length; DESCRIPTION_VARINT: as many as it takes */
    bool is_little; /* endian */
    uint32_t offset;
    uint32_t header; /* a varint's own bytes come on top. Before the check, 0: as short as can be */
    enum description_covers covers;
    int64_t adjust;
    uint32_t strip; /* bytes of the frame that are not part of the message */
    uint8_t magic[DESCRIPTION_MAGIC_BYTES_MAX]; /* what every frame begins with */
    uint32_t magic_length;

    /* set by the check: of a length with a fixed width, frame = value + `constant` */
    int64_t constant;
    uint64_t value_max; /* that the width can say */
};

/* Reads the text. WEIR_INVALID: *error says what was meant. */
enum weir_code description_read(const char *text, struct description *description,
                                struct weir_error *error);

/* Refuses what can never work, and fills in what was left open. */
enum weir_code description_check(const char *text, struct description *description,
                                 struct weir_error *error);

/* The shortest text that means the same, without blanks. Returns `text`. */
char *description_write(const struct description *description, char *text, size_t size);

/* The name of the index-th preset, and the description it stands for; null: no more. */
const char *description_preset(size_t index);
const char *description_preset_means(size_t index);

/* What the length covers as a word, "header+body". */
const char *description_covers_name(enum description_covers covers);

/* The kind as a word, "length". */
const char *description_kind_name(enum description_kind kind);

/* The index-th key that a description may have, "max"; null: no more. */
const char *description_key(size_t index);
bool description_kind_has_key(enum description_kind kind, size_t index);

/* Fills *error about this text: it cannot be a description of frames. */
enum weir_code description_refuse(struct weir_error *error, const char *text, const char *hint,
                                  const char *format, ...)
#if defined(__GNUC__)
    __attribute__((format(printf, 4, 5)))
#endif
    ;

#endif
