/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Allocation - which hub a device is for
 *
 * Of this hub and those that are linked, the ones that the enrollment allows. A device stays where it may stay. Else
 * static takes the first of them, hashed spreads the devices evenly, and so does geoLatency: none of the hubs is nearer
 * than another. Pure.
 */

#include "devhub/dps/enrollment.h"
#include "devhub/dps/linked-hub.h"

/* current: where it is; or NULL. linked: or NULL. The answer is one of the names given; NULL: there is no hub for
 * it. */
const char *allocation_choose(const Enrollment *enrollment, const char *registration_id, const char *current,
                              const char *host, const LinkedHubs *linked);
