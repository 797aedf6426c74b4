/* SPDX-License-Identifier: Apache-2.0 */
#include "explorer/amqp-complaint.h"

#include <stdarg.h>
#include <stdio.h>

#include "explorer/output.h"

static const ExitCode exit_codes[] = {
        [AMQP_FAULT_NONE] = EXPLORER_OK,         [AMQP_FAULT_STOPPED] = EXPLORER_OK,
        [AMQP_FAULT_NETWORK] = EXPLORER_FAILED,  [AMQP_FAULT_BUSY] = EXPLORER_REFUSED,
        [AMQP_FAULT_TIMEOUT] = EXPLORER_TIMEOUT, [AMQP_FAULT_TLS] = EXPLORER_FAILED,
        [AMQP_FAULT_REFUSED] = EXPLORER_REFUSED, [AMQP_FAULT_PROTOCOL] = EXPLORER_FAILED,
        [AMQP_FAULT_LOCAL] = EXPLORER_FAILED,
};

ExitCode amqp_exit_code(const AmqpFault *fault)
{
        return exit_codes[fault->kind];
}

int amqp_complain(const AmqpFault *fault, const char *advice, const char *fmt, ...)
{
        _cleanup_free_ char *what = NULL;
        va_list ap;
        int n;

        if (!advice)
                advice = amqp_fault_advice(fault);
        va_start(ap, fmt);
        n = vasprintf(&what, fmt, ap);
        va_end(ap);
        if (n < 0) {
                what = NULL;
                return out_of_memory();
        }
        complain("cannot %s: %s%s%s", what, fault->words, advice ? ": " : "", advice ? advice : "");
        return amqp_exit_code(fault);
}
