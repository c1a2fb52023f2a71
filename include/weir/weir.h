/* SPDX-License-Identifier: MIT */
/* weir.h - a TCP and UDP session server as a library. A complete server that greets each client by
 * name:
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
 *         static struct weir_listen listen;
 *         struct weir_listener_info info;
 *         struct weir_server *server;
 *         struct weir_error error;
 *         char text[512];
 *
 *         greeter.size = sizeof greeter;
 *         greeter.name = "greeter";
 *         greeter.on_message = greet;
 *         listen.size = sizeof listen;
 *         listen.codec = "line,max=500";
 *         listen.custom_handler = &greeter;
 *         listen.address = argc > 1 ? argv[1] : "7777";
 *         if (weir_server_open(NULL, &server, &error) != WEIR_OK ||
 *             weir_server_listen(server, &listen, &error) != WEIR_OK ||
 *             weir_server_start(server, &error) != WEIR_OK) {
 *             fprintf(stderr, "%s\n", weir_error_text(&error, text, sizeof text));
 *             weir_server_free(server);
 *             return 1;
 *         }
 *         weir_server_listener(server, 0, &info);
 *         printf("%s; press Enter to stop\n", weir_address_text(&info.address, text, sizeof text));
 *         fflush(stdout);
 *         getchar();
 *         weir_server_free(server);
 *         return 0;
 *     }
 *
 * docs/extending.md continues from here.
 *
 * A server runs N workers. A worker is a thread with its own event loop, sockets, sessions and
 * buffers. Callbacks run on the worker that owns the session. One worker runs one callback at a
 * time; several workers run callbacks at the same time.
 *
 * Failures that the network, the system or a peer can cause are returned as error values. Weir
 * detects some wrong calls, such as an index out of range or a second weir_server_start(). It then
 * ends the process with a message that names the rule. It cannot detect every wrong call: the use
 * of a session or its state after its on_close is undefined behaviour, and so is the use of a
 * message after its on_message. In a build of weir with AddressSanitizer (-fsanitize=address), both
 * end the process with a report of the sanitizer, which shows the handler's line.
 *
 * Weir installs no signal handler and changes no signal mask. Its threads inherit the mask of the
 * thread that starts them. No send raises SIGPIPE.
 *
 * The binary interface can grow. From the first release on, a program or module works unchanged
 * with a newer weir of the same major version. There are three kinds of structs:
 * - struct weir_config, weir_listen, weir_connect_options, weir_handler, weir_codec, weir_probe,
 *   weir_sessions_query, weir_groups_query, weir_tls, weir_tls_connect, weir_update and weir_module
 *   have a member `size`: set it to the sizeof (weir_config_init() and weir_connect_init() set it).
 *   Later versions add members at the end. The value 0 of such a member, or the value that the init
 *   function sets, keeps the earlier behaviour. Weir copies a struct of an earlier version, and
 *   fills in the missing members of the copy. It refuses any other size with WEIR_INVALID: 0, a
 *   size that no version has, or a size larger than this weir knows. In test.h struct
 *   weir_test_options, weir_test_swarm and weir_test_result have a `size`, too. There a wrong size
 *   ends the process, and the last two must have the size of this version.
 * - Results that can grow are filled in by a function with `_sized` at the end of its name, for as
 *   many bytes as the caller's version has: struct weir_stats, weir_listener_info, weir_frame_info,
 *   weir_session_info, weir_worker_stats, weir_proxy_header, weir_tls_info, weir_tls_stats,
 *   weir_web, weir_histogram. Call the inline function without `_sized`: it passes the sizeof.
 * - All others have a fixed layout: struct weir_message, weir_part, weir_input, weir_header,
 *   weir_framing and weir_decode_error, which each message uses; weir_error, weir_address,
 *   weir_address_block, weir_update_listener, weir_update_tls, weir_tls_host, weir_mark, weir_marks
 *   and weir_test_input. The exceptions are struct weir_frame_preset, weir_group_members,
 *   weir_group_info and weir_watched_frame: a program reads them only through a pointer that weir
 *   passes, so they can grow.
 *
 * "Thread:" in a comment says where a function may be called:
 *     handler   inside any callback that runs on the session's worker
 *     any       any thread
 *     worker    inside any callback that runs on the worker, with or without a session (work.h)
 */
#ifndef WEIR_WEIR_H
#define WEIR_WEIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/address.h>
#include <weir/error.h>
#include <weir/frame.h>
#include <weir/mark.h>
#include <weir/observe.h>
#include <weir/tls.h>
#include <weir/update.h>
#include <weir/version.h>
#include <weir/web.h>
#include <weir/work.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Transport protocol of a listener or session. */
enum weir_proto { WEIR_TCP, WEIR_UDP };

/* ---- Sessions and handlers ---- */

struct weir_server;

/* A session: one TCP connection, or one remote UDP address that sends to one local socket. One
 * worker owns the session. The pointer is valid from the call of on_open until on_close returns, in
 * every callback that runs on this worker. Other threads name a session by its id
 * (weir_session_id).
 *
 * UDP has no connections. Weir keeps a session for each remote address only if the handler has
 * session_bytes, on_open, on_close or on_timer, or if receive_rate_max_bytes or message_rate_max is
 * set. Otherwise on_message receives a transient session: it is valid only during that call and has
 * the id 0. weir_session_send() and weir_session_send_back() work for it. It has no state, and
 * cannot join a group. Timers and the calls that end a session do nothing.
 *
 * A TCP peer can half-close its connection: it sends FIN and still receives (`nc -N`,
 * shutdown(SHUT_WR)). Weir delivers the messages that arrived before the FIN, calls on_peer_done,
 * sends what is queued, closes the connection, and calls on_close with WEIR_REASON_PEER_DONE. If an
 * answer is not available by then, call weir_session_hold() when the request arrives or in
 * on_peer_done, and weir_session_release() after the answer is sent. Between the two calls the
 * session can send, and its timer runs. */
struct weir_session;

/* Reason why a session ended: WEIR_REASON_IDLE and others, listed and explained in reason.def. */
enum weir_reason {
    WEIR_REASON_NONE, /* the session is open */
#define WEIR_REASON(identifier, word, text) WEIR_REASON_##identifier,
#include <weir/reason.def>
#undef WEIR_REASON
    WEIR_REASONS_COUNT
};

/* A handler: the callbacks that implement a protocol's behaviour. A listener names a built-in
 * handler or points to a custom one (struct weir_listen). Every callback is optional. While a
 * callback blocks, its worker serves no session. The struct must outlive the server. */
struct weir_handler {
    size_t size;         /* sizeof(struct weir_handler) of the version the author compiled with */
    const char *name;    /* "echo"; never null */
    const char *summary; /* one line for --help; can be null */
    /* Bytes of state per session: weir_session_state(). At most 64 KiB together with the state of
     * the codec (weir_codec.state_bytes, rounded up to alignof(max_align_t)) and 8 bytes that weir
     * adds to find writes beyond the state. */
    size_t session_bytes;
    void *user; /* pointer for the author's use: weir_session_user() */
    /* A session began. The callback may send. */
    void (*on_open)(struct weir_session *session);
    /* A message arrived. Null: messages are discarded. */
    void (*on_message)(struct weir_session *session, const struct weir_message *message);
    /* The session ended. Called exactly once, as the last callback, for each session that began. A
     * session begins when on_open is called, or would be called if it were not null. The session
     * can no longer send. `text` adds detail to the reason, or is "". */
    void (*on_close)(struct weir_session *session, enum weir_reason reason, const char *text);
    /* The timer of weir_session_start_timer() expired. */
    void (*on_timer)(struct weir_session *session);
    /* The server is draining: complete the work in progress, then call weir_session_finish(). Null:
     * weir finishes the session when it is idle, as weir_server_drain() says. */
    void (*on_drain)(struct weir_session *session);
    /* TCP: the send queue has room again. Called once after a message to this peer was refused with
     * WEIR_QUEUE_FULL, or after a message that another thread passed to weir_send() was dropped
     * because the queue was full. It is called when the queue has fallen to send_queue_low_bytes
     * (to less while memory is short). A handler that streams sends until WEIR_QUEUE_FULL, and
     * continues in on_room. If a message is refused again there, another call follows. Not called
     * while the session is closing. */
    void (*on_room)(struct weir_session *session);
    /* TCP: the peer has closed its sending side (FIN), and every message before the FIN was
     * delivered. Called at most once. The session can still send. Unless the session is held
     * (weir_session_hold() can also be called here), weir closes it as soon as everything queued is
     * sent. Not called if the session is already closing, or if the stream ended within a frame,
     * which is malformed input (WEIR_REASON_PROTOCOL). */
    void (*on_peer_done)(struct weir_session *session);
    /* Prepares the handler for a server, inside weir_server_listen(). It is called once for each
     * pair of this handler and weir_listen.handler_arguments; listeners with an equal pair share
     * the result. `arguments` is the text of handler_arguments ("" if that is null), and is valid
     * until `close` returns: with `weir serve --handler './mine.so?size=5'` it is "size=5". *user
     * is `user` above at first; weir_session_user() returns the value that `open` leaves there.
     * Returns WEIR_OK. On failure it fills in `reason` and `hint` of *error and returns another
     * code, which weir_server_listen() then returns. It may call weir_log(). weir_connect() does
     * not call it. Null: arguments are refused. */
    enum weir_code (*open)(struct weir_server *server, const char *arguments, void **user,
                           struct weir_error *error);
    /* Releases what one `open` made: inside weir_server_free(), after the server's last session has
     * ended. It may call weir_log(). */
    void (*close)(struct weir_server *server, void *user);
};

/* Queues one message for the session's peer. The session's codec frames it; the bytes are copied.
 * TCP: the message leaves at the end of the loop iteration, with everything else queued for the
 * session; Nagle's algorithm is off (TCP_NODELAY). UDP: it is passed to the transport immediately,
 * after the messages that were sent back earlier. Returns:
 *   WEIR_OK           the message is queued
 *   WEIR_QUEUE_FULL   TCP: the queue, counted in whole buffers, would exceed its limit by more than
 *                     one buffer. The limit is send_queue_high_bytes, or less while memory is
 *                     short. on_room follows. UDP: too many datagrams wait for the system
 *   WEIR_REPLY_LIMIT  UDP: datagram_reply_percent_max or datagram_reply_rate_max is reached
 *   WEIR_NO_BUFFERS   the worker's buffer pool is empty; on_room does not follow
 *   WEIR_CANCELLED    the session is closing
 *   WEIR_TOO_LARGE    the message exceeds the maximum of the codec or of a datagram. TCP: also if
 *                     the message exceeds send_queue_high_bytes, or its frame exceeds that setting
 *                     by more than one buffer, because then not even an empty queue has room. Weir
 *                     logs this second case once per server
 *   WEIR_INVALID      the codec cannot frame these bytes
 * Nothing is queued unless it returns WEIR_OK. Thread: handler. */
WEIR_API enum weir_code weir_session_send(struct weir_session *session, const void *bytes,
                                          size_t length);

/* One part of a message for weir_session_sendv(): `length` bytes; null is allowed for 0. */
struct weir_part {
    const void *bytes;
    size_t length;
};

/* Queues one message that consists of `count` parts, one after the other: all of them, or none.
 * Does the same as weir_session_send() with the joined bytes, and returns the same values, or
 * WEIR_NO_MEMORY. Thread: handler. */
WEIR_API enum weir_code weir_session_sendv(struct weir_session *session,
                                           const struct weir_part *parts, size_t count);

/* Queues one message without copying it where that is possible: the bytes must stay unchanged until
 * weir calls release(user, bytes). If this function returns WEIR_OK, weir calls `release` exactly
 * once: when the system no longer needs the bytes, when the session ends before that, or inside
 * this call if the bytes were copied. If it returns another code, weir does not call `release`.
 * Weir copies messages shorter than half a buffer (buffer_bytes), datagrams, and every message on
 * Windows, where only registered memory can be sent. `release` runs on the session's worker. It may
 * free memory, but must not call functions of weir. Null: the bytes never change and outlive the
 * server.
 *
 * The frame counts towards the send queue as for weir_session_send(): the bytes in units of whole
 * buffers, and the header and the trailer as one buffer each. If `release` is not null, the bytes
 * also count towards memory_max_bytes until they are released. Returns the same values as
 * weir_session_send(). Thread: handler. */
