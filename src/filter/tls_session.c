/* SPDX-License-Identifier: MIT */
/* tls_session.c - the TLS part of one session.
 *
 *      feed: HANDSHAKE -> FILTER_OPEN -> OPEN -> FILTER_END (close_notify) or FILTER_BAD (failed)
 *      seal: in OPEN, and after the peer's close_notify; goodbye: once, unless the session failed
 *
 * OpenSSL's error queue belongs to the thread. tls_bio_begin() clears it before each call, and
 * SSL_get_error() follows each call directly. */
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "memory.h"
#include "tls_state.h"

/* Heap bytes of a session, measured by tests/unit/test_tls_memory.c: complete and idle; during the
 * handshake; and what a part of a record adds, a part of a message after the handshake, and the
 * buffer that OpenSSL keeps after such a message. */
enum { IDLE_BYTES = 16 * 1024, HANDSHAKE_BYTES = 96 * 1024, RECORD_BYTES = 18 * 1024 };
enum { MESSAGE_BYTES = 64 * 1024, MESSAGE_BUFFER_BYTES = 22 * 1024 };
enum { CERTIFICATE_BYTES = 2 * 1024 };

enum { RECORD_PLAIN_BYTES = 16384, RECORD_OVERHEAD_BYTES = 128 };

/* Whether a part of a handshake message has come after the handshake (a ticket, a key update):
 * OpenSSL reads its rest before it writes. */
static bool tls_session__is_inside_message(const struct tls_session *session)
{
    return session->is_open && !session->has_failed && SSL_in_init(session->ssl);
}

/* ---- Begin and end ---- */

static bool tls_session__begin(struct tls_session *session)
{
    const struct tls_context *context = session->context;
    BIO *bio = session->worker->bio;

    session->ssl = SSL_new(context->ssl);
    if (!session->ssl || SSL_set_app_data(session->ssl, session) != 1) return false;
    if (BIO_up_ref(bio) != 1) return false;
    SSL_set_bio(session->ssl, bio, bio); /* takes the reference, and one more of its own */
    if (!context->is_client) {
        SSL_set_accept_state(session->ssl);
        return true;
    }
    SSL_set_connect_state(session->ssl);
    return tls_client_set_name(session->ssl, context);
}

struct tls_session *tls_session_open(struct tls_context *context, struct tls_worker *worker)
{
    struct tls_session *session = memory_alloc(sizeof *session);

    if (!session) return NULL;
    session->context = tls_context_ref(context);
    session->worker = worker;
    if (tls_session__begin(session)) return session;
    ERR_clear_error();
    tls_session_free(session);
    return NULL;
}

void tls_session_free(struct tls_session *session)
{
    weir_check(session->worker->session != session);
    SSL_free(session->ssl);
    tls_context_unref(session->context);
    memory_free(session);
}

/* ---- Receiving ---- */

static enum filter_result tls_session__fail(struct tls_session *session, struct filter_io *io)
{
    session->is_ended = true;
    session->has_failed = true;
    if (!session->is_open)
        tls_bio_remember_first(session, session->worker->in, session->worker->in_length);
    tls_error_of_session(session, io->error);
    return FILTER_BAD;
}

/* Handles the result of an OpenSSL call that did not succeed. */
static enum filter_result tls_session__stopped(struct tls_session *session, struct filter_io *io,
                                               int result)
{
    switch (SSL_get_error(session->ssl, result)) {
    case SSL_ERROR_WANT_READ: return FILTER_MORE;
    case SSL_ERROR_WANT_WRITE: return FILTER_AGAIN;
    case SSL_ERROR_ZERO_RETURN:
        session->is_ended = true;
        if (session->is_open) return FILTER_END;
        session->has_failed = true;
        return filter_fail(io->error, "TLS handshake failed: the peer closed the connection");
    default: return tls_session__fail(session, io);
    }
}

/* A client checks the protocol that the server selected: before 3.0.15 OpenSSL accepts any. Returns
 * what is wrong with it, or null. */
static const char *tls_session__check_protocol(const struct tls_session *session)
{
    const struct tls_context *context = session->context;
    const unsigned char *protocol;
    unsigned length;

    if (!context->is_client || !context->alpn) return NULL;
    SSL_get0_alpn_selected(session->ssl, &protocol, &length);
    if (length == 0)
        return context->alpn_required ? "the server selected no protocol (ALPN)" : NULL;
    if (tls_context_has_protocol(context, protocol, length)) return NULL;
    return "the server selected a protocol that was not offered (ALPN)";
}

