/* SPDX-License-Identifier: MIT */
/* tls_client.h - a TLS client over a socket of the program. TLS exists if weir was built with
 * OpenSSL 3 (WEIR_TLS in CMake). */
#ifndef WEIR_TLS_CLIENT_H
#define WEIR_TLS_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/error.h>
#include <weir/frame.h>
#include <weir/tls.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The client's side of one TLS connection, without a socket: the program transfers the bytes, as
 * weir send does. Sessions of weir_connect() need no such object.
 *
 *      socket --received--> weir_tls_client_receive() --plain text--> program
 *      socket <--output---- weir_tls_client_output()  <-------------- weir_tls_client_send()
 *
 * Whenever weir_tls_client_output() has bytes, send them. Thread: one at a time, as for every
 * function of a client. */
struct weir_tls_client;

/* What weir_tls_client_receive() did. */
enum weir_tls_received {
    WEIR_TLS_RECEIVED_MORE,      /* all input was used */
    WEIR_TLS_RECEIVED_PLAIN,     /* there is plain text; call again, even without further input */
    WEIR_TLS_RECEIVED_END,       /* the peer has ended its stream with close_notify */
    WEIR_TLS_RECEIVED_TRUNCATED, /* the connection ended (input->ended) without close_notify */
    WEIR_TLS_RECEIVED_BAD        /* weir_tls_client_why() says why; output can have an alert */
};

/* Begins the connection to `host`, a name or an address. The output then has the first bytes of the
 * handshake. The texts of `settings` (null: the defaults) are used during the call only. Returns
 * WEIR_OK, and the caller frees *client with weir_tls_client_free(); WEIR_INVALID, WEIR_DENIED or
 * another code if a setting or a file is wrong; WEIR_UNSUPPORTED if weir was built without TLS. */
WEIR_API enum weir_code weir_tls_client_open(const struct weir_tls_connect *settings,
                                             const char *host, struct weir_tls_client **client,
                                             struct weir_error *error);

/* Frees the client; null is allowed. */
WEIR_API void weir_tls_client_free(struct weir_tls_client *client);

/* Handles bytes that were received, and removes those that it has used from the front of the input.
 * Writes plain text to `plain`, at most `plain_size` bytes, and their number to *plain_length.
 * After the end and after BAD it returns the same value again. In TLS 1.3 the handshake is complete
 * for the client before the server has checked the client's certificate: if the server rejects it,
 * a later call returns BAD. */
WEIR_API enum weir_tls_received weir_tls_client_receive(struct weir_tls_client *client,
                                                        struct weir_input *input, uint8_t *plain,
                                                        size_t plain_size, size_t *plain_length);

/* Returns why the connection failed, in one line; "" if it has not. */
WEIR_API const char *weir_tls_client_why(const struct weir_tls_client *client);

/* Encrypts bytes into the output. Returns WEIR_OK; WEIR_NO_ROOM until the handshake is complete,
 * and while the rest of a TLS message is to be received, such as a session ticket in several
 * records: nothing was encrypted, so receive, and call it again; WEIR_CANCELLED after
 * weir_tls_client_finish() or a failure; WEIR_NO_MEMORY. */
WEIR_API enum weir_code weir_tls_client_send(struct weir_tls_client *client, const void *bytes,
                                             size_t length);

/* Adds close_notify to the output, after the bytes that were sent; during the handshake, as soon as
 * it is complete. The peer can still send. */
WEIR_API void weir_tls_client_finish(struct weir_tls_client *client);

/* Returns the bytes to be transmitted, and their number in *length. They are valid until the next
 * call for this client. */
WEIR_API const uint8_t *weir_tls_client_output(const struct weir_tls_client *client,
                                               size_t *length);

/* Removes bytes that were transmitted from the front of the output. */
WEIR_API void weir_tls_client_sent(struct weir_tls_client *client, size_t length);

/* Fills in the first `size` bytes of *info. Call weir_tls_client_info() instead. */
WEIR_API bool weir_tls_client_info_sized(const struct weir_tls_client *client,
                                         struct weir_tls_info *info, size_t size);

/* Describes the connection. Returns false, and zeroes *info, until the handshake is complete. */
static inline bool weir_tls_client_info(const struct weir_tls_client *client,
                                        struct weir_tls_info *info)
{
    return weir_tls_client_info_sized(client, info, sizeof *info);
}

#ifdef __cplusplus
}
#endif
#endif
