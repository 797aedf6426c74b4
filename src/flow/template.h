/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Template - a text with holes, compiled once and filled for each message
 *
 *   ${device}       the device's id
 *   ${sensor}       the sensor's name
 *   ${channel}      the name of the reading's first channel
 *   ${value}        its value; ${value:.2f} with so many decimals, at most 15
 *   ${value[NAME]}  that of the channel NAME, also as ${value[NAME]:.2f}; where the reading has no such channel, null
 *                   (nothing in a text, or between quotes)
 *   ${unit}         its unit, empty where there is none
 *   ${time}         when the reading was taken: ISO 8601, UTC, milliseconds
 *   ${count}        the number of the reading in its stream: it survives restarts, and a message that is
 *                   sent again has the same
 *   $${             the two characters ${
 *
 * In JSON every filling is safe: within quotes a text is escaped, outside of them it gets quotes of its own.
 *
 * Owns:   its text.
 * Knows:  nothing of streams or messages. Pure.
 */

#include "base/buffer.h"
#include "base/clock.h"
#include "model/reading.h"

typedef struct Template Template;

typedef enum TemplateKind {
        TEMPLATE_TEXT, /* fillings as they are */
        TEMPLATE_JSON, /* fillings made safe for JSON */
} TemplateKind;

/* What the holes are filled with; NULL fills nothing. */
typedef struct TemplateValues {
        const char *device;
        const char *sensor;
        const char *channel;
        const Value *value;
        const Channel *channels; /* where ${value[NAME]} is looked for */
        size_t n_channels;
        const char *unit;
        usec_t time_usec;
        uint64_t count;
} TemplateValues;

/* -EINVAL with a text in ret_error (which may be NULL) that names the place and the remedy; -ENOMEM. */
int template_new(Template **ret, const char *text, TemplateKind kind, char **ret_error);
Template *template_free(Template *t);
DEFINE_CLEANUP(Template *, template_free);

/* Would template_new() take it? */
int template_check(const char *text, char **ret_error);

/* Is there a value in it of whichever channel comes first, and no name to it? */
bool template_has_nameless_value(const char *text);

void template_fill(const Template *t, const TemplateValues *values, Buffer *b);
