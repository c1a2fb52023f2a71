/* SPDX-License-Identifier: MIT */
/* processor_groups.h - spreads threads over Windows's processor groups of at most 64 processors. A
 * thread runs in one group, before Windows 11 and Server 2022 in that of its process. Pure: the
 * caller asks the system. */
#ifndef BASE_PROCESSOR_GROUPS_H
#define BASE_PROCESSOR_GROUPS_H

#include <stdint.h>

/* Returns the group for the thread with this index, from 0, if group i has counts[i] processors:
 * each group gets threads in proportion to its processors, the first ones first. */
uint32_t processor_groups_choose(const uint32_t *counts, uint32_t groups_count, uint32_t index);

#endif
