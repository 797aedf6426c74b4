/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/trial.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/credential.h"

#define TYPE              "IOTHUB_DEVICE_SECURITY_TYPE"
#define CONNECTION_STRING "IOTHUB_DEVICE_CONNECTION_STRING"
#define DPS_ENDPOINT      "IOTHUB_DEVICE_DPS_ENDPOINT"
#define DPS_ID_SCOPE      "IOTHUB_DEVICE_DPS_ID_SCOPE"
#define DPS_DEVICE_ID     "IOTHUB_DEVICE_DPS_DEVICE_ID"
#define DPS_DEVICE_KEY    "IOTHUB_DEVICE_DPS_DEVICE_KEY"

/* Empty is as good as not set. */
static const char *get(const char *name)
{
        const char *value = getenv(name);

        return value && *value ? value : NULL;
}

bool trial_is_wanted(void)
{
        return get(TYPE);
}

static bool is_dps(void)
{
        return strcasecmp(get(TYPE), "DPS") == 0;
}

static bool is_connection_string(void)
{
        return strcasecmp(get(TYPE), "connectionString") == 0;
}

/* ---- the settings ---- */

static bool replace(char **text, const char *value)
{
        char *copy = value ? strdup(value) : NULL;

        if (value && !copy)
                return false;
        free(*text);
        *text = copy;
        return true;
}

int trial_apply(HubSettings *hub)
{
        DpsSettings *dps = &hub->dps;
        bool by_dps;

        if (!trial_is_wanted())
                return 0;
        by_dps = is_dps();
        if (!replace(&dps->id_scope, by_dps ? get(DPS_ID_SCOPE) : NULL) ||
            !replace(&dps->registration_id, by_dps ? get(DPS_DEVICE_ID) : NULL) || !replace(&dps->key_file, NULL) ||
            !replace(&dps->group_key_file, NULL) ||
            !replace(&dps->host, get(DPS_ENDPOINT) ?: DPS_HOST))
                return -ENOMEM;
        return 0;
}

/* ---- the credential ---- */

static int unfit(char **ret_error, const char *what, const char *why)
{
        return asprintf(ret_error, "the environment's %s %s", what, why) < 0 ? -ENOMEM : CREDENTIAL_E_UNFIT;
}

static int read_connection_string(ConnectionString **ret, char **ret_error)
{
        _cleanup_(connection_string_freep) ConnectionString *cs = NULL;
        const char *text = get(CONNECTION_STRING), *why = NULL;
        int r;

        if (!text)
                return unfit(ret_error, TYPE, "is connectionString, but " CONNECTION_STRING " is not set");
        r = connection_string_parse(text, &cs, &why);
        if (r == -EINVAL)
                return unfit(ret_error, CONNECTION_STRING " is no connection string:", why);
        if (r < 0)
                return r;
        if (!cs->host_name || !cs->device_id || !cs->shared_access_key)
                return unfit(ret_error, CONNECTION_STRING, "is not a device's: it needs HostName, DeviceId and "
                                                           "SharedAccessKey");
        *ret = TAKE_PTR(cs);
        return 0;
}

static int read_key(ConnectionString **ret, char **ret_error)
{
        static const char *const needed[] = {DPS_ID_SCOPE, DPS_DEVICE_ID, DPS_DEVICE_KEY};

        for (size_t i = 0; i < ARRAY_SIZE(needed); i++)
                if (!get(needed[i]))
                        return unfit(ret_error, TYPE " is DPS, but there is no", needed[i]);
        return credential_of_key(get(DPS_DEVICE_KEY), "the environment's " DPS_DEVICE_KEY, ret, ret_error);
}

int trial_credential(ConnectionString **ret, char **ret_error)
{
        if (is_dps())
                return read_key(ret, ret_error);
        if (is_connection_string())
                return read_connection_string(ret, ret_error);
        return unfit(ret_error, TYPE, "is neither connectionString nor DPS");
}
