/* SPDX-License-Identifier: MIT */
/* uring_ring.c - opens an io_uring or reports why it cannot, fills its queue, refills its buffer
 * ring, and enters the kernel. */
#include "uring_ring.h"

#include <errno.h>

#include "check.h"
#include "clock.h"
#include "error_fill.h"
#include "memory.h"

#define URING_RING__COMPLETIONS_PER_ENTRY 8u /* multishot receives complete often for one entry */
#define URING_RING__COMPLETIONS_MAX 65536u   /* the kernel's own limit */
#define URING_RING__FEATURES \
    (IORING_FEAT_NODROP | IORING_FEAT_SUBMIT_STABLE | IORING_FEAT_FAST_POLL | IORING_FEAT_EXT_ARG)

/* What the kernel reads while it takes over an entry, and not later (IORING_FEAT_SUBMIT_STABLE). */
struct uring_ring_message {
    struct msghdr header;
    struct iovec pieces[NET_SEND_BUFFERS_MAX];
};

/* ---- buffers ---- */

/* The kernel has at most this part of the buffers that the pool still has. */
#define URING_RING__ROOM_PART 16u

/* Returns how many buffers the kernel gets. One connection can receive into all of them before it
 * is paused, so they become fewer as the pool empties. */
static uint32_t uring_ring__wanted(const struct uring_ring *ring, const struct pool *pool)
{
    uint32_t most = pool_room(pool) / URING_RING__ROOM_PART + 1;

    return most < ring->provided_max ? most : ring->provided_max;
}

void uring_ring_refill(struct uring_ring *ring, struct pool *pool)
{
    int mask = io_uring_buf_ring_mask(ring->ids_count), added = 0;

    weir_check(ring->provided_count <= ring->provided_max);
    if (ring->provided_count == ring->provided_max) return;
    uint32_t wanted = uring_ring__wanted(ring, pool);
    while (ring->provided_count < wanted) {
        struct net_buffer *buffer = pool_take(pool, POOL_SYSTEM);
        if (!buffer) break;
        uint16_t id = ring->free_ids[ring->ids_count - ring->provided_count - 1];
        weir_check(!ring->by_id[id]);
        ring->by_id[id] = buffer;
        ring->provided_count++;
        io_uring_buf_ring_add(ring->buffer_ring, buffer->bytes, buffer->capacity, id, mask,
                              added++);
    }
    if (added > 0) io_uring_buf_ring_advance(ring->buffer_ring, added);
}

struct net_buffer *uring_ring_claim(struct uring_ring *ring, const struct io_uring_cqe *completion)
{
    uint32_t id = completion->flags >> IORING_CQE_BUFFER_SHIFT;

    if (!(completion->flags & IORING_CQE_F_BUFFER)) return NULL;
    weir_check(id < ring->ids_count);
    struct net_buffer *buffer = ring->by_id[id];
    weir_check_rule(buffer != NULL, "rule 5, the kernel hands out a buffer that it did not have");
    weir_check(ring->provided_count > 0);
    ring->by_id[id] = NULL;
    ring->provided_count--;
    ring->free_ids[ring->ids_count - ring->provided_count - 1] = (uint16_t)id;
    return buffer;
}

/* ---- entries ---- */

struct io_uring_sqe *uring_ring_entry(struct uring_ring *ring)
{
    struct io_uring_sqe *entry = uring_ring_spare_entry(ring);

    if (entry) return entry;
    /* A full queue is submitted immediately, unless completions overflow already. */
    if (io_uring_cq_has_overflow(&ring->io) || io_uring_submit(&ring->io) < 0) return NULL;
    return io_uring_get_sqe(&ring->io);
}

const struct msghdr *uring_ring_message(struct uring_ring *ring, const struct io_uring_sqe *entry,
                                        const struct net_buffer *first)
{
    struct uring_ring_message *message = &ring->messages[entry - ring->io.sq.sqes];
    size_t count = 0;

    weir_check(first != NULL);
    for (const struct net_buffer *buffer = first; buffer; buffer = buffer->next) {
        weir_check(count < NET_SEND_BUFFERS_MAX);
        message->pieces[count++] =
            (struct iovec){.iov_base = buffer->bytes, .iov_len = buffer->length};
    }
    message->header = (struct msghdr){.msg_iov = message->pieces, .msg_iovlen = count};
    return &message->header;
}

/* ---- entering the kernel ---- */

