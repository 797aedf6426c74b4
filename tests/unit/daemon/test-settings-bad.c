/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Every kind of broken settings is told with its file, its line, and words that help.
 */

#include <stdio.h>
#include <string.h>

#include "daemon/settings-table.h"
#include "daemon/settings-value.h"
#include "daemon/settings.h"
#include "suite.h"

typedef struct BadCase {
        const char *text;
        unsigned line;
        const char *words; /* what the problem must say */
} BadCase;

/* For rules: a sensor that lists its channels, and one that does not. */
#define CPU                                                                                                          \
        "sensors: { cpu: { driver = \"file\"; path = \"/x\"; channels: { temperature: {}; temperature_max: {}; "       \
        "name: { text = true; }; }; }; apps: { driver = \"socket\"; listen = \"unix-dgram:/run/x\"; }; };\n"

/* A folder that no socket has room for. */
#define SIXTY     "0123456789abcdef0123456789abcdef0123456789abcdef0123456789ab"
#define LONG_PATH SIXTY SIXTY

/* None whose lines may name others. */
#define FAN                                                                                                          \
        "sensors: { fan: { driver = \"simulated\"; model = \"thermostat\"; }; cpu: { driver = \"file\"; path = \"/x\"; "   \
        "channels: { temperature: {}; }; }; };\n"

