/* SPDX-License-Identifier: MIT */
/* win_closing.c - closes sockets, and keeps a list of those that the system would not close. Each
 * thread owns its list. */
#include "win_closing.h"

#include "list.h"
#include "memory.h"
#include "retries.h"

struct closing__socket {
    struct closing__socket *next;
    win_socket socket;
};

struct closing__list {
    struct closing__socket *first;
    uint32_t failures; /* consecutive tries in which a close failed */
    uint64_t retry_ns;
};

static _Thread_local struct closing__list closing__list;

void closing_close(const struct win_system *system, win_socket socket)
{
    struct closing__socket *listed;

    if (system->socket_close(socket) == 0) return;
    listed = memory_alloc(sizeof *listed);
    if (!listed) return; /* the socket stays open until the process ends */
    *listed = (struct closing__socket){closing__list.first, socket};
    closing__list.first = listed;
}

/* Closes every listed socket again. */
static void closing__try(const struct win_system *system, struct closing__list *list)
{
    struct closing__socket **link = &list->first;

    while (*link) {
        struct closing__socket *listed = *link;
        if (system->socket_close(listed->socket) == 0) {
            *link = listed->next;
            memory_free(listed);
        } else {
            link = &listed->next;
        }
    }
}

uint64_t closing_retry(const struct win_system *system, uint64_t now_ns, uint64_t until_ns)
{
    struct closing__list *list = &closing__list;

    if (!list->first) return until_ns;
    if (now_ns >= list->retry_ns) {
        closing__try(system, list);
        list->failures = list->first ? list->failures + 1 : 0;
        list->retry_ns = list->first ? now_ns + retries_delay_ns(list->failures) : 0;
        if (!list->first) return until_ns;
    }
    return until_ns < list->retry_ns ? until_ns : list->retry_ns;
}

void closing_end(const struct win_system *system)
{
    struct closing__list *list = &closing__list;

    closing__try(system, list);
    while (list->first) {
        struct closing__socket *listed = list->first;
        list->first = listed->next;
        memory_free(listed);
    }
    *list = (struct closing__list){0};
}
