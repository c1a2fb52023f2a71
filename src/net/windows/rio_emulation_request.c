/* SPDX-License-Identifier: MIT */
/* rio_emulation_request.c - runs one request as an overlapped call and interprets its result. The
 * request queue owns the request; the system uses it until its packet arrives. */
#include "rio_emulation_request.h"

#include <string.h>

#include "check.h"
#include "error_winsock.h"
#include "rio_emulation_buffer.h"
#include "win_error.h"

/* A datagram receive is restarted this many times after errors about unreachable peers. */
#define EMULATED_REQUEST__TRIES_MAX 64u

/* ---- datagrams ---- */

static bool emulated_request__put_control(struct emulated_request *request,
                                          const struct rio_piece *control)
{
    struct emulated_message *message = request->message;
    uint32_t total = control->length;

    uint8_t *slice = emulated_slice(control);
    if (!slice) return false;
    if (total < WIN_CONTROL_BASE_BYTES) return emulated_fail(WIN_EINVAL);
    if (request->is_send) memcpy(&total, slice, sizeof total);
    if (total < WIN_CONTROL_BASE_BYTES || total > control->length) return emulated_fail(WIN_EINVAL);
    message->control_slice = slice;
    message->message.control.bytes = slice + WIN_CONTROL_BASE_BYTES;
    message->message.control.length = total - (uint32_t)WIN_CONTROL_BASE_BYTES;
    return true;
}

bool emulated_request_address(struct emulated_request *request, const struct rio_piece *remote,
                              const struct rio_piece *control)
{
    struct emulated_message *message = request->message;

    *message = (struct emulated_message){.message.address = &message->address,
                                         .message.address_bytes = sizeof message->address,
                                         .message.pieces = &request->piece,
                                         .message.pieces_count = 1};
    if (remote) {
        message->address_slice = emulated_slice(remote);
        if (!message->address_slice) return false;
        if (remote->length < sizeof message->address) return emulated_fail(WIN_EINVAL);
        if (request->is_send) {
            memcpy(&message->address, message->address_slice, sizeof message->address);
            if (message->address.family == WIN_AF_INET) message->message.address_bytes = 16;
        }
    } else if (request->is_send) { /* the socket is connected */
        message->message.address = NULL;
        message->message.address_bytes = 0;
    }
    return !control || emulated_request__put_control(request, control);
}

void emulated_request_publish(const struct emulated_request *request)
{
    const struct emulated_message *message = request->message;

    if (!message || request->is_send) return;
    if (message->address_slice)
        memcpy(message->address_slice, &message->address, sizeof message->address);
    if (message->control_slice) {
        uint32_t total = (uint32_t)WIN_CONTROL_BASE_BYTES + message->message.control.length;
        memcpy(message->control_slice, &total, sizeof total);
    }
}

/* ---- the call ---- */

static int emulated_request__call(struct emulated_request *request, win_socket socket)
{
    const struct win_system *system = emulated_system;
    struct win_overlapped *overlapped = &request->call.overlapped;

    *overlapped = (struct win_overlapped){0};
    if (!request->message)
        return request->is_send ? system->send(socket, &request->piece, overlapped)
                                : system->receive(socket, &request->piece, overlapped);
    return request->is_send
               ? system->send_message(socket, &request->message->message, overlapped)
               : system->receive_message(socket, &request->message->message, overlapped);
}

bool emulated_request_start(struct emulated_request *request, win_socket socket, bool skips,
                            int *os_error, uint32_t *bytes)
{
    *os_error = emulated_request__call(request, socket);
    *bytes = 0;
    if (*os_error == WIN_IO_PENDING) return true;
    if (*os_error == WIN_EMSGSIZE && request->message) return true; /* its packet still arrives */
    if (*os_error != 0) return false;
    *bytes = (uint32_t)request->call.overlapped.bytes;
    return !skips;
}

/* ---- results ---- */

/* Returns whether the error reports an unreachable peer of an earlier send, not a socket failure.
 */
static bool emulated_request__is_unreachable(int os_error)
{
    return os_error == WIN_ECONNRESET || os_error == WIN_ENETRESET ||
           os_error == WIN_EHOSTUNREACH || os_error == WIN_ENETUNREACH;
}

bool emulated_request_advance(struct emulated_request *request, int *os_error, uint32_t bytes)
{
    bool wants_all = request->is_send || (request->flags & RIO_WAITALL) != 0;

    *os_error = error_winsock_of_status(*os_error);
    if (request->message) {
        bool again = !request->is_send && emulated_request__is_unreachable(*os_error) &&
                     ++request->tries < EMULATED_REQUEST__TRIES_MAX;
        request->done_bytes = bytes;
        return !again;
    }
    if (bytes > request->piece.length) { /* what the system reports cannot be true */
        *os_error = WIN_EFAULT;
        bytes = 0;
    }
    request->done_bytes += bytes;
    request->piece.bytes += bytes;
    request->piece.length -= bytes;
    return *os_error != 0 || !wants_all || bytes == 0 || request->piece.length == 0;
}

void emulated_request_abort(struct emulated_request *request, int *os_error, uint32_t bytes)
{
    *os_error = error_winsock_of_status(*os_error) == 0 ? 0 : WIN_OPERATION_ABORTED;
    request->done_bytes += bytes;
}
