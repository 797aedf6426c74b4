/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Enrollment JSON - enrollments as the service's REST API has them
 *
 * What is not understood is refused with its reason, what is not known is passed over. Keys are never in what is
 * written here: callers ask for them by themselves, as in the real service. Pure.
 */

#include <json-c/json.h>

#include "devhub/dps/enrollment.h"

/* id: from the path of the request; NULL: it stands in the body. -EBADMSG: *ret_error (static) says what is wrong. */
int enrollment_from_json(json_object *body, EnrollmentKind kind, const char *id, Enrollment *ret,
                         const char **ret_error);

/* NULL: no memory. */
json_object *enrollment_to_json(const Enrollment *enrollment);
json_object *enrollment_attestation_to_json(const Enrollment *enrollment); /* with the keys */
