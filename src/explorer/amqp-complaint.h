/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * AMQP complaint - a fault told to whoever called, with what to do about it
 */

#include "explorer/amqp-fault.h"
#include "explorer/explorer.h"

/* "cannot DO: ...; ADVICE" on standard error; advice NULL: the usual one for the fault. Gives the exit code. */
int amqp_complain(const AmqpFault *fault, const char *advice, const char *fmt, ...) _printf_(3, 4);
ExitCode amqp_exit_code(const AmqpFault *fault);
