/* SPDX-License-Identifier: MIT */
/* options.h - reads the command line of `weir serve` into the settings of a server and of the
 * program. Any thread can read one: there is no state besides the struct. */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/cluster.h>
#include <weir/weir.h>

#include "arena.h"
#include "diagnostics.h"
#include "log_format.h"
#include "option.h"

#define OPTIONS_LISTENERS_MAX WEIR_LISTENERS_MAX

/* Words for enum weir_proxy and enum weir_proxy_others, in their order. */
#define OPTIONS_PROXY_WORDS "off|required"
#define OPTIONS_PROXY_OTHERS_WORDS "refuse|serve"
/* Words for enum weir_websocket_send, in its order. */
#define OPTIONS_WEBSOCKET_SEND_WORDS "same|text|binary"

struct settings_node;

/* The program's own settings of a listener. */
struct options_own {
    bool proxy, proxy_from, proxy_others; /* which settings its URL or map has */
    const char *name;                     /* in messages; null: it has none */
    const char *handler;              /* as it was written, also if it is a module; null: default */
    uint64_t message_max_bytes;       /* 0: as for all listeners */
    const char *websocket_page;       /* file; null: as for all listeners */
    const struct settings_node *node; /* in the configuration file; null: from the command line */
};

#define OPTIONS_TLS_MAX 32       /* names */
#define OPTIONS_TLS_HOSTS_MAX 64 /* of one name */

/* TLS settings with a name. */
struct options_tls {
    const char *name;
    struct weir_tls tls;         /* its certificate is null: it is not used */
    struct weir_tls_host *hosts; /* OPTIONS_TLS_HOSTS_MAX; null: there are none */
    bool is_client_given;
    const struct settings_node *node; /* as in struct options_own */
};

/* In the order of OPTIONS_SANDBOX_WORDS. */
enum options_sandbox { SANDBOX_OFF, SANDBOX_AUTO, SANDBOX_ON };
#define OPTIONS_SANDBOX_WORDS "off|auto|on"

/* In the order of enum weir_cluster_stale. */
#define OPTIONS_CLUSTER_STALE_WORDS "drop|keep"

#define OPTIONS_LIST_FILES_MAX 16

struct options {
    const char *config_file; /* null: none */
    /* The files of addresses that it names, for the sandbox: a reload reads them again. */
    const char *list_files[OPTIONS_LIST_FILES_MAX];
    size_t list_files_count;
    struct weir_config config;
    struct weir_listen listeners[OPTIONS_LISTENERS_MAX];
    struct options_own own[OPTIONS_LISTENERS_MAX];
    size_t listeners_count;
    bool listeners_are_default;  /* the command line names none */
    const char *codec, *handler; /* of listeners without their own; null: the library's default */
    enum weir_proxy proxy;       /* of TCP listeners without their own */
    enum weir_proxy_others proxy_others;
    const char *proxy_from;                  /* null: none */
    struct options_tls tls[OPTIONS_TLS_MAX]; /* the first: of the options --tls-..., "default" */
    size_t tls_count;
    uint32_t unix_mode;         /* of the files of Unix-domain listeners; 0: by the umask */
    const char *websocket_page; /* file that WebSocket listeners serve; null: none */
    uint32_t ping_interval_ms;  /* of WebSocket listeners; 0: no pings */
    uint32_t pong_timeout_ms;
    uint64_t message_max_bytes; /* 0: the codec's own maximum */
    uint32_t drain_ms;
    uint32_t stats_ms;                         /* milliseconds; 0: only at the end */
    const char *port_file;                     /* null: none */
    const char *admin;                         /* address of the admin server; null: none */
    const char *admin_token_file, *admin_host; /* null: none */
    struct weir_cluster_options cluster;       /* servers null: none */
    const char *user;                          /* "name" or "name:group"; null: unchanged */
    enum options_sandbox sandbox;
    enum log_format_kind log_format;
    const char *log_file; /* null: stderr */
    int loudness;         /* -1: quiet; 0: default; 1, 2: verbose */
    bool help, version;
    struct arena arena; /* owns the strings above that are not arguments */
};

/* Sets every default. This allocates nothing. */
void options_init(struct options *options);

/* Reads the arguments after `weir serve`, and the configuration file that they name. An option on
 * the command line replaces the value in the file. Returns false if the diagnostics contain
 * errors. The strings in *options belong to the arguments or to the options. The caller calls
 * options_free() in either case. */
bool options_read(int count, char **arguments, struct options *options,
                  struct diagnostics *diagnostics);

/* Frees the memory of the options. */
void options_free(struct options *options);

#endif
