#include "../fdpass.h"
#include "tests.h"

#include <assert.h>
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#define CLOSED_FD 99999

static int fds[FDPASS_MAX_DESCRIPTORS];

void test_bursts(void) {
  int pair[2], all[FDPASS_MAX_DESCRIPTORS + 1] = {0};
  struct fdpass_many result;
  assert(fdpass_socketpair(SOCK_STREAM, pair) == 0);
  size_t open = open_descriptors();
  for (size_t batch = 1; batch <= FDPASS_MAX_DESCRIPTORS; batch = batch * 2 + 1) {
    assert(fdpass_send_many(pair[0], all, FDPASS_MAX_DESCRIPTORS, batch, 0) ==
           (ssize_t)(FDPASS_MAX_DESCRIPTORS / batch * batch));
    size_t left = FDPASS_MAX_DESCRIPTORS / batch * batch;
    while (left > 0) {
      ssize_t n = fdpass_receive_many(pair[1], fds, 64, &result, FDPASS_PEEK);
      assert(n > 0 && (size_t)n <= left);
      assert(result.was_burst == (batch == 1) || left < 2);
      for (ssize_t i = 0; i < n; i++) assert(fdpass_get_close_on_exec(fds[i]) == 1 && close(fds[i]) == 0);
      left -= (size_t)n;
    }
    assert(fdpass_receive_many(pair[1], fds, 64, &result, FDPASS_PEEK | FDPASS_DONT_WAIT) == -EAGAIN);
  }
  assert(fdpass_send_many(pair[0], all, 0, 1, 0) == 0);
  assert(fdpass_send_many(pair[0], all, 1, 0, 0) == -EINVAL &&
         fdpass_send_many(pair[0], all, 1, FDPASS_MAX_DESCRIPTORS + 1, 0) == -EINVAL);
  all[2] = CLOSED_FD;
  assert(fdpass_send_many(pair[0], all, 5, 1, 0) == 2 && fdpass_send_many(pair[0], all + 2, 3, 1, 0) == -EBADF);
  assert(fdpass_send(pair[1], "x", 1, NULL, 0, 0) == 1);
  close(pair[0]); /* with something unread: a reset */
  assert(fdpass_receive_many(pair[1], fds, 64, &result, FDPASS_PEEK) == 1 && result.later == -ECONNRESET);
  assert(close(fds[0]) == 0);
  assert(fdpass_receive_many(pair[1], fds, 64, &result, FDPASS_PEEK) == 1);
  assert(close(fds[0]) == 0);
  assert(fdpass_receive_many(pair[1], fds, 64, &result, FDPASS_PEEK) == 0 && result.later == 0);
  assert(fdpass_send_many(pair[1], all, 2, 1, 0) == -EPIPE);
  assert(open_descriptors() == open - 1);
  close(pair[1]);
}
