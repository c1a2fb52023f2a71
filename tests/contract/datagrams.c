/* SPDX-License-Identifier: MIT */
/* datagrams.c - datagrams through every transport: each complete, in every size, with the correct
 * source and destination address.
 *
 * The system drops datagrams that do not fit its receive buffers. Therefore the tests count the
 * bytes in flight and send more only as these arrive: then any missing datagram was lost by the
 * transport.
 */
#include "address.h"
#include "contract.h"
#include "plain_socket.h"

#define DATAGRAMS__UNDER_WAY_BYTES 150000u /* Linux gives a socket 212,992 by default */
#define DATAGRAMS__OVERHEAD_BYTES 2304u    /* cost of a small datagram in that buffer */

/* One datagram of an event: a GRO batch has several. */
struct datagram_seen {
    const struct datagram_got *got;
    const uint8_t *bytes;
    uint32_t length;
};

/* Finds the n-th datagram that the line received. Returns false if fewer have arrived. */
static bool datagrams__at(const struct line *line, uint32_t n, struct datagram_seen *seen)
{
    for (uint32_t i = 0; i < line->got_count; i++) {
        const struct datagram_got *got = &line->got[i];
        uint32_t step = got->segment_bytes > 0 ? got->segment_bytes : got->length;
        uint32_t count = got->length == 0 ? 1 : (got->length + step - 1) / step;
        require(got->segment_bytes == 0 || got->segment_bytes < got->length);
        if (n >= count) {
            n -= count;
            continue;
        }
        seen->got = got;
        seen->bytes = got->bytes + (size_t)n * step;
        seen->length = got->length - n * step < step ? got->length - n * step : step;
        return true;
    }
    return false;
}

static uint32_t datagrams__size(uint32_t n)
{
    static const uint32_t sizes[] = {0, 1,   65507, 2, 0, 0,    1472, 1473, 7,
                                     0, 512, 9000,  1, 1, 1200, 1200, 1200, 700};

    return sizes[n % CONTRACT_COUNT_OF(sizes)];
}

/* Sends `count` datagrams of mixed sizes; each carries the pattern of its number. Never has more
 * bytes in flight than a socket buffer holds. */
static void datagrams__burst(struct line *line, struct peer_datagrams *peer, uint32_t count)
{
    static uint8_t bytes[65507];
    struct net_address to = line_address(line);
    uint32_t sent = 0, seen_count = 0, in_flight = 0;
    struct datagram_seen seen;

    world_begin(line->world);
    while (seen_count < count) {
        while (sent < count) {
            uint32_t length = datagrams__size(sent);
            if (in_flight > 0 &&
                in_flight + length + DATAGRAMS__OVERHEAD_BYTES > DATAGRAMS__UNDER_WAY_BYTES)
                break;
            pattern_fill(sent, 0, bytes, length);
            peer_send_to(peer, &to, bytes, length);
            in_flight += length + DATAGRAMS__OVERHEAD_BYTES;
            sent++;
        }
        world_iterate_on(line->world, "every datagram came", __FILE__, __LINE__);
        for (; datagrams__at(line, seen_count, &seen); seen_count++) {
            require_equal(seen.length, datagrams__size(seen_count));
            require_equal(pattern_wrong(seen_count, 0, seen.bytes, seen.length), seen.length);
            require_equal(seen.got->from.port, peer_bound(peer).port);
            in_flight -= seen.length + DATAGRAMS__OVERHEAD_BYTES;
        }
    }
    require_equal(in_flight, 0);
}

static void every_size_arrives_in_bursts_beyond_the_pool(void **state)
{
    struct net_options options;
    struct world *world;

    (void)state;
    world_options(&options);
    options.datagram_buffers_max = 8;
    world = world_open(&options);
    struct line *line = world_bind(world, "127.0.0.1:0");
    struct peer_datagrams *peer = peer_bind(world, "127.0.0.1:0");
    line_receive(line, true);
    datagrams__burst(line, peer, 80 * 3);
    require_equal(line->too_large_count, 0);
    world_close(world);
}

