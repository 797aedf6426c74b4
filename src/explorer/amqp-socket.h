/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * AMQP socket - a verified TLS stream to a host, ready to carry AMQP
 */

#include "base/tls-stream.h"
#include "explorer/amqp.h"

/* The client must outlive the stream. -ECONNABORTED: fault tells. */
int amqp_socket_open(const AmqpTarget *target, usec_t until, AmqpFault *fault, TlsClient **ret_client,
                     TlsStream **ret_stream);
