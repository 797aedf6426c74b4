/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Commands - every row, each defined in the file of its noun
 */

#include "explorer/command.h"

extern const Command command_create;
extern const Command command_get;
extern const Command command_list;
extern const Command command_update;
extern const Command command_delete;
extern const Command command_query;
extern const Command command_device_method;
extern const Command command_get_twin;
extern const Command command_update_twin;
extern const Command command_query_twin;
extern const Command command_sas_token;
extern const Command command_connection_string;
extern const Command command_statistics;
extern const Command command_enrollment_list;
extern const Command command_enrollment_get;
extern const Command command_enrollment_create;
extern const Command command_enrollment_update;
extern const Command command_enrollment_delete;
extern const Command command_enrollment_query;
extern const Command command_enrollment_group_list;
extern const Command command_enrollment_group_get;
extern const Command command_enrollment_group_create;
extern const Command command_enrollment_group_update;
extern const Command command_enrollment_group_delete;
extern const Command command_enrollment_group_query;
extern const Command command_enrollment_group_device_key;
extern const Command command_registration_list;
extern const Command command_registration_get;
extern const Command command_registration_delete;
extern const Command command_monitor_events;
extern const Command command_send;
extern const Command command_monitor_feedback;
