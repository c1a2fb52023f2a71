/* SPDX-License-Identifier: MIT */
/* doctor_rules.h - checks the facts of a system. The rules are pure: they ask the system nothing.
 */
#ifndef CLI_DOCTOR_RULES_H
#define CLI_DOCTOR_RULES_H

#include <stddef.h>

#include "doctor_facts.h"

enum doctor_level {
    DOCTOR_OK,
    DOCTOR_NOTE,    /* worth knowing; nothing is to be done */
    DOCTOR_WARNING, /* it limits the server, or will under load */
    DOCTOR_ERROR,   /* weir does not work here */
};

struct doctor_finding {
    enum doctor_level level;
    const char *subject; /* one word, the same for every result of a rule */
    char text[512];      /* one sentence */
    char fix[256];       /* what to do; "" unless level is DOCTOR_WARNING or DOCTOR_ERROR */
};

extern const size_t doctor_rules_count;

/* Applies rule `index`. Returns false if it has nothing to say, because the facts that it needs are
 * unknown. */
bool doctor_rules_apply(size_t index, const struct doctor_facts *facts,
                        struct doctor_finding *finding);

/* Returns the level as one word: "warning". */
const char *doctor_level_text(enum doctor_level level);

#endif
