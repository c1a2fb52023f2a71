/* SPDX-License-Identifier: MIT */
/* world.c - opens a net for a test, iterates it, and checks every event against the test's
 * requests. */
#include "world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pattern.h"
#include "plain_socket.h"
#include "sim.h"

#define WORLD__EVENTS_MAX 64u
#define WORLD__ITERATION_NS UINT64_C(1000000)
/* Shorter than a real one, so that a net without an event for a while is idle. */
#define WORLD__ACK_DELAY_NS UINT64_C(3000000)
#define WORLD__IDLE_ITERATIONS 5u /* this many in a row without an event: the net is idle */
#define WORLD__IDLE_ITERATIONS_WINE 60u
#define WORLD__ITERATIONS_MAX UINT64_C(3000000)

const char *world_transport = "simulated";
uint64_t world_patience_ns = UINT64_C(20000000000);
void (*world_inject)(struct net *net);
uint64_t world_seed = 1;
bool world_acknowledges;
uint64_t world_spin_max_ns;

/* ---- files ---- */

static bool world__is_windows(void)
{
    return strcmp(world_transport, "rio") == 0 || strcmp(world_transport, "iocp") == 0;
}

uint32_t world_files_count(const struct world *world)
{
    return world->simulation ? sim_files_count(world->simulation) : plain_files_count();
}

bool world_limit_files(struct world *world, uint32_t more)
{
    if (!world->simulation) return plain_limit_files(more);
    uint32_t max =
        more == WORLD_FILES_FREE ? SIM_UNLIMITED : sim_files_count(world->simulation) + more;
    sim_set_files_max(world->simulation, max);
    return true;
}

void world_skip(struct world *world, const char *why)
{
    if (world) world_close(world);
    print_message("skipped: %s\n", why);
    skip();
}

void world_needs_file_limits(struct world *world)
{
    if (!world_limit_files(world, 1000))
        world_skip(world, "this system has no limit on handles that a test could set");
    else
        world_limit_files(world, WORLD_FILES_FREE);
}

bool world_shows_resets(void)
{
    return !plain_is_wine();
}

void world_needs_file_exhaustion(struct world *world)
{
    if (world__is_windows())
        world_skip(world, "accepts are posted, with their sockets, before connections come");
}

/* ---- life ---- */

bool world_has_threads(void)
{
    if (world__is_windows()) return plain_is_windows();
    return strcmp(world_transport, "simulated") != 0;
}

bool world_counts_requests(void)
{
    return world__is_windows();
}

void world_options(struct net_options *options)
{
    net_options_init(options);
    options->transport = world_transport;
    options->stream_buffer_bytes = 4096;
    options->stream_buffers_max = 512;
    options->datagram_buffers_max = 128;
    options->receive_buffers_ready = 8;
    options->datagram_sends_max = 64;
    options->handles_max = 1024;
    options->queue_entries = 64;
    options->verify_rio = world__is_windows();
    options->spin_max_ns = world_spin_max_ns;
}

static struct world *world__open(const struct net_options *asked, struct net_simulation *simulation)
{
    struct world *world = calloc(1, sizeof *world);
    struct net_options options;
    struct weir_error error;
    char text[512];

    require(world != NULL);
    world_options(&options);
    if (asked) options = *asked;
    world->files_before = plain_files_count();
    world->checks_files = true;
    if (!world_has_threads() && !simulation) {
        struct sim_options sim;
        sim_options_init(&sim);
        sim.seed = world_seed;
        sim.acknowledges = world_acknowledges;
        sim.ack_delay_ns = WORLD__ACK_DELAY_NS;
        simulation = sim_open(&sim);
    }
    world->simulation = simulation;
    world->peer_kind = simulation ? &peer_simulated : &peer_socket;
    world->events_max = WORLD__EVENTS_MAX;
    options.simulation = simulation;
    if (net_open(&options, &world->net, &error) != WEIR_OK)
        require_failed(__FILE__, __LINE__, "%s", weir_error_text(&error, text, sizeof text));
    if (world_inject) world_inject(world->net);
    world_begin(world);
    return world;
}

struct world *world_open(const struct net_options *options)
{
    return world__open(options, NULL);
}

struct world *world_open_beside(struct world *world, const struct net_options *options)
{
    struct world *beside = world__open(options, world->simulation);

