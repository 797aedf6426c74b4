/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What the method setInterval set: over the files and over what the cloud desires, until the cloud desires another or
 * the method takes it back. It outlives restarts as an acknowledged wish of the cloud's does.
 */

#include <errno.h>
#include <string.h>

#include "base/log-id.h"
#include "base/log.h"
#include "base/quantity.h"
#include "daemon/daemon-core.h"

static int interval_of(const Settings *s, const char *sensor, usec_t *ret)
{
        for (size_t i = 0; i < s->n_sensors; i++)
                if (strcmp(s->sensors[i].name, sensor) == 0) {
                        *ret = s->sensors[i].interval_usec;
                        return *ret > 0 ? 0 : -EOPNOTSUPP;
                }
        return -ENOENT;
}

/* The text with this one in it; infinity: without it. */
static int text_with(const char *before, const char *sensor, usec_t usec, Buffer *text)
{
        Intervals intervals;
        int r = intervals_read(&intervals, before);

        if (r != 0)
                return r < 0 ? r : -EINVAL;
        if (usec == USEC_INFINITY)
                intervals_drop(&intervals, sensor);
        else
                r = intervals_put(&intervals, sensor, usec);
        intervals_write(&intervals, text);
        intervals_done(&intervals);
        return r < 0 ? r : buffer_error(text);
}

static void tell(const char *sensor, usec_t usec, bool back)
{
        _cleanup_(buffer_done) Buffer b = BUFFER_NULL;

        quantity_print_time(&b, usec);
        if (!buffer_error(&b))
                log_line(LOG_NOTICE, LOG_ID_INTERVAL_SET, NULL, "Sensor %s is read each %s: setInterval %s.", sensor,
                         b.data, back ? "took back what it had set" : "set it");
}

static int set(Daemon *d, const char *sensor, usec_t usec, Buffer *why)
{
        _cleanup_(buffer_done) Buffer text = BUFFER_NULL;
        Problems problems = {};
        int r = text_with(d->overlay.intervals, sensor, usec, &text);

        if (r == 0)
                r = daemon_change_intervals(d, text.data ?: "", &problems);
        if (problems.n > 0)
                buffer_append_string(why, problem_words(problems.items[0].text));
        problems_done(&problems);
        return r > 0 ? -EINVAL : r;
}

int daemon_set_interval(void *userdata, const char *sensor, usec_t usec, usec_t *ret, Buffer *why)
{
        bool back = usec == USEC_INFINITY;
        Daemon *d = userdata;
        usec_t before;
        int r = interval_of(d->settings, sensor, &before);

        if (r < 0)
                return r;
        if (!back && (usec < SENSOR_INTERVAL_MIN || usec > SENSOR_INTERVAL_MAX))
                return -ERANGE;
        r = set(d, sensor, usec, why);
        if (r >= 0)
                r = interval_of(d->settings, sensor, ret);
        if (r < 0)
                return r;
        if (*ret != before)
                tell(sensor, *ret, back);
        twin_reapply(d->twin); /* its answer tells what is in effect */
        return 0;
}
