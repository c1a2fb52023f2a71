/* SPDX-License-Identifier: MIT */
/* ctl_show.c - see ctl_show.h. */
#include "ctl_show.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "amount.h"
#include "escape.h"
#include "exit_code.h"
#include "json_read.h"
#include "print.h"

#define CTL_SHOW__TEXT_BYTES 160
#define CTL_SHOW__FRAME_BYTES 256 /* WEIR_WATCHED_BYTES_MAX */

/* A text by value, for use as an argument of printf(). */
struct ctl_show__text {
    char text[CTL_SHOW__TEXT_BYTES];
};

static bool ctl_show__read(const struct admin_client *client, struct json_read *json)
{
    size_t count = client->body_length / 2 + 2; /* a value has two characters, with its comma */
    struct json_read_value *values = arena_alloc(client->arena, count * sizeof *values);

    *json = (struct json_read){.values = values, .values_max = (uint32_t)count};
    if (values && json_read(json, client->body, client->body_length)) return true;
    print_failure("%.100s: the answer is not JSON, or memory is exhausted", client->address);
    return false;
}

/* Names of handlers and codecs are those of a module: they must not control the terminal. */
static struct ctl_show__text ctl_show__word(const struct json_read *json, uint32_t object,
                                            const char *name)
{
    struct ctl_show__text word;

    json_read_text(json, json_read_member(json, object, name), word.text, sizeof word.text);
    escape_controls(word.text);
    return word;
}

static uint64_t ctl_show__number(const struct json_read *json, uint32_t object, const char *name)
{
    return json_read_u64(json, json_read_member(json, object, name), 0);
}

static struct amount ctl_show__bytes(const struct json_read *json, uint32_t object,
                                     const char *name)
{
    return amount_bytes(ctl_show__number(json, object, name));
}

static struct amount ctl_show__ms(const struct json_read *json, uint32_t object, const char *name)
{
    return amount_duration(ctl_show__number(json, object, name));
}

/* ---- weir ctl sessions ---- */

static void ctl_show__row(const struct json_read *json, uint32_t session)
{
    struct ctl_show__text pause = ctl_show__word(json, session, "pause");

    print_text(
        "%-16s  %-8s %-4s %10s %10s %10s %10s  %-8s %s\n", ctl_show__word(json, session, "id").text,
        ctl_show__word(json, session, "state").text, ctl_show__word(json, session, "proto").text,
        ctl_show__ms(json, session, "age_ms").text, ctl_show__bytes(json, session, "bytes_in").text,
        ctl_show__bytes(json, session, "bytes_out").text,
        ctl_show__bytes(json, session, "queued_bytes").text,
        strcmp(pause.text, "none") == 0 ? "-" : pause.text,
        ctl_show__word(json, session, "peer").text);
}

int ctl_show_sessions(const struct admin_client *client)
{
    struct json_read json;
    uint64_t count = 0;

    if (!ctl_show__read(client, &json)) return EXIT_CODE_FAILED;
    print_text("%-16s  %-8s %-4s %10s %10s %10s %10s  %-8s %s\n", "id", "state", "", "age", "in",
               "out", "queue", "pause", "peer");
    uint32_t sessions = json_read_member(&json, 0, "sessions");
    for (uint32_t at = json_read_first(&json, sessions); at != JSON_READ_NONE;
         at = json_read_next(&json, sessions, at)) {
        ctl_show__row(&json, at);
        count++;
    }
    print_text("%" PRIu64 " of %" PRIu64 " sessions%s\n", count,
               ctl_show__number(&json, 0, "total"),
               json_read_is_true(&json, json_read_member(&json, 0, "incomplete"))
                   ? "; there are more that were not listed"
                   : "");
    return EXIT_CODE_OK;
}

/* ---- weir inspect ---- */

static const char *ctl_show__why_paused(const char *pause)
{
    static const struct {
        const char *word, *text;
    } causes[] = {
        {"handler", "the handler paused it"},
        {"queue", "the peer does not read, so its send queue is full"},
        {"group", "a member of its group does not read"},
        {"rate", "the peer exceeds its rate limit"},
    };

    for (size_t i = 0; i < sizeof causes / sizeof causes[0]; i++)
        if (strcmp(causes[i].word, pause) == 0) return causes[i].text;
    return pause;
}

