/* SPDX-License-Identifier: MIT */
/* frame_watch.c - the watches of one worker, in one short list, the one that was set last at its
 * end. A watch whose time is over shows nothing. It is freed when the next frame comes, when the
 * session ends, or when another watch needs its room. */
#include "frame_watch.h"

#include <string.h>

#include "check.h"
#include "memory.h"
#include "worker.h"

#define FRAME_WATCH__MAX 16u /* watches of one worker */

/* A frame, and when it came or went. */
struct frame_watch__frame {
    struct weir_watched_frame last;
    uint64_t at_ms;
};

struct frame_watch {
    struct list in_watches;
    struct weir_session *session;
    uint64_t until_ms;
    struct frame_watch__frame received, sent;
};

static struct frame_watch *frame_watch__of_list(struct list *at)
{
    return weir_container_of(at, struct frame_watch, in_watches);
}

/* Returns the watch of the session, which has one. */
static struct frame_watch *frame_watch__of(const struct weir_session *session)
{
    struct list *at = session->worker->frame_watches.next;

    weir_check(session->frames_kept);
    while (frame_watch__of_list(at)->session != session) at = at->next;
    return frame_watch__of_list(at);
}

static bool frame_watch__is_over(const struct frame_watch *watch)
{
    return watch->session->worker->now_ms >= watch->until_ms;
}

/* ---- begin and end ---- */

static void frame_watch__free(struct frame_watch *watch)
{
    watch->session->frames_kept = false;
    list_remove(&watch->in_watches);
    memory_free(watch);
}

void frame_watch_end(struct weir_session *session)
{
    if (session->frames_kept) frame_watch__free(frame_watch__of(session));
}

/* Ends the watch that would end first, if there is no room for another one. */
static void frame_watch__make_room(struct worker *worker)
{
    struct frame_watch *first = NULL;
    uint32_t count = 0;

    for (struct list *at = worker->frame_watches.next; at != &worker->frame_watches;
         at = at->next) {
        struct frame_watch *watch = frame_watch__of_list(at);
        if (!first || watch->until_ms < first->until_ms) first = watch;
        count++;
    }
    if (count == FRAME_WATCH__MAX) frame_watch__free(first);
}

static struct frame_watch *frame_watch__open(struct weir_session *session)
{
    struct worker *worker = session->worker;

    frame_watch__make_room(worker);
    struct frame_watch *watch = memory_alloc(sizeof *watch);
    if (!watch) return NULL;
    watch->session = session;
    list_init(&watch->in_watches);
    list_add_last(&worker->frame_watches, &watch->in_watches);
    session->frames_kept = true;
    return watch;
}

void frame_watch_set(struct weir_session *session, uint32_t duration_ms)
{
    if (session->frames_kept &&
        (duration_ms == 0 || frame_watch__is_over(frame_watch__of(session))))
        frame_watch_end(session);
    if (duration_ms == 0) return;
    struct frame_watch *watch =
        session->frames_kept ? frame_watch__of(session) : frame_watch__open(session);
    if (watch) watch->until_ms = session->worker->now_ms + duration_ms;
}

/* ---- frames ---- */

/* Adds bytes to the kept ones, as far as there is room. */
static void frame_watch__keep(struct weir_watched_frame *frame, const uint8_t *bytes, size_t length)
{
    size_t room = WEIR_WATCHED_BYTES_MAX - frame->bytes_count;
    size_t count = length < room ? length : room;

    frame->frame_length += length;
    if (count == 0) return;
    memcpy(frame->bytes + frame->bytes_count, bytes, count);
    frame->bytes_count += (uint32_t)count;
}

static void frame_watch__note(const struct weir_session *session, struct frame_watch__frame *frame,
                              const struct send_piece *pieces, uint32_t count,
                              size_t message_length)
{
    struct weir_watched_frame *last = &frame->last;

    frame->at_ms = session->worker->now_ms;
    last->count++;
    last->message_length = message_length;
    last->frame_length = last->bytes_count = 0;
    for (uint32_t i = 0; i < count; i++) frame_watch__keep(last, pieces[i].bytes, pieces[i].length);
}

/* Returns the watch of the session; null: its time is over, and it has ended. */
static struct frame_watch *frame_watch__running(struct weir_session *session)
{
    struct frame_watch *watch = frame_watch__of(session);

    if (!frame_watch__is_over(watch)) return watch;
    frame_watch__free(watch);
    return NULL;
}

void frame_watch_received(struct weir_session *session, const struct weir_message *message)
{
    const struct send_piece frame = {message->frame, message->frame_length};
    struct frame_watch *watch = frame_watch__running(session);

    if (watch) frame_watch__note(session, &watch->received, &frame, 1, message->length);
}

void frame_watch_sent(struct weir_session *session, const struct send_piece *pieces, uint32_t count,
                      size_t message_length)
{
    struct frame_watch *watch = frame_watch__running(session);

    if (watch) frame_watch__note(session, &watch->sent, pieces, count, message_length);
}

/* ---- showing ---- */

static const struct weir_watched_frame *frame_watch__last(const struct weir_session *session,
                                                          struct frame_watch__frame *frame)
{
    if (frame->last.count == 0) return NULL;
    frame->last.ago_ms = session->worker->now_ms - frame->at_ms;
    return &frame->last;
}

void frame_watch_show(const struct weir_session *session,
                      const struct weir_watched_frame **received,
                      const struct weir_watched_frame **sent)
{
    *received = *sent = NULL;
    if (!session->frames_kept) return;
    struct frame_watch *watch = frame_watch__of(session);
    if (frame_watch__is_over(watch)) return;
    *received = frame_watch__last(session, &watch->received);
    *sent = frame_watch__last(session, &watch->sent);
}