static const BadCase cases[] = {
        /* ---- what no parser can read ---- */
        {"hub: {\n  window = 4;\n", 1, "the { that opens here is never closed"},
        {"hub: { window = 4; };\n};\n", 2, "this } closes nothing"},
        {"hub: {\n window = [ 1, 2 };\n", 2, "this } does not close the [ of line 2"},
        {"\nhub: { product_info = \"a/1; };\n", 2, "a closing \" is missing"},
        {"/* all of it\nhub: {};\n", 1, "*/ is missing"},
        {"hub: {\n  window 4;\n};\n", 2, "cannot be understood"},
        {"log: { level = debug; };\n", 1, "with \"texts\" in quotes"},
        {"hub: {\n  window = 4;\n  window = 5;\n};\n", 3, "second time"},
        {"\n@include \"other.conf\"\n", 2, "conf.d"},
        {"hub: { product_info = \"\xff\xfe\"; };\n", 0, "UTF-8"},
        {"queue: { max_bytes = [ 1, \"2M\" ]; };\n", 1, "one kind only"},
        {"queue: {\n max_bytes = 99999999999999999999;\n};\n", 2, "more than 64 bits"},
        {"sensors: { a: { driver = \"i2c\"; bus = 1; address = 0x48; channels: { c: { register = 0;\n"
         "mask = 0x1FFFFFFFFFFFFFFFF; }; }; }; };\n",
         2, "more than 64 bits"},
        {CPU "rules = ( { channel = \"cpu.temperature\";\n deadband = 1e400; } );\n", 3,
         "1e400 is more than a number can hold"},
        {CPU "rules = ( { channel = \"cpu.temperature\";\n range = [ -1.5E+999, 1.0 ]; } );\n", 3,
         "-1.5E+999 is more than a number can hold"},
        {CPU "rules = ( { channel = \"cpu.temperature\"; deadband = .7e309; } );\n", 2,
         ".7e309 is more than a number can hold"},

        /* ---- names that are not there ---- */
        {"hubb: { };\n", 1, "hubb: unknown setting; did you mean \"hub\"?"},
        {"hub: {\n  conection_string_file = \"x\";\n};\n", 2, "did you mean \"connection_string_file\"?"},
        {"hub: {\n  backoff: { frist = \"1s\"; };\n};\n", 2,
         "hub.backoff.frist: unknown setting; did you mean \"first\"?"},
        {"queue: {\n\n  colour = \"red\";\n};\n", 3, "queue.colour: unknown setting"},
        {"queue: {\n  max_age = \"30s\";\n};\n", 2, "queue.max_age"},
        {"queue: { min_free = \"64Q\"; };\n", 1, "queue.min_free"},
        {"rule: ( );\n", 1, "rule: unknown setting; did you mean \"rules\"?"},
        {"streams: {\n  s: { formt = \"array\"; };\n};\n", 2,
         "streams.s.formt: unknown setting; did you mean \"format\"?"},
        {"sensors: {\n  cpu: {\n    driver = \"file\"; path = \"/x\"; channels: { v: {}; };\n"
         "intervall = \"1s\";\n  };\n};\n",
         4, "sensors.cpu.intervall: unknown setting; did you mean \"interval\"?"},

        /* ---- kinds ---- */
        {"hub = 5;\n", 1, "hub: expected a group, written  hub: { ... };  found an integer"},
        {"hub: { backoff = \"1s\"; };\n", 1, "hub.backoff: expected a group"},
        {"sensors: {\n  cpu = \"file\";\n};\n", 2, "sensors.cpu: expected a group"},
        {"hub: {\n  window = \"16\";\n};\n", 2,
         "hub.window: expected a whole number from 1 to 16; found \"16\""},
        {"hub: { window = 4.0; };\n", 1, "hub.window: expected a whole number"},
        {"clock: { trust = 1; };\n", 1, "clock.trust: expected true or false; found 1"},
        {"clock: { trust = \"yes\"; };\n", 1, "clock.trust: expected true or false"},
        {"hub: { product_info = 2.1; };\n", 1,
         "hub.product_info: expected a text in quotes, such as \"acme-gw/2.1\""},
        {"hub: { product_info = \"\"; };\n", 1, "hub.product_info: expected a text"},
        {"hub: { ca_file = ( \"/a\", \"/b\" ); };\n", 1, "hub.ca_file: expected a path that begins with /"},
        {"streams: { s: { format = \"object\"; properties: { a = 5; }; }; };\n", 1,
         "streams.s.properties.a: expected a text in quotes"},

        /* ---- times, sizes, ranges, words ---- */
        {"hub: {\n  keepalive = \"4 parsecs\";\n};\n", 2,
         "hub.keepalive: expected a time from 10s to 19min, such as \"4min\"; found \"4 parsecs\""},
        {"hub: { keepalive = \"1h\"; };\n", 1, "from 10s to 19min"},
        {"hub: { keepalive = -5; };\n", 1, "hub.keepalive: expected a time"},
        {"hub: { backoff: { first = \"never\"; }; };\n", 1, "hub.backoff.first: expected a time"},
        {"queue: { max_bytes = \"256 MB\"; };\n", 1, "queue.max_bytes: expected a size from 4M to 128G"},
        {"queue: { max_age = \"10s\"; };\n", 1, "from 1min to 3650d, such as \"30d\"; found \"10s\""},
        {"queue: { max_bytes = 1e9; };\n", 1,
         "expected a size from 4M to 128G: a whole number of bytes, or a text such as \"256M\"; found 1000000000.0"},
        {"queue: { segment = \"x\"; };\n", 1, "from 512K to 64M: a whole number of bytes, or a text such as \"4M\""},
        {"hub: { window = 2.5; };\n", 1, "found 2.5"},
        {"methods: { timeout = \"6min\"; };\n", 1, "methods.timeout: expected a time from 100ms to 5min"},
        {"methods: { allow = \"ping\"; };\n", 1, "methods.allow: expected an array of names of methods"},
        {"methods: { allow = [ \"ping\", \"a b\" ]; };\n", 1, "methods.allow: expected an array of names of methods"},
        {"methods: { services: {\n print = \":1.7\"; }; };\n", 2,
         "methods.services.print: expected a name on the message bus, such as \"org.example.Printer\"; found \":1.7\""},
        {"methods: { services: { print = \"printer\"; }; };\n", 1, "expected a name on the message bus"},
        {"methods: { services: { print = \"org..printer\"; }; };\n", 1, "expected a name on the message bus"},
        {"methods: { services: { print = \"org.7printer\"; }; };\n", 1, "expected a name on the message bus"},
        {"twin: { sections: { pump = 7; }; };\n", 1, "twin.sections.pump: expected a text"},
        {"methods: { registrants: { reboot = 7; }; };\n", 1, "methods.registrants.reboot: expected a text"},

        /* ---- names that are the daemon's own ---- */
        {"twin: { sections: {\n settings = \"root\"; }; };\n", 2,
         "twin.sections.settings: \"settings\" stands for something else in the twin: hublink's own"},
        {"twin: { sections: { pump = \"root\";\n\n hublink = \"root\"; }; };\n", 3, "twin.sections.hublink: \"hublink\" stands"},
        {"methods: { services: {\n ping = \"org.example.X\"; }; };\n", 2,
         "methods.services.ping: hublinkd itself answers to ping, and nobody else can: choose another name"},
        {"methods: { services: { a = \"org.example.A\";\n setInterval = \"org.example.X\"; }; };\n", 2,
         "methods.services.setInterval: hublinkd itself answers to setInterval"},
        {"methods: { registrants: {\n getStatus = \"root\"; }; };\n", 2,
         "methods.registrants.getStatus: hublinkd itself answers to getStatus"},
        {"sensors: { room: { driver = \"simulated\"; model = \"thermostat\"; }; };\n"
         "commands: {\n flush: { builtin = \"max-min-report\"; of = \"room.temperature\"; }; };\n",
         3, "commands.flush: hublinkd itself answers to flush: call this one by another name, such as  command = \"my_flush\";"},
        {"audit: { payload = 1; };\n", 1, "audit.payload: expected true or false"},
        {"metrics: {\n listen = \"/run/x\"; };\n", 2, "metrics.listen: expected \"unix:\" and a path"},
        {"metrics: { listen = \"unix:x\"; };\n", 1, "metrics.listen: expected \"unix:\" and a path"},
        {"metrics: { listen = \"unix:/" LONG_PATH "\"; };\n", 1, "metrics.listen: the path is too long for a socket"},
        {"metrics: {\n group = \"x\"; };\n", 2, "metrics.group: is of the socket, and there is no metrics.listen"},
        {"metrics: { interval = \"10ms\"; };\n", 1, "metrics.interval: expected a time from 1s to 1h"},
        {"metrics: { file = \"m.prom\"; };\n", 1, "metrics.file: expected a path that begins with /"},
        {"metrics: { file = \"" SETTINGS_STATE_DIR "/queue/normal/lane\"; };\n", 1,
         "metrics.file: lies in the folder of the queue"},
        {"queue: { directory = \"/srv/q/\"; };\nmetrics: { file = \"/srv//q/m.prom\"; };\n", 2,
         "metrics.file: lies in the folder of the queue"},
        {"metrics: { file = \"" SETTINGS_STATE_DIR "/twin.json\"; };\n", 1,
         "metrics.file: lies beside the daemon's own files, where expected is a name that ends in .prom"},
        {"metrics: { file = \"" SETTINGS_STATE_DIR "/../hublink/twin.json\"; };\n", 1,
         "metrics.file: expected a path without \".\" and \"..\"; found \"" SETTINGS_STATE_DIR "/../hublink/twin.json\""},
        {"metrics: { file = \"" SETTINGS_STATE_DIR "/x/../queue/normal/lane\"; };\n", 1,
         "metrics.file: expected a path without"},
        {"metrics: { file = \"/var/lib/./hublink/twin.json\"; };\n", 1, "metrics.file: expected a path without"},
        {"metrics: { file = \"/var/lib/hublink/queue/..\"; };\n", 1, "metrics.file: expected a path without"},
        {"queue: { max_bytes = -1; };\n", 1, "queue.max_bytes: expected a size"},
        {"queue: { commit_interval = 0; };\n", 1,
         "queue.commit_interval: expected a time from 10ms to 10min"},
        {"hub: { window = 0; };\n", 1, "from 1 to 16"},
        {"hub: { window = 17; };\n", 1, "from 1 to 16"},
        {"queue: { when_full = \"drop-oldes\"; };\n", 1, "did you mean \"drop-oldest\"?"},
        {"streams: { a: { priority = \"high\"; }; };\n", 1,
         "expected \"normal\" or \"urgent\"; found \"high\""},
        {"log: { level = \"verbose\"; };\n", 1, "\"error\", \"warning\", \"notice\", \"info\" or \"debug\""},

        /* ---- texts with a form ---- */
        {"hub: { ca_file = \"ca.pem\"; };\n", 1, "expected a path that begins with /"},
        {"hub: {\n  address = \"127.0.0.1:mqtt\";\n};\n", 2, "hub.address: expected a host and a port"},
        {"hub: { address = \"127.0.0.1:99999\"; };\n", 1, "hub.address"},
        {"hub: { address = \"[::1:8883\"; };\n", 1, "hub.address"},
        {"hub: { model_id = \"Thermostat\"; };\n", 1, "hub.model_id: expected a model's id"},
        {"hub: { connection_string_file = \"etc/device.cs\"; };\n", 1,
         "expected the name of a systemd credential"},
        {"hub: {\n connection_string_file = \"device.cs\";\n dps: { id_scope = \"0ne1\"; registration_id = \"g\"; "
         "key_file = \"k\"; }; };\n",
         2, "by a connection string or by hub.dps, not by both"},
        {"hub: {\n dps: { registration_id = \"g\"; key_file = \"k\"; }; };\n", 2, "hub.dps: id_scope is missing"},
        {"hub: {\n dps: { id_scope = \"0ne1\"; registration_id = \"g\"; }; };\n", 2, "hub.dps: key_file is missing"},
        {"hub: { dps: { id_scope = \"0ne1\"; registration_id = \"g\"; key_file = \"k\";\n group_key_file = \"k\"; }; };\n",
         2, "only one of key_file and group_key_file"},
        {"hub: { dps: { id_scope = \"0ne1\";\n registration_id = \"a b\"; key_file = \"k\"; }; };\n", 2,
         "hub.dps.registration_id: expected at most 128 letters"},
        {"hub: { dps: { id_scope = \"0ne1\";\n registration_id = \"gw.\"; key_file = \"k\"; }; };\n", 2,
         "hub.dps.registration_id"},
        {"hub: { dps: {\n id_scope = \"0ne/1\"; registration_id = \"g\"; key_file = \"k\"; }; };\n", 2,
         "hub.dps.id_scope: expected the id scope"},
        {"hub: { dps: { id_scope = \"0ne1\"; registration_id = \"g\";\n key_file = \"etc/k\"; }; };\n", 2,
         "hub.dps.key_file: expected the name of a systemd credential"},
        {"hub: { dps: {\n host = \"a b\"; }; };\n", 2, "hub.dps.host: expected the name of a host"},
        {"hub: { dps: {\n address = \"h:mqtt\"; }; };\n", 2, "hub.dps.address: expected a host and a port"},
        {"hub: { dps: {\n idscope = \"0ne1\"; }; };\n", 2, "did you mean \"id_scope\"?"},
        {"streams: { s: { format = \"object\";\n body = \"${valeu}\"; }; };\n", 2, "streams.s.body"},
        {"streams: { s: { message_id = \"m_${count\"; }; };\n", 1, "streams.s.message_id"},
        {"streams: { s: { properties: { P = \"${nothing}\"; }; }; };\n", 1, "streams.s.properties.P"},

        {"hub: {\n product_info = \"a\\nb\"; };\n", 2, "hub.product_info: expected a text"},
        {"hub: { model_id = \"dtmi:com:x\\x01;1\"; };\n", 1, "it has a control character"},

        /* ---- names of elements ---- */
        {"sensors: {\n  my-sensor: { driver = \"simulated\"; model = \"wind\"; };\n};\n", 2,
         "the name of a sensor is a letter"},
        {"streams: { a_name_that_is_longer_than_thirty_two: {}; };\n", 1, "at most 32"},
        {"sensors: { f: { driver = \"file\"; path = \"/x\"; channels: {\n q: {}; }; }; };\n", 2,
         "a channel cannot have this name: t, s and q stand for time, sensor and quality in a message; a longer name is free"},

        /* ---- rules ---- */
        {CPU "rules: { };\n", 2,
         "rules: expected a list, written  rules = ( { ... }, { ... } );  found a group"},
        {CPU "rules = ( 5 );\n", 2,
         "rules.0: expected a group, written  { ... }  found an integer"},
        {CPU "rules = ( { deadband = 1.0; } );\n", 2,
         "rules.0: channel is missing: expected a text in quotes"},
        {CPU "rules = ( { channel = \"cpu.temperature\"; } );\n", 2,
         "rules.0: this rule asks for nothing"},
        {CPU "rules = ( { channel = \"temperature\"; deadband = 1.0; } );\n", 2,
         "rules.0.channel: expected a sensor and its channel, such as \"cpu.temperature\"; found \"temperature\""},
        {CPU "rules = ( { channel = \"cpu.temp.x\"; deadband = 1.0; } );\n", 2,
         "rules.0.channel: expected a sensor and its channel"},
        {FAN "rules = ( { channel = \"cpa.temperature\"; deadband = 1.0; } );\n", 2,
         "rules.0.channel: there is no sensor \"cpa\"; did you mean \"cpu\"?"},
        {FAN "rules = ( { channel = \"boiler.t1\"; deadband = 1.0; } );\n", 2,
         "rules.0.channel: there is no sensor \"boiler\""},
        {FAN "rules = ( { channel = \"fan.temprature\"; deadband = 1.0; } );\n", 2,
         "rules.0.channel: sensor fan has no channel \"temprature\"; did you mean \"temperature\"?"},
        {CPU "rules = ( { channel = \"pump.level\"; deadband = -1.0; } );\n", 2,
         "rules.0.deadband: expected a number that is not negative"},
        {CPU "rules = ( { channel = \"pump.a_name_of_twentyeight_letters\"; window = 1; send = [ \"mean\" ]; } );\n", 2,
         "rules.0.send: a_name_of_twentyeight_letters_mean is longer than a name can be, 32"},
        {CPU "rules = (\n { channel = \"cpu.temperture\"; deadband = 1.0; } );\n", 3,
         "sensor cpu has no channel \"temperture\"; did you mean \"temperature\"?"},
        {CPU "rules = ( { channel = \"cpu.temperature\"; deadbnad = 1.0; } );\n", 2,
         "rules.0.deadbnad: unknown setting; did you mean \"deadband\"?"},
        {CPU "rules = ( { channel = \"cpu.temperature\"; deadband = \"1\"; } );\n", 2,
         "rules.0.deadband: expected a number, such as 0.5; found \"1\""},
        {CPU "rules = ( { channel = \"cpu.temperature\"; deadband = -1.0; } );\n", 2,
         "rules.0.deadband: expected a number that is not negative"},
        {CPU "rules = ( { channel = \"cpu.temperature\"; deadband = 1.0; },\n { channel = \"cpu.temperature\"; deadband = 2.0; } );\n", 3,
         "rules.1.deadband: the rule of line 2 has this for cpu.temperature already"},
        {CPU "rules = ( { channel = \"cpu.temperature\"; min_interval = 1; },\n { channel = \"cpu.temperature\"; min_interval = 2; } );\n", 3,
         "rules.1.min_interval: the rule of line 2 has this"},
        {CPU "rules = ( { channel = \"cpu.temperature\"; range = [ 1.0, 2.0 ]; },\n { channel = \"cpu.temperature\"; range = [ 1.0, 3.0 ]; } );\n", 3,
         "rules.1.range: the rule of line 2 has this"},
        {CPU "rules = ( { channel = \"cpu.temperature\"; max_silence = \"1min\"; range = [ 0, 1 ]; } );\n", 2,
         "rules.0.max_silence: without a deadband in the same rule every value is sent"},
        {CPU "rules = ( { channel = \"cpu.temperature\"; deadband = 1;\n max_silence = \"1min\"; min_interval = \"10min\"; } );\n", 3,
         "rules.0.max_silence: 1min, and by line 3 cpu.temperature goes not more often than each 10min"},
        {CPU "rules = ( { channel = \"cpu.temperature\"; min_interval = \"10min\"; },\n"
             "{ channel = \"cpu.temperature\"; deadband = 1; max_silence = 1; } );\n", 3,
         "rules.1.max_silence: 1s, and by line 2 cpu.temperature goes not more often than each 10min"},
        {CPU "rules = ( { channel = \"cpu.temperature\"; deadband = 1;\n max_silence = 1; },\n"
             "{ channel = \"cpu.temperature\"; min_interval = \"10min\"; } );\n", 3,
         "rules.0.max_silence: 1s, and by line 4 cpu.temperature goes not more often than each 10min"},
        {CPU "rules = ( { channel = \"cpu.temperature\"; deadband = 1;\n max_silence = \"119s\"; },\n"
             "{ channel = \"cpu.temperature\"; window = \"1min\"; send = [ \"mean\" ]; } );\n", 3,
         "rules.0.max_silence: 119s, and by line 4 cpu.temperature has a window each 1min: each of them would be sent, "
         "whatever the deadband is; make this 2min at least"},
        {CPU "rules = ( { channel = \"cpu.temperature\"; window = \"1min\"; send = [ \"count\" ]; deadband = 1;\n\n"
             "max_silence = \"10s\"; } );\n", 4,
         "rules.0.max_silence: 10s, and by line 2 cpu.temperature has a window each 1min"},
        {CPU "rules = ( { channel = \"cpu.temperature\"; decimals = 16; } );\n", 2,
         "rules.0.decimals: expected a whole number from 0 to 15; found 16"},
        {CPU "rules = ( { channel = \"cpu.temperature\"; decimals = -1; } );\n", 2,
         "rules.0.decimals: expected a whole number from 0 to 15; found -1"},
        {CPU "rules = ( { channel = \"cpu.temperature\"; decimals = 1.5; } );\n", 2,
         "rules.0.decimals: expected a whole number from 0 to 15"},
        {CPU "rules = ( { channel = \"cpu.temperature\"; decimals = 0; },\n { channel = \"cpu.temperature\"; decimals = 0; } );\n", 3,
         "rules.1.decimals: the rule of line 2 has this"},
        {CPU "rules = ( { channel = \"cpu.name\"; decimals = 0; } );\n", 2,
         "rules.0.channel: cpu.name is a text"},
        {CPU "rules = ( { channel = \"cpu.temperature\"; range = [ 5.0, 1.0 ]; } );\n", 2,
         "rules.0.range: expected two numbers, the lower one first, such as [ -40.0, 125.0 ]"},
        {CPU "rules = ( { channel = \"cpu.temperature\"; stale_after = \"10s\"; } );\n", 2,
         "rules.0.stale_after: sensor cpu is read every 10s: this must be longer"},
        {CPU "rules = ( { channel = \"cpu.temperature\"; stale_after = \"10100ms\";\n frozen_after = \"19900ms\"; } );\n", 3,
         "rules.0.frozen_after: sensor cpu is read every 10s, and two equal values do not mean that it is frozen: make this "
         "20s at least"},
        {CPU "rules = ( { channel = \"cpu.temperature\"; stale_after = \"0s\"; } );\n", 2,
         "rules.0.stale_after: expected a time from 100ms to 30d, such as \"1min\""},
        {CPU "rules = ( { channel = \"cpu.temperature\"; window = \"1min\"; } );\n", 2,
         "rules.0.window: send is missing"},
        {CPU "rules = ( { channel = \"cpu.temperature\"; deadband = 1; send = [ \"mean\" ]; } );\n", 2,
         "rules.0.send: window is missing"},
        {CPU "rules = ( { channel = \"cpu.temperature\"; window = \"1min\"; send = [ \"median\" ]; } );\n", 2,
         "rules.0.send: expected an array of \"mean\", \"min\", \"max\", \"count\", one of them at least"},
        {CPU "rules = ( { channel = \"cpu.temperature\"; window = \"1min\"; send = [ \"min\", \"max\" ]; } );\n", 2,
         "rules.0.send: sensor cpu has a channel temperature_max of its own"},
        {CPU "rules = ( { channel = \"cpu.temperature\"; window = \"1min\"; send = [ \"min\" ]; min_interval = 1; } );\n", 2,
         "rules.0.min_interval: cpu.temperature has a window and a min_interval"},
        {CPU "rules = ( { channel = \"cpu.temperature\"; min_interval = 1; },\n { channel = \"cpu.temperature\"; "
             "window = 1; send = [ \"min\" ]; } );\n",
         3, "rules.1.window: cpu.temperature has a window and a min_interval"},
        {CPU "rules = ( { channel = \"apps.a_name_of_twentyeight_letters\"; window = 1; send = [ \"mean\" ]; } );\n", 2,
         "rules.0.send: a_name_of_twentyeight_letters_mean is longer than a name can be, 32"},
        {CPU "rules = ( { channel = \"cpu.name\"; deadband = 0.0; } );\n", 2,
         "rules.0.channel: cpu.name is a text"},
        {CPU "rules = ( { channel = \"cpu.temperature\"; alarm: { hold = \"1s\"; }; } );\n", 2,
         "rules.0.alarm: a limit is missing: above or below"},
        {CPU "rules = ( { channel = \"cpu.temperature\"; alarm: { clear = 1; }; deadband = 1; } );\n", 2,
         "rules.0.alarm: a limit is missing: above or below"},
        {CPU "rules = ( { channel = \"cpu.temperature\"; alarm: { above = 80.0; }; } );\n", 2,
         "rules.0.alarm: stream is missing"},
        {CPU "rules = ( { channel = \"cpu.temperature\"; alarm: { above = 80.0;\n stream = \"telemetry\"; }; } );\n", 3,
         "rules.0.alarm.stream: the stream \"telemetry\" is not urgent: give it  priority = \"urgent\";"},
        {CPU "streams: { alarms: { priority = \"urgent\"; }; };\nrules = ( { channel = \"cpu.temperature\"; alarm: { above = 80.0; stream = \"alarm\"; }; } );\n", 3,
         "rules.0.alarm.stream: there is no stream \"alarm\"; did you mean \"alarms\"?"},
        {CPU "rules = ( { channel = \"cpu.temperature\"; alarm: { above = 80.0; stream = \"x\"; }; } );\n", 2,
         "rules.0.alarm.stream: there is no stream \"x\" among the streams"},
        {CPU "streams: { alarms: { priority = \"urgent\"; }; };\nrules = ( { channel = \"cpu.temperature\"; alarm: { above = 80.0; below = 5.0; stream = \"alarms\"; }; } );\n", 3,
         "rules.0.alarm.below: an alarm has one limit"},
        {CPU "streams: { alarms: { priority = \"urgent\"; }; };\nrules = ( { channel = \"cpu.temperature\"; alarm: { above = 80.0; clear = 85.0; stream = \"alarms\"; }; } );\n", 3,
         "rules.0.alarm.clear: an alarm above a limit ends at the limit or below it"},
        {CPU "streams: { alarms: { priority = \"urgent\"; }; };\nrules = ( { channel = \"cpu.temperature\"; alarm: { below = 5.0; clear = 3.0; stream = \"alarms\"; }; } );\n", 3,
         "rules.0.alarm.clear: an alarm below a limit ends at the limit or above it"},
        {CPU "streams: { alarms: { priority = \"urgent\"; }; };\nrules = ( { channel = \"cpu.temperature\"; range = [ 0.0, 70.0 ]; },\n { channel = \"cpu.temperature\"; alarm: { above = 80.0; stream = \"alarms\"; }; } );\n",
         4, "rules.1.alarm.above: never reached: by line 3 a value of cpu.temperature outside 0 to 70 is an error, and no alarm comes of it; make the range wider, or the limit lower than 70"},
        {CPU "streams: { alarms: { priority = \"urgent\"; }; };\nrules = ( { channel = \"cpu.temperature\"; alarm: { above = 70.0; stream = \"alarms\"; }; },\n { channel = \"cpu.temperature\"; range = [ 0.0, 70.0 ]; } );\n",
         3, "rules.0.alarm.above: never reached: by line 4 a value"},
        {CPU "streams: { alarms: { priority = \"urgent\"; }; };\nrules = ( { channel = \"cpu.temperature\"; range = [ 5.0, 70.0 ];\n alarm: {\n below = 5.0; stream = \"alarms\"; }; } );\n",
         5, "rules.0.alarm.below: never reached: by line 3 a value of cpu.temperature outside 5 to 70 is an error, and no alarm comes of it; make the range wider, or the limit higher than 5"},
        {CPU "streams: { alarms: { priority = \"urgent\"; }; };\nrules = ( { channel = \"cpu.temperature\"; range = [ 0.0, 70.0 ]; },\n { channel = \"cpu.temperature\"; alarm: { above = 60.0;\n clear = -5.0; stream = \"alarms\"; }; } );\n",
         5, "rules.1.alarm.clear: never reached: by line 3 a value of cpu.temperature outside 0 to 70 is an error, and no alarm ends by it; make the range wider, or let the alarm end at 0 or above"},
        {CPU "streams: { alarms: { priority = \"urgent\"; }; };\nrules = ( { channel = \"cpu.temperature\"; range = [ 0.0, 70.0 ]; },\n { channel = \"cpu.temperature\"; alarm: { below = 10.0; clear = 71; stream = \"alarms\"; }; } );\n",
         4, "rules.1.alarm.clear: never reached: by line 3 a value of cpu.temperature outside 0 to 70 is an error, and no alarm ends by it; make the range wider, or let the alarm end at 70 or below"},
        {CPU "streams: { alarms: { priority = \"urgent\"; }; };\nrules = ( { channel = \"cpu.temperature\"; range = [ 0.0, 70.0 ]; },\n { channel = \"cpu.temperature\"; alarm: { above = -3.0; stream = \"alarms\"; }; } );\n",
         4, "rules.1.alarm.above: never ends: by line 3 a value of cpu.temperature outside 0 to 70 is an error, and no alarm ends by it; make the range wider, or let the alarm end at 0 or above"},

        /* ---- sensors ---- */
        {"sensors: {\n  cpu: {\n    path = \"/x\";\n  };\n};\n", 2, "sensors.cpu: driver is missing"},
        {"sensors: { cpu: {\n driver = \"fiel\"; path = \"/x\"; }; };\n", 2, "did you mean \"file\"?"},
        {"sensors: { cpu: { driver = \"file\"; channels: { v: {}; }; }; };\n", 1,
         "sensors.cpu.path: is missing, here or in channels.v; such as \"/proc/loadavg\""},
        {"sensors: { m: { driver = \"tail\"; }; };\n", 1,
         "sensors.m: path is missing: expected a path that begins with /, such as \"/var/log/meter.log\""},
        {"sensors: { m: { driver = \"tail\"; path = \"/x\";\n from = \"middle\"; }; };\n", 2, "\"start\""},
        {"sensors: { m: { driver = \"tail\"; path = \"/x\";\n interval = \"1s\"; }; };\n", 2,
         "a tail sensor has no such setting"},
        {"sensors: { m: { driver = \"watch\"; path = \"/x\";\n settle = \"1h\"; }; };\n", 2, "settle"},
        {"sensors: { p: { driver = \"program\"; channels: { v: {}; };\n command = \"/bin/true\"; }; };\n", 2,
         "expected an array of a program, from / on, and its arguments; there is no shell"},
        {"sensors: { p: { driver = \"program\"; channels: { v: {}; };\n command = [ \"true\" ]; }; };\n", 2,
         "expected an array of a program, from / on"},
        {"sensors: { p: { driver = \"program\"; command = [ \"/bin/true\" ]; }; };\n", 1, "channels: at least one"},
        {"sensors: { h: { driver = \"hwmon\"; channels: { v: { attribute = \"temp1_input\"; }; }; }; };\n", 1,
         "device is missing"},
        {"sensors: { h: { driver = \"hwmon\"; device = \"x\"; channels: { v: {}; }; }; };\n", 1,
         "channels.v.attribute: is missing; such as \"temp1_input\""},
        {"sensors: { h: { driver = \"file\"; path = \"/x\"; channels: { v: {\n label = \"y\"; }; }; }; };\n", 2,
         "a file sensor has no such setting"},
        {"sensors: { c: { driver = \"file\"; channels: { v: {\n path = \"x\"; }; }; }; };\n", 2,
         "a path that begins with /"},
        {"sensors: { m: { driver = \"tail\"; path = \"/x\";\n max_line = \"1G\"; }; };\n", 2, "max_line"},
        {"sensors: { m: { driver = \"tail\"; path = \"/x\";\n max_line = \"9K\"; "
         "channels: { v: { pattern = \"x\"; }; }; }; };\n", 2,
         "max_line: at most 8K beside `pattern`"},
        {"sensors: { cpu: { driver = \"file\"; path = \"/x\"; }; };\n", 1,
         "sensors.cpu.channels: at least one"},
        {"sensors: { cpu: { driver = \"file\"; path = \"/x\";\n address = 0x48; channels: { v: {}; }; "
         "}; };\n", 2,
         "sensors.cpu.address: a file sensor has no such setting"},
        {"sensors: { cpu: { driver = \"file\"; path = \"/x\"; channels: { v: {\n register = 1; }; }; }; "
         "};\n", 2,
         "sensors.cpu.channels.v.register: a file sensor has no such setting"},
        {"sensors: { cpu: { driver = \"file\"; path = \"/x\"; channels: { v: { field = 1;\n"
         "pattern = \"x\"; }; }; }; };\n", 2,
         "sensors.cpu.channels.v.pattern"},
        {"sensors: { cpu: { driver = \"file\"; path = \"/x\"; channels: { v: {\n pattern = \"(\"; }; }; "
         "}; };\n", 2,
         "sensors.cpu.channels.v.pattern"},
        {"sensors: { cpu: { driver = \"file\"; path = \"/x\"; channels: { v: {\n scale = 0; }; }; }; "
         "};\n", 2,
         "sensors.cpu.channels.v.scale"},
        {"sensors: { cpu: { driver = \"file\"; path = \"/x\"; channels: { v: { scale = \"2\"; }; }; }; "
         "};\n", 1,
         "sensors.cpu.channels.v.scale: expected a number; found \"2\""},
        {"sensors: { r: { driver = \"i2c\"; bus = 1; address = 0x48; channels: {\n v: { bytes = 2; }; "
         "}; }; };\n", 2,
         "sensors.r.channels.v: register is missing"},
        {"sensors: { r: { driver = \"i2c\"; bus = 1; address = 0x80;\n channels: { v: { register = 0; "
         "}; }; }; };\n", 1,
         "sensors.r.address: expected a whole number from 0x03 to 0x77; found 0x80"},
        {"sensors: { r: { driver = \"i2c\"; bus = \"i2c-1\"; address = 0x48; "
         "channels: { v: { register = 0; }; }; }; };\n", 1,
         "sensors.r.bus: expected the number of an I2C bus"},
        {"sensors: { w: { driver = \"simulated\"; model = \"wind\";\n stream = \"telemety\"; }; };\n", 2,
         "sensors.w.stream: there is no stream \"telemety\"; did you mean \"telemetry\"?"},
        {"sensors: { w: { driver = \"simulated\"; model = \"wind\"; stream = \"a b\"; }; };\n", 1,
         "sensors.w.stream: expected a name"},
        {"sensors: { w: { driver = \"simulated\"; model = \"rain\"; }; };\n", 1,
         "expected \"wind\" or \"thermostat\""},
        {"sensors: { a: { driver = \"socket\"; listen = \"unix-dgram:/run/a\"; };\n"
         "b: { driver = \"socket\";\n listen = \"unix-stream:/run/a\"; }; };\n",
         3, "sensors.b.listen: sensor a listens on the same path"},
        {"sensors: { a: { driver = \"socket\"; listen = \"tcp:[::1]:8094\"; };\n"
         "u: { driver = \"socket\"; listen = \"udp:[::1]:8094\"; };\n"
         "b: { driver = \"socket\";\n listen = \"tcp:[::1]:8094\"; }; };\n",
         4, "sensors.b.listen: sensor a listens on the same address"},
        {"sensors: { a: { driver = \"tail\"; path = \"/var/log/plc.log\"; };\n"
         "b: { driver = \"tail\"; path = \"/var/log/plc-2.log\"; };\n" /* it is nothing of a's */
         "c: { driver = \"tail\"; path = \"/var/log/old/plc.log.1\"; };\n"
         "d: { driver = \"watch\";\n path = \"/var/log/plc-20261122.log\"; }; };\n",
         5, "sensors.d.path: sensor a follows /var/log/plc.log, and would take this one for a rotated file of it"},
        {"sensors: { a: { driver = \"socket\"; listen = \"udp:0.0.0.0:9999\"; };\n"
         "c: { driver = \"socket\"; listen = \"udp:127.0.0.1:9998\"; };\n"
         "b: { driver = \"socket\";\n listen = \"udp:127.0.0.1:9999\"; }; };\n",
         4, "sensors.b.listen: sensor a listens on udp:0.0.0.0:9999, which has this address too"},
        {"sensors: { a: { driver = \"socket\"; listen = \"tcp:[::1]:9999\"; };\n"
         "b: { driver = \"socket\";\n listen = \"tcp:[::]:9999\"; }; };\n",
         3, "sensors.b.listen: sensor a listens on tcp:[::1]:9999, which this address has in it"},
        {"sensors: { a: { driver = \"socket\"; listen = \"tcp:[::]:9999\"; };\n"
         "b: { driver = \"socket\";\n listen = \"tcp:0.0.0.0:9999\"; }; };\n",
         3, "sensors.b.listen: sensor a listens on tcp:[::]:9999, which has this address too"},
        {"sensors: { a: { driver = \"socket\"; listen = \"tcp:[0:0::1]:8094\"; };\n"
         "b: { driver = \"socket\";\n listen = \"tcp:[::1]:08094\"; }; };\n",
         3, "sensors.b.listen: sensor a listens on the same address"},
        {"sensors: { a: { driver = \"socket\"; listen = \"tcp:127.0.0.1:8094\"; };\n"
         "b: { driver = \"socket\";\n listen = \"tcp:[::ffff:127.0.0.1]:8094\"; }; };\n",
         3, "sensors.b.listen: sensor a listens on the same address"},
        {"sensors: { a: { driver = \"socket\"; listen = \"unix-dgram:/run/m\"; }; };\n"
         "metrics: {\n listen = \"unix:/run/m\"; };\n",
         3, "metrics.listen: sensor a listens on the same path"},
        {"sensors: { a: { driver = \"socket\";\n listen = \"tcp:gateway:8094\"; }; };\n", 2,
         "expected a numeric address and a port, as in udp:127.0.0.1:8094 or tcp:[::1]:8094"},
        {"sensors: { a: { driver = \"socket\"; listen = \"udp:[::1]:8094\";\n group = \"root\"; }; };\n", 2,
         "sensors.a.group: only the file of a unix socket has one"},
        {"sensors: { a: { driver = \"socket\"; listen = \"udp:[::1]:8094\";\n peer = true; }; };\n", 2,
         "sensors.a.peer: only a unix socket is told who writes to it"},
        {"sensors: { a: { driver = \"socket\"; listen = \"systemd:in\";\n group = \"root\"; }; };\n", 2,
         "sensors.a.group: of a socket that systemd hands over, its unit says it (SocketGroup=)"},
        {"sensors: { a: { driver = \"socket\"; listen = \"systemd:in\"; };\n"
         "b: { driver = \"socket\";\n listen = \"systemd:in\"; }; };\n",
         3, "sensors.b.listen: sensor a listens on the same socket of systemd"},
        {"sensors: { a: { driver = \"socket\";\n interval = \"1s\"; listen = \"unix-dgram:/run/a\"; }; "
         "};\n", 2,
         "sensors.a.interval: a socket sensor has no such setting"},
        {"sensors: { a: { driver = \"socket\"; listen = \"unix-dgram:/run/a\"; format = \"xml\"; }; "
         "};\n", 1,
         "sensors.a.format: expected \"json\" or \"influx\"; found \"xml\""},

        /* ---- what does not fit together ---- */
        {"hub: { backoff: {\n first = \"10min\"; }; };\n", 2, "hub.backoff.first: the first wait is longer"},
        {"queue: { max_bytes = \"4M\";\n segment = \"2M\"; };\n", 2, "room for 4 segments"},
        {"queue: {\n max_bytes = \"8G\";\n segment = \"1M\"; };\n", 3, "more than 512 segments: at least 16384K"},
        {"queue: {\n segment = 1000000; };\n", 2, "queue.segment: expected a multiple of 4K"},
        {"streams: { s: {\n body = \"x\"; }; };\n", 2, "streams.s.body: only messages of format \"object\""},
        {"streams: { s: {\n expire_after = \"5s\"; }; };\n", 2,
         "streams.s.expire_after: readings would expire"},
        {"sensors: { a: { driver = \"simulated\"; model = \"wind\"; component = \"one\"; };\n"
         "b: { driver = \"simulated\"; model = \"wind\";\n component = \"two\"; }; };\n",
         3, "sensors.b.component: sensor a is in the stream \"telemetry\" as well, and belongs to the component one"},
        {"sensors: { a: { driver = \"simulated\"; model = \"wind\"; };\n"
         "b: { driver = \"simulated\"; model = \"wind\"; stream = \"telemetry\";\n component = \"two\"; }; };\n",
         3, "sensors.b.component: sensor a is in the stream \"telemetry\" as well, and belongs to none"},

        /* ---- Plug and Play ---- */
#define ROOM "room: { driver = \"file\"; path = \"/x\"; channels: { temperature: {}; };\n"
#define REPORT(property, of) "{ property = \"" property "\"; of = \"" of "\"; value = \"max\"; }"
        {"sensors: { " ROOM "report: { property = \"p\"; }; }; };\n", 2,
         "sensors.room.report: expected a list, written  report = ( { ... }, { ... } );  found a group"},
        {"sensors: { " ROOM "report = ( 5 ); }; };\n", 2,
         "sensors.room.report.0: expected a group, written  { ... }  found an integer"},
        {"sensors: { " ROOM "report = (\n" REPORT("p", "temperature") ",\n" REPORT("q", "temperatur") "); }; };\n", 4,
         "sensors.room.report.1.of: sensor room has no channel \"temperatur\"; did you mean \"temperature\"?"},
        {"sensors: { " ROOM "report = ( " REPORT("p", "temperature") ",\n" REPORT("p", "temperature") "); }; };\n", 3,
         "sensors.room.report.1.property: \"p\" is reported already"},
        {"sensors: { " ROOM "report = ( " REPORT("settings", "temperature") "); }; };\n", 2,
         "sensors.room.report.0.property: \"settings\" stands for something else"},
        {"sensors: { " ROOM "report = (\n{ property = \"p\"; of = \"temperature\"; value = \"highest\"; } ); }; };\n",
         3,
         "sensors.room.report.0.value: expected \"max\", \"min\", \"mean\" or \"last\"; found \"highest\""},
        {"sensors: { " ROOM "report = ( {\nproperty = \"p\"; value = \"max\"; } ); }; };\n", 2,
         "sensors.room.report.0: of is missing: expected a name"},
        {"sensors: { " ROOM "report = ( { property = \"p\"; of = \"temperature\"; value = \"max\";\nvalu = 1; } ); };"
         " };\n", 3, "sensors.room.report.0.valu: unknown setting; did you mean \"value\"?"},
        {"sensors: { " ROOM "component = \"hublink\"; }; };\n", 2,
         "sensors.room.component: \"hublink\" stands for something else"},
        {"twin: { writable: { a: {}; }; };\n", 1, "twin.writable.a: type is missing: expected \"double\","},
        {"twin: { writable: { a: { type = \"double\";\n range = [ 5.0, 4.0 ]; }; }; };\n", 2,
         "twin.writable.a.range: expected two numbers, the lower one first, such as [ 5.0, 90.0 ]"},
        {"twin: { writable: { a: { type = \"double\"; range = 5; }; }; };\n", 1, "expected two numbers"},
        {"twin: { writable: { a: { type = \"string\";\n range = [ 4, 5 ]; }; }; };\n", 2,
         "twin.writable.a.range: only numbers have a range"},
        {"twin: { writable: { a: { type = \"double\"; range = [ 5.0, 90.0 ];\n initial = 4; }; }; };\n", 2,
         "twin.writable.a.initial: expected a number from 5 to 90"},
        {"twin: { writable: { a: { type = \"double\"; };\n b: { property = \"a\"; type = \"string\"; }; }; };\n", 2,
         "twin.writable.b: twin.writable.a is the same property"},
        {"twin: { writable: { a: { type = \"double\"; property = \"settings\"; }; }; };\n", 1,
         "twin.writable.a: \"settings\" stands for something else in the twin"},
        {"twin: { writable: { a: { type = \"double\"; component = \"fan\"; };\n fan: { type = \"string\"; }; }; };\n", 2,
         "twin.writable.fan: \"fan\" is a component's name"},
        {"sensors: { " ROOM "report = (\n" REPORT("fan", "temperature") " ); };\n"
         "b: { driver = \"simulated\"; model = \"wind\"; stream = \"s\"; component = \"fan\"; }; };\n"
         "streams: { s: {}; };\n", 3, "sensors.room.report.0.property: \"fan\" is a component's name"},
        {"twin: { writable: { a: { type = \"boolean\";\n initial = 1; }; }; };\n", 2,
         "twin.writable.a.initial: expected true or false"},
        {"twin: { writable: { a: { type = \"string\";\n initial = [ \"x\" ]; }; }; };\n", 2,
         "twin.writable.a.initial: expected a number, true or false, or a text in quotes"},
        {"twin: { writable: { hublink: { type = \"string\"; }; }; };\n", 1, "stands for something else in the twin"},
        {"sensors: { " ROOM "report = ( " REPORT("p", "temperature") " ); }; };\n"
         "twin: { writable: { p: { type = \"string\"; }; }; };\n", 3,
         "twin.writable.p: sensor room reports a property of this name"},
        {"commands: { c: { builtin = \"max-min\"; of = \"room.temperature\"; }; };\nsensors: { " ROOM "}; };\n", 1,
         "commands.c.builtin: expected \"max-min-report\"; found \"max-min\""},
        {"commands: { c: { builtin = \"max-min-report\"; of = \"room\"; }; };\n", 1,
         "commands.c.of: expected a sensor and its channel, such as \"room.temperature\"; found \"room\""},
        {"commands: { c: { builtin = \"max-min-report\";\n of = \"rom.temperature\"; }; };\n"
         "sensors: { " ROOM "}; };\n", 2,
         "commands.c.of: there is no sensor \"rom\"; did you mean \"room\"?"},
        {"commands: { c: { builtin = \"max-min-report\";\n of = \"room.humidity\"; }; };\n"
         "sensors: { " ROOM "}; };\n", 2,
         "commands.c.of: sensor room has no channel \"humidity\""},
        {"commands: { c: { builtin = \"max-min-report\";\n of = \"hall.temprature\"; }; };\n"
         "sensors: { hall: { driver = \"simulated\"; model = \"thermostat\"; }; };\n", 2,
         "commands.c.of: sensor hall has no channel \"temprature\"; did you mean \"temperature\"?"},
        {"sensors: { hall: { driver = \"simulated\"; model = \"wind\";\n"
         "report = ( " REPORT("p", "temperature") " ); }; };\n", 2,
         "sensors.hall.report.0.of: sensor hall has no channel \"temperature\""},
        {"commands: { c: { builtin = \"max-min-report\"; of = \"room.temperature\"; };\n"
         "d: { builtin = \"max-min-report\"; of = \"room.temperature\"; command = \"c\"; }; };\n"
         "sensors: { " ROOM "}; };\n", 2, "commands.d: commands.c is called by the same name, c"},
        {"methods: { services: { c = \"org.example.C\"; }; };\n"
         "commands: { c: { builtin = \"max-min-report\"; of = \"room.temperature\"; }; };\nsensors: { " ROOM "}; };\n", 2,
         "commands.c: methods.services gives c to another, org.example.C"},
        {"streams: { s: { properties: { hl-x = \"1\"; }; }; };\n", 1, "names that begin with hl"},
};

