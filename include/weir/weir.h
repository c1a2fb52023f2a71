/* SPDX-License-Identifier: MIT */
/* weir.h - a TCP and UDP session server as a library. A whole server, which greets by name:
 *
 *     #include <stdio.h>
 *     #include <weir/weir.h>
 *
 *     static void greet(struct weir_session *session, const struct weir_message *line)
 *     {
 *         char text[512];
 *         int length = snprintf(text, sizeof text, "Hello, %.*s!", (int)line->length,
 *                               (const char *)line->bytes);
 *         if (weir_session_send(session, text, (size_t)length) != WEIR_OK)
 *             weir_session_fail(session, "the name is too long");
 *     }
 *
 *     int main(int argc, char **argv)
 *     {
 *         static struct weir_handler greeter;
 *         static struct weir_listen place;
 *         struct weir_config config;
 *         struct weir_server *server;
 *         struct weir_error error;
 *         char text[512];
 *
 *         greeter.size = sizeof greeter;
 *         greeter.name = "greeter";
 *         greeter.on_message = greet;
 *         place.codec = "line,max=500";
 *         place.custom_handler = &greeter;
 *         place.address = argc > 1 ? argv[1] : "7777";
 *         weir_config_init(&config);
 *         if (weir_server_open(&config, &server, &error) != WEIR_OK ||
 *             weir_server_listen(server, &place, &error) != WEIR_OK ||
 *             weir_server_start(server, &error) != WEIR_OK) {
 *             fprintf(stderr, "%s\n", weir_error_text(&error, text, sizeof text));
 *             weir_server_free(server);
 *             return 1;
 *         }
 *         struct weir_address address = weir_server_listener(server, 0).address;
 *         printf("%s; Enter ends it\n", weir_address_text(&address, text, sizeof text));
 *         fflush(stdout);
 *         getchar();
 *         weir_server_free(server);
 *         return 0;
 *     }
 *
 * docs/extending.md goes on from here.
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
#include <weir/frame.h>
#include <weir/version.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What carries the bytes. */
enum weir_proto { WEIR_TCP, WEIR_UDP };

/* ---- Sessions and handlers ---- */

struct weir_server;

/* Who is connected: a TCP connection, or the sender of datagrams. Valid inside the handler's
 * functions, from on_open to on_close; owned by its worker. Elsewhere it goes by its id. */
struct weir_session;

/* Why a session ended: WEIR_REASON_IDLE and so on; reason.def lists and explains them. */
enum weir_reason {
    WEIR_REASON_NONE, /* it has not */
#define WEIR_REASON(identifier, word, text) WEIR_REASON_##identifier,
#include <weir/reason.def>
#undef WEIR_REASON
    WEIR_REASONS_COUNT
};

/* What to do with messages: a protocol's own part. A listener names a built-in one, or is given one
 * (struct weir_listen). Any function may be null. All are called on the worker that owns the
 * session, one at a time for one session; the struct must live as long as the server. */
struct weir_handler {
    size_t size;          /* sizeof(struct weir_handler), as its author knew it */
    const char *name;     /* "echo" */
    const char *summary;  /* one line for a person */
    size_t session_bytes; /* memory of each session that is the handler's: weir_session_state() */
    void *user;           /* the author's own: weir_session_user() */
    /* A session began; it may be sent to at once. */
    void (*on_open)(struct weir_session *session);
    /* A message came. Null: it is discarded. */
    void (*on_message)(struct weir_session *session, const struct weir_message *message);
    /* The session is over; called once, last, for each that was opened. It cannot be sent to any
     * more. `text` says more than the reason where there is more to say, else it is empty. */
    void (*on_close)(struct weir_session *session, enum weir_reason reason, const char *text);
    /* The time of weir_session_start_timer() came. */
    void (*on_timer)(struct weir_session *session);
    /* The server is being drained: finish what is under way, and then the session. Null: it is
     * finished when it has gone quiet. */
    void (*on_drain)(struct weir_session *session);
};

