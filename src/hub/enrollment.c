/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/enrollment.h"

#include <errno.h>
#include <string.h>

#include "azure/dps-username.h"
#include "base/json.h"
#include "base/secret.h"
#include "base/text.h"

Enrollment *enrollment_free(Enrollment *e)
{
        if (!e)
                return NULL;
        identity_free(e->identity);
        buffer_done(&e->body);
        free(e->ca_file);
        free(e->address);
        free(e->model_id);
        free(e->product_info);
        free(e);
        return NULL;
}

char *enrollment_fold_id(const char *id)
{
        char *folded = strdup(id);

        for (char *p = folded; p && *p; p++)
                if (*p >= 'A' && *p <= 'Z')
                        *p = (char)(*p - 'A' + 'a');
        return folded;
}

/* ---- to the service ---- */

static bool compose(Identity *i, const HubSettings *settings, const char *key)
{
        _cleanup_(buffer_done) Buffer username = BUFFER_NULL, resource = BUFFER_NULL;
        const DpsSettings *dps = &settings->dps;

        i->client_id = enrollment_fold_id(dps->registration_id);
        if (!i->client_id)
                return false;
        dps_username_make(&username, dps->id_scope, i->client_id,
                          settings->product_info ? settings->product_info : IDENTITY_PRODUCT_INFO);
        buffer_printf(&resource, "%s/registrations/%s", dps->id_scope, i->client_id);
        i->username = buffer_steal(&username);
        i->resource = buffer_steal(&resource);
        return text_copy(&i->host, dps->host) && text_copy(&i->tls_name, dps->host) &&
               text_copy(&i->ca_file, settings->ca_file) && text_copy(&i->key, key) &&
               text_copy(&i->policy, "registration") && i->username && i->resource;
}

static int make_identity(Identity **ret, const HubSettings *settings, const char *key, const char **ret_error)
{
        _cleanup_(identity_freep) Identity *i = calloc(1, sizeof(*i));
        int r;

        if (!i)
                return -ENOMEM;
        i->port = IDENTITY_PORT;
        i->keepalive_usec = ENROLLMENT_KEEPALIVE_USEC;
        i->token_life_usec = ENROLLMENT_TOKEN_USEC;
        if (settings->dps.address) {
                r = identity_parse_address(settings->dps.address, &i->address, &i->port);
                if (r == -EINVAL)
                        *ret_error = "hub.dps.address is not of the form \"host:port\"";
                if (r < 0)
                        return r;
        }
        if (!compose(i, settings, key))
                return -ENOMEM;
        *ret = TAKE_PTR(i);
        return 0;
}

static void make_body(Enrollment *e)
{
        buffer_append_string(&e->body, "{\"registrationId\":");
        json_string(&e->body, e->identity->client_id);
        if (e->model_id) {
                buffer_append_string(&e->body, ",\"payload\":{\"modelId\":");
                json_string(&e->body, e->model_id);
                buffer_append_char(&e->body, '}');
        }
        buffer_append_char(&e->body, '}');
}

/* ---- the whole ---- */

int enrollment_new(Enrollment **ret, const HubSettings *settings, const ConnectionString *credential,
                   const char **ret_error)
{
        _cleanup_(enrollment_freep) Enrollment *e = calloc(1, sizeof(*e));
        int r;

        if (!e)
                return -ENOMEM;
        *ret_error = !credential->shared_access_key         ? "there is no key for the provisioning service"
                   : !settings->dps.registration_id         ? "hub.dps has no registration_id"
                                                            : NULL;
        if (*ret_error)
                return -EINVAL;
        r = make_identity(&e->identity, settings, credential->shared_access_key, ret_error);
        if (r < 0)
                return r;
        e->keepalive_usec = settings->keepalive_usec;
        e->token_life_usec = settings->token_life_usec;
        if (!text_copy(&e->ca_file, settings->ca_file) || !text_copy(&e->address, settings->address) ||
            !text_copy(&e->model_id, settings->model_id) || !text_copy(&e->product_info, settings->product_info))
                return -ENOMEM;
        make_body(e);
        if (buffer_error(&e->body))
                return -ENOMEM;
        *ret = TAKE_PTR(e);
        return 0;
}

bool enrollment_equal(const Enrollment *a, const Enrollment *b)
{
        if (!a || !b)
                return a == b;
        return identity_equal(a->identity, b->identity) && a->body.size == b->body.size &&
               memcmp(a->body.data, b->body.data, a->body.size) == 0;
}

const char *enrollment_registration(const Enrollment *e)
{
        return e->identity->resource;
}

int enrollment_identity(const Enrollment *e, const Assignment *assignment, Identity **ret, const char **ret_error)
{
        const HubSettings settings = {
                .ca_file = e->ca_file,
                .address = e->address,
                .model_id = e->model_id,
                .product_info = e->product_info,
                .keepalive_usec = e->keepalive_usec,
                .token_life_usec = e->token_life_usec,
        };
        const ConnectionString credential = {
                .host_name = assignment->host,
                .device_id = assignment->device_id,
                .shared_access_key = e->identity->key,
        };

        return identity_new(ret, &settings, &credential, ret_error);
}