WEIR_API enum weir_code weir_session_send_static(struct weir_session *session, const void *bytes,
                                                 size_t length,
                                                 void (*release)(void *user, const void *bytes),
                                                 void *user);

/* Returns the bytes of memory that the session's send queue holds: whole buffers that wait or that
 * the system still uses, and broadcasts. Compare this number with send_queue_high_bytes. 0 for a
 * UDP session. Thread: handler. */
WEIR_API size_t weir_session_queued_bytes(const struct weir_session *session);

/* Queues the message that on_message is handling, unchanged and with its original framing, for the
 * session's peer. Usually nothing is copied. The message is queued even above the high-water mark;
 * reading from the peer then pauses. Messages leave in the order of the calls, whichever function
 * queued them. Call it at most once per message. `message` is invalid afterwards, whatever the
 * result. Returns:
 *   WEIR_OK           the message is queued. UDP: if it cannot be sent later, it is counted in
 *                     dropped_unsent
 *   WEIR_CANCELLED    the session is closing, or this call closed it because memory is exhausted
 *   WEIR_QUEUE_FULL   UDP: too many datagrams wait for the system
 *   WEIR_REPLY_LIMIT  UDP: as for weir_session_send()
 *   WEIR_NO_BUFFERS   UDP: the worker's buffer pool is empty
 * Thread: handler, inside on_message. */
WEIR_API enum weir_code weir_session_send_back(struct weir_session *session,
                                               const struct weir_message *message);

/* Closes the session gracefully: sends the queued messages, then FIN, then waits up to
 * linger_timeout_ms for the peer's FIN. Bytes that arrive meanwhile are discarded: on_message is
 * not called again, and sending returns WEIR_CANCELLED. on_timer can still be called. Pauses and
 * holds of the session end. on_close runs later, not inside this call. A UDP session ends
 * immediately. Does nothing if the session is already closing. Thread: handler. */
WEIR_API void weir_session_finish(struct weir_session *session);

/* TCP: closes only the sending side, as shutdown(SHUT_WR) does: sends the queued messages, then
 * FIN, and continues to receive. Further sends return WEIR_CANCELLED. The session leaves its groups
 * and cannot join others. Its holds end, and weir_session_hold() has no further effect, because no
 * answer can follow. It ends when the peer's FIN arrives, or by a timeout. A relay uses this
 * function to pass on a peer's FIN. Does nothing for a UDP session, or if the session is closing.
 * Thread: handler. */
WEIR_API void weir_session_end_output(struct weir_session *session);

/* Closes the session immediately and discards queued messages. A TCP connection is reset (RST), so
 * bytes that were sent but have not arrived can also be lost. No callback follows except on_close,
 * which runs later, not inside this call. Thread: handler. */
WEIR_API void weir_session_abort(struct weir_session *session);

/* Closes the session gracefully because its peer violated the protocol. Does the same as
 * weir_session_finish(), with WEIR_REASON_PROTOCOL. on_close and the log receive a copy of `text`.
 * Thread: handler. */
WEIR_API void weir_session_fail(struct weir_session *session, const char *text);

/* Sends a message to every member of a group, as weir_broadcast() does, but with back-pressure.
 * `session` is the speaker: the session on whose behalf the handler broadcasts. The speaker waits
 * once the send queue of a member has exceeded its high-water mark, until that queue has fallen to
 * its low-water mark. While the speaker waits, weir keeps its further broadcasts, does not call
 * on_message for it, and does not read from its peer. So a member misses no message, and is not
 * disconnected, however fast the speakers are, if its peer reads fast enough for these two limits:
 * - A member's queue may stay above its low-water mark for the member's send_timeout_ms (0: no
 *   limit). If the member's send_rate_min_bytes is not 0, the time for the bytes in this queue at
 *   that rate is added. When this time is over, broadcast_policy applies to the member, and
 *   speakers no longer wait for it.
 * - A speaker waits for at most its own send_timeout_ms (0: no limit). Then weir sends its waiting
 *   broadcasts, also to members that have not read enough. Their queues can then exceed the
 *   high-water mark by mailbox_bytes_max; above that, broadcast_policy applies. If a worker's
 *   mailbox still has no room for a broadcast, no member receives it (counted in sends_dropped).
 *
 * If the speaker is finished meanwhile, it ends after the wait. If it is aborted or reset, its
 * waiting broadcasts are dropped (counted in sends_dropped). For a UDP session the call does the
 * same as weir_broadcast(). Returns the same values as weir_broadcast(), with two differences:
 * WEIR_QUEUE_FULL if the waiting broadcasts of the speaker exceed send_queue_high_bytes, and
 * WEIR_MAILBOX_FULL only for a UDP session or in on_close. on_room does not follow that
 * WEIR_QUEUE_FULL: on_message is called again after the wait, and a handler that broadcasts
 * elsewhere can try again from a timer. Thread: handler. */
WEIR_API enum weir_code weir_session_broadcast(struct weir_session *session, const char *group,
                                               const void *bytes, size_t length,
                                               uint64_t except_id);

/* Stops calling on_message for the session, also for messages that have arrived already, and stops
 * reading from the peer. Messages are kept and nothing is lost: TCP's flow control stops the peer.
 * A paused session stays open even if the peer has sent FIN. idle_timeout_ms, first_byte_timeout_ms
 * and frame_timeout_ms do not run meanwhile; lifetime_ms and the timeouts of sending do.
 * weir_session_resume() ends the pause; several pauses need only one resume. The pause also ends
 * with weir_session_finish(), because what arrives after it is discarded.
 *
 * A handler pauses a session when it cannot accept more work: for example, another thread still
 * works on a request, or messages are forwarded to another session whose peer has not read its
 * queued messages. For a UDP session, datagrams that arrive during the pause are dropped (counted
 * in dropped_paused). Does nothing for a transient session. Thread: handler. */
WEIR_API void weir_session_pause(struct weir_session *session);

/* Ends the pause. Messages that have arrived already are delivered from the next loop iteration on.
 * Does nothing if the session is not paused. Thread: handler. */
WEIR_API void weir_session_resume(struct weir_session *session);

/* Keeps the session open after the peer's FIN, for an answer that is not available yet. Without a
 * hold, weir closes the session as soon as it has handled the peer's FIN and sent what is queued.
 * Each call needs one weir_session_release() or weir_release(), unless the handler ends the session
 * instead, for example by weir_session_finish() after the answer. After the last release, if the
 * peer has sent FIN, weir sends what is queued and then its own FIN. If the peer has not sent FIN,
 * the session continues. All timeouts apply to a held session. If a timeout or a lack of memory
 * closes it, it ends by RST, because its answer is missing.
 *
 * During a drain, if the handler has no on_drain, a hold has an effect only after the peer's FIN:
 * the session then stays open until the last release or the deadline. Before the FIN, weir finishes
 * a held session when it is idle, like any other (weir_server_drain). Does nothing for a UDP
 * session. Thread: handler. */
WEIR_API void weir_session_hold(struct weir_session *session);

/* Undoes one weir_session_hold(). Does nothing if the session is not held. Thread: handler. */
WEIR_API void weir_session_release(struct weir_session *session);

/* Calls on_timer once, at least `ms` milliseconds from now. Replaces a pending timer. The end of
 * the session cancels the timer. Does nothing for a transient session. If memory is exhausted, the
 * session is closed (WEIR_REASON_EXHAUSTED). Thread: handler. */
WEIR_API void weir_session_start_timer(struct weir_session *session, uint32_t ms);

/* Cancels a pending timer, if there is one. Thread: handler. */
WEIR_API void weir_session_stop_timer(struct weir_session *session);

/* Sets the idle timeout of this session, instead of idle_timeout_ms or datagram_idle_timeout_ms:
 * for example to one and a half times the keep-alive interval that the client announced. 0
 * disables it. The timeout is measured from the last byte, not from this call. Returns WEIR_OK;
 * WEIR_INVALID if `ms` is above 2147483647, or for a transient session; or WEIR_CANCELLED if the
 * session is closing. Thread: handler. */
WEIR_API enum weir_code weir_session_set_idle_timeout(struct weir_session *session, uint32_t ms);

/* Sets the length in bytes, without a stripped header, of the longest message that this session
 * accepts from its peer: for example a small one before the login. 0: only the maximum of the
 * codec, which always applies. A longer message is malformed input, even if the codec would skip
 * it. An incomplete frame of more than `bytes` + WEIR_HEADER_BYTES_MAX + WEIR_TRAILER_BYTES_MAX is
 * malformed input, too. The codec "raw" cuts the received bytes into messages of at most that
 * length. The limit remains if the codec changes. It applies from the next message on. TCP only.
 * Returns WEIR_OK; WEIR_INVALID for a UDP session; WEIR_CANCELLED if the session is closing; or
 * WEIR_NO_MEMORY. Thread: handler. */
WEIR_API enum weir_code weir_session_set_message_max(struct weir_session *session, size_t bytes);

/* Changes the session's codec, for protocols that change after a handshake. The new codec, with a
 * new state, decodes every byte after the message that on_message is handling; or after the last
 * message, in other callbacks. It frames what is sent from now on; what was sent before is queued
 * already. The message remains valid until on_message returns. The codec must outlive the server.
 * It also frames broadcasts to this session. TCP only. Returns:
 *   WEIR_OK         the codec is in use
 *   WEIR_INVALID    the codec has no `streams` or a wrong `size`; the session is a UDP session or
 *                   a WebSocket, whose codec contains the framing of WebSocket; or
 *                   the present codec holds part of a frame, which no other codec can read: call
 *                   this function in on_message
 *   WEIR_CANCELLED  the session is closing
 *   WEIR_NO_MEMORY
 * Thread: handler. */
WEIR_API enum weir_code weir_session_set_codec(struct weir_session *session,
                                               const struct weir_codec *codec);

#define WEIR_GROUP_NAME_BYTES_MAX 63 /* without the terminating NUL */
#define WEIR_NAME_BYTES_MAX 63       /* of a session's name, likewise */

/* Adds the session to the group with this name. A group exists while it has members. A session
 * leaves all groups when it ends. Returns:
 *   WEIR_OK         the session is a member, or was one before
 *   WEIR_INVALID    the name is empty or longer than WEIR_GROUP_NAME_BYTES_MAX, or the session is
 *                   transient
 *   WEIR_NO_ROOM    the session is a member of groups_per_session_max groups
 *   WEIR_CANCELLED  the session is closing
 *   WEIR_NO_MEMORY  also if memberships already use a quarter of the worker's memory (its part of
 *                   memory_max_bytes), or memberships and sessions together use half of it
 * Thread: handler. */
WEIR_API enum weir_code weir_session_join(struct weir_session *session, const char *group);

/* Removes the session from the group. Does nothing if it is not a member. Thread: handler. */
WEIR_API void weir_session_leave(struct weir_session *session, const char *group);

/* Returns how many broadcasts the session has missed since it began, modulo 2^32. It misses a
 * broadcast if its queue is full (broadcast_policy), its codec refuses the message, memory is
 * exhausted, or a reply limit is reached. In on_close the number includes broadcasts that were
 * still queued. Thread: handler. */
WEIR_API uint32_t weir_session_missed(const struct weir_session *session);

/* What weir_session_bind() does if another session holds the name. */
enum weir_bind {
    WEIR_BIND_IF_FREE, /* that session keeps it: WEIR_NAME_TAKEN */
    WEIR_BIND_REPLACE, /* this session takes it over, and that session is finished */
};

/* Gives the session a name. A name belongs to at most one session of the whole server. Other
 * threads and sessions can then send to the name (weir_send_name()). A session holds at most one
 * name: a new one replaces it. The session holds the name until weir_session_unbind(), or until it
 * ends: the name is free when its on_close runs. If the server has a bridge (weir/bridge.h), other
 * nodes learn the name, and the bridge can finish this session later with WEIR_REASON_REPLACED,
 * because a session of another node holds the name.
 *
 * The result is immediate: the table of names belongs to the whole server, and this call waits for
 * no other worker. With WEIR_BIND_REPLACE the other session no longer holds the name when this call
 * returns. Weir finishes that session as weir_session_finish() does, with WEIR_REASON_REPLACED; if
 * it belongs to another worker, this happens shortly afterwards. Returns:
 *   WEIR_OK            the session holds the name, or held it before
 *   WEIR_NAME_TAKEN    another session holds the name, perhaps one that is closing, and `how` is
 *                      WEIR_BIND_IF_FREE
 *   WEIR_INVALID       the name is empty or longer than WEIR_NAME_BYTES_MAX, or the session is
 *                      transient
 *   WEIR_CANCELLED     the session is closing
 *   WEIR_MAILBOX_FULL  WEIR_BIND_REPLACE: the mailbox of the other session's worker is full
 *   WEIR_NO_MEMORY     as for weir_session_join(): names count as memberships; or the bridge lacks
 *                      memory
 * Unless it returns WEIR_OK, nothing has changed. Thread: handler. */
