/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/dps/registration-json.h"

#include <errno.h>
#include <string.h>

#include "devhub/dps/json-fields.h"
#include "devhub/dps/x509-json.h"
#include "model/json-read.h"

static int put_certificate(json_object *by, const char *pem)
{
        _cleanup_(certificate_freep) Certificate *certificate = NULL;
        int r = certificate_parse(&certificate, pem, strlen(pem));

        return r < 0 ? r : x509_put_info(by, "certificateInfo", certificate);
}

/* By which certificate or keys the device was attested: in a group, by which group's. */
static int put_attested_by(json_object *object, const Registration *r)
{
        json_object *by = json_put_object(object, r->certificate ? "x509" : "symmetricKey");

        if (!by || (r->certificate && put_certificate(by, r->certificate) < 0))
                return -ENOMEM;
        return r->enrollment_kind == ENROLLMENT_GROUP ? json_put_text(by, "enrollmentGroupId", r->enrollment_id) : 0;
}

static int put_outcome(json_object *object, const Registration *r)
{
        switch (r->status) {
        case REGISTRATION_ASSIGNED:
                if (json_put_text(object, "assignedHub", r->assigned_hub) < 0 ||
                    json_put_text(object, "deviceId", r->device_id) < 0)
                        return -ENOMEM;
                return json_put_text(object, "substatus", substatus_to_string(r->substatus));
        case REGISTRATION_FAILED:
                if (json_put(object, "errorCode", json_object_new_int64(r->error_code)) < 0)
                        return -ENOMEM;
                return json_put_text(object, "errorMessage", registration_error_message(r->error_code));
        default:
                return 0;
        }
}

static int put_registration(json_object *object, const Registration *r)
{
        if (put_attested_by(object, r) < 0 || json_put_text(object, "registrationId", r->id) < 0 ||
            json_put_time(object, "createdDateTimeUtc", r->created_usec) < 0 || put_outcome(object, r) < 0 ||
            json_put_text(object, "status", registration_status_to_string(r->status)) < 0 ||
            json_put_time(object, "lastUpdatedDateTimeUtc", r->updated_usec) < 0)
                return -ENOMEM;
        return json_put_text(object, "etag", r->etag);
}

json_object *registration_to_json(const Registration *r)
{
        json_object *object = json_object_new_object();

        return object ? json_whole(object, put_registration(object, r)) : NULL;
}

static int put_operation(json_object *object, const Registration *r)
{
        json_object *state;

        if (json_put_text(object, "operationId", r->operation_id) < 0 ||
            json_put_text(object, "status", registration_status_to_string(r->status)) < 0)
                return -ENOMEM;
        if (r->status == REGISTRATION_ASSIGNING)
                return 0;
        state = json_put_object(object, "registrationState");
        return state ? put_registration(state, r) : -ENOMEM;
}

json_object *registration_operation_to_json(const Registration *r)
{
        json_object *object = json_object_new_object();

        return object ? json_whole(object, put_operation(object, r)) : NULL;
}
