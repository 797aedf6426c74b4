/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Which credential opened the hub last: the id that its setup gave it, in a file of the state directory.
 *
 * hublinkctl setup reads it, which is not there when a link comes back by itself, and keeps what has connected from
 * what was stored and never did. The id says nothing of the secret.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "daemon/credential.h"
#include "daemon/daemon-core.h"

static bool is_id(const char *text)
{
        return text && strlen(text) == CREDENTIAL_ID_LENGTH &&
               strspn(text, "0123456789abcdef") == CREDENTIAL_ID_LENGTH;
}

/* It is tried again with the next link. */
static void on_stored(void *userdata, int error)
{
        Daemon *d = userdata;

        if (error < 0) {
                log_debug("Which credential connected cannot be remembered: %s.", strerror(-error));
                d->connected_is_told = false;
        }
}

static int load(Daemon *d, const char *path)
{
        _cleanup_(buffer_done) Buffer text = BUFFER_NULL;

        if (state_file_load(path, CREDENTIAL_ID_LENGTH, &text) == 0)
                d->connected_is_told = text.size == CREDENTIAL_ID_LENGTH &&
                                       memcmp(text.data, d->credential_id, text.size) == 0;
        return state_file_new(&d->connected, path, d->disk, on_stored, d);
}

int daemon_open_connected(Daemon *d)
{
        _cleanup_free_ char *path = NULL;
        const char *id = getenv(CREDENTIAL_ID_VARIABLE);

        if (!is_id(id))
                return 0;
        (void)strcpy(d->credential_id, id);
        if (asprintf(&path, "%s/" CREDENTIAL_ID_FILE, d->arguments.state_dir) < 0) {
                path = NULL;
                return -ENOMEM;
        }
        return load(d, path);
}

/* A file that the settings name by its whole path is none that the unit handed over. */
static bool is_handed_over(const Daemon *d)
{
        const char *setting, *file = credential_file(&d->settings->hub, &setting);

        return file && file[0] != '/';
}

void daemon_note_connected(Daemon *d)
{
        if (!d->connected || d->connected_is_told || !is_handed_over(d))
                return;
        d->connected_is_told = state_file_store(d->connected, d->credential_id, CREDENTIAL_ID_LENGTH) == 0;
}
