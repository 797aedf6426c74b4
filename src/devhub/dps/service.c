/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/dps/service.h"

#include <errno.h>
#include <stdio.h>
#include <sys/random.h>

#include "devhub/dps/enrollment.h"
#include "devhub/dps/registration.h"

#define ID_SCOPE "id_scope"

static int ensure_id_scope(Store *store)
{
        _cleanup_free_ char *there = NULL;
        char text[16];
        uint32_t draw;
        int r;

        r = store_get(store, ID_SCOPE, &there);
        if (r != 0)
                return r < 0 ? r : 0;
        if (getrandom(&draw, sizeof(draw), 0) != (ssize_t)sizeof(draw))
                return -EIO;
        (void)snprintf(text, sizeof(text), "0ne%08X", draw);
        return store_set(store, ID_SCOPE, text);
}

int dps_service_prepare(Store *store)
{
        int r = enrollment_prepare(store);

        if (r >= 0)
                r = registration_prepare(store);
        return r < 0 ? r : ensure_id_scope(store);
}

int dps_service_id_scope(Store *store, char **ret)
{
        int r = store_get(store, ID_SCOPE, ret);

        return r == 0 ? -ENOENT : MIN(r, 0);
}