WEIR_API enum weir_code weir_session_bind(struct weir_session *session, const char *name,
                                          enum weir_bind how);

/* Releases the session's name. Does nothing if the session holds none. Thread: handler. */
WEIR_API void weir_session_unbind(struct weir_session *session);

/* Returns the handler's state of this session: session_bytes bytes, zeroed before on_open, aligned
 * to max_align_t. Null if session_bytes is 0. When the session ends, weir checks that nothing was
 * written beyond these bytes. Thread: handler. */
WEIR_API void *weir_session_state(struct weir_session *session);

/* Returns the `user` pointer of the session's handler. Thread: handler. */
WEIR_API void *weir_session_user(const struct weir_session *session);

/* Returns the server that the session belongs to. Thread: handler. */
WEIR_API struct weir_server *weir_session_server(const struct weir_session *session);

/* Returns the session's transport protocol. Thread: handler. */
WEIR_API enum weir_proto weir_session_proto(const struct weir_session *session);

/* Fills in the session's remote address: all zeros (port 0) for the peer of a Unix-domain socket,
 * which has none. If a proxy has named the client (PROXY protocol), it is the client's address.
 * Returns `peer`. Thread: handler. */
WEIR_API struct weir_address *weir_session_peer(const struct weir_session *session,
                                                struct weir_address *peer);

/* Returns true if a load balancer has named the client of this session (PROXY protocol), and fills
 * in *via with the load balancer's address, which is the remote address of the connection.
 * Otherwise returns false and leaves *via unchanged. Thread: handler. */
WEIR_API bool weir_session_via(const struct weir_session *session, struct weir_address *via);

/* What the PROXY protocol header of a load balancer says about a session. */
struct weir_proxy_header {
    uint32_t version; /* 1 or 2 */
    /* The header names the client: weir_session_peer() returns its address. If false, that is the
     * address of the load balancer, which sent the header for a client of a Unix-domain socket, or
     * for itself (LOCAL). */
    bool names_client;
    struct weir_address server; /* to which the client connected; all zero: not known */
    /* The host name that the client used, such as the server name of TLS; "": not known. It comes
     * from the client, and can contain any bytes. */
    const char *authority; /* with a NUL at its end; valid until on_close returns */
    size_t authority_length;
    const char *unique_id; /* with which the load balancer logs the connection; likewise */
    size_t unique_id_length;
};

/* Fills in the first `size` bytes of *header. Call weir_session_proxy_header() instead. */
WEIR_API bool weir_session_proxy_header_sized(const struct weir_session *session,
                                              struct weir_proxy_header *header, size_t size);

/* Fills in *header if the session began with a PROXY header (struct weir_listen.proxy). Returns
 * false if it did not; *header is then zero, and its strings are "". Thread: handler. */
static inline bool weir_session_proxy_header(const struct weir_session *session,
                                             struct weir_proxy_header *header)
{
    return weir_session_proxy_header_sized(session, header, sizeof *header);
}

/* Fills in the local address that the peer uses: the local address of its connection, or the
 * destination of its last datagram. It differs between sessions if the listener listens on all
 * addresses. The port is the listener's, except for an outbound connection. TCP: the call costs a
 * system call. The address is all zero if the connection is broken or closing, also in on_close.
 * Returns `address`. Thread: handler. */
WEIR_API struct weir_address *weir_session_local_address(const struct weir_session *session,
                                                         struct weir_address *address);

/* Vouches for the peer of a UDP session: datagram_reply_percent_max and datagram_reply_rate_max no
 * longer limit what is sent to it, until the session ends. Any machine can forge the source address
 * of a datagram. So call it only after the peer has proved two things: it receives at this address,
 * and it is known to the application. For example, it has sent back a token that it received over
 * TCP (the game server in examples/relay). Does nothing for a TCP session, which has no such
 * limits, or for a transient session. Thread: handler. */
WEIR_API void weir_session_vouch(struct weir_session *session);

/* Starts TLS on a session that began in plain text, for protocols with a command such as STARTTLS.
 * A server calls it in on_message for the command, after it has queued its positive answer. A
 * client calls it in on_message for that answer. What is queued before the call leaves in plain
 * text. What is queued later waits until the handshake is complete, and leaves encrypted. The
 * handshake can take opening_timeout_ms at most. If it fails, the session ends with
 * WEIR_REASON_TLS. If the session ends before the handshake is complete, the messages that wait for
 * it are discarded.
 *
 * The session also ends with WEIR_REASON_TLS if bytes were received after that message and before
 * the handshake: an attacker who cannot break TLS can add messages there, which would seem to be
 * encrypted ones (STARTTLS command injection). Also discard everything that the session's state
 * stored before TLS, such as a login: an attacker can have sent it.
 *
 * For a session that a client opened, `name` is the name of settings that weir_server_tls() added.
 * For an outbound session it is null, and weir_connect_options.tls_later applies. Returns:
 *   WEIR_OK           the handshake begins; weir_session_tls() returns true when it is complete
 *   WEIR_GONE         no settings have this name, or `name` and tls_later are both null; always if
 *                     weir was built without TLS
 *   WEIR_INVALID      the session is no TCP session, is transient, or already has TLS
 *   WEIR_CANCELLED    the session is closing, or one of the two sides has ended its output
 *   WEIR_NO_BUFFERS   broadcasts or static bytes are queued, and there is no buffer for a copy
 *   WEIR_NO_MEMORY
 * Thread: handler. */
WEIR_API enum weir_code weir_session_start_tls(struct weir_session *session, const char *name);

/* Returns the id of the session's connector, which weir_connect() returned in *connector. 0: a
 * client opened the connection. Thread: handler. */
WEIR_API uint64_t weir_session_connector(const struct weir_session *session);

/* Returns the `user` pointer of the session's struct weir_connect_options; null if a client opened
 * the connection. Thread: handler. */
WEIR_API void *weir_session_connect_user(const struct weir_session *session);

/* Returns the session's id, which is never reused. A transient session has the id 0. Thread:
 * handler. */
WEIR_API uint64_t weir_session_id(const struct weir_session *session);

/* ---- Calls from any thread, after weir_server_start() returned or inside a handler ----
 *
 * A call for a session of another worker waits in the mailbox of that worker. In a callback, a call
 * for a session of the same worker takes effect immediately, in the order of the calls, and returns
 * the result: for weir_send() that of weir_session_send(). The calls of one thread for one session,
 * and its broadcasts to the session's groups, take effect in the order of the calls. Only
 * weir_session_broadcast() can be later, because its speaker waits. */

/* Sends a message to a session. The bytes are copied, and the session's codec frames them. In a
 * callback on the session's worker, returns WEIR_GONE or the values of weir_session_send().
 * Elsewhere returns:
 *   WEIR_OK            accepted for delivery. The message is lost if the session ends first
 *                      (counted in sends_late), if its queue is full (sends_dropped), if its codec
 *                      refuses the message (sends_not_framed) or if memory is exhausted
 *                      (sends_no_memory)
 *   WEIR_GONE          no open session has this id
 *   WEIR_MAILBOX_FULL  the worker's mailbox is full
 *   WEIR_TOO_LARGE     the message is larger than send_queue_high_bytes; logged once per server
 *   WEIR_NO_MEMORY
 * If the server has a bridge (weir/bridge.h) and the id is of another node, returns the result of
 * the bridge: WEIR_OK says that the bridge has taken the message. The same holds for weir_finish()
 * and weir_abort(). All other calls by id know sessions of this node only. Thread: any. */
WEIR_API enum weir_code weir_send(struct weir_server *server, uint64_t id, const void *bytes,
                                  size_t length);

/* Closes a session gracefully, as weir_session_finish() does. Messages that this thread sent to the
 * session earlier are sent first. Returns WEIR_OK, WEIR_GONE or WEIR_MAILBOX_FULL, as weir_send()
 * does; after WEIR_MAILBOX_FULL the session is still open, so the caller must try again. Thread:
 * any. */
WEIR_API enum weir_code weir_finish(struct weir_server *server, uint64_t id);

/* Closes a session immediately, resets its connection and discards its queued messages, as
 * weir_session_abort() does. Returns the same values as weir_finish(). Thread: any. */
WEIR_API enum weir_code weir_abort(struct weir_server *server, uint64_t id);

/* Undoes one weir_session_hold(), as weir_session_release() does. Messages that this thread sent to
 * the session earlier are queued first. Returns the same values as weir_finish(); after
 * WEIR_MAILBOX_FULL the session is still held, so the caller must try again. Thread: any. */
WEIR_API enum weir_code weir_release(struct weir_server *server, uint64_t id);

/* Ends a pause, as weir_session_resume() does. Returns the same values as weir_finish(); after
 * WEIR_MAILBOX_FULL the session is still paused, so the caller must try again. Thread: any. */
WEIR_API enum weir_code weir_resume(struct weir_server *server, uint64_t id);

/* Sends a message to every member of a group, except the session `except_id` (0: no exception). The
 * server frames it with the codec of its first TCP listener and shares the result among all members
 * with that codec. For a member with another codec it is framed again; consecutive members with the
 * same codec share one copy. If the codec of the first TCP listener refuses the message, or the
 * server has no TCP listener, each member's codec frames the message on its own. A member whose
 * codec cannot frame it does not receive it (counted in sends_not_framed). broadcast_policy decides
 * what happens to a member whose send queue is full. Returns:
 *   WEIR_OK            accepted for delivery; also if the group has no members
 *   WEIR_MAILBOX_FULL  the mailbox of another worker was full: no member receives the message
 *   WEIR_INVALID       no group can have this name
 *   WEIR_TOO_LARGE     the message is larger than send_queue_high_bytes; logged once per server
 *   WEIR_NO_MEMORY
 * If the server has a bridge (weir/bridge.h), the bridge gets each accepted message for the members
 * on other nodes, about which the result says nothing. Thread: any. */
WEIR_API enum weir_code weir_broadcast(struct weir_server *server, const char *group,
                                       const void *bytes, size_t length, uint64_t except_id);

/* Sends a message to the session that holds the name (weir_session_bind()), as weir_send() does.
 * Returns WEIR_GONE if no session holds the name, otherwise the same values as weir_send(). If the
 * server has a bridge (weir/bridge.h) and no session of this node holds the name, the bridge gets
 * the message and decides the result: WEIR_OK does not say that a session holds the name. Thread:
 * any, after weir_server_start() returned or inside a handler. */
WEIR_API enum weir_code weir_send_name(struct weir_server *server, const char *name,
                                       const void *bytes, size_t length);

/* What is known about a group. Weir fills it in; later versions add members at the end. */
struct weir_group_members {
    struct weir_server *server;
    const char *group; /* its name; valid during the callback */
    /* A worker or another node did not answer before the deadline: the counts are lower bounds. */
    bool incomplete;
    uint64_t members; /* sessions that are members; 0: the group does not exist */
    /* `offered` counts broadcasts to the group, one for each member at that time. `dropped` counts
     * those that a member did not get, because its queue was full, its codec refused the message,
     * memory was exhausted, or the member was closing. A message that was queued and dropped later
     * is not counted in `dropped`. Each worker starts to count when the group gets its first member
     * on that worker. */
    uint64_t offered, dropped;
};

/* Receives the count of weir_group_count(). */
typedef void weir_group_count_fn(const struct weir_group_members *count, void *argument);

