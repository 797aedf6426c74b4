/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/http/toll.h"

#include "devhub/hub/admission.h"

static void reply_throttled(HttpCall *call, const Admission *a)
{
        http_reply_header(call, "Retry-After", "%u", (unsigned)((a->wait_usec + USEC_PER_SEC - 1) / USEC_PER_SEC));
        http_reply_error(call, a->error, "%s", a->reason);
}

bool http_admit(const Hub *hub, HttpCall *call, Operation operation, size_t size)
{
        Admission a;
        int k = hub_admit(hub, operation, http_call_part(call, "d"), size, ADMISSION_AT_ONCE, &a);

        if (k < 0)
                http_reply_failure(call, k, "read what was billed");
        else if (k == ADMISSION_E_THROTTLED)
                reply_throttled(call, &a);
        else if (k > 0)
                http_reply_error(call, a.error, "%s", a.reason);
        return k == 0;
}

void http_bill(const HttpCall *call, unsigned status)
{
        if (status >= 300)
                return;
        if (call->operation == OPERATION_TWIN_READ || call->operation == OPERATION_QUERY)
                hub_bill(call->hub, call->operation, call->reply.size);
        else if (call->operation == OPERATION_TWIN_UPDATE)
                hub_bill(call->hub, call->operation, call->body.size);
}
