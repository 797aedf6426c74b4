/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/mqtt/kept-sessions.h"

#include <string.h>

#include "devhub/hub/identity.h"

static char *name_of(const char *device_id, const char *module_id)
{
        _cleanup_(buffer_done) Buffer b = BUFFER_NULL;

        identity_name(device_id, module_id, &b);
        return buffer_steal(&b);
}

bool kept_sessions_take(KeptSessions *kept, const char *device_id, const char *module_id, Subscriptions *ret)
{
        _cleanup_free_ char *name = name_of(device_id, module_id);

        for (size_t i = 0; name && i < kept->n_sessions; i++) {
                KeptSession *session = &kept->sessions[i];

                if (strcmp(session->name, name) != 0)
                        continue;
                *ret = session->subscriptions;
                free(session->name);
                *session = kept->sessions[--kept->n_sessions];
                return true;
        }
        return false;
}

void kept_sessions_drop(KeptSessions *kept, const char *device_id, const char *module_id)
{
        Subscriptions subscriptions;

        if (kept_sessions_take(kept, device_id, module_id, &subscriptions))
                subscriptions_done(&subscriptions);
}

void kept_sessions_put(KeptSessions *kept, const char *device_id, const char *module_id, Subscriptions *subscriptions)
{
        char *name = name_of(device_id, module_id);
        KeptSession *more;

        kept_sessions_drop(kept, device_id, module_id);
        more = reallocarray(kept->sessions, kept->n_sessions + 1, sizeof(*more));
        if (more)
                kept->sessions = more;
        if (!more || !name) {
                free(name);
                subscriptions_done(subscriptions);
                return;
        }
        more[kept->n_sessions++] = (KeptSession){name, *subscriptions};
        *subscriptions = (Subscriptions){};
}

void kept_sessions_drop_device(KeptSessions *kept, const char *device_id)
{
        size_t size = strlen(device_id);

        for (size_t i = kept->n_sessions; i-- > 0;) {
                KeptSession *session = &kept->sessions[i];

                if (strncmp(session->name, device_id, size) != 0 || (session->name[size] && session->name[size] != '/'))
                        continue;
                free(session->name);
                subscriptions_done(&session->subscriptions);
                *session = kept->sessions[--kept->n_sessions];
        }
}

void kept_sessions_done(KeptSessions *kept)
{
        for (size_t i = 0; i < kept->n_sessions; i++) {
                free(kept->sessions[i].name);
                subscriptions_done(&kept->sessions[i].subscriptions);
        }
        free(kept->sessions);
        *kept = (KeptSessions){};
}
