/* SPDX-License-Identifier: MIT */
/* tested.cpp - the same as tested.c, in C++. */
#include <cstdio>
#include <memory>

#include <weir/test.h>

static void on_message(weir_session *session, const weir_message *message)
{
    WEIR_SOMETIMES(message->length == 2);
    WEIR_ASSERT(message->bytes != nullptr);
    weir_session_send_back(session, message);
}

int main()
{
    weir_handler handler = {};
    handler.size = sizeof handler;
    handler.name = "back";
    handler.on_message = on_message;
    weir_listen listen = {};
    listen.size = sizeof listen;
    listen.codec = "line";
    listen.custom_handler = &handler;
    weir_marks marks = WEIR_MARKS;
    weir_message message;
    weir_test *made = nullptr;

    if (weir_test_open(nullptr, nullptr, &made, nullptr) != WEIR_OK) return 1;
    std::unique_ptr<weir_test, decltype(&weir_test_free)> test(made, weir_test_free);
    if (weir_test_listen(made, &listen, nullptr) != WEIR_OK) return 2;
    if (weir_test_start(made, nullptr) != WEIR_OK) return 3;
    weir_test_peer *peer = weir_test_connect(made, 0, nullptr);
    weir_test_peer_send(peer, "hi\n", 3);
    weir_test_run(made, 20);
    if (!weir_test_peer_message(peer, &message) || message.length != 2) return 4;
    if (marks.last - marks.first != 1 || !marks.first[0]->reached) return 5;
    std::puts("tested");
    return 0;
}
