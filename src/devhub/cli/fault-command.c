/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/cli/fault-command.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/quantity.h"
#include "devhub/cli/known-ids.h"
#include "devhub/cli/request.h"

/* A registration id need not be a device's. */
static void warn_of_stranger(const StateDir *dir, const Arguments *a)
{
        Store store = {};

        if (!a->device_id || fault_kind_traits(fault_kind_from_string(a->operand)) & FAULT_REGISTRATION)
                return;
        if (store_open(&store, dir->path, dir->fd, false) >= 0)
                known_ids_warn(&store, a->device_id);
        store_done(&store);
}

int fault_set(const StateDir *dir, const Arguments *a)
{
        json_object *request = request_new("fault-set");
        int r;

        json_object_object_add(request, "fault", json_object_new_string(a->operand));
        if (a->device_id)
                json_object_object_add(request, "device", json_object_new_string(a->device_id));
        if (a->for_usec != USEC_INFINITY)
                json_object_object_add(request, "for_usec", json_object_new_uint64(a->for_usec));
        if (a->count > 0)
                json_object_object_add(request, "count", json_object_new_uint64(a->count));
        if (a->code >= 0)
                json_object_object_add(request, "code", json_object_new_int(a->code));
        if (a->match)
                json_object_object_add(request, "match", json_object_new_string(a->match));
        if (a->hub)
                json_object_object_add(request, "hub", json_object_new_string(a->hub));
        if (a->offset_usec != 0)
                json_object_object_add(request, "offset_usec", json_object_new_int64(a->offset_usec));
        if (a->delay_usec != USEC_INFINITY)
                json_object_object_add(request, "delay_usec", json_object_new_uint64(a->delay_usec));
        r = request_do(dir, request);
        if (r == EXIT_SUCCESS)
                warn_of_stranger(dir, a);
        return r;
}

int fault_clear(const StateDir *dir, const char *name)
{
        json_object *request = request_new("fault-clear");

        if (name)
                json_object_object_add(request, "fault", json_object_new_string(name));
        return request_do(dir, request);
}

static void print_time(const char *before, usec_t t)
{
        _cleanup_(buffer_done) Buffer text = BUFFER_NULL;

        quantity_print_time(&text, t);
        (void)printf("%s%s", before, text.size > 0 ? text.data : "");
}

/* As it was set. */
static void print_settings(json_object *fault)
{
        json_object *value;

        if (json_object_object_get_ex(fault, "device", &value) && value)
                (void)printf(" --device %s", json_object_get_string(value));
        if (json_object_object_get_ex(fault, "code", &value))
                (void)printf(" --code %d", json_object_get_int(value));
        if (json_object_object_get_ex(fault, "delay_usec", &value))
                print_time(" --delay ", json_object_get_uint64(value));
        if (json_object_object_get_ex(fault, "offset_usec", &value)) {
                int64_t offset = json_object_get_int64(value);

                print_time(offset < 0 ? " --offset -" : " --offset +", (usec_t)(offset < 0 ? -offset : offset));
        }
        if (json_object_object_get_ex(fault, "match", &value))
                (void)printf(" --match %s", json_object_get_string(value));
        if (json_object_object_get_ex(fault, "hub", &value))
                (void)printf(" --hub %s", json_object_get_string(value));
}

/* What is left, in whole seconds: nobody needs the microseconds. */
static void print_fault(json_object *fault)
{
        json_object *value;

        json_object_object_get_ex(fault, "fault", &value);
        (void)printf("%s", json_object_get_string(value));
        print_settings(fault);
        json_object_object_get_ex(fault, "strikes", &value);
        (void)printf("   struck %" PRIu64 " times", json_object_get_uint64(value));
        if (json_object_object_get_ex(fault, "count", &value))
                (void)printf(", %" PRIu64 " more", json_object_get_uint64(value));
        if (json_object_object_get_ex(fault, "for_usec", &value))
                print_time(", ends in ",
                           (json_object_get_uint64(value) + USEC_PER_SEC - 1) / USEC_PER_SEC * USEC_PER_SEC);
        (void)printf("\n");
}

int fault_list(const StateDir *dir, bool json)
{
        json_object *answer, *list;

        if (request_ask(dir, request_new("fault-list"), &answer) < 0)
                return EXIT_FAILURE;
        json_object_object_get_ex(answer, "faults", &list);
        if (json)
                (void)printf("%s\n", json_object_to_json_string_ext(list, JSON_C_TO_STRING_PLAIN));
        else
                for (size_t i = 0; i < json_object_array_length(list); i++)
                        print_fault(json_object_array_get_idx(list, i));
        json_object_put(answer);
        return EXIT_SUCCESS;
}
