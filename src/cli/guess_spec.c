/* SPDX-License-Identifier: MIT */
/* guess_spec.c - writes a guess as the simplest frame specification that cuts the same frames. */
#include "guess_spec.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "guess_bits.h"
#include "text_builder.h"

#define GUESS_SPEC__MAX_BYTES (UINT64_C(1) << 20) /* the default of max= */
#define GUESS_SPEC__WIDTH_MAX 8

/* A length field: the same frames, but perhaps more bytes of the header. */
struct guess_spec__field {
    struct guess_rule rule;
    uint32_t offset;
};

/* Returns whether the bytes at these places of every frame, counted from its begin, are zero. */
static bool guess_spec__are_zero(const struct guess_start *start,
                                 const struct guess_capture *capture, uint32_t from, uint32_t until)
{
    struct guess_rule_step step;
    size_t begin = start->begin;

    for (uint32_t i = 0; i < start->chain.frames_count; i++) {
        for (size_t at = begin + from; at < begin + until && at < capture->length; at++)
            if (capture->bytes[at] != 0) return false;
        if (begin + start->offset >= capture->length) break;
        if (guess_rule_read(&start->chain.rule, capture, begin + start->offset, &step) !=
                GUESS_RULE_STEP ||
            step.jump > capture->length - begin)
            break;
        begin += (size_t)step.jump;
    }
    return true;
}

/* Widens a number over zeros that every header has, if that makes the specification simpler. */
static struct guess_spec__field guess_spec__field(const struct guess_start *start,
                                                  const struct guess_capture *capture)
{
    struct guess_spec__field best = {start->chain.rule, start->offset};
    const uint8_t width = best.rule.width;

    if (best.rule.kind != GUESS_RULE_NUMBER) return best;
    for (uint8_t wider = (uint8_t)(width + 1); wider <= GUESS_SPEC__WIDTH_MAX; wider++) {
        struct guess_spec__field other = {start->chain.rule, start->offset};
        uint32_t added = (uint32_t)wider - width, from = start->offset + width;
        other.rule.width = wider;
        if (!other.rule.is_little || width == 1) {
            if (added > start->offset) break;
            other.rule.is_little = false;
            other.offset = from = start->offset - added;
        }
        if (other.offset + wider > start->chain.jump_min ||
            !guess_spec__are_zero(start, capture, from, from + added))
            break;
        if (guess_prior_cost(&other.rule, other.offset) < guess_prior_cost(&best.rule, best.offset))
            best = other;
    }
    return best;
}

/* Adds the keys that say what the length counts. Returns the bytes of the header. */
static uint32_t guess_spec__add_covers(struct text_builder *text, int32_t constant,
                                       uint32_t field_end, bool is_varint)
{
    if (constant == (int32_t)field_end) return field_end;
    if (!is_varint && constant > (int32_t)field_end && constant <= GUESS_PRIOR_HEADER_MAX) {
        text_builder_add(text, ",header=%d", (int)constant);
        return (uint32_t)constant;
    }
    int32_t base = is_varint ? (int32_t)field_end : 0;
    if (!is_varint) text_builder_add(text, ",covers=header+body");
    if (constant != base) text_builder_add(text, ",adjust=%d", (int)(constant - base));
    return field_end;
}

/* A header whose other bytes are not zero is kept in the message, where it can be read. */
static bool guess_spec__keeps_header(const struct guess_start *start,
                                     const struct guess_capture *capture, uint32_t field_begin,
                                     uint32_t field_end, uint32_t header)
{
    return !guess_spec__are_zero(start, capture, 0, field_begin) ||
           !guess_spec__are_zero(start, capture, field_end, header);
}

static void guess_spec__add_number(struct text_builder *text, const struct guess_start *start,
                                   const struct guess_capture *capture)
{
    struct guess_spec__field field = guess_spec__field(start, capture);
    uint32_t end = field.offset + field.rule.width;

    text_builder_add(text, "length:width=%u,endian=%s,offset=%u", (unsigned)field.rule.width,
                     field.rule.is_little ? "little" : "big", (unsigned)field.offset);
    uint32_t header = guess_spec__add_covers(text, field.rule.constant, end, false);
    if (guess_spec__keeps_header(start, capture, field.offset, end, header))
        text_builder_add(text, ",strip=no");
}

