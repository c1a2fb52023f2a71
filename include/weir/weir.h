/* SPDX-License-Identifier: MIT */
/* weir.h - a TCP and UDP session server as a library. A whole server:
 *
 *     #include <weir/weir.h>
 *     #include <stdio.h>
 *
 *     int main(void)
 *     {
 *         struct weir_error error;
 *         struct weir_server *server;
 *         struct weir_config config;
 *         char text[512];
 *
 *         weir_config_init(&config);
 *         struct weir_listen echo = {.proto = WEIR_TCP, .address = "7777", .handler = "echo"};
 *         if (weir_server_open(&config, &server, &error) == WEIR_OK &&
 *             weir_server_listen(server, &echo, &error) == WEIR_OK &&
 *             weir_server_start(server, &error) == WEIR_OK) {
 *             weir_server_wait(server);
 *             weir_server_free(server);
 *             return 0;
 *         }
 *         fprintf(stderr, "%s\n", weir_error_text(&error, text, sizeof text));
 *         return 1;
 *     }
 *
 * A server runs N workers, each a thread with its own sockets, sessions and buffers. A handler's
 * functions are called on the worker that owns the session, one at a time for one session.
 *
 * A call that breaks a rule written here (twice what may be done once, an index that does not
 * exist) ends the process with a line that names the rule. What the world can cause is an error
 * value.
 */
#ifndef WEIR_WEIR_H
#define WEIR_WEIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/address.h>
#include <weir/error.h>
#include <weir/version.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What carries the bytes. */
enum weir_proto { WEIR_TCP, WEIR_UDP };

/* ---- Sessions and handlers ---- */

/* Who is connected: a TCP connection, or the sender of a datagram. Valid inside the handler's
 * functions; owned by its worker. */
struct weir_session;

/* What a codec made of received bytes. Valid until the handler's on_message returns or sends it
 * back, whichever comes first. */
struct weir_message {
    const uint8_t *bytes;
    size_t length;
};

/* What to do with messages. A listener names a built-in one (struct weir_listen). */
struct weir_handler {
    const char *name;    /* "echo" */
    const char *summary; /* one line for a person */
    /* A message came. */
    void (*on_message)(struct weir_session *session, const struct weir_message *message);
};

/* How received bytes become messages. */
struct weir_codec {
    const char *name;      /* "raw" */
    const char *summary;   /* one line for a person */
    enum weir_proto proto; /* what it is for */
};

/* Queues a copy of the bytes for the session's peer. Returns WEIR_OK; or, with nothing queued:
 * WEIR_NO_ROOM when it would make the peer cost more than send_queue_high_bytes and one buffer,
 * WEIR_NO_BUFFERS when the worker's buffers are spent, WEIR_CANCELLED when the session is closing,
 * WEIR_TOO_LARGE for more than send_queue_high_bytes, or for a datagram that no network carries.
 * Only inside a handler's function, for its own session. */
WEIR_API enum weir_code weir_session_send(struct weir_session *session, const void *bytes,
                                          size_t length);

/* Queues the message that on_message is handling right now, back to where it came from. The same as
 * sending its bytes, but they are not copied, and the high mark does not refuse them (receiving
 * pauses there instead). At most once a message, which must not be looked at afterwards. Returns
 * WEIR_OK; or WEIR_CANCELLED when the session is closing, WEIR_NO_ROOM when too many datagrams
 * wait. */
WEIR_API enum weir_code weir_session_send_back(struct weir_session *session,
                                               const struct weir_message *message);

/* The session's remote address. */
WEIR_API const struct weir_address *weir_session_peer(const struct weir_session *session);

/* The id: never valid again once the session is gone. A datagram's sender without a session of its
 * own has id 0. */
WEIR_API uint64_t weir_session_id(const struct weir_session *session);

/* ---- Servers ---- */

/* How loud the log is: each level includes those before it. */
enum weir_log_level { WEIR_LOG_ERROR, WEIR_LOG_WARNING, WEIR_LOG_INFO, WEIR_LOG_DETAIL };

/* Settings of a server. Fill with weir_config_init(), then change what differs. */
struct weir_config {
    size_t size;           /* of this struct in the caller's version, set by weir_config_init() */
    const char *transport; /* "auto", or a name: "uring", "epoll"; on Windows "rio", "iocp" */
    uint32_t workers;      /* threads; 0: one per core this process may use */
    uint32_t sessions_max; /* open at once, in all workers; more are closed at once and counted */
    /* memory one peer that does not read may cost, give or take one buffer */
    uint32_t send_queue_high_bytes;
    uint32_t send_queue_low_bytes;      /* receiving from a paused peer resumes below this */
    uint32_t buffer_bytes;              /* one stream buffer */
    uint64_t buffer_memory_max_bytes;   /* all stream buffers of one worker */
    uint64_t datagram_memory_max_bytes; /* all datagram buffers of one worker */
    uint32_t listen_backlog;            /* connections the system may hold before we accept them */
    /* One line of the log, without a line end. May come from any thread, one call at a time. Null:
     * no log. */
    void (*log)(void *user, enum weir_log_level level, const char *line);
    /* The last worker ended: after a drain, a stop, or because every listener failed. Called from
     * that worker's thread.
     * May be null. */
    void (*on_stopped)(void *user);
    void *user; /* handed to log and on_stopped */
    /* Windows: each call of Registered I/O, and what happens to its memory, is checked against its
     * rules; a broken one is named and ends the process. For finding faults: it costs time. */
    bool verify_rio;
};

