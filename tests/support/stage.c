/* SPDX-License-Identifier: MIT */
/* stage.c - one worker over the simulated network in virtual time. */
#include "stage.h"

#include <stdio.h>
#include <string.h>

#include "address.h"
#include "builtin.h"
#include "memory.h"
#include "require.h"
#include "stage_validate.h"

struct stage stage;
uint32_t stage_stream_buffers_max = 1024, stage_datagram_buffers_max, stage_datagram_sends_max,
         stage_handles_max;

struct weir_config stage_config(void)
{
    struct weir_config config;

    weir_config_init(&config);
    config.sessions_max = 10;
    config.send_queue_high_bytes = 128 * 1024;
    config.send_queue_low_bytes = 32 * 1024;
    config.idle_timeout_ms = config.first_byte_timeout_ms = config.frame_timeout_ms = 0;
    config.send_timeout_ms = config.linger_timeout_ms = config.datagram_idle_timeout_ms = 0;
    config.datagram_reply_percent_max = 0;
    config.datagram_peers_max = 16;
    config.mailbox_letters_max = 256;
    return config;
}

static void stage__set_common(const struct weir_config *config)
{
    struct worker_common *common = &stage.common;

    common->config = *config;
    memset(&common->key, 7, sizeof common->key);
    require(address_list_parse(&common->allow, config->allow, "allow", NULL) == WEIR_OK);
    require(address_list_parse(&common->deny, config->deny, "deny", NULL) == WEIR_OK);
    if (config->sessions_per_address_max > 0)
        require(address_counts_init(&common->address_counts, config->sessions_max, &common->key));
}

void stage_open(const struct weir_config *config, const struct weir_codec *codec,
                const struct weir_handler *handler, uint64_t seed)
{
    struct sim_options sim_options;
    struct net_options options;
    struct net_place where = {.address = address_of_v4(0x7f000001, 5050), .backlog = 64};

    memset(&stage, 0, sizeof stage);
    sim_options_init(&sim_options);
    sim_options.seed = seed;
    net_options_init(&options);
    stage.simulation = sim_open(&sim_options);
    options.transport = "simulated";
    options.simulation = stage.simulation;
    options.stream_buffers_max = stage_stream_buffers_max;
    if (stage_datagram_buffers_max > 0) options.datagram_buffers_max = stage_datagram_buffers_max;
    if (stage_datagram_sends_max > 0) options.datagram_sends_max = stage_datagram_sends_max;
    if (stage_handles_max > 0) options.handles_max = stage_handles_max;
    stage__set_common(config);
    if (!codec) codec = &codec_raw;
    require(worker_init(&stage.worker, 0, &stage.common, place_extra_bytes(codec, handler)));
    require(worker_open(&stage.worker, &options, NULL) == WEIR_OK);
    place_init(&stage.tcp, WEIR_TCP, codec, handler);
    place_init(&stage.udp, WEIR_UDP, &codec_datagram, handler);
    require(place_open(&stage.tcp, &stage.worker, &where, NULL) == WEIR_OK);
    require(place_open(&stage.udp, &stage.worker, &where, NULL) == WEIR_OK);
    stage.address = where.address;
}

static bool stage__turn_until(uint64_t until_ns)
{
    bool running = worker_turn(&stage.worker, until_ns);

    stage_validate(&stage.worker);
    return running;
}

bool stage_turn(uint64_t wait_ns)
{
    return stage__turn_until(net_now_ns(stage.worker.net) + wait_ns);
}

void stage_turns(int count)
{
    for (int i = 0; i < count; i++) stage_turn(STAGE_MS);
}

void stage_run_ms(uint64_t ms)
{
    uint64_t until_ns = net_now_ns(stage.worker.net) + ms * STAGE_MS;

    for (int i = 0; i < STAGE_TURNS_MAX && net_now_ns(stage.worker.net) < until_ns; i++)
        stage__turn_until(until_ns);
    require(net_now_ns(stage.worker.net) >= until_ns);
}

struct weir_stats stage_stats(void)
{
    struct weir_stats stats = {0};

    counters_add_to(&stage.worker.counters, &stats);
    return stats;
}

uint64_t stage_closed(enum weir_reason reason)
{
    return stage_stats().closed_by_reason[reason];
}

