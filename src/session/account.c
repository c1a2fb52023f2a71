/* SPDX-License-Identifier: MIT */
/* account.c - the memory of one worker and the sessions that hold the most of it; account.h draws
 * the limit. */
#include "account.h"

#include "filters_state.h"
#include "session_state.h"

/* Sessions of the largest classes that one search compares. */
#define ACCOUNT__COMPARED_MAX 32u
/* Sessions that one search moves to the class of what they hold now. */
#define ACCOUNT__MOVED_MAX 1024u
/* Sessions of one class that one search does not look for, and passes over. */
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

/* Charges memory that lasts until sessions end by themselves, and adds it to a sum of its kind. */
static bool account__charge_lasting(struct account *account, uint64_t *sum_bytes, uint64_t bytes)
{
    const struct account_part *memory = &account->memory;
    uint64_t lasting_bytes = account->table_bytes + account->membership_bytes;

    if (lasting_bytes + bytes > memory->limit_bytes / 2) return false;
    if (account->charged_bytes + bytes > memory->limit_bytes - memory->reserve_bytes) return false;
    *sum_bytes += bytes;
    account_move(account, bytes, 0);
    return true;
}

static void account__release_lasting(struct account *account, uint64_t *sum_bytes, uint64_t bytes)
{
    weir_check(*sum_bytes >= bytes);
    *sum_bytes -= bytes;
    account_move(account, 0, bytes);
}

bool account_charge_table(struct account *account, uint64_t bytes)
{
    return account__charge_lasting(account, &account->table_bytes, bytes);
}

void account_release_table(struct account *account, uint64_t bytes)
{
    account__release_lasting(account, &account->table_bytes, bytes);
}

bool account_charge_membership(struct account *account, uint64_t bytes)
{
    if (account->membership_bytes + bytes > account->memory.limit_bytes / 4) return false;
    return account__charge_lasting(account, &account->membership_bytes, bytes);
}

void account_release_membership(struct account *account, uint64_t bytes)
{
    account__release_lasting(account, &account->membership_bytes, bytes);
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

/* Returns what a session holds besides its buffers. */
static uint64_t account__other_bytes(const struct weir_session *session)
{
    return 2 * (uint64_t)session->partial_bytes +
           (session->filters ? session->filters->held_bytes : 0);
}

uint64_t account_held_bytes(const struct weir_session *session)
{
    weir_check(!session->is_datagram);
    return (uint64_t)session->queue.pinned_bytes + session->unread_bytes +
           session_waiting_bytes(session) + account__other_bytes(session);
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

/* ---- sessions that are closing ---- */

void account_leave(struct account *account, struct weir_session *session)
{
    list_remove(&session->in_class);
    session->listed_bytes = UINT32_MAX; /* never listed again */
    session->leaving_bytes = session->queue.flight_pinned_bytes;
    account->leaving_stream_bytes += session->leaving_bytes;
    account->leaving_bytes += session->leaving_bytes + account__other_bytes(session);
}

void account_left_buffers(struct account *account, struct weir_session *session)
{
    uint32_t left_bytes = session->leaving_bytes - session->queue.flight_pinned_bytes;

    weir_check(session->leaving_bytes >= session->queue.flight_pinned_bytes);
    weir_check(account->leaving_stream_bytes >= left_bytes);
    weir_check(account->leaving_bytes >= left_bytes);
    account->leaving_stream_bytes -= left_bytes;
    account->leaving_bytes -= left_bytes;
    session->leaving_bytes -= left_bytes;
}

void account_left(struct account *account, struct weir_session *session)
{
    uint64_t other_bytes = account__other_bytes(session);

    weir_check(session->leaving_bytes == 0);
    weir_check(account->leaving_bytes >= other_bytes);
    account->leaving_bytes -= other_bytes;
    account_move(account, 0, other_bytes);
}

/* ---- the search ---- */

static bool account__is_stale(const struct weir_session *session,
                              const struct account_search *search)
{
    return search->stale_ms > 0 && session->queue_paused &&
           account_held_bytes(session) > search->share_bytes &&
           search->now_ms - session->timestamps.congested_ms >= search->stale_ms;
}

/* Whether closing the session would free stream buffers, rather than other memory. A session whose
 * queue begins with a share, and that sends nothing, waits for a buffer itself. */
static bool account__holds_buffers(const struct weir_session *session)
{
    const struct send_queue *queue = &session->queue;
    uint32_t bytes = queue->flight_pinned_bytes + session->unread_bytes;

    if (queue->shares_count == 0) bytes = queue->pinned_bytes + session->unread_bytes;
    return bytes > 0 && bytes >= account__other_bytes(session);
}

/* What a search has seen so far. */
struct account__seen {
    struct weir_session *largest;
    uint32_t compared, moved;
    bool is_over; /* `largest` is the answer */
};

/* Moves the session to the class of what it holds, if it holds less than this class says. */
static bool account__moves_down(struct account *account, struct weir_session *session,
                                uint32_t class)
{
    uint64_t held_bytes = account_held_bytes(session);

    if (held_bytes > 0 && account__class_of(held_bytes) >= class) return false;
    account__move(account, session, held_bytes);
    return true;
}

static bool account__is_sought(const struct weir_session *session,
                               const struct account_search *search)
{
    if (search->stale_only && !account__is_stale(session, search)) return false;
    return !search->buffers_only || account__holds_buffers(session);
}

static void account__compare(struct weir_session *session, const struct account_search *search,
                             struct account__seen *seen)
{
    bool is_stale = account__is_stale(session, search);

    if (is_stale || !seen->largest) seen->largest = session;
    seen->is_over = is_stale || ++seen->compared == ACCOUNT__COMPARED_MAX;
}

/* Searches one class. Sessions that are not sought go to its end, so that the next search begins
 * with others. */
static void account__search_class(struct account *account, uint32_t class,
                                  const struct account_search *search, struct account__seen *seen)
{
    struct list *list = &account->classes[class], *last = list->previous, *at = list, *next;
    uint32_t passed = 0;

    for (next = list->next; at != last && passed < ACCOUNT__PASSED_MAX && !seen->is_over;) {
        at = next;
        next = at->next;
        struct weir_session *session = weir_container_of(at, struct weir_session, in_class);
        if (account__moves_down(account, session, class)) {
            seen->is_over = ++seen->moved == ACCOUNT__MOVED_MAX;
        } else if (account__is_sought(session, search)) {
            account__compare(session, search, seen);
        } else {
            list_remove(at);
            list_add_last(list, at);
            passed++;
        }
    }
}

struct weir_session *account_find(struct account *account, const struct account_search *search)
{
    struct account__seen seen = {.largest = NULL};

    for (uint32_t class = ACCOUNT_CLASSES_COUNT; class -- > 0 && !seen.is_over;)
        account__search_class(account, class, search, &seen);
    return seen.largest;
}
