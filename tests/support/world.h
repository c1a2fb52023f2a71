/* SPDX-License-Identifier: MIT */
/* world.h - a test's view of one net: handles as lines, turns with bounded waits, every event
 * collected and judged.
 *
 *   struct world: net ---- lines (listener, connections, datagram sockets), with what came for each
 *             '----- peers, driven in every turn
 *
 * The ledger inside of weir judges each event; so does the world, from what the test asked for,
 * without looking at the ledger: one answer a request, nothing on a line whose flow is off, every
 * byte in its place.
 */
#ifndef SUPPORT_WORLD_H
#define SUPPORT_WORLD_H

#include "net.h"
#include "peer.h"
#include "require.h"

#define WORLD_SOCKETS_MAX 256u
#define WORLD_QUEUE_MAX 4096u
/* stream_buffer_bytes for sends that must get stuck: 16 of these are more than a system keeps for a
 * connection whose peer does not read (Linux: 4 MiB of tcp_wmem, and it may take more of a send as
 * time goes by), so that none of them can end before the peer reads. */
#define WORLD_LARGE_BYTES (1u << 20)

/* Of all worlds of this program; main sets them. */
extern const char *world_transport;
extern uint64_t world_patience_ns; /* how long nothing may happen before a condition is true */
extern void (*world_plant)(
    struct net *net);       /* called for each fresh net; null: nothing is planted */
extern uint64_t world_seed; /* of simulations */

struct datagram_got {
    struct weir_address from, local;
    uint32_t segment_bytes;
    uint32_t length;
    uint8_t *bytes;
};

/* A handle, and all that came for it. */
struct line {
    struct world *world;
    struct line *next;
    struct net_handle handle;
    bool is_open; /* NET_CLOSED has not come */
    bool closing; /* net_close was called */
    bool on;      /* the flow, as the test switched it */
    bool keeps;   /* received buffers stay with the test, in `kept` */
    bool echoes;  /* received buffers are sent on, as they are */
    uint32_t received_count, sent_count, peer_done_count, broken_count, paused_count,
        too_large_count;
    enum weir_code sent_code, broken_code, paused_code;

    /* A listener's. */
    struct net_socket sockets[WORLD_SOCKETS_MAX];
    struct weir_address peers[WORLD_SOCKETS_MAX];
    uint32_t sockets_first, sockets_count; /* accepted, not adopted: from first */

    /* A connection's: what it receives must be the pattern; what it sends is one too. */
    uint64_t in_seed, in_position;
    bool send_out;
    uint64_t out_seed, out_position, out_total; /* it goes on sending until all is sent ... */
    uint32_t out_piece, out_buffers;            /* ... so many buffers at once, of so many bytes */
    bool out_finishes; /* and then its FIN; for an echo: when the peer is done */
    bool finished;
    struct net_buffer *kept[WORLD_QUEUE_MAX];
    uint32_t kept_count;

    /* A datagram socket's. */
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
    struct line *lines, *listener;
    uint32_t files_before;
    bool checks_files;   /* world_close compares; off where others open and close files meanwhile */
    uint32_t events_max; /* of one net_wait */
    uint32_t woken_count, paused_count, events_count;
    uint64_t iterations_count;
    uint64_t deadline_ns, iterations_deadline;
};

/* ---- life ---- */

/* Small pools, so that nothing is hidden by plenty. */
void world_options(struct net_options *options);

/* Opens a net with the transport under test; null: world_options(). */
struct world *world_open(const struct net_options *options);

/* A second net on the same network, in the same thread. */
struct world *world_open_beside(struct world *world, const struct net_options *options);

/* Closes what is open, and proves that nothing is left: no handle, no buffer, no file. */
void world_close(struct world *world);

/* Whether several threads can take part; a simulation lives in one. */
bool world_has_threads(void);

/* Lets the process open so many more files from now on; WORLD_FILES_FREE: as before. False: this
 * system knows no such limit. */
#define WORLD_FILES_FREE UINT32_MAX
bool world_limit_files(struct world *world, uint32_t more);

/* Closes the world, if there is one, and skips the test: never without a reason. */
void world_skip(struct world *world, const char *why);
/* Skips it where accepting cannot be starved of
 * files: AcceptEx has its sockets opened before any connection comes. */
void world_needs_starving(struct world *world);
/* The same where there is no limit to set. */
void world_needs_file_limits(struct world *world);
uint32_t world_files_count(const struct world *world);

/* ---- turns ---- */

/* One net_wait of at most a millisecond, its events, and each peer's part. Returns how many
 * events. */
uint32_t world_iterate(struct world *world);

/* The same with this deadline. */
uint32_t world_iterate_until(struct world *world, uint64_t until_ns);

/* Turns until nothing has come for a while: for what must not happen. */
void world_settle(struct world *world);

/* Turns until the condition holds. The test fails when nothing happens any more, or after a great
 * many turns: it may be slow, and may not stand still. */
#define world_until(world, condition)                             \
    for (world_begin(world); !(condition);                        \
         world_iterate_on(world, #condition, __FILE__, __LINE__)) \
    continue

void world_begin(struct world *world);
void world_iterate_on(struct world *world, const char *condition, const char *file, int line);

/* ---- lines ---- */

/* "127.0.0.1:0", accepting. */
struct line *world_listen(struct world *world);
/* A line for a handle that the test opens itself: it sets `handle`, or clears `is_open`. */
struct line *world_line_for(struct world *world);
struct line *world_listen_on(struct world *world, const struct net_listen_options *place);
void line_accept(struct line *listener, bool on);
struct weir_address line_address(struct line *line);

/* The first accepted socket that nobody has adopted; waits for it. */
struct net_socket line_take_socket(struct line *listener, struct weir_address *peer);
struct line *world_adopt(struct world *world, struct net_socket socket);

/* A peer, and the connection that it makes to the world's listener (opened when there is none);
 * receiving is off. */
struct line *world_connect(struct world *world, struct peer **peer);

void line_receive(struct line *line, bool on);

/* Buffers filled with the pattern from out_position on; the pool must have them. */
void line_send(struct line *line, uint32_t buffers_count, uint32_t bytes_each);
void line_sends_pattern(struct line *line, uint64_t seed, uint64_t total, uint32_t buffers_count,
                        uint32_t bytes_each);
void line_finish(struct line *line);

/* Asks; the NET_CLOSED comes in a later turn, and frees nothing: the line stays readable until
 * world_close. */
void line_close(struct line *line);
/* Whether it was told that the connection is gone: by NET_BROKEN; under Wine perhaps by an end. */
bool line_was_cut(const struct line *line);
void line_give_back_kept(struct line *line);

/* ---- datagram lines ---- */

struct line *world_bind(struct world *world, const char *address);
/* `local` null: from where the socket is bound. */
enum weir_code line_send_to(struct line *line, const struct weir_address *peer,
                            const struct weir_address *local, const void *bytes, uint32_t length,
                            uint32_t segment_bytes);
void line_forget_datagrams(struct line *line);

struct weir_address world_address(const char *text);

#endif