/* The handshake is complete, but its result is not what we need: the peer gets close_notify. */
static enum filter_result tls_session__reject(struct tls_session *session, struct filter_io *io,
                                              const char *cause)
{
    SSL_shutdown(session->ssl); /* it can fail for lack of room only: then FIN says less */
    session->is_ended = session->has_failed = true;
    return filter_fail(io->error, "TLS handshake failed: %s", cause);
}

/* Returns about how much memory the peer's certificates occupy: parsed ones need some three times
 * their size. OpenSSL keeps them as long as the session. */
static uint32_t tls_session__count_peer_bytes(const struct tls_session *session)
{
    X509 *leaf = SSL_get0_peer_certificate(session->ssl);
    STACK_OF(X509) *chain = SSL_get_peer_cert_chain(session->ssl);
    size_t bytes = 0;

    if (leaf) bytes += CERTIFICATE_BYTES + 3 * (size_t)i2d_X509(leaf, NULL);
    for (int i = 0; i < sk_X509_num(chain); i++)
        bytes += CERTIFICATE_BYTES + 3 * (size_t)i2d_X509(sk_X509_value(chain, i), NULL);
    return (uint32_t)bytes;
}

/* Returns most plain bytes of a record that we send: a client can ask for small ones (RFC 6066,
 * section 4). */
static uint32_t tls_session__negotiated_bytes(const struct tls_session *session)
{
    uint32_t code = SSL_SESSION_get_max_fragment_length(SSL_get_session(session->ssl));
    uint32_t doublings = code - TLSEXT_max_fragment_length_512; /* huge: the client did not ask */

    return doublings < 4 ? UINT32_C(512) << doublings : RECORD_PLAIN_BYTES;
}

static enum filter_result tls_session__handshake(struct tls_session *session, struct filter_io *io)
{
    int result = SSL_do_handshake(session->ssl);

    if (result != 1) return tls_session__stopped(session, io, result);
    const char *cause = tls_session__check_protocol(session);
    if (cause) return tls_session__reject(session, io, cause);
    session->is_open = true;
    session->record_bytes = tls_session__negotiated_bytes(session);
    session->peer_bytes = tls_session__count_peer_bytes(session);
    return FILTER_OPEN;
}

static enum filter_result tls_session__read(struct tls_session *session, struct filter_io *io)
{
    size_t length;
    int result;

    for (;;) {
        if (session->is_refused) return tls_session__fail(session, io);
        if (filter_output_room(io->plain) == 0) break;
        result = SSL_read_ex(session->ssl, io->plain->bytes + io->plain->length,
                             filter_output_room(io->plain), &length);
        if (result != 1) {
            enum filter_result stopped = tls_session__stopped(session, io, result);
            if (stopped != FILTER_MORE) return stopped;
            if (session->worker->in_length > 0 || session->is_refused) continue;
            return FILTER_MORE;
        }
        session->key_updates = 0;
        io->plain->length += length;
    }
    return SSL_pending(session->ssl) > 0 || session->worker->in_length > 0 ? FILTER_AGAIN
                                                                           : FILTER_MORE;
}

enum filter_result tls_session_feed(struct tls_session *session, struct filter_io *io)
{
    enum filter_result result;
    size_t left;

    weir_check(!session->is_ended);
    tls_bio_begin(session, io->in, io->in_length, io->out);
    result =
        session->is_open ? tls_session__read(session, io) : tls_session__handshake(session, io);
    left = tls_bio_end(session);
    if (io->in_length > 0) io->in += io->in_length - left;
    io->in_length = left;
    weir_check(result != FILTER_MORE || left == 0);
    return result;
}

/* ---- Sending ---- */

size_t tls_session_seal_max(const struct tls_session *session, size_t room)
{
    size_t record = session->record_bytes + RECORD_OVERHEAD_BYTES, whole, rest;

    weir_check(session->is_open);
    if (tls_session__is_inside_message(session)) return 0;
    if (room <= 2 * RECORD_OVERHEAD_BYTES) return 0;
    room -= RECORD_OVERHEAD_BYTES; /* for a key update */
    whole = room / record;
    rest = room % record;
    return whole * session->record_bytes +
           (rest > RECORD_OVERHEAD_BYTES ? rest - RECORD_OVERHEAD_BYTES : 0);
}