    beside->borrows_simulation = true;
    beside->checks_files = false; /* the first world has open files as well */
    return beside;
}

static bool world__has_open_lines(const struct world *world)
{
    for (const struct line *line = world->lines; line; line = line->next)
        if (line->is_open) return true;
    return false;
}

static void world__free_line(struct line *line)
{
    line_forget_datagrams(line);
    free(line);
}

void world_close(struct world *world)
{
    bool simulated = world->simulation != NULL;

    for (struct line *line = world->lines; line; line = line->next) {
        while (line->sockets_count > 0) net_refuse(world->net, line_take_socket(line, NULL));
        line_give_back_kept(line);
        if (line->is_open && !line->closing) line_close(line);
    }
    world_until(world, !world__has_open_lines(world));
    while (world->peers) peer_close(world->peers);
    while (world->datagram_peers) peer_unbind(world->datagram_peers);
    while (world->peer_listeners) peer_unlisten(world->peer_listeners);
    net_free(world->net);
    if (simulated && !world->borrows_simulation) {
        require_equal(sim_files_count(world->simulation), 0);
        sim_free(world->simulation);
    }
    if (world->checks_files) require_equal(plain_files_count(), world->files_before);
    while (world->lines) {
        struct line *line = world->lines;
        world->lines = line->next;
        world__free_line(line);
    }
    free(world);
}

/* ---- events ---- */

static void world__on_accepted(struct line *line, const struct net_event *event)
{
    require(line->sockets_first + line->sockets_count < WORLD_SOCKETS_MAX);
    uint32_t at = line->sockets_first + line->sockets_count++;
    line->sockets[at] = event->socket;
    line->peers[at] = event->peer;
}

static void world__echo(struct line *line)
{
    if (line->send_out || line->kept_count == 0 || line->closing) return;
    uint32_t count =
        line->kept_count < NET_SEND_BUFFERS_MAX ? line->kept_count : NET_SEND_BUFFERS_MAX;
    line_send_buffers(line, line->kept, count);
    line->kept_count -= count;
    memmove(line->kept, line->kept + count, line->kept_count * sizeof line->kept[0]);
}

static void world__on_received(struct line *line, struct net_buffer *buffer)
{
    uint32_t wrong = pattern_wrong(line->in_seed, line->in_position, buffer->bytes, buffer->length);

    require(buffer->length > 0);
    if (line->in_seed != 0 && wrong < buffer->length)
        require_failed(__FILE__, __LINE__, "byte %llu of stream %llu arrived right",
                       (unsigned long long)(line->in_position + wrong),
                       (unsigned long long)line->in_seed);
    line->in_position += buffer->length;
    if (!line->keeps && !line->echoes) {
        net_give_back(line->world->net, buffer);
        return;
    }
    require(line->kept_count < WORLD_QUEUE_MAX);
    line->kept[line->kept_count++] = buffer;
    if (line->echoes) world__echo(line);
}

static void world__on_datagram(struct line *line, const struct net_event *event)
{
    struct net_buffer *buffer = event->buffer;

    require(line->got_count < WORLD_QUEUE_MAX);
    struct datagram_got *got = &line->got[line->got_count++];
    got->from = event->peer;
    got->local = event->local;
    got->segment_bytes = event->segment_bytes;
    got->length = buffer->length;
    got->bytes = malloc(buffer->length + 1);
    require(got->bytes != NULL);
    if (buffer->length > 0) memcpy(got->bytes, buffer->bytes, buffer->length);
    if (line->keeps) {
        require(line->kept_count < WORLD_QUEUE_MAX);
        line->kept[line->kept_count++] = buffer;
    } else {
        net_give_back(line->world->net, buffer);
    }
}

static void world__on_released(struct line *line, const struct net_event *event)
{
    require(event->released_buffers <= line->unreleased_buffers);
    line->unreleased_buffers -= event->released_buffers;
    line->released_bytes += event->released_bytes;
    require(line->released_bytes <= line->posted_bytes);
}

static void world__on_sent(struct line *line, const struct net_event *event)
{
    if (line->sends_out > 0) {
        require(event->sent_count + event->failed_count > 0);
        require(event->sent_count + event->failed_count <= line->sends_out);
        line->sends_out -= event->sent_count + event->failed_count;
        line->datagrams_sent += event->sent_count;
        line->datagrams_failed += event->failed_count;
        if (event->failed_count > 0) line->sent_code = event->code;
        return;
    }
    require(line->send_out);
    line->send_out = false;
    line->sent_count++;
    line->sent_code = event->code;
    line->sent_bytes += event->sent_bytes;
    world__on_released(line, event);
}

