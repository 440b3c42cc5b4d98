#include "tests.h"

#include <assert.h>
#include <uv.h>

/* glibc uses the signal that parks threads for pthread_cancel(3), which later tests call. */
static const struct test tests[] = {
  {"threads are parked and go on; a thread that waits is at a safe point, one that runs is named", test_parked_threads,
    true},
  {"a thread that blocks the signal to park is named", test_thread_that_does_not_park, true},
  {"a thread that blocks the signal to park is found although the process is a member of many groups",
    test_thread_of_member_of_many_groups, true},
  {"a thread that cannot get the signal to park, because too many are queued, is not taken for an ended one",
    test_thread_without_room_for_a_signal, true},
  {"a thread is parked on its alternate stack, which it keeps, also in a child", test_alternate_stack, true},
  {"no thread runs in a child that cannot have all of them", test_child_without_room_for_its_threads, true},
  {"each thread of a child has the restartable sequences that the C library has registered for it",
    test_restartable_sequences, true},
  {"a forked child has all memory of its parent, and an event loop of its own", test_fork, true},
  {"a fork works although a device is mapped between other mappings", test_fork_with_device, true},
  {"a fork needs no free descriptor", test_fork_without_descriptors, true},
  {"a signal that the parent has caught is not dispatched in the child", test_caught_signal, true},
  {"a process is replaced by a program that finds its file in memory; a missing program is ENOENT", test_execute, true},
  {"a program goes on when its code pages are refreshed, and has one page of its own in each mapping", test_code_pages,
    true},
  {"the wait for other threads ends when they sleep", test_threads_that_fall_asleep, true},
  {"known threads are waited for; other ones, ended ones, and too many are reported", test_known_threads, true},
  {"files that only the process uses are noted and opened anew in a child, with what they hold",
    test_renewed_descriptors, true},
  {"files are opened anew although no descriptor is free; they are not noted then", test_renewal_with_full_table, true},
  {"SIGINT is ignored until that is undone, or other code has changed it", test_ignored_interrupt, false},
  {"threads can ignore SIGINT at the same time", test_interrupt_in_threads, false},
  {"a lifeline kills the process when its owner closes the other end", test_lifeline, true},
  {"a lifeline that has ended kills at once, one that is undone never", test_lifeline_of_ended_owner, true},
  {"a lifeline that was opened for another process kills it, even if it is stopped, until it is disarmed",
    test_lifeline_of_started_process, true},
  {"a process that aborts because it can start no thread reports that first", test_abort_at_thread_limit, true},
  {"a signal reaches a process, but no zombie, no process of another user or parent, and none that has closed its end",
    test_signal, true},
  {"a signal reaches a process although no descriptor is free", test_signal_without_pidfd, true},
  {"a pidfd refers to one process, and says when it has ended", test_process_descriptor, true},
  {"the pid of a pidfd is found in each namespace", test_pid_in_own_namespace, true},
  {"ended children are reported until they are reaped", test_ended_children, false},
  {"a subreaper adopts the children of its children", test_subreaper, false},
  {"limits are set by name; unknown names and invalid limits are EINVAL", test_limits, true},
  {"an isolated process keeps its user, and loses its capabilities and its signals to others", test_isolation, true},
  {"the processor time of a process grows; that of an ended one is ESRCH", test_processor_time, true},
  {"random octets differ; more than 256 are EIO", test_random, false},
  {"memory that is free is returned to the system", test_trimming_memory, false},
  {"a heap is reduced only where there is V8: ENOSYS", test_memory_without_v8, false},
  {"the end of a thread kills and reaps its children", test_end_of_children, false},
  {"a child that a thread was starting when it ended is killed and reaped", test_spawned_child, true},
  {"a spared child outlives its thread, and is reaped after its end", test_spared_child, false},
  {"without memory, keeping reports ENOMEM, and the end of a thread leaves no zombie", test_children_without_memory,
    false},
  {"threads that end at the same time reap each other's spared children", test_children_of_threads, false},
  {"the end of an event loop is reported, as often as the loop goes on", test_loop_end, false},
  {"an order to fork is taken with its id and its descriptor", test_order_to_fork, false},
  {"all but a whole order to fork with a descriptor is left alone", test_other_orders, false},
  {"without a free descriptor, an order to fork stays where it is", test_order_without_descriptors, true},
  {"reports are sent whole or not at all", test_reports, false},
  {"children are added and removed; without memory, adding reports ENOMEM", test_children, false},
  {"the server forks when it is ordered to, and reports the children and their ends", test_fork_server, true},
  {"an order that the server cannot carry out is left for JavaScript", test_order_for_javascript, true},
  {"a fork that fails is told, and JavaScript has to allow the next one", test_failed_fork, true},
  {"ends that cannot be reported, and those of unknown children, are told", test_ends_that_cannot_be_reported, true},
};

int main(void) {
  uv_loop_t loop; /* the first one opens a pipe for signals, which libuv keeps */
  assert(uv_loop_init(&loop) == 0 && uv_loop_close(&loop) == 0);
  return run_tests(tests, sizeof tests / sizeof *tests);
}
