/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/dps/settlement.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "base/secret.h"
#include "devhub/dps/attestation.h"
#include "devhub/dps/initial-twin.h"
#include "devhub/hub/registry.h"
#include "model/json-read.h"

/* ---- the identity ---- */

/* What it will prove itself by to the hub. Those that do not belong are "", thumbprints NULL. */
typedef struct Credentials {
        Authentication authentication;
        char *primary_key, *secondary_key;
        char *primary_thumbprint, *secondary_thumbprint;
} Credentials;

static void credentials_done(Credentials *c)
{
        secret_free(c->primary_key);
        secret_free(c->secondary_key);
        free(c->primary_thumbprint);
        free(c->secondary_thumbprint);
}

static int take_thumbprint(const Certificate *certificate, char **ret)
{
        char sha1[CERTIFICATE_SHA1_HEX + 1];
        int r = certificate_sha1(certificate, sha1);

        if (r < 0)
                return r;
        *ret = strdup(sha1);
        return *ret ? 0 : -ENOMEM;
}

static int take_thumbprint_of(const char *pem, char **ret)
{
        _cleanup_(certificate_freep) Certificate *certificate = NULL;
        int r;

        if (!pem)
                return 0;
        r = certificate_parse(&certificate, pem, strlen(pem));
        return r < 0 ? r : take_thumbprint(certificate, ret);
}

/* A device of its own may come with either of its certificates; one of a group has just the one. */
static int take_thumbprints(const Settlement *s, Credentials *c)
{
        const Enrollment *e = s->enrollment;
        int r;

        c->authentication = AUTHENTICATION_SELF_SIGNED;
        c->primary_key = strdup("");
        c->secondary_key = strdup("");
        if (!c->primary_key || !c->secondary_key)
                return -ENOMEM;
        if (e->kind == ENROLLMENT_GROUP)
                return take_thumbprint(s->certificate, &c->primary_thumbprint);
        r = take_thumbprint_of(e->primary_certificate, &c->primary_thumbprint);
        return r < 0 ? r : take_thumbprint_of(e->secondary_certificate, &c->secondary_thumbprint);
}

static int take_credentials(const Settlement *s, Credentials *c)
{
        if (s->enrollment->attestation == ATTESTATION_X509)
                return take_thumbprints(s, c);
        c->authentication = AUTHENTICATION_SAS;
        return attestation_keys(s->enrollment, s->registration_id, &c->primary_key, &c->secondary_key);
}

static bool same(const char *a, const char *b)
{
        return strcmp(a ? a : "", b ? b : "") == 0;
}

static bool is_set_up(const Identity *identity, const Enrollment *e, const Credentials *c)
{
        return identity->authentication == c->authentication && identity->is_edge == e->iot_edge &&
               same(identity->primary_key, c->primary_key) && same(identity->secondary_key, c->secondary_key) &&
               same(identity->primary_thumbprint, c->primary_thumbprint) &&
               same(identity->secondary_thumbprint, c->secondary_thumbprint);
}

static void set_up(Identity *identity, const Enrollment *e, Credentials *c)
{
        secret_free(identity->primary_key);
        secret_free(identity->secondary_key);
        free(identity->primary_thumbprint);
        free(identity->secondary_thumbprint);
        identity->primary_key = TAKE_PTR(c->primary_key);
        identity->secondary_key = TAKE_PTR(c->secondary_key);
        identity->primary_thumbprint = TAKE_PTR(c->primary_thumbprint);
        identity->secondary_thumbprint = TAKE_PTR(c->secondary_thumbprint);
        identity->authentication = c->authentication;
        identity->is_edge = e->iot_edge;
}

/* It connects with what it was attested by. An identity that is as it should be is not written again: its etag would
 * be another one. */
static int settle_identity(Store *store, const Settlement *s, bool *ret_created)
{
        _cleanup_(credentials_done) Credentials credentials = {};
        _cleanup_(identity_done) Identity identity = {};
        int k;

        k = take_credentials(s, &credentials);
        if (k >= 0)
                k = registry_find(store, s->device_id, NULL, &identity);
        if (k < 0)
                return k;
        *ret_created = k == REGISTRY_E_UNKNOWN;
        if (*ret_created)
                k = identity_init(&identity, s->device_id, NULL);
        else if (is_set_up(&identity, s->enrollment, &credentials))
                return 0;
        if (k < 0)
                return k;
        set_up(&identity, s->enrollment, &credentials);
        return *ret_created ? registry_add(store, &identity, s->wall_now)
                            : registry_update(store, &identity, NULL, s->wall_now);
}

/* ---- the twin ---- */

/* What the service has written of it, as it would be given by a change. */
static json_object *written_of(const Twin *twin)
{
        json_object *given = json_object_new_object(), *properties = json_object_new_object();

        if (json_put(given, "properties", properties) < 0 ||
            json_put(given, "tags", json_object_get(twin->tags.values)) < 0 ||
            json_put(properties, "desired", json_object_get(twin->desired.values)) < 0) {
                (void)json_object_put(given);
                return NULL;
        }
        return given;
}

static int bring_written(Store *store, const Settlement *s, Buffer *error)
{
        _cleanup_(twin_done) Twin twin = {};
        json_object *given = written_of(s->brought), *patch = NULL;
        int r;

        if (!given)
                return -ENOMEM;
        r = twin_change(store, s->device_id, NULL, &(TwinChange){.given = given, .replace = true}, s->wall_now, &twin,
                        &patch, error);
        (void)json_object_put(patch);
        (void)json_object_put(given);
        return r;
}

static int bring_twin(Store *store, const Settlement *s)
{
        _cleanup_(buffer_done) Buffer error = BUFFER_NULL;
        uint64_t version;
        int r;

        r = bring_written(store, s, &error);
        if (r == 0)
                r = twin_report(store, s->device_id, NULL, s->brought->reported.values, s->wall_now, &version, &error);
        if (r > 0)
                log_warning("%s begins without all of its twin: %s", s->device_id, error.size > 0 ? error.data : "");
        return MIN(r, 0);
}

int settlement_do(Store *store, const Settlement *s)
{
        bool created = false;
        int r;

        r = settle_identity(store, s, &created);
        if (r < 0 || (!created && !s->begins_anew))
                return r;
        return created && s->brought ? bring_twin(store, s)
                                     : initial_twin_write(store, s->device_id, s->enrollment->initial_twin,
                                                          s->wall_now);
}
