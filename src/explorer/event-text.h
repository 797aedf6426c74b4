/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Event text - an event as a person reads it: a head, the body, what else there is
 */

#include "explorer/event-message.h"

/* Appends lines, the last one empty. What came from the device may hold anything: for output.h. */
void event_text(const EventMessage *message, const char *partition, Buffer *b);
