/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Members - what there is to be called, one a line: WEIGHT PATH INTERFACE MEMBER [SIGNATURE]
 *
 * A member of weight 3 is drawn three times as often as one of weight 1. One that was not called at all is drawn more often,
 * so that all have their turn whatever the dice say.
 *
 * Owns:   its texts.
 */

#include <stdio.h>

#include "dice.h"

typedef struct Member {
        unsigned weight;
        char *path, *interface, *name, *signature;
        uint64_t n_called, n_done;
} Member;

typedef struct Members {
        Member *rows;
        size_t n;
        unsigned weight; /* of all */
        size_t first_uncalled;
} Members;

int members_read(Members *members, FILE *from);
void members_done(Members *members);
Member *members_draw(Members *members, Dice *d);
