/* SPDX-License-Identifier: MIT */
/* frames.c - decodes a stream piece by piece and records the result. */
#include "frames.h"

#include <stdlib.h>
#include <string.h>

#include "memory.h"

static void frames__write(struct frames *frames, const void *bytes, size_t length)
{
    if (frames->log_length + length > frames->log_size) {
        frames->log_size = 2 * (frames->log_length + length) + 256;
        frames->log = realloc(frames->log, frames->log_size);
        if (!frames->log) abort();
    }
    if (length > 0) memcpy(frames->log + frames->log_length, bytes, length);
    frames->log_length += length;
}

static void frames__note(struct frames *frames, const struct weir_message *message,
                         const uint8_t *piece, size_t piece_length)
{
    frames->count++;
    frames__write(frames, &message->length, sizeof message->length);
    frames__write(frames, message->bytes, message->length);
    frames__write(frames, &message->frame_length, sizeof message->frame_length);
    frames__write(frames, message->frame, message->frame_length);
    frames__write(frames, &message->header_length, sizeof message->header_length);
    bool inside = message->bytes >= message->frame &&
                  message->bytes + message->length <= message->frame + message->frame_length;
    if (!inside) frames->broken = "a message is not inside its frame";
    if (message->header_length > message->frame_length ||
        message->frame + message->header_length < message->bytes)
        frames->broken = "a header is not inside its frame, or shorter than its stripped part";
    if (message->frame >= piece && message->frame < piece + piece_length) frames->uncopied_count++;
}

/* Decodes one piece until the decoder needs more. */
static void frames__feed(struct frames *frames, struct weir_decoder *decoder, const uint8_t *piece,
                         size_t length, bool ended)
{
    struct weir_input input = {piece, length, ended};
    struct weir_message message;

    for (;;) {
        size_t before = input.length;
        frames->result = weir_decoder_next(decoder, &input, &message, &frames->decode_error);
        if (input.length > before || input.bytes + input.length != piece + length)
            frames->broken = "the input was not taken from its front";
        if (frames->result != WEIR_DECODED_MESSAGE) break;
        frames__note(frames, &message, piece, length);
        if (weir_decoder_partial_bytes(decoder) != 0)
            frames->broken = "partial bytes are reported after a complete message";
    }
    if (frames->result == WEIR_DECODED_MORE && input.length > 0)
        frames->broken = "more is needed, and the input is not used up";
}

struct frames frames_decode(const struct weir_codec *codec, const uint8_t *bytes, size_t length,
                            const size_t *pieces, size_t pieces_count, bool ends)
{
    struct frames frames = {.result = WEIR_DECODED_MORE};
    struct weir_decoder *decoder;
    uint8_t *room = malloc(length + 8); /* one piece; the bytes after it are poisoned */
    size_t at = 0, piece = 0, count = 0;

    if (!room || weir_decoder_open(codec, &decoder, NULL) != WEIR_OK) abort();
    do {
        memory_unpoison(room, length + 8);
        memset(room, 0xa5, count); /* overwrites the messages of the previous piece */
        count = pieces[piece] < length - at ? pieces[piece] : length - at;
        if (piece + 1 < pieces_count) piece++;
        if (count > 0) memcpy(room, bytes + at, count);
        memory_poison(room + count, length + 8 - count);
        frames__feed(&frames, decoder, room, count, ends && at + count == length);
        at += count;
    } while (at < length && frames.result != WEIR_DECODED_BAD);
    frames.partial_bytes = weir_decoder_partial_bytes(decoder);
    frames.skipped_count = weir_decoder_skipped_count(decoder);
    weir_decoder_free(decoder);
    memory_unpoison(room, length + 8);
    free(room);
    return frames;
}

void frames_free(struct frames *frames)
{
    free(frames->log);
    frames->log = NULL;
}

bool frames_same(const struct frames *a, const struct frames *b)
{
    return a->count == b->count && a->result == b->result && a->skipped_count == b->skipped_count &&
           a->log_length == b->log_length &&
           (a->log_length == 0 || memcmp(a->log, b->log, a->log_length) == 0);
}

const uint8_t *frames_message(const struct frames *frames, size_t index, size_t *length)
{
    size_t at = 0, part;

    for (size_t i = 0; i < frames->count; i++) {
        memcpy(length, frames->log + at, sizeof *length);
        at += sizeof *length;
        if (i == index) return frames->log + at;
        at += *length;
        memcpy(&part, frames->log + at, sizeof part);
        at += sizeof part + part + sizeof part;
    }
    return NULL;
}