static void world__on_closed(struct line *line)
{
    require(line->closing);
    require(!line->send_out);
    require(line->sends_out == 0);
    require(line->unreleased_buffers == 0);
    line->is_open = false;
}

static void world__on_line(struct line *line, const struct net_event *event)
{
    require(line->is_open);
    require(event->handle.index == line->handle.index &&
            event->handle.generation == line->handle.generation);
    if (event->kind != NET_SENT && event->kind != NET_RELEASED && event->kind != NET_CLOSED &&
        event->kind != NET_REFUSED)
        require(!line->closing);
    if (line->connects)
        require(event->kind == NET_CONNECTED || event->kind == NET_BROKEN ||
                event->kind == NET_CLOSED);
    switch (event->kind) {
    case NET_ACCEPTED:
        require(line->on);
        require(line->stopped_count == 0);
        world__on_accepted(line, event);
        break;
    case NET_RECEIVED:
        require(line->on);
        require(line->peer_done_count == 0);
        line->received_count++;
        world__on_received(line, event->buffer);
        break;
    case NET_PEER_DONE:
        require(line->on);
        require(++line->peer_done_count == 1);
        break;
    case NET_DATAGRAM:
        require(line->on);
        line->received_count++;
        world__on_datagram(line, event);
        break;
    case NET_SENT: world__on_sent(line, event); break;
    case NET_RELEASED:
        require(event->released_bytes + event->released_buffers > 0);
        world__on_released(line, event);
        break;
    case NET_BROKEN:
        require(++line->broken_count == 1);
        line->connects = false;
        require(event->code != WEIR_OK);
        line->broken_code = event->code;
        break;
    case NET_CLOSED: world__on_closed(line); break;
    case NET_PAUSED:
        require(event->code != WEIR_OK);
        line->paused_count++;
        line->world->paused_count++;
        line->paused_code = event->code;
        break;
    case NET_TOO_LARGE: line->too_large_count++; break;
    case NET_REFUSED:
        require(event->refused_count > 0);
        line->refused_count += event->refused_count;
        break;
    case NET_CONNECTED:
        require(line->connects);
        require(++line->connected_count == 1);
        line->connects = false;
        line->local = event->local;
        break;
    case NET_STOPPED: require(++line->stopped_count == 1); break;
    case NET_WOKEN:
    case NET_EVENT_KINDS_COUNT:
        require_failed(__FILE__, __LINE__, "an event of kind %d has no handle", event->kind);
    }
}

/* ---- iterations ---- */

/* Does the automatic work of lines: continues a pattern, echoes, finishes. */
static void world__line_step(struct line *line)
{
    if (!line->is_open || line->closing || line->send_out || line->finished || line->connects ||
        line->broken_count > 0)
        return;
    if (line->out_position < line->out_total) {
        line_send(line, line->out_buffers, line->out_piece);
    } else if (line->echoes && line->kept_count > 0) {
        world__echo(line);
    } else if (line->out_finishes && (!line->echoes || line->peer_done_count > 0)) {
        line_finish(line);
    }
}

uint32_t world_iterate_until(struct world *world, uint64_t until_ns)
{
    struct net_event events[WORLD__EVENTS_MAX];
    uint32_t count = net_wait(world->net, until_ns, events, world->events_max);

    require(count <= world->events_max);
    for (uint32_t i = 0; i < count; i++) {
        if (events[i].kind == NET_WOKEN)
            world->woken_count++;
        else
            world__on_line(events[i].owner, &events[i]);
    }
    for (struct line *line = world->lines; line; line = line->next) world__line_step(line);
    for (struct peer *peer = world->peers; peer; peer = peer->next) peer_step(peer);
    world->iterations_count++;
    world->events_count += count;
    return count;
}

uint32_t world_iterate(struct world *world)
{
    return world_iterate_until(world, net_now_ns(world->net) + WORLD__ITERATION_NS);
}

