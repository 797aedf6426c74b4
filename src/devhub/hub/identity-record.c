/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/hub/identity-record.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/iso-time.h"
#include "base/secret.h"
#include "devhub/hub/key.h"
#include "devhub/hub/mailbox.h"
#include "model/json-read.h"

/* ---- reading ---- */

static int bad(const char **ret_error, const char *error)
{
        *ret_error = error;
        return -EBADMSG;
}

/* 1: a text is there; 0: nothing, or null (*ret NULL); -EBADMSG: something else. */
static int get_text(json_object *object, const char *name, const char **ret)
{
        json_object *value;

        *ret = NULL;
        if (!json_object_object_get_ex(object, name, &value) || !value)
                return 0;
        if (!json_object_is_type(value, json_type_string))
                return -EBADMSG;
        *ret = json_object_get_string(value);
        return 1;
}

/* Likewise for an object. */
static int get_object(json_object *object, const char *name, json_object **ret)
{
        if (!json_object_object_get_ex(object, name, ret) || !*ret)
                return 0;
        return json_object_is_type(*ret, json_type_object) ? 1 : -EBADMSG;
}

static int set_text(char **member, const char *text)
{
        char *copy = text ? strdup(text) : NULL;

        if (text && !copy)
                return -ENOMEM;
        free(*member);
        *member = copy;
        return 0;
}

static int set_secret(char **member, const char *text)
{
        char *copy = strdup(text);

        if (!copy)
                return -ENOMEM;
        secret_free(*member);
        *member = copy;
        return 0;
}

static int read_key(json_object *keys, const char *name, char **member, const char **ret_error)
{
        const char *text;
        int r = get_text(keys, name, &text);

        if (r < 0 || (r > 0 && *text && !key_is_valid(text)))
                return bad(ret_error, "a key is not base64 of 16 to 64 bytes");
        return r > 0 ? set_secret(member, text) : 0;
}

static int read_thumbprint(json_object *prints, const char *name, char **member, const char **ret_error)
{
        const char *text;
        size_t size;
        int r = get_text(prints, name, &text);

        if (r < 0)
                return bad(ret_error, "a thumbprint is not a text");
        size = r > 0 ? strlen(text) : 0;
        if (size == 0)
                return set_text(member, NULL);
        if ((size != 40 && size != 64) || strspn(text, "0123456789abcdefABCDEF") != size)
                return bad(ret_error, "a thumbprint is not 40 or 64 hexadecimal digits");
        r = set_text(member, text);
        for (size_t i = 0; r >= 0 && i < size; i++)
                (*member)[i] = (char)toupper((unsigned char)(*member)[i]);
        return r;
}

/* Without a type the one with thumbprints is meant that has some. */
static int read_type(json_object *authentication, Identity *identity, const char **ret_error)
{
        const char *text;
        int r = get_text(authentication, "type", &text);

        if (r > 0) {
                identity->authentication = authentication_from_string(text);
                r = identity->authentication == _AUTHENTICATION_INVALID ? -EBADMSG : 0;
        } else if (r == 0 && identity->primary_thumbprint) {
                identity->authentication = AUTHENTICATION_SELF_SIGNED;
        }
        return r < 0 ? bad(ret_error, "authentication.type is none of sas, selfSigned, certificateAuthority, none") : 0;
}

/* What another way of authentication has left behind goes. */
static int drop_the_others(Identity *identity)
{
        int r = 0;

        if (identity->authentication != AUTHENTICATION_SAS) {
                r = set_secret(&identity->primary_key, "");
                if (r >= 0)
                        r = set_secret(&identity->secondary_key, "");
        }
        if (r >= 0 && identity->authentication != AUTHENTICATION_SELF_SIGNED) {
                r = set_text(&identity->primary_thumbprint, NULL);
                if (r >= 0)
                        r = set_text(&identity->secondary_thumbprint, NULL);
        }
        return r;
}