static Problems load(const char *text)
{
        _cleanup_(settings_freep) Settings *s = NULL;
        Problems problems = {};

        ck_assert_int_eq(settings_load_text(&s, "x.conf", text, SETTINGS_STATE_DIR, &problems),
                         problems.n > 0 ? SETTINGS_E_BAD : 0);
        ck_assert((s == NULL) == (problems.n > 0));
        return problems;
}

START_TEST(it_is_told_with_its_line)
{
        const BadCase *bad = &cases[_i];
        Problems problems = load(bad->text);
        char place[32];

        if (problems.n != 1)
                for (size_t i = 0; i < problems.n; i++)
                        (void)fprintf(stderr, "# %s\n", problems.items[i].text);
        ck_assert_msg(problems.n == 1, "%zu problems in: %s", problems.n, bad->text);
        (void)snprintf(place, sizeof(place), bad->line > 0 ? "x.conf:%u: " : "x.conf: ", bad->line);
        ck_assert_msg(strncmp(problems.items[0].text, place, strlen(place)) == 0, "%s: expected %s",
                      problems.items[0].text, place);
        ck_assert_msg(strstr(problems.items[0].text, bad->words), "%s: expected %s", problems.items[0].text,
                      bad->words);
        problems_done(&problems);
}
END_TEST

