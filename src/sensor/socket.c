/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Driver "socket" - readings that other programs send, as JSON lines
 *
 * A datagram holds one line or several; a stream is cut at its line ends. Each line is one reading
 * (sensor/json-line.h); it may name its sensor itself (`s`), else it has the name of this one.
 *
 * Senders are strangers: a line that is not to be understood is counted, told once a reason with who sent it, and
 * passed over; it harms neither the lines around it nor other senders. Lines, clients and readings a second have
 * limits.
 *
 * While the sink has no room, streams are not read, so that their senders wait; for datagrams nobody can wait,
 * they are taken and counted as refused.
 */

#include "sensor/driver.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/log-id.h"
#include "base/log.h"
#include "sensor/complaints.h"
#include "sensor/json-line.h"
#include "sensor/lines.h"
#include "sensor/rate.h"
#include "sensor/unix-socket.h"

#define LINE_DEFAULT    (8 * 1024)
#define LINE_MIN        64
#define LINE_MAX_MAX    (1024 * 1024)
#define CLIENTS_DEFAULT 32
#define CLIENTS_MAX     1024

#define CHUNK_SIZE     (16 * 1024)           /* received at once from a stream */
#define DATAGRAM_SIZE  (64 * 1024)           /* at least; may hold several lines */
#define TURN_MAX       64                    /* datagrams or clients taken before others have their turn */
#define RESUME_FIRST   (50 * USEC_PER_MSEC)  /* to the first look whether there is room again, then doubling */
#define RESUME_MAX     USEC_PER_SEC

typedef struct Sender {
        pid_t pid; /* 0: unknown */
        uid_t uid;
} Sender;

typedef struct Socket Socket;

typedef struct Client {
        Socket *socket;
        int fd;
        sd_event_source *source;
        Sender sender;
        Lines lines;
        bool waits; /* for room */
        bool ended; /* the peer will send no more */
        struct Client *next, *previous;
} Client;

struct Socket {
        Name name;
        DriverTools tools;
        size_t max_line;
        unsigned max_clients;

        UnixSocket listener;
        sd_event_source *source;
        Client *clients;
        unsigned n_clients;
        Lines datagram;

        Rate rate;
        Complaints complaints;
        usec_t resume_at; /* to look for room, or to accept again; USEC_INFINITY: nobody waits */
        usec_t resume_wait;
};

/* ---- settings ---- */

static int socket_check(const SensorSettings *s, char **ret_error)
{
        const char *path;

        if (!s->listen)
                return settings_bad(ret_error, "listen: is missing; such as \"unix-dgram:/run/hublink/in.sock\"");
        if (unix_socket_parse(s->listen, &path) == 0)
                return settings_bad(ret_error, "listen: \"%s\": begins with unix-dgram: or unix-stream:", s->listen);
        if (path[0] != '/')
                return settings_bad(ret_error, "listen: the path in \"%s\" must begin with /", s->listen);
        if (!unix_socket_path_fits(path))
                return settings_bad(ret_error, "listen: the path in \"%s\" is longer than 107 characters", s->listen);
        if (s->format && strcmp(s->format, "json") != 0)
                return settings_bad(ret_error, "format: there is no \"%s\"; there is json", s->format);
        if (s->max_line != 0 && (s->max_line < LINE_MIN || s->max_line > LINE_MAX_MAX))
                return settings_bad(ret_error, "max_line: 64 bytes to 1M");
        if (s->max_clients > CLIENTS_MAX)
                return settings_bad(ret_error, "max_clients: at most %d", CLIENTS_MAX);
        if (s->n_channels > 0)
                return settings_bad(ret_error, "channels: a socket takes them from its lines");
        return 0;
}

/* ---- refusing ---- */

static const char *sender_name(const Sender *sender, char name[static 32])
{
        char path[32];
        FILE *f;
        size_t n = 0;

        (void)snprintf(path, sizeof(path), "/proc/%d/comm", (int)sender->pid);
        f = sender->pid > 0 ? fopen(path, "re") : NULL;
        if (f) {
                n = fread(name, 1, 31, f);
                fclose(f);
        }
        name[n] = 0;
        name[strcspn(name, "\n")] = 0;
        for (char *p = name; *p; p++)
                if (*p < 0x20 || *p > 0x7e)
                        *p = '?';
        return name[0] ? name : "a program that is gone";
}

