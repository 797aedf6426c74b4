/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Stranger - an id that the hub does not know, and who was probably meant
 *
 * What is asked here is asked by the way: quickly, once, and without a word when the policy may not ask it.
 */

#include "explorer/explorer.h"

/* A device of the hub, to be freed; NULL: none is near, or we may not ask. Of a module: its device. */
char *stranger_nearest(const Explorer *e, const char *id);

/* A remark when there is no such device or module: what is asked for is waited for all the same. */
void stranger_remark(const Explorer *e, const char *id);

/* Does the provisioning service say that there is no such enrollment group? */
bool stranger_is_group(const Explorer *e, const char *group);
