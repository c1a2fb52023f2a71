/* SPDX-License-Identifier: MIT */
/* older.c - a module that was compiled with the first weir.h: its structs lack the members that
 * later versions added. The bytes behind each struct crash a program that reads them as a member.
 * The macro OLDER_PROBE selects a probe instead of the codec. */
#include <stdio.h>
#include <string.h>

#include <weir/weir.h>

#define OLDER_8 0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee
#define OLDER_BEHIND                                                           \
    {                                                                          \
        OLDER_8, OLDER_8, OLDER_8, OLDER_8, OLDER_8, OLDER_8, OLDER_8, OLDER_8 \
    }

/* ---- the structs of the first version ---- */

struct older_handler {
    size_t size;
    const char *name, *summary;
    size_t session_bytes;
    void *user;
    void (*on_open)(struct weir_session *session);
    void (*on_message)(struct weir_session *session, const struct weir_message *message);
    void (*on_close)(struct weir_session *session, enum weir_reason reason, const char *text);
    void (*on_timer)(struct weir_session *session);
    unsigned char behind[64];
};

struct older_codec {
    size_t size;
    const char *name, *summary;
    bool streams, datagrams;
    size_t state_bytes;
    void *user;
    enum weir_decoded (*decode)(const struct weir_codec *codec, void *state,
                                struct weir_input *input, struct weir_message *message,
                                struct weir_decode_error *decode_error);
    size_t (*partial_bytes)(const struct weir_codec *codec, const void *state);
    void (*release)(const struct weir_codec *codec, void *state);
    unsigned char behind[64];
};

struct older_probe {
    size_t size;
    const char *name, *summary;
    size_t header_bytes_max;
    uint64_t message_bytes_max;
    bool skips_oversize;
    void *user;
    enum weir_decoded (*probe)(void *user, const uint8_t *bytes, size_t length,
                               struct weir_header *header, struct weir_decode_error *decode_error);
    unsigned char behind[64];
};

struct older_module {
    uint32_t abi, size;
    const void *handler, *codec;
    unsigned char behind[64];
};

struct older_module_probe {
    uint32_t abi, size;
    const void *handler, *codec, *probe;
    unsigned char behind[64];
};

/* ---- the module ---- */

/* Answers with the length and the state, which counts the messages. */
static void older__on_message(struct weir_session *session, const struct weir_message *message)
{
    unsigned *count = weir_session_state(session);
    char answer[64];

    snprintf(answer, sizeof answer, "%u:%u ", ++*count, (unsigned)message->length);
    weir_session_send(session, answer, strlen(answer));
}

static const struct older_handler older_handler = {
    .size = offsetof(struct older_handler, behind),
    .name = "older",
    .session_bytes = sizeof(unsigned),
    .on_message = older__on_message,
    .behind = OLDER_BEHIND,
};

#ifdef OLDER_PROBE

static enum weir_decoded older__probe(void *user, const uint8_t *bytes, size_t length,
                                      struct weir_header *header,
                                      struct weir_decode_error *decode_error)
{
    (void)user;
    (void)length;
    (void)decode_error;
    header->header_bytes = 1;
    header->message_bytes = (uint64_t)(bytes[0] - '0');
    return WEIR_DECODED_MESSAGE;
}

static const struct older_probe older_probe = {
    .size = offsetof(struct older_probe, behind),
    .name = "older_probe",
    .header_bytes_max = 1,
    .probe = older__probe,
    .behind = OLDER_BEHIND,
};

WEIR_MODULE_EXPORT extern const struct older_module_probe weir_module;
const struct older_module_probe weir_module = {
    .abi = WEIR_ABI_VERSION,
    .size = offsetof(struct older_module_probe, behind),
    .handler = &older_handler,
    .probe = &older_probe,
    .behind = OLDER_BEHIND,
};

#else

/* Pairs: each two bytes are one message. */
static enum weir_decoded older__decode(const struct weir_codec *codec, void *state,
                                       struct weir_input *input, struct weir_message *message,
                                       struct weir_decode_error *decode_error)
{
    unsigned char *held = state; /* [0]: whether [1] holds a byte */

    (void)decode_error;
    if (codec->user != &older_handler) return WEIR_DECODED_BAD;
    if (input->length == 0 || (!held[0] && input->length == 1)) {
        if (input->length == 1) {
            held[0] = 1;
            held[1] = *input->bytes++;
            input->length = 0;
        }
        return WEIR_DECODED_MORE;
    }
    size_t used = held[0] ? 1 : 2;
    if (held[0]) held[2] = *input->bytes;
    message->bytes = message->frame = held[0] ? held + 1 : input->bytes;
    message->length = message->frame_length = 2;
    input->bytes += used;
    input->length -= used;
    held[0] = 0;
    return WEIR_DECODED_MESSAGE;
}

static const struct older_codec older_codec = {
    .size = offsetof(struct older_codec, behind),
    .name = "older_codec",
    .streams = true,
    .state_bytes = 3,
    .user = (void *)&older_handler,
    .decode = older__decode,
    .behind = OLDER_BEHIND,
};

WEIR_MODULE_EXPORT extern const struct older_module weir_module;
const struct older_module weir_module = {
    .abi = WEIR_ABI_VERSION,
    .size = offsetof(struct older_module, behind),
    .handler = &older_handler,
    .codec = &older_codec,
    .behind = OLDER_BEHIND,
};

#endif
