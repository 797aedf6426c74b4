/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Event line - an event in one line of JSON
 *
 * {"device","sequence","enqueued","system":{},"properties":{},"body"}; a body that is JSON text stands as it is, any
 * other as "body_base64". Pure.
 */

#include "reader/event.h"

/* Appends the line, with its line end. */
void event_line(const Event *event, Buffer *b);
/* Appends the body alone as a JSON value, if it is one: false leaves all as it was. */
bool event_body_json(const Event *event, Buffer *b);
