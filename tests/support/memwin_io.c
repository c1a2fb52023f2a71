/* SPDX-License-Identifier: MIT */
/* memwin_io.c - the simulated Windows's overlapped I/O. */
#include <string.h>

#include "address.h"
#include "memwin.h"
#include "require.h"
#include "win_error.h"

#define MEMWIN__RESET 0xC000020Du     /* STATUS_CONNECTION_RESET */
#define MEMWIN__CANCELLED 0xC0000120u /* STATUS_CANCELLED */
#define MEMWIN__OVERFLOW 0x80000005u  /* STATUS_BUFFER_OVERFLOW */
#define MEMWIN__DATAGRAM_MAX 65507u

static struct memwin_op *memwin__first(const struct list *ops)
{
    return list_is_empty(ops) ? NULL : weir_container_of(ops->next, struct memwin_op, on);
}

/* Completes the call and posts its packet. */
static void memwin__done(struct memwin_socket *socket, struct memwin_op *op, uint32_t status)
{
    list_remove(&op->on);
    op->overlapped->status = status;
    op->overlapped->bytes = op->done_bytes;
    require(socket->port != NULL);
    memwin_post_packet(socket->port, socket->key, op->overlapped, op->done_bytes);
    wire_memory_free(op);
}

void memwin_io_abort(struct list *ops, struct memwin_socket *socket, uint32_t status)
{
    struct memwin_op *op;

    while ((op = memwin__first(ops)) != NULL) memwin__done(socket, op, status);
}

void memwin_cancel(win_socket number)
{
    struct memwin_socket *socket = memwin_socket_of(number);

    memwin_io_abort(&socket->receives, socket, MEMWIN__CANCELLED);
    memwin_io_abort(&socket->sends, socket, MEMWIN__CANCELLED);
    memwin_io_abort(&socket->accepts, socket, MEMWIN__CANCELLED);
    memwin_io_abort(&socket->connects, socket, MEMWIN__CANCELLED);
}

/* ---- datagrams ---- */

uint32_t memwin_take_datagram(struct memwin_socket *socket, struct win_piece *piece,
                              struct win_sockaddr *from, uint8_t *control, bool *is_cut)
{
    const struct wire_datagram *datagram = socket->datagrams.first;
    uint32_t bytes = datagram->length;

    *is_cut = bytes > piece->length;
    if (*is_cut) bytes = piece->length;
    memcpy(piece->bytes, datagram->bytes, bytes);
    win_sockaddr_of(&datagram->from, socket->is_v4, from);
    if (control && memwin_fault(MEMWIN_CONTROL) == 0) {
        struct net_address to = datagram->to;
        uint32_t none = (uint32_t)WIN_CONTROL_BASE_BYTES;
        if (!socket->reports_local || win_control_put_local(control, socket->is_v4, &to) == 0)
            memcpy(control, &none, sizeof none);
    }
    wire_drop_datagram(&socket->datagrams);
    return bytes;
}

void memwin_send_datagram(struct memwin_socket *socket, const struct win_piece *piece,
                          const struct win_sockaddr *to, const uint8_t *control)
{
    struct net_address from = socket->address, peer = win_address_of(to), local;

    if (address_is_any(&from)) {
        from = wire_loopback(&peer);
        from.port = socket->address.port;
    }
    if (control && win_control_local(control, WIN_CONTROL_BYTES, from.port, &local)) from = local;
    wire_send_datagram(memwin_simulation, &from, &peer, piece->bytes, piece->length);
}

/* Fills in the message from a datagram. Unlike a RIO_CMSG_BUFFER, its control part has no leading
 * length. */
static void memwin__fill_message(struct memwin_socket *socket, struct memwin_op *op, bool *is_cut)
{
    struct win_message *message = op->message;
    uint8_t control[WIN_CONTROL_BYTES] = {0};
    uint32_t total;

    op->done_bytes =
        memwin_take_datagram(socket, message->pieces, message->address, control, is_cut);
    message->address_bytes = sizeof *message->address;
    memcpy(&total, control, sizeof total);
    total -= (uint32_t)WIN_CONTROL_BASE_BYTES;
    require(total <= message->control.length);
    memcpy(message->control.bytes, control + WIN_CONTROL_BASE_BYTES, total);
    message->control.length = total;
}

static void memwin__serve_datagrams(struct memwin_socket *socket)
{
    struct memwin_op *op;
    bool is_cut;

    while (socket->datagrams.first && (op = memwin__first(&socket->receives)) != NULL) {
        memwin__fill_message(socket, op, &is_cut);
        memwin__done(socket, op, is_cut ? MEMWIN__OVERFLOW : 0);
    }
}

/* ---- streams ---- */

/* Receives bytes; 0 bytes mean FIN. Returns false if the receive stays pending. */
static bool memwin__receive_now(struct memwin_socket *socket, struct memwin_op *op,
                                uint32_t *status)
{
    struct wire_end *end = socket->end;
    uint32_t most = op->piece.length;

    *status = end->reset_arrived ? MEMWIN__RESET : 0;
    if (end->reset_arrived) return true;
    if (end->arrived == 0) return end->fin_arrived;
    if (memwin_chance(3)) most = 1 + (uint32_t)wire_random(memwin_simulation, most);
    op->done_bytes = wire_read(end, op->piece.bytes, most);
    if (memwin_fault(MEMWIN_RECEIVE_LONG) != 0) op->done_bytes = op->piece.length + 1;
    return true;
}

