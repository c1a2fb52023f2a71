/* SPDX-License-Identifier: MIT */
/* net.h - the transport interface: the sockets of one thread, as requests and completions.
 *
 *   session layer                            transport (uring, epoll, simulated, rio, iocp)
 *        |  net_receive, net_send, ...  ->         requests, collected
 *        |  net_wait                    ->         submitted together, then waited for
 *        |  <- struct net_event[]                  events, in batches
 *
 * A net (struct net) is one thread's sockets, buffers, requests and events, over one transport. Its
 * pools provide the buffers.
 *
 * This header is the upper side, which the session layer calls. net.c implements it once, for all
 * transports. The lower side is struct transport in transport.h: the functions that a transport
 * provides to net.c. The rules below hold for both together.
 *
 * The transport rules. [checked] means that src/net checks the rule in every build, whichever
 * transport runs: a violation ends the process with a message that names the rule. [suite] means
 * that only tests/contract proves the rule, for each transport.
 *
 *   1 Demand.    No event delivers data or a connection on a handle whose flow (receiving,
 *                accepting) is off [checked]. Flows start off. Data that the system delivers after
 *                "off" is held until "on" or close. For one handle, held data plus data in the
 *                current event batch never exceeds net_info.held_bytes_max [suite].
 *   2 Answer.    Each send of a connection, each close, each end of accepting and each net_connect
 *                is answered by exactly one event: never two [checked], never none [suite]. A send
 *                for which net_send_now() returned true is answered by that.
 *                Only net_wait() hands out events [checked]. One event can answer several datagram
 *                sends: it contains the number of sends that succeeded and of those that failed.
 *                NET_CONNECTED or NET_BROKEN answers net_connect. If net_close comes before the
 *                answer to net_connect or net_stop_accepting, it cancels the attempt or the end of
 *                accepting, and NET_CLOSED answers both calls. Until NET_CONNECTED only net_close
 *                may be called for the handle [checked]. From then on every rule applies to it as
 *                to an adopted connection [suite].
 *   3 Order.     A connection has at most one unanswered send, of 1 to NET_SEND_BUFFERS_MAX
 *                buffers [checked]. A datagram socket has at most datagram_sends_max; net_send_to
 *                returns WEIR_QUEUE_FULL above that.
 *   4 Whole.     A send of a connection has two steps: the system accepts its bytes, and releases
 *                its buffers. WEIR_OK in NET_SENT means that the system has accepted every byte, in
 *                order: the next send may follow. The system releases a buffer when it no longer
 *                needs the buffer. A system that copies the bytes releases the buffers when it
 *                accepts the send. A system that sends from the buffers (RIO, a zero-copy send)
 *                releases them later, when the peer has acknowledged their bytes; NET_RELEASED
 *                counts them. Such a system accepts no further bytes while
 *                stream_unreleased_max_bytes are unreleased [suite]. Any other code in NET_SENT, or
 *                NET_BROKEN, means that the stream is broken, and no later send can succeed
 *                [suite]. NET_SENT counts the bytes that the system accepted, whatever its code. A
 *                connection ends by RST if bytes of a send were lost, if it is closed while bytes
 *                are unreleased, or if net_abort closes it: its peer never sees a FIN, which would
 *                claim that the stream is complete [suite].
 *   5 Owner.     A buffer has one owner: the pool, the caller, or the request that it was passed
 *                to, until the system releases it [checked]. The caller owns a received buffer and
 *                either returns it to the pool or sends it, so echo copies nothing.
 *   6 Commit.    net_wait() submits every collected request before it blocks [suite].
 *   7 Last.      NET_CLOSED comes once, after the answers to all other requests of its handle
 *                [checked]. No later event names the handle, and every buffer is released
 *                [checked]. The system no longer uses the buffers [suite].
 *   8 Scarcity.  Exhaustion of buffers, file descriptors, queue entries or locked memory never
 *                stops the net, drops data, or busy-loops. It causes an error code or a pause that
 *                ends by itself [suite]. A system call that keeps failing is repeated at growing
 *                intervals. Only a permanent failure of the wait ends the net: net_failure().
 *   9 Clock.     net_now_ns() changes only inside net_wait(), and never goes back [checked].
 *  10 Thread.    All calls come from the thread that opened the net, except net_wake() [checked].
 *                An accepted socket can be adopted by the net of another thread, if both run the
 *                same transport [checked].
 *
 * docs/design/transport-rules.md says how each transport implements each rule.
 */
