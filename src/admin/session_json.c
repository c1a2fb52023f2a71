/* SPDX-License-Identifier: MIT */
/* session_json.c - see session_json.h. */
#include "session_json.h"

#include <inttypes.h>
#include <stdio.h>

static void session_json__identity(struct json *json, const struct weir_session_info *session)
{
    char text[WEIR_ADDRESS_TEXT_BYTES];

    snprintf(text, sizeof text, "%016" PRIx64, session->id);
    json_text(json, "id", text);
    json_text(json, "proto", session->proto == WEIR_TCP ? "tcp" : "udp");
    json_text(json, "state", weir_session_state_text(session->state));
    json_text(json, "peer", weir_address_text(&session->peer, text, sizeof text));
    json_u64(json, "listener", session->listener);
    json_u64(json, "worker", session->worker);
    json_text(json, "codec", session->codec);
    json_text(json, "handler", session->handler);
}

static void session_json__counts(struct json *json, const struct weir_session_info *session)
{
    json_u64(json, "bytes_in", session->bytes_in);
    json_u64(json, "bytes_out", session->bytes_out);
    json_u64(json, "messages_in", session->messages_in);
    json_u64(json, "messages_out", session->messages_out);
    json_u64(json, "queued_bytes", session->queued_bytes);
    json_u64(json, "unread_bytes", session->unread_bytes);
    json_u64(json, "partial_bytes", session->partial_bytes);
    json_u64(json, "partial_ms", session->partial_ms);
    json_u64(json, "memory_bytes", session->memory_bytes);
    json_u64(json, "broadcasts_missed", session->broadcasts_missed);
    json_u64(json, "groups_count", session->groups_count);
    json_u64(json, "holds", session->holds);
}

/* Writes a frame of a watched session, its bytes in hexadecimal; null: none is known. */
static void session_json__frame(struct json *json, const char *name,
                                const struct weir_watched_frame *frame)
{
    static const char digits[] = "0123456789abcdef";
    char text[2 * WEIR_WATCHED_BYTES_MAX];

    if (!frame) {
        json_null(json, name);
        return;
    }
    for (uint32_t i = 0; i < frame->bytes_count; i++) {
        text[2 * i] = digits[frame->bytes[i] >> 4];
        text[2 * i + 1] = digits[frame->bytes[i] & 15];
    }
    json_begin_object(json, name);
    json_u64(json, "count", frame->count);
    json_u64(json, "ago_ms", frame->ago_ms);
    json_u64(json, "frame_length", frame->frame_length);
    json_u64(json, "message_length", frame->message_length);
    json_bytes(json, "hex", text, 2 * (size_t)frame->bytes_count);
    json_end_object(json);
}

void session_json_frames(struct json *json, const struct weir_session_info *session)
{
    session_json__frame(json, "received_frame", session->received_frame);
    session_json__frame(json, "sent_frame", session->sent_frame);
}

void session_json_write(struct json *json, const struct weir_session_info *session)
{
    session_json__identity(json, session);
    session_json__counts(json, session);
    json_text(json, "pause", weir_pause_text(session->pause));
    json_u64(json, "paused_ms", session->paused_ms);
    json_u64(json, "age_ms", session->age_ms);
    json_u64(json, "received_ago_ms", session->received_ago_ms);
    json_u64(json, "sent_ago_ms", session->sent_ago_ms);
    if (session->deadline_ms == UINT64_MAX)
        json_null(json, "deadline_ms");
    else
        json_u64(json, "deadline_ms", session->deadline_ms);
    json_text(json, "deadline_reason", weir_reason_text(session->deadline_reason));
    json_text(json, "reason", weir_reason_text(session->reason));
}
