/* SPDX-License-Identifier: Apache-2.0 */
#include "explorer/amqp-fault.h"

#include <errno.h>
#include <inttypes.h>
#include <proton/codec.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* What the peer may say (protocol reference 9.3, and the common ones of AMQP and Event Hubs). What is not here is a
 * refusal without advice. */
static const struct {
        const char *condition;
        AmqpFaultKind kind;
        const char *advice;
} conditions[] = {
        {"amqp:unauthorized-access", AMQP_FAULT_REFUSED,
         "check that the policy of the login has the right ServiceConnect, that its key was not regenerated, and that "
         "this machine's clock is right"},
        {"amqp:not-found", AMQP_FAULT_REFUSED, NULL},
        {"amqp:resource-deleted", AMQP_FAULT_REFUSED, NULL},
        {"amqp:not-allowed", AMQP_FAULT_REFUSED, NULL},
        {"amqp:resource-limit-exceeded", AMQP_FAULT_REFUSED, NULL},
        {"amqp:internal-error", AMQP_FAULT_BUSY, "try again later"},
        {"amqp:connection:forced", AMQP_FAULT_NETWORK, NULL},
        {"amqp:connection:framing-error", AMQP_FAULT_PROTOCOL, NULL},
        {"amqp:link:detach-forced", AMQP_FAULT_NETWORK, NULL},
        {"amqp:link:message-size-exceeded", AMQP_FAULT_REFUSED,
         "a message to a device has room for 64 KB, its properties included"},
        {"amqp:link:stolen", AMQP_FAULT_REFUSED,
         "another reader has taken the partition for itself: stop it, or read by another consumer group "
         "(--consumer-group)"},
        {"amqp:link:redirect", AMQP_FAULT_REFUSED, NULL},
        {"com.microsoft:argument-error", AMQP_FAULT_REFUSED, NULL},
        {"com.microsoft:argument-out-of-range", AMQP_FAULT_REFUSED, NULL},
        {"com.microsoft:auth-failed", AMQP_FAULT_REFUSED,
         "check the key of the login, and that this machine's clock is right"},
        {"com.microsoft:device-already-exists", AMQP_FAULT_REFUSED, NULL},
        {"com.microsoft:device-container-throttled", AMQP_FAULT_BUSY,
         "too many requests for this hub: try again in a minute"},
        {"com.microsoft:entity-disabled", AMQP_FAULT_REFUSED, NULL},
        {"com.microsoft:iot-hub-not-found-error", AMQP_FAULT_REFUSED, "check the host name of the login"},
        {"com.microsoft:iot-hub-suspended", AMQP_FAULT_REFUSED, "the hub is suspended: look at its subscription"},
        {"com.microsoft:message-lock-lost", AMQP_FAULT_REFUSED, NULL},
        {"com.microsoft:precondition-failed", AMQP_FAULT_REFUSED, NULL},
        {"com.microsoft:quota-exceeded", AMQP_FAULT_REFUSED,
         "the hub's messages of today are used up: it goes on at 00:00 UTC, or with more units"},
        {"com.microsoft:server-busy", AMQP_FAULT_BUSY, "try again in a few seconds"},
        {"com.microsoft:throttled", AMQP_FAULT_BUSY, "too many requests for this hub: try again in a minute"},
        {"com.microsoft:timeout", AMQP_FAULT_BUSY, "try again"},
};

static const char *const advice_by_kind[] = {
        [AMQP_FAULT_NONE] = NULL,
        [AMQP_FAULT_STOPPED] = NULL,
        [AMQP_FAULT_NETWORK] = NULL,
        [AMQP_FAULT_BUSY] = "try again later",
        [AMQP_FAULT_TIMEOUT] = "try again, or give it more time",
        [AMQP_FAULT_TLS] = "if the hub's CA is one of your own, name its file with --ca",
        [AMQP_FAULT_REFUSED] = NULL,
        [AMQP_FAULT_PROTOCOL] = "check that the host is an IoT Hub and that nothing between changes the connection",
        [AMQP_FAULT_LOCAL] = NULL,
};

static const char *advice_for(const char *condition)
{
        for (size_t i = 0; i < ARRAY_SIZE(conditions); i++)
                if (strcmp(conditions[i].condition, condition) == 0)
                        return conditions[i].advice;
        return NULL;
}

