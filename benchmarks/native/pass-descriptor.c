/* Sends, receives, and closes a descriptor in one process, argv[1] times, with the C interface of fdpass. Prints the
 * nanoseconds per descriptor. */
#include "../../packages/fdpass/native/fdpass.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

int main(int argc, char **argv) {
  int pair[2], fds[FDPASS_MAX_DESCRIPTORS];
  const int passed = 0;
  char byte = 0;
  struct fdpass_received received;
  struct timespec from, to;
  long count = argc > 1 ? atol(argv[1]) : 100000;
  if (fdpass_socketpair(SOCK_STREAM, pair) < 0) return 1;
  clock_gettime(CLOCK_MONOTONIC, &from);
  for (long i = 0; i < count; i++) {
    if (fdpass_send(pair[0], &byte, 1, &passed, 1, 0) != 1) return 1;
    if (fdpass_receive(pair[1], &byte, 1, fds, &received, FDPASS_PEEK) != 1) return 1;
    if (received.count != 1 || fdpass_close(fds[0]) < 0) return 1;
  }
  clock_gettime(CLOCK_MONOTONIC, &to);
  printf("%f\n", ((double)(to.tv_sec - from.tv_sec) * 1e9 + (double)(to.tv_nsec - from.tv_nsec)) / (double)count);
  return 0;
}