static void guess_spec__add_varint(struct text_builder *text, const struct guess_start *start,
                                   const struct guess_capture *capture)
{
    const struct guess_rule *rule = &start->chain.rule;
    bool counts_header = rule->kind == GUESS_RULE_VARINT_SELF;

    text_builder_add(text, "length:width=varint,offset=%u", (unsigned)start->offset);
    if (counts_header) text_builder_add(text, ",covers=header+body");
    guess_spec__add_covers(text, rule->constant, counts_header ? 0 : start->offset, true);
    if (start->chain.padded_count > 0) text_builder_add(text, ",minimal=no");
    if (!guess_spec__are_zero(start, capture, 0, start->offset))
        text_builder_add(text, ",strip=no");
}

static void guess_spec__add_delimiter(struct text_builder *text, const struct guess_rule *rule)
{
    text_builder_add(text, "line:delimiter=");
    for (uint32_t i = 0; i < rule->width; i++)
        text_builder_add(text, "\\x%02x", (unsigned)rule->delimiter[i]);
}

static void guess_spec__add(struct text_builder *text, const struct guess_start *start,
                            const struct guess_capture *capture)
{
    const struct guess_rule *rule = &start->chain.rule;

    if (start->preset) {
        text_builder_add(text, "%s", start->preset->name);
        return;
    }
    switch (rule->kind) {
    case GUESS_RULE_NUMBER: guess_spec__add_number(text, start, capture); break;
    case GUESS_RULE_VARINT:
    case GUESS_RULE_VARINT_SELF: guess_spec__add_varint(text, start, capture); break;
    case GUESS_RULE_DELIMITER: guess_spec__add_delimiter(text, rule); break;
    case GUESS_RULE_FIXED: text_builder_add(text, "fixed:size=%d", (int)rule->constant); break;
    case GUESS_RULE_SUNRPC: text_builder_add(text, "sunrpc"); break;
    case GUESS_RULE_NETSTRING: text_builder_add(text, "netstring"); break;
    }
}

/* Adds max= if a frame is longer than the default. */
static void guess_spec__add_max(struct text_builder *text, const struct guess_start *start)
{
    const struct guess_chain *chain = &start->chain;
    uint64_t last = chain->next - chain->last, max = GUESS_SPEC__MAX_BYTES;
    uint64_t longest = last > chain->jump_max ? last : chain->jump_max;

    if (chain->rule.kind == GUESS_RULE_FIXED || longest <= max) return;
    while (max < longest && max < WEIR_MESSAGE_BYTES_MAX) max *= 2;
    text_builder_add(text, ",max=%" PRIu64 "m", max >> 20);
}

/* Decodes the capture from the first frame on. Returns false if a frame is malformed. */
static bool guess_spec__decode(struct guess_spec *spec, const struct weir_frame *frame,
                               const struct guess_start *start, const struct guess_capture *capture)
{
    struct weir_input input = {capture->bytes + start->begin, capture->length - start->begin,
                               false};
    struct weir_message message;
    struct weir_decoder *decoder;
    enum weir_decoded result;

    if (weir_decoder_open(weir_frame_codec(frame), &decoder, NULL) != WEIR_OK) return false;
    while ((result = weir_decoder_next(decoder, &input, &message, NULL)) == WEIR_DECODED_MESSAGE) {
        if (spec->messages_count == 0 || message.frame_length < spec->frame_min)
            spec->frame_min = message.frame_length;
        if (message.frame_length > spec->frame_max) spec->frame_max = message.frame_length;
        spec->messages_count++;
    }
    spec->partial_bytes = weir_decoder_partial_bytes(decoder);
    weir_decoder_free(decoder);
    return result == WEIR_DECODED_MORE || start->chain.is_broken;
}

/* Returns whether the decoder found the frames of the chain. */
static bool guess_spec__is_same(const struct guess_spec *spec, const struct guess_start *start,
                                const struct guess_capture *capture)
{
    uint64_t frames = start->chain.frames_count;

    if (start->chain.rule.kind == GUESS_RULE_SUNRPC) return spec->messages_count > 0;
    if (start->end > capture->length) frames--;
    return spec->messages_count == frames;
}

bool guess_spec_write(struct guess_spec *spec, const struct guess_start *start,
                      const struct guess_capture *capture)
{
    char text[WEIR_FRAME_TEXT_BYTES_MAX];
    struct text_builder builder = {text, sizeof text, 0};
    struct weir_frame *frame;

    memset(spec, 0, sizeof *spec);
    guess_spec__add(&builder, start, capture);
    guess_spec__add_max(&builder, start);
    if (weir_frame_open(text, &frame, NULL) != WEIR_OK) return false;
    weir_frame_text(frame, spec->text, sizeof spec->text);
    bool is_good = guess_spec__decode(spec, frame, start, capture) &&
                   guess_spec__is_same(spec, start, capture);
    weir_frame_free(frame);
    return is_good;
}
