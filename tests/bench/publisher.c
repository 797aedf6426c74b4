/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Publisher - the plain program that we compare ourselves with
 *
 * libmosquitto over TLS, one sample a message at QoS 1, the library's own window of 20, nothing stored: what
 * somebody would write in an afternoon. It has lost everything at the first crash; that is the comparison.
 *
 * usage: publisher CONNECTION-STRING-FILE CA-FILE ADDRESS PORT SAMPLES
 */

#include <mosquitto.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "azure/connection-string.h"
#include "azure/token.h"
#include "azure/topic.h"
#include "azure/username.h"
#include "sample.h"
#include "usage.h"

#define WINDOW 20

typedef struct Publisher {
        bool connected;
        uint64_t sent, acknowledged, samples;
} Publisher;

static void on_connect(struct mosquitto *m, void *userdata, int code)
{
        Publisher *p = userdata;

        p->connected = code == 0;
}

static void on_publish(struct mosquitto *m, void *userdata, int mid)
{
        Publisher *p = userdata;

        p->acknowledged++;
}

static int read_file(const char *path, char *text, size_t size)
{
        FILE *f = fopen(path, "re");
        size_t n;

        if (!f)
                return -1;
        n = fread(text, 1, size - 1, f);
        text[n] = 0;
        (void)fclose(f);
        return 0;
}

static int run(struct mosquitto *m, Publisher *p, const char *topic)
{
        Usage start;
        int r;

        while (!p->connected)
                if ((r = mosquitto_loop(m, 1000, 1)) != MOSQ_ERR_SUCCESS)
                        return r;
        start = usage_now();
        while (p->acknowledged < p->samples) {
                while (p->sent < p->samples && p->sent - p->acknowledged < WINDOW) {
                        char sample[SAMPLE_SIZE];

                        sample_write(sample, p->sent);
                        r = mosquitto_publish(m, NULL, topic, SAMPLE_SIZE, sample, 1, false);
                        if (r != MOSQ_ERR_SUCCESS)
                                return r;
                        p->sent++;
                }
                if ((r = mosquitto_loop(m, 1000, 1)) != MOSQ_ERR_SUCCESS)
                        return r;
        }
        usage_print("publisher", &start, p->samples, 0);
        return MOSQ_ERR_SUCCESS;
}

int main(int argc, char **argv)
{
        _cleanup_(connection_string_freep) ConnectionString *cs = NULL;
        Buffer token = BUFFER_NULL, username = BUFFER_NULL, topic = BUFFER_NULL, resource = BUFFER_NULL;
        const char *error = NULL;
        struct mosquitto *m;
        Publisher p = {};
        char text[1024];
        int r;

        if (argc != 6) {
                (void)fprintf(stderr, "usage: publisher CONNECTION-STRING-FILE CA-FILE ADDRESS PORT SAMPLES\n");
                return 2;
        }
        p.samples = strtoull(argv[5], NULL, 10);
        if (read_file(argv[1], text, sizeof(text)) < 0 || connection_string_parse(text, &cs, &error) < 0) {
                (void)fprintf(stderr, "publisher: %s: %s\n", argv[1], error ? error : "cannot be read");
                return 1;
        }
        buffer_printf(&resource, "%s/devices/%s", cs->host_name, cs->device_id);
        if (token_make(&token, cs->shared_access_key, resource.data, NULL, (uint64_t)time(NULL) + 3600) < 0)
                return 1;
        username_make(&username, cs->host_name, cs->device_id, NULL, "bench", NULL);
        topic_events(&topic, cs->device_id, NULL);

        (void)mosquitto_lib_init();
        m = mosquitto_new(cs->device_id, true, &p);
        mosquitto_connect_callback_set(m, on_connect);
        mosquitto_publish_callback_set(m, on_publish);
        /* ADDRESS must be a name in the hub's certificate: this program has no other way to say both. */
        if ((r = mosquitto_username_pw_set(m, username.data, token.data)) != MOSQ_ERR_SUCCESS ||
            (r = mosquitto_tls_set(m, argv[2], NULL, NULL, NULL, NULL)) != MOSQ_ERR_SUCCESS ||
            (r = mosquitto_connect(m, argv[3], atoi(argv[4]), 60)) != MOSQ_ERR_SUCCESS ||
            (r = run(m, &p, topic.data)) != MOSQ_ERR_SUCCESS)
                (void)fprintf(stderr, "publisher: %s\n", mosquitto_strerror(r));
        mosquitto_destroy(m);
        (void)mosquitto_lib_cleanup();
        buffer_done(&token);
        buffer_done(&username);
        buffer_done(&topic);
        buffer_done(&resource);
        return r != MOSQ_ERR_SUCCESS;
}
