/* SPDX-License-Identifier: MIT */
/* scripted_rio_queue.c - RIO's request queues: their room, what may be posted, deferring, the end.
 *
 *      the room of a queue in its completion queues:  taken when it is made -> its socket is closed
 *      -> a while, and all its results were dequeued -> free again (contract Q3, Q11)
 *
 * A deferred request is begun by a commit of its direction, or before that when the seed says so; it
 * counts from the post until its result was dequeued.
 */
#include "check.h"
#include "scripted_system.h"
#include "wall.h"

#define SCRIPTED_RQ__EARLY_NS UINT64_C(50000)
#define SCRIPTED_RQ__RELEASE_NS (20 * WALL_NS_PER_MS)
#define SCRIPTED_RQ__LATE_NS (1000 * WALL_NS_PER_MS)

/* ---- making ---- */

static struct scripted_rq *scripted_rq__of(rio_rq id)
{
    struct scripted_rq *rq = (struct scripted_rq *)(void *)id;

    weir_check_rule(rq != NULL, "a request is posted on no queue at all");
    weir_check_rule(!rq->closed, "a request queue is used after its socket was closed");
    return rq;
}

static bool scripted_rq__has_room(struct scripted_cq *const cqs[2], const uint32_t more[2])
{
    uint64_t receives = more[0], sends = more[1];

    if (cqs[0] == cqs[1]) return cqs[0]->reserved + receives + sends <= cqs[0]->size;
    return cqs[0]->reserved + receives <= cqs[0]->size && cqs[1]->reserved + sends <= cqs[1]->size;
}

/* What speaks against a queue on that socket; 0: nothing. */
static int scripted_rq__refusal(uintptr_t handle, bool is_sound, struct scripted_cq *const cqs[2],
                                const uint32_t max[2])
{
    const struct scripted_socket *socket = scripted_socket_find(handle);
    int os_error = scripted_fails(SCRIPTED_RIO_CREATE_RQ);

    if (os_error != 0) return os_error;
    if (!is_sound || !cqs[0] || !cqs[1] || max[0] + max[1] == 0) return WIN_EINVAL;
    if (!socket) return WIN_ENOTSOCK;
    weir_check_rule(!socket->rq, "a second request queue on one socket");
    weir_check_rule(socket->state != SCRIPTED_ACCEPTED,
                    "a request queue on an accepted socket before SO_UPDATE_ACCEPT_CONTEXT");
    if (socket->state != (socket->stream ? SCRIPTED_CONNECTED : SCRIPTED_BOUND)) return WIN_EINVAL;
    if (scripted_rq__has_room(cqs, max)) return 0;
    scripted_here()->counts.rooms_late++;
    return WIN_ENOBUFS;
}

rio_rq scripted_create_rq(uintptr_t handle, uint32_t receives_max, uint32_t receive_pieces_max,
                          uint32_t sends_max, uint32_t send_pieces_max, rio_cq receive_cq,
                          rio_cq send_cq, void *socket_context)
{
    struct scripted *system = scripted_here();
    struct scripted_cq *cqs[2] = {scripted_cq_of(receive_cq), scripted_cq_of(send_cq)};
    const uint32_t max[2] = {receives_max, sends_max};
    int os_error = scripted_rq__refusal(handle, receive_pieces_max == 1 && send_pieces_max == 1,
                                        cqs, max);

    if (os_error != 0) {
        scripted_refuse(os_error);
        return RIO_NO_RQ;
    }
    struct scripted_rq *rq = wire_memory(1, sizeof *rq);
    list_init(&rq->listed);
    list_add_last(&system->rqs, &rq->listed);
    rq->socket = scripted_socket_of(handle);
    rq->socket->rq = rq;
    rq->context = (uintptr_t)socket_context;
    for (int i = 0; i < 2; i++) {
        rq->cqs[i] = cqs[i];
        rq->max[i] = max[i];
        cqs[i]->reserved += max[i];
    }
    system->counts.rqs_open++;
    return (rio_rq)(void *)rq;
}

