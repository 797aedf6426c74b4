/* SPDX-License-Identifier: Apache-2.0 */
#include "explorer/enrollment-change.h"

#include <stdio.h>
#include <string.h>

#include "base/secret.h"
#include "explorer/file.h"
#include "explorer/key.h"
#include "explorer/output.h"

#define CERTIFICATE_MAX ((size_t)64 << 10)
#define TWIN_MAX        ((size_t)512 << 10)

/* ---- attestation ---- */

static int put_key(const Words *w, const char *option, json_object *attestation, const char *member, bool *ok)
{
        _cleanup_(secret_buffer_done) Buffer key = BUFFER_NULL;
        int r = key_of_option(w, option, &key);

        if (r == EXPLORER_OK && key.size > 0) {
                json_put_text(attestation, "type", "symmetricKey", ok);
                json_put_text(json_object_made(attestation, "symmetricKey", ok), member, key.data, ok);
        }
        return r;
}

static int put_certificate(const Words *w, const char *option, json_object *certificates, const char *member, bool *ok)
{
        _cleanup_(buffer_done) Buffer pem = BUFFER_NULL;
        const char *name = words_value(w, option);
        char what[64];
        int r;

        if (!name)
                return EXPLORER_OK;
        (void)snprintf(what, sizeof(what), "--%s", option);
        r = file_read_operand(&pem, what, name, CERTIFICATE_MAX);
        if (r != EXPLORER_OK)
                return r;
        if (!pem.data || !strstr(pem.data, "-----BEGIN CERTIFICATE-----")) {
                complain("--%s: %s holds no certificate in PEM form", option, name);
                return EXPLORER_FAILED;
        }
        json_put_text(json_object_made(certificates, member, ok), "certificate", pem.data, ok);
        return EXPLORER_OK;
}

/* Instead of what it was before. */
static int put_x509(const Words *w, json_object *o, bool of_group, bool *ok)
{
        json_object *attestation = json_object_new_object(), *x509, *certificates;
        int r;

        json_put_text(attestation, "type", "x509", ok);
        x509 = json_object_made(attestation, "x509", ok);
        json_put(o, "attestation", attestation, ok);
        if (words_have(w, "ca-name")) {
                json_put_text(json_object_made(x509, "caReferences", ok), "primary", words_value(w, "ca-name"), ok);
                return EXPLORER_OK;
        }
        certificates = json_object_made(x509, of_group ? "signingCertificates" : "clientCertificates", ok);
        r = put_certificate(w, "certificate", certificates, "primary", ok);
        return r == EXPLORER_OK ? put_certificate(w, "secondary-certificate", certificates, "secondary", ok) : r;
}

static int put_attestation(const Words *w, json_object *o, bool of_group, bool *ok)
{
        bool keys = words_have(w, "primary-key") || words_have(w, "secondary-key");
        bool certificates = words_have(w, "certificate"), authority = words_have(w, "ca-name");
        int r = EXPLORER_OK;

        if (keys + certificates + authority > 1)
                return bad_usage("keys, --certificate%s exclude each other", of_group ? " and --ca-name" : "");
        if (words_have(w, "secondary-certificate") && !certificates)
                return bad_usage("--secondary-certificate goes with --certificate");
        if (certificates || authority)
                return put_x509(w, o, of_group, ok);
        if (keys) {
                json_object *attestation = json_object_made(o, "attestation", ok);

                r = put_key(w, "primary-key", attestation, "primaryKey", ok);
                if (r == EXPLORER_OK)
                        r = put_key(w, "secondary-key", attestation, "secondaryKey", ok);
        }
        return r;
}

/* ---- where to ---- */

static void put_hubs(const Words *w, json_object *o, bool *ok)
{
        json_object *hubs = json_object_new_array();
        const char *hub;

        for (size_t at = 0; (hub = words_next(w, "hub", &at));)
                if (!hubs || json_object_array_add(hubs, json_object_new_string(hub)) < 0)
                        *ok = false;
        json_put(o, "iotHubs", hubs, ok);
}

