/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/metrics-socket.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/listen.h"
#include "daemon/metrics-request.h"
#include "sensor/unix-socket.h"

#define CLIENTS_MAX  8
#define DOOR_SHUT    USEC_PER_SEC /* after one came whom the process has no descriptor for */
#define PATIENCE     (5 * USEC_PER_SEC) /* for the question and for the answer together */

/* Its place is free while it has no source. */
typedef struct Asker {
        MetricsSocket *socket;
        sd_event_source *source;
        int fd;
        usec_t until_usec;
        char head[METRICS_REQUEST_MAX];
        size_t n_head;
        Buffer answer;
        size_t n_sent;
} Asker;

struct MetricsSocket {
        sd_event *event;
        const Clock *clock;
        const MetricsSource *texts;
        UnixSocket file;
        sd_event_source *source;
        usec_t open_again_usec; /* boot clock; USEC_INFINITY: it is open */
        Asker askers[CLIENTS_MAX];
};

static void dismiss(Asker *a)
{
        a->source = sd_event_source_disable_unref(a->source);
        a->fd = safe_close(a->fd);
        buffer_done(&a->answer);
}

/* ---- one who asks ---- */

static void send_on(Asker *a)
{
        ssize_t n = send(a->fd, a->answer.data + a->n_sent, a->answer.size - a->n_sent, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (n < 0 && (errno == EAGAIN || errno == EINTR))
                n = 0;
        if (n >= 0)
                a->n_sent += (size_t)n;
        if (n < 0 || a->n_sent == a->answer.size || sd_event_source_set_io_events(a->source, EPOLLOUT) < 0)
                dismiss(a);
}

static void answer(Asker *a, int status)
{
        _cleanup_(buffer_done) Buffer body = BUFFER_NULL;

        if (status == 200)
                a->socket->texts->write(a->socket->texts->userdata, METRICS_OPEN, &body);
        metrics_request_answer(status, &body, &a->answer);
        if (buffer_error(&body) < 0 || buffer_error(&a->answer) < 0)
                dismiss(a);
        else
                send_on(a);
}

static void listen_to(Asker *a)
{
        ssize_t n = recv(a->fd, a->head + a->n_head, sizeof(a->head) - a->n_head, MSG_DONTWAIT);
        int status;

        if (n < 0 && (errno == EAGAIN || errno == EINTR))
                return;
        if (n <= 0) {
                dismiss(a);
                return;
        }
        a->n_head += (size_t)n;
        status = metrics_request_judge(a->head, a->n_head);
        if (status != 0)
                answer(a, status);
}

static int on_asker(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
        Asker *a = userdata;

        if (a->answer.size > 0)
                send_on(a);
        else
                listen_to(a);
        return 0;
}

/* ---- all of them ---- */

static Asker *free_place(MetricsSocket *s)
{
        for (size_t i = 0; i < CLIENTS_MAX; i++)
                if (!s->askers[i].source)
                        return &s->askers[i];
        return NULL;
}

static void set_open(MetricsSocket *s, bool open)
{
        s->open_again_usec = open ? USEC_INFINITY : usec_add(clock_boot(s->clock), DOOR_SHUT);
        (void)sd_event_source_set_enabled(s->source, open ? SD_EVENT_ON : SD_EVENT_OFF);
}

/* Who finds no place is closed at once; one is free again within seconds. */
static int on_knock(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
        MetricsSocket *s = userdata;
        _cleanup_close_ int client = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        Asker *a = free_place(s);

        if (client < 0 && listen_is_starved(errno))
                set_open(s, false);
        if (client < 0 || !a || sd_event_add_io(s->event, &a->source, client, EPOLLIN, on_asker, a) < 0)
                return 0;
        a->socket = s;
        a->fd = client;
        client = -1;
        a->until_usec = usec_add(clock_boot(s->clock), PATIENCE);
        a->n_head = a->n_sent = 0;
        return 0;
}

int metrics_socket_new(MetricsSocket **ret, sd_event *event, const Clock *clock, const MetricsSource *source,
                       const char *path, const char *group, char error[static SENSOR_ERROR_MAX])
{
        MetricsSocket *s = calloc(1, sizeof(*s));
        int r;

        if (!s)
                return -ENOMEM;
        s->event = sd_event_ref(event);
        s->clock = clock;
        s->texts = source;
        s->file = UNIX_SOCKET_NULL;
        s->open_again_usec = USEC_INFINITY;
        for (size_t i = 0; i < CLIENTS_MAX; i++)
                s->askers[i].fd = -1;
        r = unix_socket_open(&s->file, SOCK_STREAM, path, group, error);
        if (r == 0)
                r = sd_event_add_io(event, &s->source, s->file.fd, EPOLLIN, on_knock, s);
        if (r != 0) {
                metrics_socket_free(s);
                return r;
        }
        *ret = s;
        return 0;
}

bool metrics_socket_is_there(const MetricsSocket *s)
{
        return unix_socket_is_there(&s->file);
}

MetricsSocket *metrics_socket_free(MetricsSocket *s)
{
        if (!s)
                return NULL;
        for (size_t i = 0; i < CLIENTS_MAX; i++)
                dismiss(&s->askers[i]);
        sd_event_source_disable_unref(s->source);
        unix_socket_done(&s->file);
        sd_event_unref(s->event);
        free(s);
        return NULL;
}

usec_t metrics_socket_deadline(const MetricsSocket *s)
{
        usec_t next = s->open_again_usec;

        for (size_t i = 0; i < CLIENTS_MAX; i++)
                if (s->askers[i].source)
                        next = MIN(next, s->askers[i].until_usec);
        return next;
}

void metrics_socket_tick(MetricsSocket *s, usec_t now)
{
        if (now >= s->open_again_usec)
                set_open(s, true);
        for (size_t i = 0; i < CLIENTS_MAX; i++)
                if (s->askers[i].source && now >= s->askers[i].until_usec)
                        dismiss(&s->askers[i]);
}