static int read_authentication(json_object *record, Identity *identity, const char **ret_error)
{
        json_object *authentication, *keys, *prints;
        int r;

        r = get_object(record, "authentication", &authentication);
        if (r <= 0)
                return r < 0 ? bad(ret_error, "authentication is not an object") : 0;
        r = get_object(authentication, "symmetricKey", &keys);
        if (r < 0)
                return bad(ret_error, "authentication.symmetricKey is not an object");
        if (r > 0) {
                r = read_key(keys, "primaryKey", &identity->primary_key, ret_error);
                if (r >= 0)
                        r = read_key(keys, "secondaryKey", &identity->secondary_key, ret_error);
                if (r < 0)
                        return r;
        }
        r = get_object(authentication, "x509Thumbprint", &prints);
        if (r < 0)
                return bad(ret_error, "authentication.x509Thumbprint is not an object");
        if (r > 0) {
                r = read_thumbprint(prints, "primaryThumbprint", &identity->primary_thumbprint, ret_error);
                if (r >= 0)
                        r = read_thumbprint(prints, "secondaryThumbprint", &identity->secondary_thumbprint, ret_error);
                if (r < 0)
                        return r;
        }
        r = read_type(authentication, identity, ret_error);
        if (r < 0)
                return r;
        if (identity->authentication == AUTHENTICATION_SELF_SIGNED && !identity->primary_thumbprint)
                return bad(ret_error, "a selfSigned identity needs a primaryThumbprint");
        return drop_the_others(identity);
}

static int read_status(json_object *record, Identity *identity, const char **ret_error)
{
        const char *status, *reason;
        int r;

        r = get_text(record, "status", &status);
        if (r < 0 || (r > 0 && strcasecmp(status, "enabled") != 0 && strcasecmp(status, "disabled") != 0))
                return bad(ret_error, "status is neither enabled nor disabled");
        if (r > 0)
                identity->disabled = strcasecmp(status, "disabled") == 0;
        r = get_text(record, "statusReason", &reason);
        if (r < 0 || (r > 0 && strlen(reason) > IDENTITY_REASON_MAX))
                return bad(ret_error, "statusReason is not a text of at most 128 characters");
        if (!json_object_object_get_ex(record, "statusReason", NULL))
                return 0;
        return set_text(&identity->status_reason, reason);
}

static int read_capabilities(json_object *record, Identity *identity, const char **ret_error)
{
        json_object *capabilities, *edge;
        int r;

        r = get_object(record, "capabilities", &capabilities);
        if (r < 0)
                return bad(ret_error, "capabilities is not an object");
        if (r == 0 || !json_object_object_get_ex(capabilities, "iotEdge", &edge))
                return 0;
        if (edge && !json_object_is_type(edge, json_type_boolean))
                return bad(ret_error, "capabilities.iotEdge is neither true nor false");
        identity->is_edge = json_object_get_boolean(edge);
        return 0;
}

static int read_managed_by(json_object *record, Identity *identity, const char **ret_error)
{
        const char *text;
        int r = get_text(record, "managedBy", &text);

        if (r < 0)
                return bad(ret_error, "managedBy is not a text");
        return json_object_object_get_ex(record, "managedBy", NULL) ? set_text(&identity->managed_by, text) : 0;
}

static int check_id(json_object *record, const char *name, const char *id, const char **ret_error)
{
        const char *text;
        int r = get_text(record, name, &text);

        if (r < 0 || (r > 0 && (!id || strcmp(text, id) != 0)))
                return bad(ret_error, "its id is not the one in the path");
        return 0;
}

int identity_record_read(json_object *record, Identity *identity, const char **ret_error)
{
        int r;

        if (!json_object_is_type(record, json_type_object))
                return bad(ret_error, "it is not an object");
        r = check_id(record, "deviceId", identity->device_id, ret_error);
        if (r >= 0)
                r = check_id(record, "moduleId", identity->module_id, ret_error);
        if (r >= 0)
                r = read_authentication(record, identity, ret_error);
        if (r >= 0 && identity->module_id)
                return read_managed_by(record, identity, ret_error);
        if (r >= 0)
                r = read_status(record, identity, ret_error);
        return r < 0 ? r : read_capabilities(record, identity, ret_error);
}

/* ---- making ---- */