/* An empty datagram occupies a buffer, too: the test sends ten times as many as there are buffers.
 */
static void empty_datagrams_return_their_buffers(void **state)
{
    struct net_options options;
    struct world *world;

    (void)state;
    world_options(&options);
    options.datagram_buffers_max = 4;
    world = world_open(&options);
    struct line *line = world_bind(world, "127.0.0.1:0");
    struct peer_datagrams *peer = peer_bind(world, "127.0.0.1:0");
    struct net_address to = line_address(line);
    line_receive(line, true);
    for (uint32_t i = 0; i < 40; i++) {
        peer_send_to(peer, &to, NULL, 0);
        if (i % 8 == 7) world_until(world, line->got_count == i + 1);
    }
    for (uint32_t i = 0; i < 40; i++) require_equal(line->got[i].length, 0);
    world_close(world);
}

static void each_datagram_is_sent_unchanged(void **state)
{
    static uint8_t bytes[65536];
    static const uint32_t sizes[] = {0, 1, 65507, 0, 1200, 7};
    struct world *world = world_open(NULL);
    struct line *line = world_bind(world, "127.0.0.1:0");
    struct peer_datagrams *peer = peer_bind(world, "127.0.0.1:0");
    struct net_address to = peer_bound(peer), here = line_address(line), from;
    uint32_t length;

    (void)state;
    for (uint32_t i = 0; i < CONTRACT_COUNT_OF(sizes); i++) {
        pattern_fill(i, 0, bytes, sizes[i]);
        require_equal(line_send_to(line, &to, i % 2 == 0 ? &here : NULL, bytes, sizes[i], 0),
                      WEIR_OK);
        world_until(world, peer_receive_from(peer, bytes, sizeof bytes, &length, &from));
        require_equal(length, sizes[i]);
        require_equal(pattern_wrong(i, 0, bytes, length), length);
        require_equal(from.port, here.port);
    }
    world_until(world, line->sends_out == 0);
    require_equal(line->datagrams_sent, CONTRACT_COUNT_OF(sizes));
    world_close(world);
}

static void a_gso_batch_arrives_as_separate_datagrams(void **state)
{
    static const struct {
        uint32_t segment, count, last;
    } batches[] = {{1000, 10, 1000}, {1000, 10, 1},   {1, 2, 1},
                   {1400, 40, 700},  {32000, 2, 100}, {7, 60, 3}};
    static uint8_t bytes[65536];
    struct world *world = world_open(NULL);
    struct line *line = world_bind(world, "127.0.0.1:0");
    struct peer_datagrams *peer = peer_bind(world, "127.0.0.1:0");
    struct net_address to = peer_bound(peer);
    uint32_t length;

    (void)state;
    for (uint32_t i = 0; i < CONTRACT_COUNT_OF(batches); i++) {
        uint32_t total = batches[i].segment * (batches[i].count - 1) + batches[i].last, at = 0;
        pattern_fill(i, 0, bytes, total);
        require_equal(line_send_to(line, &to, NULL, bytes, total, batches[i].segment), WEIR_OK);
        for (uint32_t n = 1; n <= batches[i].count; n++, at += length) {
            world_until(world, peer_receive_from(peer, bytes, sizeof bytes, &length, NULL));
            require_equal(length, n < batches[i].count ? batches[i].segment : batches[i].last);
            require_equal(pattern_wrong(i, at, bytes, length), length);
        }
    }
    world_until(world, line->sends_out == 0);
    require_equal(line->datagrams_failed, 0);
    world_close(world);
}

/* The socket sends back everything it receives, including whole GRO batches, from the address that
 * the peer sent to. */
