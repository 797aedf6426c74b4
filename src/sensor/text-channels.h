/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Text channels - numbers and texts out of a text, as the settings of the channels say
 *
 * A channel is the whole text (blanks around it do not count), the n-th of its blank-separated fields, or what a
 * regular expression finds in it. As a number it is scaled, then offset. A file's content, a line, what a
 * program printed: all are read the same way.
 *
 * An expression may take seconds over one long line: it is for a worker's thread, which may be given up and keep this.
 *
 * Owns:   its settings, its compiled expressions, and the channels that are texts.
 */

#include "sensor/driver.h"

#define TEXT_LINE_MAX (8 * 1024) /* bytes of one line that is matched where lines come without end */

typedef struct TextChannels TextChannels;

/* What an expression found, within the text; nothing where `to` is before `from`. */
typedef struct TextMatch {
        uint32_t from, to;
} TextMatch;

/* As SensorDriver.check(). */
int text_channels_check(const SensorSettings *s, char **ret_error);
bool text_channels_have_patterns(const SensorSettings *s);

/* Copies the settings. */
int text_channels_new(TextChannels **ret, const SensorSettings *settings);
TextChannels *text_channels_free(TextChannels *t);
DEFINE_CLEANUP(TextChannels *, text_channels_free);

/* All channels of one text; where: what an error calls it. Texts stay valid until the next one. 0, SENSOR_E_FAILED with
 * the words in sample, -ENOMEM. */
int text_channels_take(TextChannels *t, const char *text, size_t n, const char *where, Sample *sample);
/* The i-th channel alone. The caller counts. */
int text_channels_take_one(TextChannels *t, size_t i, const char *text, size_t n, const char *where, Sample *sample);

/* In two steps, each on its own thread: all that may take long, then all else. One match for each channel. */
void text_channels_match(const TextChannels *t, const char *text, size_t n, TextMatch *ret);
int text_channels_take_matched(TextChannels *t, const char *text, size_t n, const TextMatch *matches,
                               const char *where, Sample *sample);
