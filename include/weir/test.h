/* SPDX-License-Identifier: MIT */
/* test.h - a simulator: tests a handler over a network in memory, in virtual time, on one thread.
 *
 *     static void greets_by_name(void)
 *     {
 *         struct weir_listen listen = {.size = sizeof listen, .codec = "line",
 *                                      .custom_handler = &greeter};
 *         struct weir_test *test;
 *         struct weir_message answer;
 *
 *         assert(weir_test_open(NULL, NULL, &test, NULL) == WEIR_OK);
 *         assert(weir_test_listen(test, &listen, NULL) == WEIR_OK);
 *         assert(weir_test_start(test, NULL) == WEIR_OK);
 *         struct weir_test_peer *peer = weir_test_connect(test, 0, NULL);
 *         weir_test_peer_send(peer, "Ad", 2);
 *         weir_test_run(test, 10);
 *         weir_test_peer_send(peer, "a\n", 2);
 *         weir_test_run(test, 10);
 *         assert(weir_test_peer_message(peer, &answer));
 *         assert(answer.length == 11 && memcmp(answer.bytes, "Hello, Ada!", 11) == 0);
 *         weir_test_free(test);
 *     }
 *
 * The server is the real one: the same sessions, codecs, limits and timeouts as in a program, with
 * one worker. Only the network, the clock and the random numbers are replaced. Link with the CMake
 * target weir::test (pkg-config weir-test) instead of weir::weir or weir::static: it contains the
 * whole library. The same seed and the same calls give the same run, to the byte, if the handler
 * uses no other source of time and random numbers than weir_now(), weir_unix_time_ms() and
 * weir_random().
 *
 * weir_connect() reaches the listeners of the same test, by their numeric addresses: so the handler
 * of a second listener can be the other server. Every other address refuses the connection. Do not
 * use host names: a lookup takes real time, while virtual time passes.
 *
 * Nothing happens by itself: time passes, bytes travel and callbacks run only in weir_test_run(),
 * weir_test_step(), weir_test_free() and weir_test_run_seed(). If the simulator itself runs out of
 * memory, it ends the process.
 *
 * Call every function here on the thread that opened the test, and not inside a callback of a
 * handler. Several tests can exist in one thread, and in different threads.
 * weir_test_fail_allocation() affects only its own test. */
#ifndef WEIR_TEST_H
#define WEIR_TEST_H

#include <weir/weir.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- The server and its network ---- */

/* One server on one simulated network. */
struct weir_test;

/* The network. Call weir_test_options_init(), then change single members. */
struct weir_test_options {
    size_t size;   /* bytes of the caller's version of this struct */
    uint64_t seed; /* decides latencies, pieces, losses and weir_random(); default 1 */
    /* Shortest and longest latency of the network, in microseconds; default 20 and 1000. */
    uint32_t latency_min_us, latency_max_us;
    /* Most bytes that one side can have sent and the other has not read, per connection and
     * direction. Default 64 KiB. */
    uint32_t window_bytes;
    /* The bytes of one send arrive in pieces of at most this length; 1: single bytes; 0: pieces of
     * random lengths. Default 65536. */
    uint32_t piece_bytes;
    /* Percentages of datagrams that are lost, arrive twice, or arrive out of order; default 0. */
    uint32_t datagram_loss_percent, datagram_copy_percent, datagram_reorder_percent;
    /* Receives one line for each event on the network, such as
     * 12.034 ms  peer 1 sends 4 bytes: "Ada\n". Null (default): no trace. */
    void (*trace)(void *user, const char *line);
    void *user; /* passed to trace */
};

/* Fills in the defaults of a struct of `size` bytes. Call weir_test_options_init() instead. */
WEIR_API void weir_test_options_init_sized(struct weir_test_options *options, size_t size);

/* Fills in all defaults. */
static inline void weir_test_options_init(struct weir_test_options *options)
{
    weir_test_options_init_sized(options, sizeof *options);
}

/* Opens a network with one server, which does not listen yet. `options` null: the defaults.
 * `config` null: the defaults; its transport, workers and bind_wait_ms are ignored, and its log,
 * on_tick and other callbacks are called on this thread. Returns the same values as
 * weir_server_open(). The caller frees *test. */
WEIR_API enum weir_code weir_test_open(const struct weir_test_options *options,
                                       const struct weir_config *config, struct weir_test **test,
                                       struct weir_error *error);

/* Adds a listener, as weir_server_listen() does. If its address is null, it is "127.0.0.1:0". */
WEIR_API enum weir_code weir_test_listen(struct weir_test *test, const struct weir_listen *listen,
                                         struct weir_error *error);

/* Starts the server. Returns the same values as weir_server_start(). Call it once. */
WEIR_API enum weir_code weir_test_start(struct weir_test *test, struct weir_error *error);

/* Returns the server, for weir_send(), weir_broadcast(), weir_server_drain(), weir_server_stats()
 * and other functions with "Thread: any". Do not start, wait for or free it. */
WEIR_API struct weir_server *weir_test_server(const struct weir_test *test);

/* Stops the server, frees it, its network and all peers and sockets. Null is allowed. */
WEIR_API void weir_test_free(struct weir_test *test);

