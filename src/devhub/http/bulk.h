/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Bulk - many changes of identities in one call, each on its own (protocol reference 8.3)
 *
 * What one of them meets is told in the body, under status 200: the others are done all the same.
 */

#include "devhub/http/router.h"

/* A HttpHandler; userdata is the Hub. */
void http_bulk(void *userdata, HttpCall *call);
