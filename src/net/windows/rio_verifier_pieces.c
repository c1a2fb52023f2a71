/* SPDX-License-Identifier: MIT */
/* rio_verifier_pieces.c - checks registrations, and that no bytes of a pending request are used or
 * changed (VV2 to VV5). It owns one record per registration; the caller owns the registered memory.
 */

#include "atomic.h"
#include "memory.h"
#include "rio_verifier.h"
#include "thread_local.h"
#include "win_error.h"

#define VERIFIED__BUFFER_MAGIC 0x56425546u
#define VERIFIED__HASHED_BYTES 2048u /* hashed at each end of a longer piece */
#define VERIFIED__TAIL_BYTES 64u     /* hashed at the end of a receive: a short result keeps them */

static const struct win_system *verified__system;
static const struct rio_table *verified__under;
static _Atomic uint32_t verified__buffers_count;

void verified_buffers_open(const struct win_system *system, const struct rio_table *under)
{
    verified__system = system;
    verified__under = under;
}

/* ---- registrations ---- */

rio_buffer_id RIO_CALL verified_register(void *bytes, uint32_t length)
{
    struct verified_buffer *buffer = memory_alloc(sizeof *buffer);

    if (!buffer) {
        verified__system->set_last_error(WIN_ENOBUFS);
        return RIO_NO_BUFFER;
    }
    buffer->magic = VERIFIED__BUFFER_MAGIC;
    buffer->under = verified__under->register_buffer(bytes, length);
    buffer->bytes = bytes;
    buffer->length = length;
    if (buffer->under != RIO_NO_BUFFER) {
        atomic_fetch_add(&verified__buffers_count, 1);
        return (rio_buffer_id)(void *)buffer;
    }
    memory_free(buffer);
    return RIO_NO_BUFFER;
}

static struct verified_buffer *verified__buffer(rio_buffer_id id)
{
    struct verified_buffer *buffer = (struct verified_buffer *)(void *)id;

    verified_must(id != RIO_NO_BUFFER && buffer, 3, "a piece names no registration");
    verified_must(buffer->magic == VERIFIED__BUFFER_MAGIC, 3,
                  "a piece names an invalid registration");
    verified_must(!buffer->is_dead, 3, "a piece names a registration that was deregistered");
    return buffer;
}

uint32_t verified_buffers_count(void)
{
    return atomic_load(&verified__buffers_count);
}

/* Keeps a deregistered record in memory for a while, so that its use is reported. */
static void verified__retire(struct verified_buffer *buffer)
{
    enum { RETIRED_MAX = 1024 };
    static THREAD_LOCAL struct verified_buffer *retired[RETIRED_MAX];
    static THREAD_LOCAL uint32_t next;

    memory_free(retired[next]);
    retired[next] = NULL;
    buffer->is_dead = true;
    if (verified_buffers_count() == 0) { /* the last one: free all records, so that none leaks */
        for (uint32_t i = 0; i < RETIRED_MAX; i++) {
            memory_free(retired[i]);
            retired[i] = NULL;
        }
        memory_free(buffer);
        return;
    }
    retired[next] = buffer;
    next = (next + 1) % RETIRED_MAX;
}

void RIO_CALL verified_deregister(rio_buffer_id id)
{
    if (id == RIO_NO_BUFFER) return;
    struct verified_buffer *buffer = (struct verified_buffer *)(void *)id;
    verified_must(buffer->magic == VERIFIED__BUFFER_MAGIC && !buffer->is_dead, 4,
                  "a registration is deregistered twice");
    verified_must(
        !buffer->pending, 4,
        "a registration is deregistered while a request names it: dequeue its completion first");
    verified__under->deregister(buffer->under);
    atomic_fetch_sub(&verified__buffers_count, 1);
    verified__retire(buffer);
}

/* ---- pieces ---- */

/* FNV-1a. */
static uint64_t verified__hash(uint64_t hash, const uint8_t *bytes, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) hash = (hash ^ bytes[i]) * UINT64_C(0x100000001b3);
    return hash;
}

static uint64_t verified__hash_of(const struct verified_piece *piece)
{
    const uint8_t *bytes = piece->buffer->bytes + piece->offset;
    uint32_t length = piece->length, each = VERIFIED__HASHED_BYTES;
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    if (!piece->request->is_send) { /* only the system may change it, from the front */
        uint32_t tail = length < VERIFIED__TAIL_BYTES ? length : VERIFIED__TAIL_BYTES;
        return verified__hash(hash, bytes + (length - tail), tail);
    }
    if (length <= 2 * each) return verified__hash(hash, bytes, length);
    return verified__hash(verified__hash(hash, bytes, each), bytes + (length - each), each);
}

static void verified__check_overlap(const struct verified_piece *piece)
{
    for (const struct verified_piece *other = piece->buffer->pending; other; other = other->next) {
        if (other->request == piece->request) continue;
        verified_must(!other->request->is_send, 2,
                      "another request names a registration with a pending send: use one "
                      "registration per send");
        verified_must(
            !piece->request->is_send, 2,
            "a send names a registration with a pending request: use one registration per "
            "send");
        verified_must(piece->offset >= other->offset + other->length ||
                          other->offset >= piece->offset + piece->length,
                      2, "two pending receives name the same bytes");
    }
}

const struct rio_piece *verified_piece(struct verified_request *request, int index,
                                       const struct rio_piece *piece, struct rio_piece *under)
{
    struct verified_piece *mine = &request->pieces[index];

    mine->buffer = NULL;
    if (!piece) return NULL;
    struct verified_buffer *buffer = verified__buffer(piece->id);
    verified_must((uint64_t)piece->offset + piece->length <= buffer->length, 3,
                  "a piece ends after its registration");
    *mine = (struct verified_piece){
        .request = request, .buffer = buffer, .offset = piece->offset, .length = piece->length};
    verified__check_overlap(mine);
    *under = (struct rio_piece){buffer->under, piece->offset, piece->length};
    return under;
}

void verified_pieces_begin(struct verified_request *request)
{
    for (int i = 0; i < VERIFIED_PIECES_MAX; i++) {
        struct verified_piece *piece = &request->pieces[i];
        if (!piece->buffer) continue;
        piece->hash = verified__hash_of(piece);
        piece->next = piece->buffer->pending;
        piece->buffer->pending = piece;
    }
}

/* Whether the hashed bytes of a piece must be the same at the completion. A receive is checked if
 * its result did not reach the hashed bytes of its data piece. */
static bool verified__keeps_bytes(const struct verified_request *request, int index, uint32_t bytes)
{
    const struct verified_piece *piece = &request->pieces[index];

    if (request->is_send) return index != VERIFIED_PIECE_CONTROL;
    return index == 0 && (uint64_t)bytes + VERIFIED__TAIL_BYTES <= piece->length;
}

void verified_pieces_end(struct verified_request *request, uint32_t bytes)
{
    for (int i = 0; i < VERIFIED_PIECES_MAX; i++) {
        struct verified_piece *piece = &request->pieces[i];
        if (!piece->buffer) continue;
        struct verified_piece **link = &piece->buffer->pending;
        while (*link != piece) link = &(*link)->next;
        *link = piece->next;
        bool same = verified__keeps_bytes(request, i, bytes);
        verified_must(!same || verified__hash_of(piece) == piece->hash, 5,
                      "the bytes of a pending request were changed: do not write to them before "
                      "its completion is dequeued");
        piece->buffer = NULL;
    }
}
