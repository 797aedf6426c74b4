/* SPDX-License-Identifier: Apache-2.0 */
#include "model/link.h"

#include <stddef.h>

static const char *const state_names[_LINK_STATE_MAX] = {
        [LINK_STOPPED] = "stopped",     [LINK_OFFLINE] = "offline", [LINK_CONNECTING] = "connecting",
        [LINK_CONNECTED] = "connected", [LINK_WAITING] = "waiting",
};

static const char *const reason_names[_LINK_REASON_MAX] = {
        [LINK_REASON_NONE] = "none",
        [LINK_REASON_NO_CREDENTIAL] = "no-credential",
        [LINK_REASON_NETWORK] = "network",
        [LINK_REASON_NAME] = "name",
        [LINK_REASON_REFUSED] = "refused",
        [LINK_REASON_TLS_UNTRUSTED] = "tls-untrusted",
        [LINK_REASON_TLS_HOSTNAME] = "tls-hostname",
        [LINK_REASON_TLS_EXPIRED] = "tls-expired",
        [LINK_REASON_CREDENTIAL] = "credential",
        [LINK_REASON_HUB_UNAVAILABLE] = "hub-unavailable",
        [LINK_REASON_CLOCK] = "clock",
        [LINK_REASON_TAKEOVER] = "takeover",
        [LINK_REASON_THROTTLED] = "throttled",
        [LINK_REASON_QUOTA] = "quota",
        [LINK_REASON_SILENT] = "silent",
        [LINK_REASON_PROVISIONING] = "provisioning",
        [LINK_REASON_CLOSED] = "closed",
};

const char *link_state_to_string(LinkState state)
{
        return state >= 0 && state < _LINK_STATE_MAX ? state_names[state] : NULL;
}

const char *link_reason_to_string(LinkReason reason)
{
        return reason >= 0 && reason < _LINK_REASON_MAX ? reason_names[reason] : NULL;
}