START_TEST(all_are_told_in_the_order_of_the_lines)
{
        Problems problems = load("sensors: {\n"
                                 "  w: { driver = \"simulated\"; model = \"rain\"; };\n" /* 2 */
                                 "  f: { driver = \"file\"; };\n"                        /* 3 */
                                 "};\n"
                                 "hub: { windw = 4;\n"    /* 5 */
                                 "  keepalive = \"x\"; };\n" /* 6 */
                                 "log = 1;\n");           /* 7 */

        ck_assert_uint_eq(problems.n, 5);
        for (unsigned i = 0; i < 2; i++)
                ck_assert_uint_eq(problems.items[i].line, i + 2);
        for (unsigned i = 2; i < 5; i++)
                ck_assert_uint_eq(problems.items[i].line, i + 3);
        problems_done(&problems);
}
END_TEST

START_TEST(two_wrong_members_of_a_sensor_are_both_told)
{
        Problems problems = load("sensors: { plc: { driver = \"socket\";\n"
                                 "  format = \"xml\";\n"           /* 2 */
                                 "  listen = \"udp:0.0.0.0\"; }; };\n"); /* 3 */

        ck_assert_uint_eq(problems.n, 2);
        ck_assert_ptr_nonnull(strstr(problems.items[0].text, "x.conf:2: sensors.plc.format"));
        ck_assert_ptr_nonnull(strstr(problems.items[1].text, "x.conf:3: sensors.plc.listen"));
        problems_done(&problems);
}
END_TEST

