/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/device/twin.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/random.h>

#include "azure/topic.h"
#include "base/iso-time.h"
#include "base/json.h"
#include "base/log.h"
#include "devhub/hub/admission.h"
#include "devhub/hub/service-error.h"
#include "devhub/hub/twin.h"
#include "model/json-read.h"

struct TwinDesk {
        const Hub *hub;
        const Links *links;
};

/* ---- answers ---- */

static void publish(Link *link, Buffer *topic, const char *body, size_t size)
{
        int r = buffer_error(topic) ? -ENOMEM : link_publish(link, topic->data, body, size, 0, 0);

        if (r < 0 && r != -ENOTCONN)
                log_warning("%s: is not told of its twin: %s", link_peer(link), strerror(-r));
}

/* Without a subscription there is nobody to answer, but a patch counts. */
static void answer(Link *link, Buffer *topic, const char *body, size_t size)
{
        uint8_t qos;

        if (link_is_subscribed(link, SUBSCRIPTION_TWIN_RESPONSES, &qos))
                publish(link, topic, body, size);
}

/* The only client that minds the body looks for errorCode. */
static void write_error(const TwinDesk *t, ServiceError error, const char *text, Buffer *b)
{
        uint64_t draw[2] = {};
        char stamp[ISO_TIME_MAX];

        if (getrandom(draw, sizeof(draw), 0) < 0)
                draw[0] = clock_wall(t->hub->clock);
        (void)iso_time_format_7(clock_wall(t->hub->clock), stamp);
        buffer_printf(b, "{\"errorCode\":%u,\"trackingId\":\"%016" PRIX64 "%016" PRIX64 "\",\"message\":",
                      service_error_number(error), draw[0], draw[1]);
        json_string(b, text);
        buffer_printf(b, ",\"timestampUtc\":\"%s\"}", stamp);
}

static void refuse(const TwinDesk *t, Link *link, const TopicParts *topic, ServiceError error, const char *text)
{
        _cleanup_(buffer_done) Buffer name = BUFFER_NULL, body = BUFFER_NULL;

        topic_twin_response(&name, (int)service_error_http_status(error), topic->rid, topic->rid_size);
        write_error(t, error, text, &body);
        if (!buffer_error(&body))
                answer(link, &name, body.data, body.size);
}

static void refuse_for(const TwinDesk *t, Link *link, const TopicParts *topic, int k, const Buffer *error)
{
        switch (k) {
        case TWIN_E_INVALID:
                refuse(t, link, topic, SERVICE_ERROR_ARGUMENT_INVALID, error->data);
                break;
        case TWIN_E_UNKNOWN:
                if (link_verdict(link)->module_id)
                        refuse(t, link, topic, SERVICE_ERROR_MODULE_NOT_FOUND, "There is no such module any more.");
                else
                        refuse(t, link, topic, SERVICE_ERROR_DEVICE_NOT_FOUND, "There is no such device any more.");
                break;
        default:
                log_error("%s: its twin cannot be read or written: %s (%s)", link_peer(link), strerror(-k),
                          store_error(t->hub->store));
                refuse(t, link, topic, SERVICE_ERROR_SERVER, "The hub failed; its log tells more.");
        }
}

/* ---- the model ---- */

/* It stands in the turn that has the link itself. */
static void on_connected(void *userdata, Link *link)
{
        const TwinDesk *t = userdata;
        const Verdict *v = link_verdict(link);
        int r = v->model_id ? twin_set_model(t->hub->store, v->device_id, v->module_id, v->model_id) : 0;

        if (r < 0)
                log_warning("%s: its model is not kept: %s", link_peer(link), store_error(t->hub->store));
}

/* ---- requests ---- */

static void write_section(const TwinSection *s, const char *name, Buffer *b)
{
        json_string(b, name);
        buffer_append_char(b, ':');
        json_write(b, s->values);
        /* into the object, at its end */
        buffer_truncate(b, b->size - 1);
        buffer_append_string(b, json_object_object_length(s->values) > 0 ? ",\"$version\":" : "\"$version\":");
        json_unsigned(b, s->version);
        buffer_append_char(b, '}');
}

static int write_twin(const Twin *twin, Buffer *b)
{
        buffer_append_char(b, '{');
        write_section(&twin->desired, "desired", b);
        buffer_append_char(b, ',');
        write_section(&twin->reported, "reported", b);
        buffer_append_char(b, '}');
        return buffer_error(b);
}

