/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Enrollment change - what the options of create and update make of an enrollment
 */

#include "explorer/json-text.h"
#include "explorer/words.h"

/* The options of all of them, for their tables. */
#define ENROLLMENT_OPTIONS                                                                                           \
        {"primary-key", "KEY", "base64 of 16 to 64 bytes, or @FILE that holds it", OPTION_SECRET},                   \
        {"secondary-key", "KEY", "the same, for the other key", OPTION_SECRET},                                      \
        {"certificate", "FILE", "PEM: the device's own, or of a group the authority that signs", 0},                 \
        {"secondary-certificate", "FILE", "or this one", 0},                                                         \
        {"status", "STATUS", "enabled or disabled", 0},                                                              \
        {"hub", "HOST", "a hub to assign to; may be given several times (default: any linked one)", OPTION_MANY},    \
        {"allocation", "POLICY", "hashed, geoLatency or static", 0},                                                 \
        {"reprovision", "POLICY", "of a device that comes again: migrate (default), reset or never", 0},             \
        {"initial-twin", "JSON", "tags and properties.desired of a new twin: JSON, @FILE or -", 0},                  \
        {"edge", "yes|no", "whether these are IoT Edge devices", 0}

/* One for create: enabled, and with keys that the service is to draw, which is what empty ones say. */
json_object *enrollment_new(const char *member, const char *id);

/* Changes what is named. EXPLORER_OK, or having complained. */
int enrollment_change(const Words *w, bool of_group, json_object *enrollment);
