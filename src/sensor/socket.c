/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Driver "socket" - readings that other programs send, as lines of JSON or InfluxDB
 *
 * A datagram holds one line or several; connections are sensor/clients.h. Each line is one reading
 * (sensor/reading-line.h); it may name its sensor itself, else it has the name of this one.
 *
 * Senders are strangers: what is wrong with a line is its sender's matter alone (sensor/line-intake.h). Lines, clients
 * and readings a second have limits.
 *
 * For datagrams nobody can wait: while the sink has no room they are taken and counted as refused.
 *
 * The file of a unix socket may be removed by others: nobody would find it any more, and no descriptor tells. So it is
 * looked at now and then, and made anew. Clients that are connected stay.
 */

#include "sensor/driver.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/listen.h"
#include "base/log.h"
#include "sensor/clients.h"
#include "sensor/datagram.h"
#include "sensor/line-intake.h"
#include "sensor/lines.h"
#include "sensor/listener.h"

#define LINE_DEFAULT    (8 * 1024)
#define LINE_MIN        64
#define LINE_MAX_MAX    (1024 * 1024)
#define CLIENTS_DEFAULT 32
#define CLIENTS_MAX     1024

#define TURN_MAX      64                     /* datagrams or clients taken before others have their turn */
#define TURN_BYTES    (64 * 1024)            /* of datagrams */
#define LOOK_USEC     USEC_PER_MIN           /* at the file: at its whole multiples, when others are awake as well */
#define DOOR_USEC     (250 * USEC_PER_MSEC)  /* without descriptors, to the next try to take a client */

typedef struct Socket {
        LineIntake intake;
        Listener listener;
        sd_event_source *source;
        Clients clients;
        Lines datagram;
        usec_t door_at; /* clients are taken again; USEC_INFINITY: they are */
        usec_t look_at; /* whether its file is there; USEC_INFINITY: it has none */
        char *listen, *group; /* the settings' */
        bool peer;
} Socket;

static usec_t now_of(const Socket *s)
{
        return clock_boot(s->intake.tools.clock);
}

/* ---- settings ---- */

static int check_unix_only(const SensorSettings *s, const Endpoint *e, char **ret_error)
{
        if (s->group && e->name)
                return settings_bad(ret_error, "group: of a socket that systemd hands over, its unit says it "
                                               "(SocketGroup=)");
        if (s->group && !e->path)
                return settings_bad(ret_error, "group: only the file of a unix socket has one");
        if (s->peer && !e->path && !e->name)
                return settings_bad(ret_error, "peer: only a unix socket is told who writes to it; an address may be "
                                    "anybody's");
        return 0;
}

static int socket_check(const SensorSettings *s, char **ret_error)
{
        char error[SENSOR_ERROR_MAX];
        Endpoint endpoint;
        int r;

        if (!s->listen)
                return settings_bad(ret_error, "listen: is missing; such as \"unix-dgram:/run/hublink/in.sock\"");
        if (endpoint_parse(s->listen, &endpoint, error) != 0)
                return settings_bad(ret_error, "listen: %s", error);
        r = check_unix_only(s, &endpoint, ret_error);
        if (r != 0)
                return r;
        if (!reading_line_parser(s->format))
                return settings_bad(ret_error, "format: there is no \"%s\"; there are " READING_LINE_FORMATS,
                                    s->format);
        if (s->max_line != 0 && (s->max_line < LINE_MIN || s->max_line > LINE_MAX_MAX))
                return settings_bad(ret_error, "max_line: 64 bytes to 1M");
        if (s->max_clients > CLIENTS_MAX)
                return settings_bad(ret_error, "max_clients: at most %d", CLIENTS_MAX);
        if (s->n_channels > 0)
                return settings_bad(ret_error, "channels: a socket takes them from its lines");
        return 0;
}

/* ---- clients ---- */

static int on_connection(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
        Socket *s = userdata;

        for (int i = 0; i < TURN_MAX; i++) {
                int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

                if (client >= 0) {
                        clients_add(&s->clients, client);
                } else if (listen_is_starved(errno)) {
                        s->door_at = usec_add(now_of(s), DOOR_USEC);
                        (void)sd_event_source_set_enabled(source, SD_EVENT_OFF);
                        break;
                } else if (errno == EAGAIN) {
                        break;
                }
        }
        return 0;
}

/* ---- datagrams ---- */

static void take_datagram(Socket *s, const Sender *sender)
{
        char *text;
        size_t size;
        int r;

        while ((r = lines_next(&s->datagram, true, &text, &size)) != LINES_NONE)
                if (r == LINES_TOO_LONG)
                        line_intake_refuse_too_long(&s->intake, sender, text, size);
                else if (!line_intake_has_room(&s->intake))
                        line_intake_refuse_overload(&s->intake);
                else
                        (void)line_intake_take(&s->intake, sender, text, size);
}

static int on_datagram(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
        Socket *s = userdata;
        size_t room_size = line_intake_packet_size(&s->intake), taken = 0;

        for (int i = 0; i < TURN_MAX && taken < TURN_BYTES; i++) {
                char *room = lines_room(&s->datagram, room_size);
                size_t size = room_size;
                Sender sender;
                bool more;

                if (!room)
                        return 0;
                more = datagram_receive(fd, room, &size, &sender);
                if (more && size > room_size)
                        line_intake_refuse_too_long(&s->intake, &sender, room, room_size);
                lines_received(&s->datagram, room_size, size <= room_size ? size : 0);
                if (!more)
                        break;
                taken += size;
                take_datagram(s, &sender);
        }
        return 0;
}