int identity_life(const Hub *hub, const Identity *identity, IdentityLife *ret)
{
        usec_t active_usec;
        int r;

        *ret = (IdentityLife){.is_connected = hub_is_connected(hub, identity->device_id, identity->module_id)};
        r = presence_find(hub->store, identity->device_id, identity->module_id, &ret->presence);
        if (r < 0)
                return r;
        active_usec = hub_last_activity(hub, identity->device_id, identity->module_id);
        ret->presence.activity_usec = MAX(ret->presence.activity_usec, active_usec);
        return mailbox_count(hub->store, identity->device_id, identity->module_id, &ret->n_messages);
}

json_object *identity_time(usec_t wall_usec)
{
        char text[ISO_TIME_MAX];

        if (wall_usec == 0)
                return json_object_new_string("0001-01-01T00:00:00Z");
        (void)iso_time_format_7(wall_usec, text);
        return json_object_new_string(text);
}

/* Members are put in one after the other; the first failure sticks. */
typedef struct Maker {
        json_object *object;
        int error;
} Maker;

static void put(Maker *m, const char *name, json_object *value)
{
        if (m->error < 0)
                json_object_put(value);
        else
                m->error = json_put(m->object, name, value);
}

static void put_text(Maker *m, const char *name, const char *text)
{
        if (text)
                put(m, name, json_object_new_string(text));
        else if (m->error >= 0 && json_object_object_add(m->object, name, NULL) < 0)
                m->error = -ENOMEM;
}

static Maker make(void)
{
        json_object *object = json_object_new_object();

        return (Maker){object, object ? 0 : -ENOMEM};
}

static json_object *made(Maker *m)
{
        if (m->error >= 0)
                return m->object;
        json_object_put(m->object);
        return NULL;
}

json_object *identity_thumbprints(const Identity *identity)
{
        Maker m = make();

        put_text(&m, "primaryThumbprint", identity->primary_thumbprint);
        put_text(&m, "secondaryThumbprint", identity->secondary_thumbprint);
        return made(&m);
}

static json_object *make_keys(const Identity *identity)
{
        bool has_keys = identity->authentication == AUTHENTICATION_SAS;
        Maker m = make();

        put_text(&m, "primaryKey", has_keys ? identity->primary_key : NULL);
        put_text(&m, "secondaryKey", has_keys ? identity->secondary_key : NULL);
        return made(&m);
}

static json_object *make_authentication(const Identity *identity)
{
        Maker m = make();

        put(&m, "symmetricKey", make_keys(identity));
        put(&m, "x509Thumbprint", identity_thumbprints(identity));
        put_text(&m, "type", authentication_to_string(identity->authentication));
        return made(&m);
}

static json_object *make_capabilities(const Identity *identity)
{
        Maker m = make();

        put(&m, "iotEdge", json_object_new_boolean(identity->is_edge));
        return made(&m);
}

static void put_life(Maker *m, const IdentityLife *life)
{
        put_text(m, "connectionState", life->is_connected ? "Connected" : "Disconnected");
        put(m, "connectionStateUpdatedTime", identity_time(life->presence.state_usec));
        put(m, "lastActivityTime", identity_time(life->presence.activity_usec));
        put(m, "cloudToDeviceMessageCount", json_object_new_int64(life->n_messages));
}

json_object *identity_record_make(const Identity *identity, const IdentityLife *life)
{
        Maker m = make();

        put_text(&m, "deviceId", identity->device_id);
        if (identity->module_id) {
                put_text(&m, "moduleId", identity->module_id);
                put_text(&m, "managedBy", identity->managed_by);
        }
        put_text(&m, "generationId", identity->generation_id);
        put_text(&m, "etag", identity->etag);
        if (!identity->module_id) {
                put_text(&m, "status", identity->disabled ? "disabled" : "enabled");
                put_text(&m, "statusReason", identity->status_reason);
                put(&m, "statusUpdatedTime", identity_time(identity->status_usec));
        }
        put_life(&m, life);
        put(&m, "authentication", make_authentication(identity));
        if (!identity->module_id)
                put(&m, "capabilities", make_capabilities(identity));
        return made(&m);
}
