/* SPDX-License-Identifier: MIT */
/* server_state.h - a server's data: the listeners it was asked for, its workers on their threads,
 * and the shutdown request that all of them follow.
 *
 * server.c owns it. Each worker's thread (worker_thread.c) uses `common`, the listeners and the
 * fields that the lock protects.
 */
#ifndef SERVER_SERVER_STATE_H
#define SERVER_SERVER_STATE_H

#include <weir/bridge.h>
#include <weir/weir.h>

#include "atomic.h"
#include "connector_table.h"
#include "listen_spec.h"
#include "listener.h"
#include "log_queue.h"
#include "loop.h"
#include "settings.h"
#include "udp_socket.h"

/* A worker and its thread. */
struct worker_thread {
    struct weir_server *server;
    struct loop loop;
    /* By the slot of the listener; its protocol decides which is set. One that has closed is freed
     * when its slot is used again. */
    struct listener *listeners[WEIR_LISTENERS_MAX];
    struct udp_socket *udp_sockets[WEIR_LISTENERS_MAX];
    struct thread *thread; /* null: not started, or the worker runs on the application's thread */
    uintptr_t here;        /* that thread; 0: it has one of its own */
    bool has_ended;        /* of a worker without a thread: it is closed */
    bool has_started;      /* on_worker_start was called, or is null */
    _Atomic uintptr_t runs_on; /* thread_self() of the thread that runs the worker now; 0: none */
    struct gate *opened;       /* unlocked when `code` is known */
    bool alive;                /* set while the worker takes requests; under the server's lock */
    /* server.settings_count of those that it has taken, and of those that it uses; likewise. */
    uint64_t settings_taken, settings_used;
    enum weir_code code; /* of opening the worker; *error says more */
    struct weir_error error;
};

struct weir_server {
    struct list in_live;         /* of the servers that are not freed: live.c */
    struct worker_common common; /* contains the configuration; the server owns its strings */
    struct weir_bridge bridge;   /* common.bridge points to it, if there is one */
    struct admission_limits limits;
    struct log_queue *log_queue; /* null: no log */
    char *transport_asked, *reject_message;
    uint32_t workers_asked; /* that weir_server_start() makes */
    /* Known from weir_server_start() on. Set after all else that calls of any thread use: a bridge
     * makes some before. */
    _Atomic uint32_t workers_count;
    struct listen_spec *listeners[WEIR_LISTENERS_MAX]; /* in the sequence of weir_server_listen() */
    uint32_t listeners_count, listener_id_last;
    struct server_tls *tls;     /* settings by name; under the lock */
    struct lock *updating;      /* held while settings are checked and changed: update.c */
    uint32_t sessions_max_ever; /* the most that sessions_max was; under `updating` */
    uint32_t addresses_max;     /* room of limits.address_counts; likewise */
    /* Under the lock, like the two after it: those that workers use; null: as it was opened. */
    struct settings *settings;
    uint64_t settings_count;     /* times that settings were changed */
    struct listen_spec *opening; /* a listener that is being opened while the server runs */
    struct connector_table connectors;
    struct list early;           /* connectors that were made before the start */
    uint32_t early_count;        /* that were made */
    struct listen_spec *removed; /* removed listeners, whose sessions may continue */
    size_t extra_bytes;          /* of each session, from weir_server_start() on */
    /* Protects the next three, workers_count, `alive` of every thread, and the listeners of a
     * running server. So no net is woken after it was freed, and a worker that is starting misses
     * no request. */
    struct lock *lock;
    /* Woken by each request, for the wait of the start, and by what listen_order.c waits for. */
    struct condition *requested;
    uint8_t request;                   /* enum worker_request: the strongest that was requested */
    uint32_t drain_ms;                 /* the shortest that was requested */
    struct worker_thread *threads;     /* workers_count of them, from weir_server_start() on */
    struct worker **workers;           /* the same, as the session layer sees them */
    struct worker **handoff_workers;   /* all workers, where one of them listens for all */
    const char *transport;             /* name of the running transport, from the first worker */
    struct net_simulation *simulation; /* the network of "simulated"; null: the system's */
    bool started;
    _Atomic uint32_t mark;      /* SERVER_MARK until weir_server_free(); see server_check_mark() */
    _Atomic uint32_t running;   /* workers that have not ended */
    _Atomic bool is_waited_for; /* set while a thread waits for the workers */
    _Atomic bool failed;        /* the start failed: on_stopped is not called */
    struct weir_error failure;  /* of the first worker that failed while it ran; under the lock */
};

/* Returns the settings of the server as they are now. The caller has the lock. */
static inline const struct weir_config *server_config(const struct weir_server *server)
{
    return server->settings ? &server->settings->config : &server->common.config;
}

#define SERVER_MARK 0x57656972u /* not 0, and no part of a pointer */

/* Reports a call after weir_server_free(), as long as the memory has no other use. For calls whose
 * cost counts; live_check() is certain, and takes a lock. Thread: any. */
static inline void server_check_mark(const struct weir_server *server)
{
    weir_check_use(atomic_load_explicit(&server->mark, memory_order_relaxed) == SERVER_MARK,
                   "a server is used after weir_server_free(), or freed twice");
}

#endif
