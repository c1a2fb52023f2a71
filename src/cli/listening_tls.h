/* SPDX-License-Identifier: MIT */
/* listening_tls.h - TLS of the listeners of `weir serve`: the options --tls-..., and the key tls in
 * a URL. */
#ifndef CLI_LISTENING_TLS_H
#define CLI_LISTENING_TLS_H

#include "options.h"

#define LISTENING_TLS_NAME "default" /* of the settings that the options describe */

/* Adds a certificate or key file: the first or the second. */
void listening_tls_add_certificate(struct options *options, const char *file,
                                   struct diagnostics *diagnostics);
void listening_tls_add_key(struct options *options, const char *file,
                           struct diagnostics *diagnostics);

/* Adds certificates for other names: "a.example,*.b.example=FILE". */
void listening_tls_add_host(struct options *options, const char *text,
                            struct diagnostics *diagnostics);

/* Applies the options to the TCP listeners, and rejects settings without effect. `is_client_given`:
 * the command line has --tls-client. */
void listening_tls_finish(struct options *options, bool is_client_given,
                          struct diagnostics *diagnostics);

#endif
