/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/clients.h"

#include <errno.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "sensor/lines.h"

#define CHUNK_SIZE   (4 * 1024)            /* received at once from a stream: also the turn that a client has */
#define RESUME_FIRST (50 * USEC_PER_MSEC)  /* to the first look whether there is room again, then doubling */
#define RESUME_MAX   USEC_PER_SEC
#define LINE_USEC    (30 * USEC_PER_SEC)   /* from a line's first byte to its end */

struct Client {
        Place place;
        Clients *all;
        int fd;
        sd_event_source *source;
        Sender sender;
        Lines lines;
        usec_t begun_at; /* the line that has no end yet; USEC_INFINITY: there is none, or we do not read on */
        bool ended;  /* the peer will send no more */
        bool bad;    /* lines of its last turn were refused, */
        bool behind; /* and so it is heard after the others */
};

static usec_t now_of(const Clients *all)
{
        return clock_boot(all->intake->tools.clock);
}

static Client *client_of(Place *place)
{
        return container_of(place, Client, place);
}

static void look_again_later(Clients *all)
{
        if (all->resume_at != USEC_INFINITY)
                return;
        all->resume_wait = RESUME_FIRST;
        all->resume_at = usec_add(now_of(all), all->resume_wait);
}

static void client_free(Client *c)
{
        places_leave(&c->all->places, &c->place);
        sd_event_source_disable_unref(c->source);
        safe_close(c->fd);
        lines_done(&c->lines);
        free(c);
}

/* ---- what a client sends ---- */

static void take_line(Client *c, char *text, size_t size)
{
        c->begun_at = USEC_INFINITY;
        if (line_intake_take(c->all->intake, &c->sender, text, size))
                place_prove(&c->place, now_of(c->all));
        else
                c->bad = true;
}

/* Gives out lines while there is room; false: there is none any more. */
static bool client_give(Client *c)
{
        char *text;
        size_t size;

        for (;;) {
                if (!line_intake_has_room(c->all->intake))
                        return false;
                switch (lines_next(&c->lines, c->ended, &text, &size)) {
                case LINES_LINE:
                        take_line(c, text, size);
                        continue;
                case LINES_TOO_LONG:
                        line_intake_refuse_too_long(c->all->intake, &c->sender, text, size);
                        c->bad = true;
                        continue;
                }
                return true;
        }
}

static void note_begun(Client *c)
{
        if (lines_is_empty(&c->lines)) {
                c->begun_at = USEC_INFINITY;
                lines_done(&c->lines); /* an idle client costs nothing */
        } else if (c->begun_at == USEC_INFINITY) {
                c->begun_at = now_of(c->all);
                c->all->slow_at = MIN(c->all->slow_at, usec_add(c->begun_at, LINE_USEC));
        }
}

static void rank(Client *c)
{
        if (c->behind == c->bad)
                return;
        c->behind = c->bad;
        (void)sd_event_source_set_priority(c->source, c->behind ? SD_EVENT_PRIORITY_IDLE : SD_EVENT_PRIORITY_NORMAL);
}

/* What was received goes on, as far as there is room. The client may be gone afterwards. */
static void client_work(Client *c)
{
        if (!client_give(c)) {
                c->place.held = true;
                c->begun_at = USEC_INFINITY;
                look_again_later(c->all);
                (void)sd_event_source_set_enabled(c->source, SD_EVENT_OFF);
                return;
        }
        if (c->ended) {
                client_free(c);
                return;
        }
        note_begun(c);
        rank(c);
        if (c->place.held) {
                c->place.held = false;
                (void)sd_event_source_set_enabled(c->source, SD_EVENT_ON);
        }
}

