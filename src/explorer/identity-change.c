/* SPDX-License-Identifier: Apache-2.0 */
#include "explorer/identity-change.h"

#include <ctype.h>
#include <string.h>

#include "base/secret.h"
#include "explorer/identity.h"
#include "explorer/key.h"
#include "explorer/output.h"
#include "explorer/path.h"

/* ---- a new one ---- */

json_object *identity_new(const char *id)
{
        json_object *o = json_object_new_object(), *authentication = json_object_new_object();
        json_object *keys = json_object_new_object();
        const char *slash = strchr(id, '/');
        bool ok = true;

        json_put(o, "deviceId", json_object_new_string_len(id, (int)strcspn(id, "/")), &ok);
        if (slash)
                json_put_text(o, "moduleId", slash + 1, &ok);
        json_put_text(keys, "primaryKey", "", &ok);
        json_put_text(keys, "secondaryKey", "", &ok);
        json_put_text(authentication, "type", "sas", &ok);
        json_put(authentication, "symmetricKey", keys, &ok);
        json_put(o, "authentication", authentication, &ok);
        if (ok)
                return o;
        (void)json_object_put(o);
        return NULL;
}

/* ---- how it logs in ---- */

static int put_key(const Words *w, const char *option, json_object *record, const char *member, bool *ok)
{
        _cleanup_(secret_buffer_done) Buffer key = BUFFER_NULL;
        int r = key_of_option(w, option, &key);
        json_object *authentication;

        if (r != EXPLORER_OK || key.size == 0)
                return r;
        authentication = json_object_made(record, "authentication", ok);
        json_put_text(authentication, "type", "sas", ok);
        json_put_text(json_object_made(authentication, "symmetricKey", ok), member, key.data, ok);
        return EXPLORER_OK;
}

static bool is_thumbprint(const char *text)
{
        size_t n = strlen(text);

        for (size_t i = 0; i < n; i++)
                if (!isxdigit((unsigned char)text[i]))
                        return false;
        return n == 40 || n == 64;
}

static int put_thumbprint(const Words *w, const char *option, json_object *record, const char *member, bool *ok)
{
        const char *value = words_value(w, option);
        json_object *authentication;

        if (!value)
                return EXPLORER_OK;
        if (!is_thumbprint(value))
                return bad_usage("--%s takes 40 or 64 hexadecimal digits without colons, not '%s'", option, value);
        authentication = json_object_made(record, "authentication", ok);
        json_put_text(authentication, "type", "selfSigned", ok);
        if (authentication)
                json_object_object_del(authentication, "symmetricKey");
        json_put_text(json_object_made(authentication, "x509Thumbprint", ok), member, value, ok);
        return EXPLORER_OK;
}

static void put_authority(json_object *record, bool *ok)
{
        json_object *authentication = json_object_new_object();

        json_put_text(authentication, "type", "certificateAuthority", ok);
        json_put(record, "authentication", authentication, ok);
}

static int check_methods(const Words *w)
{
        unsigned n = (words_have(w, "primary-key") || words_have(w, "secondary-key")) +
                     (words_have(w, "primary-thumbprint") || words_have(w, "secondary-thumbprint")) +
                     words_have(w, "x509-ca");

        return n > 1 ? bad_usage("keys, thumbprints and --x509-ca exclude each other: a device logs in with one of "
                                 "them")
                     : EXPLORER_OK;
}

static int change_login(const Words *w, json_object *record, bool *ok)
{
        int r = check_methods(w);

        if (r == EXPLORER_OK)
                r = put_key(w, "primary-key", record, "primaryKey", ok);
        if (r == EXPLORER_OK)
                r = put_key(w, "secondary-key", record, "secondaryKey", ok);
        if (r == EXPLORER_OK)
                r = put_thumbprint(w, "primary-thumbprint", record, "primaryThumbprint", ok);
        if (r == EXPLORER_OK)
                r = put_thumbprint(w, "secondary-thumbprint", record, "secondaryThumbprint", ok);
        if (r == EXPLORER_OK && words_have(w, "x509-ca"))
                put_authority(record, ok);
        return r;
}

/* ---- all ---- */

/* A hub takes these for a module too, and does nothing: whoever wants to lock it out must not be told that it is. */
static int check_kind(const Words *w)
{
        static const char *const of_devices[] = {"status", "status-reason", "edge"};
        const char *id = words_operand(w, 0);

        for (size_t i = 0; id && is_module(id) && i < ARRAY_SIZE(of_devices); i++)
                if (words_have(w, of_devices[i]))
                        return bad_usage("--%s is of a device, and '%s' is a module: give it to device '%.*s'",
                                         of_devices[i], id, (int)path_device_size(id), id);
        return EXPLORER_OK;
}

int identity_change(const Words *w, json_object *record)
{
        static const char *const statuses[] = {"enabled", "disabled", NULL}, *const answers[] = {"yes", "no", NULL};
        const char *status = NULL, *edge = NULL;
        bool ok = true;
        int r = check_kind(w);

        if (r == EXPLORER_OK)
                r = words_choice(w, "status", statuses, &status);
        if (r == EXPLORER_OK)
                r = words_choice(w, "edge", answers, &edge);
        if (r == EXPLORER_OK)
                r = change_login(w, record, &ok);
        if (r != EXPLORER_OK)
                return r;
        if (status)
                json_put_text(record, "status", status, &ok);
        if (words_have(w, "status-reason"))
                json_put_text(record, "statusReason", words_value(w, "status-reason"), &ok);
        if (edge)
                json_put(json_object_made(record, "capabilities", &ok), "iotEdge",
                         json_object_new_boolean(*edge == 'y'), &ok);
        return ok ? EXPLORER_OK : out_of_memory();
}

/* ---- new keys ---- */

static int swap_keys(json_object *keys)
{
        _cleanup_(secret_freep) char *first = strdup(json_text_of(keys, "primaryKey"));
        _cleanup_(secret_freep) char *second = strdup(json_text_of(keys, "secondaryKey"));
        bool ok = first && second;

        if (ok) {
                json_put_text(keys, "primaryKey", second, &ok);
                json_put_text(keys, "secondaryKey", first, &ok);
        }
        return ok ? EXPLORER_OK : out_of_memory();
}

static int renew(json_object *keys, const char *member)
{
        _cleanup_(secret_buffer_done) Buffer key = BUFFER_NULL;
        int r = key_draw(&key);
        bool ok = true;

        if (r != EXPLORER_OK)
                return r;
        json_put_text(keys, member, key.data, &ok);
        return ok ? EXPLORER_OK : out_of_memory();
}

int identity_renew_keys(const Words *w, json_object *record)
{
        static const char *const choices[] = {"primary", "secondary", "both", "swap", NULL};
        json_object *keys = json_object_member(json_object_member(record, "authentication"), "symmetricKey");
        const char *which = NULL;
        int r = words_choice(w, "renew-key", choices, &which);

        if (r != EXPLORER_OK || !which)
                return r;
        if (!identity_key(record, false) || !identity_key(record, true)) {
                complain("'%s' does not log in with keys, so there are none to renew",
                         json_text_of(record, "deviceId"));
                return EXPLORER_FAILED;
        }
        if (strcmp(which, "swap") == 0)
                return swap_keys(keys);
        if (strcmp(which, "secondary") != 0)
                r = renew(keys, "primaryKey");
        if (r == EXPLORER_OK && strcmp(which, "primary") != 0)
                r = renew(keys, "secondaryKey");
        return r;
}
