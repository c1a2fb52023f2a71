/* SPDX-License-Identifier: MIT */
/* os_questions_windows.c - the transports of Windows, and the questions about Registered I/O. The
 * process of a question that crashes ends without a dialog, with the exception as its exit code. */
#include "os_questions.h"

#include "os_ask.h"
#include "os_desk.h"

const char *const os_questions_transports[] = {"rio", "iocp", NULL};
const char *const os_questions_best = "RIO";

static const struct questions__row {
    struct os_question question;
    enum os_answer (*ask)(void);
} questions__rows[] = {
    {{"G3", "must cbSize be set"}, ask_size_before},
    {{"G6", "one table for all families"}, ask_same_table},
    {{"S8", "sockets without WSA_FLAG_REGISTERED_IO"}, ask_no_flag},
    {{"S8 Q3 Q7", "request queues that cannot be"}, ask_bad_numbers},
    {{"S10", "two request queues for one socket"}, ask_second_rq},
    {{"N5", "notification of a polled queue"}, ask_notify_polled},
    {{"N4", "RIONotify twice"}, ask_notify_twice},
    {{"N2 N4", "RIONotify when there is something already"}, ask_notify_full},
    {{"N3", "RIO_MSG_DONT_NOTIFY"}, ask_quiet_send},
    {{"B5", "pieces out of range"}, ask_out_of_range},
    {{"F3 F11 F12", "flags"}, ask_flags},
    {{"Q5 F13", "too many requests; FALSE with 997"}, ask_too_many},
    {{"F1 F5", "what starts a deferred receive"}, ask_defer},
    {{"B10", "one registration for data and address"}, ask_one_registration},
    {{"T9", "requests of a thread that ended"}, ask_thread_exit},
    {{"E1 E3", "status of FIN and reset"}, ask_ends},
    {{"E3 X2 X3", "status after closesocket"}, ask_close},
    {{"X4", "deferred requests at closesocket"}, ask_close_deferred},
    {{"U7 E2", "oversize and empty datagrams"}, ask_datagram_sizes},
    {{"U8", "unreachable ports"}, ask_unreachable},
    {{"E7 E8", "sends to a peer that does not read"}, ask_slow_peer},
    {{"X13", "requests after shutdown"}, ask_after_shutdown},
    {{"Q11", "when closing gives room back"}, ask_room_after_close},
    {{"S4", "a listener without the flag"}, ask_plain_listener},
    {{"S5", "accept() instead of AcceptEx"}, ask_plain_accept},
    {{"U12", "segmented sends"}, ask_segments_out},
    {{"U12", "coalesced receives"}, ask_segments_in},
    {{"A16", "DisconnectEx, and the socket again"}, ask_reuse},
    {{"S11", "WSASend and WSARecv on a RIO socket"}, ask_plain_calls},
    {{"E7", "when a send to a silent peer completes"}, ask_silent_peer},
    {{"E7 P1", "several sends in flight"}, ask_sends_in_flight},
    {{"X8 E7", "closesocket with sends pending"}, ask_close_with_sends},
    {{"X13 E7", "shutdown with sends pending"}, ask_finish_with_sends},
    {{"S11", "overlapped calls on a RIO socket without a queue"}, ask_calls_without_queue},
    {{"A2", "an exclusive bind while a connection lingers"}, ask_exclusive_bind},
    {{"B2 Q1", "the cost of registrations and queues"}, ask_costs},
    {{"B4", "how much memory can be registered"}, ask_limits},
    {{"U4 U6", "the local address of datagrams, both ways"}, ask_local_address},
    {{"Q9", "growing queues while notification is armed"}, ask_resize_armed},
    {{"T4", "a commit from another thread"}, ask_other_thread},
    {{"X10", "closing an armed queue"}, ask_close_armed},
    {{"N5", "notification of no queue"}, ask_notify_none},
    {{"X5", "a request by no request queue"}, ask_no_rq},
    {{"X5", "a commit after closesocket"}, ask_closed_rq},
};

const size_t os_questions_count = sizeof questions__rows / sizeof questions__rows[0];

const struct os_question *os_questions_at(size_t index)
{
    return &questions__rows[index].question;
}

static LONG WINAPI questions__on_crash(EXCEPTION_POINTERS *exception)
{
    TerminateProcess(GetCurrentProcess(), exception->ExceptionRecord->ExceptionCode);
    return EXCEPTION_EXECUTE_HANDLER;
}

enum os_answer os_questions_ask(size_t index)
{
    WSADATA data;

    SetErrorMode(SEM_FAILCRITICALERRORS | SEM_NOGPFAULTERRORBOX);
    SetUnhandledExceptionFilter(questions__on_crash);
    desk_must(WSAStartup(MAKEWORD(2, 2), &data) == 0, "start Windows sockets");
    desk_open();
    return questions__rows[index].ask();
}
