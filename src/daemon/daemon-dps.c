/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What the provisioning service said: kept in a file of the state directory, and told to those who speak of this
 * device.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log-id.h"
#include "base/log.h"
#include "daemon/daemon-core.h"
#include "hub/assignment.h"

/* ---- the file ---- */

static int on_load(void *userdata, Buffer *b)
{
        Daemon *d = userdata;

        return state_file_load(d->assignment_path, ASSIGNMENT_SIZE_MAX, b);
}

static void on_stored(void *userdata, int error)
{
        Daemon *d = userdata;

        if (error < 0)
                log_line(LOG_WARNING, LOG_ID_ASSIGNMENT_UNSAVED, NULL,
                         "The assigned hub cannot be remembered in %s: %s. The provisioning service is asked again at "
                         "the next start.",
                         d->assignment_path, strerror(-error));
}

static void on_store(void *userdata, const char *text, size_t size)
{
        Daemon *d = userdata;
        int r = state_file_store(d->assignment, text, size);

        if (r < 0)
                on_stored(d, r);
}

HubMemory daemon_hub_memory(Daemon *d)
{
        return (HubMemory){on_load, on_store, d};
}

int daemon_open_assignment(Daemon *d)
{
        if (asprintf(&d->assignment_path, "%s/assignment", d->arguments.state_dir) < 0) {
                d->assignment_path = NULL;
                return -ENOMEM;
        }
        return state_file_new(&d->assignment, d->assignment_path, d->disk, on_stored, d);
}

/* ---- who we are ---- */

/* The device's name is known with the assignment only. */
void daemon_know_device(Daemon *d)
{
        _cleanup_free_ char *device_id = NULL;
        HubStatus status;
        int r;

        if (!d->settings->hub.dps.id_scope)
                return;
        hub_status(d->hub, &status);
        if (!*status.device_id || (d->device_id && strcmp(d->device_id, status.device_id) == 0))
                return;
        device_id = strdup(status.device_id);
        r = device_id ? daemon_configure_flow(d, d->settings, device_id) : -ENOMEM;
        if (r < 0) {
                log_error("Messages cannot name this device: %s.", strerror(-r));
                return;
        }
        free(d->device_id);
        d->device_id = TAKE_PTR(device_id);
}
