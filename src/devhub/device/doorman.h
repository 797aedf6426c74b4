/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Doorman - limits as MQTT clients feel them (protocol reference 2.6)
 *
 * No packet of MQTT says that there is too much: a CONNACK or a PUBACK comes late, and later, and then the link is
 * closed. At QoS 0 what is too much is lost. When the day's quota is used up the link is closed at the first thing
 * that is sent; CONNECT is still accepted.
 */

#include "devhub/hub/hub.h"
#include "devhub/net/link.h"

/* For whom the judge let in. False: not now, and *ret says whether it is to wait or to go. */
bool doorman_connect(const Hub *hub, Link *link, SessionGrant *ret);
/* What LinkSink.event returns: 0, or why the event is not to be stored. *ret_delay_usec: of its PUBACK. */
int doorman_event(const Hub *hub, Link *link, const SessionEvent *event, usec_t *ret_delay_usec);
