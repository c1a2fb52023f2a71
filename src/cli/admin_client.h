/* SPDX-License-Identifier: MIT */
/* admin_client.h - asks the admin server of a running weir, over one connection that is used again.
 * It reads only what our own server answers. Used by one thread; it blocks. */
#ifndef CLI_ADMIN_CLIENT_H
#define CLI_ADMIN_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arena.h"
#include "diagnostics.h"
#include "os_peer.h"

#define ADMIN_CLIENT_ADDRESS "127.0.0.1:9500" /* without --admin */
#define ADMIN_CLIENT_TARGET_BYTES 1024u       /* of a target, with its NUL */

struct admin_client {
    struct arena *arena; /* owns the memory below */
    const char *address, *host, *port;
    const char *token; /* null: none */
    uint32_t timeout_ms;
    struct os_peer peer; /* valid if is_open */
    bool is_open;
    char *answer; /* head and body as received, with a NUL */
    size_t answer_length, answer_capacity;
    const char *body; /* of the last answer, with a NUL */
    size_t body_length;
    char why[448]; /* why the last request failed, one line */
};

/* Prepares a client; nothing is connected yet. `address`: "HOST:PORT", "PORT" (of this machine) or
 * "unix:PATH"; null: ADMIN_CLIENT_ADDRESS. `token_file`: its first line is the token; null: none.
 * Returns false after adding diagnostics. The strings and the arena must outlive the client. */
bool admin_client_open(struct admin_client *client, const char *address, const char *token_file,
                       uint32_t timeout_ms, struct arena *arena, struct diagnostics *diagnostics);

/* Sends a request without a body, and waits for the answer: client->body, valid until the next
 * request. A POST has the header line that the server wants. Returns the HTTP status; 0: there is
 * no answer, see client->why. */
unsigned admin_client_request(struct admin_client *client, const char *method, const char *target);

/* Appends "&name=value" to a target (the first one with '?'), with escapes in the value. Returns
 * false if it does not fit. */
bool admin_client_add(char target[ADMIN_CLIENT_TARGET_BYTES], const char *name, const char *value);

/* Closes the connection. */
void admin_client_close(struct admin_client *client);

#endif