static AmqpFaultKind kind_of(const char *condition)
{
        for (size_t i = 0; i < ARRAY_SIZE(conditions); i++)
                if (strcmp(conditions[i].condition, condition) == 0)
                        return conditions[i].kind;
        return AMQP_FAULT_REFUSED;
}

/* ---- setting ---- */

/* A stranger's words come to a terminal: printable ones only. */
static void append_foreign(char *to, size_t size, const char *text, size_t n)
{
        size_t at = strlen(to);

        for (size_t i = 0; i < n && at + 1 < size; i++) {
                unsigned char c = (unsigned char)text[i];

                to[at++] = (char)(c < ' ' || c == 0x7f ? ' ' : c);
        }
        to[at] = 0;
}

/* Without its full stop: a sentence of ours goes on behind it. */
static size_t sentence_size(const char *text)
{
        size_t n = strlen(text);

        return n > 0 && text[n - 1] == '.' ? n - 1 : n;
}

int amqp_fault_set(AmqpFault *fault, AmqpFaultKind kind, const char *fmt, ...)
{
        va_list ap;

        if (fault->kind != AMQP_FAULT_NONE)
                return -ECONNABORTED;
        fault->kind = kind;
        va_start(ap, fmt);
        (void)vsnprintf(fault->words, sizeof(fault->words), fmt, ap);
        va_end(ap);
        return -ECONNABORTED;
}

int amqp_fault_set_named(AmqpFault *fault, const char *name, const char *description)
{
        if (fault->kind != AMQP_FAULT_NONE)
                return -ECONNABORTED;
        fault->kind = kind_of(name);
        append_foreign(fault->condition, sizeof(fault->condition), name, strlen(name));
        append_foreign(fault->words, sizeof(fault->words), description ? description : "",
                       description ? sentence_size(description) : 0);
        append_foreign(fault->words, sizeof(fault->words), " (", 2);
        append_foreign(fault->words, sizeof(fault->words), name, strlen(name));
        append_foreign(fault->words, sizeof(fault->words), ")", 1);
        return -ECONNABORTED;
}

/* "retry-after", whatever stands before it: a number of seconds. */
static bool is_retry(pn_bytes_t key)
{
        static const char word[] = "retry-after";
        size_t n = sizeof(word) - 1;

        return key.size >= n && strncasecmp(key.start + key.size - n, word, n) == 0;
}

static bool whole_number(pn_data_t *data, int64_t *ret)
{
        pn_atom_t atom = pn_data_get_atom(data);

        switch (atom.type) {
        case PN_INT:
                *ret = atom.u.as_int;
                return true;
        case PN_LONG:
                *ret = atom.u.as_long;
                return true;
        case PN_UINT:
                *ret = atom.u.as_uint;
                return true;
        default:
                return false;
        }
}

static void add_retry(AmqpFault *fault, pn_data_t *info)
{
        char text[64];
        int64_t seconds;

        pn_data_rewind(info);
        if (!pn_data_next(info) || pn_data_type(info) != PN_MAP || !pn_data_enter(info))
                return;
        while (pn_data_next(info)) {
                bool named = pn_data_type(info) == PN_SYMBOL && is_retry(pn_data_get_symbol(info));

                if (!pn_data_next(info))
                        break;
                if (!named || !whole_number(info, &seconds))
                        continue;
                (void)snprintf(text, sizeof(text), "; try again in %" PRId64 " s", seconds);
                append_foreign(fault->words, sizeof(fault->words), text, strlen(text));
                fault->kind = AMQP_FAULT_BUSY;
        }
}

int amqp_fault_set_condition(AmqpFault *fault, pn_condition_t *condition)
{
        if (fault->kind != AMQP_FAULT_NONE)
                return -ECONNABORTED;
        (void)amqp_fault_set_named(fault, pn_condition_get_name(condition), pn_condition_get_description(condition));
        add_retry(fault, pn_condition_info(condition));
        return -ECONNABORTED;
}

void amqp_fault_clear(AmqpFault *fault)
{
        *fault = (AmqpFault){};
}

/* ---- questions ---- */

bool amqp_fault_is_passing(const AmqpFault *fault)
{
        return fault->kind == AMQP_FAULT_NETWORK || fault->kind == AMQP_FAULT_BUSY || fault->kind == AMQP_FAULT_TIMEOUT;
}

const char *amqp_fault_advice(const AmqpFault *fault)
{
        const char *advice = *fault->condition ? advice_for(fault->condition) : NULL;

        return advice ? advice : advice_by_kind[fault->kind];
}
