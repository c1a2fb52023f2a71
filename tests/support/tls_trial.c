/* SPDX-License-Identifier: MIT */
/* tls_trial.c - a client of OpenSSL against our TLS engine as server, in memory. */
#include "tls_trial.h"

#include <openssl/err.h>
#include <string.h>

#include "require.h"

void tls_trial_open(struct tls_trial *trial, struct tls_context *context, struct tls_worker *worker)
{
    memset(trial, 0, sizeof *trial);
    trial->context = tls_context_ref(context);
    trial->worker = worker;
    trial->result = FILTER_MORE;
    trial->client_settings = SSL_CTX_new(TLS_client_method());
    trial->client = SSL_new(trial->client_settings);
    trial->from_client = BIO_new(BIO_s_mem());
    trial->to_client = BIO_new(BIO_s_mem());
    SSL_set_bio(trial->client, trial->to_client, trial->from_client);
    SSL_set_connect_state(trial->client);
}

void tls_trial_close(struct tls_trial *trial)
{
    if (trial->session) tls_session_free(trial->session);
    tls_context_unref(trial->context);
    /* Otherwise its ticket could not be used again. */
    SSL_set_shutdown(trial->client, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(trial->client); /* frees both BIOs */
    SSL_CTX_free(trial->client_settings);
    ERR_clear_error();
}

static void take_output(struct tls_trial *trial, const struct filter_output *out)
{
    if (out->length == 0) return;
    require(BIO_write(trial->to_client, out->bytes, (int)out->length) == (int)out->length);
    trial->wire_from_server += out->length;
}

void tls_trial_feed(struct tls_trial *trial, const void *bytes, size_t length)
{
    static uint8_t room[70000];
    struct filter_output out = {room, 0, trial->output_max ? trial->output_max : 4096};
    size_t plain_max = trial->plain_max ? trial->plain_max : 16384;
    struct filter_output plain;
    struct filter_io io = {
        .in = bytes, .in_length = length, .plain = &plain, .out = &out, .error = &trial->error};

    if (!trial->session) trial->session = tls_session_open(trial->context, trial->worker);
    require(trial->session != NULL);
    do {
        size_t left = io.in_length;
        out.length = 0;
        plain = (struct filter_output){trial->plain + trial->plain_length, 0, plain_max};
        require(trial->plain_length + plain_max <= sizeof trial->plain);
        if (!trial->is_server_open) io.plain = NULL;
        trial->result = tls_session_feed(trial->session, &io);
        trial->feeds++;
        io.plain = &plain;
        trial->plain_length += plain.length;
        take_output(trial, &out);
        if (trial->result == FILTER_OPEN) {
            require(!trial->is_server_open);
            trial->is_server_open = true;
        }
        require(trial->result != FILTER_MORE || io.in_length == 0);
        require(trial->result != FILTER_AGAIN || io.in_length < left || plain.length || out.length);
    } while (trial->result == FILTER_AGAIN || (trial->result == FILTER_OPEN && io.in_length > 0));
}

static bool has_ended(const struct tls_trial *trial)
{
    return trial->result == FILTER_BAD || trial->result == FILTER_END;
}

/* Feeds what the client wrote. Returns false if it wrote nothing. */
static bool run_server(struct tls_trial *trial)
{
    static uint8_t wire[70000];
    size_t size = trial->input_max ? trial->input_max : sizeof wire;
    int length = BIO_read(trial->from_client, wire, (int)size);

    if (length <= 0) return false;
    trial->wire_from_client += (uint64_t)length;
    if (!has_ended(trial)) tls_trial_feed(trial, wire, (size_t)length);
    return true;
}

static void run_client(struct tls_trial *trial)
{
    int result;

    if (trial->is_client_open || trial->client_error) return;
    ERR_clear_error();
    result = SSL_do_handshake(trial->client);
    trial->is_client_open = result == 1;
    if (result == 1) return;
    result = SSL_get_error(trial->client, result);
    if (result != SSL_ERROR_WANT_READ) trial->client_error = result;
}

void tls_trial_run(struct tls_trial *trial)
{
    do run_client(trial);
    while (run_server(trial));
    run_client(trial);
}

void tls_trial_handshake(struct tls_trial *trial)
{
    tls_trial_run(trial);
    require(trial->is_client_open);
    require(trial->is_server_open);
}

void tls_trial_send(struct tls_trial *trial, const void *bytes, size_t length)
{
    static uint8_t room[200000];
    struct filter_output out = {room, 0, sizeof room};

    require(length <= tls_session_seal_max(trial->session, sizeof room));
    require(tls_session_seal(trial->session, bytes, length, &out, &trial->error));
    take_output(trial, &out);
}

void tls_trial_expect(struct tls_trial *trial, const void *bytes, size_t length)
{
    static uint8_t room[200000];
    size_t read = 0;

    require(length <= sizeof room);
    while (read < length) {
        int result = SSL_read(trial->client, room + read, (int)(length - read));
        require(result > 0);
        read += (size_t)result;
    }
    require(memcmp(room, bytes, length) == 0);
}