rio_bool scripted_resize_rq(rio_rq id, uint32_t receives_max, uint32_t sends_max)
{
    struct scripted_rq *rq = scripted_rq__of(id);
    const uint32_t max[2] = {receives_max, sends_max};
    int os_error = scripted_fails(SCRIPTED_RIO_RESIZE_RQ);

    if (os_error != 0) return scripted_refuse(os_error);
    if (receives_max + sends_max == 0) return scripted_refuse(WIN_EINVAL);
    if (receives_max < rq->charged[0] || sends_max < rq->charged[1])
        return scripted_refuse(WIN_ETOOMANYREFS);
    for (int i = 0; i < 2; i++) rq->cqs[i]->reserved -= rq->max[i];
    bool has_room = scripted_rq__has_room(rq->cqs, max);
    for (int i = 0; i < 2; i++) {
        if (has_room) rq->max[i] = max[i];
        rq->cqs[i]->reserved += rq->max[i];
    }
    return has_room || scripted_refuse(WIN_ENOBUFS);
}

/* ---- posting ---- */

struct scripted_post {
    const struct rio_piece *pieces[SCRIPTED_PARTS_COUNT];
    uint32_t count, flags;
    void *context;
};

/* The memory that a piece names. A send has its registrations for itself alone (contract B7). */
static int scripted_rq__slice(const struct rio_piece *piece, enum scripted_kind kind,
                              struct scripted_slice *slice)
{
    struct scripted_registration *registration =
        (struct scripted_registration *)(void *)piece->id;

    if (piece->id == RIO_NO_BUFFER || !registration || registration->dead) return WIN_EFAULT;
    if ((uint64_t)piece->offset + piece->length > registration->length)
        return scripted_draw(2) == 0 ? WIN_EINVAL : WIN_EFAULT;
    weir_check_rule(kind == SCRIPTED_RECEIVE || registration->uses == 0,
                    "a send names a registration that another request names");
    weir_check_rule(registration->sends == 0,
                    "a request names a registration that a send in flight names");
    *slice = (struct scripted_slice){registration->bytes + piece->offset, piece->length,
                                     registration};
    return 0;
}

static int scripted_rq__slices(struct scripted_request *request, const struct scripted_post *post)
{
    for (int i = 0; i < SCRIPTED_PARTS_COUNT; i++) {
        if (!post->pieces[i]) continue;
        int os_error =
            scripted_rq__slice(post->pieces[i], request->line->kind, &request->parts[i]);
        if (os_error != 0) return os_error;
    }
    return 0;
}

static int scripted_rq__check_datagram(const struct scripted_post *post, enum scripted_kind kind)
{
    const struct rio_piece *remote = post->pieces[SCRIPTED_REMOTE];
    const struct rio_piece *local = post->pieces[SCRIPTED_LOCAL];
    const struct rio_piece *control = post->pieces[SCRIPTED_CONTROL];

    if (remote && remote->length < sizeof(struct win_sockaddr)) return WIN_EINVAL;
    if (local && (kind == SCRIPTED_SEND || local->length < sizeof(struct win_sockaddr)))
        return WIN_EINVAL;
    if (control && control->length < WIN_CONTROL_BASE_BYTES) return WIN_EINVAL;
    return 0;
}

/* What is wrong with the arguments; 0: nothing. */
static int scripted_rq__check_post(const struct scripted_rq *rq, enum scripted_kind kind,
                                   const struct scripted_post *post)
{
    uint32_t known = RIO_DONT_NOTIFY | RIO_DEFER;

    if (rq->socket->stream && kind == SCRIPTED_RECEIVE) known |= RIO_WAITALL;
    if ((post->flags & ~known) != 0 || post->count > 1) return WIN_EINVAL;
    if ((post->count == 1) != (post->pieces[SCRIPTED_DATA] != NULL)) return WIN_EINVAL;
    if (rq->socket->stream) {
        for (int i = SCRIPTED_LOCAL; i < SCRIPTED_PARTS_COUNT; i++)
            if (post->pieces[i]) return WIN_EINVAL;
        if (post->count == 0 || post->pieces[SCRIPTED_DATA]->length == 0) return WIN_EINVAL;
    } else {
        int os_error = scripted_rq__check_datagram(post, kind);
        if (os_error != 0) return os_error;
    }
    return rq->charged[kind] < rq->max[kind] ? 0 : WIN_ENOBUFS;
}

