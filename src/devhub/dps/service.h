/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Service - the provisioning service of this devhub as a whole
 *
 * It has the hub's host name, and an id scope of its own that outlives restarts.
 */

#include "devhub/hub/store.h"

/* Tables and the id scope. */
int dps_service_prepare(Store *store);
int dps_service_id_scope(Store *store, char **ret);
