/* SPDX-License-Identifier: MIT */
/* config_listen.c - the list listen of a configuration file. An item is a map of the keys in
 * listener.def, or a text as --listen takes it. */
#include <string.h>

#include "block_list.h"
#include "config_reading.h"
#include "listening.h"
#include "options_position.h"
#include "url.h"

#define OPTIONS_TARGET struct config_listen
#include "option_rows.h"

enum { OPTIONS__PROXY_FROM };

static const struct option config_listen__all[] = {
#include "listener.def"
};

const struct option_table config_listen_table = {
    .options = config_listen__all,
    .count = sizeof config_listen__all / sizeof config_listen__all[0],
};

static void config_listen__add_block(struct config_reading *reading, const char *label,
                                     const char *text, void *argument)
{
    block_list_add(argument, label, text, &reading->options->arena, reading->diagnostics);
}

static void config_listen__act(struct config_reading *reading, const struct config_section *section,
                               const struct option *option, const struct settings_node *node,
                               bool is_replaced)
{
    struct config_listen *read = section->target;

    (void)option; /* there is one action */
    (void)is_replaced;
    config_value_each(reading, "listen.proxy-from", node, config_listen__add_block,
                      &read->listen.proxy_from);
}

/* "off" is WEIR_OFF here: 0 means the server's value. */
static void config_listen__set_off(struct config_listen *read, const struct settings_node *node)
{
    for (size_t i = 0; i < config_listen_table.count; i++) {
        const struct option *option = &config_listen_table.options[i];
        const struct settings_node *value;
        if (option->store != OPTION_VALUE || option->rule.off[0] == '\0') continue;
        value = settings_tree_find(node, option->name);
        if (value && value->kind == SETTINGS_TEXT && option_number(option, read) == 0)
            option_store_number(option, read, WEIR_OFF);
    }
}

/* ---- keys that do not fit together ---- */

static const char *const config_listen__of_websocket[] = {
    "origins", "subprotocols", "websocket-send", "websocket-page", "ping-interval", "pong-timeout"};
static const char *const config_listen__of_tcp[] = {
    "websocket",          "proxy",         "proxy-from",   "proxy-others",
    "first-byte-timeout", "frame-timeout", "send-timeout", "send-rate-min",
    "linger-timeout",     "max-sessions",  "unix-mode"};

/* Reports each of these keys that the map has. */
static void config_listen__refuse_keys(struct config_reading *reading,
                                       const struct settings_node *node, const char *const *keys,
                                       size_t count, const char *what)
{
    for (size_t i = 0; i < count; i++) {
        const struct settings_node *value = settings_tree_find(node, keys[i]);
        if (!value) continue;
        diagnostics_enter(reading->diagnostics, reading->file, value->key_position.line,
                          value->key_position.column);
        diagnostics_add(reading->diagnostics, "listen.%s %s", keys[i], what);
    }
}

static void config_listen__check(struct config_reading *reading, const struct config_listen *read,
                                 const struct settings_node *node)
{
    if (!read->listen.websocket)
        config_listen__refuse_keys(reading, node, config_listen__of_websocket,
                                   sizeof config_listen__of_websocket /
                                       sizeof config_listen__of_websocket[0],
                                   "is of a WebSocket; write websocket: /PATH, too");
    if (read->listen.proto == WEIR_UDP)
        config_listen__refuse_keys(reading, node, config_listen__of_tcp,
                                   sizeof config_listen__of_tcp / sizeof config_listen__of_tcp[0],
                                   "is for TCP; leave it out of a listener with protocol: udp");
}

static void config_listen__check_name(struct config_reading *reading, const char *name)
{
    for (size_t i = 0; name && i < reading->options->listeners_count; i++) {
        const char *other = reading->options->own[i].name;
        if (other && strcmp(other, name) == 0)
            diagnostics_add(reading->diagnostics,
                            "listen.name: %.60s is the name of two listeners; rename one", name);
    }
}

/* ---- the list ---- */

static void config_listen__read_map(struct config_reading *reading,
                                    const struct settings_node *node)
{
    struct config_listen read = {.listen = {.size = sizeof read.listen}, .own = {.node = node}};
    const struct config_section section = {.table = &config_listen_table,
                                           .prefix = "listen",
                                           .title = "listen",
                                           .target = &read,
                                           .act = config_listen__act};

    config_section_read(reading, &section, node);
    config_listen__set_off(&read, node);
    config_listen__check(reading, &read, node);
    read.own.proxy = settings_tree_find(node, "proxy") != NULL;
    read.own.proxy_from = settings_tree_find(node, "proxy-from") != NULL;
    read.own.proxy_others = settings_tree_find(node, "proxy-others") != NULL;
    options_position_enter(reading->options, node, "name", reading->diagnostics);
    config_listen__check_name(reading, read.own.name);
    options_position_enter(reading->options, node, "address", reading->diagnostics);
    if (!read.listen.address) {
        if (!settings_tree_find(node, "address"))
            diagnostics_add(reading->diagnostics,
                            "listen: no address; write address: PORT, or ADDR:PORT");
    } else if (url_is_one(read.listen.address)) {
        diagnostics_add(reading->diagnostics,
                        "listen.address: \"%.60s\" is a URL; write address: [ADDR:]PORT and "
                        "protocol: tcp, or the URL alone after the dash",
                        read.listen.address);
    } else {
        listening_add_read(reading->options, &read.listen, &read.own, "listen.address ",
                           read.listen.address, reading->diagnostics);
    }
}

static void config_listen__read_item(struct config_reading *reading,
                                     const struct settings_node *node)
{
    config_enter(reading, node);
    if (node->kind == SETTINGS_MAP)
        config_listen__read_map(reading, node);
    else if (node->kind == SETTINGS_TEXT && url_is_one(node->text))
        listening_add_url(reading->options, node->text, node, reading->diagnostics);
    else if (node->kind != SETTINGS_BAD)
        diagnostics_add(reading->diagnostics,
                        "listen: an item is a listener; write \"- address: PORT\", with its other "
                        "keys below it, or a URL: \"- tcp://PORT\"");
}

void config_listen_read(struct config_reading *reading, const struct settings_node *node)
{
    struct options *options = reading->options;
    /* Listeners on the command line replace those of the file, which are only checked. */
    bool is_replaced = options->listeners_count > 0;

    if (node->kind == SETTINGS_BAD || settings_tree_is_empty(node)) return;
    config_enter(reading, node);
    if (node->kind != SETTINGS_LIST) {
        diagnostics_add(reading->diagnostics,
                        "listen is a list; begin each listener with \"- \": \"- address: PORT\"");
        return;
    }
    size_t before = options->listeners_count;
    for (const struct settings_node *item = node->first; item; item = item->next) {
        config_listen__read_item(reading, item);
        if (is_replaced) options->listeners_count = before;
    }
}