#ifndef NET_NET_H
#define NET_NET_H

#include <stdbool.h>
#include <stdint.h>

#include <weir/error.h>
#include "address.h"

struct net; /* one per worker */

/* Names a listener, connection or datagram socket. Invalid after its NET_CLOSED, forever: a later
 * handle can have the same index, but never the same generation with it. Generation 0 names no
 * handle. */
struct net_handle {
    uint32_t index, generation;
};

/* Memory for received and sent bytes; the system can access it while a request owns it. The owner
 * may change `bytes` and `length` within the capacity (for example to skip a header), and may use
 * `next` for its own lists. */
struct net_buffer {
    uint8_t *bytes;
    uint32_t length;
    uint32_t capacity;
    struct net_buffer *next;
};

/* Bytes of the caller, for net_wrap(). */
struct net_bytes {
    const uint8_t *bytes;
    uint32_t length;
};

/* An accepted socket that no net has adopted yet. Its owner must call net_adopt or net_refuse. */
struct net_socket {
    uintptr_t os_handle;
    const struct transport *transport; /* the one that accepted it; only it can adopt it */
};

enum net_event_kind {
    /* A connection was accepted: socket, peer. */
    NET_ACCEPTED,
    /* Bytes arrived: buffer, of at least one byte; the caller owns it now. */
    NET_RECEIVED,
    /* The peer's FIN arrived, after its last byte. At most once, and only while receiving is on. */
    NET_PEER_DONE,
    /* A datagram arrived: buffer, peer, local; the caller owns the buffer now. If segment_bytes is
     * not 0, the buffer contains a GRO batch: several datagrams of segment_bytes each, the last
     * possibly shorter. A datagram can have length 0. */
    NET_DATAGRAM,
    /* Answers net_send (code), or several net_send_to (sent_count, failed_count, code of the first
     * failure). For a connection, it also counts released bytes and buffers, as NET_RELEASED does.
     */
    NET_SENT,
    /* The system has released bytes or buffers of sends since the last NET_SENT or NET_RELEASED of
     * this connection: released_bytes, released_buffers. Can follow net_close. */
    NET_RELEASED,
    /* The handle failed (reset, timeout, ...), or its net_connect failed (also: refused,
     * unreachable). The owner must then close it, by net_close or net_abort; until then only
     * net_local_address is of use. At most once, and never after NET_CLOSED. If net_wait() fails
     * for good (net_failure), every handle fails. */
    NET_BROKEN,
    /* Answers net_close: the last event of the handle. */
    NET_CLOSED,
    /* Receiving, accepting or sending paused on `handle`; code and os_error say what the system
     * refused. It resumes by itself. One event for each series of consecutive failures. If the pool
     * ran out of buffers, code is WEIR_NO_BUFFERS, os_error is 0, and one event names the first
     * handle that waits, for all of them. */
    NET_PAUSED,
    /* A datagram longer than NET_DATAGRAM_BYTES_MAX was dropped: peer. Only an IPv6 jumbogram (RFC
     * 2675) can be that long. */
    NET_TOO_LARGE,
    /* Connections that the system accepted were lost before NET_ACCEPTED: refused_count. Usually
     * their peers reset them. Can follow net_close of the listener, which also cuts such
     * connections. Never caused by net_refuse(). */
    NET_REFUSED,
    /* Answers net_stop_accepting: no NET_ACCEPTED follows. */
    NET_STOPPED,
    /* Answers net_connect: the connection is established; local, zeroed if the system does not
     * report it. An attempt that failed is answered by NET_BROKEN. */
    NET_CONNECTED,
    /* net_wake() was called, once or more often; no handle. */
    NET_WOKEN,
    NET_EVENT_KINDS_COUNT
};

