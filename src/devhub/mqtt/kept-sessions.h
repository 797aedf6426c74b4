/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Kept sessions - what a client that does not connect clean has subscribed to
 *
 * A session begins with such a CONNECT and ends with a clean one, or with its identity. It lies in the store all that
 * time, so that it is there whatever ends the link, or the server. An identity has one, of five filters at most: that
 * bounds it all. Nothing here commits. Functions give negative errno.
 */

#include "devhub/hub/store.h"
#include "devhub/mqtt/subscription.h"

int kept_sessions_prepare(Store *store);

/* 1: it is taken up, and here are its subscriptions; 0: it is a new one. */
int kept_sessions_open(Store *store, const char *device_id, const char *module_id, Subscriptions *ret);
/* The subscriptions are these now. */
int kept_sessions_write(Store *store, const char *device_id, const char *module_id, const Subscriptions *subscriptions);
/* 1: it is over; 0: there was none. */
int kept_sessions_drop(Store *store, const char *device_id, const char *module_id);
int kept_sessions_drop_device(Store *store, const char *device_id); /* with all its modules */
