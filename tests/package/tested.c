/* SPDX-License-Identifier: MIT */
/* tested.c - a test of a handler with an installed weir::test. */
#include <stdio.h>
#include <string.h>

#include <weir/test.h>

static void on_message(struct weir_session *session, const struct weir_message *message)
{
    WEIR_SOMETIMES(message->length == 2);
    weir_session_send_back(session, message);
}

int main(void)
{
    const struct weir_handler handler = {
        .size = sizeof(struct weir_handler), .name = "back", .on_message = on_message};
    struct weir_listen listen = {
        .size = sizeof(struct weir_listen), .codec = "line", .custom_handler = &handler};
    struct weir_marks marks = WEIR_MARKS;
    struct weir_message message;
    struct weir_test *test;

    if (weir_test_open(NULL, NULL, &test, NULL) != WEIR_OK) return 1;
    if (weir_test_listen(test, &listen, NULL) != WEIR_OK) return 2;
    if (weir_test_start(test, NULL) != WEIR_OK) return 3;
    struct weir_test_peer *peer = weir_test_connect(test, 0, NULL);
    weir_test_peer_send(peer, "hi\n", 3);
    weir_test_run(test, 20);
    if (!weir_test_peer_message(peer, &message) || message.length != 2) return 4;
    weir_test_free(test);
    if (marks.last - marks.first != 1 || !marks.first[0]->reached) return 5;
    puts("tested");
    return 0;
}
