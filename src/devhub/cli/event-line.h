/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Event line - an event as a reader at the cloud's side sees it, in one line of JSON
 *
 * {"device","sequence","enqueued","system":{},"properties":{},"body"}: system holds what the topic's `$.` keys
 * became and what the hub added, under the names that a reader of the Event Hubs endpoint finds (protocol
 * reference 2.3); properties the application's own. A body that is JSON text stands as it is, any other as
 * "body_base64". Pure.
 */

#include "base/buffer.h"
#include "devhub/hub/event-log.h"

/* Appends the line, with its line end. */
void event_line(const EventRow *row, Buffer *b);
