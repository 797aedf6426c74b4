/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/cli/usage-command.h"

#include <inttypes.h>
#include <stdio.h>

#include "devhub/cli/request.h"

static uint64_t number_of(json_object *o, const char *name)
{
        json_object *value;

        return json_object_object_get_ex(o, name, &value) ? json_object_get_uint64(value) : 0;
}

static const char *text_of(json_object *o, const char *name)
{
        json_object *value;

        return json_object_object_get_ex(o, name, &value) && value ? json_object_get_string(value) : NULL;
}

static void print_operations(json_object *operations)
{
        (void)printf("%-12s %12s %12s %12s %12s %12s\n", "", "limit/min", "billed", "delayed", "throttled",
                     "over quota");
        json_object_object_foreach(operations, name, o)
                (void)printf("%-12s %12" PRIu64 " %12" PRIu64 " %12" PRIu64 " %12" PRIu64 " %12" PRIu64 "\n", name,
                             number_of(o, "per_minute"), number_of(o, "billed"), number_of(o, "delayed"),
                             number_of(o, "throttled"), number_of(o, "over_quota"));
}

static void print(json_object *answer)
{
        uint64_t quota = number_of(answer, "quota"), billed = number_of(answer, "billed");
        json_object *operations;

        if (!text_of(answer, "tier")) {
                (void)printf("no tier: nothing is limited or counted; serve --tier F1|S1|S2|S3 gives it one\n");
                return;
        }
        (void)printf("tier %s, units %" PRIu64 "\n", text_of(answer, "tier"), number_of(answer, "units"));
        (void)printf("%s: %" PRIu64 " of %" PRIu64 " messages, in chunks of %" PRIu64 " bytes\n",
                     text_of(answer, "day"), billed, quota, number_of(answer, "chunk"));
        if (billed >= quota)
                (void)printf("the quota is used up until 00:00 UTC\n");
        if (json_object_object_get_ex(answer, "operations", &operations))
                print_operations(operations);
}

int usage_command(const StateDir *dir, bool json)
{
        json_object *answer;

        if (request_ask(dir, request_new("usage"), &answer) < 0)
                return EXIT_FAILURE;
        if (json)
                (void)printf("%s\n", json_object_to_json_string_ext(answer, JSON_C_TO_STRING_PLAIN));
        else
                print(answer);
        json_object_put(answer);
        return EXIT_SUCCESS;
}
