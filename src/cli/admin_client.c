/* SPDX-License-Identifier: MIT */
/* admin_client.c - see admin_client.h. */
#include "admin_client.h"

#include <stdio.h>
#include <string.h>

#include "host_port.h"
#include "number.h"
#include "os_thread.h"
#include "send_connect.h"
#include "text_file.h"

#define ADMIN_CLIENT__REQUEST_BYTES 2048u
#define ADMIN_CLIENT__ANSWER_BYTES_MAX ((size_t)16 << 20)

/* ---- the address and the token ---- */

static bool admin_client__read_address(struct admin_client *client, struct diagnostics *diagnostics)
{
    const char *text = client->address;
    struct host_port parts;

    if (strncmp(text, "unix:", 5) == 0) {
        client->host = text;
        client->port = "0";
        return true;
    }
    enum host_port_problem problem = host_port_split(text, &parts);
    if (problem != HOST_PORT_OK) {
        diagnostics_add(diagnostics, "--admin %.100s: %s; %s", text, host_port_reason(problem),
                        host_port_hint(problem));
        return false;
    }
    client->host = parts.host ? arena_copy(client->arena, parts.host, parts.host_length)
                              : "127.0.0.1"; /* "localhost" could be another program's ::1 */
    client->port = arena_format(client->arena, "%u", parts.port);
    return client->host && client->port;
}

static bool admin_client__read_token(struct admin_client *client, const char *path,
                                     struct diagnostics *diagnostics)
{
    struct text_file file;
    size_t length;

    if (!text_file_read(&file, "--admin-token-file", path, client->arena, diagnostics))
        return false;
    const char *line = text_file_line(&file, &length);
    if (!line || length == 0 || length > 512) {
        diagnostics_add(diagnostics, "--admin-token-file %.200s has no token in its first line",
                        path);
        return false;
    }
    client->token = arena_copy(client->arena, line, length);
    return client->token;
}

bool admin_client_open(struct admin_client *client, const char *address, const char *token_file,
                       uint32_t timeout_ms, struct arena *arena, struct diagnostics *diagnostics)
{
    *client = (struct admin_client){.arena = arena,
                                    .address = address ? address : ADMIN_CLIENT_ADDRESS,
                                    .timeout_ms = timeout_ms};
    if (!admin_client__read_address(client, diagnostics)) return false;
    return !token_file || admin_client__read_token(client, token_file, diagnostics);
}

/* ---- one request ---- */

static bool admin_client__fail(struct admin_client *client, const char *what, const char *why)
{
    snprintf(client->why, sizeof client->why, "%s %.100s: %s", what, client->address, why);
    admin_client_close(client);
    return false;
}

static bool admin_client__connect(struct admin_client *client)
{
    if (client->is_open) return true;
    client->is_open =
        send_connect(&client->peer, client->host, client->port, false, client->timeout_ms);
    return client->is_open ||
           admin_client__fail(client, "cannot connect to the admin server", client->peer.why);
}

/* Waits until the peer is ready; false: the time is over. */
static bool admin_client__wait(struct admin_client *client, unsigned wanted, uint64_t deadline_ms)
{
    uint64_t now_ms = os_now_ms();

    if (now_ms >= deadline_ms) return admin_client__fail(client, "no answer of", "timeout");
    os_peer_wait(&client->peer, wanted, (uint32_t)(deadline_ms - now_ms));
    return true;
}

static bool admin_client__send(struct admin_client *client, const char *bytes, size_t length,
                               uint64_t deadline_ms)
{
    size_t sent;

    while (length > 0) {
        enum os_peer_result result = os_peer_send(&client->peer, bytes, length, &sent);
        if (result == OS_PEER_DONE) {
            bytes += sent;
            length -= sent;
        } else if (result == OS_PEER_NOT_NOW) {
            if (!admin_client__wait(client, OS_PEER_SEND, deadline_ms)) return false;
        } else {
            return admin_client__fail(client, "cannot send to", client->peer.why);
        }
    }
    return true;
}

static bool admin_client__reserve(struct admin_client *client)
{
    size_t capacity = client->answer_capacity > 0 ? 2 * client->answer_capacity : 65536;

    if (client->answer_capacity - client->answer_length > 1) return true;
    char *answer =
        capacity <= ADMIN_CLIENT__ANSWER_BYTES_MAX ? arena_alloc(client->arena, capacity) : NULL;
    if (!answer) return admin_client__fail(client, "cannot read from", "the answer is too long");
    if (client->answer_length > 0) memcpy(answer, client->answer, client->answer_length);
    client->answer = answer;
    client->answer_capacity = capacity;
    return true;
}