static int uring_ring__wait(struct uring_ring *ring, uint64_t now_ns, uint64_t until_ns)
{
    struct io_uring_cqe *completion;
    struct __kernel_timespec span;

    if (until_ns == NET_FOREVER)
        return io_uring_submit_and_wait_timeout(&ring->io, &completion, 1, NULL, NULL);
    if (now_ns >= until_ns) return io_uring_submit_and_get_events(&ring->io);
    span.tv_sec = (long long)((until_ns - now_ns) / UINT64_C(1000000000));
    span.tv_nsec = (long long)((until_ns - now_ns) % UINT64_C(1000000000));
    return io_uring_submit_and_wait_timeout(&ring->io, &completion, 1, &span, NULL);
}

int uring_ring_enter(struct uring_ring *ring, uint64_t now_ns, uint64_t until_ns)
{
    /* Completions that the queue had no room for wait in the kernel; entering brings them. */
    int result = until_ns == 0 ? io_uring_submit_and_get_events(&ring->io)
                               : uring_ring__wait(ring, now_ns, until_ns);
    if (result >= 0 || result == -ETIME) return 0;
    return -result; /* EBADR: the kernel had no memory for a completion, and lost it */
}

/* ---- open, free ---- */

static enum weir_code uring_ring__refused(int os_error, struct weir_error *error)
{
    const char *reason = "the system refused it", *hint = "use --transport epoll";
    enum weir_code code = error_code_of_os(os_error);

    switch (os_error) {
    case EPERM:
    case EACCES:
        reason = "forbidden by sysctl kernel.io_uring_disabled or by a seccomp filter";
        hint = "use --transport epoll, or set kernel.io_uring_disabled to 0 and let the "
               "container's profile pass it";
        break;
    case ENOSYS:
        reason = "this kernel has none, or a seccomp filter hides it";
        hint = "use --transport epoll, or a kernel from 6.1 on";
        break;
    case EINVAL:
        reason = "this kernel's is too old";
        hint = "use --transport epoll, or a kernel from 6.1 on";
        code = WEIR_UNSUPPORTED;
        break;
    case ENOMEM:
        reason = "out of memory, or above the limit of locked memory";
        hint = "use --transport epoll, raise the limit with 'ulimit -l', or lower queue_entries";
        break;
    case EMFILE:
    case ENFILE:
        reason = NULL;
        hint = error_os_hint(os_error);
        break;
    default: break;
    }
    return error_fill(error, code, os_error, "use io_uring", NULL, reason, hint);
}

/* Returns 0 or the system's error number. */
static int uring_ring__set_up(struct uring_ring *ring, const struct net_options *options)
{
    /* Best first: completions are worked off only when we ask for them, or at least without
     * interrupting us. */
    static const unsigned modes[] = {IORING_SETUP_DEFER_TASKRUN, IORING_SETUP_COOP_TASKRUN};
    uint64_t completions = (uint64_t)options->queue_entries * URING_RING__COMPLETIONS_PER_ENTRY;
    int result = 0;

    weir_check(!ring->io_open);
    if (completions > URING_RING__COMPLETIONS_MAX) completions = URING_RING__COMPLETIONS_MAX;
    for (size_t i = 0; i < weir_count_of(modes); i++) {
        struct io_uring_params params = {
            .flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_CQSIZE |
                     IORING_SETUP_R_DISABLED | modes[i],
            .cq_entries = (uint32_t)completions,
        };
        result = io_uring_queue_init_params(options->queue_entries, &ring->io, &params);
        if (result == -EINVAL) continue;
        ring->io_open = result == 0;
        if (result == 0 && (params.features & URING_RING__FEATURES) != URING_RING__FEATURES)
            return EINVAL;
        break;
    }
    return -result;
}

/* Enables the ring for the requests that this transport makes, and no others: a fault in the
 * process cannot make the kernel open files through it. Such requests would pass every seccomp
 * filter. The numbers are those that the io_uring_prep_ functions of uring*.c use. Returns 0 or the
 * system's error number. */
