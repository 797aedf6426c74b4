/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/cli/operator.h"

#include <errno.h>
#include <string.h>

#include "devhub/cli/limits-json.h"
#include "devhub/mqtt/judge.h"

static const char *text_of(json_object *request, const char *key)
{
        json_object *value;

        return json_object_object_get_ex(request, key, &value) ? json_object_get_string(value) : NULL;
}

static uint64_t number_of(json_object *request, const char *key, uint64_t absent)
{
        json_object *value;

        return json_object_object_get_ex(request, key, &value) ? json_object_get_uint64(value) : absent;
}

static int64_t signed_of(json_object *request, const char *key)
{
        json_object *value;

        return json_object_object_get_ex(request, key, &value) ? json_object_get_int64(value) : 0;
}

static json_object *complain(json_object *reply, const char *error)
{
        (void)json_object_object_add(reply, "error", json_object_new_string(error));
        return reply;
}

static json_object *fault_set(Server *server, json_object *request, json_object *reply)
{
        const char *name = text_of(request, "fault");
        uint64_t for_usec = number_of(request, "for_usec", USEC_INFINITY);
        Fault fault = {
                .kind = name ? fault_kind_from_string(name) : _FAULT_KIND_INVALID,
                .device_id = (char *)text_of(request, "device"),
                .until_usec = usec_add(clock_boot(&clock_system), for_usec),
                .strikes_left = number_of(request, "count", UINT64_MAX),
                .code = (uint8_t)number_of(request, "code", CONNACK_UNAVAILABLE),
                .delay_usec = number_of(request, "delay_usec", USEC_PER_SEC),
                .offset_usec = signed_of(request, "offset_usec"),
                .match = (char *)text_of(request, "match"),
                .hub = (char *)text_of(request, "hub"),
        };

        if (fault.kind == _FAULT_KIND_INVALID)
                return complain(reply, "there is no such fault");
        if (fault.device_id && !(fault_kind_traits(fault.kind) & FAULT_DEVICE))
                return complain(reply, "this fault strikes before a device has said its name: leave out --device");
        if (fault.kind == FAULT_CLOCK_OFFSET && fault.offset_usec == 0)
                return complain(reply, "clock-offset needs --offset, such as +1h or -10min");
        return strikes_set(server_strikes(server), &fault) < 0 ? complain(reply, "it failed: see the server's log")
                                                               : reply;
}

/* How it was set, how often it struck, and what is left of it. */
static json_object *describe(const Fault *f, usec_t now)
{
        json_object *o = json_object_new_object();
        unsigned traits = fault_kind_traits(f->kind);

        json_object_object_add(o, "fault", json_object_new_string(fault_kind_to_string(f->kind)));
        json_object_object_add(o, "device", f->device_id ? json_object_new_string(f->device_id) : NULL);
        if (traits & FAULT_CODE)
                json_object_object_add(o, "code", json_object_new_int(f->code));
        if (traits & FAULT_DELAY)
                json_object_object_add(o, "delay_usec", json_object_new_uint64(f->delay_usec));
        if (traits & FAULT_OFFSET)
                json_object_object_add(o, "offset_usec", json_object_new_int64(f->offset_usec));
        if (f->match)
                json_object_object_add(o, "match", json_object_new_string(f->match));
        if (f->hub)
                json_object_object_add(o, "hub", json_object_new_string(f->hub));
        json_object_object_add(o, "strikes", json_object_new_uint64(f->n_strikes));
        if (f->strikes_left != UINT64_MAX)
                json_object_object_add(o, "count", json_object_new_uint64(f->strikes_left));
        if (f->until_usec != USEC_INFINITY)
                json_object_object_add(o, "for_usec", json_object_new_uint64(usec_sub(f->until_usec, now)));
        return o;
}

static json_object *fault_list(Server *server, json_object *reply)
{
        Strikes *strikes = server_strikes(server);
        const Faults *faults = &strikes->faults;
        json_object *list = json_object_new_array();
        usec_t now = clock_boot(&clock_system);

        strikes_expire(strikes, now);
        for (size_t i = 0; i < faults->n_rules; i++)
                json_object_array_add(list, describe(&faults->rules[i], now));
        json_object_object_add(reply, "faults", list);
        return reply;
}

static json_object *fault_clear(Server *server, json_object *request, json_object *reply)
{
        const char *name = text_of(request, "fault");
        FaultKind kind = name ? fault_kind_from_string(name) : _FAULT_KIND_MAX;

        if (kind == _FAULT_KIND_INVALID)
                return complain(reply, "there is no such fault");
        strikes_clear(server_strikes(server), kind);
        return reply;
}

static json_object *move_clock(Server *server, json_object *request, json_object *reply)
{
        int64_t by = signed_of(request, "by_usec");

        int r = by == 0 ? 0 : server_move_clock(server, by);

        if (r == -ERANGE)
                return complain(reply, "the clock moves ten years at a time at most");
        if (r == -EPERM)
                return complain(reply, "its clock is the machine's: start it with --virtual-clock to move it");
        if (r < 0)
                return complain(reply, "it could not be stored: see the server's log");
        json_object_object_add(reply, "wall_usec", json_object_new_uint64(server_wall(server)));
        return reply;
}

/* Another program has changed what is wished of it. */
static json_object *desired(Server *server, json_object *request, json_object *reply)
{
        const HubTwins *twins = &server_hub(server)->twins;
        json_object *patch = json_object_object_get(request, "patch");

        twins->desired_changed(twins->userdata, text_of(request, "device"), text_of(request, "module"),
                               number_of(patch, "$version", 0), patch);
        return reply;
}

json_object *operator_answer(void *userdata, json_object *request)
{
        const char *verb = text_of(request, "verb");
        json_object *reply = json_object_new_object();
        Server *server = userdata;

        if (!reply || !verb)
                return reply ? complain(reply, "the request has no verb") : NULL;
        if (strcmp(verb, "fault-set") == 0)
                return fault_set(server, request, reply);
        if (strcmp(verb, "fault-list") == 0)
                return fault_list(server, reply);
        if (strcmp(verb, "fault-clear") == 0)
                return fault_clear(server, request, reply);
        if (strcmp(verb, "usage") == 0) {
                limits_to_json(server_hub(server)->limits, reply);
                return reply;
        }
        if (strcmp(verb, "clock") == 0)
                return move_clock(server, request, reply);
        if (strcmp(verb, "forget") == 0 && text_of(request, "device")) {
                server_forget(server, text_of(request, "device"), text_of(request, "module"));
                return reply;
        }
        if (strcmp(verb, "cut") == 0 && text_of(request, "device")) {
                server_cut(server, text_of(request, "device"), text_of(request, "module"));
                return reply;
        }
        if (strcmp(verb, "desired") == 0 && text_of(request, "device") &&
            json_object_is_type(json_object_object_get(request, "patch"), json_type_object))
                return desired(server, request, reply);
        return complain(reply, "the verb is not known; is the server of another version?");
}
