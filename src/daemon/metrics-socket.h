/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Metrics socket - answers those who ask
 *
 * One question a connection, some connections at a time, some seconds for each: what does not keep to it is closed.
 *
 * Owns:   the socket, its file, and its clients.
 * Time:   boot clock.
 */

#include "daemon/metrics.h"
#include "sensor/driver.h"

typedef struct MetricsSocket MetricsSocket;

/* path, group: as unix_socket_open(). 0, SENSOR_E_FAILED with words, or a negative errno. source is borrowed. */
int metrics_socket_new(MetricsSocket **ret, sd_event *event, const Clock *clock, const MetricsSource *source,
                       const char *path, const char *group, char error[static SENSOR_ERROR_MAX]);
MetricsSocket *metrics_socket_free(MetricsSocket *s);

bool metrics_socket_is_there(const MetricsSocket *s); /* its file */
usec_t metrics_socket_deadline(const MetricsSocket *s);
void metrics_socket_tick(MetricsSocket *s, usec_t now);