/* What holds of the counts at every end. */
static void stage__check_counts(void)
{
    struct weir_stats stats = stage_stats();
    uint64_t by_reason = 0;

    for (int i = 0; i < WEIR_REASONS_COUNT; i++) by_reason += stats.closed_by_reason[i];
    require(stats.closed_by_reason[WEIR_REASON_NONE] == 0);
    require(stats.open == 0);
    require(stats.accepted == stats.closed);
    require(stats.peers_opened == stats.peers_closed);
    require(by_reason == stats.closed + stats.peers_closed);
    require(stats.queued_bytes == 0);
}

void stage_close(void)
{
    worker_stop(&stage.worker);
    for (int i = 0; i < STAGE_TURNS_MAX && stage_turn(STAGE_MS); i++) continue;
    stage__check_counts();
    require(stage.common.sessions_open == 0);
    worker_close(&stage.worker);
    worker_free(&stage.worker);
    address_list_free(&stage.common.allow);
    address_list_free(&stage.common.deny);
    address_counts_free(&stage.common.address_counts);
    sim_free(stage.simulation);
}

static struct sim_peer *stage__connect(const struct weir_address *from)
{
    struct sim_peer *peer = sim_connect(stage.simulation, &stage.address, from);

    for (int i = 0; i < STAGE_TURNS_MAX && sim_peer_state(peer) == SIM_CONNECTING; i++)
        stage_turn(STAGE_MS);
    require(sim_peer_state(peer) == SIM_CONNECTED);
    return peer;
}

struct sim_peer *stage_connect(void)
{
    return stage__connect(NULL);
}

struct sim_peer *stage_connect_from(uint8_t host)
{
    const struct weir_address from = address_of_v4(0x7f000000u + host, 0);

    return stage__connect(&from);
}

void stage_say(struct sim_peer *peer, const char *text)
{
    require_equal(sim_peer_send(peer, text, (uint32_t)strlen(text)), strlen(text));
}

void stage_tell(struct sim_peer *peer, const char *text)
{
    char frame[64];

    snprintf(frame, sizeof frame, "%s.", text);
    stage_say(peer, frame);
}

void stage_expect(struct sim_peer *peer, const char *text)
{
    char got[1024];
    uint32_t count = sim_peer_receive(peer, (uint8_t *)got, sizeof got - 1);

    got[count] = '\0';
    if (strcmp(got, text) != 0)
        require_failed(__FILE__, __LINE__, "\"%s\" came, not \"%s\"", got, text);
}

struct sim_datagrams *stage_datagrams(uint8_t host)
{
    const struct weir_address address = address_of_v4(0x7f000000u + host, 0);

    return sim_datagrams_open(stage.simulation, &address);
}

void stage_send_to(struct sim_datagrams *socket, const char *text)
{
    sim_datagrams_send(socket, &stage.address, text, (uint32_t)strlen(text));
}

void stage_hear(struct sim_datagrams *socket, const char *text)
{
    struct weir_address from;
    char bytes[64] = "";
    uint32_t length = 0;

    for (int i = 0; i < 2000; i++) {
        if (sim_datagrams_receive(socket, (uint8_t *)bytes, sizeof bytes - 1, &length, &from))
            break;
        stage_turn(STAGE_MS);
    }
    bytes[length] = '\0';
    if (strcmp(bytes, text) != 0)
        require_failed(__FILE__, __LINE__, "\"%s\" came, not \"%s\"", bytes, text);
}

static struct net_buffer *stage__taken;

void stage_take_buffers(void)
{
    struct net_buffer *buffer;

    while ((buffer = net_take(stage.worker.net, 1)) != NULL) {
        buffer->next = stage__taken;
        stage__taken = buffer;
    }
}

void stage_give_back_buffers(void)
{
    while (stage__taken) {
        struct net_buffer *buffer = stage__taken;
        stage__taken = buffer->next;
        net_give_back(stage.worker.net, buffer);
    }
}

void stage_run_to_the_end(void)
{
    bool running = true;

    for (int i = 0; i < STAGE_TURNS_MAX && running; i++) running = stage_turn(STAGE_MS);
    require(!running);
}

struct weir_session *stage_only_session(void)
{
    struct list *open = &stage.worker.open;

    require(!list_is_empty(open));
    require(open->next == open->previous);
    return weir_container_of(open->next, struct weir_session, in_open);
}
