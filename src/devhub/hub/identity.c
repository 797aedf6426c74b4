/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/hub/identity.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/secret.h"

static const char *const authentications[_AUTHENTICATION_MAX] = {
        [AUTHENTICATION_SAS] = "sas",
        [AUTHENTICATION_SELF_SIGNED] = "selfSigned",
        [AUTHENTICATION_CERTIFICATE_AUTHORITY] = "certificateAuthority",
        [AUTHENTICATION_NONE] = "none",
};

const char *authentication_to_string(Authentication authentication)
{
        return authentications[authentication];
}

Authentication authentication_from_string(const char *text)
{
        for (int i = 0; i < _AUTHENTICATION_MAX; i++)
                if (strcasecmp(authentications[i], text) == 0)
                        return (Authentication)i;
        return _AUTHENTICATION_INVALID;
}

int identity_init(Identity *identity, const char *device_id, const char *module_id)
{
        *identity = (Identity){
                .device_id = strdup(device_id),
                .module_id = module_id ? strdup(module_id) : NULL,
                .primary_key = strdup(""),
                .secondary_key = strdup(""),
        };
        if (identity->device_id && (!module_id || identity->module_id) && identity->primary_key &&
            identity->secondary_key)
                return 0;
        identity_done(identity);
        return -ENOMEM;
}

void identity_done(Identity *identity)
{
        free(identity->device_id);
        free(identity->module_id);
        free(identity->generation_id);
        secret_free(identity->primary_key);
        secret_free(identity->secondary_key);
        free(identity->etag);
        free(identity->status_reason);
        free(identity->primary_thumbprint);
        free(identity->secondary_thumbprint);
        free(identity->managed_by);
        *identity = (Identity){};
}

bool identity_etag_matches(const Identity *identity, const char *if_match)
{
        size_t size = strlen(if_match);

        if (size >= 2 && if_match[0] == '"' && if_match[size - 1] == '"') {
                if_match++;
                size -= 2;
        }
        if (size == 1 && if_match[0] == '*')
                return true;
        return size > 0 && strlen(identity->etag) == size && memcmp(identity->etag, if_match, size) == 0;
}

bool identity_id_is_valid(const char *id)
{
        static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-.+%_#*?!(),:=@$'";
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