/* Queues a message for the session's peer, framed by the listener's codec; the bytes are copied.
 * Returns WEIR_OK; or, with nothing queued: WEIR_NO_ROOM when it would make the peer cost more than
 * send_queue_high_bytes and one buffer (for a datagram: when too many wait, or the reply limit is
 * reached), WEIR_NO_BUFFERS when the worker's buffers are spent, WEIR_CANCELLED when the session is
 * closing, WEIR_TOO_LARGE when no frame, queue or network carries so much, WEIR_INVALID when such
 * bytes cannot stand in a frame. Only inside a handler's function, for sessions of its worker. */
WEIR_API enum weir_code weir_session_send(struct weir_session *session, const void *bytes,
                                          size_t length);

/* Queues the message that on_message is handling right now, back to where it came from, as it came.
 * The same as sending its bytes, but they are not copied, and the high mark does not refuse them
 * (receiving pauses there instead). At most once a message, which must not be looked at afterwards.
 * Returns WEIR_OK; or WEIR_CANCELLED when the session is closing, WEIR_NO_ROOM when too many
 * datagrams wait. */
WEIR_API enum weir_code weir_session_send_back(struct weir_session *session,
                                               const struct weir_message *message);

/* Ends the session in peace: what is queued goes first, then our end; the peer's is awaited for
 * linger_timeout_ms. A datagram's peer has no ends: its session is just over. */
WEIR_API void weir_session_finish(struct weir_session *session);

/* Ends the session now; what is queued is dropped. on_close comes later, not inside this call. */
WEIR_API void weir_session_abort(struct weir_session *session);

/* Ends the session because what it sent makes no sense: as weir_session_finish() does, but with
 * WEIR_REASON_PROTOCOL and this text, which is copied. */
WEIR_API void weir_session_fail(struct weir_session *session, const char *text);

/* Has on_timer called once, no sooner than `ms` from now; in place of an earlier time. A message
 * does not stop it, the end of the session does. For a datagram's sender without a session of its
 * own (see weir_session_id) it does nothing. */
WEIR_API void weir_session_start_timer(struct weir_session *session, uint32_t ms);

/* No on_timer, unless another is asked for. Harmless when none was. */
WEIR_API void weir_session_stop_timer(struct weir_session *session);

#define WEIR_GROUP_NAME_BYTES_MAX 63   /* without its end */
#define WEIR_GROUPS_PER_SESSION_MAX 64 /* that one session may be in */

/* Adds the session to the group of that name; a group exists while it has members.
 * Being in it already is fine. WEIR_INVALID: an empty name, or one of more than
 * WEIR_GROUP_NAME_BYTES_MAX; WEIR_NO_ROOM: the session is in WEIR_GROUPS_PER_SESSION_MAX groups;
 * WEIR_NO_MEMORY. The end of the session leaves all. WEIR_INVALID, too, for a datagram's sender
 * without a session of its own: a handler with on_open, on_close or session_bytes gives it one. */
WEIR_API enum weir_code weir_session_join(struct weir_session *session, const char *group);

/* Takes the session out of the group; being in none of that name is fine. */
WEIR_API void weir_session_leave(struct weir_session *session, const char *group);

/* The handler's memory of the session: session_bytes, zeroed when it began, aligned for anything.
 * Null when session_bytes is 0. */
WEIR_API void *weir_session_state(struct weir_session *session);

/* The `user` of its handler. */
WEIR_API void *weir_session_user(const struct weir_session *session);

/* The server that it is a session of. */
WEIR_API struct weir_server *weir_session_server(const struct weir_session *session);

/* What carries it. */
WEIR_API enum weir_proto weir_session_proto(const struct weir_session *session);

/* The session's remote address. */
WEIR_API const struct weir_address *weir_session_peer(const struct weir_session *session);