struct net_event {
    enum net_event_kind kind;
    enum weir_code code;
    int os_error;
    uint32_t segment_bytes; /* NET_DATAGRAM */
    struct net_handle handle;
    void *owner;              /* as passed when the handle was opened */
    struct net_address peer;  /* NET_ACCEPTED, NET_DATAGRAM, NET_TOO_LARGE */
    struct net_address local; /* NET_DATAGRAM: the destination address of the datagram;
                               * NET_CONNECTED: the local address */
    union {
        struct net_buffer *buffer;             /* NET_RECEIVED, NET_DATAGRAM */
        struct net_socket socket;              /* NET_ACCEPTED */
        uint32_t refused_count;                /* NET_REFUSED */
        struct {                               /* NET_SENT of a datagram socket */
            uint32_t sent_count, failed_count; /* net_send_to calls that succeeded, that failed */
            uint32_t sent_datagrams; /* of the successful calls; a GSO batch has several */
        };
        /* NET_SENT and NET_RELEASED of a connection: the buffers that are back in the pool, and the
         * bytes that the system released. If the stream broke, these bytes can be fewer than the
         * bytes in the buffers. */
        struct {
            uint32_t released_buffers, released_bytes;
        };
    };
    /* NET_SENT: the bytes that the system accepted. Of a connection: also if the send failed. Of a
     * datagram socket: the payload bytes of the calls that succeeded. */
    uint64_t sent_bytes;
};

/* How far the bytes of a connection have come. */
struct net_progress {
    /* Bytes that the peer's system has acknowledged (Unix-domain sockets: bytes that the peer has
     * read); on rio and iocp, bytes that the local system has released. Only the difference of two
     * values has a meaning. */
    uint64_t acknowledged_bytes;
    /* Bytes that the system has accepted and that are not yet acknowledged; on rio and iocp, not
     * yet released. */
    uint64_t undelivered_bytes;
};

#define NET_SEND_BUFFERS_MAX 16       /* buffers in one net_send */
#define NET_DATAGRAM_BYTES_MAX 65535u /* largest payload of a datagram */
#define NET_FOREVER UINT64_MAX        /* no deadline */
#define NET_UNIX_PATH_BYTES 110       /* '@' or none, at most 108 bytes of Linux, and a NUL */
#define NET_NONE ((struct net_handle){0, 0})

/* Tests: the network in memory of the simulated transport, see sim.h. */
struct net_simulation;

struct net_options {
    const char *transport;         /* a name, or "auto": the best that this system supports */
    uint32_t stream_buffer_bytes;  /* capacity of one buffer */
    uint32_t stream_buffers_max;   /* the pool grows up to this number */
    uint32_t datagram_buffers_max; /* each holds the largest datagram */
    /* Buffers given to the system before data arrives (uring); a power of two. */
    uint32_t receive_buffers_ready;
    uint32_t datagram_sends_max; /* outstanding on one datagram socket */
    /* Socket buffer size requested for one datagram socket, per direction. */
    uint32_t datagram_socket_bytes;
    uint32_t handles_max; /* listeners, connections and datagram sockets together */
    /* Requests that one commit can submit together (uring); a power of two. */
    uint32_t queue_entries;
    /* Only rio and iocp: receive requests posted per datagram socket, each with a buffer; at most
     * half of datagram_buffers_max. iocp posts at most 128. rio loses datagrams that arrive while
     * none is posted, and locks each buffer in memory. */
    uint32_t datagram_receives;
    /* TCP keepalive of connections: idle time before the first probe; 0 disables it. A
     * peer that does not answer causes NET_BROKEN after about twice this time. */
    uint32_t keepalive_ms;
    /* Bounds on the system's own memory of a connection; 0: the system's tuning applies. unsent:
     * outgoing bytes that the system has accepted and not yet sent (Linux). send, receive: the
     * system's send and receive buffer, including the system's overhead. The system can lower these
     * values (Linux: net.core.wmem_max, net.core.rmem_max). */
    uint32_t stream_unsent_max_bytes;
    uint32_t stream_send_max_bytes;
    uint32_t stream_receive_max_bytes;
    /* Only where the system releases sends later than it accepts them (rio): most unreleased bytes
     * of one connection; at least one buffer. */
    uint32_t stream_unreleased_max_bytes;
    bool verify_rio; /* check the rules of RIO at each call; a violation ends the process */
    /* The net sets it to true when its pools start to occupy more memory; null: not reported. */
    bool *memory_grew;
    /* The net sets it to true when more than busy_max_ns passed between two waits: see
     * net_take_busy_ns(). Null: not reported. */
    bool *was_busy;
    uint64_t busy_max_ns; /* 0: no limit */
    /* A wait asks the system for this long before it sleeps, if the latest waits were shorter: see
     * spin.h. 0: never. */
    uint64_t spin_max_ns;
    /* Histogram of the times between two waits. Its sum_ns contains all of them; its buckets count
     * only those above NET_BUSY_COUNTED_NS. Must outlive the net. Null: not reported. */
    struct histogram *busy_times;
    bool *has_failed;                  /* set to true when net_failure() begins to report one; null:
                                        * not reported */
    struct net_simulation *simulation; /* tests: the network of "simulated" */
};

