/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/settings-check.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/nearest.h"
#include "daemon/settings-check-core.h"
#include "sensor/driver.h"

/* ---- hub ---- */

static void check_secret_file(const Check *c, const char *path, const char *file, const char *noun)
{
        if (!file)
                return;
        /* Never shown: somebody put the secret itself here. */
        if (strpbrk(file, "=;"))
                check_complain(c, path,
                               "expected the name of a file that holds the %s, not the %s itself; put it into a file "
                               "with mode 0600, and change the key: settings are for everybody",
                               noun, noun);
        else if (file[0] != '/' && strchr(file, '/'))
                check_complain_form(c, path, "the name of a systemd credential, or a path that begins with /");
}

static bool is_port(const char *text)
{
        char *end;
        unsigned long port = strtoul(text, &end, 10);

        return *text >= '0' && *text <= '9' && !*end && port >= 1 && port <= 65535;
}

/* "name", "name:port", "1.2.3.4:port", "[::1]:port" */
static void check_address(const Check *c, const char *path, const char *address)
{
        const char *rest;
        size_t host;

        if (!address)
                return;
        if (address[0] == '[') {
                host = strspn(address + 1, "0123456789abcdefABCDEF:.%");
                rest = address[1 + host] == ']' ? address + host + 2 : "?";
        } else {
                host = strspn(address, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._");
                rest = address + host;
        }
        if (host == 0 || (*rest && (*rest != ':' || !is_port(rest + 1))))
                check_complain_form(c, path, "a host and a port, such as \"127.0.0.1:8883\" or \"[::1]:8883\"");
}

static void check_model_id(const Check *c)
{
        const char *id = c->settings->hub.model_id, *version;

        if (!id)
                return;
        version = strrchr(id, ';');
        if (strncmp(id, "dtmi:", 5) != 0 || !version || version[1] < '1' || version[1] > '9' ||
            strpbrk(id, " \t\n"))
                check_complain_form(c, "hub.model_id", "a model's id, such as \"dtmi:com:example:Thermostat;1\"");
}

static void check_backoff(const Check *c)
{
        const HubSettings *hub = &c->settings->hub;

        if (hub->backoff_first_usec > hub->backoff_max_usec)
                check_complain(c, "hub.backoff.first",
                               "the first wait is longer than the longest (hub.backoff.max)");
}

/* ---- the provisioning service ---- */

#define DIGITS            "0123456789"
#define LETTERS           "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define REGISTRATION_MAX  128
#define HOST_MAX          253

static bool is_made_of(const char *text, const char *characters, size_t max)
{
        size_t size = strlen(text);

        return size > 0 && size <= max && strspn(text, characters) == size;
}

static void check_registration_id(const Check *c, const char *id)
{
        if (!id) /* it may come with the first boot: a gateway collects before it has a name */
                return;
        if (!is_made_of(id, LETTERS DIGITS "-._:", REGISTRATION_MAX) || strchr("._:", id[strlen(id) - 1]))
                check_complain_form(c, "hub.dps.registration_id",
                                    "at most 128 letters, digits and -._: with a letter, a digit or a dash at the end");
}

static void check_dps_key(const Check *c, const DpsSettings *dps)
{
        if (!dps->key_file && !dps->group_key_file)
                check_complain(c, "hub.dps",
                               "key_file is missing: the name of a file with the device's key (or group_key_file, with "
                               "the key of its enrollment group)");
        else if (dps->key_file && dps->group_key_file)
                check_complain(c, "hub.dps.group_key_file", "only one of key_file and group_key_file can be given");
        check_secret_file(c, "hub.dps.key_file", dps->key_file, "key");
        check_secret_file(c, "hub.dps.group_key_file", dps->group_key_file, "key");
}

static void check_dps(const Check *c)
{
        const DpsSettings *dps = &c->settings->hub.dps;

        check_address(c, "hub.dps.address", dps->address);
        if (!is_made_of(dps->host, LETTERS DIGITS "-._", HOST_MAX))
                check_complain_form(c, "hub.dps.host", "the name of a host, such as \"" DPS_HOST "\"");
        if (!settings_want_dps(c->settings))
                return;
        if (c->settings->hub.connection_string_file)
                check_complain(c, "hub.connection_string_file",
                               "the hub is known by a connection string or by hub.dps, not by both: take out one of "
                               "them");
        if (!dps->id_scope)
                check_complain(c, "hub.dps",
                               "id_scope is missing: the one of the provisioning service, such as \"0ne00000000\"");
        else if (!is_made_of(dps->id_scope, LETTERS DIGITS "-_", 64))
                check_complain_form(c, "hub.dps.id_scope", "the id scope of the service, such as \"0ne00000000\"");
        check_registration_id(c, dps->registration_id);
        check_dps_key(c, dps);
}

/* ---- queue ---- */

#define SLOTS_MIN 4
#define SLOTS_MAX 512 /* each is an open file */

static void check_queue(const Check *c)
{
        const QueueSettings *queue = &c->settings->queue;

        if (queue->segment_bytes % 4096 != 0)
                check_complain(c, "queue.segment", "expected a multiple of 4K");
        else if (queue->segment_bytes > queue->max_bytes / SLOTS_MIN)
                check_complain(c, "queue.segment",
                               "the queue needs room for %d segments: queue.max_bytes is too small for it",
                               SLOTS_MIN);
        else if (queue->segment_bytes > 0 && queue->max_bytes / queue->segment_bytes > SLOTS_MAX)
                check_complain(c, "queue.segment",
                               "the queue would have more than %d segments: at least %lluK for this queue.max_bytes, "
                               "or leave it out",
                               SLOTS_MAX,
                               (unsigned long long)((queue->max_bytes / SLOTS_MAX + 4095) / 4096 * 4));
}

/* ---- streams ---- */

static void check_stream(const Check *c, const StreamSettings *s)
{
        char path[128];

        (void)snprintf(path, sizeof(path), "streams.%s.body", s->name);
        if (s->body && s->format != STREAM_OBJECT)
                check_complain(c, path, "only messages of format \"object\" have a body of their own");

        (void)snprintf(path, sizeof(path), "streams.%s.expire_after", s->name);
        if (s->format == STREAM_ARRAY && s->expire_after_usec <= s->max_latency_usec &&
            s->max_latency_usec > 0)
                check_complain(c, path,
                               "readings would expire before they are sent: expected more than max_latency");

        for (size_t i = 0; i < s->n_properties; i++)
                if (strcmp(s->properties[i].name, "hl") == 0 ||
                    strncmp(s->properties[i].name, "hl-", 3) == 0) {
                        (void)snprintf(path, sizeof(path), "streams.%s.properties.%.60s", s->name,
                                       s->properties[i].name);
                        check_complain(c, path, "names that begin with hl are used by hublink itself");
                }
}

/* ---- sensors ---- */

static void check_sensor_stream(const Check *c, const SensorSettings *s)
{
        Nearest nearest = nearest_begin(s->stream);
        char path[128];

        if (!s->stream[0])
                return;
        for (size_t i = 0; i < c->settings->n_streams; i++) {
                if (strcmp(c->settings->streams[i].name, s->stream) == 0)
                        return;
                nearest_offer(&nearest, c->settings->streams[i].name);
        }
        /* one that was refused is known all the same */
        if (check_group(c, "streams", s->stream))
                return;
        (void)snprintf(path, sizeof(path), "sensors.%s.stream", s->name);
        if (nearest.found)
                check_complain(c, path, "there is no stream \"%s\"; did you mean \"%s\"?", s->stream,
                               nearest.found);
        else
                check_complain(c, path, "there is no stream \"%s\" among the streams", s->stream);
}

static const char *stream_of(const SensorSettings *s)
{
        return s->stream[0] ? s->stream : STREAM_DEFAULT;
}

/* A message tells one component, and a stream's readings share messages. */
static void check_component(const Check *c, const SensorSettings *s)
{
        char path[128];

        for (const SensorSettings *other = c->settings->sensors; other < s; other++) {
                if (strcmp(stream_of(s), stream_of(other)) != 0 || strcmp(s->component, other->component) == 0)
                        continue;
                (void)snprintf(path, sizeof(path), "sensors.%s.component", s->name);
                check_complain(c, path,
                               "sensor %s is in the stream \"%s\" as well, and belongs to %s%s: sensors of one stream "
                               "share messages, which name one component; give this one a stream of its own",
                               other->name, stream_of(s), *other->component ? "the component " : "none",
                               other->component);
                return;
        }
}

/* A value that was refused is at its default, which may break a rule that nobody broke: so where a problem was told
 * already, nothing is added. Channels are looked at as a whole, for their members depend on one another. */
static bool is_told(const Check *c, const SensorSettings *s, const char *member, const char *path)
{
        if (node_is_faulty(node_child(check_group(c, "sensors", s->name), "chip")))
                return true;
        if (strncmp(member, "channels", 8) == 0)
                return node_is_faulty(node_child(check_group(c, "sensors", s->name), "channels"));
        return node_is_faulty(node_nearest(c->settings->tree, path));
}

/* The driver's rule begins with the member that it is about: "channels.one.field: ...". */
static int check_sensor_itself(const Check *c, const SensorSettings *s)
{
        _cleanup_free_ char *error = NULL;
        char path[256];
        size_t member;
        int r;

        r = sensor_settings_check(s, &error);
        if (r != SENSOR_E_BAD)
                return r;
        member = strcspn(error, ":");
        (void)snprintf(path, sizeof(path), "sensors.%s.%.*s", s->name, (int)member, error);
        if (is_told(c, s, error, path))
                return 0;
        check_complain(c, path, "%s",
                       error[member] ? error + member + 1 + strspn(error + member + 1, " ") : error);
        return 0;
}

int settings_check(const Settings *s, const char *state_dir, Problems *problems)
{
        const Check c = {s, state_dir, problems};
        int r;

        check_secret_file(&c, "hub.connection_string_file", s->hub.connection_string_file, "connection string");
        check_address(&c, "hub.address", s->hub.address);
        if (!node_is_faulty(node_child(node_child(s->tree, "hub"), "dps")))
                check_dps(&c);
        check_model_id(&c);
        if (!node_is_faulty(node_child(s->tree, "hub")))
                check_backoff(&c);
        if (!node_is_faulty(node_child(s->tree, "queue")))
                check_queue(&c);
        for (size_t i = 0; i < s->n_streams; i++)
                if (!node_is_faulty(check_group(&c, "streams", s->streams[i].name)))
                        check_stream(&c, &s->streams[i]);
        for (size_t i = 0; i < s->n_sensors; i++) {
                check_sensor_stream(&c, &s->sensors[i]);
                check_component(&c, &s->sensors[i]);
                r = check_sensor_itself(&c, &s->sensors[i]);
                if (r < 0)
                        return r;
        }
        check_sockets(&c);
        check_files(&c);
        check_i2c(&c);
        check_rules(&c);
        check_pnp(&c);
        check_methods(&c);
        check_commands(&c);
        check_metrics(&c);
        return 0;
}