static void put_reprovision(json_object *o, const char *policy, bool *ok)
{
        json_object *p = json_object_made(o, "reprovisionPolicy", ok);

        json_put(p, "updateHubAssignment", json_object_new_boolean(strcmp(policy, "never") != 0), ok);
        json_put(p, "migrateDeviceData", json_object_new_boolean(strcmp(policy, "migrate") == 0), ok);
}

static int put_policies(const Words *w, json_object *o, bool *ok)
{
        static const char *const statuses[] = {"enabled", "disabled", NULL};
        static const char *const allocations[] = {"hashed", "geoLatency", "static", NULL};
        static const char *const reprovisions[] = {"migrate", "reset", "never", NULL};
        static const char *const answers[] = {"yes", "no", NULL};
        const char *status = NULL, *allocation = NULL, *reprovision = NULL, *edge = NULL;
        int r = words_choice(w, "status", statuses, &status);

        if (r == EXPLORER_OK)
                r = words_choice(w, "allocation", allocations, &allocation);
        if (r == EXPLORER_OK)
                r = words_choice(w, "reprovision", reprovisions, &reprovision);
        if (r == EXPLORER_OK)
                r = words_choice(w, "edge", answers, &edge);
        if (r != EXPLORER_OK)
                return r;
        if (status)
                json_put_text(o, "provisioningStatus", status, ok);
        if (allocation)
                json_put_text(o, "allocationPolicy", allocation, ok);
        if (reprovision)
                put_reprovision(o, reprovision, ok);
        if (edge)
                json_put(json_object_made(o, "capabilities", ok), "iotEdge", json_object_new_boolean(*edge == 'y'), ok);
        if (words_have(w, "hub"))
                put_hubs(w, o, ok);
        return EXPLORER_OK;
}

static int put_twin(const Words *w, json_object *o, bool *ok)
{
        const char *text = words_value(w, "initial-twin");
        json_object *twin = NULL;
        int r = text ? json_of_operand(text, "--initial-twin", TWIN_MAX, &twin) : EXPLORER_OK;

        if (r != EXPLORER_OK || !text)
                return r;
        if (!json_object_is_type(twin, json_type_object)) {
                (void)json_object_put(twin);
                return bad_usage("--initial-twin is an object: {\"tags\":{...},\"properties\":{\"desired\":{...}}}");
        }
        json_put(o, "initialTwin", twin, ok);
        return EXPLORER_OK;
}

/* ---- the whole ---- */

json_object *enrollment_new(const char *member, const char *id)
{
        json_object *o = json_object_new_object(), *attestation, *keys;
        bool ok = o;

        json_put_text(o, member, id, &ok);
        attestation = json_object_made(o, "attestation", &ok);
        json_put_text(attestation, "type", "symmetricKey", &ok);
        keys = json_object_made(attestation, "symmetricKey", &ok);
        json_put_text(keys, "primaryKey", "", &ok);
        json_put_text(keys, "secondaryKey", "", &ok);
        json_put_text(o, "provisioningStatus", "enabled", &ok);
        put_reprovision(o, "migrate", &ok);
        if (ok)
                return o;
        (void)json_object_put(o);
        return NULL;
}

int enrollment_change(const Words *w, bool of_group, json_object *o)
{
        bool ok = true;
        int r = put_attestation(w, o, of_group, &ok);

        if (r == EXPLORER_OK)
                r = put_policies(w, o, &ok);
        if (r == EXPLORER_OK)
                r = put_twin(w, o, &ok);
        if (r == EXPLORER_OK && words_have(w, "device-id"))
                json_put_text(o, "deviceId", words_value(w, "device-id"), &ok);
        return r != EXPLORER_OK ? r : ok ? EXPLORER_OK : out_of_memory();
}
