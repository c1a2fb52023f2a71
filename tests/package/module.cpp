/* SPDX-License-Identifier: MIT */
/* module.cpp - the same as module.c, in C++. */
#include <weir/weir.h>

namespace
{
void answer(weir_session *session, const weir_message *)
{
    if (weir_session_send(session, "yes", 3) != WEIR_OK) return;
}

weir_handler make()
{
    weir_handler handler = {};
    handler.size = sizeof handler;
    handler.name = "quiet";
    handler.on_message = answer;
    return handler;
}

const weir_handler quiet = make();
} // namespace

WEIR_MODULE(&quiet, nullptr);