/* Counts the members of a group on all workers. Each worker counts when it reads its mailbox, so
 * the sum is exact only if no session joins or leaves meanwhile. Joins and leaves that this thread
 * or handler made before the call are included. `on_count` runs exactly once, later, never inside
 * this call. It runs on the same worker if a callback makes the call, and on any worker if another
 * thread does. If a worker has not answered after `deadline_ms` milliseconds (0: no deadline),
 * `on_count` receives the counts of the other workers, and count->incomplete is true. If the server
 * is stopped, each worker still answers before it ends, and `on_count` runs. If the server has a
 * bridge (weir/bridge.h), members on other nodes are counted, too, and the bridge answers for them
 * as a worker does for its own. `group` is copied. Returns:
 *   WEIR_OK            on_count will run
 *   WEIR_INVALID       no group can have this name
 *   WEIR_MAILBOX_FULL  the mailbox of a worker is full
 *   WEIR_GONE          every worker has ended
 *   WEIR_NO_MEMORY
 * Thread: any, after weir_server_start() returned or inside a handler. */
WEIR_API enum weir_code weir_group_count(struct weir_server *server, const char *group,
                                         uint32_t deadline_ms, weir_group_count_fn *on_count,
                                         void *argument);

/* ---- Time and random bytes ---- */

/* Returns milliseconds of a clock that never goes back, from an unspecified start. In a simulation
 * (weir/test.h) it is virtual time: a handler that reads no other clock can be replayed. Thread:
 * any. */
WEIR_API uint64_t weir_now(void);

/* Returns the time of day: milliseconds since 1970-01-01 in UTC. The system's clock can be set
 * back. In a simulation it is virtual time that begins on 2026-01-01. Thread: any. */
WEIR_API int64_t weir_unix_time_ms(void);

/* Fills in unpredictable bytes, for example for tokens. In a simulation they follow from its seed.
 * Returns WEIR_OK, or WEIR_SYSTEM if the system has no random numbers. Thread: any. */
WEIR_API enum weir_code weir_random(void *bytes, size_t length);

/* ---- Servers ---- */

/* Log levels. Each level includes those before it. */
enum weir_log_level {
    WEIR_LOG_ERROR,
    WEIR_LOG_WARNING,
    WEIR_LOG_INFO,   /* the start, and the beginning and end of each session */
    WEIR_LOG_DETAIL, /* the length of each message */
    WEIR_LOG_TRACE,  /* lines of weir_config.trace, which log_level does not filter */
};

/* What happens to a member of a group whose peer reads too slowly. The policy applies in two cases:
 * - A broadcast finds the member's send queue full.
 * - The send queue has reached its high-water mark, and does not fall to its low-water mark in time
 *   (weir_session_broadcast() explains this time). This case does not depend on broadcasts: replies
 *   that fill a member's queue start it, too. WEIR_BROADCAST_DISCONNECT then closes the session.
 *   With the other two policies, speakers no longer wait for the member. */
enum weir_broadcast_policy {
    WEIR_BROADCAST_DISCONNECT,  /* closes the session with WEIR_REASON_SLOW_READER */
    WEIR_BROADCAST_DROP_NEWEST, /* drops the new message for the session */
    WEIR_BROADCAST_DROP_OLDEST, /* drops the oldest queued broadcasts of the session */
};

/* A value for weir_config.spin_max_us: somewhat longer than a round trip of two programs that sleep
 * in between. */
#define WEIR_SPIN_AUTO_US 100

/* Settings of a server. Call weir_config_init(), then change individual members. Unless a comment
 * says otherwise, 0 disables a timeout, and 0 as a limit means unlimited. But sessions_max,
 * listen_backlog, datagram_peers_max, datagram_receives, mailbox_commands_max and memory_max_bytes
 * must be at least 1. A timeout is at most 2147483647 ms (24 days). Strings are copied by
 * weir_server_open(), which names a setting that is out of its range. docs/design/sessions.md gives
 * the reason of each default. */
struct weir_config {
    size_t size;           /* bytes of the caller's version of this struct; weir_config_init() */
    const char *transport; /* "auto" (default), "uring", "epoll"; on Windows "rio", "iocp" */
    uint32_t workers;      /* threads; default 0: one per CPU core this process may use */
    uint32_t sessions_max; /* open TCP sessions in all workers; default 100000; more are refused */
    /* TCP: high-water mark, in bytes of memory that one session's send queue may hold. Reading from
     * the peer pauses before the queue exceeds it. A send that would exceed it by more than one
     * buffer returns WEIR_QUEUE_FULL, and a message that is larger than this setting returns
     * WEIR_TOO_LARGE. The maximum of a codec can be larger: a received message does not count
     * towards this limit until it is sent back, and weir_session_send_back() queues it whatever its
     * length. Reading then pauses until the queue is down to the low-water mark. Default 1 MiB;
     * from two buffers (2 * buffer_bytes) to 1 GiB. */
    uint32_t send_queue_high_bytes;
    /* TCP: low-water mark. Reading from a paused peer resumes when the queue is down to it. Default
     * 256 KiB; less than send_queue_high_bytes. */
    uint32_t send_queue_low_bytes;
    uint32_t buffer_bytes; /* capacity of one stream buffer, 4 KiB to 1 MiB; default 16 KiB */
    /* All memory that peers can make the server hold, split evenly over the workers: buffers,
     * incomplete frames, queued messages, mailboxes, sessions with the state of codec and handler.
     * As a worker's part fills, each of its sessions may use less of it. When the part is nearly
     * full, the session that uses the most is closed with WEIR_REASON_EXHAUSTED. Not included: the
     * kernel's memory, the memory of the application, and at most 16 MiB that weir uses whatever
     * its peers do. Default 1 GiB. */
    uint64_t memory_max_bytes;
    /* Most memory of each worker's stream buffers, and of its datagram buffers. Default 0: three
     * quarters and one eighth of the worker's part of memory_max_bytes. The sum of the two settings
     * and mailbox_bytes_max must not exceed this part. */
    uint64_t buffer_memory_max_bytes;
    uint64_t datagram_memory_max_bytes;
    uint32_t listen_backlog; /* connections that the system queues before accept; default 4096 */
    /* Receives one line of the log: UTF-8 of up to 511 bytes, without a newline. It may block,
     * because the server queues the lines (log_lines_max, log_flush_ms). Thread: a separate thread
     * of the server, not a worker; one call at a time. Null (default): no log. */
    void (*log)(void *user, enum weir_log_level level, const char *line);
    /* Called once when the last worker has ended: after a drain, after a stop, or because all
     * workers or the sockets of all listeners failed. Thread: the last worker's. Null (default): no
     * call. */
    void (*on_stopped)(void *user);
    void *user; /* passed to log and on_stopped */
    /* Windows: checks each call of Registered I/O and the use of its memory against the documented
     * rules, and ends the process with the name of a violated rule. For debugging; slow. Default
     * false. */
    bool verify_rio;

    /* ---- timeouts ----
     * A timeout that expires closes its session immediately and discards queued messages. The TCP
     * connection ends by RST if messages are lost or the session is held (weir_session_hold()),
     * otherwise by FIN. Exception: an open TLS or WebSocket session that has nothing queued and is
     * not held is closed as by weir_session_finish(), so that its peer receives close_notify or a
     * close frame. */
    /* TCP: longest time in which no data is received, and no queued data is sent or acknowledged.
     * Does not run while a rate limit, the handler or weir_session_broadcast() pauses reading.
     * Closes the session with WEIR_REASON_IDLE. Default 10 minutes. */
    uint32_t idle_timeout_ms;
    /* TCP: longest wait for the first byte after the connect. It no longer applies once the session
     * has joined a group, or once a message was sent to it after on_open returned; then only
     * idle_timeout_ms applies. Does not run while reading is paused, for whichever cause. Closes
     * with WEIR_REASON_FIRST_BYTE. Default 1 minute. */
    uint32_t first_byte_timeout_ms;
    /* TCP: longest time from the first byte of a frame to its last. Further bytes of the frame do
     * not extend the timeout. Does not run while reading is paused, for whichever cause (enum
     * weir_pause), and starts again when reading resumes. Closes with WEIR_REASON_FRAME. Default
     * 30 s. */
    uint32_t frame_timeout_ms;
    /* TCP: longest time in which the peer's system acknowledges no byte while a send (up to 16
     * buffers) is outstanding. Any acknowledged byte restarts the timeout, unless
     * send_rate_min_bytes is set. Weir checks this four times per timeout, so a session can be
     * closed later by up to a quarter of it. Closes with WEIR_REASON_STALLED. Default 1 minute; 0:
     * a slow peer is not closed. */
    uint32_t send_timeout_ms;
    /* TCP: bytes per second that the peer must acknowledge while a send is outstanding; default 0
     * (any byte is enough). If it is set, send_timeout_ms is extended by (bytes of the send / this
     * rate). The timeout restarts only if the peer acknowledged bytes at this rate, on average over
     * the whole timeout. */
    uint32_t send_rate_min_bytes;
    /* Longest age of a session, even if it is active. Closes with WEIR_REASON_LIFETIME. Default 0.
     */
    uint32_t lifetime_ms;
    /* TCP: longest wait for the peer's FIN after weir's FIN. The timeout restarts if the peer
     * acknowledged bytes meanwhile; the connection of a peer that does not acknowledge the last
     * bytes is reset. Closes with the reason for which weir sent FIN, for example
     * WEIR_REASON_APPLICATION after weir_session_finish(). Default 10 s; 0: weir waits for the
     * peer's FIN, and only the other timeouts apply. */
    uint32_t linger_timeout_ms;
    /* TCP: silence before the first keep-alive probe. If the peer answers no probe, the session
     * closes with WEIR_REASON_RESET after about twice this time. Default 1 minute. */
    uint32_t keepalive_ms;

    /* ---- limits ---- */
    /* TCP sessions per IPv4 address or IPv6 /64 network; more are refused. Default 0. */
    uint32_t sessions_per_address_max;
    /* TCP connections per second in all workers; more are refused. A token bucket, which holds one
     * second's worth. Default 0. */
    uint32_t accept_rate_max;
    /* Bytes per second per session: a token bucket, which holds one second's worth. TCP: reading
     * pauses above it, and what was read already is still handled. UDP: datagrams are dropped.
     * Default 0. */
    uint32_t receive_rate_max_bytes;
    uint32_t message_rate_max; /* messages per second per session, in the same way; default 0 */
    const char
        *allow; /* CIDR blocks that may connect, "10.0.0.0/8, ::1"; null or "": all addresses */
    const char *deny;           /* CIDR blocks that may not connect; overrides `allow` */
    const char *reject_message; /* TCP: bytes sent to a refused client before the close, or null */
    enum weir_broadcast_policy broadcast_policy; /* default WEIR_BROADCAST_DISCONNECT */

    /* ---- UDP ---- */
    /* UDP sessions of one worker. A new one replaces the session that has been idle longest, which
     * closes with WEIR_REASON_EVICTED. Default 65536. */
    uint32_t datagram_peers_max;
    /* UDP sessions: longest time without a received datagram; sending does not extend it. Closes
     * with WEIR_REASON_IDLE. Default 1 minute. */
    uint32_t datagram_idle_timeout_ms;
    /* Payload bytes sent to a peer, as a percentage of the payload bytes received from it. Counted
     * over the life of the session; for a transient session, over the datagrams of one peer that
     * the system delivered in one buffer: one datagram, or a batch of several (GRO). A message that
     * would exceed it is refused with WEIR_REPLY_LIMIT (counted in dropped_reply). Default 100: an
     * attacker who forges source addresses gains no amplification. 0: unlimited. */
    uint32_t datagram_reply_percent_max;
    /* Datagrams per second to one address and port, in each worker, at most 10000000. A peer that
     * exceeds one second's worth gets none for one second (WEIR_REPLY_LIMIT); its datagrams are
     * still delivered to the handler. This ends reply loops between two servers. Loopback addresses
     * have no limit. Default 2000. 0: unlimited; set it for clients that exchange more from one
     * port, such as a load generator. */
    uint32_t datagram_reply_rate_max;
    /* If false, datagrams whose source port is below 1024, or equals the port of one of this
     * server's UDP listeners (whatever host they come from), are dropped before the handler
     * receives them (counted in dropped_services). If true, they are delivered. Two servers could
     * then answer each other in a loop. Default false. */
    bool datagram_answer_services;
    /* Windows: receive requests posted per UDP socket, 1 to 65536; their buffers use at most half
     * of datagram_memory_max_bytes. Default 256. With the transport rio the system stores datagrams
     * only in these buffers: if more arrive together, the rest is lost. Each buffer locks 68 KiB
     * of memory. The transport iocp posts at most 128, because there the system has a socket
     * buffer, too. */
    uint32_t datagram_receives;

