/* SPDX-License-Identifier: MIT */
/* account.c - the memory of one worker and the sessions that hold the most of it; account.h draws
 * the limit. */
#include "account.h"

#include "session_state.h"

/* Sessions of the largest classes that one search compares. */
#define ACCOUNT__COMPARED_MAX 32u
/* Sessions that one search passes over, and moves to the class of what they hold now. */
#define ACCOUNT__PASSED_MAX 1024u

/* ---- limits ---- */

void account_init(struct account *account, uint64_t limit_bytes)
{
    *account = (struct account){
        .memory = {.limit_bytes = limit_bytes > 0 ? limit_bytes : UINT64_MAX},
        .must_look = true,
    };
    account->memory.reserve_bytes = account->memory.limit_bytes / 16;
    for (uint32_t i = 0; i < ACCOUNT_CLASSES_COUNT; i++) list_init(&account->classes[i]);
}

void account_set_streams(struct account *account, uint64_t bytes, uint64_t batch_bytes)
{
    uint64_t reserve_bytes = bytes / 16;

    if (reserve_bytes < batch_bytes) reserve_bytes = batch_bytes;
    if (reserve_bytes > bytes / 4) reserve_bytes = bytes / 4;
    account->streams = (struct account_part){bytes, reserve_bytes};
}

bool account_charge_table(struct account *account, uint64_t bytes)
{
    const struct account_part *memory = &account->memory;

    if (account->table_bytes + bytes > memory->limit_bytes / 2) return false;
    if (account->charged_bytes + bytes > memory->limit_bytes - memory->reserve_bytes) return false;
    account->table_bytes += bytes;
    account_move(account, bytes, 0);
    return true;
}

uint32_t account_share(const struct account_part *part, uint64_t used_bytes)
{
    uint64_t half_bytes = part->limit_bytes / 2;
    uint64_t line_bytes = part->limit_bytes - part->reserve_bytes;

    weir_check(line_bytes >= half_bytes);
    if (used_bytes <= half_bytes) return ACCOUNT_SHARE_FULL;
    if (used_bytes >= line_bytes) return 0;
    /* In units that cannot overflow, whatever the limit is. */
    uint64_t unit_bytes = (line_bytes - half_bytes) / ACCOUNT_SHARE_FULL + 1;
    return (uint32_t)((line_bytes - used_bytes) / unit_bytes);
}

/* ---- classes ---- */

static uint32_t account__class_of(uint64_t bytes)
{
    uint32_t class = 0;

    weir_check(bytes > 0);
    while (class < ACCOUNT_CLASSES_COUNT - 1 && UINT64_C(1) << class < bytes) class ++;
    return class;
}

uint64_t account_held_bytes(const struct weir_session *session)
{
    weir_check(!session->is_datagram);
    return (uint64_t)session->queue.pinned_bytes + session->unread_bytes + session->waiting_bytes +
           2 * (uint64_t)session->partial_bytes;
}

/* Moves the session to the class of what it holds; to none, if it holds nothing. */
static void account__move(struct account *account, struct weir_session *session,
                          uint64_t held_bytes)
{
    list_remove(&session->in_class);
    session->listed_bytes = 0;
    if (held_bytes == 0) return;
    uint32_t class = account__class_of(held_bytes);
    session->listed_bytes = class < 32 ? UINT32_C(1) << class : UINT32_MAX;
    list_add_last(&account->classes[class], &session->in_class);
}

void account_list(struct account *account, struct weir_session *session)
{
    uint64_t held_bytes = account_held_bytes(session);

    if (held_bytes <= session->listed_bytes) return;
    account__move(account, session, held_bytes);
    account->must_look = true;
}

static bool account__is_stale(const struct weir_session *session,
                              const struct account_search *search)
{
    return search->stale_ms > 0 && session->queue_paused &&
           account_held_bytes(session) > search->share_bytes &&
           search->now_ms - session->paused_ms >= search->stale_ms;
}

/* Whether closing the session would free stream buffers, rather than other memory. A session whose
 * queue begins with a share, and that sends nothing, waits for a buffer itself. */
static bool account__holds_buffers(const struct weir_session *session)
{
    const struct send_queue *queue = &session->queue;
    uint32_t bytes = queue->flight_pinned_bytes + session->unread_bytes;

    if (queue->shares_count == 0) bytes = queue->pinned_bytes + session->unread_bytes;
    return bytes > 0 && bytes >= 2 * (uint64_t)session->partial_bytes;
}

/* Whether the search must not return the session. If it holds less than its class says, it is moved
 * to the right one. */
static bool account__passes_over(struct account *account, struct weir_session *session,
                                 uint32_t class, const struct account_search *search)
{
    uint64_t held_bytes = account_held_bytes(session);

    if (held_bytes == 0 || account__class_of(held_bytes) < class) {
        account__move(account, session, held_bytes);
        return true;
    }
    if (search->stale_only && !account__is_stale(session, search)) return true;
    return search->buffers_only && !account__holds_buffers(session);
}

struct weir_session *account_find(struct account *account, const struct account_search *search)
{
    struct weir_session *largest = NULL;
    uint32_t compared = 0, passed = 0;

    for (uint32_t class = ACCOUNT_CLASSES_COUNT; class -- > 0;) {
        struct list *list = &account->classes[class], *next;
        for (struct list *at = list->next; at != list && passed < ACCOUNT__PASSED_MAX; at = next) {
            struct weir_session *session = weir_container_of(at, struct weir_session, in_class);
            next = at->next;
            if (account__passes_over(account, session, class, search)) {
                passed++;
                continue;
            }
            if (account__is_stale(session, search)) return session;
            if (!largest) largest = session;
            if (++compared == ACCOUNT__COMPARED_MAX) return largest;
        }
    }
    return largest;
}
