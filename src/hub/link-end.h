/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Link end - why a connection ended, in words and as the reason of a link
 *
 * What is known of the connection is noted while it lives. A reason is claimed on evidence only.
 */

#include "base/tls-client.h"
#include "model/link.h"

#define LINK_END_DETAIL_MAX 512

typedef struct LinkEnd {
        bool own_cas;    /* hub.ca_file is set */
        bool secured;    /* the TLS handshake is through */
        bool accepted;   /* CONNACK 0 came, and was told */
        char words[128]; /* OpenSSL's own, of what went wrong first; "": it said nothing */
} LinkEnd;

/* A line of the library's log, which may have OpenSSL's words in it. */
void link_end_note(LinkEnd *e, const char *line);

/* error: a negative errno of the socket, or 0 where that had none. detail: room for LINK_END_DETAIL_MAX. */
LinkReason link_end_explain(const LinkEnd *e, TlsClient *tls, int error, char *detail);
