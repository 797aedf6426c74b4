/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Errands - work that is too long for one turn of the loop
 *
 * It is done a step at a time, and between two steps everybody else is heard. Whoever has several takes them in turn,
 * so that a long one does not keep the short ones waiting. A step leaves nothing open behind it: no statement, no
 * transaction that it began, for what comes next may be another's.
 *
 * Time:   none; a step is due as soon as there is one.
 */

#include "base/ticker.h"

typedef struct Errands Errands;
typedef struct Errand Errand;

int errands_new(Errands **ret);
Errands *errands_free(Errands *errands); /* whoever has one hears nothing more */
DEFINE_CLEANUP(Errands *, errands_free);

/* step is called until it returns false; from then on the errand is no more. A step may not cancel its own. */
int errands_add(Errands *errands, bool (*step)(void *userdata), void *userdata, Errand **ret);
void errands_cancel(Errands *errands, Errand *errand);

Ticker errands_ticker(Errands *errands);