static int on_stream(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
        Client *c = userdata;
        char *room = lines_room(&c->lines, CHUNK_SIZE);
        ssize_t n;

        if (!room) {
                client_free(c);
                return 0;
        }
        c->bad = false;
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

/* An empty packet reads as the end does. It is one only where the peer said so, and has left nothing behind. */
static bool is_end(int fd, ssize_t n, uint32_t revents)
{
        int left = 0;

        return n < 0 || (n == 0 && (revents & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) &&
                         (ioctl(fd, FIONREAD, &left) < 0 || left == 0));
}

/* The end of a packet is the end of a line. */
static int on_packet(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
        Client *c = userdata;
        size_t size = line_intake_packet_size(c->all->intake), used = 0;
        char *room = lines_room(&c->lines, size + 1);
        ssize_t n;

        if (!room) {
                client_free(c);
                return 0;
        }
        n = recv(fd, room, size, MSG_TRUNC);
        c->bad = n > 0 && (size_t)n > size;
        if (c->bad)
                line_intake_refuse_too_long(c->all->intake, &c->sender, room, size);
        if (n > 0 && !c->bad) {
                used = (size_t)n + 1;
                room[n] = '\n';
        }
        lines_received(&c->lines, size + 1, used);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
                return 0;
        c->ended = is_end(fd, n, revents);
        client_work(c);
        return 0;
}

/* ---- who comes ---- */

static void turn_away(Clients *all, const Sender *sender, int fd)
{
        char what[80];

        (void)snprintf(what, sizeof(what), "a client was turned away: there are %u (max_clients)", all->places.n);
        line_intake_note(all->intake, sender, COMPLAINT_TURNED_AWAY, what);
        safe_close(fd);
}

static void make_leave(Clients *all, Client *c, uint64_t for_peer)
{
        unsigned share = places_share(&all->places, c->place.peer);
        char why[80], what[200];

        if (share > places_share(&all->places, for_peer) + 1)
                (void)snprintf(why, sizeof(why), "its %s has %u of them",
                               sender_is_local(&c->sender) ? "user" : "address", share);
        else
                (void)snprintf(why, sizeof(why), "it sent no good line for %llu s",
                               (unsigned long long)(usec_sub(now_of(all), c->place.good_at) / USEC_PER_SEC));
        (void)snprintf(what, sizeof(what), "a client made room for another: there are %u (max_clients), and %s",
                       all->places.n, why);
        line_intake_note(all->intake, &c->sender, COMPLAINT_MADE_ROOM, what);
        client_free(c);
}

static void client_new(Clients *all, const Sender *sender, int fd)
{
        Client *c = calloc(1, sizeof(*c));
        int yes = 1;

        if (!c || sd_event_add_io(all->event, &c->source, fd, EPOLLIN | (all->packets ? EPOLLRDHUP : 0),
                                  all->packets ? on_packet : on_stream, c) < 0) {
                safe_close(fd);
                free(c);
                return;
        }
        (void)sd_event_source_set_description(c->source, "sensor-client");
        c->all = all;
        c->fd = fd;
        c->sender = *sender;
        c->lines.max = all->intake->max_line;
        c->begun_at = USEC_INFINITY;
        places_enter(&all->places, &c->place, sender_peer(sender), now_of(all));
        if (all->remote) /* a peer without power says no goodbye */
                (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &yes, sizeof(yes));
}

void clients_add(Clients *all, int fd)
{
        Sender sender = sender_of_client(fd);
        uint64_t peer = sender_peer(&sender);
        Place *leaver;

        if (!places_find(&all->places, peer, now_of(all), &leaver)) {
                turn_away(all, &sender, fd);
                return;
        }
        if (leaver)
                make_leave(all, client_of(leaver), peer);
        client_new(all, &sender, fd);
}

/* ---- time ---- */

static void drop_slow(Clients *all, usec_t now)
{
        all->slow_at = USEC_INFINITY;
        for (Place *place = all->places.first, *next; place; place = next) {
                Client *c = client_of(place);

                next = place->next;
                if (c->begun_at == USEC_INFINITY)
                        continue;
                if (usec_add(c->begun_at, LINE_USEC) > now) {
                        all->slow_at = MIN(all->slow_at, usec_add(c->begun_at, LINE_USEC));
                        continue;
                }
                line_intake_refuse(all->intake, &c->sender, REFUSAL_MALFORMED,
                                   "a line was refused (malformed): its end did not come within 30 seconds; the client "
                                   "was dropped");
                client_free(c);
        }
}

/* Those who wait go on, if there is room now. */
static void resume(Clients *all, usec_t now)
{
        if (!line_intake_has_room(all->intake)) {
                all->resume_wait = MIN(all->resume_wait * 2, RESUME_MAX);
                all->resume_at = usec_add(now, all->resume_wait);
                return;
        }
        all->resume_at = USEC_INFINITY;
        for (Place *place = all->places.first, *next; place; place = next) {
                next = place->next;
                if (place->held)
                        client_work(client_of(place));
        }
}

usec_t clients_deadline(const Clients *all)
{
        return MIN(all->resume_at, all->slow_at);
}

void clients_tick(Clients *all, usec_t now)
{
        if (now >= all->slow_at)
                drop_slow(all, now);
        if (now >= all->resume_at)
                resume(all, now);
}

/* ---- life ---- */

void clients_init(Clients *all, LineIntake *intake, sd_event *event, unsigned max)
{
        *all = (Clients){
                .intake = intake,
                .event = event,
                .places.max = max,
                .slow_at = USEC_INFINITY,
                .resume_at = USEC_INFINITY,
        };
}

void clients_done(Clients *all)
{
        while (all->places.first)
                client_free(client_of(all->places.first));
}
