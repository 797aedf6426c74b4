/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Socket bench - a bench with one sensor "apps" that listens in a folder of its own, and those who write to it
 *
 * There is one in a test.
 */

#include <sys/socket.h>

#include "bench.h"
#include "log-capture.h"
#include "sensor/driver.h"

extern Bench bench;
extern Sensors *sensors;
extern Ticker ticker;
extern LogCapture capture;
extern char folder[32];
extern char path[64]; /* of the unix socket, in it */
extern char listen_text[96];

void socket_bench_setup(void);
void socket_bench_teardown(void);

SensorSettings socket_settings(const char *kind); /* "stream" "dgram" "seqpacket" */
const SensorStatus *start(SensorSettings s);

int sender(int type); /* connected to the unix socket */
void say(int fd, const char *text, size_t n);
void say_line(int fd, const char *text);
bool is_closed(int fd); /* by the sensor */

/* "tcp" or "udp"; host: 0 is 127.0.0.1, 1 is [::1]. With a port that nobody has at the moment. */
SensorSettings address_settings(const char *scheme, size_t host, struct sockaddr_storage *ret, socklen_t *ret_size);
int sender_to(int type, const struct sockaddr_storage *address, socklen_t size);
int sender_from(const char *host, const struct sockaddr_storage *address, socklen_t size); /* of TCP */