/* Changes the sending key before it has sealed too many records. */
static void tls_session__count_records(struct tls_session *session, size_t length)
{
    session->records_sent += (uint32_t)(length / session->record_bytes + 1);
    if (session->records_sent < session->context->records_per_key) return;
    session->records_sent = 0;
    if (SSL_version(session->ssl) == TLS1_3_VERSION)
        SSL_key_update(session->ssl, SSL_KEY_UPDATE_NOT_REQUESTED);
}

bool tls_session_seal(struct tls_session *session, const uint8_t *plain, size_t length,
                      struct filter_output *out, struct filter_error *error)
{
    size_t written;
    int result;

    weir_check(session->is_open && length > 0);
    weir_check(length <= tls_session_seal_max(session, filter_output_room(out)));
    if (session->has_failed) {
        filter_fail(error, "TLS failed");
        return false;
    }
    tls_session__count_records(session, length);
    tls_bio_begin(session, NULL, 0, out);
    result = SSL_write_ex(session->ssl, plain, length, &written);
    if (result != 1) {
        session->is_ended = session->has_failed = true;
        tls_error_of_session(session, error);
    }
    tls_bio_end(session);
    return result == 1;
}

void tls_session_goodbye(struct tls_session *session, struct filter_output *out)
{
    /* OpenSSL forbids SSL_shutdown() after a failure; the alert for it was sent already. */
    if (!session->is_open || session->has_failed || session->has_said_goodbye) return;
    weir_check(filter_output_room(out) >= TLS_GOODBYE_BYTES_MAX);
    session->has_said_goodbye = true;
    tls_bio_begin(session, NULL, 0, out);
    SSL_shutdown(
        session->ssl); /* it can fail only for lack of room or memory: then FIN says less */
    tls_bio_end(session);
}

/* ---- Facts ---- */

bool tls_session_is_open(const struct tls_session *session)
{
    return session->is_open;
}

bool tls_session_is_resumed(const struct tls_session *session)
{
    return SSL_session_reused(session->ssl) == 1;
}

size_t tls_session_held_bytes(const struct tls_session *session)
{
    size_t bytes = session->is_open ? IDLE_BYTES : HANDSHAKE_BYTES;

    if (tls_session__is_inside_message(session))
        bytes += MESSAGE_BYTES;
    else if (session->keeps_message_buffer)
        bytes += MESSAGE_BUFFER_BYTES;
    return bytes + session->peer_bytes + (tls_bio_has_partial_record(session) ? RECORD_BYTES : 0);
}

/* Describes the peer's certificate, if it sent one. */
static void tls_session__describe_peer(const struct tls_session *session,
                                       struct weir_tls_info *info)
{
    X509 *certificate = SSL_get0_peer_certificate(session->ssl);
    BIO *text = BIO_new(BIO_s_mem());
    int length;

    if (certificate && text) {
        X509_NAME_print_ex(text, X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253);
        length = BIO_read(text, info->peer_subject, sizeof info->peer_subject - 1);
        info->peer_subject[length > 0 ? length : 0] = '\0';
        info->has_peer = X509_digest(certificate, EVP_sha256(), info->peer_sha256, NULL) == 1;
    }
    BIO_free(text);
    ERR_clear_error();
}

bool tls_session_info(const struct tls_session *session, struct weir_tls_info *info)
{
    const char *name = SSL_get_servername(session->ssl, TLSEXT_NAMETYPE_host_name);
    const unsigned char *protocol = NULL;
    unsigned length = 0;

    if (!session->is_open) return false;
    memset(info, 0, sizeof *info);
    SSL_get0_alpn_selected(session->ssl, &protocol, &length);
    snprintf(info->version, sizeof info->version, "%s", SSL_get_version(session->ssl));
    snprintf(info->cipher, sizeof info->cipher, "%s", SSL_get_cipher_name(session->ssl));
    snprintf(info->server_name, sizeof info->server_name, "%s", name ? name : "");
    snprintf(info->alpn, sizeof info->alpn, "%.*s", (int)length,
             protocol ? (const char *)protocol : "");
    info->resumed = SSL_session_reused(session->ssl) == 1;
    tls_session__describe_peer(session, info);
    return true;
}
