/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/cli/request.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

json_object *request_new(const char *verb)
{
        json_object *request = json_object_new_object();

        json_object_object_add(request, "verb", json_object_new_string(verb));
        return request;
}

int request_ask(const StateDir *dir, json_object *request, json_object **ret_answer)
{
        json_object *answer = NULL, *error;
        int r = control_call(dir, request, &answer);

        json_object_put(request);
        if (r == -ECONNREFUSED)
                (void)fprintf(stderr, "hublink-devhub: no server runs in %s: start it with hublink-devhub serve\n",
                              dir->path);
        else if (r < 0)
                (void)fprintf(stderr, "hublink-devhub: the server in %s does not answer: %s\n", dir->path,
                              strerror(-r));
        if (r < 0)
                return r;
        if (json_object_object_get_ex(answer, "error", &error)) {
                (void)fprintf(stderr, "hublink-devhub: %s\n", json_object_get_string(error));
                json_object_put(answer);
                return -EINVAL;
        }
        *ret_answer = answer;
        return 0;
}

int request_do(const StateDir *dir, json_object *request)
{
        json_object *answer;

        if (request_ask(dir, request, &answer) < 0)
                return EXIT_FAILURE;
        json_object_put(answer);
        return EXIT_SUCCESS;
}
