/* SPDX-License-Identifier: MIT */
/* tls_absent.c - instead of the other tls_*.c in a build without OpenSSL: refuses to open contexts.
 * Sessions and workers need a context, so that nothing else is reached. */
#include "check.h"
#include "error_fill.h"
#include "tls_engine.h"

#define ABSENT "this weir was built without OpenSSL"

static enum weir_code tls_absent__refuse(struct weir_error *error)
{
    return error_fill(error, WEIR_UNSUPPORTED, 0, "use TLS", NULL, ABSENT,
                      "build it with OpenSSL 3 (Debian and Ubuntu: libssl-dev)");
}

enum weir_code tls_context_open(const struct weir_tls *settings, struct tls_tickets *tickets,
                                struct tls_context **opened, struct weir_error *error)
{
    (void)settings, (void)tickets, (void)opened;
    return tls_absent__refuse(error);
}

enum weir_code tls_context_open_client(const struct weir_tls_connect *settings, const char *host,
                                       struct tls_context **opened, struct weir_error *error)
{
    (void)settings, (void)host, (void)opened;
    return tls_absent__refuse(error);
}

struct tls_tickets *tls_tickets_open(void)
{
    static char placeholder; /* no memory is needed, and null would say that there is none */

    return (struct tls_tickets *)(void *)&placeholder;
}

void tls_tickets_unref(struct tls_tickets *tickets)
{
    (void)tickets;
}

struct tls_context *tls_context_ref(struct tls_context *context)
{
    (void)context;
    weir_unreachable(ABSENT);
}

void tls_context_unref(struct tls_context *context)
{
    weir_check(!context);
}

int64_t tls_context_expires(const struct tls_context *context)
{
    (void)context;
    weir_unreachable(ABSENT);
}

bool tls_context_has_protocol(const struct tls_context *context, const void *protocol,
                              size_t length)
{
    (void)context, (void)protocol, (void)length;
    weir_unreachable(ABSENT);
}

void tls_context_set_records_per_key(struct tls_context *context, uint32_t records)
{
    (void)context, (void)records;
    weir_unreachable(ABSENT);
}

struct tls_worker *tls_worker_open(void)
{
    weir_unreachable(ABSENT);
}

void tls_worker_free(struct tls_worker *worker)
{
    weir_check(!worker);
}

void tls_worker_set_now(struct tls_worker *worker, uint64_t now_ns)
{
    (void)worker, (void)now_ns;
    weir_unreachable(ABSENT);
}

struct tls_session *tls_session_open(struct tls_context *context, struct tls_worker *worker)
{
    (void)context, (void)worker;
    weir_unreachable(ABSENT);
}

void tls_session_free(struct tls_session *session)
{
    (void)session;
    weir_unreachable(ABSENT);
}

enum filter_result tls_session_feed(struct tls_session *session, struct filter_io *io)
{
    (void)session, (void)io;
    weir_unreachable(ABSENT);
}

size_t tls_session_seal_max(const struct tls_session *session, size_t room)
{
    (void)session, (void)room;
    weir_unreachable(ABSENT);
}

bool tls_session_seal(struct tls_session *session, const uint8_t *plain, size_t length,
                      struct filter_output *out, struct filter_error *error)
{
    (void)session, (void)plain, (void)length, (void)out, (void)error;
    weir_unreachable(ABSENT);
}

void tls_session_goodbye(struct tls_session *session, struct filter_output *out)
{
    (void)session, (void)out;
    weir_unreachable(ABSENT);
}

size_t tls_session_held_bytes(const struct tls_session *session)
{
    (void)session;
    weir_unreachable(ABSENT);
}

bool tls_session_is_open(const struct tls_session *session)
{
    (void)session;
    weir_unreachable(ABSENT);
}

bool tls_session_is_resumed(const struct tls_session *session)
{
    (void)session;
    weir_unreachable(ABSENT);
}

bool tls_session_info(const struct tls_session *session, struct weir_tls_info *info)
{
    (void)session, (void)info;
    weir_unreachable(ABSENT);
}
