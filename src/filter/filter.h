/* SPDX-License-Identifier: MIT */
/* filter.h - the filters of a connection, between its socket and its codec.
 *
 *      received -> [ PROXY protocol ] -> [ TLS ] -> [ WebSocket head ] -> codec -> handler
 *                        opens            opens          opens
 *                                       transforms
 *      sent     <----------------------  [ seal ] <--------------------- send queue
 *
 * Each is optional, in this order only, and at most one of a chain transforms. A filter opens: it
 * takes bytes off the front of the stream until it returns FILTER_OPEN. The rest of the stream
 * belongs to the next filter, or to the codec. One that transforms stays in the path: it converts
 * wire bytes to plain ones (feed), and plain ones to wire bytes (seal).
 *
 * A filter works on spans of bytes. It knows no sockets, sessions or clocks. src/session/filters.c
 * runs the chain of a session and owns every buffer.
 *
 * Owner: the settings (struct filter) belong to whatever holds a reference, and are constant while
 * sessions use them. The state of one session belongs to its worker's thread. */
#ifndef FILTER_FILTER_H
#define FILTER_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/weir.h>

#include "atomic.h"

struct filter;
struct filter_kind;

#define FILTER_KINDS_MAX 4u       /* that one worker can use */
#define FILTER_OUT_BYTES_MIN 4096 /* free in `out` at the begin of each call */
#define FILTER_ERROR_TEXT_BYTES 256

enum filter_result {
    FILTER_MORE,  /* the input was used up; more of it is needed */
    FILTER_AGAIN, /* `plain` or `out` is full: call again after emptying them */
    FILTER_LATER, /* the worker's share of this kind's work is used up: call again in the next
                   * iteration of its loop */
    FILTER_OPEN,  /* the opening is over; the rest of the input belongs to what follows. Once */
    FILTER_END,   /* the peer ended its stream properly: only FIN may follow */
    FILTER_BAD /* see the error. What is in `out` is still sent, and `plain` is delivered. Without
                   * a text nothing is logged: the filter has served the client */
};

/* Why a session fails. */
struct filter_error {
    enum weir_reason reason; /* at first the kind's; the filter can change it */
    char text[FILTER_ERROR_TEXT_BYTES];
};

/* Where a filter appends bytes. */
struct filter_output {
    uint8_t *bytes;
    size_t length, max;
};

/* The arguments of one call of feed. */
struct filter_io {
    const uint8_t *in; /* the filter advances both past what it used */
    size_t in_length;
    struct filter_output *plain; /* for decoded bytes; null until FILTER_OPEN, and for filters that
                                  * only open */
    struct filter_output *out;   /* for bytes to the peer that the filter originates */
    struct filter_error *error;
    /* Before FILTER_OPEN: when feed is called without input at the latest, in milliseconds of the
     * worker's clock. At first UINT64_MAX: it waits for input. */
    uint64_t wake_ms;
    /* Before FILTER_OPEN: the filter serves the client itself, and has its request: from now on the
     * session has the time of its sends instead of that for the opening. */
    bool serves;
};

/* The arguments of one call of respond. */
struct filter_response {
    uint64_t now_ms;         /* of the worker's clock */
    uint64_t wake_ms;        /* when respond is called again at the latest; UINT64_MAX: never */
    bool is_reading;         /* reading from the peer is not paused */
    bool is_sending;         /* output is queued or in flight: what is added now waits behind it */
    uint32_t controls_count; /* requests of the peer that were no messages (pings), to be counted */
    struct filter_output *out; /* for the plain stream, above a filter that transforms */
    struct filter_error *error;
};

/* What all sessions of one worker share, for the kinds that need it. */
struct filter_worker {
    uint32_t iteration;      /* of the worker's loop: a new number in each */
    uint64_t now_ns, now_ms; /* the worker's clock */
    struct filter_context {
        const struct filter_kind *kind;
        void *context;
    } contexts[FILTER_KINDS_MAX];
};

/* Whether a filter applies to a connection. */
enum filter_use {
    FILTER_USED,
    FILTER_SKIPPED, /* its bytes go to the next filter, or to the codec */
    FILTER_REFUSED, /* the connection is refused as one from a denied address */
};

/* A kind of filter. Members may be null unless their comment says otherwise. */
struct filter_kind {
    const char *name;        /* "proxy"; never null */
    enum weir_reason reason; /* of a session whose filter fails */
    bool transforms;         /* it stays in the path: feed and seal */
    bool is_transparent;     /* the server's plain text can precede and replace the opening */

    /* What the sessions of one worker share: opened by filter_worker_context() when it is first
     * needed, freed with the worker. Returns null if memory is exhausted. */
    void *(*open_worker)(void);
    void (*free_worker)(void *context);

    /* Decides at accept whether the filter applies to a connection from `peer`; null: it does. */
    enum filter_use (*use)(const struct filter *filter, const struct weir_address *peer);

