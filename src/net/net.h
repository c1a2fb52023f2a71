/* SPDX-License-Identifier: MIT */
/* net.h - the transport seam: one thread's sockets, seen as requests and completions.
 *
 *   session layer                            transport (uring, epoll, simulated, rio)
 *        |  net_receive, net_send, ...  ->         requests, gathered
 *        |  net_wait                    ->         committed together, then waited for
 *        |  <- struct net_event[]                  answers, in batches
 *
 * The laws. Every transport keeps them; net.c and handle_table.c check them at run time whichever
 * transport runs; the contract suite has a group of tests for each.
 *
 *   1 Demand.    Nothing arrives on a handle whose flow is off. Flows (accepting, receiving) are
 *                switched by their owner, at once as seen from here: what the system still delivers
 *                after "off" is held, until "on" or close. What one handle is held, with what the
 *                batch of events in hand still has of it, is at most net_info.held_bytes_max. A
 *                flow starts off.
 *   2 Answer.    Each send and each close is answered by exactly one event, and only net_wait()
 *                hands out events. Datagram sends are answered in numbers: one event says how many
 *                were handed over and how many not.
 *   3 Order.     A connection has at most one send outstanding, of 1..NET_SEND_BUFFERS_MAX buffers.
 *                A datagram socket has up to datagram_sends_max.
 *   4 Whole.     WEIR_OK on NET_SENT means every byte was handed over, in order. Anything else
 *                means that the stream is broken and nothing may be sent again.
 *   5 Owner.     A buffer has one owner: the pool, the caller, or the request it was given to. A
 *                received buffer belongs to the caller, who gives it back or sends it on: echo
 *                copies nothing.
 *   6 Commit.    net_wait() hands every gathered request to the system before it blocks.
 *   7 Last.      NET_CLOSED comes after the answer to every other request of that handle, once; no
 *                later event names the handle, and nothing of the system still points at its
 *                buffers.
 *   8 Scarcity.  Running out (buffers, files, queue room, locked memory) is a code in an answer or
 *                a pause that ends by itself, never a stop, never a loss, never a spin.
 *   9 Clock.     net_now_ns() moves only inside net_wait().
 *  10 Thread.    All calls come from the thread that opened the net, but for net_wake(). An
 *                accepted socket may be adopted by the net of another thread, if it runs the same
 *                transport.
 *
 * docs/design/transport-rules.md says how each falls out of each system.
 */
#ifndef NET_NET_H
#define NET_NET_H

#include <stdbool.h>
#include <stdint.h>

#include <weir/address.h>
#include <weir/error.h>

struct net; /* one per worker */

/* A listener, connection or datagram socket. Never valid again after its NET_CLOSED; generation 0
 * names nothing. */
struct net_handle {
    uint32_t index, generation;
};

/* Memory that the system may touch while a request holds it. The owner may move `bytes` and
 * `length` inside the capacity (to skip a header, say), and use `next` as it likes. */
struct net_buffer {
    uint8_t *bytes;
    uint32_t length;
    uint32_t capacity;
    struct net_buffer *next;
};

/* An accepted socket that no net has adopted yet. Whoever holds it adopts or refuses it. */
struct net_socket {
    uintptr_t os_handle;
    const struct transport *transport; /* that it was accepted by, and that alone may adopt it */
};

enum net_event_kind {
    /* A connection came: socket, peer. */
    NET_ACCEPTED,
    /* Bytes came: buffer, of at least one byte, lent to the owner. */
    NET_RECEIVED,
    /* The peer's end (FIN), after its last byte; once, and under the receiving flow. */
    NET_PEER_DONE,
    /* A datagram came: buffer lent, peer, local. Or (segment_bytes not 0) a train of equal ones
     * laid end to end, of which the last may be shorter. Length 0 is a datagram like any other. */
    NET_DATAGRAM,
    /* Answers net_send (code), or some net_send_to (sent_count, failed_count, code of the first
     * failure). */
    NET_SENT,
    /* Reset, timed out, ...: only net_close is left. At most once, at any time before the close. */
    NET_BROKEN,
    /* Answers net_close: the last event of the handle. */
    NET_CLOSED,
    /* A flow stands still: code says what ran out. It resumes by itself. For scarce buffers, one
     * event stands for all handles that wait. */
    NET_PAUSED,
    /* A datagram did not fit the largest buffer and was dropped: peer. */
    NET_TOO_LARGE,
    /* One or more net_wake() calls came; no handle. */
    NET_WOKEN,
    NET_EVENT_KINDS_COUNT
};

