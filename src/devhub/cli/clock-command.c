/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/cli/clock-command.h"

#include <stdio.h>

#include "base/iso-time.h"
#include "devhub/cli/request.h"

int clock_command(const StateDir *dir, usec_t advance_usec)
{
        json_object *request = request_new("clock"), *answer, *wall;
        char text[ISO_TIME_MAX];

        json_object_object_add(request, "by_usec", json_object_new_uint64(advance_usec));
        if (request_ask(dir, request, &answer) < 0)
                return EXIT_FAILURE;
        json_object_object_get_ex(answer, "wall_usec", &wall);
        (void)iso_time_format(json_object_get_uint64(wall), text);
        (void)printf("%s\n", text);
        json_object_put(answer);
        return EXIT_SUCCESS;
}
