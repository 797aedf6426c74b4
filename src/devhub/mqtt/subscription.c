/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/mqtt/subscription.h"

#include <errno.h>
#include <string.h>

/* Behind devices/{d}/ or devices/{d}/modules/{m}/, the module's without a second slash. */
static const char *const device_filters[] = {"messages/devicebound/#"};
static const char *const module_filters[] = {"#", "inputs/#", "messages/devicebound/#"};
static const char *const common_filters[] = {
        "$iothub/methods/POST/#",
        "$iothub/twin/res/#",
        "$iothub/twin/PATCH/properties/desired/#",
        "$iothub/credentials/res/#",
};

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

static bool is_one_of(MqttText text, const char *const *list, size_t n)
{
        for (size_t i = 0; i < n; i++)
                if (is(text, list[i]))
                        return true;
        return false;
}

static bool is_known(MqttText filter, const char *device_id, const char *module_id)
{
        if (is_one_of(filter, common_filters, ARRAY_SIZE(common_filters)))
                return true;
        if (!skip(&filter, "devices/") || !skip(&filter, device_id) || !skip(&filter, "/"))
                return false;
        if (!module_id)
                return is_one_of(filter, device_filters, ARRAY_SIZE(device_filters));
        return skip(&filter, "modules/") && skip(&filter, module_id) && skip(&filter, "/") &&
               is_one_of(filter, module_filters, ARRAY_SIZE(module_filters));
}

static Subscription *find(Subscriptions *s, MqttText filter)
{
        for (size_t i = 0; i < s->n_held; i++)
                if (is(filter, s->held[i].filter))
                        return &s->held[i];
        return NULL;
}

int subscriptions_add(Subscriptions *s, const char *device_id, const char *module_id, MqttText filter, uint8_t qos,
                      uint8_t *ret_granted)
{
        Subscription *held;
        char *copy;

        if (!is_known(filter, device_id, module_id))
                return SUBSCRIPTIONS_E_UNKNOWN;
        held = find(s, filter);
        if (!held) {
                if (s->n_held == SUBSCRIPTIONS_MAX)
                        return SUBSCRIPTIONS_E_TOO_MANY;
                copy = strndup(filter.data, filter.size);
                if (!copy)
                        return -ENOMEM;
                held = &s->held[s->n_held++];
                held->filter = copy;
        }
        held->qos = MIN(qos, (uint8_t)1);
        *ret_granted = held->qos;
        return 0;
}

void subscriptions_remove(Subscriptions *s, MqttText filter)
{
        Subscription *held = find(s, filter);

        if (!held)
                return;
        free(held->filter);
        *held = s->held[--s->n_held];
}

void subscriptions_done(Subscriptions *s)
{
        for (size_t i = 0; i < s->n_held; i++)
                free(s->held[i].filter);
        *s = (Subscriptions){};
}
