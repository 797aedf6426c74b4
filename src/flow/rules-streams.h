/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Rule streams - where goes what has no stream of its own any more
 *
 * A reload may take away a rule and its stream at once, or a stream may have another name afterwards. Whoever was told
 * that the alarm is raised is told of its end all the same: on another urgent stream, or else on the usual one.
 * So is what was held of readings, on the usual one.
 *
 * Owns:   the names.
 */

#include "flow/stream.h"

typedef struct RuleStreams {
        Name *names;
        size_t n;
        Name other; /* for what has none */
} RuleStreams;

void rule_streams_done(RuleStreams *s);
/* -ENOMEM changes nothing. */
int rule_streams_set(RuleStreams *s, const StreamSettings *streams, size_t n);
/* Is it there, as far as they are known? */
bool rule_streams_has(const RuleStreams *s, const char *stream);
/* The stream itself if it is there, or while none are known. */
const char *rule_streams_pick(const RuleStreams *s, const char *stream);
