/* SPDX-License-Identifier: MIT */
/* nats_subjects.c - the subjects to which this node subscribes. They outlive the connections: each
 * new one subscribes to all. An id is the index of its entry plus one. */
#include "nats_state.h"

#include <string.h>

#include "memory.h"

/* For each subject: what libnats holds while the bridge's callback is late. Further messages are
 * dropped and counted. */
#define NATS_SUBJECTS__PENDING_MAX 65536
#define NATS_SUBJECTS__PENDING_BYTES_MAX (32 * 1024 * 1024)

static natsStatus nats_subjects__subscribe(struct nats_broker *broker, struct nats_subject *subject)
{
    natsSubscription *subscription = NULL;
    natsStatus status = natsConnection_Subscribe(&subscription, broker->connection, subject->text,
                                                 nats_delivery_on_message, (void *)broker->serial);

    if (status != NATS_OK) return status;
    natsSubscription_SetPendingLimits(subscription, NATS_SUBJECTS__PENDING_MAX,
                                      NATS_SUBJECTS__PENDING_BYTES_MAX);
    subject->subscription = subscription;
    subject->dropped = 0;
    return NATS_OK;
}

static uint64_t nats_subjects__dropped(struct nats_subject *subject)
{
    int64_t all = 0;
    uint64_t before = subject->dropped;

    if (!subject->subscription) return 0;
    if (natsSubscription_GetDropped(subject->subscription, &all) != NATS_OK || all < 0) return 0;
    subject->dropped = (uint64_t)all;
    return subject->dropped > before ? subject->dropped - before : 0;
}

static void nats_subjects__end(struct nats_broker *broker, struct nats_subject *subject)
{
    broker->dropped += nats_subjects__dropped(subject);
    natsSubscription_Destroy(subject->subscription);
    subject->subscription = NULL;
}

/* Returns a free entry; null: no memory. */
static struct nats_subject *nats_subjects__take(struct nats_broker *broker)
{
    if (broker->subjects_free != SIZE_MAX) {
        struct nats_subject *subject = &broker->subjects[broker->subjects_free];
        broker->subjects_free = subject->next_free;
        return subject;
    }
    if (broker->subjects_count == broker->subjects_size) {
        size_t size = broker->subjects_size ? broker->subjects_size * 2 : 64;
        struct nats_subject *grown = memory_alloc_array(size, sizeof *grown);
        if (!grown) return NULL;
        if (broker->subjects_count > 0)
            memcpy(grown, broker->subjects, broker->subjects_count * sizeof *grown);
        memory_free(broker->subjects);
        broker->subjects = grown;
        broker->subjects_size = size;
    }
    return &broker->subjects[broker->subjects_count++];
}

/* If the connection is lost here, the next one subscribes. */
enum weir_code nats_subjects_add(struct nats_broker *broker, const char *text, uint64_t *id)
{
    char *copy = memory_copy_text(text);
    struct nats_subject *subject = copy ? nats_subjects__take(broker) : NULL;

    if (!subject) {
        memory_free(copy);
        return WEIR_NO_MEMORY;
    }
    *subject = (struct nats_subject){.text = copy};
    *id = (uint64_t)(subject - broker->subjects) + 1;
    if (!broker->connection) return WEIR_OK;
    if (nats_subjects__subscribe(broker, subject) != NATS_NO_MEMORY) return WEIR_OK;
    nats_subjects_remove(broker, *id);
    return WEIR_NO_MEMORY;
}

void nats_subjects_remove(struct nats_broker *broker, uint64_t id)
{
    size_t index = (size_t)id - 1;

    if (id == 0 || index >= broker->subjects_count || !broker->subjects[index].text) return;
    struct nats_subject *subject = &broker->subjects[index];
    if (subject->subscription) nats_subjects__end(broker, subject);
    memory_free(subject->text);
    subject->text = NULL;
    subject->next_free = broker->subjects_free;
    broker->subjects_free = index;
}

bool nats_subjects_resume(struct nats_broker *broker, size_t *next, size_t count)
{
    for (; *next < broker->subjects_count && count > 0; (*next)++, count--) {
        struct nats_subject *subject = &broker->subjects[*next];
        if (!subject->text || subject->subscription) continue;
        if (nats_subjects__subscribe(broker, subject) != NATS_OK) return false;
    }
    return true;
}

void nats_subjects_suspend(struct nats_broker *broker)
{
    for (size_t i = 0; i < broker->subjects_count; i++)
        if (broker->subjects[i].subscription) nats_subjects__end(broker, &broker->subjects[i]);
}

uint64_t nats_subjects_take_dropped(struct nats_broker *broker)
{
    uint64_t dropped = broker->dropped;

    broker->dropped = 0;
    for (size_t i = 0; i < broker->subjects_count; i++)
        dropped += nats_subjects__dropped(&broker->subjects[i]);
    return dropped;
}

static bool nats_subjects__is_full(const struct nats_subject *subject)
{
    int messages = 0, bytes = 0;

    if (!subject->subscription || subject->dropped == 0) return false;
    if (natsSubscription_GetPending(subject->subscription, &messages, &bytes) != NATS_OK)
        return false;
    return messages >= NATS_SUBJECTS__PENDING_MAX / 2 ||
           bytes >= NATS_SUBJECTS__PENDING_BYTES_MAX / 2;
}

bool nats_subjects_are_full(struct nats_broker *broker)
{
    for (size_t i = 0; i < broker->subjects_count; i++)
        if (nats_subjects__is_full(&broker->subjects[i])) return true;
    return false;
}

void nats_subjects_free(struct nats_broker *broker)
{
    for (size_t i = 0; i < broker->subjects_count; i++) {
        natsSubscription_Destroy(broker->subjects[i].subscription);
        memory_free(broker->subjects[i].text);
    }
    memory_free(broker->subjects);
    broker->subjects = NULL;
    broker->subjects_count = broker->subjects_size = 0;
}