/* ---- Time ---- */

/* Lets `ms` milliseconds pass. Returns false if the server has ended (after a drain or a stop). */
WEIR_API bool weir_test_run(struct weir_test *test, uint32_t ms);

/* Runs one iteration of the server's event loop, which waits for at most `ms` milliseconds. Returns
 * false if the server has ended. */
WEIR_API bool weir_test_step(struct weir_test *test, uint32_t ms);

/* Lets `ms` milliseconds pass in which the server does not run, as if the process had been stopped
 * or the machine suspended. */
WEIR_API void weir_test_suspend(struct weir_test *test, uint32_t ms);

/* Sets the time of day (weir_unix_time_ms) forward by `by_ms` milliseconds, or back if it is
 * negative. No timeout depends on the time of day. */
WEIR_API void weir_test_set_clock(struct weir_test *test, int64_t by_ms);

/* ---- Failures of the system ---- */

/* Makes the server's nth allocation from now on fail (1: the next one), and all later ones if
 * `and_later` is true. 0: none fails. The handler's own allocations do not count. */
WEIR_API void weir_test_fail_allocation(struct weir_test *test, uint32_t nth, bool and_later);

/* Limits the server to this many descriptors: listeners, connections and UDP sockets together.
 * UINT32_MAX removes the limit. */
WEIR_API void weir_test_limit_files(struct weir_test *test, uint32_t files_max);

/* Takes all free buffers of the server's pools (true), or gives them back (false). */
WEIR_API void weir_test_take_buffers(struct weir_test *test, bool take);

/* ---- TCP peers ---- */

/* The remote side of one TCP connection. It reads everything that arrives, until
 * weir_test_peer_read() stops it. */
struct weir_test_peer;

/* State of a connection, as its peer sees it. */
enum weir_test_state {
    WEIR_TEST_CONNECTING,
    WEIR_TEST_CONNECTED,
    WEIR_TEST_REFUSED,  /* nothing listens, or the backlog is full */
    WEIR_TEST_FINISHED, /* the server's FIN arrived, after all of its bytes */
    WEIR_TEST_RESET,    /* the server's RST arrived */
    WEIR_TEST_LEFT      /* weir_test_peer_reset() or weir_test_peer_lose() */
};

/* Connects to the listener with this index, which is a TCP listener of a started server. `from` is
 * the peer's address, "10.0.0.7:0"; null: an address of this machine. The connection is established
 * later, during weir_test_run(). The peer lives until weir_test_free(). */
WEIR_API struct weir_test_peer *weir_test_connect(struct weir_test *test, size_t listener,
                                                  const char *from);

/* Sends bytes. Bytes for which the window has no room are sent later, in order. The bytes of one
 * call arrive as weir_test_options.piece_bytes says. To keep the bytes of two calls apart, call
 * weir_test_run() between them. Ignored after weir_test_peer_finish(). */
WEIR_API void weir_test_peer_send(struct weir_test_peer *peer, const void *bytes, size_t length);

/* Sends one message, framed by the listener's codec. Returns the same values as
 * weir_codec_encode(). Nothing is sent unless it returns WEIR_OK. */
WEIR_API enum weir_code weir_test_peer_send_message(struct weir_test_peer *peer, const void *bytes,
                                                    size_t length);

/* Sends FIN after everything else that was sent. */
WEIR_API void weir_test_peer_finish(struct weir_test_peer *peer);

/* Resets the connection. */
WEIR_API void weir_test_peer_reset(struct weir_test_peer *peer);

/* Loses the connection without a packet, as if the peer's machine had lost its power. */
WEIR_API void weir_test_peer_lose(struct weir_test_peer *peer);

/* Stops reading what arrives (false), so that the window fills, or continues (true). */
WEIR_API void weir_test_peer_read(struct weir_test_peer *peer, bool reads);

/* Returns the peer's state. */
WEIR_API enum weir_test_state weir_test_peer_state(const struct weir_test_peer *peer);

/* Removes up to `size` bytes from the front of the bytes that the peer has read. Returns their
 * number. For one peer, use either this function or weir_test_peer_message(). */
WEIR_API size_t weir_test_peer_receive(struct weir_test_peer *peer, void *bytes, size_t size);

/* Removes the next message, as the listener's codec finds it. Returns false if there is none. The
 * message is valid until the next call for this peer, or until time passes, whichever is first. */
WEIR_API bool weir_test_peer_message(struct weir_test_peer *peer, struct weir_message *message);

/* Returns whether weir_test_peer_message() found bytes that are not valid for the codec. */
WEIR_API bool weir_test_peer_is_malformed(const struct weir_test_peer *peer);

/* Returns the id of the peer's session, also after its end; 0: there is none so far. */
WEIR_API uint64_t weir_test_peer_session(const struct weir_test_peer *peer);

/* Returns the reason with which on_close was called for the peer's session. WEIR_REASON_NONE: it
 * has not been called yet. */
WEIR_API enum weir_reason weir_test_peer_reason(const struct weir_test_peer *peer);