    /* Makes the state of one session: when its first byte arrives; of an outbound connection, when
     * it is established. Returns null if memory is exhausted, or for a reason that it fills in: the
     * error's reason is at first WEIR_REASON_EXHAUSTED. Never null. */
    void *(*open)(const struct filter *filter, struct filter_worker *worker,
                  struct filter_error *error);

    /* Uses input. FILTER_MORE only if all of it was used. FILTER_AGAIN only if bytes were used or
     * appended. Before FILTER_OPEN a call can have no input: the first one of an outbound
     * connection, those after FILTER_AGAIN and FILTER_LATER, and at wake_ms. After FILTER_OPEN only
     * a filter that transforms is called: with input, or after FILTER_AGAIN or FILTER_LATER. Never
     * called after FILTER_END or FILTER_BAD. Never null. */
    enum filter_result (*feed)(void *state, struct filter_io *io);

    /* Before FILTER_OPEN: whether the filter needs nothing but the first byte of what follows. A
     * peer that closes the connection then has only checked the server: the session ends without a
     * log line. */
    bool (*is_idle)(const void *state);

    /* After FILTER_OPEN: whether the filter has learnt the client's address, which it writes to
     * *client. For kinds that stand for other clients (PROXY protocol): limits for each address
     * then apply to that client; to no address if this returns false. */
    bool (*client)(const void *state, struct weir_address *client);

    /* After FILTER_OPEN: writes what the log says about the session when it begins, such as
     * ", authority \"a.example\"", or "". Text from a peer is escaped. */
    void (*describe)(const void *state, char *text, size_t size);

    /* The session opens: the last filter has returned FILTER_OPEN, and on_open is next.
     * `codec_state` is the state that the codec of the service keeps for the session; it lives
     * longer than `state` is used. */
    void (*begin)(void *state, void *codec_state);

    /* If it transforms, never null: returns how many plain bytes can be sealed into `room` bytes,
     * whatever they are; 0: none. If it is 0 for an empty buffer, none can be until more input has
     * come: TLS cannot send inside a message of the peer that changes its state. */
    size_t (*seal_max)(const void *state, size_t room);

    /* If it transforms, never null: appends `length` plain bytes, at most seal_max() of the room,
     * as wire bytes to `out`. Called after FILTER_OPEN alone. Returns false if that failed, and
     * fills in the error, whose reason is at first WEIR_REASON_EXHAUSTED. */
    bool (*seal)(void *state, const uint8_t *plain, size_t length, struct filter_output *out,
                 struct filter_error *error);

    /* After messages were decoded, and at wake_ms: originates bytes for the plain stream, such as
     * pongs. Returns FILTER_MORE, FILTER_AGAIN, FILTER_END or FILTER_BAD. Called after `begin`,
     * and not when the peer's stream has ended. */
    enum filter_result (*respond)(void *state, struct filter_response *response);

    /* Appends the last bytes of our stream, before FIN: of TLS the close_notify, of WebSocket the
     * close frame. Called at most once, after FILTER_OPEN. The bytes of a filter that transforms
     * are wire bytes, those of another one are plain. `reason`: PEER_DONE or NONE after
     * the end of the peer's stream. */
    void (*goodbye)(void *state, enum weir_reason reason, struct filter_output *out);

    /* Returns the memory of the state, for the account: a fixed amount, and what it holds of the
     * peer's bytes. Never null. */
    size_t (*held_bytes)(const void *state);

    void (*release)(void *state); /* never null */
};

/* One filter with its settings; a kind's own struct begins with it. Constant while it is used, by
 * any number of sessions on any thread. */
struct filter {
    const struct filter_kind *kind;
    _Atomic uint32_t references;
    void (*free)(struct filter *filter); /* null: it is static */
};

/* Initialises a filter with one reference, for the caller. */
void filter_init(struct filter *filter, const struct filter_kind *kind,
                 void (*free)(struct filter *filter));

/* Adds a reference. Returns the filter. Thread: any. */
struct filter *filter_ref(struct filter *filter);

/* Gives up a reference; the last one frees the filter. Null is allowed. Thread: any. */
void filter_unref(struct filter *filter);

/* Returns what the sessions of this worker share for the kind; opens it if needed. Null: memory is
 * exhausted. */
void *filter_worker_context(struct filter_worker *worker, const struct filter_kind *kind);

/* Frees everything that filter_worker_context() has opened. */
void filter_worker_free(struct filter_worker *worker);

/* Returns how many bytes can still be appended. */
static inline size_t filter_output_room(const struct filter_output *output)
{
    return output->max - output->length;
}

/* Appends the bytes. Returns false, and appends nothing, if there is no room for all of them. */
bool filter_output_add(struct filter_output *output, const void *bytes, size_t length);

/* Fills in the text of the error, cut to its size. Returns FILTER_BAD. */
enum filter_result filter_fail(struct filter_error *error, const char *format, ...)
    WEIR_PRINTF(2, 3);

#endif
