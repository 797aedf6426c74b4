/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Listener - a TCP port, and those who knock
 *
 * When descriptors or memory run out it rests for a second instead of spinning.
 */

#include <systemd/sd-event.h>

#include "base/macro.h"

typedef struct Listener Listener;

/* A connection came, non-blocking, its address in words for the log. Takes the descriptor. */
typedef void (*ListenerSink)(void *userdata, int fd, const char *peer);

/* address: numeric. port 0: a free one. *ret_error (static) says what could not be done. */
int listener_new(Listener **ret, sd_event *event, const char *address, uint16_t port, ListenerSink sink,
                 void *userdata, const char **ret_error);
Listener *listener_free(Listener *listener);
DEFINE_CLEANUP(Listener *, listener_free);

uint16_t listener_port(const Listener *listener);

/* Says in the log why a port cannot be had, and what to do: option names it on the command line. */
void listener_complain(const char *address, uint16_t port, const char *option, const char *error, int r);
