/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Clearing - a hub becomes what it was when it was new
 *
 * What others hold on to stays, unless all is to go: the hub's certificates, the keys of its policies, its id scope and
 * its partitions. No server may run; the caller holds the lock.
 */

#include "devhub/hub/state-dir.h"
#include "devhub/hub/store.h"

int clearing_run(Store *store);
/* Every file of the hub, and none that it did not make. Nobody has the store open. */
int clearing_remove_all(StateDir *dir);