static void complain(Socket *s, const Sender *sender, unsigned reason, const char *what)
{
        char name[32], sensor[64], pid[64], uid[64], more[64] = "";
        uint64_t held_back;

        if (!complaints_admit(&s->complaints, reason, sender->pid, sender->uid, clock_boot(s->tools.clock), &held_back))
                return;
        (void)snprintf(sensor, sizeof(sensor), "HUBLINK_SENSOR=%s", s->name);
        (void)snprintf(pid, sizeof(pid), "HUBLINK_SENDER_PID=%d", (int)sender->pid);
        (void)snprintf(uid, sizeof(uid), "HUBLINK_SENDER_UID=%u", (unsigned)sender->uid);
        if (held_back > 0)
                (void)snprintf(more, sizeof(more), " (and %llu untold before)", (unsigned long long)held_back);
        log_line(LOG_WARNING, LOG_ID_LINE_REFUSED, LOG_FIELDS(sensor, pid, uid),
                 "sensor %s: %s, from %s (pid %d, uid %u). Further ones of this kind from there are only counted.%s",
                 s->name, what, sender_name(sender, name), (int)sender->pid, (unsigned)sender->uid, more);
}

static void refuse(Socket *s, const Sender *sender, Refusal why, const char *what)
{
        s->tools.sink.refused(s->tools.sink.userdata, why, what);
        complain(s, sender, why, what);
}

/* ---- taking a line ---- */

static void take_line(Socket *s, const Sender *sender, char *text, size_t size)
{
        char what[160];
        ReadingLine line;

        if (json_line_parse(text, size, &line) != 0) {
                (void)snprintf(what, sizeof(what), "a line was refused (%s): column %zu: %s",
                               refusal_to_string(line.refusal), line.column, line.error);
                refuse(s, sender, line.refusal, what);
                return;
        }
        if (line.wall_usec != 0 && !reading_time_is_sane(s->tools.clock, line.wall_usec)) {
                refuse(s, sender, REFUSAL_RANGE,
                       "a line was refused (range): t is no time of this century, or lies in the future; it counts "
                       "milliseconds since 1970");
                return;
        }
        if (s->rate.per_second > 0 && !rate_take(&s->rate, clock_boot(s->tools.clock))) {
                refuse(s, sender, REFUSAL_RATE, "a line was refused (rate): over max_rate");
                return;
        }
        (void)s->tools.sink.reading(s->tools.sink.userdata, &(Reading){
                                                                    .sensor = line.sensor ? line.sensor : s->name,
                                                                    .wall_usec = line.wall_usec,
                                                                    .wall_trusted = line.wall_usec != 0,
                                                                    .channels = line.channels,
                                                                    .n_channels = line.n_channels,
                                                            });
}

static void refuse_too_long(Socket *s, const Sender *sender)
{
        char what[80];

        (void)snprintf(what, sizeof(what), "a line was refused (too-long): over max_line, %zu bytes", s->max_line);
        refuse(s, sender, REFUSAL_TOO_LONG, what);
}

static bool has_room(Socket *s)
{
        return s->tools.sink.ready(s->tools.sink.userdata);
}

static void look_again_later(Socket *s)
{
        if (s->resume_at != USEC_INFINITY)
                return;
        s->resume_wait = RESUME_FIRST;
        s->resume_at = usec_add(clock_boot(s->tools.clock), s->resume_wait);
}

/* ---- streams ---- */

static void client_free(Client *c)
{
        Socket *s = c->socket;

        if (c->next)
                c->next->previous = c->previous;
        if (c->previous)
                c->previous->next = c->next;
        else
                s->clients = c->next;
        s->n_clients--;
        sd_event_source_disable_unref(c->source);
        safe_close(c->fd);
        lines_done(&c->lines);
        free(c);
}

