/* SPDX-License-Identifier: MIT */
/* listening_tls.h - TLS of the listeners of `weir serve`: the options --tls-..., the section tls of
 * a configuration file, and the key tls of a listener. */
#ifndef CLI_LISTENING_TLS_H
#define CLI_LISTENING_TLS_H

#include "options.h"

#define LISTENING_TLS_NAME "default" /* of the settings that the options describe */

/* Adds a certificate or key file: the first or the second. Diagnostics begin with `label`. */
void listening_tls_add_certificate(struct options_tls *tls, const char *label, const char *file,
                                   struct diagnostics *diagnostics);
void listening_tls_add_key(struct options_tls *tls, const char *label, const char *file,
                           struct diagnostics *diagnostics);

/* Adds certificates for other names: "a.example,*.b.example=FILE". */
void listening_tls_add_host(struct options *options, struct options_tls *tls, const char *label,
                            const char *text, struct diagnostics *diagnostics);

/* Applies the settings to the TCP listeners, and rejects settings without effect. */
void listening_tls_finish(struct options *options, struct diagnostics *diagnostics);

#endif