/* A control slice of a send is one RIO_CMSG_BUFFER, exactly. */
static void scripted_rq__check_control(const struct scripted_request *request)
{
    const struct scripted_slice *control = &request->parts[SCRIPTED_CONTROL];
    uint32_t total;

    if (request->line->kind != SCRIPTED_SEND || !control->bytes) return;
    scripted_slice_read(control, 0, &total, sizeof total);
    weir_check_rule(total == control->length,
                    "a RIO_CMSG_BUFFER to be sent is as long as its piece says");
}

/* Somebody did not wait for a short answer: he has no need to know, the rest goes out first. */
static void scripted_rq__mend_short(struct scripted_rq *rq)
{
    struct scripted_request *request = rq->cut_short;
    const struct scripted_slice *data;

    rq->cut_short = NULL;
    if (!request) return;
    data = &request->parts[SCRIPTED_DATA];
    weir_check(rq->socket->tail_bytes == 0);
    wire_memory_free(rq->socket->tail);
    rq->socket->tail_bytes = data->length - request->done_bytes;
    rq->socket->tail = wire_memory(rq->socket->tail_bytes, 1);
    scripted_slice_read(data, request->done_bytes, rq->socket->tail, rq->socket->tail_bytes);
    request->done_bytes = data->length;
    if (!request->line) scripted_cq_correct(rq->cqs[SCRIPTED_SEND], request);
}

/* ---- starting ---- */

void scripted_line_start(struct scripted_line *line)
{
    struct list *node;

    if (list_is_empty(&line->deferred)) return;
    while ((node = list_take_first(&line->deferred)) != NULL) list_add_last(&line->waiting, node);
    scripted_serve(line->socket);
}

static void scripted_rq__start_early(struct wire_timer *timer)
{
    struct scripted_line *line = weir_container_of(timer, struct scripted_line, early);

    if (list_is_empty(&line->deferred)) return;
    scripted_here()->counts.requests_early++;
    scripted_line_start(line);
}

/* It may begin at once, or in a while, or not before it is committed. */
static void scripted_rq__defer(struct scripted_line *line)
{
    switch (scripted_draw(4)) {
    case 0: scripted_rq__start_early(&line->early); break;
    case 1:
        if (line->early.place == 0)
            wire_timer_set(scripted_here()->simulation, &line->early,
                           scripted_draw(SCRIPTED_RQ__EARLY_NS), scripted_rq__start_early);
        break;
    default: break;
    }
}

static rio_bool scripted_rq__commit(struct scripted_line *line, const struct scripted_post *post)
{
    int os_error = scripted_fails(SCRIPTED_RIO_COMMIT);

    if (os_error != 0) return scripted_refuse(os_error);
    for (int i = 0; i < SCRIPTED_PARTS_COUNT; i++)
        if (post->pieces[i]) return scripted_refuse(WIN_EINVAL);
    if (post->count != 0 || post->context) return scripted_refuse(WIN_EINVAL);
    scripted_line_start(line);
    return true;
}

static void scripted_rq__accept(struct scripted_rq *rq, struct scripted_request *request)
{
    struct scripted_line *line = request->line;

    for (int i = 0; i < SCRIPTED_PARTS_COUNT; i++) {
        if (!request->parts[i].registration) continue;
        request->parts[i].registration->uses++;
        if (line->kind == SCRIPTED_SEND) request->parts[i].registration->sends++;
    }
    scripted_slices_hold(request);
    scripted_rq__check_control(request);
    rq->charged[line->kind]++;
    if (line->kind == SCRIPTED_SEND) scripted_rq__mend_short(rq);
    list_add_last(&line->deferred, &request->listed);
    if ((request->flags & RIO_DEFER) == 0)
        scripted_line_start(line);
    else
        scripted_rq__defer(line);
}

