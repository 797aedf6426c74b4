/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Trial - a credential from the environment, under the names that the device samples give it
 *
 *     IOTHUB_DEVICE_SECURITY_TYPE       connectionString or DPS; without it the environment says nothing
 *     IOTHUB_DEVICE_CONNECTION_STRING
 *     IOTHUB_DEVICE_DPS_ENDPOINT        left out: the global one
 *     IOTHUB_DEVICE_DPS_ID_SCOPE  IOTHUB_DEVICE_DPS_DEVICE_ID  IOTHUB_DEVICE_DPS_DEVICE_KEY
 *
 * It takes the place of what the settings say of the credential. Nothing of a secret is kept here or told.
 */

#include "azure/connection-string.h"
#include "hub/hub.h"

bool trial_is_wanted(void);

/* The settings that the environment replaces. -ENOMEM. */
int trial_apply(HubSettings *hub);
/* As credential_read(). Only when it is wanted. */
int trial_credential(ConnectionString **ret, char **ret_error);
