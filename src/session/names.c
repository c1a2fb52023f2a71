/* SPDX-License-Identifier: MIT */
/* names.c - names that sessions hold; names.h draws the table.
 *
 *      bind    -> held by another session? no:  the name is linked
 *                                          yes: KEEP:    WEIR_NAME_TAKEN
 *                                               REPLACE: the other one's is unlinked, and a command
 *                                                        for the other session finishes it
 *
 * The bridge to other nodes learns of each change while the shard is locked, so in the sequence of
 * the table: the new holder of a name before the loss of the old one.
 *
 * The memory of a name belongs to the session that bound it, whose worker alone allocates and frees
 * it. The table links it while the session holds the name.
 */
#include "names.h"

#include <string.h>

#include "check.h"
#include "group.h"
#include "hash_table.h"
#include "mailbox.h"
#include "memory.h"
#include "other_nodes.h"
#include "session.h"
#include "session_table.h"
#include "worker.h"

#define NAMES__SHARDS_COUNT 16u

struct names_shard {
    struct lock *lock;
    struct hash_table table;
};

struct names {
    struct names_shard shards[NAMES__SHARDS_COUNT];
};

struct name {
    struct hash_node in_table;
    bool is_linked; /* under the shard's lock; false: another session has taken the name over */
    uint64_t id;    /* of the session; constant, like what follows */
    char text[WEIR_NAME_BYTES_MAX + 1];
};

#define NAMES__NAME_BYTES (sizeof(struct name) + HASH_TABLE_NODE_BYTES + 16)

struct names *names_open(void)
{
    struct names *names = memory_alloc(sizeof *names);
    bool good = names != NULL;

    for (uint32_t i = 0; good && i < NAMES__SHARDS_COUNT; i++) {
        names->shards[i].lock = lock_open();
        good = names->shards[i].lock != NULL;
        hash_table_init(&names->shards[i].table);
    }
    if (good) return names;
    names_free(names);
    return NULL;
}

void names_free(struct names *names)
{
    if (!names) return;
    for (uint32_t i = 0; i < NAMES__SHARDS_COUNT; i++) {
        weir_check(names->shards[i].table.count == 0);
        lock_free(names->shards[i].lock);
    }
    memory_free(names);
}

/* ---- one shard, locked ---- */

/* The table and the shard use different bits of the hash. */
static struct names_shard *names__shard(const struct worker_common *common, uint32_t hash)
{
    return &common->names->shards[hash >> 28];
}

static struct name *names__find(struct names_shard *shard, uint32_t hash, const char *text)
{
    struct hash_node *node = *hash_table_bucket(&shard->table, hash);

    for (; node; node = node->next) {
        struct name *name = weir_container_of(node, struct name, in_table);
        if (strcmp(name->text, text) == 0) return name;
    }
    return NULL;
}

static void names__unlink(const struct worker_common *common, struct names_shard *shard,
                          struct name *name)
{
    weir_check(name->is_linked);
    hash_table_remove(&shard->table, &name->in_table);
    name->is_linked = false;
    other_nodes_unbind_name(common, name->text, name->id);
}

static struct worker *names__worker_of(const struct worker_common *common, uint64_t id)
{
    weir_check(session_table_worker_of(id) < common->workers_count);
    return common->workers[session_table_worker_of(id)];
}

/* Reserves room for the command that ends the holder of a name. Returns false if the mailbox of its
 * worker is full. */
static bool names__reserve(const struct worker_common *common, const struct name *held)
{
    struct worker *worker = names__worker_of(common, held->id);

    return worker_is_own(worker) || mailbox_reserve(worker->mailbox, 0);
}

static void names__cancel(const struct worker_common *common, const struct name *held)
{
    struct worker *worker = names__worker_of(common, held->id);

    if (!worker_is_own(worker)) mailbox_cancel(worker->mailbox, 0);
}

/* Links the name in place of the one that another session holds; null: none does. */
static enum weir_code names__replace(const struct worker_common *common, struct names_shard *shard,
                                     struct name *name, struct name *held, enum weir_bind how)
{
    if (held && !names__reserve(common, held)) return WEIR_MAILBOX_FULL;
    if (!other_nodes_bind_name(common, name->text, name->id, how)) {
        if (held) names__cancel(common, held);
        return WEIR_NO_MEMORY;
    }
    if (held) names__unlink(common, shard, held);
    hash_table_add(&shard->table, &name->in_table);
    name->is_linked = true;
    return WEIR_OK;
}

/* Links the name, unless another session holds it and keeps it. *evicted_id: the session that has
 * lost it, for which room in the mailbox was reserved; 0: none. */
