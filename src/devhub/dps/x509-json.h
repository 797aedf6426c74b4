/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * X.509 JSON - the certificates of enrollments, and what is told of them
 *
 * They come as PEM or as base64 of DER, and are kept as PEM. What goes out is what they say of themselves (protocol
 * reference 7.1). Pure.
 */

#include <json-c/json.h>

#include "base/certificate.h"
#include "devhub/dps/enrollment.h"

/* From the member "x509": of a device its own certificates, of a group those of authorities. None at all is no error
 * here. -EBADMSG: *ret_error (static) says what is wrong. */
int x509_from_json(json_object *attestation, Enrollment *enrollment, const char **ret_error);
int x509_to_json(json_object *attestation, const Enrollment *enrollment);

/* Puts {"subjectName","sha1Thumbprint",...} under that name. */
int x509_put_info(json_object *object, const char *name, const Certificate *certificate);
