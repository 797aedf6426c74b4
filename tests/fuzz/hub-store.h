/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Hub store - a hub's store in a folder of its own, for targets that ask a whole hub
 *
 * Check's assertions serve only Check's programs: the house of the unit tests cannot be used here. With the device
 * d1; nothing is committed after hub_store_open() but what the target commits itself.
 */

#include <fcntl.h>
#include <unistd.h>

#include "devhub/hub/partitions.h"
#include "devhub/hub/registry.h"
#include "fuzz.h"

typedef struct HubStore {
        char folder[32];
        int fd;
        Store store;
} HubStore;

static inline void hub_store_create(HubStore *s, const char *device_id, const char *module_id)
{
        Identity identity = {};

        promise(registry_create(&s->store, device_id, module_id, &identity) == 0);
        identity_done(&identity);
}

static inline void hub_store_open(HubStore *s)
{
        *s = (HubStore){.folder = "/tmp/fuzz-hub-XXXXXX"};
        promise(mkdtemp(s->folder));
        s->fd = open(s->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        promise(store_open(&s->store, s->folder, s->fd, true) >= 0);
        promise(registry_prepare(&s->store) >= 0 && partitions_prepare(&s->store) >= 0);
        hub_store_create(s, "d1", NULL);
}

static inline void hub_store_close(HubStore *s)
{
        static const char *const files[] = {"devhub.db", "devhub.db-wal", "devhub.db-shm"};

        store_done(&s->store);
        for (size_t i = 0; i < ARRAY_SIZE(files); i++)
                (void)unlinkat(s->fd, files[i], 0);
        s->fd = safe_close(s->fd);
        (void)rmdir(s->folder);
}
