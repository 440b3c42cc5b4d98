/* The tests of each file of this folder. main.c runs them. */
#ifndef FDPASS_TESTS_H
#define FDPASS_TESTS_H

#include <run-tests.h>

void test_stream_messages(void);
void test_packet_messages(void);
void test_datagram_messages(void);
void test_full_table(void);
void test_additions(void);
void test_receive_timeout(void);
void test_rejected_descriptors(void);
void test_bursts(void);
void test_connections(void);
void test_senders(void);
void test_flags_of_descriptors(void);
void test_kept_descriptors(void);
void test_plain_bytes(void);
void test_huge_pages(void);
void test_shared_memory(void);
void test_spin_without_message(void);
void test_spin_until_message(void);
void test_watchdog(void);
void test_appending_while_watchdog_writes(void);
void test_restart_of_watchdog(void);
void test_end_of_writer(void);
void test_writer_in_forked_child(void);
void test_writer_without_resources(void);
void test_watch(void);
void test_watch_of_reset_connection(void);
void test_rejected_watches(void);
void test_kept_path(void);

#endif
