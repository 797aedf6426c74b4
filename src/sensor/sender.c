/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/sender.h"

#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

static void take_address(Sender *s, const struct sockaddr_storage *address)
{
        if (address->ss_family == AF_INET)
                memcpy(&s->address.in, address, sizeof(s->address.in));
        else if (address->ss_family == AF_INET6)
                memcpy(&s->address.in6, address, sizeof(s->address.in6));
}

/* In a user namespace, as PrivateUsers= of our unit makes one, all users that it does not have look like this one. */
#define OVERFLOW_UID 65534

static bool sees_all_users(void)
{
        static int answer = -1;
        unsigned long long inside, outside, n;
        FILE *f;

        if (answer >= 0)
                return answer;
        f = fopen("/proc/self/uid_map", "re");
        answer = !f || fscanf(f, "%llu %llu %llu", &inside, &outside, &n) != 3 || n >= UINT32_MAX;
        if (f)
                fclose(f);
        return answer;
}

static void take_credentials(Sender *s, const struct ucred *credentials)
{
        s->pid = credentials->pid;
        s->uid = credentials->uid == OVERFLOW_UID && !sees_all_users() ? SENDER_UNKNOWN : credentials->uid;
}

Sender sender_of_client(int fd)
{
        struct sockaddr_storage address = {};
        struct ucred credentials = {.uid = SENDER_UNKNOWN};
        socklen_t size = sizeof(address);
        Sender s = {};

        (void)getpeername(fd, (struct sockaddr *)&address, &size);
        take_address(&s, &address);
        size = sizeof(credentials);
        if (s.address.any.sa_family == AF_UNSPEC)
                (void)getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size);
        take_credentials(&s, &credentials);
        return s;
}

Sender sender_of_message(struct msghdr *message)
{
        struct ucred credentials = {.uid = SENDER_UNKNOWN};
        Sender s = {};

        if (message->msg_name && message->msg_namelen > 0)
                take_address(&s, message->msg_name);
        for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c))
                if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_CREDENTIALS)
                        memcpy(&credentials, CMSG_DATA(c), sizeof(credentials));
        /* What was sent before anybody asked for credentials has none, and looks like that of a user without a
         * number. */
        if (credentials.pid == 0)
                credentials.uid = SENDER_UNKNOWN;
        take_credentials(&s, &credentials);
        return s;
}

/* FNV: little depends on two being told apart */
#define FOLD_BASE UINT64_C(0xcbf29ce484222325)

static uint64_t fold(uint64_t key, const void *data, size_t size)
{
        const unsigned char *p = data;

        for (size_t i = 0; i < size; i++)
                key = (key ^ p[i]) * UINT64_C(0x100000001b3);
        return key;
}

bool sender_is_local(const Sender *s)
{
        return s->address.any.sa_family == AF_UNSPEC;
}

uint64_t sender_peer(const Sender *s)
{
        switch (s->address.any.sa_family) {
        case AF_INET:
                return fold(FOLD_BASE, &s->address.in.sin_addr, sizeof(s->address.in.sin_addr));
        case AF_INET6:
                return fold(FOLD_BASE, &s->address.in6.sin6_addr, sizeof(s->address.in6.sin6_addr));
        default:
                return s->uid != SENDER_UNKNOWN ? fold(FOLD_BASE, &s->uid, sizeof(s->uid))
                                                : fold(~FOLD_BASE, &s->pid, sizeof(s->pid));
        }
}

uint64_t sender_key(const Sender *s)
{
        return sender_is_local(s) ? fold(sender_peer(s), &s->pid, sizeof(s->pid)) : sender_peer(s);
}

static const char *program_name(pid_t pid, char name[static 32])
{
        char path[32];
        FILE *f;
        size_t n = 0;

        (void)snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
        f = pid > 0 ? fopen(path, "re") : NULL;
        if (f) {
                n = fread(name, 1, 31, f);
                fclose(f);
        }
        name[n] = 0;
        name[strcspn(name, "\n")] = 0;
        for (char *p = name; *p; p++)
                if (*p < 0x20 || *p > 0x7e)
                        *p = '?';
        if (name[0])
                return name;
        return kill(pid, 0) < 0 && errno == ESRCH ? "a program that is gone" : "a program";
}

/* The port; without an address there is no text. */
static uint16_t address_words(const Sender *s, char text[static INET6_ADDRSTRLEN])
{
        switch (s->address.any.sa_family) {
        case AF_INET:
                (void)inet_ntop(AF_INET, &s->address.in.sin_addr, text, INET6_ADDRSTRLEN);
                return ntohs(s->address.in.sin_port);
        case AF_INET6:
                (void)inet_ntop(AF_INET6, &s->address.in6.sin6_addr, text, INET6_ADDRSTRLEN);
                return ntohs(s->address.in6.sin6_port);
        default:
                text[0] = 0;
                return 0;
        }
}

const char *sender_words(const Sender *s, char words[static SENDER_WORDS_MAX])
{
        char text[INET6_ADDRSTRLEN], name[32];
        uint16_t port = address_words(s, text);

        if (text[0])
                (void)snprintf(words, SENDER_WORDS_MAX, "%s, port %u", text, port);
        else if (s->pid == 0 && s->uid == SENDER_UNKNOWN)
                (void)snprintf(words, SENDER_WORDS_MAX, "a program that is not known");
        else if (s->uid == SENDER_UNKNOWN)
                (void)snprintf(words, SENDER_WORDS_MAX, "%s (pid %d)", program_name(s->pid, name), (int)s->pid);
        else
                (void)snprintf(words, SENDER_WORDS_MAX, "%s (pid %d, uid %u)", program_name(s->pid, name), (int)s->pid,
                               (unsigned)s->uid);
        return words;
}

SenderFields sender_fields(const Sender *s)
{
        char text[INET6_ADDRSTRLEN];
        uint16_t port = address_words(s, text);
        SenderFields f;

        if (text[0]) {
                (void)snprintf(f.first, sizeof(f.first), "HUBLINK_SENDER_ADDRESS=%s", text);
                (void)snprintf(f.second, sizeof(f.second), "HUBLINK_SENDER_PORT=%u", port);
        } else {
                (void)snprintf(f.first, sizeof(f.first), "HUBLINK_SENDER_PID=%d", (int)s->pid);
                if (s->uid == SENDER_UNKNOWN)
                        (void)snprintf(f.second, sizeof(f.second), "HUBLINK_SENDER_UID=unknown");
                else
                        (void)snprintf(f.second, sizeof(f.second), "HUBLINK_SENDER_UID=%u", (unsigned)s->uid);
        }
        return f;
}
