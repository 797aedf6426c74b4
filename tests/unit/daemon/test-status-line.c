/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/status-line.h"

#include <string.h>

#include "suite.h"

static void expect(const Status *s, const char *text)
{
        Buffer b = BUFFER_NULL;

        status_line(s, &b);
        ck_assert_int_eq(buffer_error(&b), 0);
        ck_assert_str_eq(b.data, text);
        buffer_done(&b);
}

START_TEST(it_says_how_things_are)
{
        Status s = {.link_state = LINK_CONNECTED, .hub = "h.example", .device_id = "d"};

        expect(&s, "Connected to h.example as d; nothing is waiting");
        s.queue.records = 1;
        expect(&s, "Connected to h.example as d; 1 record is waiting");
        s.link_state = LINK_WAITING;
        s.link_reason = LINK_REASON_NAME;
        s.queue.records = 1234;
        expect(&s, "Not connected to h.example: its name cannot be looked up; 1234 records are waiting");
        s.link_state = LINK_STOPPED;
        s.link_reason = LINK_REASON_NO_CREDENTIAL;
        s.hub = s.device_id = "";
        s.queue = (QueueStatus){.disk_state = DISK_FAILED, .disk_failed = true,
                                .disk_error = "No space left on device"};
        expect(&s,
               "Not connected to the hub: there is no credential (hublinkctl setup asks for it); nothing is waiting; the queue's disk fails: No "
               "space left on device");
        s.dead_letters.count = 1;
        s.queue = (QueueStatus){.disk_state = DISK_FULL, .disk_error = "free some space"};
        expect(&s, "Not connected to the hub: there is no credential (hublinkctl setup asks for it); nothing is waiting; 1 dead letter; the queue's "
                   "disk is full: free some space");
        s.dead_letters.count = 2;
        s.queue = (QueueStatus){.disk_state = DISK_STALLED, .disk_error = "check it"};
        expect(&s, "Not connected to the hub: there is no credential (hublinkctl setup asks for it); nothing is waiting; 2 dead letters; the queue's "
                   "disk stalls: check it");
}
END_TEST

START_TEST(what_nobody_knows)
{
        Status s = {.link_state = LINK_CONNECTED, .hub = "h", .device_id = "d", .link_detail = ""};

        s.queue = (QueueStatus){.unknown = true, .disk_state = DISK_READ_ONLY, .disk_failed = true,
                                .disk_error = "check it"};
        expect(&s, "Connected to h as d; what waits is not known; the queue's disk is read-only: check it");
        s.queue.disk_state = DISK_IN_USE;
        s.queue.disk_error = "/q is in use by another process (pid 7)";
        s.link_state = LINK_STOPPED;
        s.link_detail = s.queue.disk_error;
        expect(&s, "Not connected to h: /q is in use by another process (pid 7); what waits is not known");
        s.link_reason = LINK_REASON_NO_CREDENTIAL;
        s.link_detail = "";
        expect(&s, "Not connected to h: there is no credential (hublinkctl setup asks for it); what waits is not known; /q is in use by another "
                   "process (pid 7)");
}
END_TEST

START_TEST(every_reason_has_words)
{
        for (LinkReason reason = 0; reason < _LINK_REASON_MAX; reason++) {
                Status s = {.link_state = LINK_WAITING, .link_reason = reason, .hub = "h"};
                Buffer b = BUFFER_NULL;

                status_line(&s, &b);
                ck_assert_ptr_null(strstr(b.data, ": ;"));
                buffer_done(&b);
        }
}
END_TEST

int main(void)
{
        Suite *s = suite_create("daemon/status-line");
        TCase *c = suite_case(s, "one line");

        tcase_add_test(c, it_says_how_things_are);
        tcase_add_test(c, what_nobody_knows);
        tcase_add_test(c, every_reason_has_words);
        return suite_run(s);
}
