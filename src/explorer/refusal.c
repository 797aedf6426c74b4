/* SPDX-License-Identifier: Apache-2.0 */
#include "explorer/refusal.h"

#include <inttypes.h>
#include <string.h>

#include "explorer/json-text.h"

#define SKEW_MAX_SEC    300 /* beyond, the hub refuses tokens */
#define MESSAGE_MAX     400
#define TRACKING_MARK   "Tracking ID:"
#define TRACKING_ID_MAX 80

static const struct {
        unsigned number;
        const char *name;
} numbers[] = {
        {400001, "InvalidProtocolVersion"},
        {400003, "InvalidOperation"},
        {400004, "ArgumentInvalid"},
        {400005, "ArgumentNull"},
        {400006, "IotHubFormatError"},
        {400012, "DeserializationError"},
        {400013, "BulkRegistryOperationFailure"},
        {401001, "IotHubNotFound"},
        {401002, "IotHubUnauthorizedAccess"},
        {401003, "IotHubUnauthorized"},
        {403001, "IotHubSuspended"},
        {403002, "IotHubQuotaExceeded"},
        {403003, "JobQuotaExceeded"},
        {403004, "DeviceMaximumQueueDepthExceeded"},
        {404001, "DeviceNotFound"},
        {404002, "JobNotFound"},
        {404010, "ModuleNotFound"},
        {404103, "DeviceNotOnline"},
        {409001, "DeviceAlreadyExists"},
        {409002, "LinkCreationConflict"},
        {409301, "ModuleAlreadyExistsOnDevice"},
        {412001, "PreconditionFailed"},
        {412002, "DeviceMessageLockLost"},
        {413001, "MessageTooLarge"},
        {413002, "TooManyDevices"},
        {413003, "TooManyModulesOnDevice"},
        {429001, "ThrottlingException"},
        {504101, "GatewayTimeout"},
};

static const char *name_of(unsigned number)
{
        for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
                if (numbers[i].number == number)
                        return numbers[i].name;
        return NULL;
}

static unsigned number_of(const char *name)
{
        for (size_t i = 0; name && i < ARRAY_SIZE(numbers); i++)
                if (strcmp(numbers[i].name, name) == 0)
                        return numbers[i].number;
        return 0;
}

/* ---- reading ---- */

static char *copy(const char *text, size_t size)
{
        return size > 0 ? strndup(text, MIN(size, (size_t)MESSAGE_MAX)) : NULL;
}

static void take_text(char **member, const char *text)
{
        if (!*member && text)
                *member = copy(text, strlen(text));
}

/* {"errorCode":404103,"message":...}, of the newer dialect and of the provisioning service */
static void take_object(Refusal *r, json_object *o)
{
        json_object *code = json_member(o, "errorCode");

        if (json_object_is_type(code, json_type_int))
                r->number = (unsigned)CLAMP(json_object_get_int64(code), 0, 999999999);
        take_text(&r->message, json_text_of(o, "message"));
        take_text(&r->tracking_id, json_text_of(o, "trackingId"));
}

/* "ErrorCode:DeviceNotFound;text" */
static void take_old(Refusal *r, const char *text)
{
        static const char mark[] = "ErrorCode:";

        if (strncmp(text, mark, strlen(mark)) == 0) {
                size_t n = strcspn(text + strlen(mark), ";");

                if (!r->name)
                        r->name = copy(text + strlen(mark), n);
                text += strlen(mark) + n;
                text += *text == ';';
        }
        if (*text)
                take_text(&r->message, text);
}

static void take_message(Refusal *r, const char *text)
{
        _cleanup_(json_unrefp) json_object *within = NULL;

        if (text[0] == '{' && json_text_parse(text, strlen(text), &within, NULL) == 0)
                take_object(r, within);
        else
                take_old(r, text);
}

/* It ends at a blank, and has one itself: ...-TimeStamp:11/03/2020 07:18:24 */
static size_t tracking_id_size(const char *text)
{
        size_t size = strcspn(text, " ");

        if (text[size] == ' ' && text[size + 1] >= '0' && text[size + 1] <= '9')
                size += 1 + strcspn(text + size + 1, " ");
        return MIN(size, (size_t)TRACKING_ID_MAX);
}

