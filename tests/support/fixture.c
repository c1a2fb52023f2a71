/* SPDX-License-Identifier: MIT */
/* fixture.c - one worker over the simulated network in virtual time. */
#include "fixture.h"

#include <stdio.h>
#include <string.h>

#include "address.h"
#include "builtin.h"
#include "fixture_validate.h"
#include "memory.h"
#include "names.h"
#include "require.h"
#include "test_filters.h"
#include "watch.h"

struct fixture fixture;
uint32_t fixture_stream_buffers_max = 1024, fixture_datagram_buffers_max,
         fixture_datagram_sends_max, fixture_handles_max;
const char *fixture_transport = "simulated";
const struct sim_options *fixture_network;
resolver_lookup *fixture_lookup = host_lookup;

struct weir_config fixture_config(void)
{
    struct weir_config config;

    weir_config_init(&config);
    config.sessions_max = 10;
    config.send_queue_high_bytes = 128 * 1024;
    config.send_queue_low_bytes = 32 * 1024;
    config.idle_timeout_ms = config.first_byte_timeout_ms = config.frame_timeout_ms = 0;
    config.send_timeout_ms = config.linger_timeout_ms = config.datagram_idle_timeout_ms = 0;
    config.opening_timeout_ms = 0;
    config.datagram_reply_percent_max = 0;
    config.datagram_peers_max = 16;
    config.mailbox_commands_max = 256;
    config.mailbox_bytes_max = 8 * 1024 * 1024;
    return config;
}

static void fixture__set_common(const struct weir_config *config)
{
    struct worker_common *common = &fixture.common;
    struct admission_limits *limits = &fixture.limits;

    common->config = *config;
    common->limits = limits;
    common->memory_bytes = config->memory_max_bytes;
    memset(&common->key, 7, sizeof common->key);
    common->connectors = &fixture.connectors;
    require(connector_table_init(&fixture.connectors, 0, FIXTURE_CONNECTORS_MAX));
    common->resolver = resolver_open(1, 2, fixture_lookup);
    require(common->resolver != NULL);
    common->names = names_open();
    require(common->names != NULL);
    require(address_list_parse(&limits->allow, config->allow, "allow", NULL) == WEIR_OK);
    require(address_list_parse(&limits->deny, config->deny, "deny", NULL) == WEIR_OK);
    require(watch_open(common, config, NULL) == WEIR_OK);
    if (config->sessions_per_address_max > 0)
        require(address_counts_init(&limits->address_counts, config->sessions_max, &common->key));
}

void fixture_open(const struct weir_config *config, const struct weir_codec *codec,
                  const struct weir_handler *handler, uint64_t seed)
{
    struct sim_options sim_options;
    struct net_options options;
    struct net_listen_options where = {.address = address_of_v4(0x7f000001, 5050), .backlog = 64};

    memset(&fixture, 0, sizeof fixture);
    sim_options_init(&sim_options);
    if (fixture_network) sim_options = *fixture_network;
    sim_options.seed = seed;
    net_options_init(&options);
    fixture.simulation = sim_open(&sim_options);
    options.transport = fixture_transport;
    options.verify_rio = strcmp(fixture_transport, "rio") == 0;
    options.simulation = fixture.simulation;
    options.stream_buffers_max = fixture_stream_buffers_max;
    if (fixture_datagram_buffers_max > 0)
        options.datagram_buffers_max = fixture_datagram_buffers_max;
    if (fixture_datagram_sends_max > 0) options.datagram_sends_max = fixture_datagram_sends_max;
    if (fixture_handles_max > 0) options.handles_max = fixture_handles_max;
    fixture__set_common(config);
    if (!codec) codec = &codec_raw;
    if (test_chain_client) codec = test_chain_client->open_chain(codec);
    fixture.workers[0] = &fixture.loop.worker;
    fixture.common.workers = fixture.workers;
    fixture.common.workers_count = 1;
    fixture.common.broadcast_codec = codec;
    require(loop_init(&fixture.loop, 0, &fixture.common, service_session_bytes(codec, handler)));
    require(loop_open(&fixture.loop, &options, NULL) == WEIR_OK);
    service_init(&fixture.tcp_service, WEIR_TCP, codec, handler, config);
    service_init(&fixture.udp_service, WEIR_UDP, &codec_datagram, handler, config);
    fixture.tcp_service.filters_count = (uint8_t)test_chain_count;
    for (uint32_t i = 0; i < test_chain_count; i++) fixture.tcp_service.filters[i] = test_chain[i];
    require(listener_open(&fixture.tcp, &fixture.loop.worker, &fixture.tcp_service, &where, NULL) ==
            WEIR_OK);
    require(udp_socket_open(&fixture.udp, &fixture.loop.worker, &fixture.udp_service, &where,
                            NULL) == WEIR_OK);
    fixture.address = where.address;
}

static bool fixture__iterate_until(uint64_t until_ns)
{
    bool running = loop_iterate(&fixture.loop, until_ns);

    fixture_validate(&fixture.loop.worker);
    return running;
}

bool fixture_iterate(uint64_t wait_ns)
{
    return fixture__iterate_until(net_now_ns(fixture.loop.worker.net) + wait_ns);
}

void fixture_iterations(int count)
{
    for (int i = 0; i < count; i++) fixture_iterate(FIXTURE_MS);
}

void fixture_run_ms(uint64_t ms)
{
    uint64_t until_ns = net_now_ns(fixture.loop.worker.net) + ms * FIXTURE_MS;

    for (int i = 0; i < FIXTURE_ITERATIONS_MAX && net_now_ns(fixture.loop.worker.net) < until_ns;
         i++)
        fixture__iterate_until(until_ns);
    require(net_now_ns(fixture.loop.worker.net) >= until_ns);
}