/* Gives out what was received, as far as there is room for it. The client may be gone afterwards. */
static void client_work(Client *c)
{
        Socket *s = c->socket;
        char *text;
        size_t size;

        for (;;) {
                if (!has_room(s)) {
                        c->waits = true;
                        look_again_later(s);
                        (void)sd_event_source_set_enabled(c->source, SD_EVENT_OFF);
                        return;
                }
                switch (lines_next(&c->lines, c->ended, &text, &size)) {
                case LINES_LINE:
                        take_line(s, &c->sender, text, size);
                        continue;
                case LINES_TOO_LONG:
                        refuse_too_long(s, &c->sender);
                        continue;
                }
                break;
        }
        if (c->ended) {
                client_free(c);
                return;
        }
        if (lines_is_empty(&c->lines))
                lines_done(&c->lines); /* an idle client costs nothing */
        if (c->waits) {
                c->waits = false;
                (void)sd_event_source_set_enabled(c->source, SD_EVENT_ON);
        }
}

static int on_client(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
        Client *c = userdata;
        char *room = lines_room(&c->lines, CHUNK_SIZE);
        ssize_t n;

        if (!room) {
                client_free(c);
                return 0;
        }
        n = recv(fd, room, CHUNK_SIZE, 0);
        if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
                lines_received(&c->lines, CHUNK_SIZE, 0);
                return 0;
        }
        lines_received(&c->lines, CHUNK_SIZE, n > 0 ? (size_t)n : 0);
        c->ended = n <= 0;
        client_work(c);
        return 0;
}

static Sender peer_of(int fd)
{
        struct ucred credentials = {.uid = (uid_t)-1};
        socklen_t size = sizeof(credentials);

        (void)getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size);
        return (Sender){credentials.pid, credentials.uid};
}

static void client_new(Socket *s, int fd)
{
        Client *c = calloc(1, sizeof(*c));

        if (!c || sd_event_add_io(s->tools.event, &c->source, fd, EPOLLIN, on_client, c) < 0) {
                safe_close(fd);
                free(c);
                return;
        }
        (void)sd_event_source_set_description(c->source, "sensor-client");
        c->socket = s;
        c->fd = fd;
        c->sender = peer_of(fd);
        c->lines.max = s->max_line;
        c->next = s->clients;
        if (c->next)
                c->next->previous = c;
        s->clients = c;
        s->n_clients++;
}

static int on_connection(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
        Socket *s = userdata;

        for (int i = 0; i < TURN_MAX; i++) {
                int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

                if (client >= 0 && s->n_clients >= s->max_clients) {
                        Sender sender = peer_of(client);
                        char what[80];

                        (void)snprintf(what, sizeof(what), "a client was turned away: there are %u (max_clients)",
                                       s->n_clients);
                        complain(s, &sender, COMPLAINT_TURNED_AWAY, what);
                        safe_close(client);
                } else if (client >= 0) {
                        client_new(s, client);
                } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
                        /* It stays at the door; without this the loop would spin. */
                        look_again_later(s);
                        (void)sd_event_source_set_enabled(source, SD_EVENT_OFF);
                        break;
                } else if (errno == EAGAIN) {
                        break;
                }
        }
        return 0;
}

/* ---- datagrams ---- */

/* One datagram; false: there is none. Its size is told even if it did not fit. */
static bool receive(int fd, char *room, size_t *size, Sender *ret_sender)
{
        struct iovec iov = {room, *size};
        union {
                char space[CMSG_SPACE(sizeof(struct ucred))];
                struct cmsghdr align;
        } control;
        struct msghdr message = {
                .msg_iov = &iov,
                .msg_iovlen = 1,
                .msg_control = &control,
                .msg_controllen = sizeof(control),
        };
        ssize_t n;

        do
                n = recvmsg(fd, &message, MSG_TRUNC | MSG_CMSG_CLOEXEC);
        while (n < 0 && errno == EINTR);
        *size = n > 0 ? (size_t)n : 0;
        *ret_sender = (Sender){.uid = (uid_t)-1};
        if (n < 0)
                return false;
        for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c))
                if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_CREDENTIALS) {
                        struct ucred credentials;

                        memcpy(&credentials, CMSG_DATA(c), sizeof(credentials));
                        *ret_sender = (Sender){credentials.pid, credentials.uid};
                }
        return true;
}

