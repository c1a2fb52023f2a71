/* SPDX-License-Identifier: MIT */
/* world.h - a test's view of one net: handles as lines, iterations with bounded waits, every event
 * recorded and checked.
 *
 *     struct world: net ---- lines (listener, connections, datagram sockets), with their events
 *               '----- peers, which act in every iteration
 *
 * The handle table inside weir checks each event. The world checks it independently against the
 * requests of the test: one answer per request, no event on a line whose flow is off, every byte in
 * order.
 */
#ifndef SUPPORT_WORLD_H
#define SUPPORT_WORLD_H

#include "net.h"
#include "peer.h"
#include "require.h"

#define WORLD_SOCKETS_MAX 256u
#define WORLD_QUEUE_MAX 4096u
/* A stream_buffer_bytes for sends that must block: 16 such buffers exceed the data that a system
 * holds for a connection whose peer does not read. (Linux: 4 MiB of tcp_wmem, and it may take more
 * of a send as time passes.) No such send can complete before the peer reads. */
#define WORLD_LARGE_BYTES (1u << 20)

/* Shared by all worlds of this program; main sets them. */
extern const char *world_transport;
extern uint64_t world_patience_ns;            /* longest wait without an event for a condition */
extern void (*world_inject)(struct net *net); /* called for each new net; null: no injection */
extern uint64_t world_seed;                   /* of simulations */
/* Of simulations: sends are released when the peer acknowledges them (sim_options.h). */
extern bool world_acknowledges;
extern uint64_t world_spin_max_ns; /* net_options.spin_max_ns */

struct datagram_got {
    struct net_address from, local;
    uint32_t segment_bytes;
    uint32_t length;
    uint8_t *bytes;
};

/* A handle and all events recorded for it. */
struct line {
    struct world *world;
    struct line *next;
    struct net_handle handle;
    bool is_open;             /* NET_CLOSED has not arrived */
    bool closing;             /* net_close was called */
    bool on;                  /* the flow, as the test last set it */
    bool keeps;               /* received buffers stay with the test, in `kept` */
    bool echoes;              /* received buffers are sent on unchanged */
    bool connects;            /* opened by net_connect, and not answered yet */
    struct net_address local; /* of NET_CONNECTED */
    uint32_t received_count, sent_count, peer_done_count, broken_count, paused_count,
        too_large_count, refused_count, stopped_count, connected_count;
    enum weir_code sent_code, broken_code, paused_code;

    /* Of a listener. */
    struct net_socket sockets[WORLD_SOCKETS_MAX];
    struct net_address peers[WORLD_SOCKETS_MAX];
    uint32_t sockets_first, sockets_count; /* accepted, not adopted; starts at first */

    /* Of a connection: the received bytes must be the pattern, and so are the sent bytes. */
    uint64_t in_seed, in_position;
    bool send_out;
    bool sends_now;          /* sends by net_send_now() ... */
    uint32_t sent_now_count; /* ... which was true this many times; sent_count counts these, too */
    uint64_t sent_bytes;     /* that the system accepted */
    uint64_t posted_bytes, released_bytes;
    uint32_t unreleased_buffers;
    uint64_t out_seed, out_position, out_total; /* sends continue up to the total ... */
    uint32_t out_piece, out_buffers; /* ... with this many buffers each, of this many bytes */
    bool out_finishes;               /* then sends FIN; an echo does when the peer is done */
    bool finished;
    struct net_buffer *kept[WORLD_QUEUE_MAX];
    uint32_t kept_count;

    /* Of a datagram socket. */
    struct datagram_got got[WORLD_QUEUE_MAX];
    uint32_t got_count;
    uint32_t sends_out, datagrams_sent, datagrams_failed;
};

struct world {
    struct net *net;
    struct net_simulation *simulation; /* null: real sockets */
    bool borrows_simulation;
    const struct peer_kind *peer_kind;
    struct peer *peers;
    struct peer_datagrams *datagram_peers;
    struct peer_listener *peer_listeners;
    struct line *lines, *listener;
    uint32_t files_before;
    bool checks_files;   /* by world_close; false while other threads open or close files */
    uint32_t events_max; /* of one net_wait */
    uint32_t woken_count, paused_count, events_count;
    uint64_t iterations_count;
    uint64_t deadline_ns, iterations_deadline;
};

/* ---- life ---- */

/* Sets small pools, so that exhaustion shows early. */
void world_options(struct net_options *options);

/* Opens a net with the transport under test; `options` null: world_options(). */
struct world *world_open(const struct net_options *options);