/* Unanswered probes, keepalive_ms / 4 apart, before NET_BROKEN. Versions of Windows before
 * Windows 10 1709 send 10 probes, keepalive_ms / 10 apart. */
#define NET_KEEPALIVE_PROBES 4

/* Times up to this are too frequent to count each one: see net_options.busy_times. */
#define NET_BUSY_COUNTED_NS UINT64_C(500000)

#define NET_REFUSED_MAX 4 /* entries of net_info.refused */

struct net_info {
    const char *transport; /* the name of the transport that runs */
    /* Whether several workers can listen on the same address. If not, one worker listens for all.
     */
    bool listeners_share;
    bool has_unix;           /* Unix-domain sockets */
    uint64_t held_bytes_max; /* most data held for one handle, see rule 1 */
    uint64_t buffer_bytes;   /* current memory of the pools */
    uint64_t busy_max_ns;    /* longest time from the end of one wait to the start of the next */
    uint64_t spin_hits;      /* waits that found an event before the thread slept: spin_max_ns */
    uint32_t refused_count;  /* better transports that "auto" could not use, best first ... */
    struct {
        const char *transport;
        struct weir_error why;
    } refused[NET_REFUSED_MAX]; /* ... and why */
};

/* How a listener or datagram socket shares its address with the other workers of this process. */
enum net_share {
    NET_SHARE_NOT,   /* not shared */
    NET_SHARE_FIRST, /* the first of several; WEIR_ADDRESS_IN_USE if others listen there */
    NET_SHARE_NEXT,  /* the next of several, on the address that the first one got */
};

struct net_listen_options {
    /* Listeners: null, or the path of a Unix-domain socket, which takes the place of `address`; '@'
     * and a name: in the abstract namespace. Such listeners are never shared (NET_SHARE_NOT), and
     * their connections have no addresses. Only where net_info.has_unix is set. */
    const char *unix_path;
    uint32_t unix_mode;         /* permissions of its file; 0: 0777 & ~umask */
    struct net_address address; /* port 0: the system chooses a free one */
    /* A bound socket of this process, as net_read_inherited() accepts it: the net duplicates it
     * instead of opening one, and never closes it itself. Several nets can accept from the same
     * one. The socket keeps its own backlog and permissions, and its file is never removed. `share`
     * is NET_SHARE_NOT. 0: none. */
    intptr_t inherited;
    enum net_share share;
    uint32_t
        backlog; /* listeners: connections that the system may queue before they are accepted */
};

/* What net_connect() connects to. */
struct net_connect_options {
    const char *unix_path;      /* null, or as in net_listen_options; the net copies it */
    struct net_address address; /* an IPv4-mapped one works also without IPv6 */
};

/* ---- open and free ---- */

/* Sets every option to its default. */
void net_options_init(struct net_options *options);