    /* ---- threads and shutdown ---- */
    /* Commands from other threads that may wait for one worker, rounded up to a power of two.
     * Default 4096. */
    uint32_t mailbox_commands_max;
    /* Memory of the messages that may wait in the mailbox of one worker. A single message may
     * exceed it. Default 0: one sixteenth of the worker's memory, at most 8 MiB. */
    uint32_t mailbox_bytes_max;
    /* How long a worker asks the system for the next event before its thread sleeps, in
     * microseconds, at most 10000. It does so only while the latest waits were shorter, so a quiet
     * server costs nothing. Shortens the round trip of fast exchanges, and costs up to one
     * processor per worker. Default 0: it sleeps immediately. WEIR_SPIN_AUTO_US is a good value. */
    uint32_t spin_max_us;
    /* A drain spreads its closes of idle sessions over this time. Default 0: no delay. */
    uint32_t drain_jitter_ms;
    /* Number of this machine, 0 to 255: the top 8 bits of session ids. Servers that a bridge
     * connects (weir/bridge.h) need different numbers. Default 0. */
    uint32_t node;

    /* ---- log ---- */
    /* Lines that may wait for `log`, 1 to 65536; about 540 bytes of memory per line. Further lines
     * are lost and counted (log_lines_lost). The next line that `log` receives reports how many.
     * Default 1024. */
    uint32_t log_lines_max;
    /* How long weir_server_start() and weir_server_free() wait, at most, until `log` has received
     * the waiting lines. If a call of `log` still blocks after that time, weir_server_free()
     * returns before that call does: keep `user` valid until the call has returned. The other lines
     * are discarded. Default 1 s; 0: the two functions do not wait. */
    uint32_t log_flush_ms;

    /* ---- memory of the system (Linux; no effect elsewhere) ---- */
    /* TCP: bytes of one connection that the kernel accepts from weir before it has sent them
     * (TCP_NOTSENT_LOWAT), in addition to send_queue_high_bytes. Default 256 KiB; 0: the kernel's
     * default. */
    uint32_t socket_unsent_max_bytes;
    /* TCP: memory of one connection's receive buffer in the kernel, including the kernel's overhead
     * (twice the value of SO_RCVBUF). It fills while weir does not read from the peer. It also
     * limits the bytes that a client can have in flight to weir. The kernel reduces it to twice
     * net.core.rmem_max. Default 1536 KiB; 0: the kernel tunes it, up to net.ipv4.tcp_rmem. */
    uint32_t socket_receive_max_bytes;
    /* TCP: memory of one connection's send buffer in the kernel, in the same way: sent bytes that
     * the peer has not acknowledged, and unsent ones. It limits the bytes in flight to the peer.
     * Default 0: the kernel tunes it, up to net.ipv4.tcp_wmem. */
    uint32_t socket_send_max_bytes;

    /* ---- start ---- */
    /* TCP: how long weir_server_start() waits for an address that connections of an earlier program
     * still occupy (EADDRINUSE; WSAEADDRINUSE and WSAEACCES). It does not wait, and fails, if
     * another socket listens on the address. Default 5000; 0: no wait. */
    uint32_t bind_wait_ms;

    /* ---- outbound connections ---- */
    /* Connectors of weir_connect() that can exist at the same time, at most 4194304. Default 0: as
     * many as sessions_max, at most 4194304. */
    uint32_t connectors_max;
    /* Threads that look up host names, 1 to 16. They start when they are needed. Default 4. */
    uint32_t resolver_threads;
    uint32_t
        resolver_queue_max; /* names that can wait for those threads, 1 or more; default 1024 */
    /* Bytes per session reserved for the state of a codec and a handler that are added after
     * weir_server_start(), by weir_connect() or weir_server_listen(). At most 65536. Needed:
     * weir_codec.state_bytes, rounded up to alignof(max_align_t), plus weir_handler.session_bytes,
     * plus 8 if session_bytes is not 0. Every session of the server then occupies at least this
     * much memory for state. Default 0: as much as the listeners and connectors that were made
     * before the start need. */
    uint32_t connect_state_bytes;

    /* ---- visibility ---- */
    /* The most verbose level of the lines that `log` receives, up to WEIR_LOG_DETAIL. Weir does not
     * format lines of other levels. Default WEIR_LOG_WARNING. */
    enum weir_log_level log_level;
    /* Lines per second that are more verbose than WEIR_LOG_WARNING, including the lines of a trace.
     * Further lines are lost, counted (log_lines_lost) and reported. Such lines also use at most
     * seven eighths of log_lines_max, so that warnings have room. Default 10000; 0: unlimited. */
    uint32_t log_rate_max;
    /* Bytes of one frame that a trace shows, at most 65536. Default 256; 0: its length alone. */
    uint32_t trace_bytes_max;
    /* Logs the bytes of each frame in both directions, in hexadecimal, for the peers in these CIDR
     * blocks: "10.0.0.7", "127.0.0.0/8, ::1"; "": for all peers. For debugging: the messages of
     * these sessions become slow, and the log contains the data of the peers. Null (default): none.
     */
    const char *trace;

    /* ---- groups ---- */
    /* Groups that one session may join, 1 to 65536; joining another one returns WEIR_NO_ROOM.
     * Joining, leaving and the end of a session take time in proportion to its memberships. Default
     * 64. */
    uint32_t groups_per_session_max;

    /* ---- the application's own work on the workers: work.h ---- */
    /* Called once on each worker, before its first session begins. It may call
     * weir_worker_set_user() and open timers. Returns WEIR_OK; with any other code,
     * weir_server_start() fails and returns that code. Thread: the worker's. Null (default): no
     * call. */
    enum weir_code (*on_worker_start)(struct weir_worker *worker);
    /* Called once on each worker for which on_worker_start returned WEIR_OK or is null, after the
     * last on_close and everything that was posted. Thread: the worker's. Null (default): no call.
     */
    void (*on_worker_end)(struct weir_worker *worker);
    /* Called on each worker every tick_ms milliseconds, from the start of the worker until all its
     * sessions have ended. A worker that is late skips the ticks that it missed (counted in
     * periods_skipped); later ticks still come at whole multiples of tick_ms. A worker is late if
     * its callbacks take long. Received messages delay a tick only by the work of one loop
     * iteration, about a millisecond. Thread: the worker's. Null (default): no call. */
    void (*on_tick)(struct weir_worker *worker);
    uint32_t tick_ms; /* 1 ms or more; default 0: no ticks */
    /* Timers that one worker may have open (weir_timer_open()), at most 1048576. Default 1024; 0:
     * none. */
    uint32_t worker_timers_max;
    /* Logs a warning if the callbacks of one loop iteration took this long, with the duration and
     * the number of events that waited. Counted in handlers_blocked; logged at most once per second
     * and worker. For a minute after a warning, weir measures each event of the worker, so that
     * further warnings name the handler, the session and its peer. A process that the system
     * suspended can cause the warning, too. On epoll and Windows weir measures only while a timeout
     * or timer of the worker runs. Default 500; 0: no warning. */
    uint32_t handler_warn_ms;

    /* ---- filters ---- */
    /* TCP: longest time from accept or connect until every filter of the session is open: the PROXY
     * header is read, the TLS handshake is complete, the WebSocket request is answered. After
     * weir_session_start_tls(): from that call until the handshake is complete.
     * first_byte_timeout_ms begins when the filters are open. Received bytes do not extend the
     * time. Closes with WEIR_REASON_OPENING. Default 10 s; 0: no limit. */
    uint32_t opening_timeout_ms;
    /* Unfinished TLS handshakes of one worker. Further clients are closed with WEIR_REASON_TLS,
     * counted in weir_tls_stats.refused_full. Default 1024; 0: unlimited. */
    uint32_t tls_handshakes_max;
    /* TLS handshakes per second for each name of weir_server_tls(), in all workers. A token bucket,
     * which holds one second's worth. Further clients are closed with WEIR_REASON_TLS, counted in
     * weir_tls_stats.refused_rate. Default 0 (unlimited). */
    uint32_t tls_handshake_rate;
};

#define WEIR_OFF UINT32_MAX /* a limit or timeout of a listener that does not apply */

/* Whether the connections of a listener begin with a PROXY protocol header. */
enum weir_proxy {
    WEIR_PROXY_OFF,      /* a header is data like any other */
    WEIR_PROXY_REQUIRED, /* every connection from a trusted sender begins with one */
};

/* What happens to connections from senders that are not trusted. */
enum weir_proxy_others {
    WEIR_PROXY_OTHERS_REFUSE, /* they are refused, and counted in refused_denied */
    WEIR_PROXY_OTHERS_SERVE,  /* they are served without a header; a header is data */
};

/* Type of the WebSocket messages that weir_session_send() and broadcasts send. A message that is
 * sent back keeps the type with which it came, unless the listener has a codec. */
enum weir_websocket_send {
    WEIR_WEBSOCKET_SEND_DEFAULT, /* text without a codec, binary with one */
    WEIR_WEBSOCKET_SEND_TEXT,    /* a message that is not UTF-8 is refused with WEIR_INVALID */
    WEIR_WEBSOCKET_SEND_BINARY,
};

/* One address to listen on, with its codec and handler. Zero the struct, then set the members that
 * you need; only `size` and `address` are required. The strings need to be valid only during
 * weir_server_listen(). */
