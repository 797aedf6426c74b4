/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What the official Node packages made (tests/data), against what we make and read.
 *
 * Where the two encode alike the texts must be equal. Node leaves ! ' ( ) * as they are in user names and bags,
 * writes them in lower case within a token, and writes model ids raw: there both texts must mean the same.
 */

#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "azure/bag.h"
#include "azure/connection-string.h"
#include "azure/token.h"
#include "azure/topic.h"
#include "azure/username.h"
#include "suite.h"

#define NODE_LITERALS "!'()*"

static json_object *vectors;

static json_object *part(const char *name)
{
        json_object *array;

        ck_assert(json_object_object_get_ex(vectors, name, &array));
        ck_assert_uint_gt(json_object_array_length(array), 0);
        return array;
}

static const char *text_of(json_object *o, const char *name)
{
        json_object *member;

        ck_assert_msg(json_object_object_get_ex(o, name, &member), "%s", name);
        return member ? json_object_get_string(member) : NULL;
}

static uint64_t number_of(json_object *o, const char *name)
{
        json_object *member;

        ck_assert_msg(json_object_object_get_ex(o, name, &member), "%s", name);
        return json_object_get_uint64(member);
}

#define FOR_EACH(i, o, name)                                                                                         \
        for (size_t i = 0; i < json_object_array_length(part(name)); i++)                                            \
                for (json_object *o = json_object_array_get_idx(part(name), i); o; o = NULL)

/* Ours may order the fields otherwise, but must carry the same resource and be proved by the same key. */
static void check_token(const char *theirs, const char *key, const char *resource, const char *policy, uint64_t expiry)
{
        _cleanup_(buffer_done) Buffer made = BUFFER_NULL;
        _cleanup_(token_done) Token t = {}, ours = {};

        ck_assert_int_eq(token_parse(theirs, &t), 0);
        ck_assert_str_eq(t.resource, resource);
        ck_assert_pstr_eq(t.policy, policy);
        ck_assert_uint_eq(t.expiry, expiry);
        ck_assert_msg(token_is_signed_by(&t, key), "%s", theirs);
        ck_assert(token_covers(&t, resource));

        ck_assert_int_eq(token_make(&made, key, resource, policy, expiry), 0);
        ck_assert_int_eq(token_parse(made.data, &ours), 0);
        ck_assert(token_is_signed_by(&ours, key));
        if (strcmp(ours.raw_resource, t.raw_resource) == 0)
                ck_assert_str_eq(ours.signature, t.signature);
        ck_assert_str_eq(ours.resource, t.resource);
        ck_assert_pstr_eq(ours.policy, t.policy);
}

START_TEST(tokens_are_theirs)
{
        FOR_EACH(i, o, "tokens")
                check_token(text_of(o, "token"), text_of(o, "key"), text_of(o, "resource"), text_of(o, "policy"),
                            number_of(o, "expiry"));
}
END_TEST

START_TEST(most_tokens_are_signed_alike)
{
        size_t alike = 0, all = 0;

        FOR_EACH(i, o, "tokens") {
                _cleanup_(buffer_done) Buffer made = BUFFER_NULL;
                _cleanup_(token_done) Token t = {}, ours = {};

                ck_assert_int_eq(token_parse(text_of(o, "token"), &t), 0);
                ck_assert_int_eq(token_make(&made, text_of(o, "key"), text_of(o, "resource"), NULL, t.expiry), 0);
                ck_assert_int_eq(token_parse(made.data, &ours), 0);
                alike += strcmp(ours.signature, t.signature) == 0;
                all++;
        }
        /* all but the resource with ! ' ( ) * and the one that was signed with plain slashes */
        ck_assert_uint_eq(alike, all - 9 - 1);
}
END_TEST

START_TEST(connection_strings_are_read_alike)
{
        FOR_EACH(i, o, "connection_strings") {
                _cleanup_(connection_string_freep) ConnectionString *cs = NULL;
                const char *error = NULL;
                json_object *x509;

                ck_assert_msg(connection_string_parse(text_of(o, "text"), &cs, &error) == 0, "%s", error);
                ck_assert_str_eq(cs->host_name, text_of(o, "host_name"));
                ck_assert_pstr_eq(cs->device_id, text_of(o, "device_id"));
                ck_assert_pstr_eq(cs->module_id, text_of(o, "module_id"));
                ck_assert_pstr_eq(cs->shared_access_key, text_of(o, "shared_access_key"));
                ck_assert_pstr_eq(cs->shared_access_key_name, text_of(o, "shared_access_key_name"));
                ck_assert_pstr_eq(cs->gateway_host_name, text_of(o, "gateway_host_name"));
                ck_assert(json_object_object_get_ex(o, "x509", &x509));
                ck_assert_int_eq(cs->x509, json_object_get_boolean(x509));
        }
}
END_TEST