/* Returns false if the network has no room for all bytes yet. */
static bool memwin__send_now(struct memwin_socket *socket, struct memwin_op *op, uint32_t *status)
{
    *status = socket->end->reset_arrived ? MEMWIN__RESET : 0;
    if (socket->end->reset_arrived) return true;
    uint32_t left = op->piece.length - op->done_bytes;
    bool is_cut = left > 1 && memwin_fault(MEMWIN_SEND_SHORT) != 0;
    uint32_t sent = wire_write(socket->end, op->piece.bytes + op->done_bytes, left / (1 + is_cut));
    op->done_bytes += sent;
    return op->done_bytes == op->piece.length || (is_cut && sent > 0);
}

void memwin_io_serve(struct memwin_socket *socket)
{
    struct memwin_op *op;
    uint32_t status;

    if (!socket->is_stream) {
        memwin__serve_datagrams(socket);
        return;
    }
    while ((op = memwin__first(&socket->receives)) != NULL &&
           memwin__receive_now(socket, op, &status))
        memwin__done(socket, op, status);
    while ((op = memwin__first(&socket->sends)) != NULL && memwin__send_now(socket, op, &status))
        memwin__done(socket, op, status);
}

/* ---- the calls ---- */

static struct memwin_op *memwin__op(struct win_overlapped *overlapped, struct win_piece *piece,
                                    struct win_message *message)
{
    struct memwin_op *op = wire_memory(1, sizeof *op);

    list_init(&op->on);
    op->overlapped = overlapped;
    op->message = message;
    if (piece) op->piece = *piece;
    return op;
}

/* The call completed immediately. A packet still arrives, unless the socket skips it. */
static int memwin__return_immediately(struct memwin_socket *socket, struct memwin_op *op,
                                      uint32_t status)
{
    if (status == MEMWIN__RESET) {
        wire_memory_free(op);
        return WIN_ECONNRESET;
    }
    if (socket->skips) {
        op->overlapped->status = status;
        op->overlapped->bytes = op->done_bytes;
        wire_memory_free(op);
        return 0;
    }
    memwin__done(socket, op, status);
    return status == MEMWIN__OVERFLOW ? WIN_EMSGSIZE : 0;
}

/* A provider can refuse overlapped calls on a socket with WSA_FLAG_REGISTERED_IO; this one does. */
static int memwin__io_fault(const struct memwin_socket *socket, enum memwin_call call)
{
    return socket->is_registered ? WIN_EOPNOTSUPP : memwin_fault(call);
}

int memwin_receive(win_socket number, struct win_piece *piece, struct win_overlapped *overlapped)
{
    struct memwin_socket *socket = memwin_socket_of(number);
    int os_error = memwin__io_fault(socket, MEMWIN_RECEIVE);
    uint32_t status;

    if (os_error != 0) return os_error;
    require(socket->is_usable);
    struct memwin_op *op = memwin__op(overlapped, piece, NULL);
    if (list_is_empty(&socket->receives) && memwin__receive_now(socket, op, &status))
        return memwin__return_immediately(socket, op, status);
    list_add_last(&socket->receives, &op->on);
    return WIN_IO_PENDING;
}

int memwin_send(win_socket number, struct win_piece *piece, struct win_overlapped *overlapped)
{
    struct memwin_socket *socket = memwin_socket_of(number);
    int os_error = memwin__io_fault(socket, MEMWIN_SEND);
    uint32_t status;

    if (os_error != 0) return os_error;
    require(socket->is_usable);
    if (socket->end->finished) return WIN_ESHUTDOWN;
    struct memwin_op *op = memwin__op(overlapped, piece, NULL);
    if (list_is_empty(&socket->sends) && memwin__send_now(socket, op, &status))
        return memwin__return_immediately(socket, op, status);
    list_add_last(&socket->sends, &op->on);
    return WIN_IO_PENDING;
}

int memwin_receive_message(win_socket number, struct win_message *message,
                           struct win_overlapped *overlapped)
{
    struct memwin_socket *socket = memwin_socket_of(number);
    int os_error = memwin__io_fault(socket, MEMWIN_RECEIVE);
    bool is_cut;

    if (os_error != 0) return os_error;
    struct memwin_op *op = memwin__op(overlapped, NULL, message);
    if (socket->datagrams.first && list_is_empty(&socket->receives)) {
        memwin__fill_message(socket, op, &is_cut);
        return memwin__return_immediately(socket, op, is_cut ? MEMWIN__OVERFLOW : 0);
    }
    list_add_last(&socket->receives, &op->on);
    return WIN_IO_PENDING;
}

int memwin_send_message(win_socket number, struct win_message *message,
                        struct win_overlapped *overlapped)
{
    struct memwin_socket *socket = memwin_socket_of(number);
    int os_error = memwin__io_fault(socket, MEMWIN_SEND);
    uint8_t control[WIN_CONTROL_BYTES] = {0};
    uint32_t total = (uint32_t)WIN_CONTROL_BASE_BYTES + message->control.length;

    if (os_error != 0) return os_error;
    struct memwin_op *op = memwin__op(overlapped, NULL, message);
    if (message->pieces->length > MEMWIN__DATAGRAM_MAX)
        return memwin__return_immediately(socket, op, MEMWIN__OVERFLOW);
    if (message->control.length > 0) {
        memcpy(control, &total, sizeof total);
        memcpy(control + WIN_CONTROL_BASE_BYTES, message->control.bytes, message->control.length);
    }
    memwin_send_datagram(socket, message->pieces, message->address,
                         message->control.length > 0 ? control : NULL);
    op->done_bytes = message->pieces->length;
    return memwin__return_immediately(socket, op, 0);
}
