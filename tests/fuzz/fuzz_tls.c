/* SPDX-License-Identifier: MIT */
/* fuzz_tls.c - bytes of a peer for the TLS engine.
 *
 *      input = [ mode | cut | bytes ]
 *      mode % 4   0: the bytes instead of a hello
 *                 1: a real hello, with some of its bytes replaced
 *                 2: the bytes after a real handshake of TLS 1.3;  3: of TLS 1.2
 * `cut` is the length of the pieces. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "certificates.h"
#include "require.h"
#include "tls_trial.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct tls_context *context;
static struct tls_worker *worker;
static struct tls_trial trial;

static void open_all(void)
{
    struct certificate certificate = certificate_make(&(struct certificate_wish){0});
    struct weir_tls settings = {.size = sizeof settings};
    struct tls_tickets *tickets = tls_tickets_open();
    struct weir_error error;

    certificates_open_files();
    settings.certificate = certificate_file(&certificate, NULL, true);
    settings.alpn = "game";
    worker = tls_worker_open();
    require(tls_context_open(&settings, tickets, &context, &error) == WEIR_OK);
    tls_tickets_unref(tickets);
    certificate_free(&certificate);
    certificates_remove_files();
}

static void feed_pieces(const uint8_t *bytes, size_t length, size_t cut)
{
    while (length > 0 && trial.result != FILTER_BAD && trial.result != FILTER_END) {
        size_t piece = cut && cut < length ? cut : length;
        trial.plain_length = 0;
        tls_trial_feed(&trial, bytes, piece);
        bytes += piece;
        length -= piece;
    }
}

/* Replaces bytes of the hello: each pair of the input is a position and a value. */
static void feed_changed_hello(const uint8_t *changes, size_t length, size_t cut)
{
    uint8_t hello[4096];
    int hello_bytes;

    SSL_do_handshake(trial.client);
    hello_bytes = BIO_read(trial.from_client, hello, sizeof hello);
    require(hello_bytes > 0);
    for (size_t i = 0; i + 1 < length; i += 2)
        hello[changes[i] * 2u % (unsigned)hello_bytes] = changes[i + 1];
    feed_pieces(hello, (size_t)hello_bytes, cut);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int mode;

    if (!context) open_all();
    if (size < 2) return 0;
    mode = data[0] % 4;
    tls_trial_open(&trial, context, worker);
    if (mode == 3) SSL_set_max_proto_version(trial.client, TLS1_2_VERSION);
    if (mode >= 2) tls_trial_handshake(&trial);
    if (mode == 1)
        feed_changed_hello(data + 2, size - 2, data[1]);
    else
        feed_pieces(data + 2, size - 2, data[1]);
    require(trial.plain_length == 0); /* only a key makes plain text */
    require(mode >= 2 || !trial.is_server_open);
    if (trial.result == FILTER_BAD) require(strlen(trial.error.text) > 0);
    if (trial.session) require(tls_session_held_bytes(trial.session) < 256 * 1024);
    tls_trial_close(&trial);
    return 0;
}
