/* SPDX-License-Identifier: MIT */
/* subjects.h - the subjects of a cluster. Names are in hexadecimal, because brokers give blanks,
 * dots, * and > a meaning.
 *
 *      weir.CLUSTER.g.HEX      broadcasts to a group              nodes with members
 *      weir.CLUSTER.u.HEX      messages for, and binds of a name  the node that holds the name
 *      weir.CLUSTER.n.NODE     messages for one node              that node
 *      weir.CLUSTER.who        questions for counts               all nodes
 *      weir.CLUSTER.hello      signs of life                      all nodes
 */
#ifndef CLUSTER_SUBJECTS_H
#define CLUSTER_SUBJECTS_H

#include <stdbool.h>
#include <stdint.h>

#include "broker.h"

#define SUBJECTS_CLUSTER_BYTES_MAX 64

enum subject_kind {
    SUBJECT_GROUP,
    SUBJECT_NAME,
};

/* The part that all subjects of the cluster begin with. */
struct subjects {
    char prefix[SUBJECTS_CLUSTER_BYTES_MAX + 8];
};

/* A subject with its NUL. */
struct subject {
    char text[BROKER_SUBJECT_BYTES_MAX + 1];
};

/* Returns false if no cluster can have this name. */
bool subjects_init(struct subjects *subjects, const char *cluster);

/* Fill in *subject. `name` is that of a group or of a session. */
void subjects_named(const struct subjects *subjects, enum subject_kind kind, const char *name,
                    struct subject *subject);
void subjects_node(const struct subjects *subjects, uint32_t node, struct subject *subject);
void subjects_questions(const struct subjects *subjects, struct subject *subject);
void subjects_hello(const struct subjects *subjects, struct subject *subject);

#endif
