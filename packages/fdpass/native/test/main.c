#include "tests.h"

#include <assert.h>
#include <uv.h>

static const struct test tests[] = {
  {"a stream carries bytes and 253 descriptors; invalid sends are rejected", test_stream_messages, false},
  {"a packet socket carries bytes and 253 descriptors; invalid sends are rejected", test_packet_messages, false},
  {"a datagram socket carries bytes and 253 descriptors; invalid sends are rejected", test_datagram_messages, false},
  {"a message stays queued while the descriptor table is full", test_full_table, true},
  {"credentials that the kernel adds displace no descriptor, and leak none", test_additions, false},
  {"a call waits for a message as long as the timeout of the socket says", test_receive_timeout, false},
  {"a descriptor that the system rejects is EBADMSG once, and the stream stays in step", test_rejected_descriptors,
    false},
  {"bursts of descriptors arrive whole, in order, and before an error of the connection", test_bursts, false},
  {"listen, accept, and connect work on a path, and report each failure", test_connections, false},
  {"the kernel names the sender of bytes, one at a time, also after its end", test_senders, false},
  {"flags of descriptors can be set and read", test_flags_of_descriptors, false},
  {"kept descriptors are closed together, each once", test_kept_descriptors, false},
  {"bytes pass through sockets and pipes; a closed peer is EPIPE, not a signal", test_plain_bytes, false},
  {"advice about huge pages leaves the bytes as they are", test_huge_pages, false},
  {"shared memory has a fixed size, and is the same in each process that maps it", test_shared_memory, false},
  {"a spin without a message returns EAGAIN", test_spin_without_message, false},
  {"a spin ends when another thread sends a message", test_spin_until_message, false},
  {"the watchdog sends what its owner does not flush", test_watchdog, false},
  {"bytes that the owner appends while the watchdog writes are sent once, and in order",
    test_appending_while_watchdog_writes, false},
  {"the watchdog ends when it is idle, and starts again", test_restart_of_watchdog, false},
  {"the end of a deferred writer sends what is deferred", test_end_of_writer, false},
  {"a forked child can end a deferred writer whose thread it does not have", test_writer_in_forked_child, true},
  {"a deferred writer without memory or thread reports it, and stays usable", test_writer_without_resources, false},
  {"a watch reports what its descriptor is ready for, until it is closed", test_watch, false},
  {"a watch reports the bytes that a reset connection still holds", test_watch_of_reset_connection, false},
  {"a watch of a file, of a closed or of a watched descriptor is rejected", test_rejected_watches, false},
  {"a kept path outlives the socket that the event loop has bound to it", test_kept_path, false},
};

int main(void) {
  uv_loop_t loop; /* the first one opens a pipe for signals, which libuv keeps */
  assert(uv_loop_init(&loop) == 0 && uv_loop_close(&loop) == 0);
  return run_tests(tests, sizeof tests / sizeof *tests);
}
