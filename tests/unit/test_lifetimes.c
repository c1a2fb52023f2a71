/* SPDX-License-Identifier: MIT */
/* test_lifetimes.c - AddressSanitizer reports a handler that uses a message after its on_message,
 * or a session's state after its on_close. In a build without the sanitizer, the tests are skipped.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <weir/test.h>

#include "memory.h"
#include "require.h"

#if defined(MEMORY_ASAN)

#include <sanitizer/common_interface_defs.h>

/* ---- a handler that keeps what it must not keep ---- */

static const uint8_t *volatile kept; /* a byte of the first message, or of the session's state */
static bool reads_in_timer, sends_back;
static volatile uint8_t seen;

static void read_kept(void)
{
    seen = *kept;
}

static void on_open(struct weir_session *session)
{
    if (!reads_in_timer) return;
    kept = weir_session_state(session);
    read_kept(); /* it is allowed here */
}

static void on_message(struct weir_session *session, const struct weir_message *message)
{
    if (reads_in_timer) {
        weir_session_start_timer(session, 100);
        kept = message->bytes;
    } else if (kept) {
        read_kept();
    } else {
        kept = message->bytes;
        read_kept(); /* it is allowed here */
    }
    if (sends_back) weir_session_send_back(session, message);
}

static void on_timer(struct weir_session *session)
{
    (void)session;
    read_kept();
}

static const struct weir_handler handler = {.size = sizeof(struct weir_handler),
                                            .name = "keeps",
                                            .session_bytes = 16,
                                            .on_open = on_open,
                                            .on_message = on_message,
                                            .on_timer = on_timer};

static struct weir_test *open_test(const struct weir_test_options *options, enum weir_proto proto)
{
    struct weir_listen listen = {
        .size = sizeof listen, .proto = proto, .codec = "line", .custom_handler = &handler};
    struct weir_test *test;

    __sanitizer_set_death_callback(abort); /* as require_death() expects it */
    if (proto == WEIR_UDP) listen.codec = NULL;
    require(weir_test_open(options, NULL, &test, NULL) == WEIR_OK);
    require(weir_test_listen(test, &listen, NULL) == WEIR_OK);
    require(weir_test_start(test, NULL) == WEIR_OK);
    return test;
}

static struct weir_test_peer *connect_and_send(struct weir_test *test, const char *text)
{
    struct weir_test_peer *peer = weir_test_connect(test, 0, NULL);

    weir_test_peer_send(peer, text, strlen(text));
    weir_test_run(test, 1000);
    return peer;
}

/* ---- the deaths ---- */

static void read_the_message_before(void *argument)
{
    (void)argument;
    connect_and_send(open_test(NULL, WEIR_TCP), "a first message\na second one\n");
}

static void read_the_message_sent_back_before(void *argument)
{
    sends_back = true;
    read_the_message_before(argument);
}

static void read_a_message_in_a_timer(void *argument)
{
    (void)argument;
    reads_in_timer = true;
    connect_and_send(open_test(NULL, WEIR_TCP), "a message\n");
}

/* The message is larger than what a decoder holds in its own state. */
static void read_a_message_that_came_in_pieces(void *argument)
{
    struct weir_test_options options;

    (void)argument;
    reads_in_timer = true;
    weir_test_options_init(&options);
    options.piece_bytes = 10;
    connect_and_send(open_test(&options, WEIR_TCP), "a message of more than twenty bytes\n");
}

static void read_a_datagram_in_a_timer(void *argument)
{
    struct weir_test *test = open_test(NULL, WEIR_UDP);
    struct weir_test_socket *socket = weir_test_socket_open(test, 0, NULL);

    (void)argument;
    reads_in_timer = true;
    weir_test_socket_send(socket, "a datagram", 10);
    weir_test_run(test, 1000);
}

static void read_the_state_of_an_ended_session(void *argument)
{
    struct weir_test *test = open_test(NULL, WEIR_TCP);

    (void)argument;
    reads_in_timer = true;
    struct weir_test_peer *peer = connect_and_send(test, "");
    weir_test_peer_reset(peer);
    weir_test_run(test, 1000);
    require(weir_test_peer_reason(peer) == WEIR_REASON_RESET);
    read_kept();
}

static void a_message_is_not_used_after_its_on_message(void **state)
{
    (void)state;
    require_death(read_the_message_before, NULL, "use-after-poison");
    require_death(read_the_message_sent_back_before, NULL, "use-after-poison");
    require_death(read_a_message_in_a_timer, NULL, "use-after-poison");
    require_death(read_a_message_that_came_in_pieces, NULL, "heap-use-after-free");
    require_death(read_a_datagram_in_a_timer, NULL, "use-after-poison");
}

static void a_state_is_not_used_after_its_session(void **state)
{
    (void)state;
    require_death(read_the_state_of_an_ended_session, NULL, "use-after-poison");
}

#else

static void a_message_is_not_used_after_its_on_message(void **state)
{
    (void)state;
    skip();
}

static void a_state_is_not_used_after_its_session(void **state)
{
    (void)state;
    skip();
}

#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_is_not_used_after_its_on_message),
        cmocka_unit_test(a_state_is_not_used_after_its_session),
    };

    return cmocka_run_group_tests_name("lifetimes", tests, NULL, NULL);
}