/* The id: never valid again once the session is gone. A datagram's sender without a session of its
 * own (its handler keeps nothing about it) has id 0. */
WEIR_API uint64_t weir_session_id(const struct weir_session *session);

/* ---- From any thread, to anyone: once weir_server_start() has returned or in a handler ---- */

/* Queues a message for a session, through the mailbox of its worker; the bytes are copied, and
 * framed by the session's codec. WEIR_OK: it is on its way, and is lost only if the session ends
 * (sends_late), or its queue is full or its codec refuses it (sends_dropped) before it gets there.
 * WEIR_GONE: there is no such session, or not any more. WEIR_NO_ROOM: too many letters wait for
 * that worker. WEIR_TOO_LARGE: more than send_queue_high_bytes. WEIR_NO_MEMORY. */
WEIR_API enum weir_code weir_send(struct weir_server *server, uint64_t id, const void *bytes,
                                  size_t length);

/* Ends a session: what was queued for it before goes first. Codes as of weir_send(). */
WEIR_API enum weir_code weir_finish(struct weir_server *server, uint64_t id);

/* Ends a session immediately: discards what is queued for it, and resets the connection if any of
 * that was undelivered. Returns the same values as weir_finish(). Thread: any. */
WEIR_API enum weir_code weir_abort(struct weir_server *server, uint64_t id);

/* Queues a message for every member of a group but the session `except_id` (0: for all). It is
 * framed and stored once for all who have the codec of the first TCP listener, and once for each
 * row of members with another; where a codec cannot carry it, its members miss it (sends_dropped).
 * A member whose queue is full is treated by broadcast_policy. WEIR_OK also when the group is
 * empty; WEIR_INVALID: no such name can be; WEIR_NO_ROOM: some workers had no room for the letter
 * (the others have it); WEIR_TOO_LARGE; WEIR_NO_MEMORY. */
WEIR_API enum weir_code weir_broadcast(struct weir_server *server, const char *group,
                                       const void *bytes, size_t length, uint64_t except_id);

/* ---- Servers ---- */

/* How loud the log is: each level includes those before it. */
enum weir_log_level { WEIR_LOG_ERROR, WEIR_LOG_WARNING, WEIR_LOG_INFO, WEIR_LOG_DETAIL };

/* What happens to a broadcast for a session whose send queue is full. */
enum weir_broadcast_policy {
    WEIR_BROADCAST_DISCONNECT,  /* the session is closed: WEIR_REASON_SLOW_READER */
    WEIR_BROADCAST_DROP_NEWEST, /* the session misses this message */
    WEIR_BROADCAST_DROP_OLDEST, /* the session misses broadcasts that have waited the longest */
};

/* Settings of a server. Fill with weir_config_init(), then change what differs. A time of 0 means
 * never, a limit of 0 means none, unless said otherwise. docs/design/sessions.md has the reasons of
 * the defaults. */
struct weir_config {
    size_t size;           /* of this struct in the caller's version, set by weir_config_init() */
    const char *transport; /* "auto", or a name: "uring", "epoll"; on Windows "rio", "iocp" */
    uint32_t workers;      /* threads; 0: one per core this process may use */
    uint32_t sessions_max; /* open at once, in all workers; more are refused */
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

    /* ---- how long: each ends the session with the reason of its name ---- */
    uint32_t idle_timeout_ms;       /* nothing came, and nothing that was sent went */
    uint32_t first_byte_timeout_ms; /* TCP: connected, and nothing came yet */
    uint32_t frame_timeout_ms;      /* from a frame's first byte to its last */
    /* TCP: how long one send (up to 16 buffers) may wait for the peer to take it; and how much
     * of it the peer must take per second when it needs longer (0: all within send_timeout_ms) */
    uint32_t send_timeout_ms;
    uint32_t send_rate_min_bytes;
    uint32_t lifetime_ms;
    uint32_t linger_timeout_ms; /* TCP: from our end to the peer's */
    uint32_t keepalive_ms; /* TCP: silence before the system asks the peer whether it is there */