struct net_event {
    enum net_event_kind kind;
    enum weir_code code;
    int os_error;
    uint32_t segment_bytes; /* NET_DATAGRAM */
    struct net_handle handle;
    void *owner;               /* as given when the handle was made */
    struct weir_address peer;  /* NET_ACCEPTED, NET_DATAGRAM, NET_TOO_LARGE */
    struct weir_address local; /* NET_DATAGRAM: the address that the datagram was sent to */
    union {
        struct net_buffer *buffer; /* NET_RECEIVED, NET_DATAGRAM */
        struct net_socket socket;  /* NET_ACCEPTED */
        struct { /* NET_SENT on a datagram socket: how many net_send_to it answers, ... */
            uint32_t sent_count, failed_count;
            /* ... and what those that were sent amount to, trains undone */
            uint32_t sent_datagrams;
            uint64_t sent_bytes;
        };
    };
};

#define NET_SEND_BUFFERS_MAX 16       /* buffers in one net_send */
#define NET_DATAGRAM_BYTES_MAX 65535u /* a datagram's payload never exceeds it */
#define NET_FOREVER UINT64_MAX        /* a deadline that never comes */
#define NET_NONE ((struct net_handle){0, 0})

/* Tests: the network in memory that the simulated transport runs on, see sim.h. */
struct net_simulation;

struct net_options {
    const char *transport;         /* "auto": the best that this system allows; or a name */
    uint32_t stream_buffer_bytes;  /* capacity of one */
    uint32_t stream_buffers_max;   /* the pool grows up to it */
    uint32_t datagram_buffers_max; /* each holds the largest datagram */
    /* handed to the system ahead of data, where it wants that; power of two */
    uint32_t receive_buffers_ready;
    uint32_t datagram_sends_max; /* outstanding on one datagram socket */
    /* what the system is asked to hold for one datagram socket, each way */
    uint32_t datagram_socket_bytes;
    uint32_t handles_max; /* listeners, connections and datagram sockets together */
    /* requests that one commit carries to the system at once; power of two */
    uint32_t queue_entries;
    /* Datagrams that one socket can take at once, where the system wants a buffer posted for each
     * before it comes (RIO); cut to half of datagram_buffers_max. */
    uint32_t datagram_receives;
    /* Of an accepted connection: silence before the system asks the peer whether it is there; 0: it
     * does not ask. A peer that does not answer is NET_BROKEN after about twice the time. */
    uint32_t keepalive_ms;
    bool verify_rio; /* RIO's rules are checked at each call, and a broken one ends the process */
    struct net_simulation *simulation; /* tests: what "simulated" runs on */
};

#define NET_KEEPALIVE_PROBES 4 /* so many questions of keepalive_ms / 4 apart stay unanswered */

#define NET_REFUSED_MAX 4

struct net_info {
    const char *transport; /* what runs */
    /* every worker may listen on the same address; else one listens for all */
    bool listeners_share;
    uint64_t held_bytes_max; /* what one connection may hold after its flow went off (rule 1) */
    uint64_t buffer_bytes;   /* memory of the pools now */
    uint32_t refused_count;  /* better transports that "auto" passed over, best first ... */
    struct {
        const char *transport;
        struct weir_error why;
    } refused[NET_REFUSED_MAX]; /* ... and why */
};

/* How a listener or datagram socket shares its address with the other workers of this process. */
enum net_share {
    NET_SHARE_NOT,   /* alone */
    NET_SHARE_FIRST, /* the first of several; WEIR_ADDRESS_IN_USE if a stranger listens there */
    NET_SHARE_NEXT,  /* another of several, on the address that the first one got */
};

struct net_listen_options {
    struct weir_address address; /* port 0: a free one */
    enum net_share share;
    uint32_t backlog; /* listeners: connections that the system may hold before they are accepted */
};

/* ---- life ---- */