static void take_exception(Refusal *r, const char *text)
{
        const char *mark = strstr(text, TRACKING_MARK);

        if (mark && !r->tracking_id) {
                mark += strlen(TRACKING_MARK);
                r->tracking_id = copy(mark, tracking_id_size(mark));
        }
}

void refusal_read(unsigned status, const char *header, const char *body, size_t size, Refusal *ret)
{
        _cleanup_(json_unrefp) json_object *o = NULL;
        const char *text;

        *ret = (Refusal){.status = status};
        take_text(&ret->name, header);
        if (size > 0 && json_text_parse(body, size, &o, NULL) == 0) {
                text = json_text_of(o, "Message");
                if (text)
                        take_message(ret, text);
                text = json_text_of(o, "ExceptionMessage");
                if (text)
                        take_exception(ret, text);
                take_object(ret, o);
        }
        if (!ret->name)
                take_text(&ret->name, name_of(ret->number));
        if (ret->number == 0)
                ret->number = number_of(ret->name);
}

void refusal_done(Refusal *r)
{
        free(r->name);
        free(r->message);
        free(r->tracking_id);
        *r = (Refusal){};
}

bool refusal_is(const Refusal *r, const char *name)
{
        return (r->name && strcmp(r->name, name) == 0) || (r->number > 0 && r->number == number_of(name));
}

bool refusal_is_time_out(const Refusal *r)
{
        return r->status == 504 || r->status == 408;
}

/* ---- words ---- */

/* What the policies that every hub is born with may do; of others we know nothing. */
static bool lacks(const char *policy, const char *right)
{
        static const struct {
                const char *policy, *rights;
        } rows[] = {
                {"service", "ServiceConnect"},
                {"device", "DeviceConnect"},
                {"registryRead", "RegistryRead"},
                {"registryReadWrite", "RegistryRead RegistryWrite"},
        };

        for (size_t i = 0; policy && right && i < ARRAY_SIZE(rows); i++)
                if (strcmp(rows[i].policy, policy) == 0)
                        return !strstr(rows[i].rights, right);
        return false;
}

static bool is_provisioning(const char *right)
{
        return right && (strncmp(right, "Enrollment", 10) == 0 || strncmp(right, "RegistrationStatus", 18) == 0);
}

static const char *who_has(const char *right)
{
        if (strcmp(right, "ServiceConnect") == 0)
                return "iothubowner or service";
        if (strcmp(right, "RegistryWrite") == 0)
                return "iothubowner or registryReadWrite";
        if (strcmp(right, "RegistryRead") == 0)
                return "iothubowner, registryRead or registryReadWrite";
        if (is_provisioning(right))
                return "provisioningserviceowner";
        return NULL;
}

static void put_span(Buffer *b, int64_t seconds)
{
        if (seconds < 120)
                buffer_printf(b, "%" PRId64 " s", seconds);
        else if (seconds < 7200)
                buffer_printf(b, "%" PRId64 " min", seconds / 60);
        else if (seconds < 48 * 3600)
                buffer_printf(b, "%" PRId64 " h", seconds / 3600);
        else
                buffer_printf(b, "%" PRId64 " days", seconds / 86400);
}

static void put_unauthorized(const Refusal *r, const Subject *s, Buffer *b)
{
        int64_t off = r->skew_sec < 0 ? -r->skew_sec : r->skew_sec;
        const char *who = s->right ? who_has(s->right) : NULL;

        if (refusal_is(r, "IotHubNotFound")) {
                buffer_printf(b, "there is no hub %s: is the login's HostName spelt rightly, and does the hub still "
                                 "exist?",
                              s->host);
        } else if (off > SKEW_MAX_SEC) {
                buffer_append_string(b, "the login is not accepted, and this machine's clock is ");
                put_span(b, off);
                buffer_printf(b, " %s the hub's: set the clock (timedatectl set-ntp true), tokens are good for "
                              "minutes only", r->skew_sec > 0 ? "ahead of" : "behind");
        } else if (lacks(s->policy, s->right)) {
                buffer_printf(b, "the policy '%s' has not the right %s that this takes: log in as %s", s->policy,
                              s->right, who ?: "another policy");
        } else {
                buffer_printf(b, "the login is not accepted: either the key of the policy '%s' is not the one that %s "
                              "has now", s->policy, s->host);
                if (s->right)
                        buffer_printf(b, ", or the policy has not the right %s that this takes (%s%shas it)", s->right,
                                      who ?: "", who ? " " : "iothubowner ");
        }
}