static rio_bool scripted_rq__post(rio_rq id, enum scripted_kind kind,
                                  const struct scripted_post *post)
{
    struct scripted_rq *rq = scripted_rq__of(id);

    if (post->flags == RIO_COMMIT_ONLY) return scripted_rq__commit(&rq->socket->lines[kind], post);
    int failed = scripted_fails(kind == SCRIPTED_SEND ? SCRIPTED_RIO_SEND : SCRIPTED_RIO_RECEIVE);
    if (failed != 0 && failed != WIN_IO_PENDING) return scripted_refuse(failed);
    int os_error = scripted_rq__check_post(rq, kind, post);
    if (os_error != 0) return scripted_refuse(os_error);
    struct scripted_request *request = scripted_request_new(rq->socket, kind);
    os_error = scripted_rq__slices(request, post);
    if (os_error != 0) {
        scripted_request_free(request);
        return scripted_refuse(os_error);
    }
    request->rq = rq;
    request->flags = post->flags;
    request->context = (uintptr_t)post->context;
    scripted_rq__accept(rq, request);
    return failed == 0 || scripted_refuse(failed); /* begun, and the call says it was not */
}

rio_bool scripted_rio_receive(rio_rq rq, const struct rio_piece *data, uint32_t count,
                              uint32_t flags, void *context)
{
    return scripted_rq__post(rq, SCRIPTED_RECEIVE,
                             &(struct scripted_post){{data}, count, flags, context});
}

int scripted_rio_receive_ex(rio_rq rq, const struct rio_piece *data, uint32_t count,
                            const struct rio_piece *local, const struct rio_piece *remote,
                            const struct rio_piece *control, const struct rio_piece *out_flags,
                            uint32_t flags, void *context)
{
    return scripted_rq__post(
        rq, SCRIPTED_RECEIVE,
        &(struct scripted_post){{data, local, remote, control, out_flags}, count, flags, context});
}

rio_bool scripted_rio_send(rio_rq rq, const struct rio_piece *data, uint32_t count, uint32_t flags,
                           void *context)
{
    return scripted_rq__post(rq, SCRIPTED_SEND,
                             &(struct scripted_post){{data}, count, flags, context});
}

rio_bool scripted_rio_send_ex(rio_rq rq, const struct rio_piece *data, uint32_t count,
                              const struct rio_piece *local, const struct rio_piece *remote,
                              const struct rio_piece *control, const struct rio_piece *out_flags,
                              uint32_t flags, void *context)
{
    return scripted_rq__post(
        rq, SCRIPTED_SEND,
        &(struct scripted_post){{data, local, remote, control, out_flags}, count, flags, context});
}

/* ---- the end ---- */

static void scripted_rq__release(struct scripted_rq *rq)
{
    if (!rq->release_due || rq->released || rq->charged[0] + rq->charged[1] > 0) return;
    rq->released = true;
    for (int i = 0; i < 2; i++) {
        weir_check(rq->cqs[i]->reserved >= rq->max[i]);
        rq->cqs[i]->reserved -= rq->max[i];
    }
    scripted_mark(SCRIPTED_MARK_RELEASED, rq->max[0], rq->max[1]);
}

static void scripted_rq__release_due(struct wire_timer *timer)
{
    struct scripted_rq *rq = weir_container_of(timer, struct scripted_rq, release);

    rq->release_due = true;
    scripted_rq__release(rq);
}

void scripted_rq_close(struct scripted_rq *rq)
{
    struct scripted *system = scripted_here();
    uint64_t delay_ns = scripted_draw(SCRIPTED_RQ__RELEASE_NS);

    if (scripted_odds(system->faults.release_late))
        delay_ns = SCRIPTED_RQ__LATE_NS + scripted_draw(4 * SCRIPTED_RQ__LATE_NS);
    rq->closed = true;
    rq->cut_short = NULL;
    system->counts.rqs_open--;
    wire_timer_set(system->simulation, &rq->release, delay_ns, scripted_rq__release_due);
}

void scripted_rq_refund(struct scripted_request *request)
{
    struct scripted_rq *rq = request->rq;

    weir_check(rq->charged[request->kind] > 0);
    rq->charged[request->kind]--;
    if (rq->cut_short == request) rq->cut_short = NULL;
    scripted_rq__release(rq);
}