/* Opens the named transport, or with "auto" the best that this system supports. The net belongs to
 * the calling thread. If the transport is not available, fills in *error, with the reason and a
 * hint. */
enum weir_code net_open(const struct net_options *options, struct net **opened,
                        struct weir_error *error);

/* Frees a net. Before the call, the owner must have received NET_CLOSED for every handle, given
 * back every buffer, and adopted or refused every socket. */
void net_free(struct net *net);

/* Returns a description of the net and its transport. */
struct net_info net_info(const struct net *net);

/* Returns whether only connections of an earlier program occupy this TCP address: it cannot be
 * bound now, no socket of this machine listens on it, and waiting helps. Returns false if the
 * system does not list its listening sockets. Needs no net. Thread: any. */
bool net_address_lingers(const struct net_address *address);

/* A socket that another program bound, and passed to this process. */
struct net_inherited {
    bool is_stream;                      /* a TCP or Unix-domain listener; otherwise a UDP socket */
    struct net_address address;          /* zeroed in the Unix domain */
    char unix_path[NET_UNIX_PATH_BYTES]; /* with a NUL; '@' and a name: abstract; "": no path */
};

/* Describes an inherited socket. Needs no net. Returns WEIR_OK; WEIR_INVALID or WEIR_UNSUPPORTED if
 * the descriptor is not a bound UDP socket, or a listener of TCP or of the Unix domain: *error says
 * why. Thread: any. */
enum weir_code net_read_inherited(intptr_t descriptor, struct net_inherited *inherited,
                                  struct weir_error *error);

/* What the pools of a net hold now, in bytes. */
struct net_memory {
    uint64_t taken_bytes;       /* buffers that the caller or the system uses */
    uint64_t resident_bytes;    /* buffers in memory: taken ones, and free ones used before */
    uint64_t stream_room_bytes; /* stream buffers that can still be taken */
};

struct net_memory net_memory(const struct net *net);

/* Gives the memory of free buffers back to the system, except for about `spare_bytes` of each pool.
 * Where buffers are locked in memory (rio), each pool keeps at least 64 KiB. */
void net_discard(struct net *net, uint64_t spare_bytes);

/* Returns the names of the transports in this build, best first; null after the last. */
const char *net_transport_name(uint32_t index);

/* ---- loop ---- */

/* Submits the collected requests, waits for an event until `until_ns` (of net_now_ns; 0: does not
 * wait), and fills in up to `events_max` events. Returns their number. May return 0 before
 * `until_ns`; callers must check net_now_ns() again. */
uint32_t net_wait(struct net *net, uint64_t until_ns, struct net_event *events,
                  uint32_t events_max);

/* Returns WEIR_OK while the net works. Otherwise net_wait() failed for good: returns the code and
 * fills in `error`, with the next step for an operator. After that, the only events are one
 * NET_BROKEN per handle, the answers to net_close(), and NET_WOKEN. The owner must close every
 * handle and free the net. */
enum weir_code net_failure(const struct net *net, struct weir_error *error);

/* Returns how many events the last net_wait() handed out. */
uint32_t net_events_count(const struct net *net);

/* Returns the monotonic clock, as of the last net_wait(). */
uint64_t net_now_ns(const struct net *net);

/* Reads the clock of net_now_ns() now: to measure how long something takes between two waits. */
uint64_t net_clock_ns(const struct net *net);

/* What the last net_wait() found. */
struct net_time {
    uint64_t now_ns; /* as net_now_ns() */
    /* How late it returned: the time since its deadline, or since its call if the deadline had
     * passed before. 0 if it returned in time or had no deadline. The caller's work between two
     * waits does not count, so a large value means that the thread was stopped. */
    uint64_t late_ns;
};
struct net_time net_time(const struct net *net);

/* Begins to measure the time between two waits. Call it after the first net_wait(): what the caller
 * does before it, such as a wait for an address in use, is not work of an event loop. A second call
 * has no effect. */
void net_start_busy(struct net *net);