static void an_echo_returns_each_datagram(void **state)
{
    static uint8_t bytes[65536];
    struct world *world = world_open(NULL);
    struct line *line = world_bind(world, "127.0.0.1:0");
    struct peer_datagrams *peer = peer_bind(world, "127.0.0.1:0");
    struct net_address to = line_address(line);
    uint32_t length, back = 0;

    (void)state;
    line_receive(line, true);
    for (uint32_t round = 0; round < 10; round++) {
        for (uint32_t i = 0; i < 20; i++) {
            pattern_fill(round * 20 + i, 0, bytes, 1000);
            peer_send_to(peer, &to, bytes, 1000);
        }
        world_begin(world);
        for (uint32_t echoed = 0; back < (round + 1) * 20;) {
            world_iterate_on(world, "each came back", __FILE__, __LINE__);
            for (; echoed < line->got_count; echoed++) {
                const struct datagram_got *got = &line->got[echoed];
                require_equal(line_send_to(line, &got->from, &got->local, got->bytes, got->length,
                                           got->segment_bytes),
                              WEIR_OK);
            }
            while (peer_receive_from(peer, bytes, sizeof bytes, &length, NULL)) {
                require_equal(length, 1000);
                require_equal(pattern_wrong(back++, 0, bytes, 1000), 1000);
            }
        }
        line_forget_datagrams(line);
    }
    world_close(world);
}

/* A dual-stack socket reports which local address the peer sent to, and can reply from it. */
static void the_local_address_is_reported_and_used_for_replies(void **state)
{
    static const char *const addresses[] = {"127.0.0.1:0", "127.0.0.2:0", "[::1]:0"};
    struct world *world = world_open(NULL);
    struct line *line = world_bind(world, "[::]:0");
    uint16_t port = line_address(line).port;
    uint8_t bytes[64];
    uint32_t length;

    (void)state;
    line_receive(line, true);
    for (uint32_t i = 0; i < CONTRACT_COUNT_OF(addresses); i++) {
        struct net_address to = world_address(addresses[i]), from;
        struct peer_datagrams *peer = peer_bind(world, i == 2 ? "[::1]:0" : "127.0.0.1:0");
        to.port = port;
        peer_send_to(peer, &to, "weir", 4);
        world_until(world, line->got_count == i + 1);
        require(address_equals(&line->got[i].local, &to));
        require(address_is_v4(&line->got[i].from) == (i != 2));
        require_equal(line_send_to(line, &line->got[i].from, &line->got[i].local, "back", 4, 0),
                      WEIR_OK);
        world_until(world, peer_receive_from(peer, bytes, sizeof bytes, &length, &from));
        /* Wine 8 ignores IP_PKTINFO on a dual-stack socket. */
        require(address_equals(&from, &to) || (plain_is_wine() && i == 1));
    }
    world_close(world);
}

static void a_socket_recognizes_its_own_addresses(void **state)
{
    struct world *world = world_open(NULL);
    struct line *line = world_bind(world, "127.0.0.1:0"), *any = world_bind(world, "[::]:0");
    struct net_address own = line_address(line), other = own,
                       loopback = world_address("127.0.0.1:1");

    (void)state;
    require(net_is_own(world->net, line->handle, &own));
    other.port ^= 1;
    require(!net_is_own(world->net, line->handle, &other));
    loopback.port = line_address(any).port;
    require(net_is_own(world->net, any->handle, &loopback));
    loopback = world_address("[::1]:1");
    loopback.port = line_address(any).port;
    require(net_is_own(world->net, any->handle, &loopback));
    loopback = world_address("192.0.2.1:1"); /* RFC 5737: reserved, assigned to no host */
    loopback.port = line_address(any).port;
    require(!net_is_own(world->net, any->handle, &loopback));
    world_close(world);
}

