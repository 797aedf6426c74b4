/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Cloud mail - a message to a device as a service sends it over AMQP (protocol reference 9.3)
 *
 * Its `to` names the device, /devices/{d}/messages/devicebound, or a module of it, /devices/{d}/modules/{m}/messages/
 * devicebound: the ids percent-encoded, the words in any case. A message id may be text, a UUID or a number;
 * application properties that are no text are written as such.
 */

#include <proton/message.h>

#include "devhub/hub/cloud-message.h"

typedef struct CloudMail {
        char *device_id;
        char *module_id; /* or NULL */
        CloudMessage message;
} CloudMail;

void cloud_mail_done(CloudMail *mail);

/* -EINVAL: *ret_error (static) says what is wrong with it; -ENOMEM. */
int cloud_mail_read(pn_message_t *message, CloudMail *ret, const char **ret_error);