/* Fills in every default. */
void net_options_init(struct net_options *options);

/* Opens the transport named, or with "auto" the first that this system allows. A named one that is
 * not available is an error that says what to do. The net belongs to the calling thread. */
enum weir_code net_open(const struct net_options *options, struct net **opened,
                        struct weir_error *error);

/* Every handle must have been closed and its NET_CLOSED taken, every lent buffer and socket given
 * back. */
void net_free(struct net *net);

struct net_info net_info(const struct net *net);

/* The transports of this build, best first; null after the last. */
const char *net_transport_name(uint32_t index);

/* ---- turn ---- */

/* Commits what was gathered, waits until there is an event or `until_ns` (of net_now_ns; 0: do not
 * wait), and hands out up to `events_max` events. Returns how many; 0 when the time came first, or
 * sooner, for something that was no event in the end: who waits for a time looks at the clock. */
uint32_t net_wait(struct net *net, uint64_t until_ns, struct net_event *events,
                  uint32_t events_max);

uint64_t net_now_ns(const struct net *net);

/* Makes the running or next net_wait() return with NET_WOKEN. Any thread, as long as the net
 * lives. */
void net_wake(struct net *net);

/* ---- streams ---- */

/* Listens for TCP connections; accepting starts off. */
enum weir_code net_listen(struct net *net, const struct net_listen_options *place, void *owner,
                          struct net_handle *handle, struct weir_error *error);

void net_accept(struct net *net, struct net_handle listener, bool on);

/* Makes a connection of an accepted socket; receiving starts off. On failure the socket has been
 * closed. */
enum weir_code net_adopt(struct net *net, struct net_socket socket, void *owner,
                         struct net_handle *handle, struct weir_error *error);

/* Closes an accepted socket that will not be adopted. */
void net_refuse(struct net *net, struct net_socket socket);

/* Switches a connection's or a datagram socket's receiving. */
void net_receive(struct net *net, struct net_handle handle, bool on);

/* Sends the buffers' bytes, in order; the buffers are the request's until NET_SENT, when they are
 * back in the pool. Each holds at least one byte. Not after net_finish, not while another send is
 * outstanding. */
void net_send(struct net *net, struct net_handle connection, struct net_buffer *const *buffers,
              uint32_t count);

/* Says that nothing more will be sent (FIN). No send may be outstanding. Once. */
void net_finish(struct net *net, struct net_handle connection);

/* Ends the handle. What is outstanding is cancelled and answered; what is held is dropped. The
 * batch of events in hand may still name it. Once. */
void net_close(struct net *net, struct net_handle handle);

/* Where the handle is bound, with the port that was really taken. */
struct weir_address net_local_address(struct net *net, struct net_handle handle);

/* ---- datagrams ---- */

/* Opens a datagram socket; receiving starts off. */
enum weir_code net_bind(struct net *net, const struct net_listen_options *place, void *owner,
                        struct net_handle *handle, struct weir_error *error);

/* Sends a datagram, or a train of them (segment_bytes each, the last may be shorter). `local` is
 * the address to send from, as an event gave it. WEIR_OK: the buffer is the request's until
 * NET_SENT counts it. WEIR_NO_ROOM: as many are outstanding as may be, WEIR_NO_BUFFERS: the pool of
 * datagram buffers is spent where it is needed; the buffer then stays the caller's. */
enum weir_code net_send_to(struct net *net, struct net_handle socket,
                           const struct weir_address *peer, const struct weir_address *local,
                           struct net_buffer *buffer, uint32_t segment_bytes);

/* Whether a datagram sent to `address` would come to this socket: the port is its own, and the
 * address too, or one of this machine's for a socket bound to all. Cheap when the port differs. */
bool net_is_own(struct net *net, struct net_handle socket, const struct weir_address *address);

/* ---- buffers ---- */

/* An empty buffer of at least `bytes_min` bytes from the pool; null when the pool has none left. */
struct net_buffer *net_take(struct net *net, uint32_t bytes_min);

/* How many bytes fit behind the content of a buffer that the caller owns. */
uint32_t net_room(const struct net_buffer *buffer);

/* Returns a buffer that the caller owns to the pool. */
void net_give_back(struct net *net, struct net_buffer *buffer);

#endif
