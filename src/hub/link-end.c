/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/link-end.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* "OpenSSL Error[0]: error:0A00010B:SSL routines::wrong version number". The first line tells most. */
void link_end_note(LinkEnd *e, const char *line)
{
        const char *words = strrchr(line, ':');

        if (!*e->words && words && strstr(line, "OpenSSL"))
                (void)snprintf(e->words, sizeof(e->words), "%s", words + 1);
}

/* What was refused, or else what ended the handshake. */
static LinkReason explain_tls(const LinkEnd *e, TlsClient *tls, char *detail, size_t size)
{
        const char *words;

        switch (tls_client_fault(tls, &words)) {
        case TLS_FAULT_UNTRUSTED:
                (void)snprintf(detail, size, "%s (%s)", words,
                               e->own_cas ? "hub.ca_file names the CAs to trust, and no others are"
                                          : "install ca-certificates, or name the CA's file in hub.ca_file");
                return LINK_REASON_TLS_UNTRUSTED;
        case TLS_FAULT_HOSTNAME:
                (void)snprintf(detail, size, "%s", words);
                return LINK_REASON_TLS_HOSTNAME;
        case TLS_FAULT_EXPIRED:
                (void)snprintf(detail, size, "%s", words);
                return LINK_REASON_TLS_EXPIRED;
        case TLS_FAULT_NONE:
                break;
        }
        if (*e->words)
                (void)snprintf(detail, size, "the TLS handshake failed: %s", e->words);
        else
                (void)snprintf(detail, size, "the peer closed the connection in the TLS handshake");
        return LINK_REASON_CLOSED;
}

LinkReason link_end_explain(const LinkEnd *e, TlsClient *tls, int error, char *detail)
{
        char words[128];

        switch (-error) {
        case 0:
        case ECONNRESET:
        case EPIPE:
                if (!e->secured)
                        return explain_tls(e, tls, detail, LINK_END_DETAIL_MAX);
                (void)snprintf(detail, LINK_END_DETAIL_MAX, "the hub closed the connection%s",
                               e->accepted ? "" : " before it answered CONNECT");
                return LINK_REASON_CLOSED;
        default:
                (void)snprintf(detail, LINK_END_DETAIL_MAX, "the connection broke: %s",
                               strerror_r(-error, words, sizeof(words)));
                return LINK_REASON_NETWORK;
        }
}