void world_run_until_idle(struct world *world)
{
    uint32_t idle_count = 0;

    world_begin(world);
    while (idle_count < (plain_is_wine() ? WORLD__IDLE_ITERATIONS_WINE : WORLD__IDLE_ITERATIONS)) {
        uint64_t before_ns = net_now_ns(world->net);
        uint32_t count = world_iterate(world);
        bool early = net_now_ns(world->net) < before_ns + WORLD__ITERATION_NS;
        if (count > 0)
            idle_count = 0;
        else if (!early)
            idle_count++;
        require(net_now_ns(world->net) < world->deadline_ns);
    }
}

void world_begin(struct world *world)
{
    world->deadline_ns = net_now_ns(world->net) + world_patience_ns;
    world->iterations_deadline = world->iterations_count + WORLD__ITERATIONS_MAX;
}

void world_iterate_on(struct world *world, const char *condition, const char *file, int line)
{
    if (net_now_ns(world->net) >= world->deadline_ns ||
        world->iterations_count >= world->iterations_deadline)
        require_failed(file, line, "%s, in time", condition);
    if (world_iterate(world) > 0) world->deadline_ns = net_now_ns(world->net) + world_patience_ns;
}

/* ---- lines ---- */

struct line *world_line_for(struct world *world)
{
    struct line *line = calloc(1, sizeof *line);

    require(line != NULL);
    line->world = world;
    line->next = world->lines;
    line->is_open = true;
    world->lines = line;
    return line;
}

struct net_address world_address(const char *text)
{
    struct net_address address;

    require(net_address_parse(text, &address));
    return address;
}

struct line *world_listen_on(struct world *world, const struct net_listen_options *listen_options)
{
    struct line *line = world_line_for(world);
    struct weir_error error;
    char text[512];

    if (net_listen(world->net, listen_options, line, &line->handle, &error) != WEIR_OK)
        require_failed(__FILE__, __LINE__, "%s", weir_error_text(&error, text, sizeof text));
    return line;
}

struct line *world_listen(struct world *world)
{
    struct net_listen_options listen_options = {.address = world_address("127.0.0.1:0"),
                                                .backlog = 128};
    struct line *line = world_listen_on(world, &listen_options);

    line_accept(line, true);
    return line;
}

void line_accept(struct line *line, bool on)
{
    line->on = on;
    net_accept(line->world->net, line->handle, on);
}

struct net_address line_address(struct line *line)
{
    return net_local_address(line->world->net, line->handle);
}

struct net_socket line_take_socket(struct line *line, struct net_address *peer)
{
    world_until(line->world, line->sockets_count > 0);
    uint32_t at = line->sockets_first++;
    if (--line->sockets_count == 0) line->sockets_first = 0;
    if (peer) *peer = line->peers[at];
    return line->sockets[at];
}

struct line *world_adopt(struct world *world, struct net_socket socket)
{
    struct line *line = world_line_for(world);
    struct weir_error error;
    char text[512];

    if (net_adopt(world->net, socket, line, &line->handle, &error) != WEIR_OK)
        require_failed(__FILE__, __LINE__, "%s", weir_error_text(&error, text, sizeof text));
    return line;
}

struct line *world_connect(struct world *world, struct peer **peer)
{
    struct net_address from;

    if (!world->listener) world->listener = world_listen(world);
    struct net_address to = line_address(world->listener);
    *peer = peer_connect(world, &to);
    struct net_socket socket = line_take_socket(world->listener, &from);
    require_equal(from.port, peer_address(*peer).port);
    return world_adopt(world, socket);
}

struct line *world_start(struct world *world, const struct net_address *to)
{
    struct line *line = world_line_for(world);
    struct net_connect_options options = {.address = *to};
    struct weir_error error;
    char text[512];

    line->connects = true;
    if (net_connect(world->net, &options, line, &line->handle, &error) != WEIR_OK)
        require_failed(__FILE__, __LINE__, "%s", weir_error_text(&error, text, sizeof text));
    return line;
}

struct line *world_connect_out(struct world *world, struct peer **peer)
{
    if (!world->peer_listeners) peer_listen(world, "127.0.0.1:0");
    struct net_address to = peer_listens(world->peer_listeners);
    struct line *line = world_start(world, &to);

    world_until(world, line->connected_count == 1);
    world_until(world, (*peer = peer_accept(world->peer_listeners)) != NULL);
    return line;
}

void line_receive(struct line *line, bool on)
{
    line->on = on;
    net_receive(line->world->net, line->handle, on);
}

