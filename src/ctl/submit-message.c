/* SPDX-License-Identifier: Apache-2.0 */

/* submit-message: a file, or standard input, as one message. */

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "ctl/ctl.h"

#define CHUNK 65536

/* At most one byte over what the hub takes: the daemon says that it is too large. */
static int read_all(int fd, Buffer *b)
{
        while (b->size <= MESSAGE_SIZE_MAX) {
                size_t at = b->size;
                void *room = buffer_extend(b, CHUNK);
                ssize_t n = room ? read(fd, room, CHUNK) : -1;

                if (n < 0)
                        return room ? -errno : -ENOMEM;
                buffer_truncate(b, at + (size_t)n);
                if (n == 0)
                        break;
        }
        buffer_truncate(b, MIN(b->size, (size_t)MESSAGE_SIZE_MAX + 1));
        return 0;
}

static int read_body(const char *file, Buffer *body)
{
        bool input = strcmp(file, "-") == 0;
        _cleanup_close_ int fd = input ? -1 : open(file, O_RDONLY | O_CLOEXEC);
        int r;

        if (!input && fd < 0)
                r = -errno;
        else
                r = read_all(input ? STDIN_FILENO : fd, body);
        if (r < 0) {
                fprintf(stderr, "%s: %s\n", file, strerror(-r));
                return CTL_FAILED;
        }
        return CTL_OK;
}

typedef struct SubmitMessage {
        Message *message;
        const char *stream;
        bool wait;
        usec_t timeout;
} SubmitMessage;

static int add_property(Message *m, char *text)
{
        char *sign = strchr(text, '=');

        if (!sign || sign == text)
                return usage("submit-message", "submit-message: '%s' is not NAME=VALUE.", text);
        *sign = 0;
        return message_add_property(m, text, sign + 1) < 0 ? CTL_FAILED : CTL_OK;
}

static int set_content_type(Message *m, const char *text)
{
        free(m->content_type);
        m->content_type = strdup(text);
        return m->content_type ? CTL_OK : CTL_FAILED;
}

static int parse(int argc, char **argv, SubmitMessage *s)
{
        static const struct option longs[] = {{"stream", required_argument, NULL, 's'},
                                              {"content-type", required_argument, NULL, 'c'},
                                              {"property", required_argument, NULL, 'p'},
                                              {"wait", no_argument, NULL, 'w'},
                                              {"timeout", required_argument, NULL, 'o'},
                                              {}};
        int o, r;

        while ((o = getopt_long(argc, argv, "", longs, NULL)) >= 0) {
                r = CTL_OK;
                if (o == 's')
                        s->stream = optarg;
                else if (o == 'c')
                        r = set_content_type(s->message, optarg);
                else if (o == 'p')
                        r = add_property(s->message, optarg);
                else if (o == 'w')
                        s->wait = true;
                else if (o == 'o')
                        r = parse_span("submit-message", optarg, &s->timeout);
                else
                        r = usage("submit-message", "submit-message: this is not understood.");
                if (r != CTL_OK)
                        return r;
        }
        if (argc - optind > 1)
                return usage("submit-message", "submit-message: one file, not '%s' too.", argv[optind + 1]);
        if (optind == argc)
                return usage("submit-message", "submit-message: which file? - is standard input.");
        return read_body(argv[optind], &s->message->body);
}

int command_submit_message(const Options *options, int argc, char **argv)
{
        _cleanup_(client_closep) Client *client = NULL;
        _cleanup_(message_freep) Message *message = calloc(1, sizeof(*message));
        SubmitMessage s = {.message = message, .timeout = TIMEOUT_DEFAULT};
        Settling settling;
        Receipt receipt;
        int r;

        if (!message)
                return CTL_FAILED;
        if ((r = parse(argc, argv, &s)) != CTL_OK || (r = client_open(&client, options->bus)) != CTL_OK ||
            (s.wait && (r = settling_begin(&settling, client)) != CTL_OK) ||
            (r = client_submit_message(client, message, s.stream, s.timeout, &receipt)) != CTL_OK)
                return r;
        if (s.wait && (r = settling_wait(&settling, &receipt, s.timeout)) != CTL_OK) {
                (void)print_receipt(options, &receipt, NULL);
                return r;
        }
        return print_receipt(options, &receipt, s.wait ? &settling : NULL);
}
