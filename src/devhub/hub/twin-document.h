/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Twin document - a twin as the service side sees it, with what is known of its identity
 *
 * Protocol reference 5.4: what HTTPS answers and what queries are about.
 */

#include "devhub/hub/identity-record.h"
#include "devhub/hub/twin.h"

/* NULL: no memory. */
json_object *twin_document_make(const Twin *twin, const Identity *identity, const IdentityLife *life);

/* The document of an identity as it now is; for queries. */
int twin_document(const Hub *hub, const Identity *identity, json_object **ret);