/* Returns the text with which on_close was called; "" before. It lives as long as the peer. */
WEIR_API const char *weir_test_peer_reason_text(const struct weir_test_peer *peer);

/* ---- Servers that the tested server connects to ---- */

/* A simulated server, which weir_connect() of the tested server reaches. */
struct weir_test_upstream;

/* Listens on a numeric address of the simulated network, "10.0.0.9:7000"; port 0 selects a free
 * port. A connection is established as soon as it arrives, and waits until
 * weir_test_upstream_accept(). `codec` is the frame specification for messages of its peers; null:
 * "raw". Returns null if the address is in use. The upstream lives until weir_test_free().
 *
 * Pass a numeric address to weir_connect() in a test: host names, "PORT" alone among them, are
 * looked up by the system, not by the simulator. */
WEIR_API struct weir_test_upstream *weir_test_upstream_open(struct weir_test *test,
                                                            const char *address, const char *codec);

/* Fills in the upstream's address, with the port that was selected. */
WEIR_API void weir_test_upstream_address(const struct weir_test_upstream *upstream,
                                         struct weir_address *address);

/* Returns the next connection as a peer, which all weir_test_peer_ functions take; null: there is
 * none so far. weir_test_peer_session() and weir_test_peer_reason() do not know the sessions of
 * outbound connections: they return 0 and WEIR_REASON_NONE. */
WEIR_API struct weir_test_peer *weir_test_upstream_accept(struct weir_test_upstream *upstream);

/* Stops listening, as if the upstream had ended: later attempts to connect are refused, and
 * connections that were not accepted are reset. Accepted ones stay. */
WEIR_API void weir_test_upstream_close(struct weir_test_upstream *upstream);

/* ---- UDP sockets ---- */

/* A remote UDP socket. */
struct weir_test_socket;

/* Opens a socket that sends to the listener with this index, which is a UDP listener of a started
 * server. `from` is its address, "10.0.0.7:4000"; null: an address of this machine. Returns null if
 * the address is in use. The socket lives until weir_test_free(). */
WEIR_API struct weir_test_socket *weir_test_socket_open(struct weir_test *test, size_t listener,
                                                        const char *from);

/* Sends one datagram of at most 65507 bytes. */
WEIR_API void weir_test_socket_send(struct weir_test_socket *socket, const void *bytes,
                                    size_t length);

/* Removes the first datagram that arrived, and copies up to `size` bytes of it. *length is its full
 * length. Returns false if there is none. */
WEIR_API bool weir_test_socket_receive(struct weir_test_socket *socket, void *bytes, size_t size,
                                       size_t *length);

/* Returns the reason with which on_close was last called for a session of this socket;
 * WEIR_REASON_NONE: it has not been called yet. */
WEIR_API enum weir_reason weir_test_socket_reason(const struct weir_test_socket *socket);

/* ---- Random scenarios: what the program weir-test runs ---- */

/* One message that peers send. */
struct weir_test_input {
    const void *bytes; /* the message; the whole frame if the codec has no `encode` */
    size_t length;
};

/* Describes a set of random scenarios (a swarm). Zero the struct, then set the members that you
 * need. */
struct weir_test_swarm {
    size_t size;                       /* sizeof(struct weir_test_swarm) */
    const struct weir_listen *listens; /* the listeners */
    size_t listens_count;              /* at least 1 */
    const struct weir_config *config;  /* null: each scenario has random settings */
    /* Messages that are valid or nearly valid for the protocol, in an order that makes sense. Peers
     * send these messages, parts of them, mutations of them, and random bytes. */
    const struct weir_test_input *inputs;
    size_t inputs_count;
    /* Marks of the handler. Their `reached` is cleared before the scenario, and afterwards says
     * which of them it reached. In a test program: struct weir_marks marks = WEIR_MARKS. */
    struct weir_marks marks;
    void (*trace)(void *user, const char *line); /* as in struct weir_test_options */
    void *user;
};

/* The result of one scenario. */
struct weir_test_result {
    size_t size;       /* sizeof(struct weir_test_result), set by the caller */
    char failure[256]; /* the violated rule; "": none */
    uint64_t hash;     /* of everything that happened; equal for equal runs */
    uint64_t sessions; /* sessions that began */
    uint64_t messages; /* messages that the handler received */
    uint64_t virtual_ms;
};

/* Runs one scenario: a server with random settings, peers that send, split, reset, half-close, stop
 * reading or send nothing, lost and reordered datagrams, failed allocations, exhausted buffers and
 * descriptors, clock jumps, and a drain or a stop. Checks the rules of weir.h: on_open and on_close
 * come in pairs and nothing comes after on_close, the counters agree, the output is valid for the
 * codec, and a drain ends by its deadline.
 *
 * Returns WEIR_OK if the scenario ran: result->failure is "" or names the violated rule. Otherwise
 * the server could not be opened: returns that code, with its cause in *error. A violated
 * WEIR_ASSERT ends the process. */
WEIR_API enum weir_code weir_test_run_seed(const struct weir_test_swarm *swarm, uint64_t seed,
                                           struct weir_test_result *result,
                                           struct weir_error *error);

#ifdef __cplusplus
}
#endif
#endif
