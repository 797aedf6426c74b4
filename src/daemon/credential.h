/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Credential - the connection string, or the key for the provisioning service, from where only the daemon can read it
 *
 * Either a systemd credential, a name in $CREDENTIALS_DIRECTORY, or a file that belongs to root or to us and
 * that nobody else can read. The text is wiped as soon as it was taken apart.
 */

#include "azure/connection-string.h"
#include "hub/hub.h"

/* What the unit hands over in the place of one that it names and that cannot be had: systemd would not start us
 * else. */
#define CREDENTIAL_UNOPENED "unopened"

enum {
        _CREDENTIAL_E_SUCCESS,
        CREDENTIAL_E_NONE,  /* nobody has given one yet, or it is gone */
        CREDENTIAL_E_UNFIT, /* it cannot be read, or may not be used */
};

/* file: as in hub.connection_string_file. CREDENTIAL_E_* come with a text of what is wrong and what to do,
 * without anything of the secret; -ENOMEM. */
int credential_read(const char *file, ConnectionString **ret, char **ret_error);
/* The same of whatever the settings ask for. With hub->dps it is a connection string with nothing but the device's key,
 * which a group's is turned into. */
int credential_find(const HubSettings *hub, ConnectionString **ret, char **ret_error);
/* The file that it reads, and the setting that names it. */
const char *credential_file(const HubSettings *hub, const char **ret_setting);
/* The same from the text of a key, base64 with blanks around it; where: in words. */
int credential_of_key(const char *text, const char *where, ConnectionString **ret, char **ret_error);
