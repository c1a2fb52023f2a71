/* SPDX-License-Identifier: MIT */
/* tls_bio.c - the one BIO of a worker, through which OpenSSL reads and writes byte spans.
 *
 *      tls_session_feed, _seal, _goodbye -> tls_bio_begin(spans) -> OpenSSL -> tls_bio_end()
 *                                                  read: takes from `in`; write: appends to `out`
 *
 * All SSL objects of a worker share the BIO, since only one of them is used at a time. An own pair
 * of memory BIOs per session would cost 2 KiB and a copy. */
#include <string.h>

#include "check.h"
#include "memory.h"
#include "tls_state.h"

enum { HEAD_BYTES = 5, MESSAGE_BYTES_MAX = 32 * 1024 };

/* Follows the handshake messages of the client as long as they are not encrypted: OpenSSL allocates
 * memory for the length in a message's header, up to 128 KiB for a hello. */
static void tls_bio__track_message(struct tls_session *session, const uint8_t *bytes, size_t length)
{
    uint8_t *head = session->message_head;

    while (length > 0) {
        size_t step = length < session->message_left ? length : session->message_left;
        session->message_left -= (uint32_t)step;
        bytes += step;
        length -= step;
        if (length == 0) break;
        head[session->message_head_count++] = *bytes++;
        length--;
        if (session->message_head_count < sizeof session->message_head) continue;
        session->message_head_count = 0;
        session->message_left = (uint32_t)head[1] << 16 | (uint32_t)head[2] << 8 | head[3];
        if (session->message_left <= MESSAGE_BYTES_MAX) continue;
        session->oversize_bytes = session->message_left;
        session->is_refused = true;
        return;
    }
}

/* The bytes belong to one record. */
static void tls_bio__track_body(struct tls_session *session, const uint8_t *bytes, size_t length)
{
    if (session->is_open || session->is_encrypted) return;
    if (session->head[0] == SSL3_RT_HANDSHAKE)
        tls_bio__track_message(session, bytes, length);
    else /* TLS 1.3 encrypts in records of another type, and sends this one without a meaning */
        session->is_encrypted = session->head[0] == SSL3_RT_CHANGE_CIPHER_SPEC &&
                                SSL_version(session->ssl) != TLS1_3_VERSION;
}

/* Follows the borders of the incoming records: at a border, OpenSSL holds no input buffer. */
static void tls_bio__track(struct tls_session *session, const uint8_t *bytes, size_t length)
{
    size_t i = 0;

    while (i < length) {
        if (session->head_count < HEAD_BYTES) {
            session->head[session->head_count++] = bytes[i++];
            if (session->head_count < HEAD_BYTES) continue;
            session->record_left = (uint32_t)session->head[3] << 8 | session->head[4];
        } else {
            size_t step = length - i < session->record_left ? length - i : session->record_left;
            tls_bio__track_body(session, bytes + i, step);
            session->record_left -= (uint32_t)step;
            i += step;
        }
        if (session->record_left == 0) session->head_count = 0;
    }
}

bool tls_bio_has_partial_record(const struct tls_session *session)
{
    return session->head_count > 0;
}

void tls_bio_remember_first(struct tls_session *session, const uint8_t *bytes, size_t length)
{
    size_t room = sizeof session->first - session->first_count;
    size_t copied = length < room ? length : room;

    if (copied > 0) memcpy(session->first + session->first_count, bytes, copied);
    session->first_count = (uint8_t)(session->first_count + copied);
}

static int tls_bio__read(BIO *bio, char *bytes, size_t size, size_t *read)
{
    struct tls_worker *worker = BIO_get_data(bio);
    size_t length = size < worker->in_length ? size : worker->in_length;

    weir_check(worker->session != NULL);
    BIO_clear_retry_flags(bio);
    *read = 0;
    if (length == 0) {
        BIO_set_retry_read(bio);
        return -1;
    }
    memcpy(bytes, worker->in, length);
    worker->in += length;
    worker->in_length -= length;
    tls_bio__track(worker->session, (const uint8_t *)bytes, length);
    if (!worker->session->is_open)
        tls_bio_remember_first(worker->session, (const uint8_t *)bytes, length);
    if (worker->session->oversize_bytes > 0) return -1;
    *read = length;
    return 1;
}

static int tls_bio__write(BIO *bio, const char *bytes, size_t length, size_t *written)
{
    struct tls_worker *worker = BIO_get_data(bio);
    size_t room = filter_output_room(worker->out);

    weir_check(worker->session != NULL);
    BIO_clear_retry_flags(bio);
    *written = length < room ? length : room;
    if (*written == 0) {
        BIO_set_retry_write(bio);
        return -1;
    }
    memcpy(worker->out->bytes + worker->out->length, bytes, *written);
    worker->out->length += *written;
    return 1;
}

static long tls_bio__control(BIO *bio, int command, long number, void *pointer)
{
    (void)bio, (void)number, (void)pointer;
    return command == BIO_CTRL_FLUSH;
}

struct tls_worker *tls_worker_open(void)
{
    struct tls_worker *worker = memory_alloc(sizeof *worker);

    if (!worker) return NULL;
    worker->method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "weir");
    if (worker->method) {
        BIO_meth_set_read_ex(worker->method, tls_bio__read);
        BIO_meth_set_write_ex(worker->method, tls_bio__write);
        BIO_meth_set_ctrl(worker->method, tls_bio__control);
        worker->bio = BIO_new(worker->method);
    }
    if (!worker->bio) {
        BIO_meth_free(worker->method);
        memory_free(worker);
        ERR_clear_error();
        return NULL;
    }
    ERR_clear_error();
    BIO_set_data(worker->bio, worker);
    BIO_set_init(worker->bio, 1);
    return worker;
}

void tls_worker_free(struct tls_worker *worker)
{
    if (!worker) return;
    weir_check(worker->session == NULL);
    BIO_free(worker->bio);
    BIO_meth_free(worker->method);
    memory_free(worker);
}

void tls_worker_set_now(struct tls_worker *worker, uint64_t now_ns)
{
    worker->now_ns = now_ns;
}

void tls_bio_begin(struct tls_session *session, const uint8_t *in, size_t length,
                   struct filter_output *out)
{
    struct tls_worker *worker = session->worker;

    weir_check(worker->session == NULL);
    weir_check(out->length <= out->max);
    worker->session = session;
    worker->in = in;
    worker->in_length = length;
    worker->out = out;
    ERR_clear_error(); /* the queue belongs to the thread: an old entry would fail this session */
}

size_t tls_bio_end(struct tls_session *session)
{
    struct tls_worker *worker = session->worker;

    weir_check(worker->session == session);
    worker->session = NULL;
    worker->in = NULL;
    worker->out = NULL;
    return worker->in_length;
}