/* Sends; the answer can come immediately. */
static void world__send_now(struct line *line, struct net_buffer *const *buffers, uint32_t count,
                            uint32_t bytes)
{
    if (!net_send_now(line->world->net, line->handle, buffers, count)) return;
    line->sent_now_count++;
    world__on_sent(line, &(struct net_event){.kind = NET_SENT,
                                             .code = WEIR_OK,
                                             .sent_bytes = bytes,
                                             .released_bytes = bytes,
                                             .released_buffers = count});
}

void line_send_buffers(struct line *line, struct net_buffer *const *buffers, uint32_t count)
{
    uint32_t bytes = 0;

    for (uint32_t i = 0; i < count; i++) bytes += buffers[i]->length;
    line->posted_bytes += bytes;
    line->unreleased_buffers += count;
    line->send_out = true;
    if (line->sends_now)
        world__send_now(line, buffers, count, bytes);
    else
        net_send(line->world->net, line->handle, buffers, count);
}

void line_send(struct line *line, uint32_t buffers_count, uint32_t bytes_each)
{
    struct net_buffer *buffers[NET_SEND_BUFFERS_MAX];
    uint32_t count = 0;

    require(buffers_count <= NET_SEND_BUFFERS_MAX);
    while (count < buffers_count) {
        uint64_t left = line->out_total - line->out_position;
        uint32_t bytes = line->out_total > 0 && left < bytes_each ? (uint32_t)left : bytes_each;
        if (bytes == 0) break;
        struct net_buffer *buffer = net_take(line->world->net, bytes);
        if (!buffer) break; /* sends fewer now, the rest later */
        buffer->length = bytes;
        pattern_fill(line->out_seed, line->out_position, buffer->bytes, bytes);
        line->out_position += bytes;
        buffers[count++] = buffer;
    }
    if (count == 0) return;
    line_send_buffers(line, buffers, count);
}

void line_sends_pattern(struct line *line, uint64_t seed, uint64_t total, uint32_t buffers_count,
                        uint32_t bytes_each)
{
    line->out_seed = seed;
    line->out_position = 0;
    line->out_total = total;
    line->out_buffers = buffers_count;
    line->out_piece = bytes_each;
}

void line_finish(struct line *line)
{
    line->finished = true;
    net_finish(line->world->net, line->handle);
}

void line_close(struct line *line)
{
    line->closing = true;
    net_close(line->world->net, line->handle);
}

void line_abort(struct line *line)
{
    line->closing = true;
    net_abort(line->world->net, line->handle);
}

struct net_progress line_progress(struct line *line)
{
    return net_progress(line->world->net, line->handle);
}

bool line_was_cut(const struct line *line)
{
    return line->broken_count == 1 || (line->peer_done_count == 1 && plain_is_wine());
}

void line_give_back_kept(struct line *line)
{
    while (line->kept_count > 0) net_give_back(line->world->net, line->kept[--line->kept_count]);
}

/* ---- datagram lines ---- */

struct line *world_bind(struct world *world, const char *address)
{
    struct line *line = world_line_for(world);
    struct net_listen_options listen_options = {.address = world_address(address)};
    struct weir_error error;
    char text[512];

    if (net_bind(world->net, &listen_options, line, &line->handle, &error) != WEIR_OK)
        require_failed(__FILE__, __LINE__, "%s", weir_error_text(&error, text, sizeof text));
    return line;
}

enum weir_code line_send_to(struct line *line, const struct net_address *peer,
                            const struct net_address *local, const void *bytes, uint32_t length,
                            uint32_t segment_bytes)
{
    struct net_buffer *buffer = net_take(line->world->net, length > 0 ? length : 1);
    struct net_address here = line_address(line);

    require(buffer != NULL);
    if (length > 0) memcpy(buffer->bytes, bytes, length);
    buffer->length = length;
    enum weir_code code = net_send_to(line->world->net, line->handle, peer, local ? local : &here,
                                      buffer, segment_bytes);
    if (code == WEIR_OK)
        line->sends_out++;
    else
        net_give_back(line->world->net, buffer);
    return code;
}

void line_forget_datagrams(struct line *line)
{
    for (uint32_t i = 0; i < line->got_count; i++) free(line->got[i].bytes);
    line->got_count = 0;
}
