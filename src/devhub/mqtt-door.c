/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/mqtt-door.h"

#include "base/log.h"

#define LINKS_MAX 4096

static int add_link(MqttDoor *d, int fd, const char *peer)
{
        _cleanup_(link_freep) Link *link = NULL;
        bool stall;
        int r;

        r = link_new(&link, d->event, strikes_newcomer(d->strikes, &stall), fd, peer, &d->sink);
        if (r < 0)
                return r;
        if (stall)
                link_stall(link);
        return links_add(d->links, TAKE_PTR(link));
}

static int add_websocket(MqttDoor *d, const WireHandover *handover)
{
        Link *link;
        int r;

        r = link_new_websocket(&link, d->event, handover, &d->sink);
        if (r >= 0)
                r = links_add(d->links, link);
        if (r < 0)
                return r;
        if (handover->first_size > 0)
                link_feed(link, handover->first, handover->first_size);
        return 0;
}

static bool is_full(const MqttDoor *d, const char *peer)
{
        if (d->links->n < LINKS_MAX)
                return false;
        log_warning("%s: turned away: there are %d connections already", peer, LINKS_MAX);
        return true;
}

void mqtt_door_take_websocket(MqttDoor *d, const WireHandover *handover)
{
        if (is_full(d, handover->peer))
                handover->release(handover->userdata);
        else if (add_websocket(d, handover) < 0)
                log_warning("%s: turned away: no memory", handover->peer);
}

static void on_knock(void *userdata, int fd, const char *peer)
{
        MqttDoor *d = userdata;

        if (is_full(d, peer))
                safe_close(fd);
        else if (add_link(d, fd, peer) < 0)
                log_warning("%s: turned away: no memory", peer);
}

int mqtt_door_open(MqttDoor *d, const char *address, uint16_t port, const char **ret_error)
{
        return listener_new(&d->listener, d->event, address, port, on_knock, d, ret_error);
}

void mqtt_door_close(MqttDoor *d)
{
        d->listener = listener_free(d->listener);
}

uint16_t mqtt_door_port(const MqttDoor *d)
{
        return listener_port(d->listener);
}
