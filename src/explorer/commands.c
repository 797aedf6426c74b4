/* SPDX-License-Identifier: Apache-2.0 */
#include "explorer/commands.h"

const Option options_of_all[] = {
        {"login", "CS", "the connection string of a policy of the hub; other users may see it for an instant:\n"
                        "better one of the next three", OPTION_SECRET},
        {"login-file", "FILE", "a file with it, which only you can read", 0},
        {"devhub", "DIR", "the folder of a running hublink-devhub: login, address, ports, authority", 0},
        {"ca", "FILE", "authorities in PEM form to trust beside the system's", 0},
        {"timeout", "D", "for one question to the hub, tries and waits included (default 1min)", 0},
        {"json", NULL, "JSON on standard output: one document, or one a line", 0},
        {"quiet", NULL, "no remarks while waiting", 0},
        {"help", NULL, "of the program, or of a command", 0},
        {"version", NULL, "which one this is", 0},
        {},
};

const Command *const commands[] = {
        &command_create,
        &command_get,
        &command_list,
        &command_update,
        &command_delete,
        &command_query,
        &command_device_method,
        &command_get_twin,
        &command_update_twin,
        &command_query_twin,
        &command_sas_token,
        &command_connection_string,
        &command_statistics,
        &command_monitor_events,
        &command_send,
        &command_monitor_feedback,
        &command_enrollment_list,
        &command_enrollment_get,
        &command_enrollment_create,
        &command_enrollment_update,
        &command_enrollment_delete,
        &command_enrollment_query,
        &command_enrollment_group_list,
        &command_enrollment_group_get,
        &command_enrollment_group_create,
        &command_enrollment_group_update,
        &command_enrollment_group_delete,
        &command_enrollment_group_query,
        &command_enrollment_group_device_key,
        &command_registration_list,
        &command_registration_get,
        &command_registration_delete,
};
const size_t n_commands = ARRAY_SIZE(commands);
