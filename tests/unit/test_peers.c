/* SPDX-License-Identifier: MIT */
/* test_peers.c - other libraries decode as `weir frame explain` says. tests/peers/vectors.txt has
 * the lines that it printed when scripts/peers ran the libraries, and their results. A result must
 * be that of weir, unless the line names the difference; and each difference must exist. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "escape.h"
#include "frame_explain.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define LINE_BYTES_MAX 80000
#define STREAM_BYTES_MAX 20000

/* The differences that a line can name, and the tags of the streams that show them. */
static struct {
    const char *note, *tags;
    size_t seen_count; /* streams with another result than weir's */
} notes[] = {
    {"the magic is not checked", " magic ", 0},
    {"without its delimiter is lost", " unterminated unterminated_cr ", 0},
    {"without its newline is lost", " unterminated unterminated_cr ", 0},
    {"without terminator is lost", " unterminated unterminated_cr ", 0},
    {"is too long if its CR and LF arrive apart", " max_cr ", 0},
    {"is too long if its delimiter arrives in parts", " max ", 0},
    {"lines of the same read still arrive after the exception", " oversize ", 0},
    {"it has no maximum below 2^31", " oversize ", 0},
    {"lengths are read modulo 2^32", " wide ", 0},
    {"padded varints of up to 5 bytes are valid", " padded padded_max ", 0},
    {"padded varints are valid", " padded padded6 ", 0},
    {"a varint above 5 bytes is malformed", " padded6 ", 0},
    {"UTF-8 only", " utf8 ", 0},
    {"a CR counts as part of the line's length", " max_cr ", 0},
    {"a CR is also removed from a last line", " unterminated_cr ", 0},
    {"a longer line is not an error", " oversize ", 0},
    {"fragments are not joined", " fragments ", 0},
    {"padding counts as part of the message's length", " padded_max ", 0},
    {"bytes are not too long", " oversize ", 0},
};

static char line[LINE_BYTES_MAX], printed[LINE_BYTES_MAX], peer_line[2000], spec[512];
static struct weir_frame *frame;
static size_t streams_count, lines_count, unnamed_count;

static void copy_text(char *to, size_t size, const char *from)
{
    size_t length = strlen(from);

    assert_true(length < size);
    memcpy(to, from, length + 1);
}

static void open_spec(const char *text)
{
    struct text_builder builder = {printed, sizeof printed, 0};

    weir_frame_free(frame);
    copy_text(spec, sizeof spec, text);
    assert_int_equal(weir_frame_open(text, &frame, NULL), WEIR_OK);
    frame_elsewhere(&builder, frame);
}

/* Checks that weir still prints this line: "PEER LINE". */
static void check_line(const char *text)
{
    size_t name_length = strcspn(text, " ");
    char wanted[2100];
    struct text_builder builder = {wanted, sizeof wanted, 0};

    copy_text(peer_line, sizeof peer_line, text);
    text_builder_add(&builder, "   %-7.*s %s\n", (int)name_length, text, text + name_length + 1);
    if (!strstr(printed, wanted))
        fail_msg("%s: run scripts/peers: weir no longer prints \"%s\"", spec, wanted);
    lines_count++;
}

/* ---- the result of weir, as peers.py writes results ---- */

static void add_message(struct text_builder *result, const struct weir_message *message)
{
    bool is_whole = strstr(peer_line, "the message contains ") != NULL;
    const uint8_t *bytes = is_whole ? message->frame : message->bytes;
    size_t length = is_whole ? message->frame_length : message->length;

    text_builder_add(result, "m");
    for (size_t i = 0; i < length; i++) text_builder_add(result, "%02x", bytes[i]);
    text_builder_add(result, ",");
}

/* Returns the word at the end of the result. An incomplete frame at the end of the stream is "ok",
 * because only some of the libraries report it. Weir and Netty reject a length as soon as it has
 * arrived, and others when the whole header has: until then it is "either". */
static const char *ending(enum weir_decoded decoded, const char *error, size_t left)
{
    struct weir_frame_info info;

    weir_frame_describe(frame, &info);
    if (decoded == WEIR_DECODED_MORE || strstr(error, "the stream ended inside")) return "ok";
    return strcmp(info.kind, "length") == 0 && left < info.header ? "either" : "error";
}

