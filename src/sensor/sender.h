/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Sender - who wrote to a socket: a program of this machine, or an address
 */

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "base/macro.h"

typedef struct Sender {
        pid_t pid; /* of a unix socket's peer; 0: unknown, or of no process that we see */
        uid_t uid; /* SENDER_UNKNOWN: or of no user that we see */
        union {
                struct sockaddr any; /* AF_UNSPEC: there is no address */
                struct sockaddr_in in;
                struct sockaddr_in6 in6;
        } address;
} Sender;

#define SENDER_UNKNOWN   ((uid_t)-1)
#define SENDER_WORDS_MAX 96

Sender sender_of_client(int fd);
/* Its name, and its credentials if the socket asks for them. */
Sender sender_of_message(struct msghdr *message);

bool sender_is_local(const Sender *sender);

/* The same for all that one program, or one address, sends. */
uint64_t sender_key(const Sender *sender);
/* The same for all that one user of this machine, or one address, sends; of a user that is not seen from here, for all
 * that one program sends. */
uint64_t sender_peer(const Sender *sender);
/* "logger (pid 17, uid 1000)", "192.0.2.7, port 40000" */
const char *sender_words(const Sender *sender, char words[static SENDER_WORDS_MAX]);

/* For the journal: HUBLINK_SENDER_PID and HUBLINK_SENDER_UID, or HUBLINK_SENDER_ADDRESS and HUBLINK_SENDER_PORT. */
typedef struct SenderFields {
        char first[96], second[64];
} SenderFields;
SenderFields sender_fields(const Sender *sender);