/* Receives more of the answer. */
static bool admin_client__receive(struct admin_client *client, uint64_t deadline_ms)
{
    size_t received = 0;
    enum os_peer_result result;

    if (!admin_client__reserve(client)) return false;
    while ((result = os_peer_receive(&client->peer, client->answer + client->answer_length,
                                     client->answer_capacity - client->answer_length - 1,
                                     &received)) == OS_PEER_NOT_NOW)
        if (!admin_client__wait(client, OS_PEER_RECEIVE, deadline_ms)) return false;
    if (result == OS_PEER_ENDED)
        return admin_client__fail(client, "no answer of", "it closed the connection");
    if (result != OS_PEER_DONE)
        return admin_client__fail(client, "cannot read from", client->peer.why);
    client->answer_length += received;
    client->answer[client->answer_length] = '\0';
    return true;
}

/* Reads the head. Returns the status and the length of the body; 0: another kind of server
 * answered. */
static unsigned admin_client__read_head(const char *head, size_t length, size_t *body_length)
{
    static const char name[] = "\r\nContent-Length: ";
    const char *line = strstr(head, name);
    uint64_t status, count;

    if (length < 12 || strncmp(head, "HTTP/1.1 ", 9) != 0 || !line) return 0;
    line += sizeof name - 1;
    if (number_digits(head + 9, 3, 999, &status) != 3 ||
        number_digits(line, strspn(line, "0123456789"), ADMIN_CLIENT__ANSWER_BYTES_MAX, &count) ==
            0)
        return 0;
    *body_length = (size_t)count;
    return (unsigned)status;
}

static unsigned admin_client__read_answer(struct admin_client *client, uint64_t deadline_ms)
{
    const char *end;
    size_t head_length;

    client->answer_length = 0;
    do {
        if (!admin_client__receive(client, deadline_ms)) return 0;
        end = strstr(client->answer, "\r\n\r\n");
    } while (!end);
    head_length = (size_t)(end - client->answer) + 4;
    unsigned status = admin_client__read_head(client->answer, head_length, &client->body_length);
    if (status == 0) {
        admin_client__fail(client, "cannot read from", "this is not the admin server of a weir");
        return 0;
    }
    bool closes = strstr(client->answer, "\r\nConnection: close\r\n") != NULL;
    while (client->answer_length < head_length + client->body_length)
        if (!admin_client__receive(client, deadline_ms)) return 0;
    client->body = client->answer + head_length;
    if (closes) admin_client_close(client);
    return status;
}

static unsigned admin_client__try(struct admin_client *client, const char *request, size_t length)
{
    uint64_t deadline_ms = os_now_ms() + client->timeout_ms;

    if (!admin_client__connect(client)) return 0;
    if (!admin_client__send(client, request, length, deadline_ms)) return 0;
    return admin_client__read_answer(client, deadline_ms);
}

/* Writes the request. Returns its length; 0: it is too long. */
static size_t admin_client__write(const struct admin_client *client, const char *method,
                                  const char *target, char *request, size_t size)
{
    char host[512] = "localhost", authorization[600] = "";
    int length;

    if (strncmp(client->host, "unix:", 5) != 0)
        snprintf(host, sizeof host, strchr(client->host, ':') ? "[%s]" : "%s", client->host);
    if (client->token)
        snprintf(authorization, sizeof authorization, "Authorization: Bearer %s\r\n",
                 client->token);
    length = snprintf(request, size, "%s %s HTTP/1.1\r\nHost: %s\r\n%s%s\r\n", method, target, host,
                      strcmp(method, "POST") == 0 ? "Weir-Admin: 1\r\n" : "", authorization);
    return length > 0 && (size_t)length < size ? (size_t)length : 0;
}

unsigned admin_client_request(struct admin_client *client, const char *method, const char *target)
{
    char request[ADMIN_CLIENT__REQUEST_BYTES + ADMIN_CLIENT_TARGET_BYTES];
    bool was_open = client->is_open;
    size_t length = admin_client__write(client, method, target, request, sizeof request);

    if (length == 0) {
        admin_client__fail(client, "cannot send to", "the request is too long");
        return 0;
    }
    unsigned status = admin_client__try(client, request, length);
    /* The server closes a connection that was idle for long. A POST is not repeated. */
    if (status == 0 && was_open && strcmp(method, "GET") == 0)
        status = admin_client__try(client, request, length);
    return status;
}

bool admin_client_add(char target[ADMIN_CLIENT_TARGET_BYTES], const char *name, const char *value)
{
    size_t used = strlen(target);
    int length = snprintf(target + used, ADMIN_CLIENT_TARGET_BYTES - used,
                          "%c%s=", strchr(target, '?') ? '&' : '?', name);

    for (used += (size_t)length; *value != '\0'; value++) {
        if (used + 4 > ADMIN_CLIENT_TARGET_BYTES) return false;
        used += (size_t)snprintf(target + used, 4, "%%%02X", (unsigned)(uint8_t)*value);
    }
    return used < ADMIN_CLIENT_TARGET_BYTES;
}

void admin_client_close(struct admin_client *client)
{
    if (client->is_open) os_peer_close(&client->peer);
    client->is_open = false;
}