struct weir_listen {
    size_t size;           /* sizeof(struct weir_listen) of the version the author compiled with */
    enum weir_proto proto; /* default WEIR_TCP (0) */
    /* In a form that weir_address_parse() accepts: a port alone means all addresses, and
     * "127.0.0.1:5050" only this machine. Port 0 selects a free port. There is no default.
     * "unix:PATH" (TCP, Linux): a Unix-domain socket. A socket file on which no server listens any
     * longer is replaced; any other existing file causes WEIR_ADDRESS_IN_USE. The file is removed
     * when the listener closes. Its sessions have no remote address (all zero): `allow`, `deny` and
     * sessions_per_address_max do not apply to them. "unix:@NAME": no file (abstract). */
    const char *address;
    /* TCP: a frame specification as weir_frame_open() reads it ("u32be,max=1m"); null: "raw". UDP:
     * "datagram" or null, because each datagram is one message; others return WEIR_INVALID. */
    const char *codec;
    const char *handler; /* name of a built-in handler; null: "echo" */
    /* Replaces `codec` if it is not null. Its `streams` (TCP) or `datagrams` (UDP) must be true.
     * It must outlive the server. */
    const struct weir_codec *custom_codec;
    /* Replaces `handler` if it is not null. It must outlive the server. */
    const struct weir_handler *custom_handler;
    /* TCP: replaces `codec` if it is not null; weir makes a codec from this header parser, and
     * copies the struct. The parser's functions run on every worker. Setting both custom_codec and
     * custom_probe returns WEIR_INVALID. */
    const struct weir_probe *custom_probe;
    /* Limits and timeouts of this listener's sessions, instead of the server's. 0: the server's
     * value. WEIR_OFF: no limit, even if the server has one. The comments of struct weir_config
     * explain the members of the same name. UDP: idle_timeout_ms replaces datagram_idle_timeout_ms,
     * and lifetime_ms and the two rates apply; the other members have no effect. */
    uint32_t idle_timeout_ms;
    uint32_t first_byte_timeout_ms;
    uint32_t frame_timeout_ms;
    uint32_t send_timeout_ms;
    uint32_t send_rate_min_bytes;
    uint32_t lifetime_ms;
    uint32_t linger_timeout_ms;
    uint32_t receive_rate_max_bytes;
    uint32_t message_rate_max;
    /* Open TCP sessions of this listener, in all workers; more are refused (refused_full). They
     * also count towards the server's sessions_max. 0 and WEIR_OFF: only the server's limit. */
    uint32_t sessions_max;
    uint32_t unix_mode; /* permissions of the "unix:PATH" file, such as 0660; 0: 0777 & ~umask */
    uint32_t reserved;  /* 0 */
    const char *handler_arguments; /* for `open` of the handler; null: "" */
    /* TCP behind a load balancer: each connection begins with a PROXY protocol header, version 1 or
     * 2, in which the load balancer names its client. weir_session_peer(), `allow`, `deny`,
     * sessions_per_address_max and the log then refer to that client; weir_session_via() has the
     * rest. A connection without a valid header ends with WEIR_REASON_PROXY before on_open.
     * opening_timeout_ms limits the wait for the header. Default WEIR_PROXY_OFF. */
    enum weir_proxy proxy;
    enum weir_proxy_others proxy_others; /* default WEIR_PROXY_OTHERS_REFUSE */
    /* CIDR blocks of the senders whose headers are trusted: "10.0.0.0/8, ::1". Any other sender
     * could forge the address of a client. Required with WEIR_PROXY_REQUIRED, except for
     * "unix:PATH": there the permissions of the file decide which programs can connect. */
    const char *proxy_from;
    const char *tls; /* TCP: name of weir_server_tls(); clients must use TLS. Null: no TLS */
    /* TCP: the sessions are WebSockets, opened by a GET request of this path, such as "/play";
     * null: no WebSocket. Without a codec one WebSocket message is one message. With one (`codec`,
     * custom_codec or custom_probe) the messages' payloads are one stream for the codec, as clients
     * that emulate a socket send it. weir_session_web() has the request. A request that opens no
     * WebSocket is answered with an HTTP error, and ends with WEIR_REASON_UPGRADE before on_open;
     * opening_timeout_ms limits the wait for it. */
    const char *websocket;
    /* Origins of the pages that may connect, separated by commas: "https://game.example", exactly
     * as a browser sends them; "*": any page of any site, which can then act with the browser's
     * cookies. Null: only pages from the same host and port, which means that the Origin header
     * and the Host header must agree. A client that sends no origin is not a browser, and is
     * served. */
    const char *websocket_origins;
    /* Subprotocols that the handler speaks, the preferred ones first, separated by commas. Weir
     * selects the first of them that the client also offers; if there is none, the session has no
     * subprotocol. Null: none, or "binary" with a codec. */
    const char *websocket_subprotocols;
    /* Sent as text/html to a GET or HEAD request of the path without upgrade, at most 1 MiB; weir
     * copies it. Null: such a request is refused. */
    const void *websocket_page;
    size_t websocket_page_length;
    enum weir_websocket_send websocket_send;
    /* Most bytes of a WebSocket message in both directions, without a codec. A longer one ends the
     * session. 0: 1 MiB; at most WEIR_MESSAGE_BYTES_MAX. */
    uint32_t websocket_message_max_bytes;
    /* A client that sent nothing for this long gets a ping, because proxies close idle connections.
     * It must send something, such as a pong, within websocket_pong_timeout_ms after it, or the
     * session ends with WEIR_REASON_IDLE. Neither runs while reading is paused. 0: 25 s and 20 s;
     * WEIR_OFF as interval: no pings. */
    uint32_t websocket_ping_interval_ms;
    uint32_t websocket_pong_timeout_ms;
    /* Linux: the number of a socket that another program, such as systemd, has bound and passed to
     * this one, see weir_descriptor_address(); 0: none, weir opens the socket. `address` must be
     * the address that the socket is bound to, and `proto` its kind. Weir uses duplicates: the
     * caller owns the descriptor, and keeps it open until weir_server_start() has returned (or
     * weir_server_listen() of a running server). The socket keeps its own backlog, permissions and
     * file. While another program holds it, too, clients that connect after weir has closed its
     * duplicates wait for the next program instead of being refused. Every worker accepts from it;
     * of a UDP socket, the first worker serves all peers. Elsewhere: WEIR_UNSUPPORTED. */
    intptr_t descriptor;
};

/* Describes a socket that another program has bound and passed to this one, for
 * weir_listen.descriptor: a listener of TCP or of the Unix domain (*proto is WEIR_TCP), or a UDP
 * socket. Returns WEIR_OK; WEIR_INVALID if the descriptor is no such socket; WEIR_UNSUPPORTED on
 * other systems than Linux. On failure *error (may be null) says why. Thread: any. */
WEIR_API enum weir_code weir_descriptor_address(intptr_t descriptor, enum weir_proto *proto,
                                                struct weir_address *address,
                                                struct weir_error *error);

/* Describes a listener of a server. The strings live as long as the server. */
struct weir_listener_info {
    enum weir_proto proto;
    struct weir_address address; /* with the port that the system assigned */
    const char *transport, *codec, *handler;
    uint32_t workers;
    uint32_t id; /* for weir_server_unlisten(); never 0, and never reused by this server */
    /* Name of its TLS settings, and path of its WebSocket; null: none. Valid until the server is
     * freed. */
    const char *tls, *websocket;
    enum weir_proxy proxy; /* the PROXY protocol */
    /* TCP: sessions that clients have open now, and the listener's own limit on them; UINT32_MAX:
     * it has none. 0 for UDP. */
    uint32_t sessions, sessions_max;
};

/* ---- Outbound connections ---- */

#define WEIR_WORKER_ANY UINT32_MAX /* weir chooses: see weir_connect_options.worker */

/* One TCP connection to another server, with its codec and handler. Call weir_connect_init(), then
 * change individual members; only `address` is required. Strings are copied. */
struct weir_connect_options {
    size_t size; /* bytes of the caller's version of this struct; weir_connect_init() */
    /* "HOST:PORT", "ADDR:PORT", "[ADDR6]:PORT", "PORT" (of this machine) or, on Linux, "unix:PATH".
     * Other threads look up host names, so no session waits. The addresses of both families are
     * tried as RFC 8305 describes: IPv6 first, and the next address after 250 ms or when an attempt
     * fails. */
    const char *address;
    /* As in struct weir_listen. */
    const char *codec;
    const char *handler;
    const struct weir_codec *custom_codec;
    const struct weir_handler *custom_handler;
    const struct weir_probe *custom_probe;
    /* Longest duration of one attempt, from the start of the name lookup until the connection is
     * established. Default 10 s; 0: only the system's limits apply, which are minutes. */
    uint32_t connect_timeout_ms;
    /* `reconnect`: connects again when an attempt has failed, or the session has ended for any
     * reason. Default false. Before each further attempt weir waits for a random time, so that many
     * clients do not reconnect at the same moment. The longest wait is reconnect_min_ms at first
     * (default 100 ms; at least 1), and doubles up to reconnect_max_ms (default 30 s). After a
     * session that lasted longer than this wait, it is reconnect_min_ms again. */
    bool reconnect;
    uint32_t reconnect_min_ms, reconnect_max_ms;
    /* Index of the worker that owns the session. Default WEIR_WORKER_ANY: in a callback, the worker
     * that runs the callback; elsewhere, the worker with the fewest sessions. */
    uint32_t worker;
    /* An attempt has failed; `error` says why. With `reconnect` another attempt follows, unless the
     * server is draining or stopping. If none follows, the connector no longer exists. error->code:
     *   WEIR_REFUSED      nothing listens on the address
     *   WEIR_TIMED_OUT    connect_timeout_ms, a limit of the system, or no answer to the lookup
     *   WEIR_UNREACHABLE  there is no route to the address, or the name does not exist
     *   WEIR_NO_ROOM      sessions_max are open, or resolver_queue_max names wait
     *   WEIR_CANCELLED    a drain or a stop cancelled the attempt, or the wait before the next one
     *   WEIR_HANDSHAKE    connected, but the TLS handshake failed: the reason says why
     *   others            the system refused a call, or there is no memory
     * The callback can call weir_connect() and weir_disconnect(). Thread: the worker's, never
     * inside weir_connect(). Null (default): no call. */
    void (*on_failed)(struct weir_server *server, uint64_t connector,
                      const struct weir_error *error, void *user);
    void *user; /* passed to on_failed, and returned by weir_session_connect_user() */
    /* TLS settings; null (default): no TLS. weir_connect() reads them and their files, so that
     * further attempts do not. The session begins, with on_open, when the handshake is complete,
     * and the server's certificate is valid for the host of `address` (or tls->name). Otherwise the
     * attempt has failed: on_failed gets WEIR_HANDSHAKE and the reason. In TLS 1.3 a server checks
     * the client's certificate after that: if it rejects it, the session opens, and ends with
     * WEIR_REASON_TLS. */
    const struct weir_tls_connect *tls;
    /* Instead of `tls`: the session begins in plain text, and its handler can start TLS with these
     * settings later, by weir_session_start_tls(). Default null. */
    const struct weir_tls_connect *tls_later;
};

/* Fills in the defaults of a struct of `size` bytes. Call weir_connect_init() instead. Thread: any.
 */
WEIR_API void weir_connect_init_sized(struct weir_connect_options *connect, size_t size);

/* Fills in all defaults. This function is inline so that `size` is the size in the version that the
 * caller was compiled with. Thread: any. */
static inline void weir_connect_init(struct weir_connect_options *connect)
{
    weir_connect_init_sized(connect, sizeof *connect);
}

/* Begins a TCP connection to another server, and returns immediately. When the connection is
 * established, its session begins with on_open. The timeouts, limits and calls of other sessions
 * apply to it, with these exceptions: first_byte_timeout_ms does not apply, and of the limits on
 * accepted connections only sessions_max does. If an attempt fails, on_failed is called. Without
 * `reconnect`, weir calls exactly one of on_open and on_failed, or neither after weir_disconnect().
 *
 * *connector receives the id of the connector. The connector exists until weir_disconnect();
 * without `reconnect` it ends when the session ends or the attempt fails. A session has an id of
 * its own: each new connection of a connector is a new session with a new id.
 * weir_session_connector() returns the connector of a session. While no session is open, a program
 * cannot send to the connector, and nothing is queued for it.
 *
 * weir_connect() can also be called before weir_server_start(): the attempt then begins with the
 * start. Such a server needs no listener. During a drain running attempts continue, and handlers
 * can begin others, for requests in progress; but weir does not reconnect. Attempts that still run
 * at the end of the drain are cancelled. Returns:
 *   WEIR_OK         the attempt begins
 *   WEIR_INVALID    a member can never work; *error says which
 *   WEIR_NO_ROOM    connectors_max connectors exist; counted in connects_refused
 *   WEIR_CANCELLED  the worker has ended
 *   WEIR_NO_MEMORY
 *   others          the TLS settings cannot be used, as for weir_server_tls()
 * `connector` and `error` may be null. Thread: any; before the start: only the thread that called
 * weir_server_open(). */
WEIR_API enum weir_code weir_connect(struct weir_server *server,
                                     const struct weir_connect_options *connect,
                                     uint64_t *connector, struct weir_error *error);

/* Ends a connector: cancels a running attempt, does not connect again, and finishes the session as
 * weir_session_finish() does. on_failed is not called for it. In a callback of the connector's
 * worker the call takes effect immediately. If another thread makes the call, on_open or on_failed
 * can still run before it takes effect. Returns WEIR_OK, or WEIR_GONE: no connector has this id.
 * Thread: any, after weir_server_start() has returned or inside a handler. */
WEIR_API enum weir_code weir_disconnect(struct weir_server *server, uint64_t connector);

/* Counters, summed over all workers. accepted + connected = open + closed holds at any time. Each
 * member's name is also its name in the line that weir_stats_text() writes. */