struct weir_stats fixture_stats(void)
{
    struct weir_stats stats = {0};

    counters_add_to(&fixture.loop.worker.counters, &stats);
    return stats;
}

uint64_t fixture_closed(enum weir_reason reason)
{
    return fixture_stats().closed_by_reason[reason];
}

/* What holds of the counts at every end. */
static void fixture__check_counts(void)
{
    struct weir_stats stats = fixture_stats();
    uint64_t by_reason = 0;

    for (int i = 0; i < WEIR_REASONS_COUNT; i++) by_reason += stats.closed_by_reason[i];
    require(stats.closed_by_reason[WEIR_REASON_NONE] == 0);
    require(stats.open == 0);
    require(stats.accepted + stats.connected == stats.closed);
    require(stats.connects_started ==
            stats.connected + stats.connects_cancelled + stats.connects_failed_name +
                stats.connects_failed_refused + stats.connects_failed_timeout +
                stats.connects_failed_unreachable + stats.connects_failed_other);
    require(stats.peers_opened == stats.peers_closed);
    require(by_reason == stats.closed + stats.peers_closed);
    require(stats.queued_bytes == 0);
    fixture_validate_broadcasts(&stats);
}

void fixture_close(void)
{
    remote_stop(&fixture.loop.worker);
    for (int i = 0; i < FIXTURE_ITERATIONS_MAX && fixture_iterate(FIXTURE_MS); i++) continue;
    fixture__check_counts();
    require(fixture.limits.sessions_open == 0);
    loop_close(&fixture.loop);
    loop_free(&fixture.loop);
    resolver_free(fixture.common.resolver);
    connector_table_free(&fixture.connectors);
    names_free(fixture.common.names);
    address_list_free(&fixture.limits.allow);
    address_list_free(&fixture.limits.deny);
    watch_free(&fixture.common);
    address_counts_free(&fixture.limits.address_counts);
    sim_free(fixture.simulation);
    test_filters_forget_peers();
    if (test_chain_client) test_chain_client->close_chain();
}

static struct sim_peer *fixture__connect(const struct net_address *from)
{
    struct sim_peer *peer = sim_connect(fixture.simulation, &fixture.address, from);

    for (int i = 0; i < FIXTURE_ITERATIONS_MAX && sim_peer_state(peer) == SIM_CONNECTING; i++)
        fixture_iterate(FIXTURE_MS);
    require(sim_peer_state(peer) == SIM_CONNECTED);
    for (int i = 0; i < 200 && test_chain_opens; i++) {
        if (filtered_open(peer) && fixture_stats().opening == 0) break;
        fixture_iterate(FIXTURE_MS);
    }
    return peer;
}

struct sim_peer *fixture_connect(void)
{
    return fixture__connect(NULL);
}

struct sim_peer *fixture_connect_from(uint8_t host)
{
    const struct net_address from = address_of_v4(0x7f000000u + host, 0);

    return fixture__connect(&from);
}

void fixture_say(struct sim_peer *peer, const char *text)
{
    require_equal(filtered_send(peer, text, (uint32_t)strlen(text)), strlen(text));
}

void fixture_tell(struct sim_peer *peer, const char *text)
{
    char frame[64];

    snprintf(frame, sizeof frame, "%s.", text);
    fixture_say(peer, frame);
}

void fixture_expect(struct sim_peer *peer, const char *text)
{
    char got[1024];
    uint32_t count = filtered_receive(peer, (uint8_t *)got, sizeof got - 1);

    got[count] = '\0';
    if (strcmp(got, text) != 0)
        require_failed(__FILE__, __LINE__, "\"%s\" came, not \"%s\"", got, text);
}

struct sim_datagrams *fixture_datagrams(uint8_t host)
{
    const struct net_address address = address_of_v4(0x7f000000u + host, 0);

    return sim_datagrams_open(fixture.simulation, &address);
}

void fixture_send_to(struct sim_datagrams *socket, const char *text)
{
    sim_datagrams_send(socket, &fixture.address, text, (uint32_t)strlen(text));
}

void fixture_hear(struct sim_datagrams *socket, const char *text)
{
    struct net_address from;
    char bytes[64] = "";
    uint32_t length = 0;

    for (int i = 0; i < 2000; i++) {
        if (sim_datagrams_receive(socket, (uint8_t *)bytes, sizeof bytes - 1, &length, &from))
            break;
        fixture_iterate(FIXTURE_MS);
    }
    bytes[length] = '\0';
    if (strcmp(bytes, text) != 0)
        require_failed(__FILE__, __LINE__, "\"%s\" came, not \"%s\"", bytes, text);
}

static struct net_buffer *fixture__taken;

void fixture_take_buffers(void)
{
    struct net_buffer *buffer;

    while ((buffer = net_take(fixture.loop.worker.net, 1)) != NULL) {
        buffer->next = fixture__taken;
        fixture__taken = buffer;
    }
}

void fixture_give_back_buffer(void)
{
    struct net_buffer *buffer = fixture__taken;

    require(buffer != NULL);
    fixture__taken = buffer->next;
    net_give_back(fixture.loop.worker.net, buffer);
}

void fixture_give_back_buffers(void)
{
    while (fixture__taken) fixture_give_back_buffer();
}

void fixture_run_to_the_end(void)
{
    bool running = true;

    for (int i = 0; i < FIXTURE_ITERATIONS_MAX && running; i++)
        running = fixture_iterate(FIXTURE_MS);
    require(!running);
}

struct weir_session *fixture_only_session(void)
{
    struct list *open = &fixture.loop.worker.tcp_sessions;

    require(!list_is_empty(open));
    require(open->next == open->previous);
    return weir_container_of(open->next, struct weir_session, in_sessions);
}
