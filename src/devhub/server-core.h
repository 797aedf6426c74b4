/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The inside of the server, for the files that it is made of
 *
 * server.c     its life, and what is asked of it
 * reception.c  what its links tell
 */

#include "base/pulse.h"
#include "devhub/departures.h"
#include "devhub/mqtt-door.h"
#include "devhub/server.h"
#include "devhub/turn.h"

struct Server {
        ServerSettings settings;
        char *host;
        Store *store;
        sd_event *event;

        MqttDoor door;
        Turn *turn;
        Links links;
        bool ended_links; /* some of them wait to be freed */

        Hub hub;
        Pulse *pulse;
        DeskRow desks;

        HubClock clock;
        Strikes strikes;
        Departures departures;
};

/* reception.c */
LinkSink server_link_sink(Server *s);