    /* ---- how much ---- */
    uint32_t sessions_per_address_max; /* TCP; one IPv4 address, or one /64 of IPv6 */
    uint32_t accept_rate_max;        /* connections per second, in all workers; more are refused */
    uint32_t receive_rate_max_bytes; /* per second and session: beyond it receiving waits,
                                        and datagrams are dropped */
    uint32_t message_rate_max;       /* the same in messages */
    const char *allow;               /* "10.0.0.0/8, ::1": who may come; null or empty: everybody */
    const char *deny;                /* the same of who may not, whatever `allow` says */
    const char *
        reject_message; /* TCP: sent as it is to whom is refused, before the close; null: nothing */
    enum weir_broadcast_policy broadcast_policy;

    /* ---- datagrams ---- */
    /* sessions of datagram peers in one worker; the longest idle gives way to a new one */
    uint32_t datagram_peers_max;
    uint32_t datagram_idle_timeout_ms;
    /* what may be sent to a peer, of what came from it; 100: as much */
    uint32_t datagram_reply_percent_max;
    /* answers go to ports below 1024, and to the ports that this server serves itself, too: those
     * of servers, which could be made to answer each other for ever */
    bool datagram_answer_services;

    /* ---- threads, and the end ---- */
    uint32_t mailbox_commands_max; /* that may wait for one worker; rounded up to a power of two */
    uint32_t drain_jitter_ms;      /* a drain ends idle sessions one by one, over so long a time */
    uint32_t node; /* of several machines, which one: the top 8 bits of session ids */
};

/* One place to listen on. */
struct weir_listen {
    enum weir_proto proto;
    const char *address; /* as weir_address_parse() reads it; port 0 takes a free one */
    /* How bytes become messages: a description as weir_frame_open() reads it ("u32be,max=1m"),
     * "raw" (TCP) or "datagram" (UDP); null: that default. */
    const char *codec;
    const char *handler;                   /* "echo"; null: that default */
    const struct weir_codec *custom_codec; /* instead of `codec`, where it is not null ... */
    const struct weir_handler
        *custom_handler; /* ... and instead of `handler`. Both are not copied. */
    /* Instead of either codec: one is made of it, for TCP; its functions are called on every
     * worker. It is copied. */
    const struct weir_probe *custom_probe;
};

/* A listener of a started server, for a person or a script to read. The strings live as long as the
 * server. */
struct weir_listener_info {
    enum weir_proto proto;
    struct weir_address address; /* with the port that was really taken */
    const char *transport, *codec, *handler;
    uint32_t workers;
};

/* What was counted, summed over all workers: accepted = open + closed, always. Each name is also
 * the word in the closing summary. */
