/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Links - the MQTT clients that are there
 *
 * Those that have ended stay until links_free_ended(), which is for a moment when none is on the stack.
 *
 * Owns:   the links.
 */

#include "devhub/net/link.h"

typedef struct Links {
        Link **all;
        size_t n, n_allocated;
} Links;

/* Takes the link, also on failure. */
int links_add(Links *links, Link *link);
void links_free_ended(Links *links);
void links_done(Links *links);

/* The one that is open under this identity; NULL: none is. module_id NULL: the device itself. */
Link *links_find(const Links *links, const char *device_id, const char *module_id);
/* How many devices are connected: not modules, nor the provisioning service's guests, who are nobody of the hub's. */
unsigned links_n_devices(const Links *links);
/* Is the link of this identity, open or not? module_id NULL: of the device itself. */
bool link_is_of(const Link *link, const char *device_id, const char *module_id);
