/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Redirect - where a hub keeps the events of its devices
 *
 * A hub does not serve them itself: who attaches to /messages/events is sent to an Event Hubs endpoint, by the
 * condition amqp:link:redirect with `address`, `hostname`, `network-host` and `port` (protocol reference 9.5). The
 * address is the one that all clients read: amqps://HOST[:PORT]/ENTITY, with or without what belongs to the link that
 * was asked for: /$management, /ConsumerGroups/..., a slash. Pure.
 */

#include "base/macro.h"

typedef struct Redirect {
        char *host;    /* the endpoint's name */
        char *address; /* where TCP goes, when that is elsewhere; or NULL */
        uint16_t port;
        char *entity;
} Redirect;

/* Each may be NULL, port 0. -EBADMSG: it leads nowhere; -ENOMEM. */
int redirect_parse(const char *address, const char *host_name, const char *network_host, uint16_t port, Redirect *ret);
void redirect_done(Redirect *r);
