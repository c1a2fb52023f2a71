/* SPDX-License-Identifier: MIT */
/* starttls.c - a line protocol that begins in plain text and changes to TLS, as SMTP does (RFC
 * 3207): `starttls [ADDR:]PORT CERTIFICATE KEY`.
 *
 *      server: 220 ready
 *      client: EHLO name         250-hello / 250 STARTTLS; with TLS: 250 hello
 *      client: STARTTLS          220 go ahead, and the handshake follows
 *      client: DATA              530 without TLS, 250 with it
 *      client: NOOP, QUIT        250 ok, 221 bye
 *
 * The order of two steps matters: the answer to STARTTLS is sent first, and then TLS starts. Weir
 * sends in plain text what was queued before, and keeps what is queued later until the handshake is
 * complete. It closes the session if the client sent more plain text behind STARTTLS: an attacker
 * in between could have added commands there, which would seem to be encrypted ones. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include <weir/weir.h>

/* ---- the protocol ---- */

static void starttls__say(struct weir_session *session, const char *line)
{
    weir_session_send(session, line, strlen(line)); /* "crlf" adds the end of the line */
}

static bool starttls__is(const struct weir_message *message, const char *command)
{
    size_t length = strlen(command);

    if (message->length < length) return false;
    for (size_t i = 0; i < length; i++)
        if (toupper(message->bytes[i]) != command[i]) return false;
    return true;
}

static bool starttls__is_secure(struct weir_session *session)
{
    struct weir_tls_info info;

    return weir_session_tls(session, &info);
}

static void starttls__greet(struct weir_session *session)
{
    if (starttls__is_secure(session)) {
        starttls__say(session, "250 hello");
        return;
    }
    starttls__say(session, "250-hello");
    starttls__say(session, "250 STARTTLS");
}

static void starttls__start(struct weir_session *session)
{
    if (starttls__is_secure(session)) {
        starttls__say(session, "503 TLS is active already");
        return;
    }
    starttls__say(session, "220 go ahead");
    if (weir_session_start_tls(session, "secure") != WEIR_OK)
        weir_session_fail(session, "TLS cannot start");
}

static void starttls__on_open(struct weir_session *session)
{
    starttls__say(session, "220 ready");
}

static void starttls__on_message(struct weir_session *session, const struct weir_message *message)
{
    if (starttls__is(message, "EHLO")) {
        starttls__greet(session);
    } else if (starttls__is(message, "STARTTLS")) {
        starttls__start(session);
    } else if (starttls__is(message, "DATA")) {
        starttls__say(session, starttls__is_secure(session) ? "250 ok" : "530 STARTTLS first");
    } else if (starttls__is(message, "NOOP")) {
        starttls__say(session, "250 ok");
    } else if (starttls__is(message, "QUIT")) {
        starttls__say(session, "221 bye");
        weir_session_finish(session);
    } else {
        starttls__say(session, "500 no such command");
    }
}

static const struct weir_handler starttls = {
    .size = sizeof(struct weir_handler),
    .name = "starttls",
    .on_open = starttls__on_open,
    .on_message = starttls__on_message,
};

/* ---- the server ---- */

int main(int argc, char **argv)
{
    struct weir_listen listener = {.size = sizeof listener,
                                   .address = argc > 1 ? argv[1] : "2525",
                                   .codec = "crlf",
                                   .custom_handler = &starttls};
    struct weir_tls tls = {.size = sizeof tls,
                           .certificate = argc > 2 ? argv[2] : "certificate.pem",
                           .key = argc > 3 ? argv[3] : NULL};
    struct weir_listener_info info;
    struct weir_server *server;
    struct weir_error error;
    char text[512];

    if (weir_server_open(NULL, &server, &error) != WEIR_OK ||
        weir_server_tls(server, "secure", &tls, &error) != WEIR_OK ||
        weir_server_listen(server, &listener, &error) != WEIR_OK ||
        weir_server_start(server, &error) != WEIR_OK) {
        fprintf(stderr, "%s\n", weir_error_text(&error, text, sizeof text));
        weir_server_free(server);
        return 1;
    }
    weir_server_listener(server, 0, &info);
    printf("%s; press Enter to stop\n", weir_address_text(&info.address, text, sizeof text));
    fflush(stdout);
    getchar();
    weir_server_drain(server, 2000);
    weir_server_wait(server);
    weir_server_free(server);
    return 0;
}
