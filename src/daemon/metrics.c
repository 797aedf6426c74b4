/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/metrics.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log-id.h"
#include "base/log.h"
#include "daemon/metrics-file.h"
#include "daemon/metrics-socket.h"

struct Metrics {
        sd_event *event;
        const Clock *clock;
        MetricsSource source;
        MetricsSettings settings; /* copies */
        MetricsFile *file;
        MetricsSocket *socket; /* NULL: none is wanted, or it could not be opened */
        char socket_error[SENSOR_ERROR_MAX]; /* why it could not; "" */
        usec_t due_usec;
};

static bool same(const char *a, const char *b)
{
        return a == b || (a && b && strcmp(a, b) == 0);
}

/* ---- what cannot be had ---- */

static void tell_problem(void *userdata)
{
        const Metrics *m = userdata;
        const char *of_file = m->file ? metrics_file_error(m->file) : NULL;
        _cleanup_(buffer_done) Buffer b = BUFFER_NULL;

        if (of_file)
                buffer_printf(&b, "%s cannot be written: %s", m->settings.file, of_file);
        if (*m->socket_error)
                buffer_printf(&b, "%sthere is no socket: %s", of_file ? "; " : "", m->socket_error);
        m->source.problem(m->source.userdata, b.size > 0 ? b.data : NULL);
}

/* ---- the socket ---- */

/* Somebody tidied up its folder: no descriptor tells. */
static void look_at_socket(Metrics *m)
{
        if (!m->socket || metrics_socket_is_there(m->socket))
                return;
        log_warning("The metrics' socket %s was removed or replaced by others, and is made anew.",
                    m->settings.listen + strlen(METRICS_LISTEN));
        m->socket = metrics_socket_free(m->socket);
}

static void open_socket(Metrics *m)
{
        char error[SENSOR_ERROR_MAX] = "";
        int r;

        look_at_socket(m);
        if (!m->settings.listen || m->socket)
                return;
        r = metrics_socket_new(&m->socket, m->event, m->clock, &m->source, m->settings.listen + strlen(METRICS_LISTEN),
                               m->settings.group, error);
        if (r < 0)
                (void)snprintf(error, sizeof(error), "%s", strerrordesc_np(-r));
        if (r != 0 && !*m->socket_error)
                log_line(LOG_WARNING, LOG_ID_METRICS_NOT_WRITTEN, NULL,
                         "The metrics have no socket: %s. It is tried again.", error);
        if (strcmp(m->socket_error, r != 0 ? error : "") == 0)
                return;
        (void)snprintf(m->socket_error, sizeof(m->socket_error), "%s", r != 0 ? error : "");
        tell_problem(m);
}

/* ---- the file ---- */

static void store_file(Metrics *m)
{
        _cleanup_(buffer_done) Buffer text = BUFFER_NULL;

        if (!m->file)
                return;
        m->source.write(m->source.userdata, METRICS_TEXTFILE, &text);
        metrics_file_store(m->file, &text);
}

/* ---- time ---- */

/* At a round time, when others are awake as well. */
static void plan(Metrics *m, usec_t now)
{
        bool is_work = m->file || m->settings.listen;

        m->due_usec = is_work ? (now / m->settings.interval_usec + 1) * m->settings.interval_usec : USEC_INFINITY;
}

static usec_t deadline(void *userdata)
{
        const Metrics *m = userdata;
        usec_t next = m->due_usec;

        if (m->file)
                next = MIN(next, metrics_file_deadline(m->file));
        return m->socket ? MIN(next, metrics_socket_deadline(m->socket)) : next;
}

static void tick(void *userdata, usec_t now)
{
        Metrics *m = userdata;

        if (m->file)
                metrics_file_tick(m->file, now);
        if (m->socket)
                metrics_socket_tick(m->socket, now);
        if (now < m->due_usec)
                return;
        open_socket(m);
        store_file(m);
        plan(m, now);
}

Ticker metrics_ticker(Metrics *m)
{
        return (Ticker){"metrics", deadline, tick, m};
}

/* ---- life ---- */

static void settings_done(MetricsSettings *s)
{
        free(s->file);
        free(s->listen);
        free(s->group);
        *s = (MetricsSettings){};
}

static int copy(const char *text, char **ret)
{
        *ret = text ? strdup(text) : NULL;
        return text && !*ret ? -ENOMEM : 0;
}

static int settings_copy(const MetricsSettings *s, MetricsSettings *ret)
{
        *ret = (MetricsSettings){.interval_usec = s->interval_usec};
        if (copy(s->file, &ret->file) < 0 || copy(s->listen, &ret->listen) < 0 || copy(s->group, &ret->group) < 0) {
                settings_done(ret);
                return -ENOMEM;
        }
        return 0;
}

/* What is not changed goes on: a socket that somebody is connected to, a file whose text is known. */
int metrics_configure(Metrics *m, const MetricsSettings *settings)
{
        MetricsFile *file = NULL;
        MetricsSettings next;
        int r = settings_copy(settings, &next);

        if (r < 0)
                return r;
        if (!same(next.file, m->settings.file)) {
                if (next.file && (r = metrics_file_new(&file, m->event, m->clock, next.file, tell_problem, m)) < 0) {
                        settings_done(&next);
                        return r;
                }
                metrics_file_free(m->file);
                m->file = file;
        }
        if (!same(next.listen, m->settings.listen) || !same(next.group, m->settings.group)) {
                m->socket = metrics_socket_free(m->socket);
                *m->socket_error = 0;
        }
        settings_done(&m->settings);
        m->settings = next;
        tell_problem(m); /* what is not wanted any more cannot fail */
        open_socket(m); /* so that it is there when the daemon says that it is ready */
        plan(m, clock_boot(m->clock));
        if (m->file)
                m->due_usec = 0;
        return 0;
}

int metrics_new(Metrics **ret, sd_event *event, const Clock *clock, const MetricsSource *source)
{
        Metrics *m = calloc(1, sizeof(*m));

        if (!m)
                return -ENOMEM;
        m->event = sd_event_ref(event);
        m->clock = clock;
        m->source = *source;
        m->due_usec = USEC_INFINITY;
        *ret = m;
        return 0;
}

Metrics *metrics_free(Metrics *m)
{
        if (!m)
                return NULL;
        metrics_socket_free(m->socket);
        metrics_file_free(m->file);
        settings_done(&m->settings);
        sd_event_unref(m->event);
        free(m);
        return NULL;
}
