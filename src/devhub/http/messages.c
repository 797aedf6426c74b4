/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/http/messages.h"

#include <inttypes.h>
#include <string.h>

#include "base/iso-time.h"
#include "devhub/hub/registry.h"

typedef struct Owner {
        const char *device_id;
        const char *module_id; /* NULL: the device itself */
} Owner;

static Owner owner_of(const HttpCall *call)
{
        return (Owner){http_call_part(call, "d"), http_call_part(call, "m")};
}

static void reply_unknown(HttpCall *call, Owner owner, bool module)
{
        if (module)
                http_reply_error(call, SERVICE_ERROR_MODULE_NOT_FOUND, "Module %s/%s not registered", owner.device_id,
                                 owner.module_id);
        else
                http_reply_error(call, SERVICE_ERROR_DEVICE_NOT_FOUND, "Device %s not registered", owner.device_id);
}

/* A token of a policy is good for identities that do not exist, or are disabled and may do nothing themselves. False:
 * that has been replied. */
static bool check_owner(const Hub *hub, HttpCall *call, Owner owner, bool is_caller)
{
        _cleanup_(identity_done) Identity identity = {};
        int r = registry_find(hub->store, owner.device_id, owner.module_id, &identity);

        if (r < 0)
                http_reply_failure(call, r, "look up a device");
        else if (r == REGISTRY_E_UNKNOWN)
                reply_unknown(call, owner, owner.module_id);
        else if (is_caller && identity.disabled)
                http_reply_error(call, SERVICE_ERROR_UNAUTHORIZED_ACCESS, "Unauthorized");
        else
                return true;
        return false;
}

/* ---- the next message ---- */

static bool is_token(unsigned char c)
{
        return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
               (c && strchr("!#$%&'*+-.^_`|~", c));
}

static bool is_printable(unsigned char c)
{
        return c >= 0x20 && c < 0x7f;
}

/* As it is, but for what cannot stand in a header: that is percent-encoded. */
static void append_safe(Buffer *b, const char *text, bool (*is_safe)(unsigned char c))
{
        for (; *text; text++)
                if (is_safe((unsigned char)*text))
                        buffer_append_char(b, *text);
                else
                        buffer_printf(b, "%%%02X", (unsigned char)*text);
}

static void add_text(HttpCall *call, const char *name, const char *value)
{
        _cleanup_(buffer_done) Buffer safe = BUFFER_NULL;

        if (!value)
                return;
        append_safe(&safe, value, is_printable);
        http_reply_header(call, name, "%s", safe.data ? safe.data : "");
}

static void add_time(HttpCall *call, const char *name, usec_t wall_usec)
{
        char text[ISO_TIME_MAX];

        if (wall_usec == 0)
                return;
        (void)iso_time_format_7(wall_usec, text);
        add_text(call, name, text);
}

static void add_property(HttpCall *call, const BagEntry *property)
{
        _cleanup_(buffer_done) Buffer name = BUFFER_NULL;

        buffer_append_string(&name, "iothub-app-");
        append_safe(&name, property->name, is_token);
        if (!buffer_error(&name))
                add_text(call, name.data, property->value ? property->value : "");
}

static void add_headers(HttpCall *call, const Mail *mail)
{
        const CloudMessage *m = &mail->message;

        http_reply_header(call, "ETag", "\"%s\"", mail->token);
        http_reply_header(call, "iothub-sequencenumber", "%" PRIu64, mail->sequence);
        http_reply_header(call, "iothub-deliverycount", "%u", mail->delivery_count);
        add_time(call, "iothub-enqueuedtime", mail->enqueued_usec);
        add_time(call, "iothub-expiry", m->expiry_usec);
        add_text(call, "iothub-messageid", m->message_id);
        add_text(call, "iothub-correlationid", m->correlation_id);
        add_text(call, "iothub-userid", m->user_id);
        add_text(call, "iothub-to", m->to);
        add_text(call, "iothub-ack", ack_mode_to_string(m->ack));
        add_text(call, "ContentType", m->content_type);
        add_text(call, "ContentEncoding", m->content_encoding);
        for (size_t i = 0; i < m->properties.n_entries; i++)
                add_property(call, &m->properties.entries[i]);
}