/* Replaces net_options.busy_max_ns, from the next wait on. */
void net_set_busy_max(struct net *net, uint64_t busy_max_ns);

/* Replaces net_options.keepalive_ms, for later calls of net_connect() and net_listen(). Connections
 * that exist keep their value. On Linux a connection that an open listener accepts later inherits
 * the value of the listener, so call net_keep_alive() for each listener, too. */
void net_set_keepalive(struct net *net, uint32_t keepalive_ms);

/* Gives an open TCP listener the present net_options.keepalive_ms, for connections that begin
 * later. Has no effect on Windows, where each accepted connection gets the present value anyway,
 * and on the simulated transport, which has no keep-alive. */
void net_keep_alive(struct net *net, struct net_handle listener);

/* Returns the time between the last two waits if it was longer than net_options.busy_max_ns;
 * otherwise 0. Returns each such time only once. Some transports measure it only before waits with
 * a deadline. */
uint64_t net_take_busy_ns(struct net *net);

/* Returns the time (of net_now_ns) by which the owner must call net_wait() again, even if the
 * system reports nothing. 0: now. NET_FOREVER: only when the system reports something. */
uint64_t net_due_ns(struct net *net);

/* Returns a descriptor; -1: the system has none. After a net_wait() that returned no event, poll()
 * reports the descriptor as readable when net_wait() has an event to hand out or must be called
 * again. The net owns it. */
int net_descriptor(struct net *net);

/* Makes the running or the next net_wait() return NET_WOKEN. Thread: any, until net_free(). */
void net_wake(struct net *net);

/* ---- streams ---- */

/* Opens a listener; accepting starts off. A Unix-domain listener replaces a socket file on which no
 * listener is left, and removes its own file when it is closed. If the path is another listener's
 * or another kind of file, returns WEIR_ADDRESS_IN_USE and leaves the file unchanged. */
enum weir_code net_listen(struct net *net, const struct net_listen_options *options, void *owner,
                          struct net_handle *handle, struct weir_error *error);

/* Switches accepting on or off. */
void net_accept(struct net *net, struct net_handle listener, bool on);

/* Ends accepting for good. Connections that the system has accepted already are still handed out,
 * and NET_STOPPED follows the last of them, unless net_close comes before it (rule 2). Call it only
 * while accepting is on, and only once. */
void net_stop_accepting(struct net *net, struct net_handle listener);

/* Opens a connection from an accepted socket; receiving starts off. On failure the socket is
 * closed.
 */
enum weir_code net_adopt(struct net *net, struct net_socket socket, void *owner,
                         struct net_handle *handle, struct weir_error *error);

/* Changes the owner of a connection: later events name the new owner. Events of the current batch
 * still name the former one. */
void net_pass(struct net *net, struct net_handle connection, void *owner);

/* Closes an accepted socket instead of adopting it. */
void net_refuse(struct net *net, struct net_socket socket);

/* Opens a connection to a listener elsewhere; NET_CONNECTED or NET_BROKEN answers it. Receiving
 * starts off. The keepalive and the bounds of net_options apply as to an accepted connection. The
 * net has no time limit of its own, and that of a system is some minutes: the owner calls
 * net_close() when it has waited long enough. Returns a failure, without an event, only if the
 * cause is known immediately: no handle is left (WEIR_NO_ROOM), the system has no descriptor left
 * (WEIR_NO_FILES) or no memory or buffer space, or it does not support this kind of address
 * (WEIR_UNSUPPORTED). */
enum weir_code net_connect(struct net *net, const struct net_connect_options *options, void *owner,
                           struct net_handle *handle, struct weir_error *error);

/* Switches receiving on or off, for a connection or a datagram socket. */
void net_receive(struct net *net, struct net_handle handle, bool on);

/* Sends the bytes of the buffers, in order. The request owns the buffers until the system releases
 * them. Released buffers return to the pool before the NET_SENT or NET_RELEASED that counts them.
 * Each buffer must contain at least one byte. Not allowed after net_finish or while another send is
 * unanswered. */
void net_send(struct net *net, struct net_handle connection, struct net_buffer *const *buffers,
              uint32_t count);

