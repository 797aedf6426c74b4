/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/dps/x509-json.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/base64.h"
#include "devhub/dps/json-fields.h"
#include "model/json-read.h"

static int wrong(const char **ret_error, const char *error)
{
        *ret_error = error;
        return -EBADMSG;
}

/* ---- reading ---- */

static int parse_base64(const char *text, Certificate **ret)
{
        _cleanup_(buffer_done) Buffer plain = BUFFER_NULL, der = BUFFER_NULL;
        int r;

        for (; *text; text++)
                if (!isspace((unsigned char)*text))
                        buffer_append_char(&plain, *text);
        if (buffer_error(&plain))
                return -ENOMEM;
        r = base64_decode(&der, plain.size > 0 ? plain.data : "", plain.size);
        if (r < 0)
                return r == -ENOMEM ? r : -EBADMSG;
        /* some tools put PEM into base64 once more */
        r = certificate_parse(ret, der.size > 0 ? der.data : "", der.size);
        return r == -EBADMSG ? certificate_parse_der(ret, der.data, der.size) : r;
}

static int parse(const char *text, Certificate **ret)
{
        return strstr(text, "-----BEGIN") ? certificate_parse(ret, text, strlen(text)) : parse_base64(text, ret);
}

static int take_text(const char *text, EnrollmentKind kind, char **ret_pem, const char **ret_error)
{
        _cleanup_(certificate_freep) Certificate *certificate = NULL;
        _cleanup_(buffer_done) Buffer pem = BUFFER_NULL;
        int r;

        r = parse(text, &certificate);
        if (r == -EBADMSG)
                return wrong(ret_error, "a certificate is PEM, or base64 of DER");
        if (r < 0)
                return r;
        if (kind == ENROLLMENT_GROUP && !certificate_is_authority(certificate))
                return wrong(ret_error, "a group's signing certificate must be an authority: this one signs nothing");
        r = certificate_pem(certificate, &pem);
        if (r < 0)
                return r;
        *ret_pem = buffer_steal(&pem);
        return *ret_pem ? 0 : -ENOMEM;
}

/* One that is absent, null or empty is none. */
static int take_certificate(json_object *certificates, const char *name, EnrollmentKind kind, char **ret_pem,
                            const char **ret_error)
{
        json_object *holder = json_object_object_get(certificates, name), *text;

        if (!holder)
                return 0;
        if (!json_object_is_type(holder, json_type_object))
                return wrong(ret_error, "a certificate is an object with the member certificate");
        text = json_object_object_get(holder, "certificate");
        if (!text || (json_object_is_type(text, json_type_string) && json_object_get_string_len(text) == 0))
                return 0;
        if (!json_object_is_type(text, json_type_string))
                return wrong(ret_error, "a certificate is a text");
        return take_text(json_object_get_string(text), kind, ret_pem, ret_error);
}

static const char *member_of(EnrollmentKind kind)
{
        return kind == ENROLLMENT_GROUP ? "signingCertificates" : "clientCertificates";
}

int x509_from_json(json_object *attestation, Enrollment *e, const char **ret_error)
{
        json_object *x509 = json_object_object_get(attestation, "x509"), *certificates;
        int r;

        if (!json_object_is_type(x509, json_type_object))
                return wrong(ret_error, "an attestation of the type x509 has an object x509");
        if (json_object_object_get(x509, "caReferences"))
                return wrong(ret_error, "hublink-devhub takes the certificates themselves, no caReferences");
        certificates = json_object_object_get(x509, member_of(e->kind));
        if (!json_object_is_type(certificates, json_type_object))
                return wrong(ret_error, e->kind == ENROLLMENT_GROUP ? "a group has x509.signingCertificates"
                                                                    : "a device has x509.clientCertificates");
        r = take_certificate(certificates, "primary", e->kind, &e->primary_certificate, ret_error);
        if (r < 0)
                return r;
        return take_certificate(certificates, "secondary", e->kind, &e->secondary_certificate, ret_error);
}

/* ---- writing ---- */

static int put_names(json_object *info, const Certificate *c)
{
        _cleanup_(buffer_done) Buffer subject = BUFFER_NULL, issuer = BUFFER_NULL, serial = BUFFER_NULL;

        if (certificate_subject(c, &subject) < 0 || certificate_issuer(c, &issuer) < 0 ||
            certificate_serial(c, &serial) < 0)
                return -ENOMEM;
        /* a certificate may have no subject at all */
        if (json_put_text(info, "subjectName", subject.size > 0 ? subject.data : "") < 0 ||
            json_put_text(info, "issuerName", issuer.size > 0 ? issuer.data : "") < 0)
                return -ENOMEM;
        return json_put_text(info, "serialNumber", serial.data);
}

int x509_put_info(json_object *object, const char *name, const Certificate *c)
{
        char sha1[CERTIFICATE_SHA1_HEX + 1], sha256[CERTIFICATE_SHA256_HEX + 1];
        json_object *info = json_put_object(object, name);

        if (!info || certificate_sha1(c, sha1) < 0 || certificate_sha256(c, sha256) < 0 || put_names(info, c) < 0 ||
            json_put_text(info, "sha1Thumbprint", sha1) < 0 || json_put_text(info, "sha256Thumbprint", sha256) < 0 ||
            json_put_time(info, "notBeforeUtc", certificate_not_before(c)) < 0 ||
            json_put_time(info, "notAfterUtc", certificate_not_after(c)) < 0)
                return -ENOMEM;
        return json_put(info, "version", json_object_new_int((int)certificate_version(c)));
}

/* A certificate itself does not go back: the real service tells of it alone. */
static int put_certificate(json_object *certificates, const char *name, const char *pem)
{
        _cleanup_(certificate_freep) Certificate *certificate = NULL;
        json_object *holder;
        int r;

        if (!pem)
                return 0;
        r = certificate_parse(&certificate, pem, strlen(pem));
        if (r < 0)
                return r;
        holder = json_put_object(certificates, name);
        return holder ? x509_put_info(holder, "info", certificate) : -ENOMEM;
}

int x509_to_json(json_object *attestation, const Enrollment *e)
{
        json_object *x509 = json_put_object(attestation, "x509"), *certificates;
        int r;

        certificates = x509 ? json_put_object(x509, member_of(e->kind)) : NULL;
        if (!certificates)
                return -ENOMEM;
        r = put_certificate(certificates, "primary", e->primary_certificate);
        return r < 0 ? r : put_certificate(certificates, "secondary", e->secondary_certificate);
}
