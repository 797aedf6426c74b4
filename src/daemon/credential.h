/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Credential - the connection string, from where only the daemon can read it
 *
 * Either a systemd credential, a name in $CREDENTIALS_DIRECTORY, or a file that belongs to root or to us and
 * that nobody else can read. The text is wiped as soon as it was taken apart.
 */

#include "azure/connection-string.h"

enum {
        _CREDENTIAL_E_SUCCESS,
        CREDENTIAL_E_NONE,  /* nobody has given one yet */
        CREDENTIAL_E_UNFIT, /* it cannot be read, or may not be used */
};

/* file: as in hub.connection_string_file. CREDENTIAL_E_* come with a text of what is wrong and what to do,
 * without anything of the secret; -ENOMEM. */
int credential_read(const char *file, ConnectionString **ret, char **ret_error);