static int uring_ring__enable(struct uring_ring *ring)
{
    static const uint8_t requests[] = {
        IORING_OP_ACCEPT, IORING_OP_ASYNC_CANCEL, IORING_OP_CONNECT, IORING_OP_POLL_ADD,
        IORING_OP_RECV,   IORING_OP_SEND,         IORING_OP_SENDMSG};
    static const uint8_t registrations[] = {IORING_REGISTER_ENABLE_RINGS, IORING_REGISTER_EVENTFD,
                                            IORING_REGISTER_RING_FDS, IORING_UNREGISTER_RING_FDS,
                                            IORING_UNREGISTER_PBUF_RING};
    struct io_uring_restriction
        allowed[weir_count_of(requests) + weir_count_of(registrations) + 1] = {
            {.opcode = IORING_RESTRICTION_SQE_FLAGS_ALLOWED, .sqe_flags = UINT8_MAX}};
    unsigned count = 1;

    for (size_t i = 0; i < weir_count_of(requests); i++)
        allowed[count++] = (struct io_uring_restriction){.opcode = IORING_RESTRICTION_SQE_OP,
                                                         .sqe_op = requests[i]};
    for (size_t i = 0; i < weir_count_of(registrations); i++)
        allowed[count++] = (struct io_uring_restriction){.opcode = IORING_RESTRICTION_REGISTER_OP,
                                                         .register_op = registrations[i]};
    /* liburing 2.3 does not export its functions for these two requests. */
    int fd = ring->io.ring_fd, result;
    result = io_uring_register((unsigned)fd, IORING_REGISTER_RESTRICTIONS, allowed, count);
    if (result == 0)
        result = io_uring_register((unsigned)fd, IORING_REGISTER_ENABLE_RINGS, NULL, 0);
    return result < 0 ? -result : 0;
}

static int uring_ring__set_up_buffers(struct uring_ring *ring, const struct net_options *options)
{
    uint32_t ids = options->receive_buffers_ready, half = (options->stream_buffers_max + 1) / 2;

    weir_check((ids & (ids - 1)) == 0);
    weir_check(ids <= UINT16_MAX); /* a buffer's id has 16 bits */
    ring->ids_count = ids;
    ring->provided_max = ids < half ? ids : half; /* sends need buffers, too */
    ring->buffer_ring_bytes = ids * sizeof(struct io_uring_buf);
    ring->buffer_ring = memory_pages(ring->buffer_ring_bytes);
    ring->by_id = memory_alloc_array(ids, sizeof(struct net_buffer *));
    ring->free_ids = memory_alloc_array(ids, sizeof ring->free_ids[0]);
    if (!ring->buffer_ring || !ring->by_id || !ring->free_ids) return ENOMEM;
    for (uint32_t i = 0; i < ids; i++) ring->free_ids[i] = (uint16_t)(ids - i - 1);
    io_uring_buf_ring_init(ring->buffer_ring);
    struct io_uring_buf_reg registration = {
        .ring_addr = (uintptr_t)ring->buffer_ring,
        .ring_entries = ids,
        .bgid = URING_RING_BUFFER_GROUP,
    };
    int result = io_uring_register_buf_ring(&ring->io, &registration, 0);
    ring->buffer_ring_registered = result == 0;
    return -result;
}

enum weir_code uring_ring_open(struct uring_ring *ring, const struct net_options *options,
                               struct weir_error *error)
{
    *ring = (struct uring_ring){0};
    int os_error = uring_ring__set_up(ring, options);
    if (os_error == 0) os_error = uring_ring__set_up_buffers(ring, options);
    if (os_error == 0) os_error = uring_ring__enable(ring);
    if (os_error == 0) {
        ring->messages_bytes = options->queue_entries * sizeof ring->messages[0];
        ring->messages = memory_pages(ring->messages_bytes);
        if (!ring->messages) os_error = ENOMEM;
    }
    if (os_error == 0) { /* a filter may forbid entering alone */
        int result = io_uring_get_events(&ring->io);
        if (result == -EPERM || result == -EACCES || result == -ENOSYS) os_error = -result;
    }
    if (os_error == 0) {
        io_uring_register_ring_fd(
            &ring->io); /* a little faster; where it is refused, all works without */
        return WEIR_OK;
    }
    uring_ring_free(ring);
    return uring_ring__refused(os_error, error);
}

void uring_ring_free(struct uring_ring *ring)
{
    if (ring->buffer_ring_registered)
        io_uring_unregister_buf_ring(&ring->io, URING_RING_BUFFER_GROUP);
    if (ring->io_open) io_uring_queue_exit(&ring->io);
    for (uint32_t i = 0; ring->by_id && i < ring->ids_count; i++) {
        if (!ring->by_id[i]) continue;
        pool_give_back(ring->by_id[i], POOL_SYSTEM);
        ring->provided_count--;
    }
    weir_check(ring->provided_count == 0);
    memory_free(ring->free_ids);
    memory_free(ring->by_id);
    if (ring->buffer_ring) memory_pages_free(ring->buffer_ring, ring->buffer_ring_bytes);
    if (ring->messages) memory_pages_free(ring->messages, ring->messages_bytes);
    *ring = (struct uring_ring){0};
}
