/* SPDX-License-Identifier: MIT */
/* client.c - a client of examples/request_reply: `client HOST PORT REQUEST...` sends all requests
 * without waiting, and prints each reply when it arrives, after the number of its request.
 *
 *      $ client 127.0.0.1 7003 'later one' 'later two' 'echo three'
 *      3: three
 *      2: two
 *      1: one
 *
 * The program contains no server: it uses the system's sockets and weir's codec, which has the same
 * frame specification as the server's. */
#include <stdio.h>
#include <string.h>

#include <weir/frame.h>

#define CLIENT__CODEC "u32be,max=1k"
#define CLIENT__NUMBER_BYTES 4

/* ---- differences between systems ---- */

#ifdef _WIN32
#include <winsock2.h>
#include <ws2tcpip.h>

typedef SOCKET client__socket;

static void client__begin(void)
{
    WSADATA version;

    (void)WSAStartup(MAKEWORD(2, 2), &version); /* if it fails, the first socket call fails, too */
}

#define client__close closesocket
#define client__piece(length) ((int)(length))
#else
#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

typedef int client__socket;

#define INVALID_SOCKET (-1)
#define client__begin() ((void)0)
#define client__close close
#define client__piece(length) (length)
#endif

static client__socket client__connect(const char *host, const char *port)
{
    struct addrinfo hints, *found, *one;
    client__socket peer = INVALID_SOCKET;

    memset(&hints, 0, sizeof hints);
    hints.ai_socktype = SOCK_STREAM;
    if (getaddrinfo(host, port, &hints, &found) != 0) return INVALID_SOCKET;
    for (one = found; one && peer == INVALID_SOCKET; one = one->ai_next) {
        peer = socket(one->ai_family, one->ai_socktype, one->ai_protocol);
        if (peer == INVALID_SOCKET) continue;
        if (connect(peer, one->ai_addr, client__piece(one->ai_addrlen)) == 0) continue;
        client__close(peer);
        peer = INVALID_SOCKET;
    }
    freeaddrinfo(found);
    return peer;
}

/* Sends all bytes, however few the system accepts per call. Returns false on error. */
static bool client__send_all(client__socket peer, const uint8_t *bytes, size_t length)
{
    while (length > 0) {
        long long sent = send(peer, (const char *)bytes, client__piece(length), 0);
        if (sent <= 0) return false;
        bytes += sent;
        length -= (size_t)sent;
    }
    return true;
}

/* ---- the protocol ---- */

/* Sends one request: number and text, framed. Returns false on error. */
static bool client__ask(client__socket peer, const struct weir_codec *codec, uint32_t number,
                        const char *text)
{
    uint8_t message[CLIENT__NUMBER_BYTES + 200], frame[sizeof message + WEIR_HEADER_BYTES_MAX];
    size_t length = strlen(text), frame_length;

    if (length > sizeof message - CLIENT__NUMBER_BYTES) return false;
    for (int i = 0; i < CLIENT__NUMBER_BYTES; i++) message[i] = (uint8_t)(number >> (24 - 8 * i));
    memcpy(message + CLIENT__NUMBER_BYTES, text, length);
    return weir_codec_encode(codec, message, CLIENT__NUMBER_BYTES + length, frame, sizeof frame,
                             &frame_length) == WEIR_OK &&
           client__send_all(peer, frame, frame_length);
}

static void client__print(const struct weir_message *message)
{
    const uint8_t *bytes = message->bytes;

    if (message->length < CLIENT__NUMBER_BYTES) return; /* not a reply to our requests */
    printf("%u: %.*s\n",
           (unsigned)bytes[0] << 24 | (unsigned)bytes[1] << 16 | (unsigned)bytes[2] << 8 |
               (unsigned)bytes[3],
           (int)(message->length - CLIENT__NUMBER_BYTES),
           (const char *)bytes + CLIENT__NUMBER_BYTES);
    fflush(stdout);
}

/* Prints `count` replies. Returns null on success, otherwise an error text. */
static const char *client__await(client__socket peer, struct weir_decoder *decoder, size_t count,
                                 struct weir_decode_error *decode_error)
{
    uint8_t bytes[4096];

    while (count > 0) {
        long long came = recv(peer, (char *)bytes, client__piece(sizeof bytes), 0);
        if (came <= 0) return "the server ended before all replies were here";
        struct weir_input input = {bytes, (size_t)came, false};
        struct weir_message message;
        enum weir_decoded result;
        /* One piece can hold several replies or part of one: the decoder keeps a partial frame. */
        while ((result = weir_decoder_next(decoder, &input, &message, decode_error)) ==
               WEIR_DECODED_MESSAGE) {
            client__print(&message);
            count--;
        }
        if (result == WEIR_DECODED_BAD) return decode_error->text;
    }
    return NULL;
}

/* Sends all requests and prints the replies. Returns null on success, otherwise an error text. */
static const char *client__talk(client__socket peer, const struct weir_codec *codec, char **texts,
                                size_t count, struct weir_decode_error *decode_error)
{
    struct weir_decoder *decoder = NULL;
    const char *wrong;

    for (size_t i = 0; i < count; i++)
        if (!client__ask(peer, codec, (uint32_t)(i + 1), texts[i])) return "cannot send a request";
    if (weir_decoder_open(codec, &decoder, NULL) != WEIR_OK) return "out of memory";
    wrong = client__await(peer, decoder, count, decode_error);
    weir_decoder_free(decoder);
    return wrong;
}

int main(int argc, char **argv)
{
    struct weir_frame *frame = NULL;
    struct weir_decode_error decode_error;
    const char *wrong = NULL;

    if (argc < 3) {
        fprintf(stderr, "usage: client HOST PORT REQUEST...\n");
        return 2;
    }
    client__begin();
    client__socket peer = client__connect(argv[1], argv[2]);
    if (peer == INVALID_SOCKET)
        wrong = "cannot connect";
    else if (weir_frame_open(CLIENT__CODEC, &frame, NULL) != WEIR_OK)
        wrong = "out of memory";
    else
        wrong =
            client__talk(peer, weir_frame_codec(frame), argv + 3, (size_t)argc - 3, &decode_error);
    if (wrong) fprintf(stderr, "%s\n", wrong);
    if (peer != INVALID_SOCKET) client__close(peer);
    weir_frame_free(frame);
    return wrong ? 1 : 0;
}
