/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Rehearsal - a seed is planted to see what comes of it, and nothing is written
 *
 * In a transaction that has doubles of the tables that a seed writes to. They are temporary, and SQLite finds those
 * first; so all nouns work as they always do, and no other program waits for a lock. store_rollback() ends it.
 *
 * Owns:   nothing; the doubles live in memory, as they hold keys.
 */

#include "devhub/hub/store.h"

int rehearsal_begin(Store *store); /* no transaction is open */