/* ---- life ---- */

static void socket_close(void *device)
{
        Socket *s = device;

        if (!s)
                return;
        clients_done(&s->clients);
        sd_event_source_disable_unref(s->source);
        listener_done(&s->listener);
        lines_done(&s->datagram);
        free(s->listen);
        free(s->group);
        free(s);
}
DEFINE_CLEANUP(Socket *, socket_close);

static int bind_listener(Socket *s, char error[static SENSOR_ERROR_MAX])
{
        Endpoint endpoint;
        int r;

        r = endpoint_parse(s->listen, &endpoint, error);
        if (r == 0)
                r = listener_open(&s->listener, &endpoint, s->group, error);
        if (r != 0)
                return r;
        if (s->peer && s->listener.family != AF_UNIX) {
                (void)snprintf(error, SENSOR_ERROR_MAX, "%s is no unix socket: take peer away, for an address may be "
                                                        "anybody's",
                               s->listen);
                return SENSOR_E_FAILED;
        }
        s->clients.packets = s->listener.type == SOCK_SEQPACKET;
        s->clients.remote = s->listener.family != AF_UNIX;
        return 0;
}

static int begin_to_listen(Socket *s, char error[static SENSOR_ERROR_MAX])
{
        int r = bind_listener(s, error);

        if (r != 0)
                return r;
        r = sd_event_add_io(s->intake.tools.event, &s->source, s->listener.fd, EPOLLIN,
                            s->listener.type == SOCK_DGRAM ? on_datagram : on_connection, s);
        if (r < 0) {
                listener_done(&s->listener);
                return r;
        }
        (void)sd_event_source_set_description(s->source, "sensor-socket");
        return 0;
}

static void look_again(Socket *s)
{
        s->look_at = s->listener.file.path || s->listener.fd < 0 ? (now_of(s) / LOOK_USEC + 1) * LOOK_USEC
                                                                 : USEC_INFINITY;
}

static void tell_removed(const Socket *s)
{
        const PushSink *sink = &s->intake.tools.sink;
        char error[SENSOR_ERROR_MAX];

        (void)snprintf(error, sizeof(error), "%s was removed or replaced by others, and is made anew",
                       s->listener.file.path);
        log_warning("sensor %s: %s.", s->intake.name, error);
        sink->noted(sink->userdata, error);
}

static void listen_anew(Socket *s)
{
        const PushSink *sink = &s->intake.tools.sink;
        char error[SENSOR_ERROR_MAX] = "";
        int r = begin_to_listen(s, error);

        if (r == 0)
                sink->found(sink->userdata);
        else
                sink->lost(sink->userdata, r < 0 ? strerrordesc_np(-r) : error);
}

/* What somebody else bound there meanwhile is his: then it is failing until that is gone. */
static void look_at_file(Socket *s)
{
        if (s->listener.fd >= 0 && !unix_socket_is_there(&s->listener.file)) {
                tell_removed(s);
                s->source = sd_event_source_disable_unref(s->source);
                s->door_at = USEC_INFINITY;
                listener_done(&s->listener);
        }
        if (s->listener.fd < 0)
                listen_anew(s);
        look_again(s);
}

static int socket_open(const SensorSettings *settings, const DriverTools *tools, void **ret_device,
                       char error[static SENSOR_ERROR_MAX])
{
        _cleanup_(socket_closep) Socket *s = calloc(1, sizeof(*s));
        int r;

        if (!s)
                return -ENOMEM;
        line_intake_init(&s->intake, settings, tools, settings->max_line > 0 ? settings->max_line : LINE_DEFAULT);
        clients_init(&s->clients, &s->intake, tools->event,
                     settings->max_clients > 0 ? settings->max_clients : CLIENTS_DEFAULT);
        s->datagram.max = s->intake.max_line;
        s->door_at = USEC_INFINITY;
        s->listener = LISTENER_NULL;
        s->peer = settings->peer;
        s->listen = strdup(settings->listen);
        s->group = settings->group ? strdup(settings->group) : NULL;
        if (!s->listen || (settings->group && !s->group))
                return -ENOMEM;
        r = begin_to_listen(s, error);
        if (r != 0)
                return r;
        look_again(s);
        *ret_device = TAKE_PTR(s);
        return 0;
}

static usec_t socket_deadline(void *device)
{
        const Socket *s = device;

        return MIN(MIN(s->door_at, s->look_at), clients_deadline(&s->clients));
}

static void socket_tick(void *device, usec_t now)
{
        Socket *s = device;

        clients_tick(&s->clients, now);
        if (now >= s->door_at) {
                s->door_at = USEC_INFINITY;
                (void)sd_event_source_set_enabled(s->source, SD_EVENT_ON);
        }
        if (now >= s->look_at)
                look_at_file(s);
}

static void socket_remind(void *device)
{
        Socket *s = device;

        if (s->look_at != USEC_INFINITY)
                s->look_at = 0;
}

const SensorDriver driver_socket = {
        .name = "socket",
        .names_others = true,
        .check = socket_check,
        .open = socket_open,
        .close = socket_close,
        .remind = socket_remind,
        .deadline = socket_deadline,
        .tick = socket_tick,
};
