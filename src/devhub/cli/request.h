/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Request - what a command asks of the running server
 *
 * What goes wrong is said on stderr.
 */

#include "devhub/cli/control.h"

json_object *request_new(const char *verb);
/* Takes the request. Gives the answer to be put; negative: there is none, or the server refused. */
int request_ask(const StateDir *dir, json_object *request, json_object **ret_answer);
/* Likewise, when the answer says nothing: the program's exit status. */
int request_do(const StateDir *dir, json_object *request);