struct weir_stats {
    uint64_t accepted, closed, open; /* TCP sessions; refused connections are not included */
    /* TCP: bytes received, and bytes that the system accepted for sending. The accepted bytes of a
     * send are counted when the send ends, also if it failed (on Windows: the bytes of its
     * completed requests). */
    uint64_t bytes_in, bytes_out;
    uint64_t messages_in, messages_out; /* TCP */
    uint64_t datagrams_in, datagrams_out, datagram_bytes_in, datagram_bytes_out;
    uint64_t peers_opened, peers_closed; /* UDP sessions */
    /* Connections that were accepted by the system and refused by weir, by cause: */
    uint64_t refused_full;    /* sessions_max was reached */
    uint64_t refused_address; /* sessions_per_address_max was reached */
    uint64_t refused_rate;    /* accept_rate_max was exceeded */
    uint64_t refused_denied;  /* `allow` or `deny`; datagrams are counted here too */
    /* No memory or system resources for a session, or the connection was lost before it became a
     * session: reset by its peer, or cut by the shutdown of the server. */
    uint64_t refused_failed;
    /* Datagrams that were dropped, by cause: */
    uint64_t dropped_own_source; /* the source address is this server's own socket */
    uint64_t dropped_bad_source; /* the source is port 0, multicast, broadcast or unspecified */
    uint64_t dropped_services;   /* from a port of servers, see datagram_answer_services */
    uint64_t dropped_too_large;  /* received, and longer than 65535 bytes: IPv6 jumbograms only */
    uint64_t dropped_unsent;     /* replies that the system did not send */
    uint64_t dropped_rate;       /* received above the message or byte rate of the session */
    uint64_t dropped_reply;      /* replies above datagram_reply_percent_max */
    uint64_t dropped_reply_rate; /* replies above datagram_reply_rate_max */
    uint64_t dropped_peers;      /* received while no UDP session could be made */
    uint64_t dropped_paused;     /* received while the handler had paused the session */
    /* Messages of weir_send() and broadcasts that were not sent to a recipient, by cause. Do not
     * add them to broadcasts_dropped_...: most broadcasts that a member misses are counted in both.
     */
    uint64_t sends_late; /* weir_send(): the session ended before delivery */
    /* The recipient's send queue was full (UDP: also a limit on replies), or a broadcast that
     * waited with its speaker was dropped: see weir_session_broadcast(). */
    uint64_t sends_dropped;
    uint64_t sends_not_framed; /* the recipient's codec refused the message */
    uint64_t sends_no_memory;  /* no buffer or no memory */
    /* Calls from other threads: */
    uint64_t commands_refused; /* those that returned WEIR_MAILBOX_FULL */
    /* Pauses, by cause: */
    uint64_t pauses_no_files;   /* times accepting paused: out of file descriptors */
    uint64_t pauses_no_buffers; /* times receiving paused: the buffer pool was empty */
    uint64_t pauses_failed;     /* times a socket paused: the system refused a call */
    uint64_t pauses_queue;      /* times reading from a session paused: its send queue was full */
    uint64_t pauses_group;      /* times reading from a speaker paused: a member's queue was full */
    uint64_t pauses_rate;       /* times reading from a session paused: above its rate */
    /* Work of the event loops: */
    uint64_t loop_iterations;
    /* Waits that found an event before the thread slept (spin_max_us); a second old at most. */
    uint64_t spin_hits;
    uint64_t timer_lag_max_ms; /* longest delay of a timer, maximum over the workers */
    uint64_t timers_fired;
    uint64_t commands; /* taken from mailboxes */
    /* Memory: */
    uint64_t queued_bytes;         /* memory that send queues hold now */
    uint64_t buffer_bytes;         /* memory of the buffer pools now */
    uint64_t reassembly_bytes_max; /* most memory that one incomplete frame has used */
    /* Others: */
    uint64_t log_lines_lost;       /* not passed to `log`: above log_lines_max or log_rate_max */
    uint64_t closed_by_reason[32]; /* index: enum weir_reason; TCP and UDP sessions */
    /* Outbound connections. connects_started = connected + connects_cancelled + all
     * connects_failed_... + the attempts that still run: */
    uint64_t connects_started;
    uint64_t connected;               /* sessions that began; `open` and `closed` include them */
    uint64_t connects_cancelled;      /* by weir_disconnect(), a drain or a stop */
    uint64_t connects_failed_name;    /* the name was not found */
    uint64_t connects_failed_refused; /* nothing listens there */
    uint64_t connects_failed_timeout; /* connect_timeout_ms, or the system's */
    uint64_t connects_failed_unreachable; /* there is no route */
    /* sessions_max, no memory, a failed TLS handshake, another error of the system */
    uint64_t connects_failed_other;
    uint64_t connects_refused; /* calls of weir_connect(): connectors_max existed */
    /* Broadcasts: each message counts once for each member. broadcasts_offered is the sum of the
     * other broadcasts_... counters, except while a worker is inside a loop iteration. */
    uint64_t broadcasts_offered;
    uint64_t broadcasts_delivered; /* queued for the member and not dropped later, or sent (UDP) */
    uint64_t broadcasts_dropped_full;       /* the send queue was full: see broadcast_policy */
    uint64_t broadcasts_dropped_closed;     /* the session ended before the message was sent */
    uint64_t broadcasts_dropped_not_framed; /* the member's codec refused the message */
    uint64_t broadcasts_dropped_no_memory;  /* no buffer or no memory */
    uint64_t broadcasts_dropped_reply;      /* UDP: above a limit on replies */
    /* The application's own work: */
    uint64_t ticks;            /* calls of on_tick */
    uint64_t periods_skipped;  /* periods of ticks and timers that passed while a worker was late */
    uint64_t handlers_blocked; /* times that callbacks took longer than handler_warn_ms */
    /* Filters: */
    uint64_t opening; /* sessions whose filters are not open now; `open` includes them */
    /* Sessions of listeners with filters that the peer closed before it sent a byte, or after only
     * a PROXY header that says LOCAL. Listeners without filters do not count them. */
    uint64_t health_checks;
    /* Other sessions that ended before they were open, by the filter that was next: */
    uint64_t opening_failed_proxy;
    uint64_t opening_failed_tls;
    uint64_t opening_failed_websocket;
    uint64_t websocket_pings; /* that clients sent */
    /* Memory that counts towards memory_max_bytes now. Updated ten times a second while the loops
     * run. */
    uint64_t memory_bytes;
};

#define WEIR_LISTENERS_MAX 64 /* listeners of one server */

/* Fills in the defaults of a configuration of `size` bytes. Call weir_config_init() instead.
 * Thread: any. */
WEIR_API void weir_config_init_sized(struct weir_config *config, size_t size);

/* Fills in all defaults. This function is inline so that `size` is the size in the version that the
 * caller was compiled with. Thread: any. */
static inline void weir_config_init(struct weir_config *config)
{
    weir_config_init_sized(config, sizeof *config);
}

/* Returns the reason as one word: "peer_done". Never null. Thread: any. */
WEIR_API const char *weir_reason_text(enum weir_reason reason);

/* Writes the counters as one line, "accepted=2 closed=2 ...": some always, the others if they are
 * not 0. The line is cut to `size` bytes including the NUL. Returns `text`. Thread: any. */
WEIR_API char *weir_stats_text(const struct weir_stats *stats, char *text, size_t size);

/* Creates a server; weir_server_start() starts it. `config` null: all defaults. Returns WEIR_OK;
 * WEIR_INVALID, with the name of the wrong setting in *error; WEIR_NO_MEMORY; or WEIR_SYSTEM if the
 * system has no random numbers. The caller frees it with weir_server_free(). On failure *server is
 * null, which weir_server_free() allows. Thread: any. */
WEIR_API enum weir_code weir_server_open(const struct weir_config *config,
                                         struct weir_server **server, struct weir_error *error);

/* Adds a listener, before weir_server_start() or while the server runs. Before the start it is only
 * recorded: weir_server_start() opens it. *listen itself is copied; its custom codec and handler
 * must outlive the server. A running server opens the listener on all workers, or on none, before
 * the function returns; it does not wait for an address that old connections occupy (bind_wait_ms).
 * The new listener has the highest index. Returns WEIR_OK, or the code of the failure with its
 * cause in *error:
 *   WEIR_INVALID    a member is wrong
 *   WEIR_NO_ROOM    the server has WEIR_LISTENERS_MAX listeners. Or the server runs, and the state
 *                   of this codec and handler is larger than connect_state_bytes and than that of
 *                   every listener and connector that was made before the start
 *   WEIR_NO_MEMORY
 *   WEIR_CANCELLED  the server is shutting down
 *   others          the running server cannot listen on the address, such as WEIR_ADDRESS_IN_USE
 * Thread: any, but not inside a callback of the server, nor while weir_server_start() runs. One
 * call of this function or of weir_server_unlisten() at a time. */
WEIR_API enum weir_code weir_server_listen(struct weir_server *server,
                                           const struct weir_listen *listen,
                                           struct weir_error *error);

/* Removes the listener with this id (struct weir_listener_info). Its address is free when the
 * function returns. TCP: connections that the system had completed are accepted first, and all
 * sessions continue. UDP: the sessions of its peers end with WEIR_REASON_APPLICATION, because they
 * cannot send without the socket. Listeners with a higher index move down by one. Without any
 * listener the server keeps running. The server keeps about 2 KiB for a removed listener until it
 * is freed, so a program should not remove and add listeners all the time. Returns WEIR_OK, or
 * WEIR_GONE with the cause in *error if there is no such listener. Thread: as weir_server_listen().
 */
WEIR_API enum weir_code weir_server_unlisten(struct weir_server *server, uint32_t id,
                                             struct weir_error *error);

/* Starts the workers and their listeners. Returns WEIR_OK when all of them listen. If one of them
 * cannot start, this function stops the others, waits until they have ended, and returns the code
 * of the failure with its cause in *error. The lines that the start logged have reached `log` when
 * it returns, unless that takes longer than log_flush_ms. It can wait for bind_wait_ms before the
 * first listener opens; weir_server_drain() and weir_server_stop() end that wait with
 * WEIR_CANCELLED. Call it once; after a failure, free the server and open another one. Thread: any,
 * while no other thread calls weir_server_listen(). */
WEIR_API enum weir_code weir_server_start(struct weir_server *server, struct weir_error *error);

/* Returns the number of listeners. Thread: any, except while weir_server_start() runs. */
WEIR_API size_t weir_server_listeners_count(const struct weir_server *server);

/* Fills in the first `size` bytes of *info. Call weir_server_listener() instead. */
WEIR_API void weir_server_listener_sized(const struct weir_server *server, size_t index,
                                         struct weir_listener_info *info, size_t size);

/* Fills in *info for the listener with this index, from 0. Before the start its port can be 0, and
 * its transport is "none". Thread: any, except while weir_server_start() runs. */
static inline void weir_server_listener(const struct weir_server *server, size_t index,
                                        struct weir_listener_info *info)
{
    weir_server_listener_sized(server, index, info, sizeof *info);
}

/* Starts a graceful shutdown and returns immediately. Listeners accept the connections that the
 * system has queued, and close when none arrives for about 20 ms, or after about 200 ms (up to a
 * second later if the worker is overloaded). Connections that arrive in this time are served, too.
 *
 * The server calls on_drain once for each session. It delivers queued messages. It finishes a
 * session whose handler has no on_drain when the session is idle: nothing is queued for the peer,
 * no frame is incomplete, reading is not paused by the handler or by weir, and nothing has arrived
 * for 100 ms. (For a UDP session, only the last one applies.) A UDP socket accepts new peers for
 * about 200 ms more, and closes after its last session has ended.
 *
 * At the deadline, `deadline_ms` milliseconds from now, the server closes the remaining sessions as
 * weir_server_stop() does; 0: immediately after on_drain. A second call can shorten the deadline
 * but not extend it. Thread: any, from weir_server_open() on. */
WEIR_API void weir_server_drain(struct weir_server *server, uint32_t deadline_ms);

/* Starts to close every session immediately, without delivering queued messages, and returns.
 * Thread: any, from weir_server_open() on. */
WEIR_API void weir_server_stop(struct weir_server *server);

/* Waits until every worker has ended. Thread: any except the server's own (so not inside a handler,
 * log or on_stopped); one at a time. After weir_server_start_here(), only the thread that called
 * it, outside of callbacks (work.h). */
WEIR_API void weir_server_wait(struct weir_server *server);

/* Returns WEIR_OK if no worker has failed so far. A worker fails if the system no longer reports
 * events to it. In that case returns the code of the first failure, and fills in *error, with a
 * hint about the next step. The sessions of a failed worker were closed; the other workers
 * continue. If no worker is left, on_stopped has run. `error` may be null. Thread: any. */
WEIR_API enum weir_code weir_server_failure(const struct weir_server *server,
                                            struct weir_error *error);

/* Adds a line to the server's log, formatted as printf() does, if log_level includes its level.
 * Never waits, and allocates nothing. If log_lines_max lines already wait, the line is lost and
 * counted (log_lines_lost). A line is cut to 511 bytes, and its control characters are replaced by
 * '?'. Does nothing if the server has no log. `level` is at most WEIR_LOG_DETAIL. To log bytes of a
 * peer, pass them as an argument of "%s" or "%.*s", never as `format`. Thread: any, from
 * weir_server_open() on; also in on_close, and in the close callback of a handler. */
WEIR_API void weir_log(struct weir_server *server, enum weir_log_level level, const char *format,
                       ...) WEIR_PRINTF(3, 4);

