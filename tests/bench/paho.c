/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Paho - the client library that keeps what it sends in files: MQTTAsync with its default persistence
 *
 * One sample a message at QoS 1 over TLS, a window of 20. It never syncs what it writes: a killed process finds it
 * again, a machine without power does not.
 *
 * usage: paho DIRECTORY CREDENTIAL-FILE CA-FILE ADDRESS PORT SAMPLES
 * CREDENTIAL-FILE: three lines, client id, user name, password; the topic is made of the first.
 */

#include <MQTTAsync.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sample.h"
#include "usage.h"

#define WINDOW 20

/* The library has threads of its own, and calls from them. */
typedef struct Peer {
        MQTTAsync client;
        pthread_mutex_t mutex;
        pthread_cond_t changed;
        bool connected, failed;
        uint64_t sent, acknowledged;
} Peer;

static void note(Peer *p, bool *what, uint64_t *count)
{
        (void)pthread_mutex_lock(&p->mutex);
        if (what)
                *what = true;
        if (count)
                (*count)++;
        (void)pthread_cond_signal(&p->changed);
        (void)pthread_mutex_unlock(&p->mutex);
}

static void on_connected(void *context, MQTTAsync_successData *data)
{
        Peer *p = context;

        note(p, &p->connected, NULL);
}

static void on_sent(void *context, MQTTAsync_successData *data)
{
        Peer *p = context;

        note(p, NULL, &p->acknowledged);
}

static void on_failure(void *context, MQTTAsync_failureData *data)
{
        Peer *p = context;

        (void)fprintf(stderr, "paho: %s\n", data && data->message ? data->message : "failed");
        note(p, &p->failed, NULL);
}

static int on_message(void *context, char *topic, int length, MQTTAsync_message *message)
{
        MQTTAsync_freeMessage(&message);
        MQTTAsync_free(topic);
        return 1;
}

static void on_lost(void *context, char *cause)
{
        Peer *p = context;

        note(p, &p->failed, NULL);
}

static bool wait_for_window(Peer *p, uint64_t most_in_flight)
{
        bool well;

        (void)pthread_mutex_lock(&p->mutex);
        while (!p->failed && p->sent - p->acknowledged > most_in_flight)
                (void)pthread_cond_wait(&p->changed, &p->mutex);
        well = !p->failed;
        (void)pthread_mutex_unlock(&p->mutex);
        return well;
}

static int connect_it(Peer *p, const char *ca_file, char *username, char *password)
{
        MQTTAsync_SSLOptions tls = MQTTAsync_SSLOptions_initializer;
        MQTTAsync_connectOptions options = MQTTAsync_connectOptions_initializer;

        tls.trustStore = ca_file;
        tls.verify = 1;
        options.ssl = &tls;
        options.username = username;
        options.password = password;
        options.cleansession = 0; /* with a clean session it would forget its files */
        options.maxInflight = WINDOW;
        options.MQTTVersion = MQTTVERSION_3_1_1;
        options.onSuccess = on_connected;
        options.onFailure = on_failure;
        options.context = p;
        if (MQTTAsync_connect(p->client, &options) != MQTTASYNC_SUCCESS)
                return -1;
        (void)pthread_mutex_lock(&p->mutex);
        while (!p->connected && !p->failed)
                (void)pthread_cond_wait(&p->changed, &p->mutex);
        (void)pthread_mutex_unlock(&p->mutex);
        return p->connected ? 0 : -1;
}

static int run(Peer *p, const char *topic, uint64_t samples)
{
        MQTTAsync_responseOptions options = MQTTAsync_responseOptions_initializer;
        Usage start = usage_now();

        options.onSuccess = on_sent;
        options.onFailure = on_failure;
        options.context = p;
        for (; p->sent < samples; p->sent++) {
                char sample[SAMPLE_SIZE];

                if (!wait_for_window(p, WINDOW - 1))
                        return -1;
                sample_write(sample, p->sent);
                if (MQTTAsync_send(p->client, topic, SAMPLE_SIZE, sample, 1, 0, &options) != MQTTASYNC_SUCCESS)
                        return -1;
        }
        if (!wait_for_window(p, 0))
                return -1;
        usage_print("paho", &start, samples, 0);
        return 0;
}

static bool read_line(FILE *f, char *line, size_t size)
{
        if (!fgets(line, (int)size, f))
                return false;
        line[strcspn(line, "\n")] = 0;
        return true;
}

int main(int argc, char **argv)
{
        Peer p = {.mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
        char id[256], username[1024], password[1024], uri[512], topic[512];
        FILE *f;
        int r;

        if (argc != 7)
                return 2;
        f = fopen(argv[2], "re");
        if (!f || !read_line(f, id, sizeof(id)) || !read_line(f, username, sizeof(username)) ||
            !read_line(f, password, sizeof(password))) {
                (void)fprintf(stderr, "paho: %s has no three lines\n", argv[2]);
                return 1;
        }
        (void)fclose(f);
        (void)snprintf(uri, sizeof(uri), "ssl://%s:%s", argv[4], argv[5]);
        (void)snprintf(topic, sizeof(topic), "devices/%s/messages/events/", id);
        if (MQTTAsync_create(&p.client, uri, id, MQTTCLIENT_PERSISTENCE_DEFAULT, argv[1]) != MQTTASYNC_SUCCESS ||
            MQTTAsync_setCallbacks(p.client, &p, on_lost, on_message, NULL) != MQTTASYNC_SUCCESS)
                return 1;
        r = connect_it(&p, argv[3], username, password);
        if (r == 0)
                r = run(&p, topic, strtoull(argv[6], NULL, 10));
        if (r < 0)
                (void)fprintf(stderr, "paho: the run failed\n");
        MQTTAsync_destroy(&p.client);
        return r < 0;
}
