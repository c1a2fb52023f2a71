/* SPDX-License-Identifier: MIT */
/* listening_tls.c - which listeners use TLS, and with which certificates. */
#include "listening_tls.h"

#include <string.h>

#include "options_position.h"
#include "suggest.h"

/* Stores a file in the first member, or in the second one if the first is set. */
static void listening_tls__add(const char **first, const char **second, const char *label,
                               const char *file, struct diagnostics *diagnostics)
{
    if (file[0] == '\0')
        diagnostics_add(diagnostics, "%s needs the name of a file", label);
    else if (!*first)
        *first = file;
    else if (!*second)
        *second = file;
    else
        diagnostics_add(diagnostics,
                        "%s %.100s: at most two pairs, one of each type (EC and RSA); for other "
                        "names use %s",
                        label, file, label[0] == '-' ? "--tls-host" : "hosts");
}

void listening_tls_add_certificate(struct options_tls *tls, const char *label, const char *file,
                                   struct diagnostics *diagnostics)
{
    listening_tls__add(&tls->tls.certificate, &tls->tls.certificate2, label, file, diagnostics);
}

void listening_tls_add_key(struct options_tls *tls, const char *label, const char *file,
                           struct diagnostics *diagnostics)
{
    listening_tls__add(&tls->tls.key, &tls->tls.key2, label, file, diagnostics);
}

/* Returns the next free entry; null after adding a diagnostic. */
static struct weir_tls_host *listening_tls__next_host(struct options *options,
                                                      struct options_tls *tls, const char *label,
                                                      const char *text,
                                                      struct diagnostics *diagnostics)
{
    if (tls->tls.hosts_count == OPTIONS_TLS_HOSTS_MAX) {
        diagnostics_add(diagnostics, "%s %.100s: at most %d are possible", label, text,
                        OPTIONS_TLS_HOSTS_MAX);
        return NULL;
    }
    if (!tls->hosts)
        tls->hosts = arena_alloc(&options->arena, OPTIONS_TLS_HOSTS_MAX * sizeof *tls->hosts);
    if (!tls->hosts) {
        diagnostics_add(diagnostics, "%s: out of memory", label);
        return NULL;
    }
    return &tls->hosts[tls->tls.hosts_count];
}

void listening_tls_add_host(struct options *options, struct options_tls *tls, const char *label,
                            const char *text, struct diagnostics *diagnostics)
{
    const char *equals = strchr(text, '=');
    size_t length = equals ? (size_t)(equals - text) : 0;

    if (length == 0 || equals[1] == '\0') {
        diagnostics_add(diagnostics,
                        "%s %.100s: write the names and a file with certificate and key: "
                        "a.example,*.a.example=FILE",
                        label, text);
        return;
    }
    struct weir_tls_host *host = listening_tls__next_host(options, tls, label, text, diagnostics);
    if (!host) return;
    *host = (struct weir_tls_host){.names = arena_copy(&options->arena, text, length),
                                   .certificate = equals + 1};
    if (host->names)
        tls->tls.hosts_count++;
    else
        diagnostics_add(diagnostics, "%s: out of memory", label);
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

static const struct options_tls *listening_tls__find(const struct options *options,
                                                     const char *name)
{
    for (size_t i = 0; i < options->tls_count; i++)
        if (strcmp(options->tls[i].name, name) == 0) return &options->tls[i];
    return NULL;
}

/* Rejects a name that no TLS settings have. */
static void listening_tls__refuse_name(const struct options *options,
                                       const struct weir_listen *listen,
                                       struct diagnostics *diagnostics)
{
    const char *names[OPTIONS_TLS_MAX + 1];
    size_t count = options->tls_count;

    for (size_t i = 0; i < count; i++) names[i] = options->tls[i].name;
    names[count++] = "off";
    const char *suggestion = suggest_word(listen->tls, strlen(listen->tls), names, count);
    if (suggestion)
        diagnostics_add(diagnostics,
                        "tcp %.60s: tls=%.60s: no TLS settings have this name; did you mean %s?",
                        listen->address, listen->tls, suggestion);
    else
        diagnostics_add(diagnostics,
                        "tcp %.60s: tls=%.60s is not " LISTENING_TLS_NAME
                        " or off, nor a name in the section tls of a configuration file",
                        listen->address, listen->tls);
}

/* Replaces the name in a URL by that of the library, or by null. */
static void listening_tls__apply(const struct options *options, struct weir_listen *listen,
                                 struct diagnostics *diagnostics)
{
    bool has_certificate = options->tls[0].tls.certificate != NULL;

    if (listen->proto == WEIR_UDP) {
        if (listen->tls)
            diagnostics_add(diagnostics, "udp %.60s: TLS is for TCP; leave tls out%s",
                            listen->address, diagnostics->file ? "" : " of the URL");
    } else if (!listen->tls) {
        listen->tls = has_certificate ? LISTENING_TLS_NAME : NULL;
    } else if (strcmp(listen->tls, "off") == 0) {
        listen->tls = NULL;
    } else if (!listening_tls__find(options, listen->tls)) {
        listening_tls__refuse_name(options, listen, diagnostics);
    } else if (strcmp(listen->tls, LISTENING_TLS_NAME) == 0 && !has_certificate) {
        diagnostics_add(diagnostics, "tcp %.60s: tls=" LISTENING_TLS_NAME " needs --tls-cert FILE",
                        listen->address);
    }
}

/* Completes one name's settings. */
static void listening_tls__complete(struct options_tls *named, struct diagnostics *diagnostics)
{
    struct weir_tls *tls = &named->tls;

    tls->size = sizeof *tls;
    tls->hosts = named->hosts;
    if (tls->client_ca && !named->is_client_given) tls->client = WEIR_TLS_CLIENT_REQUIRED;
    if (tls->certificate) return;
    if (named->node)
        diagnostics_add(diagnostics, "tls.%.63s needs a certificate: write certificate: FILE",
                        named->name);
    else if (listening_tls__is_used(tls, named->is_client_given))
        diagnostics_add(diagnostics, "TLS options need a certificate: --tls-cert FILE");
}

void listening_tls_finish(struct options *options, struct diagnostics *diagnostics)
{
    for (size_t i = 0; i < options->tls_count; i++) {
        options_position_enter(options, options->tls[i].node, NULL, diagnostics);
        listening_tls__complete(&options->tls[i], diagnostics);
    }
    for (size_t i = 0; i < options->listeners_count; i++) {
        options_position_enter(options, options->own[i].node, "tls", diagnostics);
        listening_tls__apply(options, &options->listeners[i], diagnostics);
    }
    diagnostics_leave(diagnostics);
}
