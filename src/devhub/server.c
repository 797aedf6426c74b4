/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/server-core.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "devhub/hub/presence.h"

/* At the turn's end, when no link is on the stack. */
static void free_ended_links(void *userdata)
{
        Server *s = userdata;

        if (!s->ended_links)
                return;
        s->ended_links = false;
        links_free_ended(&s->links);
}

/* ---- life ---- */

static bool are_connected(void *userdata, const char *device_id, const char *module_id)
{
        Server *s = userdata;

        return links_find(&s->links, device_id, module_id) != NULL;
}

static usec_t last_activity(void *userdata, const char *device_id, const char *module_id)
{
        Server *s = userdata;
        Link *link = links_find(&s->links, device_id, module_id);

        return link ? link_notes(link)->active_usec : 0;
}

static unsigned n_connected(void *userdata)
{
        Server *s = userdata;

        return links_n_devices(&s->links);
}

static void forget(void *userdata, const char *device_id, const char *module_id)
{
        Server *s = userdata;

        if (departures_add(&s->departures, device_id, module_id) < 0)
                turn_spoil(s->turn);
        turn_want_end(s->turn);
}

static void on_turn_ended(void *userdata, bool committed)
{
        Server *s = userdata;

        if (committed)
                departures_carry_out(&s->departures);
        else
                departures_call_off(&s->departures);
}

static int commit(void *userdata)
{
        Server *s = userdata;

        return s->turn ? turn_commit(s->turn) : -ESHUTDOWN; /* no turn: all is being closed */
}

static void spoil(void *userdata)
{
        Server *s = userdata;

        if (s->turn)
                turn_spoil(s->turn);
}

int server_new(Server **ret, sd_event *event, const ServerSettings *settings, Certificates *certificates,
               Store *store, const char **ret_error)
{
        _cleanup_(server_freep) Server *s = calloc(1, sizeof(*s));
        int r;

        *ret_error = "no memory";
        if (!s)
                return -ENOMEM;
        s->settings = *settings;
        s->store = store;
        s->event = sd_event_ref(event);
        s->host = strdup(settings->host);
        if (!s->host)
                return -ENOMEM;
        s->settings.host = s->host;
        s->hub = (Hub){
                .store = store,
                .clock = &s->clock.clock,
                .faults = &s->strikes.faults,
                .host = s->host,
                .devices = {are_connected, forget, last_activity, n_connected, s},
                .commit = commit,
                .spoil = spoil,
                .userdata = s,
        };
        s->departures = (Departures){.store = store, .links = &s->links, .desks = &s->desks};
        hub_clock_init(&s->clock);
        r = hub_clock_load(&s->clock, store);
        if (r < 0) {
                *ret_error = "cannot read how far the hub's clock was moved";
                return r;
        }
        strikes_init(&s->strikes, &s->links, certificates, &s->clock);
        r = pulse_new(&s->pulse, event, &clock_system);
        if (r >= 0)
                r = pulse_add(s->pulse, strikes_ticker(&s->strikes));
        if (r < 0)
                return r;
        r = turn_new(&s->turn, event, store, s->hub.clock, free_ended_links, s);
        if (r < 0) {
                *ret_error = "cannot write events";
                return r;
        }
        turn_on_end(s->turn, on_turn_ended, s);
        s->door = (MqttDoor){.event = event, .links = &s->links, .strikes = &s->strikes, .sink = server_link_sink(s)};
        r = mqtt_door_open(&s->door, settings->listen, settings->mqtt_port, ret_error);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(s);
        return 0;
}

static void note_the_end(Server *s)
{
        for (size_t i = 0; i < s->links.n; i++) {
                const Verdict *v = link_verdict(s->links.all[i]);

                if (link_is_open(s->links.all[i]) && v->device_id)
                        (void)presence_changed(s->store, v->device_id, v->module_id, false,
                                               clock_wall(s->hub.clock));
        }
}

void server_close_links(Server *s)
{
        if (s->turn)
                note_the_end(s);
        s->turn = turn_free(s->turn);
        links_done(&s->links);
}

Server *server_free(Server *s)
{
        if (!s)
                return NULL;
        mqtt_door_close(&s->door);
        server_close_links(s);
        pulse_free(s->pulse);
        strikes_done(&s->strikes);
        departures_call_off(&s->departures);
        free(s->host);
        sd_event_unref(s->event);
        free(s);
        return NULL;
}

/* ---- verbs ---- */

void server_take_websocket(Server *s, const WireHandover *handover)
{
        mqtt_door_take_websocket(&s->door, handover);
}

int server_move_clock(Server *s, int64_t by_usec)
{
        int r;

        if (!s->settings.virtual_clock)
                return -EPERM;
        if (by_usec > (int64_t)SERVER_CLOCK_STEP_MAX || by_usec < -(int64_t)SERVER_CLOCK_STEP_MAX)
                return -ERANGE;
        r = hub_clock_move(&s->clock, s->store, by_usec);
        if (r >= 0) {
                r = turn_commit(s->turn);
                if (r < 0)
                        s->clock.moved_usec -= by_usec;
        }
        strikes_set_ends(&s->strikes);
        return r;
}

void server_forget(Server *s, const char *device_id, const char *module_id)
{
        departures_at_once(&s->departures, device_id, module_id);
        turn_want_end(s->turn);
}

void server_cut(Server *s, const char *device_id, const char *module_id)
{
        departures_cut(&s->departures, device_id, module_id);
        turn_want_end(s->turn);
}

int server_add_desk(Server *s, const Desk *desk)
{
        return desk_row_add(&s->desks, desk);
}

void server_set_limits(Server *s, Limits *limits)
{
        s->hub.limits = limits;
        turn_set_limits(s->turn, limits);
}

int server_add_ticker(Server *s, Ticker ticker)
{
        return pulse_add(s->pulse, ticker);
}

void server_on_stored(Server *s, void (*stored)(void *userdata), void *userdata)
{
        turn_on_stored(s->turn, stored, userdata);
}

/* ---- questions ---- */

Hub *server_hub(Server *s)
{
        return &s->hub;
}

const Links *server_links(const Server *s)
{
        return &s->links;
}

uint16_t server_mqtt_port(const Server *s)
{
        return mqtt_door_port(&s->door);
}

usec_t server_wall(const Server *s)
{
        return clock_wall(s->hub.clock);
}

Strikes *server_strikes(Server *s)
{
        return &s->strikes;
}
