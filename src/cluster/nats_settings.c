/* SPDX-License-Identifier: MIT */
/* nats_settings.c - the options of libnats, and the list of servers. libnats gets one server per
 * attempt, so that no attempt lasts longer than NATS_SETTINGS__CONNECT_MS. */
#include "nats_state.h"

#include <weir/cluster.h>

#include <stdio.h>
#include <string.h>

#include "error_fill.h"
#include "memory.h"

#define NATS_SETTINGS__CONNECT_MS 2000

/* A server that answers none of three is away: after at most 6 s. A pause of 4 s is not noticed. */
#define NATS_SETTINGS__PING_MS 2000
#define NATS_SETTINGS__PINGS_MAX 2

static enum weir_code nats_settings__refuse(const char *subject, const char *reason,
                                            const char *hint, struct weir_error *error)
{
    return error_fill(error, WEIR_INVALID, 0, BROKER_OPERATION, subject, reason, hint);
}

/* Returns the address behind the scheme; null: another scheme. */
static const char *nats_settings__after_scheme(const char *url)
{
    if (strncmp(url, "nats://", 7) == 0 || strncmp(url, "tls://", 6) == 0)
        return strchr(url, '/') + 2;
    return strstr(url, "://") ? NULL : url;
}

static enum weir_code nats_settings__add_server(struct nats_broker *broker, char *url,
                                                struct weir_error *error)
{
    static const char hint[] = "write a broker as nats://HOST:PORT or tls://HOST:PORT";
    const char *address = nats_settings__after_scheme(url);

    if (broker->servers_count == NATS_SERVERS_MAX)
        return nats_settings__refuse(url, "there are more than 32 servers of the broker",
                                     "name some of them", error);
    if (!address || address[0] == '\0' || address[0] == ':' || strpbrk(url, " \t"))
        return nats_settings__refuse(url, "that is no address of a NATS server", hint, error);
    broker->servers[broker->servers_count++] = url;
    return WEIR_OK;
}

/* Splits the list in place. */
static enum weir_code nats_settings__read_servers(struct nats_broker *broker,
                                                  struct weir_error *error)
{
    enum weir_code code = WEIR_OK;

    for (char *at = broker->servers_text; at && code == WEIR_OK;) {
        char *comma = strchr(at, ',');
        if (comma) *comma = '\0';
        at += strspn(at, " \t");
        char *end = at + strlen(at);
        while (end > at && (end[-1] == ' ' || end[-1] == '\t')) *--end = '\0';
        code = nats_settings__add_server(broker, at, error);
        at = comma ? comma + 1 : NULL;
    }
    return code;
}

static bool nats_settings__wants_tls(const struct nats_broker *broker,
                                     const struct weir_cluster_options *options)
{
    for (size_t i = 0; i < broker->servers_count; i++)
        if (strncmp(broker->servers[i], "tls://", 6) == 0) return true;
    return options->tls_ca != NULL;
}

/* libnats reads the file of credentials at each connection, and reports only then. */
static bool nats_settings__can_read(const char *path)
{
    FILE *file = fopen(path, "rb"); /* tidy: allow names - libnats is not used on Windows */

    if (file) fclose(file);
    return file != NULL;
}

static natsStatus nats_settings__set_common(struct nats_broker *broker)
{
    natsOptions *options = broker->options;
    natsStatus status = natsOptions_SetNoEcho(options, true);

    /* nats_io.c connects again by itself: libnats gives up after an error of the server or of
     * authentication, and keeps a connection on which half a message was written. */
    if (status == NATS_OK) status = natsOptions_SetAllowReconnect(options, false);
    if (status == NATS_OK) status = natsOptions_SetTimeout(options, NATS_SETTINGS__CONNECT_MS);
    if (status == NATS_OK) status = natsOptions_SetPingInterval(options, NATS_SETTINGS__PING_MS);
    if (status == NATS_OK) status = natsOptions_SetMaxPingsOut(options, NATS_SETTINGS__PINGS_MAX);
    /* One thread delivers for all subscriptions; by default each has one. */
    if (status == NATS_OK) status = natsOptions_UseGlobalMessageDelivery(options, true);
    /* With an event loop, "as soon as possible" only asks nats_io.c to poll for writing; otherwise
     * a thread would delay it by a millisecond. */
    if (status == NATS_OK) status = natsOptions_SetSendAsap(options, true);
    if (status == NATS_OK)
        status =
            natsOptions_SetErrorHandler(options, nats_delivery_on_error, (void *)broker->serial);
    return status == NATS_OK ? nats_socket_attach(broker) : status;
}

static enum weir_code nats_settings__set_secrets(struct nats_broker *broker,
                                                 const struct weir_cluster_options *options,
                                                 struct weir_error *error)
{
    if (options->credentials) {
        if (!nats_settings__can_read(options->credentials))
            return nats_settings__refuse(options->credentials,
                                         "the file of credentials cannot be read",
                                         "check its name and its permissions", error);
        if (natsOptions_SetUserCredentialsFromFiles(broker->options, options->credentials, NULL) !=
            NATS_OK)
            return error_fill(error, WEIR_NO_MEMORY, 0, BROKER_OPERATION, NULL, NULL, NULL);
    }
    if (options->tls_ca &&
        natsOptions_LoadCATrustedCertificates(broker->options, options->tls_ca) != NATS_OK)
        return nats_settings__refuse(options->tls_ca,
                                     "no certificates in PEM form can be read there",
                                     "name the certificate that has signed the broker's", error);
    if (nats_settings__wants_tls(broker, options) &&
        natsOptions_SetSecure(broker->options, true) != NATS_OK)
        return nats_settings__refuse(broker->servers[0], "this libnats was built without TLS",
                                     "use a libnats with TLS", error);
    return WEIR_OK;
}

enum weir_code nats_settings_read(struct nats_broker *broker,
                                  const struct weir_cluster_options *options,
                                  struct weir_error *error)
{
    broker->servers_text = memory_copy_text(options->servers);
    if (!broker->servers_text)
        return error_fill(error, WEIR_NO_MEMORY, 0, BROKER_OPERATION, NULL, NULL, NULL);
    enum weir_code code = nats_settings__read_servers(broker, error);
    if (code != WEIR_OK) return code;
    broker->write_timeout_ms = options->write_timeout_ms;

    nats_SetMessageDeliveryPoolSize(1);
    natsStatus status = natsOptions_Create(&broker->options);
    if (status == NATS_OK) status = nats_settings__set_common(broker);
    if (status == NATS_OK && options->address)
        status = natsOptions_SetName(broker->options, options->address);
    if (status != NATS_OK)
        return error_fill(error, nats_settings_code(status), 0, BROKER_OPERATION, "libnats",
                          natsStatus_GetText(status), NULL);
    return nats_settings__set_secrets(broker, options, error);
}

void nats_settings_free(struct nats_broker *broker)
{
    natsOptions_Destroy(broker->options);
    memory_free(broker->servers_text);
}

enum weir_code nats_settings_code(natsStatus status)
{
    switch (status) {
    case NATS_OK: return WEIR_OK;
    case NATS_MAX_PAYLOAD: return WEIR_TOO_LARGE;
    case NATS_NO_MEMORY: return WEIR_NO_MEMORY;
    case NATS_CONNECTION_CLOSED:
    case NATS_CONNECTION_DISCONNECTED: return WEIR_GONE;
    default: return WEIR_SYSTEM;
    }
}
