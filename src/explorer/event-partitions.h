/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Event partitions - what $management of an Event Hubs endpoint tells: which partitions there are, and where each ends
 */

#include "explorer/amqp-peer.h"
#include "explorer/amqp-request.h"

/* Far more than any hub has. */
#define EVENT_PARTITIONS_MAX 2048

/* Gives their ids; free each and the list. -ECONNABORTED with the connection's fault. */
int event_partitions_list(AmqpPeer *peer, AmqpRequest *management, const char *entity, usec_t until, char ***ret_ids,
                          size_t *ret_n);
/* The offset of the partition's last event; empty: there was none yet. */
int event_partitions_last(AmqpPeer *peer, AmqpRequest *management, const char *entity, const char *partition,
                          usec_t until, char **ret_offset);
