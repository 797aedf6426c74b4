/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Enrollment, new - what the options of create make of it
 */

#include "explorer/json-text.h"
#include "explorer/words.h"

/* The options of both kinds, for their tables. */
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

/* member: of the id. EXPLORER_OK, or having complained. */
int enrollment_new(const Words *w, const char *member, const char *id, json_object **ret);
