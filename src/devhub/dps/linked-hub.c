/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/dps/linked-hub.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/log.h"
#include "devhub/hub/registry.h"
#include "devhub/hub/twin.h"

const LinkedHub *linked_hubs_find(const LinkedHubs *hubs, const char *host)
{
        for (size_t i = 0; hubs && i < hubs->n; i++)
                if (strcasecmp(hubs->all[i].host, host) == 0)
                        return &hubs->all[i];
        return NULL;
}

/* A hub that was served under another name would not know a device by this one. */
static int check_host(Store *store, const LinkedHub *hub)
{
        _cleanup_free_ char *host = NULL;
        int r = store_get(store, "host", &host);

        if (r < 0)
                return r;
        if (r > 0 && strcasecmp(host, hub->host) == 0)
                return 0;
        log_error("The linked hub %s is not the one in %s, which is %s: correct --linked-hub", hub->host,
                  hub->directory, r > 0 ? host : "none");
        return -ENXIO;
}

static int open_store(LinkedStore *s, const LinkedHub *hub)
{
        int r;

        r = state_dir_open(&s->dir, hub->directory, false);
        if (r >= 0)
                r = store_open(&s->store, s->dir.path, s->dir.fd, false);
        if (r >= 0)
                r = check_host(&s->store, hub);
        /* it may be older than we are */
        if (r >= 0)
                r = registry_prepare(&s->store);
        if (r >= 0)
                r = twin_prepare(&s->store);
        return r < 0 ? r : store_begin(&s->store);
}

static void complain(const LinkedHub *hub, const LinkedStore *s, int error)
{
        if (error == -ENXIO)
                return; /* check_host() has */
        if (error == -ENOENT || error == -ENOTDIR)
                log_error("No hub lives in %s, where the linked hub %s should be: serve it there once, with --host %s,"
                          " or correct --linked-hub",
                          hub->directory, hub->host, hub->host);
        else
                log_error("Cannot reach the linked hub %s in %s: %s (%s)", hub->host, hub->directory, strerror(-error),
                          s->store.db ? store_error(&s->store) : "it cannot be opened");
}

int linked_store_open(LinkedStore *ret, const LinkedHub *hub)
{
        int r;

        *ret = (LinkedStore){.dir = STATE_DIR_NULL};
        r = open_store(ret, hub);
        if (r >= 0)
                return 0;
        complain(hub, ret, r);
        linked_store_done(ret);
        return -EREMOTEIO;
}

int linked_store_commit(LinkedStore *s, const LinkedHub *hub, int error)
{
        int r = error < 0 ? error : store_commit(&s->store);

        if (r >= 0)
                return 0;
        log_error("Cannot write in the linked hub %s in %s: %s (%s)", hub->host, hub->directory, strerror(-r),
                  store_error(&s->store));
        return -EREMOTEIO;
}

int linked_hubs_check(const LinkedHubs *hubs)
{
        int worst = 0;

        for (size_t i = 0; i < hubs->n; i++) {
                LinkedStore there;
                int r = linked_store_open(&there, &hubs->all[i]);

                if (r < 0)
                        worst = r;
                else
                        linked_store_done(&there);
        }
        return worst;
}

void linked_store_done(LinkedStore *s)
{
        store_done(&s->store);
        state_dir_done(&s->dir);
}

int linked_hub_remove(const LinkedHubs *hubs, const LinkedHub *hub, const char *device_id)
{
        LinkedStore there;
        int r;

        r = linked_store_open(&there, hub);
        if (r < 0)
                return r;
        r = linked_store_commit(&there, hub, registry_remove(&there.store, device_id, NULL, NULL));
        if (r >= 0 && hubs->forget)
                hubs->forget(&there.dir, device_id);
        linked_store_done(&there);
        return r;
}