static void decode(const uint8_t *bytes, size_t length, size_t piece, struct text_builder *result)
{
    struct weir_decoder *decoder;
    struct weir_message message;
    struct weir_decode_error decode_error = {""};
    enum weir_decoded decoded = WEIR_DECODED_MORE;
    size_t left = length;

    assert_int_equal(weir_decoder_open(weir_frame_codec(frame), &decoder, NULL), WEIR_OK);
    for (size_t at = 0; at < length && decoded != WEIR_DECODED_BAD; at += piece) {
        size_t count = length - at < piece ? length - at : piece;
        struct weir_input input = {bytes + at, count, at + count == length};
        while ((decoded = weir_decoder_next(decoder, &input, &message, &decode_error)) ==
               WEIR_DECODED_MESSAGE) {
            add_message(result, &message);
            left -= message.frame_length;
        }
    }
    weir_decoder_free(decoder);
    text_builder_add(result, "%s", ending(decoded, decode_error.text, left));
}

/* Returns whether both results are the same; "either" is also "ok" or "error". */
static bool is_same(const char *result, const char *wanted)
{
    size_t messages = strlen(wanted) - strlen("either");

    if (strlen(wanted) < strlen("either") || strcmp(wanted + messages, "either") != 0)
        return strcmp(result, wanted) == 0;
    return strncmp(result, wanted, messages) == 0 &&
           (strcmp(result + messages, "ok") == 0 || strcmp(result + messages, "error") == 0);
}

/* ---- comparison ---- */

static bool is_named(const char *tag)
{
    char word[40];
    struct text_builder builder = {word, sizeof word, 0};
    bool found = false;

    text_builder_add(&builder, " %s ", tag);
    for (size_t i = 0; i < COUNT_OF(notes); i++) {
        if (!strstr(peer_line, notes[i].note) || !strstr(notes[i].tags, word)) continue;
        notes[i].seen_count++;
        found = true;
    }
    return found;
}

/* Removes the next word from the text, and returns it. */
static const char *next_word(char **text)
{
    char *word = *text;
    size_t length = strcspn(word, " ");

    *text = word + length + (word[length] == ' ' ? 1 : 0);
    word[length] = '\0';
    return word;
}

/* Checks "TAG CUT BYTES RESULT". */
static void check_stream(char *text)
{
    static char wanted[LINE_BYTES_MAX];
    static uint8_t bytes[STREAM_BYTES_MAX];
    const char *tag = next_word(&text), *cut = next_word(&text), *hex = next_word(&text);
    const char *result = next_word(&text);
    struct text_builder builder = {wanted, sizeof wanted, 0};

    size_t length = escape_read_hex(hex, strlen(hex), bytes);
    assert_true(length != ESCAPE_INVALID && length <= sizeof bytes);
    decode(bytes, length, strcmp(cut, "bytes") == 0 ? 1 : SIZE_MAX, &builder);
    streams_count++;
    if (is_same(result, wanted) || is_named(tag)) return;
    print_error("%s: %s\n    %s stream %.200s (%s): result %.200s, weir %.200s\n", spec, peer_line,
                tag, hex, cut, result, wanted);
    unnamed_count++;
}

/* Compares with other vectors if the variable WEIR_PEER_VECTORS names their file. */
static void test_every_vector_of_other_libraries(void **state)
{
    const char *other = getenv("WEIR_PEER_VECTORS");
    FILE *file = fopen(other ? other : WEIR_PEER_VECTORS, "r");

    (void)state;
    assert_non_null(file);
    while (fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = '\0';
        if (strncmp(line, "spec ", 5) == 0) open_spec(line + 5);
        if (strncmp(line, "line ", 5) == 0) check_line(line + 5);
        if (strncmp(line, "stream ", 7) == 0) check_stream(line + 7);
    }
    fclose(file);
    weir_frame_free(frame);
    assert_int_equal(unnamed_count, 0);
    if (other) return;
    assert_true(lines_count > 200 && streams_count > 1500);
    for (size_t i = 0; i < COUNT_OF(notes); i++)
        if (notes[i].seen_count == 0) fail_msg("no stream shows: %s", notes[i].note);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_vector_of_other_libraries),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
