/* SPDX-License-Identifier: MIT */
/* os_ask.h - the questions about Registered I/O, each after desk_open(). Each prints what happens
 * and returns how that compares with what weir expects; it can also crash or stand still. Windows
 * only. */
#ifndef CLI_OS_ASK_H
#define CLI_OS_ASK_H

#include "os_questions.h"

enum os_answer ask_size_before(void);
enum os_answer ask_same_table(void);
enum os_answer ask_no_flag(void);
enum os_answer ask_bad_numbers(void);
enum os_answer ask_second_rq(void);
enum os_answer ask_notify_polled(void);
enum os_answer ask_notify_twice(void);
enum os_answer ask_notify_full(void);
enum os_answer ask_quiet_send(void);
enum os_answer ask_room_after_close(void);
enum os_answer ask_close_armed(void);
enum os_answer ask_notify_none(void);
enum os_answer ask_no_rq(void);
enum os_answer ask_closed_rq(void);
enum os_answer ask_out_of_range(void);
enum os_answer ask_flags(void);
enum os_answer ask_too_many(void);
enum os_answer ask_defer(void);
enum os_answer ask_one_registration(void);
enum os_answer ask_thread_exit(void);
enum os_answer ask_ends(void);
enum os_answer ask_close(void);
enum os_answer ask_close_deferred(void);
enum os_answer ask_datagram_sizes(void);
enum os_answer ask_unreachable(void);
enum os_answer ask_slow_peer(void);
enum os_answer ask_after_shutdown(void);
enum os_answer ask_plain_calls(void);
enum os_answer ask_plain_listener(void);
enum os_answer ask_plain_accept(void);
enum os_answer ask_reuse(void);
enum os_answer ask_segments_out(void);
enum os_answer ask_segments_in(void);
enum os_answer ask_silent_peer(void);
enum os_answer ask_sends_in_flight(void);
enum os_answer ask_close_with_sends(void);
enum os_answer ask_finish_with_sends(void);
enum os_answer ask_calls_without_queue(void);
enum os_answer ask_exclusive_bind(void);
enum os_answer ask_costs(void);
enum os_answer ask_limits(void);
enum os_answer ask_local_address(void);
enum os_answer ask_resize_armed(void);
enum os_answer ask_other_thread(void);

#endif
