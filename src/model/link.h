/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Link - the state of the connection to the hub, and why it is so
 */

typedef enum LinkState {
        LINK_STOPPED,    /* not wanted: the daemon is ending, or has no credential */
        LINK_OFFLINE,    /* never tried yet */
        LINK_CONNECTING, /* name lookup, TCP, TLS, CONNECT, SUBSCRIBE */
        LINK_CONNECTED,  /* messages flow */
        LINK_WAITING,    /* the next try has its time */
        _LINK_STATE_MAX,
        _LINK_STATE_INVALID = -22,
} LinkState;

/* A reason is claimed on evidence only; without it the word is `closed`. */
typedef enum LinkReason {
        LINK_REASON_NONE,
        LINK_REASON_NO_CREDENTIAL,   /* no connection string is configured, or it cannot be read */
        LINK_REASON_NETWORK,         /* no route, unreachable, TCP time-out */
        LINK_REASON_NAME,            /* the name was not found, or lookup did not answer */
        LINK_REASON_REFUSED,         /* TCP connection refused */
        LINK_REASON_TLS_UNTRUSTED,   /* the chain does not end at a CA that we trust */
        LINK_REASON_TLS_HOSTNAME,    /* the certificate is for another name */
        LINK_REASON_TLS_EXPIRED,     /* expired, or not yet valid: certificate or clock */
        LINK_REASON_CREDENTIAL,      /* CONNACK 4 or 5 */
        LINK_REASON_HUB_UNAVAILABLE, /* CONNACK 3 */
        LINK_REASON_CLOCK,
        LINK_REASON_TAKEOVER,
        LINK_REASON_THROTTLED,
        LINK_REASON_QUOTA,
        LINK_REASON_SILENT, /* the peer stopped answering: CONNACK, SUBACK, PUBACK or ping is overdue */
        LINK_REASON_PROVISIONING, /* the provisioning service gives us no hub */
        LINK_REASON_CLOSED, /* the peer closed, and nothing tells why */
        _LINK_REASON_MAX,
        _LINK_REASON_INVALID = -22,
} LinkReason;

const char *link_state_to_string(LinkState state);
const char *link_reason_to_string(LinkReason reason);
