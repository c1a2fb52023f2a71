/* SPDX-License-Identifier: MIT */
/* fuzz_admin_request.c - requests to the admin server: how the bytes are cut changes no request;
 * texts are bounded and end in a NUL; and the checks of Host and token let no other request pass.
 *
 * input: byte 0 and 1 are the cuts, the rest is the stream */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "guard.h"
#include "request.h"
#include "request_codec.h"
#include "target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUESTS_MAX 64

/* What a request says, as one text. */
struct outcome {
    char requests[REQUESTS_MAX][2 * REQUEST_CODEC_HEAD_BYTES_MAX];
    size_t count;
    size_t partial;
};

static void fail(const char *what)
{
    fprintf(stderr, "%s\n", what);
    abort();
}

static void check_guard(const struct request *request)
{
    const struct guard guard = {.token = "0123456789abcdef", .host = NULL};
    const struct guard open = {.token = NULL};
    struct guard_rejection rejection;
    const char *host = request->values[REQUEST_HOST];
    const char *authorization = request->values[REQUEST_AUTHORIZATION];

    if (guard_allows(&guard, request, false, &rejection)) {
        /* The token itself, or its base64 behind a user. */
        if (!authorization || (!strstr(authorization, guard.token) && !strchr(authorization, ' ')))
            fail("a request without the token passes");
    } else if (rejection.status < 400 || !rejection.why) {
        fail("a rejection has no status");
    }
    if (!guard_allows(&open, request, false, &rejection)) return;
    if (!host && !request->is_old) fail("a request without Host passes");
    if (host && (strstr(host, "evil") || strchr(host, '/'))) fail("a foreign Host passes");
    if (request->method == REQUEST_POST && !request->values[REQUEST_ADMIN])
        fail("a POST without Weir-Admin passes");
}

static void check_target(const struct request *request)
{
    struct target target;

    if (!target_read(request->target, &target)) return;
    if (strlen(target.path) > strlen(request->target)) fail("a decoded path is longer");
    for (size_t i = 0; i < target.parameters_count; i++)
        if (strlen(target.parameters[i].name) + strlen(target.parameters[i].value) >
            strlen(request->target))
            fail("a decoded parameter is longer");
}

static void add(struct outcome *outcome, const struct request *request)
{
    char *text = outcome->requests[outcome->count++];
    size_t size = sizeof outcome->requests[0];
    int used;

    if (request->status != 0) {
        if (!request->why) fail("a refused head has no reason");
        snprintf(text, size, "%u %s", (unsigned)request->status, request->why);
        return;
    }
    if (!request->target || request->target[0] == '\0') fail("a request has no target");
    used = snprintf(text, size, "%d %d %d %s", (int)request->method, request->is_old,
                    request->closes, request->target);
    for (int i = 0; i < REQUEST_FIELDS_COUNT; i++)
        used += snprintf(text + used, size - (size_t)used, "|%s",
                         request->values[i] ? request->values[i] : "(none)");
    if ((size_t)used >= size) fail("the values are longer than a head can be");
    check_target(request);
    check_guard(request);
}

static void parse(const uint8_t *data, size_t size, size_t first, size_t next,
                  struct outcome *outcome)
{
    void *state = calloc(1, request_codec.state_bytes);
    struct weir_decode_error decode_error;
    size_t at = 0, length = first;

    outcome->count = 0;
    while (at < size && outcome->count < REQUESTS_MAX) {
        if (length == 0) length = 1;
        if (length > size - at) length = size - at;
        uint8_t *piece = malloc(length); /* so that the address sanitizer knows where it ends */
        memcpy(piece, data + at, length);
        struct weir_input input = {.bytes = piece, .length = length};
        struct weir_message message = {0};
        while (outcome->count < REQUESTS_MAX &&
               request_codec.decode(&request_codec, state, &input, &message, &decode_error) ==
                   WEIR_DECODED_MESSAGE)
            add(outcome, (const struct request *)(const void *)message.bytes);
        if (outcome->count < REQUESTS_MAX && input.length != 0) fail("input is left");
        free(piece);
        at += length;
        length = next;
    }
    outcome->partial = request_codec.partial_bytes(&request_codec, state);
    if (outcome->partial >= REQUEST_CODEC_HEAD_BYTES_MAX) fail("a head grows without a limit");
    free(state);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct outcome whole, cut;

    if (size < 2) return 0;
    parse(data + 2, size - 2, size, size, &whole);
    parse(data + 2, size - 2, data[0], data[1], &cut);
    if (whole.count != cut.count) fail("cuts change the number of requests");
    for (size_t i = 0; i < whole.count; i++)
        if (strcmp(whole.requests[i], cut.requests[i]) != 0) fail("cuts change a request");
    if (whole.count < REQUESTS_MAX && whole.partial != cut.partial)
        fail("cuts change the incomplete head");
    return 0;
}
