/* SPDX-License-Identifier: Apache-2.0 */
#include "bus/submission.h"

#include <errno.h>
#include <math.h>
#include <string.h>

void submission_done(Submission *s)
{
        for (size_t i = 0; i < s->n_readings; i++)
                free((Channel *)s->readings[i].channels);
        free(s->readings);
        *s = (Submission){};
}

static Reading *find(Submission *s, usec_t time_usec)
{
        if (s->n_readings > 0 && s->readings[s->last].wall_usec == time_usec)
                return &s->readings[s->last];
        for (size_t i = 0; i < s->n_readings; i++)
                if (s->readings[i].wall_usec == time_usec) {
                        s->last = i;
                        return &s->readings[i];
                }
        return NULL;
}

static int begin(Submission *s, usec_t time_usec, Reading **ret)
{
        Reading *more;

        if (s->n_readings >= SUBMISSION_READINGS_MAX)
                return SUBMISSION_E_TOO_LARGE;
        more = reallocarray(s->readings, s->n_readings + 1, sizeof(*more));
        if (!more)
                return -ENOMEM;
        s->readings = more;
        s->last = s->n_readings++;
        /* Whoever names the time vouches for it; the collector stamps the others. */
        s->readings[s->last] = (Reading){
                        .sensor = s->sensor,
                        .wall_usec = time_usec,
                        .wall_trusted = time_usec != 0,
                        .quality = QUALITY_GOOD,
        };
        *ret = &s->readings[s->last];
        return 0;
}

static int append(Reading *r, const char *channel, const Value *value)
{
        Channel *more;

        for (size_t i = 0; i < r->n_channels; i++)
                if (strcmp(r->channels[i].name, channel) == 0)
                        return SUBMISSION_E_TWICE;
        if (r->n_channels >= READING_CHANNELS_MAX)
                return SUBMISSION_E_CHANNELS;
        more = reallocarray((Channel *)r->channels, r->n_channels + 1, sizeof(*more));
        if (!more)
                return -ENOMEM;
        more[r->n_channels++] = (Channel){channel, *value};
        r->channels = more;
        return 0;
}

int submission_add(Submission *s, const Clock *clock, const char *channel, const Value *value,
                   usec_t time_usec)
{
        Reading *reading;
        int r;

        if (!name_is_valid(channel))
                return SUBMISSION_E_NAME;
        if (value->kind == VALUE_NUMBER && !isfinite(value->number))
                return SUBMISSION_E_NUMBER;
        if (value->kind == VALUE_TEXT && strlen(value->text) > READING_TEXT_MAX)
                return SUBMISSION_E_TEXT;
        if (time_usec != 0 && !reading_time_is_sane(clock, time_usec))
                return SUBMISSION_E_TIME;
        if (s->n_values >= SUBMISSION_VALUES_MAX)
                return SUBMISSION_E_TOO_LARGE;
        reading = find(s, time_usec);
        if (!reading) {
                r = begin(s, time_usec, &reading);
                if (r != 0)
                        return r;
        }
        r = append(reading, channel, value);
        if (r == 0)
                s->n_values++;
        return r;
}