static void take_datagram(Socket *s, const Sender *sender)
{
        char *text;
        size_t size;
        int r;

        while ((r = lines_next(&s->datagram, true, &text, &size)) != LINES_NONE)
                if (r == LINES_TOO_LONG)
                        refuse_too_long(s, sender);
                else if (!has_room(s))
                        s->tools.sink.refused(s->tools.sink.userdata, REFUSAL_OVERLOAD,
                                              "a line was refused (overload): the queue has no room");
                else
                        take_line(s, sender, text, size);
}

static int on_datagram(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
        Socket *s = userdata;
        size_t room_size = MAX(s->max_line + 1, (size_t)DATAGRAM_SIZE);

        for (int i = 0; i < TURN_MAX; i++) {
                char *room = lines_room(&s->datagram, room_size);
                size_t size = room_size;
                Sender sender;
                bool more;

                if (!room)
                        return 0;
                more = receive(fd, room, &size, &sender);
                lines_received(&s->datagram, room_size, size <= room_size ? size : 0);
                if (!more)
                        break;
                if (size > room_size)
                        refuse_too_long(s, &sender);
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
        while (s->clients)
                client_free(s->clients);
        sd_event_source_disable_unref(s->source);
        unix_socket_done(&s->listener);
        lines_done(&s->datagram);
        free(s);
}
DEFINE_CLEANUP(Socket *, socket_close);

static int socket_open(const SensorSettings *settings, const DriverTools *tools, void **ret_device,
                       char error[static SENSOR_ERROR_MAX])
{
        _cleanup_(socket_closep) Socket *s = calloc(1, sizeof(*s));
        const char *path;
        int type, r, yes = 1;

        if (!s)
                return -ENOMEM;
        memcpy(s->name, settings->name, sizeof(s->name));
        s->tools = *tools;
        s->max_line = settings->max_line > 0 ? settings->max_line : LINE_DEFAULT;
        s->max_clients = settings->max_clients > 0 ? settings->max_clients : CLIENTS_DEFAULT;
        s->datagram.max = s->max_line;
        s->rate.per_second = settings->max_rate;
        s->resume_at = USEC_INFINITY;
        s->listener = UNIX_SOCKET_NULL;
        type = unix_socket_parse(settings->listen, &path);
        r = unix_socket_open(&s->listener, type, path, settings->group, error);
        if (r != 0)
                return r;
        if (type == SOCK_DGRAM)
                (void)setsockopt(s->listener.fd, SOL_SOCKET, SO_PASSCRED, &yes, sizeof(yes));
        r = sd_event_add_io(tools->event, &s->source, s->listener.fd, EPOLLIN,
                            type == SOCK_DGRAM ? on_datagram : on_connection, s);
        if (r < 0)
                return r;
        (void)sd_event_source_set_description(s->source, "sensor-socket");
        *ret_device = TAKE_PTR(s);
        return 0;
}

static usec_t socket_deadline(void *device)
{
        const Socket *s = device;

        return s->resume_at;
}

/* Those who wait go on, if there is room now. */
static void socket_tick(void *device, usec_t now)
{
        Socket *s = device;

        if (now < s->resume_at)
                return;
        if (!has_room(s)) {
                s->resume_wait = MIN(s->resume_wait * 2, RESUME_MAX);
                s->resume_at = usec_add(now, s->resume_wait);
                return;
        }
        s->resume_at = USEC_INFINITY;
        (void)sd_event_source_set_enabled(s->source, SD_EVENT_ON);
        for (Client *c = s->clients, *next; c; c = next) {
                next = c->next;
                if (c->waits)
                        client_work(c);
        }
}

const SensorDriver driver_socket = {
        .name = "socket",
        .check = socket_check,
        .open = socket_open,
        .close = socket_close,
        .deadline = socket_deadline,
        .tick = socket_tick,
};
