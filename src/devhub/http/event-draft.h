/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Event draft - an event as it comes by HTTPS, before it is in the log
 *
 * A body, and properties under the names of headers: iothub-messageid and its like for the hub's own, iothub-app-NAME
 * for the application's. What is neither is no property. Pure.
 */

#include "base/buffer.h"

typedef struct EventDraft {
        Buffer body;
        Buffer bag;
        size_t size; /* as the hub counts: body, values of its own properties, names and values of the others */
} EventDraft;

void event_draft_done(EventDraft *draft);

void event_draft_set_body(EventDraft *draft, const void *data, size_t size); /* before the properties */
void event_draft_add(EventDraft *draft, const char *header, const char *value);

/* -ENOMEM; -EBADMSG: a property without a name, or that is no text; -E2BIG: too many; -EMSGSIZE: larger than 256
 * KiB. */
int event_draft_check(const EventDraft *draft);
