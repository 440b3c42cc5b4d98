#include "../fdpass.h"
#include "tests.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define LONG_NS 60000000000 /* a spin that only a message ends */

static int fds[FDPASS_MAX_DESCRIPTORS];

void test_spin_without_message(void) {
  int pair[2];
  char byte;
  struct fdpass_received received;
  assert(fdpass_socketpair(SOCK_STREAM, pair) == 0);
  for (int flags = 0; flags < 16; flags++) { /* each combination of flags */
    uint64_t spin_ns = flags % 3 * 100000;
    assert(fdpass_receive_spinning(pair[1], &byte, 1, fds, &received, flags | FDPASS_DONT_WAIT, spin_ns) == -EAGAIN);
  }
  close(pair[0]);
  close(pair[1]);
}

/* Sends a descriptor after a while. */
static void *send_later(void *context) {
  const int *socket = context, one = 0;
  nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
  assert(fdpass_send(*socket, "x", 1, &one, 1, 0) == 1);
  return NULL;
}

void test_spin_until_message(void) {
  int pair[2];
  assert(fdpass_socketpair(SOCK_STREAM, pair) == 0);
  for (int flags = 0; flags < 16; flags++) {
    char byte = 0;
    struct fdpass_received received;
    pthread_t sender;
    assert(pthread_create(&sender, NULL, send_later, &pair[0]) == 0);
    assert(fdpass_receive_spinning(pair[1], &byte, 1, fds, &received, flags, LONG_NS) == 1 && byte == 'x');
    assert(received.count == (flags & FDPASS_BYTES_ONLY ? 0 : 1)); /* unexpected descriptors are dropped */
    if (received.count == 1) assert(fdpass_close(fds[0]) == 0);
    assert(pthread_join(sender, NULL) == 0);
  }
  close(pair[0]);
  close(pair[1]);
}