/* The destination port is closed: the system may report it (ICMP). The socket stays usable. */
static void a_datagram_to_a_closed_port_breaks_nothing(void **state)
{
    struct world *world = world_open(NULL);
    struct line *line = world_bind(world, "127.0.0.1:0");
    struct peer_datagrams *gone = peer_bind(world, "127.0.0.1:0"),
                          *peer = peer_bind(world, "127.0.0.1:0");
    struct net_address closed = peer_bound(gone), to = line_address(line);

    (void)state;
    line_receive(line, true);
    peer_unbind(gone);
    for (int i = 0; i < 10; i++) {
        require_equal(line_send_to(line, &closed, NULL, "weir", 4, 0), WEIR_OK);
        world_until(world, line->sends_out == 0);
    }
    world_run_until_idle(world);
    require_equal(line->broken_count, 0);
    peer_send_to(peer, &to, "weir", 4);
    world_until(world, line->got_count == 1);
    world_close(world);
}

static void an_oversized_datagram_fails_alone(void **state)
{
    static uint8_t bytes[65535];
    struct world *world = world_open(NULL);
    struct line *line = world_bind(world, "127.0.0.1:0");
    struct peer_datagrams *peer = peer_bind(world, "127.0.0.1:0");
    struct net_address to = peer_bound(peer);
    uint32_t length;

    (void)state;
    require_equal(line_send_to(line, &to, NULL, bytes, 4, 0), WEIR_OK);
    require_equal(line_send_to(line, &to, NULL, bytes, 65508, 0), WEIR_OK);
    require_equal(line_send_to(line, &to, NULL, bytes, 5, 0), WEIR_OK);
    world_until(world, line->sends_out == 0);
    require_equal(line->datagrams_sent, 2);
    require_equal(line->datagrams_failed, 1);
    require_equal(line->sent_code, WEIR_TOO_LARGE);
    world_until(world, peer_receive_from(peer, bytes, sizeof bytes, &length, NULL));
    require_equal(length, 4);
    world_until(world, peer_receive_from(peer, bytes, sizeof bytes, &length, NULL));
    require_equal(length, 5);
    world_close(world);
}

static void several_sockets_receive_their_own_datagrams(void **state)
{
    struct world *world = world_open(NULL);
    struct line *lines[5];
    struct peer_datagrams *peer = peer_bind(world, "127.0.0.1:0");

    (void)state;
    for (int i = 0; i < 5; i++) {
        lines[i] = world_bind(world, "127.0.0.1:0");
        line_receive(lines[i], i != 3);
    }
    for (uint8_t n = 0; n < 25; n++) {
        struct net_address to = line_address(lines[n % 5]);
        peer_send_to(peer, &to, &n, 1);
    }
    world_run_until_idle(world);
    require_equal(lines[3]->got_count, 0);
    line_receive(lines[3], true);
    for (uint32_t i = 0; i < 5; i++) {
        struct datagram_seen seen;
        world_until(world, datagrams__at(lines[i], 4, &seen));
        for (uint32_t n = 0; n < 5; n++) {
            require(datagrams__at(lines[i], n, &seen));
            require_equal(seen.length, 1);
            require_equal(seen.bytes[0], n * 5 + i);
        }
    }
    world_close(world);
}

static const struct CMUnitTest datagrams__tests[] = {
    cmocka_unit_test(every_size_arrives_in_bursts_beyond_the_pool),
    cmocka_unit_test(empty_datagrams_return_their_buffers),
    cmocka_unit_test(each_datagram_is_sent_unchanged),
    cmocka_unit_test(a_gso_batch_arrives_as_separate_datagrams),
    cmocka_unit_test(an_echo_returns_each_datagram),
    cmocka_unit_test(the_local_address_is_reported_and_used_for_replies),
    cmocka_unit_test(a_socket_recognizes_its_own_addresses),
    cmocka_unit_test(a_datagram_to_a_closed_port_breaks_nothing),
    cmocka_unit_test(an_oversized_datagram_fails_alone),
    cmocka_unit_test(several_sockets_receive_their_own_datagrams),
};

CONTRACT_GROUP(datagrams, datagrams__tests);
