/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Bulk twins - the items of a bulk call that change twins
 *
 * All of a call is committed at once; only then do devices hear of their desired sections.
 *
 * Owns:   what they are to be told.
 */

#include "devhub/hub/registrar.h"

typedef struct BulkTold BulkTold;

typedef struct BulkTwins {
        BulkTold *told;
        size_t n_told, n_allocated;
} BulkTwins;

/* Is it a mode that changes twins, and must the twin's etag be that of the item? */
bool bulk_twins_mode(const char *mode, bool *ret_if_match);

/* REGISTRAR_E_REFUSED: refusal says why. */
int bulk_twins_change(BulkTwins *b, const Hub *hub, json_object *item, bool if_match, RegistrarRefusal *refusal);

void bulk_twins_tell(BulkTwins *b, const Hub *hub); /* committed */
void bulk_twins_done(BulkTwins *b);