START_TEST(usernames_are_read_and_written_alike)
{
        FOR_EACH(i, o, "connects") {
                const char *device_id = text_of(o, "device_id"), *module_id = text_of(o, "module_id");
                const char *model_id = text_of(o, "model_id"), *product_info = text_of(o, "product_info");
                _cleanup_(username_done) Username theirs = {}, ours = {};
                _cleanup_(buffer_done) Buffer made = BUFFER_NULL;
                size_t n;

                ck_assert_int_eq(username_parse(text_of(o, "username"), &theirs), 0);
                ck_assert_str_eq(theirs.host, text_of(o, "host"));
                ck_assert_str_eq(theirs.device_id, device_id);
                ck_assert_pstr_eq(theirs.module_id, module_id);
                ck_assert_str_eq(theirs.api_version, USERNAME_API_VERSION);
                ck_assert_pstr_eq(theirs.model_id, model_id);
                n = strlen(theirs.device_client_type);
                ck_assert_uint_gt(n, strlen(product_info));
                ck_assert_str_eq(theirs.device_client_type + n - strlen(product_info), product_info);

                username_make(&made, text_of(o, "host"), device_id, module_id, theirs.device_client_type, model_id);
                ck_assert_int_eq(username_parse(made.data, &ours), 0);
                ck_assert_str_eq(ours.host, theirs.host);
                ck_assert_str_eq(ours.device_id, theirs.device_id);
                ck_assert_pstr_eq(ours.module_id, theirs.module_id);
                ck_assert_str_eq(ours.api_version, theirs.api_version);
                ck_assert_str_eq(ours.device_client_type, theirs.device_client_type);
                ck_assert_pstr_eq(ours.model_id, theirs.model_id);
        }
}
END_TEST

START_TEST(passwords_are_theirs)
{
        FOR_EACH(i, o, "connects") {
                const char *module_id = text_of(o, "module_id");
                _cleanup_(buffer_done) Buffer resource = BUFFER_NULL;
                _cleanup_(token_done) Token t = {};

                buffer_printf(&resource, "%s/devices/%s%s%s", text_of(o, "host"), text_of(o, "device_id"),
                              module_id ? "/modules/" : "", module_id ? module_id : "");
                ck_assert_int_eq(token_parse(text_of(o, "password"), &t), 0);
                check_token(text_of(o, "password"), text_of(o, "key"), resource.data, NULL, t.expiry);
        }
}
END_TEST

static void check_entries(const Bag *bag, json_object *entries)
{
        ck_assert_uint_eq(bag->n_entries, json_object_array_length(entries));
        for (size_t k = 0; k < bag->n_entries; k++) {
                json_object *pair = json_object_array_get_idx(entries, k);

                ck_assert_str_eq(bag->entries[k].name, json_object_get_string(json_object_array_get_idx(pair, 0)));
                ck_assert_str_eq(bag->entries[k].value, json_object_get_string(json_object_array_get_idx(pair, 1)));
        }
}

START_TEST(topics_and_bags_are_read_and_written_alike)
{
        FOR_EACH(i, o, "messages") {
                const char *topic = text_of(o, "topic"), *device_id = text_of(o, "device_id");
                const char *module_id = text_of(o, "module_id");
                TopicParts parts = topic_parse(topic, strlen(topic));
                _cleanup_(bag_done) Bag theirs = {}, ours = {};
                _cleanup_(buffer_done) Buffer made = BUFFER_NULL;
                json_object *entries;
                size_t start;

                ck_assert(json_object_object_get_ex(o, "entries", &entries));
                ck_assert_int_eq(parts.kind, TOPIC_EVENTS);
                ck_assert_uint_eq(parts.device_id_size, strlen(device_id));
                ck_assert_mem_eq(parts.device_id, device_id, parts.device_id_size);
                ck_assert_uint_eq(parts.module_id_size, module_id ? strlen(module_id) : 0);
                if (module_id)
                        ck_assert_mem_eq(parts.module_id, module_id, parts.module_id_size);
                ck_assert_int_eq(bag_parse(parts.bag, parts.bag_size, &theirs), 0);
                check_entries(&theirs, entries);

                topic_events(&made, device_id, module_id);
                start = made.size;
                for (size_t k = 0; k < theirs.n_entries; k++)
                        bag_append(&made, start, theirs.entries[k].name, theirs.entries[k].value);
                if (!strpbrk(topic + start, NODE_LITERALS))
                        ck_assert_str_eq(made.data, topic);
                ck_assert_mem_eq(made.data, topic, start);
                ck_assert_int_eq(bag_parse(made.data + start, made.size - start, &ours), 0);
                check_entries(&ours, entries);
        }
}
END_TEST

int main(void)
{
        Suite *s = suite_create("azure/vectors");
        TCase *c = suite_case(s, "the official Node packages");
        int r;

        vectors = json_object_from_file(TEST_DATA "/azure-vectors.json");
        if (!vectors) {
                (void)fprintf(stderr, "%s", json_util_get_last_err());
                return 1;
        }
        tcase_add_test(c, tokens_are_theirs);
        tcase_add_test(c, most_tokens_are_signed_alike);
        tcase_add_test(c, connection_strings_are_read_alike);
        tcase_add_test(c, usernames_are_read_and_written_alike);
        tcase_add_test(c, passwords_are_theirs);
        tcase_add_test(c, topics_and_bags_are_read_and_written_alike);
        r = suite_run(s);
        json_object_put(vectors);
        return r;
}
