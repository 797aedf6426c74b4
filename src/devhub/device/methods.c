/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/device/methods.h"

#include <errno.h>
#include <sys/random.h>

#include "azure/topic.h"
#include "base/log.h"

struct MethodDesk {
        const Hub *hub;
        const Links *links;
        Methods *methods;
};

/* ---- to the device ---- */

static int send_to_device(void *userdata, const char *device_id, const char *module_id, const char *name,
                          const char *rid, const char *payload, size_t size)
{
        const MethodDesk *d = userdata;
        _cleanup_(buffer_done) Buffer topic = BUFFER_NULL;
        Link *link = links_find(d->links, device_id, module_id);
        uint8_t qos;

        if (!link || !link_is_subscribed(link, SUBSCRIPTION_METHODS, &qos))
                return -ENOTCONN;
        topic_method_call(&topic, name, rid);
        return buffer_error(&topic) ? -ENOMEM : link_publish(link, topic.data, payload, size, 0, 0);
}

/* ---- from the device ---- */

static void take_answer(MethodDesk *d, Link *link, const SessionRequest *request)
{
        const TopicParts *topic = request->topic;
        const Verdict *v = link_verdict(link);
        usec_t left;

        if (methods_answer(d->methods, v->device_id, v->module_id, topic->rid, topic->rid_size, topic->status,
                           request->body.data, request->body.size, clock_boot(d->hub->clock), &left))
                log_info("%s: %s: answered a method with %d, %lld ms before its time is over", link_peer(link),
                         v->device_id, topic->status, (long long)(left / USEC_PER_MSEC));
        else
                log_notice("%s: %s: dropped its answer to a method that nobody waits for: it had one, or its time is "
                           "over", link_peer(link), v->device_id);
}

static const char *on_request(void *userdata, Link *link, const SessionRequest *request)
{
        MethodDesk *d = userdata;
        const Verdict *v = link_verdict(link);

        if (!v->device_id)
                return "it has no identity, and so no methods";
        if (hub_strike(d->hub, FAULT_METHOD_NO_ANSWER, v->device_id))
                log_notice("%s: %s: its answer to a method is lost, by a fault", link_peer(link), v->device_id);
        else
                take_answer(d, link, request);
        return NULL;
}

static void on_subscribed(void *userdata, Link *link)
{
        MethodDesk *d = userdata;
        const Verdict *v = link_verdict(link);
        uint8_t qos;

        if (link_is_subscribed(link, SUBSCRIPTION_METHODS, &qos))
                methods_listening(d->methods, v->device_id, v->module_id, clock_boot(d->hub->clock));
}

static void on_forgotten(void *userdata, const char *device_id, const char *module_id)
{
        MethodDesk *d = userdata;

        methods_forget(d->methods, device_id, module_id);
}

/* ---- time ---- */

static usec_t deadline(void *userdata)
{
        const MethodDesk *d = userdata;

        return methods_deadline(d->methods);
}

static void tick(void *userdata, usec_t now)
{
        MethodDesk *d = userdata;

        methods_tick(d->methods, now);
}

/* ---- life ---- */

int method_desk_new(MethodDesk **ret, const Hub *hub, const Links *links)
{
        _cleanup_(method_desk_freep) MethodDesk *d = calloc(1, sizeof(*d));
        MethodsSink sink = {send_to_device, d};
        uint32_t first = 0;
        int r;

        if (!d)
                return -ENOMEM;
        d->hub = hub;
        d->links = links;
        if (getrandom(&first, sizeof(first), 0) < 0)
                return -errno;
        r = methods_new(&d->methods, &sink, first);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(d);
        return 0;
}

MethodDesk *method_desk_free(MethodDesk *d)
{
        if (!d)
                return NULL;
        methods_free(d->methods);
        free(d);
        return NULL;
}

Desk method_desk(MethodDesk *d)
{
        return (Desk){
                .kinds = DESK_KIND(TOPIC_METHOD_RESPONSE),
                .request = on_request,
                .subscribed = on_subscribed,
                .forgotten = on_forgotten,
                .userdata = d,
        };
}

Ticker method_desk_ticker(MethodDesk *d)
{
        return (Ticker){.name = "methods", .deadline = deadline, .tick = tick, .userdata = d};
}

Methods *method_desk_methods(MethodDesk *d)
{
        return d->methods;
}
