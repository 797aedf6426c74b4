/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Bus text - what others wrote, as D-Bus can carry it
 *
 * JSON and MQTT carry all of Unicode. D-Bus does not: sd-bus refuses a message with a noncharacter (U+FFFF and the
 * like), and a bus ends the connection of who sends what is no UTF-8. So one such character from the cloud, a sensor, a
 * file or a program would close every reply that it stands in, for everybody. Whatever was not written by ourselves
 * goes through here.
 */

#include <systemd/sd-bus.h>

#include "base/buffer.h"

/* Appends the text with U+FFFD for what cannot be carried. */
void bus_text(Buffer *b, const char *text);
/* The same of JSON, with an escape for it: it is the same JSON still. */
void bus_text_json(Buffer *b, const char *json);

/* An s of a message. Below 0: as of sd_bus_message_append(). */
int bus_append_text(sd_bus_message *m, const char *text);
int bus_append_json(sd_bus_message *m, const char *json);
/* An entry of an a{ss}, and of an a{sv} that holds a text. */
int bus_append_text_pair(sd_bus_message *m, const char *name, const char *text);
int bus_append_text_entry(sd_bus_message *m, const char *name, const char *text);
