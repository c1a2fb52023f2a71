/* SPDX-License-Identifier: MIT */
/* stage_validate.h - what holds of a worker on the stage between any two turns. */
#ifndef SUPPORT_STAGE_VALIDATE_H
#define SUPPORT_STAGE_VALIDATE_H

struct worker;

/* The wheels are sound, the counts add up, nobody costs more than their marks, and nobody is
 * without a timer whose time runs. Fails the test otherwise. The worker must be its server's only
 * one. */
void stage_validate(const struct worker *worker);

#endif
