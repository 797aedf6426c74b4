/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The mount of the queue's folder: where only a new start makes it writable again, that is what happens, if there is
 * somebody to start us.
 */

#include "base/log-id.h"
#include "base/log.h"
#include "daemon/daemon-core.h"
#include "daemon/notify.h"

static usec_t mount_deadline(void *userdata)
{
        return ((Daemon *)userdata)->mount.due_usec;
}

static void mount_tick(void *userdata, usec_t now)
{
        Daemon *d = userdata;

        if (now < d->mount.due_usec || !stale_mount_check(&d->mount, now))
                return;
        log_line(LOG_ERR, LOG_ID_MOUNT_STALE, NULL,
                 "%s: the disk is writable again, but the mount that this process has of it stays read-only. It ends, "
                 "for the service manager to start it anew.",
                 d->queue_directory);
        (void)sd_event_exit(d->event, EXIT_RUNTIME);
}

void daemon_build_mount(Daemon *d)
{
        stale_mount_init(&d->mount, d->queue_directory, stale_mount_look);
        daemon_mount_queue_changed(d);
}

void daemon_mount_queue_changed(Daemon *d)
{
        QueueStatus status;

        if (!d->queue || !d->mount.look || !notify_has_manager())
                return;
        queue_status(d->queue, &status);
        stale_mount_hear(&d->mount, status.disk_state == DISK_READ_ONLY, clock_boot(&d->house.clock));
}

Ticker daemon_mount_ticker(Daemon *d)
{
        return (Ticker){"mount", mount_deadline, mount_tick, d};
}