/* As net_send(). Returns true if the system has accepted the send and released all of its buffers
 * already: then no NET_SENT follows, and the next send may. */
bool net_send_now(struct net *net, struct net_handle connection, struct net_buffer *const *buffers,
                  uint32_t count);

/* Sends FIN after the last byte of the answered sends: nothing can be sent afterwards. Call it only
 * once, and not while a send is unanswered. */
void net_finish(struct net *net, struct net_handle connection);

/* Asks the system how far the sent bytes have come. This costs system calls: call it when a timer
 * has expired, not for each send. */
struct net_progress net_progress(struct net *net, struct net_handle connection);

/* Closes the handle: cancels and answers outstanding requests, and discards held data. If the
 * system has accepted and released every byte of the sends, it still delivers them, and then sends
 * FIN. If the close cancels a send, or bytes of an answered send are unreleased, bytes can be lost:
 * then the connection ends by RST, as by net_abort. The current event batch can still name the
 * handle. Call it only once. */
void net_close(struct net *net, struct net_handle handle);

/* Does the same as net_close(), but ends the connection by RST. Bytes that the peer has not
 * received are lost. */
void net_abort(struct net *net, struct net_handle connection);

/* Returns the address that the handle is bound to, with the actual port. The address of a listener
 * or datagram socket is stored when it is opened, so it is also known when the handle is broken.
 * The address of a connection is all zero if the system does not report it. */
struct net_address net_local_address(struct net *net, struct net_handle handle);

/* ---- datagrams ---- */

/* Opens a datagram socket; receiving starts off. */
enum weir_code net_bind(struct net *net, const struct net_listen_options *options, void *owner,
                        struct net_handle *handle, struct weir_error *error);

/* Sends a datagram, or if segment_bytes is not 0, a GSO batch: several datagrams of segment_bytes
 * each, the last possibly shorter. `local` is the source address, taken from a NET_DATAGRAM event.
 * Returns:
 * WEIR_OK          the request owns the buffer until NET_SENT counts it
 * WEIR_QUEUE_FULL  datagram_sends_max are outstanding; the caller keeps the buffer
 * WEIR_NO_BUFFERS  the transport needs a datagram buffer to copy into, and the pool is empty; the
 *                  caller keeps the buffer */
enum weir_code net_send_to(struct net *net, struct net_handle socket,
                           const struct net_address *peer, const struct net_address *local,
                           struct net_buffer *buffer, uint32_t segment_bytes);

/* Returns whether a datagram sent to `address` would arrive at this socket: the port is the same,
 * and the address is the bound one, or any address of this machine if the socket is bound to all.
 * Cheap if the port differs. */
bool net_is_own(struct net *net, struct net_handle socket, const struct net_address *address);

/* ---- buffers ---- */

/* Returns an empty buffer of at least `bytes_min` bytes, owned by the caller; null if the pool is
 * exhausted. */
struct net_buffer *net_take(struct net *net, uint32_t bytes_min);

/* Returns how many stream buffers net_take() can return now, if memory allows. */
uint32_t net_buffers_left(const struct net *net);

/* Returns the number of bytes that fit after the content of a buffer that the caller owns. */
uint32_t net_room(const struct net_buffer *buffer);

/* Makes buffers for net_send() that refer to the caller's memory. They are linked by `next`. Each
 * refers to at most stream_buffer_bytes bytes, and nothing can be appended to it (net_room). The
 * memory must stay unchanged until the last of the buffers is given back or released by the system.
 * Then release(context) runs on this thread, inside a function of the net, so it must not call the
 * net. Returns null, and does not call `release`, if memory is exhausted, or if the transport sends
 * only from its own memory (rio, iocp). Each range has at least one byte. */
struct net_buffer *net_wrap(struct net *net, const struct net_bytes *ranges, uint32_t ranges_count,
                            void (*release)(void *context), void *context);

/* Gives a buffer that the caller owns back to the pool. */
void net_give_back(struct net *net, struct net_buffer *buffer);

#endif
