/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub-house.h"

#include <check.h>
#include <fcntl.h>
#include <string.h>

#include "devhub/hub/partitions.h"
#include "devhub/hub/registry.h"

static void open_store(DevhubHouse *house)
{
        ck_assert_int_eq(store_open(&house->store, house->folder, house->fd, true), 0);
}

static void create(DevhubHouse *house, const char *device_id, const char *module_id)
{
        _cleanup_(identity_done) Identity identity = {};

        ck_assert_int_eq(registry_create(&house->store, device_id, module_id, &identity), 0);
}

void devhub_house_open(DevhubHouse *house)
{
        *house = (DevhubHouse){.folder = "/tmp/devhub-house-XXXXXX"};
        ck_assert_ptr_nonnull(mkdtemp(house->folder));
        house->fd = open(house->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        ck_assert_int_ge(house->fd, 0);
        fake_clock_init(&house->time);
        open_store(house);
        ck_assert_int_ge(registry_prepare(&house->store), 0);
        ck_assert_int_ge(partitions_prepare(&house->store), 0);
        create(house, "d1", NULL);
        create(house, "d2", NULL);
        create(house, "d1", "m1");
}

void devhub_house_reopen(DevhubHouse *house)
{
        store_done(&house->store);
        open_store(house);
}

void devhub_house_close(DevhubHouse *house)
{
        static const char *const files[] = {"devhub.db", "devhub.db-wal", "devhub.db-shm"};

        store_done(&house->store);
        for (size_t i = 0; i < ARRAY_SIZE(files); i++)
                (void)unlinkat(house->fd, files[i], 0);
        house->fd = safe_close(house->fd);
        (void)rmdir(house->folder);
}