static void put_throttled(const Refusal *r, Buffer *b)
{
        buffer_append_string(b, "the hub takes no more of these for now (it throttles): ");
        if (r->retry_after_usec > 0) {
                buffer_append_string(b, "try again in ");
                put_span(b, (int64_t)(r->retry_after_usec / USEC_PER_SEC));
                buffer_append_string(b, ", or give --timeout more than that");
        } else {
                buffer_append_string(b, "try again in a minute, or with a longer --timeout");
        }
}

static void put_forbidden(const Refusal *r, const char *what, Buffer *b)
{
        if (refusal_is(r, "IotHubQuotaExceeded"))
                buffer_append_string(b, "the hub's messages of the day are used up: it takes none before midnight UTC, "
                                        "or until it has more units");
        else if (refusal_is(r, "IotHubSuspended"))
                buffer_append_string(b, "the hub is suspended: look at its subscription");
        else if (refusal_is(r, "DeviceMaximumQueueDepthExceeded"))
                buffer_printf(b, "%s has 50 messages waiting, the most there can be: let it take them", what);
        else
                buffer_printf(b, "%s: the hub forbids it", what);
}

static void put_absent(const Refusal *r, const Subject *s, const char *what, Buffer *b)
{
        if (refusal_is(r, "DeviceNotOnline"))
                buffer_printf(b, "%s is not connected, or does not listen for methods: start it, or wait for it with "
                              "--connect-timeout", what);
        else if (s->nearest)
                buffer_printf(b, "there is no %s in %s, did you mean '%s'?", what, s->host, s->nearest);
        else if (r->number >= 404000 && r->number < 405000)
                buffer_printf(b, "there is no %s in %s; names are told apart by case", what, s->host);
        else
                buffer_printf(b, "%s: %s has no such service: is it %s?", what, s->host,
                              is_provisioning(s->right) ? "a provisioning service" : "a hub");
}

static void put_reason(const Refusal *r, const Subject *s, Buffer *b)
{
        const char *what = s->what ?: "that";

        if (r->status == 401)
                put_unauthorized(r, s, b);
        else if (r->status == 403)
                put_forbidden(r, what, b);
        else if (r->status == 404)
                put_absent(r, s, what, b);
        else if (r->status == 409 && !refusal_is(r, "LinkCreationConflict"))
                buffer_printf(b, "%s exists already: see it with get", what);
        else if (r->status == 412)
                buffer_printf(b, "%s was changed by somebody else meanwhile: look at it again, then try again", what);
        else if (r->status == 413)
                buffer_printf(b, "%s: it is more than the hub takes", what);
        else if (r->status == 429)
                put_throttled(r, b);
        else if (refusal_is_time_out(r))
                buffer_printf(b, "%s did not answer in time", what);
        else if (r->status >= 500)
                buffer_printf(b, "%s: the hub is in trouble (%u): try again later", what, r->status);
        else if (r->status == 400)
                buffer_printf(b, "%s: the hub does not accept what was asked", what);
        else if (r->status == 409)
                buffer_printf(b, "%s: it is in the way of something that exists already", what);
        else
                buffer_printf(b, "%s: the hub answers %u, which is no answer of a hub: is the host right?", what,
                              r->status);
}

/* What it said itself, for whoever looks it up or asks for help. */
static void put_details(const Refusal *r, Buffer *b)
{
        buffer_printf(b, " [HTTP %u", r->status);
        if (r->number > 0)
                buffer_printf(b, ", %u", r->number);
        if (r->name)
                buffer_printf(b, ", %s", r->name);
        if (r->message)
                buffer_printf(b, ", \"%s\"", r->message);
        if (r->tracking_id)
                buffer_printf(b, ", tracking id %s", r->tracking_id);
        buffer_append_char(b, ']');
}

void refusal_words(const Refusal *r, const Subject *s, Buffer *b)
{
        put_reason(r, s, b);
        put_details(r, b);
}
