/* SPDX-License-Identifier: MIT */
/* subjects.c - composes the subjects of a cluster. */
#include "subjects.h"

#include <stdio.h>
#include <string.h>

#include "check.h"

bool subjects_init(struct subjects *subjects, const char *cluster)
{
    size_t length = strlen(cluster);

    if (length == 0 || length > SUBJECTS_CLUSTER_BYTES_MAX) return false;
    if (strspn(cluster, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") !=
        length)
        return false;
    snprintf(subjects->prefix, sizeof subjects->prefix, "weir.%s.", cluster);
    return true;
}

void subjects_named(const struct subjects *subjects, enum subject_kind kind, const char *name,
                    struct subject *subject)
{
    static const char digits[] = "0123456789abcdef";
    size_t length = strlen(subjects->prefix);
    char *at = subject->text;

    weir_check(length + 2 + 2 * strlen(name) < sizeof subject->text);
    memcpy(at, subjects->prefix, length);
    at += length;
    *at++ = kind == SUBJECT_GROUP ? 'g' : 'u';
    *at++ = '.';
    for (const char *from = name; *from; from++) {
        *at++ = digits[(unsigned char)*from >> 4];
        *at++ = digits[(unsigned char)*from & 15];
    }
    *at = '\0';
}

void subjects_node(const struct subjects *subjects, uint32_t node, struct subject *subject)
{
    snprintf(subject->text, sizeof subject->text, "%sn.%u", subjects->prefix, node);
}

void subjects_questions(const struct subjects *subjects, struct subject *subject)
{
    snprintf(subject->text, sizeof subject->text, "%swho", subjects->prefix);
}

void subjects_hello(const struct subjects *subjects, struct subject *subject)
{
    snprintf(subject->text, sizeof subject->text, "%shello", subjects->prefix);
}