static void ctl_show__identity(const struct json_read *json)
{
    print_text("session     %s, %s from %s\n", ctl_show__word(json, 0, "id").text,
               ctl_show__word(json, 0, "proto").text, ctl_show__word(json, 0, "peer").text);
    print_text("service     codec %s, handler %s; listener %" PRIu64 ", worker %" PRIu64 "\n",
               ctl_show__word(json, 0, "codec").text, ctl_show__word(json, 0, "handler").text,
               ctl_show__number(json, 0, "listener"), ctl_show__number(json, 0, "worker"));
    print_text("state       %s for %s\n", ctl_show__word(json, 0, "state").text,
               ctl_show__ms(json, 0, "age_ms").text);
    struct ctl_show__text reason = ctl_show__word(json, 0, "reason");
    if (strcmp(reason.text, "none") != 0) print_text("ends        %s\n", reason.text);
}

static void ctl_show__traffic(const struct json_read *json)
{
    print_text("received    %s, %" PRIu64 " messages; the last %s ago\n",
               ctl_show__bytes(json, 0, "bytes_in").text, ctl_show__number(json, 0, "messages_in"),
               ctl_show__ms(json, 0, "received_ago_ms").text);
    print_text("sent        %s, %" PRIu64 " messages; the last %s ago\n",
               ctl_show__bytes(json, 0, "bytes_out").text,
               ctl_show__number(json, 0, "messages_out"),
               ctl_show__ms(json, 0, "sent_ago_ms").text);
    print_text("queue       %s wait for the peer\n", ctl_show__bytes(json, 0, "queued_bytes").text);
    print_text("unread      %s wait for the handler\n",
               ctl_show__bytes(json, 0, "unread_bytes").text);
    if (ctl_show__number(json, 0, "partial_bytes") > 0)
        print_text("incomplete  frame of %s so far, for %s\n",
                   ctl_show__bytes(json, 0, "partial_bytes").text,
                   ctl_show__ms(json, 0, "partial_ms").text);
    print_text("memory      %s; member of %" PRIu64 " groups, missed %" PRIu64 " broadcasts\n",
               ctl_show__bytes(json, 0, "memory_bytes").text,
               ctl_show__number(json, 0, "groups_count"),
               ctl_show__number(json, 0, "broadcasts_missed"));
}

static void ctl_show__waits(const struct json_read *json)
{
    struct ctl_show__text pause = ctl_show__word(json, 0, "pause");
    struct ctl_show__text deadline = ctl_show__word(json, 0, "deadline_reason");
    uint64_t holds = ctl_show__number(json, 0, "holds");

    if (strcmp(pause.text, "none") == 0)
        print_text("reading     yes\n");
    else
        print_text("reading     paused for %s: %s\n", ctl_show__ms(json, 0, "paused_ms").text,
                   ctl_show__why_paused(pause.text));
    if (holds > 0) print_text("holds       %" PRIu64 "\n", holds);
    if (strcmp(deadline.text, "none") == 0)
        print_text("deadline    none\n");
    else
        print_text("deadline    %s in %s, unless activity postpones it\n", deadline.text,
                   ctl_show__ms(json, 0, "deadline_ms").text);
}

bool ctl_show_has_frames(const struct admin_client *client)
{
    return strstr(client->body, "_frame\":{") != NULL;
}

/* Prints the header and the beginning of the message as escaped text. */
static void ctl_show__frame(const struct json_read *json, const char *name, const char *title)
{
    char hex[2 * CTL_SHOW__FRAME_BYTES + 1];
    uint8_t bytes[CTL_SHOW__FRAME_BYTES];
    char text[ESCAPE_BYTES_MAX * CTL_SHOW__FRAME_BYTES + 1];
    uint32_t frame = json_read_member(json, 0, name);

    if (json_read_member(json, frame, "hex") == JSON_READ_NONE) {
        print_text("%-11s none since the watch began\n", title);
        return;
    }
    json_read_text(json, json_read_member(json, frame, "hex"), hex, sizeof hex);
    size_t length = escape_read_hex(hex, strlen(hex), bytes);
    print_text("%-11s %" PRIu64 " bytes, of which %" PRIu64 " are the message; %s ago: \"", title,
               ctl_show__number(json, frame, "frame_length"),
               ctl_show__number(json, frame, "message_length"),
               ctl_show__ms(json, frame, "ago_ms").text);
    if (length != ESCAPE_INVALID) print_text("%s", escape_text(bytes, length, text, sizeof text));
    print_text("\"%s\n",
               length < ctl_show__number(json, frame, "frame_length") ? " and so on" : "");
}

int ctl_show_session(const struct admin_client *client)
{
    struct json_read json;

    if (!ctl_show__read(client, &json)) return EXIT_CODE_FAILED;
    ctl_show__identity(&json);
    ctl_show__traffic(&json);
    ctl_show__waits(&json);
    ctl_show__frame(&json, "received_frame", "last in");
    ctl_show__frame(&json, "sent_frame", "last out");
    return EXIT_CODE_OK;
}
