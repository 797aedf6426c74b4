/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Has what is stored connected to its hub?
 *
 * Its link need not have come up while a setup looked, and the hublinkd that runs need not have what is stored since:
 * so each that is stored has an id, and hublinkd writes down that of the last which connected. Where it wrote nothing,
 * as before an upgrade or with another state directory, its link tells.
 */

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "ctl/root.h"
#include "ctl/setup.h"
#include "model/credential-id.h"

#define CONNECTED "/var/lib/hublink/" CREDENTIAL_ID_FILE
#define TEXT_MAX  (64 * 1024)
#define LINE      "\nEnvironment=" CREDENTIAL_ID_VARIABLE "="

/* The folder of the one is not root's alone. Stays empty where there is none. */
static void read_text(const SetupWays *ways, const char *path, Buffer *b)
{
        _cleanup_close_ int fd = root_open(ways->root, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0);

        if (fd < 0 || file_read(b, fd, TEXT_MAX) < 0)
                buffer_clear(b);
        buffer_append(b, "", 0);
}

static void take_id(const char *text, char ret[static CREDENTIAL_ID_LENGTH + 1])
{
        (void)snprintf(ret, CREDENTIAL_ID_LENGTH + 1, "%.*s", (int)strspn(text, "0123456789abcdef"), text);
}

bool setup_has_connected(const SetupWays *ways)
{
        char id[CREDENTIAL_ID_LENGTH + 1], connected[CREDENTIAL_ID_LENGTH + 1];
        _cleanup_(buffer_done) Buffer unit = BUFFER_NULL, state = BUFFER_NULL;
        const char *line;

        read_text(ways, SETUP_UNIT, &unit);
        read_text(ways, CONNECTED, &state);
        line = strstr(unit.data ?: "", LINE);
        take_id(line ? line + strlen(LINE) : "", id);
        take_id(state.data ?: "", connected);
        if (!*id || !*connected) {
                SetupLink link = setup_link(ways);

                return link == SETUP_LINK_UP || link == SETUP_LINK_ONCE;
        }
        return strcmp(id, connected) == 0;
}