/* Clients send a blank, or nothing; what is in the body makes no difference. */
static void answer_get(const TwinDesk *t, Link *link, const TopicParts *topic)
{
        _cleanup_(buffer_done) Buffer name = BUFFER_NULL, body = BUFFER_NULL;
        _cleanup_(twin_done) Twin twin = {};
        const Verdict *v = link_verdict(link);
        int k;

        k = twin_load(t->hub->store, v->device_id, v->module_id, &twin);
        if (k == 0)
                k = write_twin(&twin, &body);
        if (k != 0) {
                refuse_for(t, link, topic, k, NULL);
                return;
        }
        topic_twin_response(&name, 200, topic->rid, topic->rid_size);
        hub_bill(t->hub, OPERATION_TWIN_READ, body.size);
        answer(link, &name, body.data, body.size);
}

static int report(const TwinDesk *t, Link *link, MqttText body, uint64_t *ret_version, Buffer *error)
{
        _cleanup_json_ json_object *given = NULL;
        const Verdict *v = link_verdict(link);
        const char *fault;
        int k;

        k = json_read(body.data, body.size, &given, &fault);
        if (k == -EBADMSG) {
                buffer_printf(error, "The body is not JSON: %s", fault);
                return buffer_error(error) ? -ENOMEM : TWIN_E_INVALID;
        }
        if (k < 0)
                return k;
        k = twin_report(t->hub->store, v->device_id, v->module_id, given, clock_wall(t->hub->clock), ret_version,
                        error);
        if (k < 0)
                hub_spoil(t->hub);
        if (k == 0)
                hub_bill(t->hub, OPERATION_TWIN_UPDATE, body.size);
        return k != 0 ? k : hub_commit(t->hub);
}

static void answer_reported(const TwinDesk *t, Link *link, const SessionRequest *request)
{
        _cleanup_(buffer_done) Buffer name = BUFFER_NULL, error = BUFFER_NULL;
        const TopicParts *topic = request->topic;
        uint64_t version;
        int k;

        k = report(t, link, request->body, &version, &error);
        if (k != 0) {
                refuse_for(t, link, topic, k, &error);
                return;
        }
        topic_twin_updated(&name, topic->rid, topic->rid_size, version);
        answer(link, &name, NULL, 0);
}

static const char *on_request(void *userdata, Link *link, const SessionRequest *request)
{
        const TwinDesk *t = userdata;

        bool is_get = request->topic->kind == TOPIC_TWIN_GET;
        Admission a;
        int k;

        if (!link_verdict(link)->device_id)
                return "it has no identity, and so no twin";
        k = hub_admit(t->hub, is_get ? OPERATION_TWIN_READ : OPERATION_TWIN_UPDATE, link_verdict(link)->device_id,
                      request->body.size, ADMISSION_AT_ONCE, &a);
        if (k == ADMISSION_E_QUOTA)
                return "403002 IotHubQuotaExceeded";
        if (k == ADMISSION_E_THROTTLED)
                refuse(t, link, request->topic, a.error, a.reason);
        else if (k < 0)
                refuse_for(t, link, request->topic, k, NULL);
        else if (is_get)
                answer_get(t, link, request->topic);
        else
                answer_reported(t, link, request);
        return NULL;
}

/* ---- what the service wishes ---- */

static void on_desired(void *userdata, const char *device_id, const char *module_id, uint64_t version,
                       json_object *patch)
{
        const TwinDesk *t = userdata;
        _cleanup_(buffer_done) Buffer name = BUFFER_NULL, body = BUFFER_NULL;
        Link *link = links_find(t->links, device_id, module_id);
        uint8_t qos;

        if (!link || !link_is_subscribed(link, SUBSCRIPTION_TWIN_DESIRED, &qos))
                return;
        topic_twin_desired(&name, version);
        json_write(&body, patch);
        if (!buffer_error(&body))
                publish(link, &name, body.data, body.size);
}

/* ---- life ---- */

int twin_desk_new(TwinDesk **ret, const Hub *hub, const Links *links)
{
        TwinDesk *t = calloc(1, sizeof(*t));

        if (!t)
                return -ENOMEM;
        *t = (TwinDesk){.hub = hub, .links = links};
        *ret = t;
        return 0;
}

TwinDesk *twin_desk_free(TwinDesk *t)
{
        free(t);
        return NULL;
}

Desk twin_desk(TwinDesk *t)
{
        return (Desk){
                .kinds = DESK_KIND(TOPIC_TWIN_GET) | DESK_KIND(TOPIC_TWIN_REPORTED),
                .connected = on_connected,
                .request = on_request,
                .userdata = t,
        };
}

HubTwins twin_desk_twins(TwinDesk *t)
{
        return (HubTwins){.desired_changed = on_desired, .userdata = t};
}
