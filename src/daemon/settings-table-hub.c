/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/settings-table-rows.h"

#define HUB(member) AT(Settings, hub.member)

static const SettingsRow backoff_rows[] = {
        {"first", TIME(100 * USEC_PER_MSEC, USEC_PER_HOUR), HUB(backoff_first_usec), .fallback = "\"1s\"",
         .meaning = "After the first failure a random time of at most this is waited, after each further one of at "
                    "most twice the one before."},
        {"max", TIME(USEC_PER_SEC, USEC_PER_DAY), HUB(backoff_max_usec), .fallback = "\"5min\"",
         .meaning = "No wait between two tries is longer."},
        END,
};

static const SettingsRow dps_rows[] = {
        {"id_scope", .type = &value_line, HUB(dps.id_scope), .example = "\"0ne00000000\"",
         .meaning = "The scope of the provisioning service. With it the service says which hub this device belongs to, "
                    "and `hub.connection_string_file` has to be left out."},
        {"registration_id", .type = &value_line, HUB(dps.registration_id), .example = "\"gw-17\"",
         .meaning = "The name of the enrollment, or of this device within a group of them. Without it hublinkd "
                    "collects and queues, and says so."},
        {"key_file", .type = &value_line, HUB(dps.key_file), .example = "\"dps.key\"",
         .meaning = "The device's own symmetric key, base64: a credential or a file, as with "
                    "`hub.connection_string_file`."},
        {"group_key_file", .type = &value_line, HUB(dps.group_key_file), .example = "\"group.key\"",
         .meaning = "In place of `hub.dps.key_file` the key of the enrollment group, from which the device's own is "
                    "derived."},
        {"host", .type = &value_line, HUB(dps.host), .fallback = "\"" DPS_HOST "\"",
         .meaning = "The name of the service."},
        {"address", .type = &value_text, HUB(dps.address), .example = "\"127.0.0.1:8883\"",
         .meaning = "Where its TCP connection goes, when that is not its name and port 8883; the name in TLS stays "
                    "that of `hub.dps.host`."},
        END,
};

const SettingsRow settings_hub_rows[] = {
        {"connection_string_file", .type = &value_line, HUB(connection_string_file),
         .fallback = "\"device.cs\"",
         .meaning = "Holds the device's connection string. A name is a systemd credential of the service, a path is a "
                    "file that only its owner, root or the daemon's user, can read. `hublinkctl setup` asks for it and "
                    "puts it there."},
        {"ca_file", .type = &value_path, HUB(ca_file), .example = "\"/etc/hublink/ca.pem\"",
         .meaning = "Certificates of the authorities that the hub is checked against, in place of the system's."},
        {"address", .type = &value_text, HUB(address), .example = "\"127.0.0.1:8883\"",
         .meaning = "Where the TCP connection goes, when that is not the hub's name and port 8883; the name in TLS and "
                    "token stays the hub's."},
        {"model_id", .type = &value_line, HUB(model_id), .example = "\"dtmi:com:example:Thermostat;1\"",
         .meaning = "The Plug and Play model of this device, announced at each connect and to the provisioning "
                    "service. Without it none is."},
        {"product_info", .type = &value_line, HUB(product_info), .example = "\"acme-gw/2.1\"",
         .meaning = "How this device calls itself at the hub. Without it that is hublink and its version."},
        /* the hub looks at one and a half times this, and at 1767 s at the latest */
        {"keepalive", TIME(10 * USEC_PER_SEC, 19 * USEC_PER_MIN), HUB(keepalive_usec),
         .fallback = "\"4min\"",
         .meaning = "When nothing else was said for so long, a sign of life goes to the hub."},
        {"token_life", TIME(USEC_PER_MIN, 365 * USEC_PER_DAY), HUB(token_life_usec), .fallback = "\"1h\"",
         .meaning = "How long a token is good that is made of the key; it is renewed in time."},
        {"window", NUMBER(1, 16), HUB(window), .fallback = "16", .from_cloud = true,
         .meaning = "Messages that are on their way and not acknowledged, at most."},
        {"backoff", .rows = backoff_rows, .meaning = "How long is waited after a failure."},
        {"dps", .rows = dps_rows,
         .meaning = "The Device Provisioning Service, in place of a connection string: hublinkd(8), PROVISIONING."},
        END,
};
