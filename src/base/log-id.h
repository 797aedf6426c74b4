/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Log ids - the lines an operator might search for
 *
 * Each has a paragraph in systemd/hublink.catalog that says what it means and what to do. Never renumbered.
 */

#define LOG_ID_LINK_CONNECTED      "90856e78839a42e586eeb31ad6004847"
#define LOG_ID_LINK_LOST           "5e8521e508f04704959dd917e817dedb"
#define LOG_ID_LINK_REFUSED        "23b8f2dc5a02407a845709b38118e4fd"
#define LOG_ID_DISK_FAILED         "b9465709538b4e929d17490e1373dae5"
#define LOG_ID_DISK_RECOVERED      "9135b19b65584aca8b9dfba0684c264e"
#define LOG_ID_DISK_FULL           "3f0cc637b05e40288977617f07f36da7"
#define LOG_ID_DISK_STALLED        "a4ac091a62f34e96a7caca01e5994449"
#define LOG_ID_RECORDS_LOST        "5c1d9be04f6e4a0f8f27c36a9d0be718"
#define LOG_ID_QUEUE_IN_USE        "9a3c59fb076f42218596b2cb87b2be74"
#define LOG_ID_QUEUE_FULL          "73667ceac40344029674846ae12d559c"
#define LOG_ID_QUEUE_PRESSURE      "51ff252c6531412f978e204db9903158"
#define LOG_ID_READING_DROPPED     "1883ce0183ab4a7d9a1af07a54d5e41a"
#define LOG_ID_RECORD_DAMAGED      "e6098d5e0352462893b07fa91a56a09d"
#define LOG_ID_SENSOR_FAILING      "df62b8f0657d490c8a8f8b300da88938"
#define LOG_ID_SENSOR_RECOVERED    "6db7a569d0a24a3ca0c1bcd55620d9cd"
#define LOG_ID_LINE_REFUSED        "5fb66718326e4aaba95cbc56a2147702"
#define LOG_ID_SETTINGS_BAD        "4ef9cc5ab0e943ce9ae7d823130df309"
#define LOG_ID_SETTINGS_RELOADED   "2204cd12c8ee49139810ad1b390b5991"
#define LOG_ID_DAEMON_STARTED      "e72d104c4f8a419e9c3a0d0ebd3fceb6"
#define LOG_ID_DAEMON_STOPPED      "bac998dd2bca4496b29be7383da35b67"
#define LOG_ID_LINES_HELD_BACK     "a4b529bef1764c3fb1e9444f6cddb840"
#define LOG_ID_CREDENTIAL_UNFIT    "e4a6f64a23d343d99ebd1c83f0de4181"
#define LOG_ID_DEAD_LETTER         "4de066eb87054a44ac4dd55594ef9d70"
#define LOG_ID_MESSAGE_SET_ASIDE   "d61f2ddf15ea4a4ba664c4754c5d09de"
#define LOG_ID_DEAD_LETTER_DROPPED "ed740bbcd41440b8ba2f2a3efeb06fc5"
#define LOG_ID_ORDER_MALFORMED     "0b8f4d2c6a1e4f7793d5c8be2a7461f0"
#define LOG_ID_FILTER_REFUSED      "7d1c93e5f2b84a06b6ea40d9187c35a2"
#define LOG_ID_ASSIGNED            "2b6f0c7be1a94d0f8c53a4d9e07162bd"
#define LOG_ID_TRIAL_CREDENTIAL    "c94e1d70a83b4f6295e6b1f07d2a38ec"
#define LOG_ID_ASSIGNMENT_UNSAVED  "58d3a7c21f6e4b90b7c0e94f1a6d25f8"
#define LOG_ID_INBOX_FULL          "5909197b8bdc4b439109b5bd12d9c803"
#define LOG_ID_INBOX_LOST          "942a4ceec28342b58505f6d2eb667966"
#define LOG_ID_INBOX_REJECTED      "c61e4682c99441a9be1b8ac538b3ab29"
#define LOG_ID_INBOX_EXPIRED       "c97fd836ef2e49bebd93d4653c28cf3c"
#define LOG_ID_TWIN_NOT_READ       "5f02340ec8d346fb8edb435bab4c32d2"
#define LOG_ID_TWIN_NOT_STORED     "a61416531d594ef9983751719ac454ec"
#define LOG_ID_TWIN_REFUSED        "155c4e1e406241e98b9d76d2b9598a55"
#define LOG_ID_TWIN_APPLIED        "fda9470c72994c5a9f0636379a60ce6d"
#define LOG_ID_TWIN_SETTINGS_BAD   "e34ab1f019114dc2aa52cadb79f3c9f7"
#define LOG_ID_AUDIT               "b6b2b1b1da814475a32fdc4691534b0f"