static enum weir_code names__link(const struct worker_common *common, struct name *name,
                                  enum weir_bind how, uint64_t *evicted_id)
{
    struct names_shard *shard = names__shard(common, name->in_table.hash);
    enum weir_code code = WEIR_NAME_TAKEN;

    lock_take(shard->lock);
    struct name *held = names__find(shard, name->in_table.hash, name->text);
    if (!held || how == WEIR_BIND_REPLACE) code = names__replace(common, shard, name, held, how);
    *evicted_id = held && code == WEIR_OK ? held->id : 0;
    lock_give_back(shard->lock);
    return code;
}

/* ---- sessions ---- */

/* Ends the session that has lost its name. */
static void names__evict(const struct worker_common *common, uint64_t id)
{
    const struct mailbox_command command = {.kind = MAILBOX_EVICT, .id = id};
    struct worker *worker = names__worker_of(common, id);

    if (!worker_is_own(worker)) {
        mailbox_post_reserved(worker->mailbox, &command); /* a worker that has ended: no session */
        return;
    }
    struct weir_session *session = session_table_find(worker->table, id);
    weir_check(session != NULL); /* a session gives its name up before it ends */
    session_finish(session, WEIR_REASON_REPLACED);
}

static void names__free(struct worker *worker, struct name *name)
{
    memory_free(name);
    account_release_membership(&worker->account, NAMES__NAME_BYTES);
}

static struct name *names__make(const struct weir_session *session, uint32_t hash, const char *text)
{
    struct account *account = &session->worker->account;

    if (!account_charge_membership(account, NAMES__NAME_BYTES)) return NULL;
    struct name *name = memory_alloc(sizeof *name);
    if (!name) {
        account_release_membership(account, NAMES__NAME_BYTES);
        return NULL;
    }
    name->in_table.hash = hash;
    name->id = session->id;
    memcpy(name->text, text, strlen(text) + 1);
    return name;
}

/* Whether the session holds this name now. */
static bool names__holds(const struct weir_session *session, const char *text)
{
    const struct name *name = session->rare ? session->rare->name : NULL;

    return name && strcmp(name->text, text) == 0 &&
           names_holder(session->worker->common, text) == session->id;
}

enum weir_code names_bind(struct weir_session *session, const char *text, enum weir_bind how)
{
    struct worker *worker = session->worker;
    uint64_t evicted_id;

    weir_check_use(how == WEIR_BIND_IF_FREE || how == WEIR_BIND_REPLACE,
                   "weir_session_bind takes WEIR_BIND_IF_FREE or WEIR_BIND_REPLACE");
    if (!group_name_is_good(text)) return WEIR_INVALID;
    if (!session_may_send(session)) return WEIR_CANCELLED;
    if (names__holds(session, text)) return WEIR_OK;
    if (!session_rare(session)) return WEIR_NO_MEMORY;
    struct name *name = names__make(session, group_hash(worker->common, text), text);
    if (!name) return WEIR_NO_MEMORY;
    enum weir_code code = names__link(worker->common, name, how, &evicted_id);
    if (code != WEIR_OK) {
        names__free(worker, name);
        return code;
    }
    names_unbind(session); /* the one before */
    session->rare->name = name;
    if (evicted_id > 0) names__evict(worker->common, evicted_id);
    return WEIR_OK;
}

void names_unbind(struct weir_session *session)
{
    struct name *name = session->rare ? session->rare->name : NULL;

    if (!name) return;
    struct names_shard *shard = names__shard(session->worker->common, name->in_table.hash);
    lock_take(shard->lock);
    if (name->is_linked) names__unlink(session->worker->common, shard, name);
    lock_give_back(shard->lock);
    session->rare->name = NULL;
    names__free(session->worker, name);
}

enum weir_code names_evict(const struct worker_common *common, const char *text, uint64_t id)
{
    enum weir_code code = WEIR_OK;

    if (!group_name_is_good(text)) return WEIR_OK;
    uint32_t hash = group_hash(common, text);
    struct names_shard *shard = names__shard(common, hash);
    lock_take(shard->lock);
    struct name *held = names__find(shard, hash, text);
    if (held && held->id != id) held = NULL;
    if (held && !names__reserve(common, held)) code = WEIR_MAILBOX_FULL;
    if (held && code == WEIR_OK) names__unlink(common, shard, held);
    lock_give_back(shard->lock);
    if (held && code == WEIR_OK) names__evict(common, id);
    return code;
}

uint64_t names_holder(const struct worker_common *common, const char *text)
{
    if (!group_name_is_good(text)) return 0;
    uint32_t hash = group_hash(common, text);
    struct names_shard *shard = names__shard(common, hash);

    lock_take(shard->lock);
    const struct name *name = names__find(shard, hash, text);
    uint64_t id = name ? name->id : 0;
    lock_give_back(shard->lock);
    return id;
}
