/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/mqtt/judge-desk.h"

#include "devhub/hub/authority.h"
#include "devhub/hub/policies.h"
#include "devhub/hub/registry.h"

_Static_assert((int)REGISTRY_E_UNKNOWN == (int)JUDGE_E_UNKNOWN && (int)POLICY_E_UNKNOWN == (int)JUDGE_E_UNKNOWN,
               "what the store does not know, the judge's desk does not");

static int find_identity(void *userdata, const char *device_id, const char *module_id, Identity *ret)
{
        return registry_find(userdata, device_id, module_id, ret);
}

static int find_policy(void *userdata, const char *name, Policy *ret)
{
        return policy_find(userdata, name, ret);
}

static int vouches(void *userdata, const Certificate *certificate, usec_t wall_now)
{
        return authority_vouches(userdata, certificate, wall_now);
}

JudgeDesk judge_desk(Store *store)
{
        return (JudgeDesk){find_identity, find_policy, vouches, store};
}
