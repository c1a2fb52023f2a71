/* SPDX-License-Identifier: MIT */
/* frame_guess.c - tries frame specifications on a captured stream, and ranks those that fit.
 *
 * A specification can fit by chance. So each frame counts as evidence in bits: the bits of its
 * length field, minus the bits that a random length within the remaining stream has. In a capture
 * of 1000 bytes, a length of 4 bytes is 22 bits of evidence, and a length of 1 byte is none. Each
 * additional key of a specification needs more evidence.
 */
#include "frame_guess.h"

#include <stdio.h>
#include <string.h>

#define FRAME_GUESS__KEY_BITS 6 /* evidence that each key costs */
#define FRAME_GUESS__END_BITS 8 /* evidence of a stream that ends after a whole frame */
#define FRAME_GUESS__OFFSET_MAX 8
#define FRAME_GUESS__EXTRA_MAX 4

/* The stream, and the best guesses so far. */
struct frame_guess__trial {
    const uint8_t *bytes;
    size_t length;
    struct frame_guess *guesses; /* best first */
    size_t count;
};

static int frame_guess__bits(uint64_t value)
{
    int bits = 0;

    for (; value > 0; value >>= 1) bits++;
    return bits;
}

/* Returns whether all bytes are printable characters, CR, LF or TAB. */
static bool frame_guess__is_text(const uint8_t *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        bool is_blank = bytes[i] == '\n' || bytes[i] == '\r' || bytes[i] == '\t';
        if ((bytes[i] < 0x20 && !is_blank) || bytes[i] == 0x7f) return false;
    }
    return true;
}

/* Returns the evidence of one frame in bits. `left` is the length of the stream from the start of
 * the frame. */
static int64_t frame_guess__evidence(const struct weir_frame_info *info,
                                     const struct weir_message *message, size_t left)
{
    size_t head = (size_t)(message->bytes - message->frame);
    int chance = frame_guess__bits(left), own = 0;

    if (strcmp(info->kind, "length") == 0 && message->length > 0) /* zero bytes are common */
        own = info->width > 0 ? (int)(8 * info->width) : (int)(8 * (head - info->offset));
    if (strcmp(info->kind, "sunrpc") == 0) own = 32;
    if (strcmp(info->kind, "netstring") == 0) own = (int)(5 * (head - 1)) + 16;
    if (strcmp(info->kind, "line") == 0) {
        size_t tail = message->frame_length - message->length;
        if (!frame_guess__is_text(message->bytes, message->length)) return -8;
        own = (int)(8 * tail) + 1;
        chance = 8; /* any byte could be the delimiter */
    }
    return (own > chance ? own - chance : 0) + 8 * (int64_t)info->magic_bytes;
}

/* Inserts the guess if it is among the best. */
static void frame_guess__insert(struct frame_guess__trial *trial, const struct frame_guess *guess)
{
    size_t at = trial->count;

    for (size_t i = 0; i < trial->count; i++)
        if (strcmp(trial->guesses[i].spec, guess->spec) == 0) return;
    while (at > 0 && trial->guesses[at - 1].score < guess->score) at--;
    if (at == FRAME_GUESS_MAX) return;
    size_t moved = trial->count - at;
    if (trial->count == FRAME_GUESS_MAX)
        moved--;
    else
        trial->count++;
    memmove(&trial->guesses[at + 1], &trial->guesses[at], moved * sizeof trial->guesses[0]);
    trial->guesses[at] = *guess;
}

/* Decodes the stream. Returns false if the specification does not fit. */
static bool frame_guess__parse(const struct frame_guess__trial *trial,
                               const struct weir_frame *frame, struct frame_guess *guess)
{
    struct weir_input input = {trial->bytes, trial->length, false};
    struct weir_decoder *decoder;
    struct weir_frame_info info;
    struct weir_message message;
    enum weir_decoded result;

    weir_frame_describe(frame, &info);
    if (weir_decoder_open(weir_frame_codec(frame), &decoder, NULL) != WEIR_OK) return false;
    for (;;) {
        size_t left = input.length;
        result = weir_decoder_next(decoder, &input, &message, NULL);
        if (result != WEIR_DECODED_MESSAGE) break;
        guess->messages_count++;
        guess->score += frame_guess__evidence(&info, &message, left);
    }
    guess->partial_bytes = weir_decoder_partial_bytes(decoder);
    if (guess->partial_bytes == 0) guess->score += FRAME_GUESS__END_BITS;
    /* A specification that fits by chance often ends in a long incomplete frame. */
    guess->score -= 2 * frame_guess__bits(guess->partial_bytes);
    weir_decoder_free(decoder);
    return result == WEIR_DECODED_MORE && guess->messages_count > 0;
}

static void frame_guess__try(struct frame_guess__trial *trial, const char *spec)
{
    struct frame_guess guess = {.score = 0};
    struct weir_frame *frame;

    if (weir_frame_open(spec, &frame, NULL) != WEIR_OK) return; /* not a valid specification */
    if (frame_guess__parse(trial, frame, &guess)) {
        weir_frame_text(frame, guess.spec, sizeof guess.spec);
        for (const char *at = guess.spec; *at; at++)
            if (*at == '=') guess.score -= FRAME_GUESS__KEY_BITS;
        if (guess.score > 0) frame_guess__insert(trial, &guess);
    }
    weir_frame_free(frame);
}

/* Tries each offset and meaning of a length of `width` bytes. */
static void frame_guess__try_width(struct frame_guess__trial *trial, unsigned width,
                                   const char *endian)
{
    char spec[WEIR_FRAME_TEXT_BYTES_MAX];

    for (unsigned offset = 0; offset <= FRAME_GUESS__OFFSET_MAX; offset++) {
        for (unsigned extra = 0; extra <= FRAME_GUESS__EXTRA_MAX; extra++) {
            static const char *const covers[] = {"body", "header+body"};
            for (size_t i = 0; i < sizeof covers / sizeof covers[0]; i++) {
                snprintf(spec, sizeof spec,
                         "length:width=%u,endian=%s,offset=%u,header=%u,covers=%s", width, endian,
                         offset, offset + width + extra, covers[i]);
                frame_guess__try(trial, spec);
            }
        }
    }
}

size_t frame_guess_all(const uint8_t *bytes, size_t length,
                       struct frame_guess guesses[FRAME_GUESS_MAX])
{
    static const unsigned widths[] = {1, 2, 3, 4, 8};
    struct frame_guess__trial trial = {bytes, length, guesses, 0};
    const struct weir_frame_preset *preset;

    for (size_t i = 0; (preset = weir_frame_preset_at(i)) != NULL; i++) {
        bool is_line = strcmp(preset->name, "nul") == 0 || strcmp(preset->name, "crlf") == 0;
        if (!is_line) frame_guess__try(&trial, preset->name);
    }
    frame_guess__try(&trial, "netstring");
    frame_guess__try(&trial, "sunrpc");
    if (frame_guess__is_text(bytes, length)) {
        frame_guess__try(&trial, "crlf"); /* first: it fits fewer streams */
        frame_guess__try(&trial, "line");
    } else {
        frame_guess__try(&trial, "nul");
    }
    for (size_t i = 0; i < sizeof widths / sizeof widths[0]; i++) {
        frame_guess__try_width(&trial, widths[i], "big");
        if (widths[i] > 1) frame_guess__try_width(&trial, widths[i], "little");
    }
    return trial.count;
}