/* Changes weir_config.log_level, from the next line on. Does nothing if the server has no log.
 * Returns WEIR_OK; or WEIR_INVALID: `level` is above WEIR_LOG_DETAIL. Thread: any, from
 * weir_server_open() on. */
WEIR_API enum weir_code weir_server_set_log_level(struct weir_server *server,
                                                  enum weir_log_level level);

/* Fills in the first `size` bytes of the counters. Call weir_server_stats() instead. */
WEIR_API void weir_server_stats_sized(const struct weir_server *server, struct weir_stats *stats,
                                      size_t size);

/* Fills in the current counters. Thread: any. */
static inline void weir_server_stats(const struct weir_server *server, struct weir_stats *stats)
{
    weir_server_stats_sized(server, stats, sizeof *stats);
}

/* ---- Inspection, for tools ---- */

/* State of a session. */
enum weir_session_state {
    WEIR_SESSION_OPEN = 1,  /* both sides can send (weir_session_end_output(): only the peer) */
    WEIR_SESSION_PEER_DONE, /* the peer's FIN arrived; answers are still sent */
    WEIR_SESSION_FINISHING, /* queued messages are sent, then FIN; what arrives is discarded */
    WEIR_SESSION_CLOSING,   /* it ends as soon as the system allows */
    WEIR_SESSION_OPENING,   /* its filters are not open; on_open was not called */
};

/* Why weir does not read from a session's peer, or drops its datagrams. */
enum weir_pause {
    WEIR_PAUSE_NONE,    /* reading is not paused */
    WEIR_PAUSE_HANDLER, /* weir_session_pause() was called */
    /* The peer does not read: the session's send queue reached the high-water mark. */
    WEIR_PAUSE_QUEUE,
    WEIR_PAUSE_GROUP, /* weir_session_broadcast(): a member's queue is too full */
    WEIR_PAUSE_RATE,  /* the peer exceeded receive_rate_max_bytes or message_rate_max */
};

/* A session at one moment. Weir fills it in; later versions append members. */
struct weir_session_info {
    uint64_t id;
    enum weir_proto proto;
    enum weir_session_state state;
    struct weir_address peer;
    uint32_t listener;           /* id of its listener (weir_listener_info.id); 0: none */
    uint32_t worker;             /* from 0 */
    const char *codec, *handler; /* names; they live as long as the server */
    /* TCP: as in struct weir_stats; messages are counted when all bytes that arrived together have
     * been handled. UDP: datagrams that the handler received, and datagrams that were sent. */
    uint64_t bytes_in, bytes_out, messages_in, messages_out;
    uint64_t queued_bytes;  /* TCP: memory of its send queue */
    uint64_t unread_bytes;  /* TCP: memory of received bytes that wait for the handler */
    uint64_t partial_bytes; /* TCP: received bytes of an incomplete frame */
    uint32_t holds;         /* weir_session_hold() calls that were not released */
    enum weir_pause pause;  /* of several causes, the first one in the enum */
    uint64_t paused_ms;     /* how long reading has been paused; 0: not paused */
    uint64_t age_ms;
    uint64_t received_ago_ms; /* since bytes came, reading resumed, or the session began */
    uint64_t sent_ago_ms;     /* since bytes were sent or acknowledged, or the session began */
    /* Time until the next deadline closes the session, unless activity postpones it, and the reason
     * that on_close then receives. UINT64_MAX and WEIR_REASON_NONE: no deadline runs. */
    uint64_t deadline_ms;
    enum weir_reason deadline_reason;
    enum weir_reason reason; /* why the session ends; WEIR_REASON_NONE: not decided */
    uint64_t partial_ms;     /* TCP: since the first byte of the incomplete frame came; 0: none */
    /* Memory of the session: state, send queue, unread input, incomplete frame, filters,
     * memberships. For a broadcast that several queues share, only the entry in the queue is
     * counted, not the message. */
    uint64_t memory_bytes;
    uint64_t broadcasts_missed; /* to its groups: not queued for it, or dropped from its queue */
    uint32_t groups_count;      /* of which it is a member */
    /* Its last frames, while it is watched (weir_session_watch()); null: there is none. Valid until
     * the callback returns that received or requested this struct. */
    const struct weir_watched_frame *received_frame, *sent_frame;
};

/* Returns the state as one word: "peer_done". Never null. Thread: any. */
WEIR_API const char *weir_session_state_text(enum weir_session_state state);

/* Returns the cause as one word: "queue". Never null. Thread: any. */
WEIR_API const char *weir_pause_text(enum weir_pause pause);

/* Fills in the first `size` bytes of *info. Call weir_session_inspect() instead. */
WEIR_API void weir_session_inspect_sized(const struct weir_session *session,
                                         struct weir_session_info *info, size_t size);

/* Describes the session as it is now. Thread: handler. */
static inline void weir_session_inspect(const struct weir_session *session,
                                        struct weir_session_info *info)
{
    weir_session_inspect_sized(session, info, sizeof *info);
}

#define WEIR_SESSIONS_PER_SLICE_MAX 64 /* most sessions that one weir_sessions_list() shows */

/* What weir_sessions_list() shows. Zero the struct, set `size` and both callbacks. */
struct weir_sessions_query {
    size_t size;        /* sizeof(struct weir_sessions_query) of the author's version */
    uint64_t cursor;    /* 0: from the first session; then the value that on_end received */
    uint64_t id;        /* 0: all sessions; otherwise only the session with this id */
    uint32_t count_max; /* sessions to show, 1 to WEIR_SESSIONS_PER_SLICE_MAX; 0: that maximum */
    void *user;         /* passed to the callbacks */
    /* Called for each session. *info is valid during the call; it is what weir_session_inspect()
     * fills in. Thread: the session's worker; the call must not block. */
    void (*on_session)(void *user, const struct weir_session_info *info);
    /* Called once, last. `cursor` continues the list; 0: there are no further sessions. May call
     * weir_sessions_list() again. Thread: the same. */
    void (*on_end)(void *user, uint64_t cursor);
};

/* Shows a slice of the sessions of one worker, UDP sessions included. The cursor leads through all
 * workers, one after the other. Returns before the callbacks run: the worker calls them later,
 * between two events. A slice takes some microseconds, so lists of any length do not delay the
 * sessions. A slice can be empty although others follow. A session that is open from the first
 * slice to the last is shown exactly once; one that begins or ends meanwhile is shown once or not
 * at all. *query is copied. Returns:
 *   WEIR_OK            on_end will be called exactly once, also if the server is stopped
 *   WEIR_GONE          the workers from the cursor on have ended; or no open session has query->id
 *   WEIR_MAILBOX_FULL  the worker's mailbox is full
 *   WEIR_INVALID       query->size is wrong
 *   WEIR_NO_MEMORY
 * Thread: any, after weir_server_start() returned or inside a handler. */
WEIR_API enum weir_code weir_sessions_list(struct weir_server *server,
                                           const struct weir_sessions_query *query);

/* A worker at one moment. Counters begin with 0 at the start of the server. Weir fills it in; later
 * versions append members. */
struct weir_worker_stats {
    uint64_t loop_iterations;
    /* Longest time that one iteration of the loop took: everything that arrived meanwhile waited
     * for that long. Updated ten times a second while the loop runs. On epoll and Windows it leaves
     * out the iterations after which no timer was pending. */
    uint64_t iteration_max_ns;
    /* Longest time that the callbacks of one event took. Only a sample of ten events per second is
     * measured. */
    uint64_t handler_max_ns;
    uint64_t timer_lag_max_ms;                /* longest delay of a timer */
    uint64_t sessions, datagram_sessions;     /* open TCP and UDP sessions */
    uint64_t mailbox_commands, mailbox_bytes; /* waiting in its mailbox now */
    uint64_t commands, commands_refused;      /* as in struct weir_stats; also the next line */
    uint64_t queued_bytes, buffer_bytes;
    uint64_t memory_bytes;     /* as in struct weir_stats */
    uint64_t memory_max_bytes; /* its part of weir_config.memory_max_bytes; 0: no limit */
    /* Time that all loop iterations took: the sum of WEIR_HISTOGRAM_ITERATION. Its growth divided
     * by the time that passed is the load of the worker's thread, at most 1. */
    uint64_t busy_ns;
};

/* Returns the number of workers; 0 before weir_server_start(). Thread: any, except while
 * weir_server_start() runs. */
WEIR_API uint32_t weir_server_workers_count(const struct weir_server *server);

/* Fills in the first `size` bytes of *stats. Call weir_server_worker_stats() instead. */
WEIR_API void weir_server_worker_stats_sized(const struct weir_server *server, uint32_t worker,
                                             struct weir_worker_stats *stats, size_t size);

/* Fills in the figures of one worker, without waiting for it. `worker` is below
 * weir_server_workers_count(). Thread: any, except while weir_server_start() runs. */
static inline void weir_server_worker_stats(const struct weir_server *server, uint32_t worker,
                                            struct weir_worker_stats *stats)
{
    weir_server_worker_stats_sized(server, worker, stats, sizeof *stats);
}

/* ---- End of a server ---- */

/* Stops the server if it runs, waits for it as weir_server_wait() does, passes the waiting lines to
 * `log` for at most log_flush_ms, and frees the server. Null is allowed.
 *
 * No other call for the server may run at the same time or follow: that is undefined behaviour,
 * also for calls with "Thread: any". So first let other threads finish that send or post to the
 * server. After a drain or a stop, and until weir_server_free() is called, their calls are
 * harmless. Weir detects a call after weir_server_free(), and ends the process with the rule:
 * always for weir_server_listen(), unlisten(), start(), start_here(), run(), step(), descriptor(),
 * drain(), stop(), wait() and free(); for the others, such as weir_send() and weir_post(), as long
 * as the freed memory has no other use. AddressSanitizer detects them all. Thread: as
 * weir_server_wait(). */
WEIR_API void weir_server_free(struct weir_server *server);

/* ---- Modules: what `weir serve --handler ./mine.so` loads ---- */

/* Version of this header's binary interface for modules. It changes if an existing member, function
 * or code changes, but not if one is added. */
#define WEIR_ABI_VERSION 2

/* The symbol `weir_module` that a module's file exports; WEIR_MODULE() defines it. Its contents
 * must be constant. The module stays loaded until the program ends. */
struct weir_module {
    uint32_t abi;                       /* WEIR_ABI_VERSION of the version compiled with */
    uint32_t size;                      /* sizeof(struct weir_module) of that version */
    const struct weir_handler *handler; /* null: "echo" */
    /* Codec for listeners without an explicit codec, if it supports their protocol. Null: the
     * listener's default. */
    const struct weir_codec *codec;
    const struct weir_probe *probe; /* TCP: header parser to make a codec of, instead of `codec` */
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

/* The symbol `weir_module_marks`: the marks of the module (mark.h), for weir-test. */
#define WEIR_MODULE_MARKS \
    WEIR_MODULE_LINKAGE WEIR_MODULE_EXPORT const struct weir_marks weir_module_marks = WEIR_MARKS;

/* Turns a shared library into a module. Write it once, at the end of one source file:
 *     WEIR_MODULE(&my_handler, NULL);
 * The program that loads the module provides the weir functions. On Linux a module links with no
 * weir library, on Windows with the program's import library (CMake target weir::module). */
#define WEIR_MODULE(its_handler, its_codec)                                         \
    WEIR_MODULE_MARKS                                                               \
    WEIR_MODULE_LINKAGE WEIR_MODULE_EXPORT const struct weir_module weir_module = { \
        WEIR_ABI_VERSION, sizeof(struct weir_module), its_handler, its_codec, NULL}

/* The same, with a header parser in place of a codec: struct weir_probe in frame.h. */
#define WEIR_MODULE_PROBE(its_handler, its_probe)                                   \
    WEIR_MODULE_MARKS                                                               \
    WEIR_MODULE_LINKAGE WEIR_MODULE_EXPORT const struct weir_module weir_module = { \
        WEIR_ABI_VERSION, sizeof(struct weir_module), its_handler, NULL, its_probe}

/* Returns the version of the library at run time, "0.1.0". WEIR_VERSION is the header's version.
 * Thread: any. */
WEIR_API const char *weir_version(void);

#ifdef __cplusplus
}
#endif
#endif
