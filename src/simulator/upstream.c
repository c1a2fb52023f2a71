/* SPDX-License-Identifier: MIT */
/* upstream.c - simulated servers to which the tested server connects.
 *
 *      weir_connect -> network -> listener of the upstream -> accept -> peer (stream_peer.c)
 */
#include "upstream.h"

#include "check.h"
#include "sim_wire.h"
#include "story.h"
#include "stream_peer.h"

#define UPSTREAM__BACKLOG 1024u

struct weir_test_upstream {
    struct weir_test *test;
    struct weir_test_upstream *next;
    struct weir_frame *frame;
    struct net_address address;
    struct sim_listener *listener; /* null after weir_test_upstream_close() */
};

struct weir_test_upstream *weir_test_upstream_open(struct weir_test *test, const char *address,
                                                   const char *codec)
{
    struct weir_test_upstream *upstream = wire_memory(1, sizeof *upstream);
    char text[NET_ADDRESS_TEXT_BYTES];

    weir_check_use(net_address_parse(address, &upstream->address),
                   "the address of an upstream is written like 10.0.0.9:7000");
    weir_check_use(weir_frame_open(codec ? codec : "raw", &upstream->frame, NULL) == WEIR_OK,
                   "the codec of an upstream is a frame specification");
    upstream->listener = sim_listen(test->simulation, &upstream->address, UPSTREAM__BACKLOG);
    if (!upstream->listener) {
        weir_frame_free(upstream->frame);
        wire_memory_free(upstream);
        return NULL;
    }
    upstream->address = sim_listener_address(upstream->listener);
    upstream->test = test;
    upstream->next = test->upstreams;
    test->upstreams = upstream;
    story_tell(test, "an upstream listens on %s",
               net_address_text(&upstream->address, text, sizeof text));
    return upstream;
}

void weir_test_upstream_address(const struct weir_test_upstream *upstream,
                                struct weir_address *address)
{
    address_publish(&upstream->address, address);
}

struct weir_test_peer *weir_test_upstream_accept(struct weir_test_upstream *upstream)
{
    struct sim_peer *wire = upstream->listener ? sim_accept(upstream->listener) : NULL;
    char text[NET_ADDRESS_TEXT_BYTES];

    if (!wire) return NULL;
    struct weir_test_peer *peer =
        stream_peer_adopt(upstream->test, wire, weir_frame_codec(upstream->frame));
    story_tell(upstream->test, "peer %u is accepted by the upstream %s",
               upstream->test->clients_count,
               net_address_text(&upstream->address, text, sizeof text));
    return peer;
}

void weir_test_upstream_close(struct weir_test_upstream *upstream)
{
    char text[NET_ADDRESS_TEXT_BYTES];

    if (!upstream->listener) return;
    sim_listener_close(upstream->listener);
    upstream->listener = NULL;
    story_tell(upstream->test, "the upstream %s no longer listens",
               net_address_text(&upstream->address, text, sizeof text));
}

void upstream_free_all(struct weir_test *test)
{
    while (test->upstreams) {
        struct weir_test_upstream *upstream = test->upstreams;
        test->upstreams = upstream->next;
        if (upstream->listener) sim_listener_close(upstream->listener);
        weir_frame_free(upstream->frame);
        wire_memory_free(upstream);
    }
}
