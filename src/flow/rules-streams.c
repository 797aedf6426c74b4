/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/rules-streams.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

void rule_streams_done(RuleStreams *s)
{
        free(s->names);
        *s = (RuleStreams){};
}

int rule_streams_set(RuleStreams *s, const StreamSettings *streams, size_t n)
{
        Name *names = calloc(n + 1, sizeof(*names));
        const char *other = STREAM_DEFAULT;

        if (!names)
                return -ENOMEM;
        for (size_t i = n; i-- > 0;) {
                memcpy(names[i], streams[i].name, sizeof(Name));
                if (streams[i].urgent)
                        other = streams[i].name;
        }
        rule_streams_done(s);
        s->names = names;
        s->n = n;
        (void)snprintf(s->other, sizeof(s->other), "%s", other);
        return 0;
}

bool rule_streams_has(const RuleStreams *s, const char *stream)
{
        for (size_t i = 0; i < s->n; i++)
                if (strcmp(s->names[i], stream) == 0)
                        return true;
        return !s->names;
}

const char *rule_streams_pick(const RuleStreams *s, const char *stream)
{
        return rule_streams_has(s, stream) ? stream : s->other;
}