/* One place to listen on. */
struct weir_listen {
    enum weir_proto proto;
    const char *address; /* as weir_address_parse() reads it; port 0 takes a free one */
    const char *codec;   /* "raw" (TCP), "datagram" (UDP); null: that default */
    const char *handler; /* "echo"; null: that default */
};

/* A listener of a started server, for a person or a script to read. The strings live as long as the
 * server. */
struct weir_listener_info {
    enum weir_proto proto;
    struct weir_address address; /* with the port that was really taken */
    const char *transport, *codec, *handler;
    uint32_t workers;
};

/* Why connections were refused and datagrams dropped, and how sessions ended; summed over all
 * workers. Each name is also the word in the closing summary. */
struct weir_stats {
    uint64_t accepted, closed, open;
    uint64_t bytes_in, bytes_out;
    uint64_t datagrams_in, datagrams_out, datagram_bytes_in, datagram_bytes_out;
    uint64_t refused_full; /* accepted by the system, and closed because sessions_max was reached */
    uint64_t refused_failed; /* accepted by the system, and lost before a session could be made */
    uint64_t dropped_own_source;   /* datagrams that claim to come from this server itself */
    uint64_t dropped_bad_source;   /* port 0, multicast, broadcast, or the unspecified address */
    uint64_t dropped_too_large;    /* longer than a datagram buffer */
    uint64_t dropped_unsent;       /* answers that the system would not send */
    uint64_t pauses_no_files;      /* times accepting stood still for want of descriptors */
    uint64_t pauses_no_buffers;    /* times receiving stood still for want of buffers */
    uint64_t closed_by_reason[16]; /* index: enum weir_reason */
};

/* Why a session ended. */
enum weir_reason {
    WEIR_REASON_NONE,      /* it has not */
    WEIR_REASON_PEER_DONE, /* the peer finished, and got every answer */
    WEIR_REASON_RESET,     /* the peer or the network broke the connection */
    WEIR_REASON_DRAIN,     /* the server was drained */
    WEIR_REASON_SHUTDOWN,  /* the server was stopped, or the drain ran out of time */
    WEIR_REASONS_COUNT
};

struct weir_server;

#define WEIR_LISTENERS_MAX 64 /* of one server */

/* Fills in every default of a configuration of that size. */
WEIR_API void weir_config_init_sized(struct weir_config *config, size_t size);

/* Fills in every default. In the header, so that the size is that of the version which the caller
 * was built with. */
static inline void weir_config_init(struct weir_config *config)
{
    weir_config_init_sized(config, sizeof *config);
}

/* The reason as one word: "peer_done". Never null; any thread. */
WEIR_API const char *weir_reason_text(enum weir_reason reason);

/* Makes a server that does nothing yet. WEIR_INVALID names the setting that cannot work. The caller
 * frees it. */
WEIR_API enum weir_code weir_server_open(const struct weir_config *config,
                                         struct weir_server **server, struct weir_error *error);

/* Adds a place to listen on; before weir_server_start() only. Nothing of *listen is kept. */
WEIR_API enum weir_code weir_server_listen(struct weir_server *server,
                                           const struct weir_listen *listen,
                                           struct weir_error *error);

/* Starts the workers and their listeners; returns when all of them listen, or when one failed and
 * all have ended. Once: after a failure, free the server and open another. */
WEIR_API enum weir_code weir_server_start(struct weir_server *server, struct weir_error *error);

/* How many listeners it has. */
WEIR_API size_t weir_server_listeners_count(const struct weir_server *server);

/* The index-th listener of a started server; before the start its port may be 0 and its transport
 * is "none". */
WEIR_API struct weir_listener_info weir_server_listener(const struct weir_server *server,
                                                        size_t index);

/* Stops accepting (but for what the system had accepted already), delivers what is queued, and
 * closes every session, by the deadline at the latest. A later call can only shorten the time. Any
 * thread, at any time from weir_server_open() on; returns at once. */
WEIR_API void weir_server_drain(struct weir_server *server, uint32_t deadline_ms);

/* Closes every session now. Any thread, at any time from weir_server_open() on; returns at once. */
WEIR_API void weir_server_stop(struct weir_server *server);

/* Returns when every worker has ended. One thread at a time, and none of the server's own: not in a
 * handler, nor in log or on_stopped. */
WEIR_API void weir_server_wait(struct weir_server *server);

/* The sums of this moment, as much of them as fits into `size` bytes. Any thread. */
WEIR_API void weir_server_stats_sized(const struct weir_server *server, struct weir_stats *stats,
                                      size_t size);

/* The sums of this moment. Any thread. */
static inline void weir_server_stats(const struct weir_server *server, struct weir_stats *stats)
{
    weir_server_stats_sized(server, stats, sizeof *stats);
}

/* Stops the server if it runs, waits for it as weir_server_wait() does, and frees it. Null is
 * allowed. */
WEIR_API void weir_server_free(struct weir_server *server);

/* The version of the library that runs, "0.1.0"; WEIR_VERSION is that of the header. */
WEIR_API const char *weir_version(void);

#ifdef __cplusplus
}
#endif
#endif