/* In seconds. False: it is not, and that has been replied. */
static bool read_lock_timeout(HttpCall *call, usec_t *ret_usec)
{
        const char *text = http_call_header(call, "IotHub-MessageLockTimeout");
        size_t size = text ? strlen(text) : 0;
        usec_t usec = 0;

        if (!text)
                return true;
        if (size > 0 && size <= 3 && strspn(text, "0123456789") == size)
                usec = strtoul(text, NULL, 10) * USEC_PER_SEC;
        if (usec == 0 || usec > MAILBOX_LOCK_USEC_MAX) {
                http_reply_error(call, SERVICE_ERROR_ARGUMENT_INVALID,
                                 "IotHub-MessageLockTimeout is not a number of seconds from 1 to 300");
                return false;
        }
        *ret_usec = usec;
        return true;
}

static void take(void *userdata, HttpCall *call)
{
        const Hub *hub = userdata;
        Owner owner = owner_of(call);
        _cleanup_(mail_done) Mail mail = {};
        MailHold hold = {};
        int r;

        if (!check_owner(hub, call, owner, true) || !read_lock_timeout(call, &hold.lock_usec))
                return;
        r = mailbox_take(hub->mailbox, owner.device_id, owner.module_id, &hold, &mail);
        if (r < 0) {
                http_reply_failure(call, r, "take a message");
                return;
        }
        if (r == MAILBOX_E_EMPTY) {
                http_reply_empty(call, 204);
                return;
        }
        add_headers(call, &mail);
        http_reply_bytes(call, 200, "application/octet-stream", mail.message.body, mail.message.body_size);
}

/* ---- what becomes of it ---- */

typedef int (*Verb)(Mailbox *mailbox, const char *device_id, const char *module_id, const char *token);

static void settle(const Hub *hub, HttpCall *call, Verb verb)
{
        Owner owner = owner_of(call);
        int r;

        if (!check_owner(hub, call, owner, true))
                return;
        r = verb(hub->mailbox, owner.device_id, owner.module_id, http_call_part(call, "token"));
        if (r < 0)
                http_reply_failure(call, r, "settle a message");
        else if (r == MAILBOX_E_LOCK_LOST)
                http_reply_error(call, SERVICE_ERROR_MESSAGE_LOCK_LOST, "The lock of the message has ended");
        else
                http_reply_empty(call, 204);
}

static void complete_or_reject(void *userdata, HttpCall *call)
{
        settle(userdata, call, http_call_query(call, "reject") ? mailbox_reject : mailbox_complete);
}

static void abandon(void *userdata, HttpCall *call)
{
        settle(userdata, call, mailbox_abandon);
}

/* ---- purge ---- */

static json_object *purged(Owner owner, unsigned n)
{
        json_object *body = json_object_new_object();

        json_object_object_add(body, "deviceId", json_object_new_string(owner.device_id));
        json_object_object_add(body, "moduleId", owner.module_id ? json_object_new_string(owner.module_id) : NULL);
        json_object_object_add(body, "totalMessagesPurged", json_object_new_int64(n));
        return body;
}

static void purge(void *userdata, HttpCall *call)
{
        const Hub *hub = userdata;
        Owner owner = owner_of(call);
        unsigned n = 0;
        int r;

        if (!check_owner(hub, call, owner, false))
                return;
        r = mailbox_purge(hub->mailbox, owner.device_id, owner.module_id, &n);
        if (r < 0)
                http_reply_failure(call, r, "purge a mailbox");
        else
                http_reply_json(call, 200, purged(owner, n));
}

/* ---- routes ---- */

#define DEVICE "/devices/{d}"
#define MODULE "/devices/{d}/modules/{m}"
#define MAIL   "/messages/deviceBound"

static const HttpRoute routes[] = {
        {"GET", DEVICE MAIL, RIGHT_DEVICE_CONNECT, take, .operation = OPERATION_C2D_RECEIVE},
        {"GET", MODULE MAIL, RIGHT_DEVICE_CONNECT, take, .operation = OPERATION_C2D_RECEIVE},
        {"DELETE", DEVICE MAIL "/{token}", RIGHT_DEVICE_CONNECT, complete_or_reject},
        {"DELETE", MODULE MAIL "/{token}", RIGHT_DEVICE_CONNECT, complete_or_reject},
        {"POST", DEVICE MAIL "/{token}/abandon", RIGHT_DEVICE_CONNECT, abandon},
        {"POST", MODULE MAIL "/{token}/abandon", RIGHT_DEVICE_CONNECT, abandon},
        {"DELETE", DEVICE "/commands", RIGHT_SERVICE_CONNECT, purge},
        {"DELETE", MODULE "/commands", RIGHT_SERVICE_CONNECT, purge},
};

int http_messages_add(HttpRouter *router, const Hub *hub)
{
        return http_router_add(router, routes, ARRAY_SIZE(routes), (void *)hub);
}
