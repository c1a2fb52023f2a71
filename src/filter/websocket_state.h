/* SPDX-License-Identifier: MIT */
/* websocket_state.h - the data of the WebSocket codec: of one listener, and of one session. */
#ifndef FILTER_WEBSOCKET_STATE_H
#define FILTER_WEBSOCKET_STATE_H

#include <weir/frame.h>

#include "utf8_check.h"
#include "websocket.h"
#include "websocket_frame.h"

/* A codec with its settings; it must stay where it is. Any number of sessions share it. */
struct websocket_codec {
    struct weir_codec codec;        /* `user` points to this struct */
    const struct weir_codec *inner; /* stream mode; null: message mode */
    uint64_t message_bytes_max;     /* message mode, in both directions */
    uint8_t send_opcode;            /* of the messages that do not answer one */
};

/* The state of one session. The state of the inner codec follows it. */
struct websocket_state {
    struct websocket_frame frame; /* the frame whose payload is arriving */
    uint64_t left;                /* payload bytes of `frame` that have not been used */
    uint8_t *held;                /* the collected message, behind room for a server's header */
    size_t held_length, held_capacity; /* without and with that room */
    uint8_t *run_end;       /* message mode: end of the last message in this input; null: none */
    size_t plain;           /* stream mode: unmasked bytes at the front of the input */
    uint32_t pings_count;   /* of the peer, since websocket.c read it */
    uint16_t peer_status;   /* of the peer's close frame; set while is_closed */
    uint16_t fail_status;   /* why decoding failed; 0: it did not */
    uint8_t message_opcode; /* of the message of which frames arrived; 0: none is incomplete */
    struct utf8_check text; /* of that message */
    bool in_frame;          /* the header of `frame` has been read */
    bool held_is_delivered; /* to be freed by the next call */
    bool text_is_bad;       /* stream mode: invalid after `plain` */
    bool is_closed;         /* the peer's close frame has come */
    bool has_received;      /* anything, since websocket.c read it */
    bool pong_is_due;
    uint8_t header_length, control_length, pong_length;
    uint8_t header[WEBSOCKET_CLIENT_HEADER_BYTES_MAX]; /* a header of which a part arrived */
    uint8_t control[WEBSOCKET_CONTROL_BYTES_MAX];      /* payload of a control frame */
    uint8_t pong[WEBSOCKET_CONTROL_BYTES_MAX]; /* of the latest ping; set while pong_is_due */
};

/* Returns the offset of the inner codec's state. */
#define WEBSOCKET_INNER_STATE_AT                                                            \
    ((sizeof(struct websocket_state) + _Alignof(max_align_t) - 1) / _Alignof(max_align_t) * \
     _Alignof(max_align_t))

static inline const struct websocket_codec *websocket_state_codec(const struct weir_codec *codec)
{
    return codec->user;
}

/* Returns the inner codec's state. */
static inline void *websocket_state_inner(struct websocket_state *state)
{
    return (uint8_t *)state + WEBSOCKET_INNER_STATE_AT;
}

#endif
