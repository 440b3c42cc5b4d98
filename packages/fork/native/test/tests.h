/* The tests of each file of this folder. main.c runs them. */
#ifndef FORK_TESTS_H
#define FORK_TESTS_H

#include <run-tests.h>

/* ThreadSanitizer has a thread of its own in which no code runs that is compiled for it, such as a signal handler. */
#ifdef __SANITIZE_THREAD__
#define CAN_PARK false
#else
#define CAN_PARK true
#endif

void test_fork(void);
void test_fork_with_device(void);
void test_fork_without_descriptors(void);
void test_caught_signal(void);
void test_execute(void);
void test_code_pages(void);
void test_threads_that_fall_asleep(void);
void test_known_threads(void);
void test_renewed_descriptors(void);
void test_renewal_with_full_table(void);
void test_parked_threads(void);
void test_thread_with_work(void);
void test_thread_that_does_not_park(void);
void test_thread_without_room_for_a_signal(void);
void test_thread_of_member_of_many_groups(void);
void test_alternate_stack(void);
void test_thread_without_descriptors_to_look_at_it(void);
void test_child_without_room_for_its_threads(void);
void test_restartable_sequences(void);
void test_ignored_interrupt(void);
void test_interrupt_in_threads(void);
void test_lifeline(void);
void test_lifeline_of_ended_owner(void);
void test_lifeline_of_started_process(void);
void test_abort_at_thread_limit(void);
void test_signal(void);
void test_signal_without_pidfd(void);
void test_process_descriptor(void);
void test_pid_in_own_namespace(void);
void test_ended_children(void);
void test_subreaper(void);
void test_limits(void);
void test_isolation(void);
void test_processor_time(void);
void test_random(void);
void test_trimming_memory(void);
void test_memory_without_v8(void);
void test_end_of_children(void);
void test_spawned_child(void);
void test_spared_child(void);
void test_children_without_memory(void);
void test_children_of_threads(void);
void test_loop_end(void);
void test_order_to_fork(void);
void test_other_orders(void);
void test_order_without_descriptors(void);
void test_reports(void);
void test_children(void);
void test_fork_server(void);
void test_order_for_javascript(void);
void test_failed_fork(void);
void test_ends_that_cannot_be_reported(void);

/* Makes all other threads of this process the known ones. Returns what fork_know_threads returns. */
int know_other_threads(void);

#endif