/* Opens a second net on the same network, in the same thread. */
struct world *world_open_beside(struct world *world, const struct net_options *options);

/* Closes all open handles and requires that no handle, no buffer and no file is left. */
void world_close(struct world *world);

/* Returns whether several threads can take part; a simulation supports only one. */
bool world_has_threads(void);

/* Limits the process to this many more open files; WORLD_FILES_FREE removes the limit. Returns
 * false if this system has no such limit. */
#define WORLD_FILES_FREE UINT32_MAX
bool world_limit_files(struct world *world, uint32_t more);

/* Returns whether a failed send counts only the bytes of completed requests (rio, iocp). */
bool world_counts_requests(void);

/* Closes the world if it is not null, and skips the test with this reason. */
void world_skip(struct world *world, const char *why);
/* Skips the test where file exhaustion cannot stop accepting: AcceptEx opens its sockets before any
 * connection arrives. */
void world_needs_file_exhaustion(struct world *world);
/* Returns whether a peer can tell an RST from a FIN: under Wine, both are the end of the stream.
 * tests/system/test_endings.py has clients outside of Wine. */
bool world_shows_resets(void);
/* Skips the test where the system has no file limit to set. */
void world_needs_file_limits(struct world *world);
uint32_t world_files_count(const struct world *world);

/* ---- iterations ---- */

/* Runs one net_wait of at most a millisecond, its events, and one step of each peer. Returns the
 * number of events. */
uint32_t world_iterate(struct world *world);

/* As world_iterate(), with this deadline. */
uint32_t world_iterate_until(struct world *world, uint64_t until_ns);

/* Iterates until no event has arrived for a while; for tests of events that must not happen. */
void world_run_until_idle(struct world *world);

/* Iterates until the condition holds. The test fails if no event arrives for world_patience_ns, or
 * after a very large number of iterations. */
#define world_until(world, condition)                             \
    for (world_begin(world); !(condition);                        \
         world_iterate_on(world, #condition, __FILE__, __LINE__)) \
    continue

void world_begin(struct world *world);
void world_iterate_on(struct world *world, const char *condition, const char *file, int line);

/* ---- lines ---- */

/* Listens on 127.0.0.1:0 with the flow on. */
struct line *world_listen(struct world *world);
/* Returns a line for a handle that the test opens itself: the test sets `handle`, or clears
 * `is_open`. */
struct line *world_line_for(struct world *world);
struct line *world_listen_on(struct world *world, const struct net_listen_options *listen_options);
void line_accept(struct line *listener, bool on);
struct net_address line_address(struct line *line);

/* Returns the first accepted socket that is not adopted yet; waits for it. */
struct net_socket line_take_socket(struct line *listener, struct net_address *peer);
struct line *world_adopt(struct world *world, struct net_socket socket);

/* Connects a peer to the world's listener (opened if there is none) and returns the accepted
 * connection with its flow off. */
struct line *world_connect(struct world *world, struct peer **peer);

/* Connects to the address: the line's connected_count or broken_count tells the answer. */
struct line *world_start(struct world *world, const struct net_address *to);
/* Opens a peer that listens if there is none, connects to it, and returns the connection, with its
 * flow off. */
struct line *world_connect_out(struct world *world, struct peer **peer);

void line_receive(struct line *line, bool on);

/* Sends these buffers. */
void line_send_buffers(struct line *line, struct net_buffer *const *buffers, uint32_t count);

/* Sends buffers filled with the pattern from out_position on; the pool must have them. */
void line_send(struct line *line, uint32_t buffers_count, uint32_t bytes_each);
void line_sends_pattern(struct line *line, uint64_t seed, uint64_t total, uint32_t buffers_count,
                        uint32_t bytes_each);
void line_finish(struct line *line);

/* Requests the close. NET_CLOSED arrives in a later iteration and frees nothing: the line stays
 * readable until world_close. */
void line_close(struct line *line);
void line_abort(struct line *line); /* as line_close(), by net_abort */
struct net_progress line_progress(struct line *line);
/* Returns whether the line saw the connection break: by NET_BROKEN, under Wine possibly by a FIN.
 */
bool line_was_cut(const struct line *line);
void line_give_back_kept(struct line *line);

/* ---- datagram lines ---- */

struct line *world_bind(struct world *world, const char *address);
/* `local` null: sends from the bound address. */
enum weir_code line_send_to(struct line *line, const struct net_address *peer,
                            const struct net_address *local, const void *bytes, uint32_t length,
                            uint32_t segment_bytes);
void line_forget_datagrams(struct line *line);

struct net_address world_address(const char *text);

#endif
