/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/mqtt/subscription.h"

#include <errno.h>
#include <string.h>

typedef struct Filter {
        const char *text;
        SubscriptionKind kind;
} Filter;

/* Behind devices/{d}/ or devices/{d}/modules/{m}/. */
static const Filter device_filters[] = {{"messages/devicebound/#", SUBSCRIPTION_C2D}};
static const Filter module_filters[] = {
        {"#", SUBSCRIPTION_C2D},
        {"inputs/#", SUBSCRIPTION_INPUTS},
        {"messages/devicebound/#", SUBSCRIPTION_C2D},
};
static const Filter common_filters[] = {
        {"$iothub/methods/POST/#", SUBSCRIPTION_METHODS},
        {"$iothub/twin/res/#", SUBSCRIPTION_TWIN_RESPONSES},
        {"$iothub/twin/PATCH/properties/desired/#", SUBSCRIPTION_TWIN_DESIRED},
        {"$iothub/credentials/res/#", SUBSCRIPTION_CREDENTIALS},
};
static const Filter registration_filters[] = {{"$dps/registrations/res/#", SUBSCRIPTION_REGISTRATION}};

static bool is(MqttText text, const char *s)
{
        return text.size == strlen(s) && memcmp(text.data, s, text.size) == 0;
}

static bool skip(MqttText *text, const char *s)
{
        size_t n = strlen(s);

        if (text->size < n || memcmp(text->data, s, n) != 0)
                return false;
        text->data += n;
        text->size -= n;
        return true;
}

static const Filter *find_filter(MqttText text, const Filter *list, size_t n)
{
        for (size_t i = 0; i < n; i++)
                if (is(text, list[i].text))
                        return &list[i];
        return NULL;
}

/* NULL: the hub does not know it, or it is another's. */
static const Filter *filter_of(MqttText text, const char *device_id, const char *module_id)
{
        const Filter *common;

        if (!device_id)
                return find_filter(text, registration_filters, ARRAY_SIZE(registration_filters));
        common = find_filter(text, common_filters, ARRAY_SIZE(common_filters));
        if (common)
                return common;
        if (!skip(&text, "devices/") || !skip(&text, device_id) || !skip(&text, "/"))
                return NULL;
        if (!module_id)
                return find_filter(text, device_filters, ARRAY_SIZE(device_filters));
        if (!skip(&text, "modules/") || !skip(&text, module_id) || !skip(&text, "/"))
                return NULL;
        return find_filter(text, module_filters, ARRAY_SIZE(module_filters));
}

static Subscription *find(Subscriptions *s, MqttText filter)
{
        for (size_t i = 0; i < s->n_held; i++)
                if (is(filter, s->held[i].filter))
                        return &s->held[i];
        return NULL;
}

int subscriptions_add(Subscriptions *s, const char *device_id, const char *module_id, MqttText filter, uint8_t qos,
                      uint8_t *ret_code)
{
        const Filter *known = filter_of(filter, device_id, module_id);
        Subscription *held;
        char *copy;

        *ret_code = MQTT_SUBSCRIPTION_REFUSED;
        if (!known)
                return 0;
        held = find(s, filter);
        if (!held) {
                if (s->n_held == SUBSCRIPTIONS_MAX)
                        return SUBSCRIPTIONS_E_TOO_MANY;
                copy = strndup(filter.data, filter.size);
                if (!copy)
                        return -ENOMEM;
                held = &s->held[s->n_held++];
                held->filter = copy;
                held->kind = known->kind;
        }
        held->qos = MIN(qos, (uint8_t)1);
        *ret_code = held->qos;
        return 0;
}

const char *subscriptions_refusal(int k)
{
        switch (k) {
        case SUBSCRIPTIONS_E_TOO_MANY:
                return "it subscribed to more than 5 filters";
        default:
                return "no memory";
        }
}

void subscriptions_remove(Subscriptions *s, MqttText filter)
{
        Subscription *held = find(s, filter);

        if (!held)
                return;
        free(held->filter);
        *held = s->held[--s->n_held];
}

bool subscriptions_have(const Subscriptions *s, SubscriptionKind kind, uint8_t *ret_qos)
{
        for (size_t i = 0; i < s->n_held; i++)
                if (s->held[i].kind == kind) {
                        *ret_qos = s->held[i].qos;
                        return true;
                }
        return false;
}

void subscriptions_done(Subscriptions *s)
{
        for (size_t i = 0; i < s->n_held; i++)
                free(s->held[i].filter);
        *s = (Subscriptions){};
}
