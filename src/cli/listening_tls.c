/* SPDX-License-Identifier: MIT */
/* listening_tls.c - which listeners use TLS, and with which certificates. */
#include "listening_tls.h"

#include <string.h>

/* Stores a file in the first member, or in the second one if the first is set. */
static void listening_tls__add(const char **first, const char **second, const char *option,
                               const char *file, struct diagnostics *diagnostics)
{
    if (file[0] == '\0')
        diagnostics_add(diagnostics, "--%s needs the name of a file", option);
    else if (!*first)
        *first = file;
    else if (!*second)
        *second = file;
    else
        diagnostics_add(diagnostics,
                        "--%s %.100s: at most two pairs, one of each type (EC and RSA); for other "
                        "names use --tls-host",
                        option, file);
}

void listening_tls_add_certificate(struct options *options, const char *file,
                                   struct diagnostics *diagnostics)
{
    listening_tls__add(&options->tls.certificate, &options->tls.certificate2, "tls-cert", file,
                       diagnostics);
}

void listening_tls_add_key(struct options *options, const char *file,
                           struct diagnostics *diagnostics)
{
    listening_tls__add(&options->tls.key, &options->tls.key2, "tls-key", file, diagnostics);
}

void listening_tls_add_host(struct options *options, const char *text,
                            struct diagnostics *diagnostics)
{
    const char *equals = strchr(text, '=');
    size_t length = equals ? (size_t)(equals - text) : 0;
    char *names;

    if (length == 0 || equals[1] == '\0') {
        diagnostics_add(diagnostics,
                        "--tls-host %.100s: write the names and a file with certificate and key: "
                        "a.example,*.a.example=FILE",
                        text);
        return;
    }
    if (options->tls.hosts_count == OPTIONS_TLS_HOSTS_MAX) {
        diagnostics_add(diagnostics, "--tls-host %.100s: at most %d are possible", text,
                        OPTIONS_TLS_HOSTS_MAX);
        return;
    }
    names = arena_alloc(&options->arena, length + 1);
    if (!names) {
        diagnostics_add(diagnostics, "--tls-host: out of memory");
        return;
    }
    memcpy(names, text, length);
    names[length] = '\0';
    options->tls_hosts[options->tls.hosts_count++] =
        (struct weir_tls_host){.names = names, .certificate = equals + 1};
}

static bool listening_tls__has_algorithms(const struct weir_tls *tls)
{
    return tls->min != WEIR_TLS_1_2 || tls->ciphers || tls->ciphersuites || tls->groups;
}

static bool listening_tls__has_names(const struct weir_tls *tls)
{
    return tls->hosts_count > 0 || tls->strict_names || tls->alpn || tls->alpn_required;
}

/* Returns whether an option has no effect without a certificate. */
static bool listening_tls__is_used(const struct weir_tls *tls, bool is_client_given)
{
    return is_client_given || tls->key || tls->client_ca || tls->no_tickets ||
           listening_tls__has_algorithms(tls) || listening_tls__has_names(tls);
}

/* Replaces the name in a URL by that of the library, or by null. */
static void listening_tls__apply(const struct options *options, struct weir_listen *listen,
                                 struct diagnostics *diagnostics)
{
    bool has_certificate = options->tls.certificate != NULL;

    if (listen->proto == WEIR_UDP) {
        if (listen->tls)
            diagnostics_add(diagnostics, "udp %.60s: TLS is for TCP; leave tls out of the URL",
                            listen->address);
    } else if (!listen->tls) {
        listen->tls = has_certificate ? LISTENING_TLS_NAME : NULL;
    } else if (strcmp(listen->tls, "off") == 0) {
        listen->tls = NULL;
    } else if (strcmp(listen->tls, LISTENING_TLS_NAME) != 0) {
        diagnostics_add(diagnostics, "tcp %.60s: tls=%.60s is not " LISTENING_TLS_NAME " or off",
                        listen->address, listen->tls);
    } else if (!has_certificate) {
        diagnostics_add(diagnostics, "tcp %.60s: tls=" LISTENING_TLS_NAME " needs --tls-cert FILE",
                        listen->address);
    }
}

void listening_tls_finish(struct options *options, bool is_client_given,
                          struct diagnostics *diagnostics)
{
    struct weir_tls *tls = &options->tls;

    tls->size = sizeof *tls;
    tls->hosts = options->tls_hosts;
    if (tls->client_ca && !is_client_given) tls->client = WEIR_TLS_CLIENT_REQUIRED;
    if (!tls->certificate && listening_tls__is_used(tls, is_client_given))
        diagnostics_add(diagnostics, "TLS options need a certificate: --tls-cert FILE");
    for (size_t i = 0; i < options->listeners_count; i++)
        listening_tls__apply(options, &options->listeners[i], diagnostics);
}
