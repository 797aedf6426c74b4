/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/dps/attestation.h"

#include <errno.h>
#include <string.h>

#include "azure/derived-key.h"
#include "azure/token.h"
#include "base/secret.h"
#include "devhub/dps/registration-id.h"

#define POLICY "registration"

static int derive(const char *key, const char *registration_id, char **ret)
{
        _cleanup_(secret_buffer_done) Buffer derived = BUFFER_NULL;
        int r;

        r = derived_key(&derived, key, registration_id);
        if (r < 0)
                return r;
        *ret = buffer_steal(&derived);
        return *ret ? 0 : -ENOMEM;
}

int attestation_keys(const Enrollment *e, const char *registration_id, char **ret_primary, char **ret_secondary)
{
        _cleanup_(secret_freep) char *primary = NULL, *secondary = NULL;
        int r;

        if (e->kind == ENROLLMENT_GROUP) {
                r = derive(e->primary_key, registration_id, &primary);
                if (r >= 0)
                        r = derive(e->secondary_key, registration_id, &secondary);
                if (r < 0)
                        return r;
        } else {
                primary = strdup(e->primary_key);
                secondary = strdup(e->secondary_key);
                if (!primary || !secondary)
                        return -ENOMEM;
        }
        *ret_primary = TAKE_PTR(primary);
        *ret_secondary = TAKE_PTR(secondary);
        return 0;
}

/* ---- the enrollment ---- */

/* 1: the token was signed with a key of the device's under this enrollment. */
static int is_signed(const Enrollment *e, const char *registration_id, const Token *token)
{
        _cleanup_(secret_freep) char *primary = NULL, *secondary = NULL;
        int r;

        r = attestation_keys(e, registration_id, &primary, &secondary);
        if (r < 0)
                return r;
        return token_is_signed_by(token, primary) || token_is_signed_by(token, secondary);
}

typedef struct Search {
        const char *registration_id;
        const Token *token;
        char *found; /* the group's id */
} Search;

static int visit_group(void *userdata, const Enrollment *group)
{
        Search *search = userdata;
        int r = is_signed(group, search->registration_id, search->token);

        if (r <= 0)
                return r;
        search->found = strdup(group->id);
        return search->found ? 1 : -ENOMEM;
}

static int refuse(const char **ret_reason, const char *reason)
{
        *ret_reason = reason;
        return ATTESTATION_E_REFUSED;
}

static int find_group(Store *store, const char *registration_id, const Token *token, Enrollment *ret,
                      const char **ret_reason)
{
        Search search = {registration_id, token, NULL};
        _cleanup_free_ char *found = NULL;
        int r;

        r = enrollment_each(store, ENROLLMENT_GROUP, NULL, UINT32_MAX, visit_group, &search);
        found = search.found;
        if (r < 0)
                return r;
        if (!found)
                return refuse(ret_reason, "neither an enrollment has its name nor a group the key it was signed with");
        return enrollment_find(store, ENROLLMENT_GROUP, found, ret);
}

/* One of its own comes before any group: that is how a single device is kept out of its group. */
static int find_enrollment(Store *store, const char *registration_id, const Token *token, Enrollment *ret,
                           const char **ret_reason)
{
        _cleanup_(enrollment_done) Enrollment e = {};
        int r;

        r = enrollment_find(store, ENROLLMENT_INDIVIDUAL, registration_id, &e);
        if (r == ENROLLMENT_E_UNKNOWN)
                return find_group(store, registration_id, token, ret, ret_reason);
        if (r >= 0)
                r = is_signed(&e, registration_id, token);
        if (r < 0)
                return r;
        if (r == 0)
                return refuse(ret_reason, "the token is signed with neither key of its enrollment");
        *ret = e;
        e = (Enrollment){};
        return 0;
}

/* ---- the token ---- */

static bool has_ended(const Token *token, usec_t wall_now)
{
        usec_t end = token->expiry > USEC_INFINITY / USEC_PER_SEC ? USEC_INFINITY : token->expiry * USEC_PER_SEC;

        return wall_now > usec_add(end, ATTESTATION_SKEW_USEC);
}

/* The id of the resource as the client spelt it in its user name. NULL: the token is right so far. */
static const char *check_token(const AttestationRequest *request, const Token *token)
{
        _cleanup_(buffer_done) Buffer path = BUFFER_NULL;

        buffer_printf(&path, "%s/registrations/%s", request->said_scope, request->registration_id);
        if (buffer_error(&path))
                return "no memory";
        if (!token_covers(token, path.data))
                return "the token is for another resource";
        /* one official client names no policy at all */
        if (token->policy && strcmp(token->policy, POLICY) != 0)
                return "the token names another policy than \"" POLICY "\"";
        if (has_ended(token, request->wall_now))
                return "the token has expired";
        return NULL;
}

int attestation_check(Store *store, const AttestationRequest *request, Enrollment *ret, const char **ret_reason)
{
        _cleanup_(token_done) Token token = {};
        _cleanup_free_ char *registration_id = NULL;
        const char *fault;
        int r;

        *ret_reason = "";
        if (strcmp(request->said_scope, request->id_scope) != 0)
                return refuse(ret_reason, "the id scope is another one");
        r = registration_id_fold(request->registration_id, &registration_id);
        if (r == -EINVAL)
                return refuse(ret_reason, "the registration id is none: 1 to 128 of a-z 0-9 - . _ :");
        if (r < 0)
                return r;
        r = token_parse(request->token, &token);
        if (r == -ENOMEM)
                return r;
        if (r < 0)
                return refuse(ret_reason, "the password is no shared access signature");
        fault = check_token(request, &token);
        if (fault)
                return refuse(ret_reason, fault);
        return find_enrollment(store, registration_id, &token, ret, ret_reason);
}
