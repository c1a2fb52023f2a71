/* SPDX-License-Identifier: MIT */
/* tls_client_absent.c - instead of tls_client_api.c in a build without OpenSSL: no client can be
 * opened, so the other calls are never made. */
#include <weir/tls_client.h>

#include "check.h"
#include "tls_engine.h"

#define ABSENT "this weir was built without OpenSSL"

enum weir_code weir_tls_client_open(const struct weir_tls_connect *settings, const char *host,
                                    struct weir_tls_client **client, struct weir_error *error)
{
    struct tls_context *none;

    (void)client;
    return tls_context_open_client(settings, host, &none, error);
}

void weir_tls_client_free(struct weir_tls_client *client)
{
    weir_check(!client);
}

enum weir_tls_received weir_tls_client_receive(struct weir_tls_client *client,
                                               struct weir_input *input, uint8_t *plain,
                                               size_t plain_size, size_t *plain_length)
{
    (void)client, (void)input, (void)plain, (void)plain_size, (void)plain_length;
    weir_unreachable(ABSENT);
}

const char *weir_tls_client_why(const struct weir_tls_client *client)
{
    (void)client;
    weir_unreachable(ABSENT);
}

enum weir_code weir_tls_client_send(struct weir_tls_client *client, const void *bytes,
                                    size_t length)
{
    (void)client, (void)bytes, (void)length;
    weir_unreachable(ABSENT);
}

void weir_tls_client_finish(struct weir_tls_client *client)
{
    (void)client;
    weir_unreachable(ABSENT);
}

const uint8_t *weir_tls_client_output(const struct weir_tls_client *client, size_t *length)
{
    (void)client, (void)length;
    weir_unreachable(ABSENT);
}

void weir_tls_client_sent(struct weir_tls_client *client, size_t length)
{
    (void)client, (void)length;
    weir_unreachable(ABSENT);
}

bool weir_tls_client_info_sized(const struct weir_tls_client *client, struct weir_tls_info *info,
                                size_t size)
{
    (void)client, (void)info, (void)size;
    weir_unreachable(ABSENT);
}
