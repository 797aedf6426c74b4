/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Control - how commands speak to the running server
 *
 * A socket in the state directory; whoever may enter the directory may speak. One packet of JSON is the request,
 * one the answer, then the socket closes. The answer is {"error": "..."} or whatever the verb gives.
 */

#include <json-c/json.h>
#include <systemd/sd-event.h>

#include "devhub/hub/state-dir.h"

typedef struct Control Control;

/* Gives a new answer; NULL: no memory. */
typedef json_object *(*ControlHandler)(void *userdata, json_object *request);

int control_listen(Control **ret, sd_event *event, StateDir *dir, ControlHandler handler, void *userdata);
Control *control_free(Control *control); /* removes the socket */
DEFINE_CLEANUP(Control *, control_free);

/* The other end. -ECONNREFUSED: no server runs here. */
/* Its answer is not waited for; so it may be asked by another server. */
int control_tell(const StateDir *dir, json_object *request);
int control_call(const StateDir *dir, json_object *request, json_object **ret_answer);