/* "A text" of a row without its quotes, as a parser hands it on. */
static void insist_is_taken(const SettingsRow *row, const char *quoted)
{
        char text[64];
        Node node = {.kind = NODE_TEXT, .text = text};
        _cleanup_free_ char *why = NULL;
        uint64_t member = 0;

        (void)snprintf(text, sizeof(text), "%.*s", (int)strlen(quoted) - 2, quoted + 1);
        ck_assert_msg(row->type->set(row, &node, &member, &why) == 0, "%s: %s is no good example", row->key, quoted);
}

/* How many were looked at. */
static size_t look_at_examples(const SettingsRow *rows)
{
        size_t n = 0;

        for (const SettingsRow *row = rows; row->key; row++)
                if (row->rows) {
                        n += look_at_examples(row->rows);
                } else if (row->type == &value_time || row->type == &value_size) {
                        ck_assert_msg(row->example || row->fallback, "%s has no example", row->key);
                        insist_is_taken(row, row->example ?: row->fallback);
                        n++;
                }
        return n;
}

START_TEST(an_example_is_one_that_would_be_taken)
{
        ck_assert_uint_gt(look_at_examples(settings_table), 10);
}
END_TEST

START_TEST(a_secret_in_the_wrong_place_is_not_repeated)
{
        static const char *const texts[] = {
                "hub: { connection_string_file = \"HostName=h;DeviceId=d;SharedAccessKey=c2VjcmV0\"; };\n",
                "hub: { connection_string = \"HostName=h;DeviceId=d;SharedAccessKey=c2VjcmV0\"; };\n",
                "hub: { window = \"HostName=h;DeviceId=d;SharedAccessKey=c2VjcmV0\"; };\n",
                "hub: { address = \"HostName=h;DeviceId=d;SharedAccessKey=c2VjcmV0\"; };\n",
                "hub: { model_id = \"HostName=h;DeviceId=d;SharedAccessKey=c2VjcmV0\"; };\n",
        };

        for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
                Problems problems = load(texts[i]);

                ck_assert_uint_eq(problems.n, 1);
                ck_assert_ptr_null(strstr(problems.items[0].text, "c2Vj"));
                problems_done(&problems);
        }
}
END_TEST

int main(void)
{
        Suite *s = suite_create("daemon/settings");
        TCase *c = suite_case(s, "what is wrong");

        tcase_add_loop_test(c, it_is_told_with_its_line, 0, ARRAY_SIZE(cases));
        tcase_add_test(c, all_are_told_in_the_order_of_the_lines);
        tcase_add_test(c, two_wrong_members_of_a_sensor_are_both_told);
        tcase_add_test(c, an_example_is_one_that_would_be_taken);
        tcase_add_test(c, a_secret_in_the_wrong_place_is_not_repeated);
        return suite_run(s);
}
