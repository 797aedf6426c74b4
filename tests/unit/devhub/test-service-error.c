/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/hub/service-error.h"

#include <string.h>

#include "suite.h"

START_TEST(every_error_is_whole_and_none_stands_twice)
{
        for (int i = SERVICE_ERROR_NONE + 1; i < _SERVICE_ERROR_MAX; i++) {
                ServiceError error = (ServiceError)i;

                ck_assert_uint_ge(service_error_number(error), 400001);
                ck_assert_uint_le(service_error_number(error), 504999);
                ck_assert_uint_eq(service_error_http_status(error), service_error_number(error) / 1000);
                ck_assert(*service_error_name(error));
                ck_assert_ptr_nonnull(strchr(service_error_condition(error), ':'));
                for (int k = SERVICE_ERROR_NONE + 1; k < i; k++) {
                        ck_assert_uint_ne(service_error_number((ServiceError)k), service_error_number(error));
                        ck_assert_str_ne(service_error_name((ServiceError)k), service_error_name(error));
                }
        }
}
END_TEST

START_TEST(trap_34_numbers_and_names_are_those_that_clients_compare)
{
        static const struct {
                ServiceError error;
                unsigned number;
                const char *name;
        } known[] = {
                {SERVICE_ERROR_INVALID_PROTOCOL_VERSION, 400001, "InvalidProtocolVersion"},
                {SERVICE_ERROR_ARGUMENT_INVALID, 400004, "ArgumentInvalid"},
                {SERVICE_ERROR_FORMAT, 400006, "IotHubFormatError"},
                {SERVICE_ERROR_UNAUTHORIZED_ACCESS, 401002, "IotHubUnauthorizedAccess"},
                {SERVICE_ERROR_QUOTA_EXCEEDED, 403002, "IotHubQuotaExceeded"},
                {SERVICE_ERROR_MAXIMUM_QUEUE_DEPTH_EXCEEDED, 403004, "DeviceMaximumQueueDepthExceeded"},
                {SERVICE_ERROR_DEVICE_NOT_FOUND, 404001, "DeviceNotFound"},
                {SERVICE_ERROR_MODULE_NOT_FOUND, 404010, "ModuleNotFound"},
                {SERVICE_ERROR_DEVICE_NOT_ONLINE, 404103, "DeviceNotOnline"},
                {SERVICE_ERROR_DEVICE_ALREADY_EXISTS, 409001, "DeviceAlreadyExists"},
                {SERVICE_ERROR_MODULE_ALREADY_EXISTS, 409301, "ModuleAlreadyExistsOnDevice"},
                {SERVICE_ERROR_PRECONDITION_FAILED, 412001, "PreconditionFailed"},
                {SERVICE_ERROR_MESSAGE_LOCK_LOST, 412002, "DeviceMessageLockLost"},
                {SERVICE_ERROR_MESSAGE_TOO_LARGE, 413001, "MessageTooLarge"},
                {SERVICE_ERROR_THROTTLING, 429001, "ThrottlingException"},
                {SERVICE_ERROR_SERVER, 500001, "ServerError"},
                {SERVICE_ERROR_GATEWAY_TIMEOUT, 504101, "GatewayTimeout"},
        };

        for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
                ck_assert_uint_eq(service_error_number(known[i].error), known[i].number);
                ck_assert_str_eq(service_error_name(known[i].error), known[i].name);
        }
}
END_TEST

int main(void)
{
        Suite *s = suite_create("devhub/service-error");
        TCase *c = suite_case(s, "the table");

        tcase_add_test(c, every_error_is_whole_and_none_stands_twice);
        tcase_add_test(c, trap_34_numbers_and_names_are_those_that_clients_compare);
        return suite_run(s);
}
