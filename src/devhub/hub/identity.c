/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/hub/identity.h"

#include <errno.h>
#include <string.h>

#include "base/secret.h"

void identity_done(Identity *identity)
{
        free(identity->device_id);
        free(identity->module_id);
        free(identity->generation_id);
        secret_free(identity->primary_key);
        secret_free(identity->secondary_key);
        *identity = (Identity){};
}

void policy_done(Policy *policy)
{
        secret_free(policy->primary_key);
        secret_free(policy->secondary_key);
        *policy = (Policy){};
}

bool identity_id_is_valid(const char *id)
{
        static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-.%_*?!(),:=@$'";
        size_t size = strlen(id);

        return size > 0 && size <= IDENTITY_ID_MAX && strspn(id, allowed) == size;
}

int identity_parse(const char *text, char **ret_device_id, char **ret_module_id)
{
        size_t size = strcspn(text, "/");
        _cleanup_free_ char *device_id = strndup(text, size), *module_id = NULL;

        if (!device_id)
                return -ENOMEM;
        if (text[size]) {
                module_id = strdup(text + size + 1);
                if (!module_id)
                        return -ENOMEM;
        }
        if (!identity_id_is_valid(device_id) || (module_id && !identity_id_is_valid(module_id)))
                return -EINVAL;
        *ret_device_id = TAKE_PTR(device_id);
        *ret_module_id = TAKE_PTR(module_id);
        return 0;
}

void identity_connection_string(const Identity *identity, const char *host, Buffer *b)
{
        buffer_printf(b, "HostName=%s;DeviceId=%s;", host, identity->device_id);
        if (identity->module_id)
                buffer_printf(b, "ModuleId=%s;", identity->module_id);
        buffer_printf(b, "SharedAccessKey=%s", identity->primary_key);
}

void identity_name(const char *device_id, const char *module_id, Buffer *b)
{
        buffer_append_string(b, device_id);
        if (module_id) {
                buffer_append_char(b, '/');
                buffer_append_string(b, module_id);
        }
}
