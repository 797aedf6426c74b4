/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/hub/access.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "azure/token.h"
#include "devhub/hub/authority.h"
#include "devhub/hub/certificate-proof.h"
#include "devhub/hub/registry.h"

void access_done(Access *access)
{
        free(access->policy);
        *access = (Access){};
}

static int refuse(const char **ret_reason, const char *reason)
{
        *ret_reason = reason;
        return ACCESS_E_REFUSED;
}

/* Host names have no case, what stands behind them has: the path begins with the token's own spelling. */
static void build_path(Buffer *b, const AccessRequest *request, const Token *token)
{
        buffer_append(b, token->resource, strlen(request->host));
        if (!request->device_id) {
                buffer_append_string(b, request->path ? request->path : "");
                return;
        }
        buffer_printf(b, "/devices/%s", request->device_id);
        if (request->module_id)
                buffer_printf(b, "/modules/%s", request->module_id);
}

static bool is_for_host(const Token *token, const char *host)
{
        size_t size = strlen(host);

        return strncasecmp(token->resource, host, size) == 0 &&
               (token->resource[size] == 0 || token->resource[size] == '/');
}

/* A token of one device is not one for all: what asks for the hub itself wants the hub's own resource. */
static int check_resource(const AccessRequest *request, const Token *token)
{
        _cleanup_(buffer_done) Buffer path = BUFFER_NULL;
        const char *rest;

        if (!is_for_host(token, request->host))
                return ACCESS_E_REFUSED;
        rest = token->resource + strlen(request->host);
        if (!request->device_id && !request->path)
                return rest[strspn(rest, "/")] == 0 ? 0 : ACCESS_E_REFUSED;
        build_path(&path, request, token);
        if (buffer_error(&path))
                return -ENOMEM;
        return token_covers(token, path.data) ? 0 : ACCESS_E_REFUSED;
}

static int check_policy(Store *store, const Token *token, Access *access, const char **ret_reason)
{
        _cleanup_(policy_done) Policy policy = {};
        int r;

        if (!token->policy)
                return refuse(ret_reason, "the token names no policy");
        r = policy_find(store, token->policy, &policy);
        if (r < 0)
                return r;
        if (r == POLICY_E_UNKNOWN)
                return refuse(ret_reason, "the token names a policy that does not exist");
        if (!policy_has_signed(&policy, token))
                return refuse(ret_reason, "the token is signed with neither key of its policy");
        access->rights = policy.rights;
        access->policy = strdup(token->policy);
        return access->policy ? 0 : -ENOMEM;
}

static int check_identity(Store *store, const AccessRequest *request, const Token *token, Access *access,
                          const char **ret_reason)
{
        _cleanup_(identity_done) Identity identity = {};
        int r;

        if (!request->device_id)
                return refuse(ret_reason, "the token names no policy");
        r = registry_find(store, request->device_id, request->module_id, &identity);
        if (r < 0)
                return r;
        if (r == REGISTRY_E_UNKNOWN)
                return refuse(ret_reason, "the token names no policy, and there is no such device or module");
        if (identity.disabled)
                return refuse(ret_reason, "the device is disabled");
        if (identity.authentication != AUTHENTICATION_SAS ||
            !token_is_signed_by_either(token, identity.primary_key, identity.secondary_key))
                return refuse(ret_reason, "the token is signed with neither key of the device or module");
        access->rights = RIGHT_DEVICE_CONNECT;
        return 0;
}

static int check_end(const Token *token, usec_t wall_now, Access *access, const char **ret_reason)
{
        access->ends_usec = token_ends_usec(token);
        if (wall_now > usec_add(access->ends_usec, ACCESS_SKEW_USEC))
                return refuse(ret_reason, "the token has expired");
        return 0;
}

int access_check_policy(Store *store, const Token *token, usec_t wall_now, Access *ret, const char **ret_reason)
{
        _cleanup_(access_done) Access access = {};
        int r;

        *ret_reason = "";
        r = check_policy(store, token, &access, ret_reason);
        if (r == 0)
                r = check_end(token, wall_now, &access, ret_reason);
        if (r != 0)
                return r;
        *ret = access;
        access = (Access){};
        return 0;
}

static int vouches(void *userdata, const Certificate *certificate, usec_t wall_now)
{
        return authority_vouches(userdata, certificate, wall_now);
}

static int check_certificate(Store *store, const AccessRequest *request, Access *ret, const char **ret_reason)
{
        _cleanup_(identity_done) Identity identity = {};
        const char *fault;
        int r = registry_find(store, request->device_id, request->module_id, &identity);

        if (r < 0)
                return r;
        if (r == REGISTRY_E_UNKNOWN)
                return refuse(ret_reason, "there is no token, and no such device or module");
        if (identity.disabled)
                return refuse(ret_reason, "the device is disabled");
        if (!identity_has_certificates(&identity))
                return refuse(ret_reason, "there is no token, and the device or module is not known by certificates");
        fault = certificate_proof_fault(request->certificate, &identity, request->wall_now, vouches, store);
        if (fault)
                return refuse(ret_reason, fault);
        *ret = (Access){.rights = RIGHT_DEVICE_CONNECT, .by_certificate = true, .ends_usec = USEC_INFINITY};
        return 0;
}

int access_check(Store *store, const AccessRequest *request, Access *ret, const char **ret_reason)
{
        _cleanup_(token_done) Token token = {};
        _cleanup_(access_done) Access access = {};
        int r;

        *ret_reason = "";
        if (!*request->token && request->device_id)
                return check_certificate(store, request, ret, ret_reason);
        r = token_parse(request->token, &token);
        if (r == -ENOMEM)
                return r;
        if (r < 0)
                return refuse(ret_reason, "there is no shared access signature");
        r = check_resource(request, &token);
        if (r != 0)
                return r < 0 ? r : refuse(ret_reason, "the token is for another resource");
        r = token.policy ? check_policy(store, &token, &access, ret_reason)
                         : check_identity(store, request, &token, &access, ret_reason);
        if (r == 0)
                r = check_end(&token, request->wall_now, &access, ret_reason);
        if (r != 0)
                return r;
        *ret = access;
        access = (Access){};
        return 0;
}