struct weir_stats {
    uint64_t accepted, closed, open; /* TCP sessions */
    uint64_t bytes_in, bytes_out;
    uint64_t messages_in, messages_out; /* of streams */
    uint64_t datagrams_in, datagrams_out, datagram_bytes_in, datagram_bytes_out;
    uint64_t peers_opened, peers_closed; /* sessions of datagram peers */
    /* connections that the system accepted, and that were closed because ... */
    uint64_t refused_full;       /* ... sessions_max was reached */
    uint64_t refused_address;    /* ... sessions_per_address_max was */
    uint64_t refused_rate;       /* ... accept_rate_max was */
    uint64_t refused_denied;     /* ... `allow` or `deny` says so; datagrams are counted here too */
    uint64_t refused_failed;     /* ... a session could not be made */
    uint64_t dropped_own_source; /* datagrams that claim to come from this server itself */
    uint64_t dropped_bad_source; /* port 0, multicast, broadcast, or the unspecified address */
    uint64_t dropped_services;   /* from a port of servers, see datagram_answer_services */
    uint64_t dropped_too_large;  /* longer than a datagram buffer */
    uint64_t dropped_unsent;     /* answers that the system would not send */
    uint64_t dropped_rate;       /* datagrams beyond a peer's message or byte rate */
    uint64_t dropped_reply;      /* answers beyond datagram_reply_percent_max */
    uint64_t dropped_peers;      /* datagrams whose sender could not be given a session */
    uint64_t sends_late;      /* messages of other threads for sessions that had gone meanwhile */
    uint64_t sends_dropped;   /* messages of other threads and broadcasts that a full queue lost */
    uint64_t pauses_no_files; /* times accepting stood still for want of descriptors */
    uint64_t pauses_no_buffers; /* times receiving stood still for want of buffers */
    uint64_t pauses_queue;      /* times a session was not read from: its send queue was full */
    uint64_t pauses_rate;       /* times a session was not read from: it was over its rate */
    uint64_t loop_iterations;   /* of the workers' loops */
    uint64_t timer_lag_max_ms;  /* the longest that a timer came after its time, of any worker */
    uint64_t timers_fired;
    uint64_t commands;             /* that came through mailboxes */
    uint64_t queued_bytes;         /* memory that send queues pin now */
    uint64_t buffer_bytes;         /* memory of the buffer pools now */
    uint64_t reassembly_bytes_max; /* the most that one unfinished frame has taken */
    uint64_t closed_by_reason[32]; /* index: enum weir_reason; TCP and datagram peers */
};

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

/* The counts as one line of words, "accepted=2 closed=2 ...": the first ones always, of the others
 * those that are not 0. Cut to `size` bytes with its terminator. Returns `text`. Any thread. */
WEIR_API char *weir_stats_text(const struct weir_stats *stats, char *text, size_t size);

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

/* ---- Modules: what `weir serve --handler ./mine.so` loads ---- */

#define WEIR_ABI_VERSION 1 /* of struct weir_module, and of all that a module uses of this header */

/* What a module's file exports under the name weir_module: WEIR_MODULE() writes it. All of it must
 * stay as it is; the module stays loaded until the program ends. */
struct weir_module {
    uint32_t abi;                       /* WEIR_ABI_VERSION, as its author knew it */
    const struct weir_handler *handler; /* null: "echo" */
    /* Of listeners that name no codec, if it is for their protocol; null: their default. */
    const struct weir_codec *codec;
    const struct weir_probe *probe; /* instead of a codec: one is made of it, for TCP */
};

#if defined(_WIN32) /* tidy: allow platform - how a DLL exports */
#define WEIR_MODULE_EXPORT __declspec(dllexport)
#else
#define WEIR_MODULE_EXPORT __attribute__((visibility("default")))
#endif
#ifdef __cplusplus
#define WEIR_MODULE_LINKAGE extern "C"
#else
#define WEIR_MODULE_LINKAGE
#endif

/* Makes a shared library a module, in one of its files, at its end: WEIR_MODULE(&my_handler, NULL);
 * Its calls of weir_...() are answered by the program that loads it: it is linked with nothing of
 * weir on Linux, and with the program's import library on Windows (CMake: weir::module). */
#define WEIR_MODULE(its_handler, its_codec)                                         \
    WEIR_MODULE_LINKAGE WEIR_MODULE_EXPORT const struct weir_module weir_module = { \
        WEIR_ABI_VERSION, its_handler, its_codec, NULL}

/* The same with a codec of which only the head is the module's: struct weir_probe in frame.h. */
#define WEIR_MODULE_PROBE(its_handler, its_probe)                                   \
    WEIR_MODULE_LINKAGE WEIR_MODULE_EXPORT const struct weir_module weir_module = { \
        WEIR_ABI_VERSION, its_handler, NULL, its_probe}

/* The version of the library that runs, "0.1.0"; WEIR_VERSION is that of the header. */
WEIR_API const char *weir_version(void);

#ifdef __cplusplus
}
#endif
#endif
