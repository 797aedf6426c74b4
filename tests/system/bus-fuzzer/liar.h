/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Liar - answers Invoke as a responder should not: with the wrong form, too much, twice, late, never
 *
 * Owns:   the questions that it has not answered yet.
 */

#include "dice.h"

#define LIAR_OWED_MAX 12

typedef struct Liar {
        sd_bus_message *owed[LIAR_OWED_MAX];
        unsigned n_owed;
        uint64_t n_asked;
} Liar;

enum {
        _LIAR_E_SUCCESS,
        LIAR_E_LEAVE, /* it is to leave the bus, with all that it owes */
};

int liar_answer(Liar *liar, Dice *d, sd_bus_message *invoke);
void liar_forget(Liar *liar);
