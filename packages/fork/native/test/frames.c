#include "../frame.h"
#include "tests.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const uint8_t fork_order[FRAME_HEADER_BYTES] = {5, 1, 0xa5, 0xb7, 0, 0, 0, 0, 0x78, 0x56, 0x34, 0x12};

#define MOST_DESCRIPTORS 3

/* Sends bytes, with a number of duplicates of descriptor 0. */
static void send_with(int socket, const void *bytes, size_t length, size_t descriptors) {
  static const int fds[MOST_DESCRIPTORS];
  union {
    char bytes[CMSG_SPACE(sizeof fds)];
    struct cmsghdr aligned;
  } control = {0};
  struct iovec iov = {(void *)bytes, length};
  struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};
  if (descriptors > 0) {
    message.msg_control = control.bytes;
    message.msg_controllen = CMSG_SPACE(descriptors * sizeof(int));
    *CMSG_FIRSTHDR(&message) = (struct cmsghdr){CMSG_LEN(descriptors * sizeof(int)), SOL_SOCKET, SCM_RIGHTS};
    memcpy(CMSG_DATA(CMSG_FIRSTHDR(&message)), fds, descriptors * sizeof(int));
  }
  assert(sendmsg(socket, &message, 0) == (ssize_t)length);
}

static void open_pair(int pair[2]) { assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0); }

static void close_pair(int pair[2]) {
  close(pair[0]);
  close(pair[1]);
}

void test_order_to_fork(void) {
  int pair[2];
  open_pair(pair);
  for (int i = 0; i < 2; i++) send_with(pair[1], fork_order, sizeof fork_order, 1);
  for (int i = 0; i < 2; i++) {
    uint32_t id = 0;
    int control = -1;
    assert(frame_take_fork(pair[0], &id, &control) && id == 0x12345678);
    assert(control > 2 && close(control) == 0);
  }
  close_pair(pair);
}

/* Returns whether all bytes are still there after an attempt to take an order. */
static bool is_left_alone(const void *bytes, size_t length, size_t descriptors) {
  int pair[2], control = -1;
  uint32_t id;
  uint8_t left[100];
  open_pair(pair);
  send_with(pair[1], bytes, length, descriptors);
  size_t open = open_descriptors();
  bool is_taken = frame_take_fork(pair[0], &id, &control);
  bool is_whole = recv(pair[0], left, sizeof left, 0) == (ssize_t)length && memcmp(left, bytes, length) == 0;
  bool is_closed = open_descriptors() == open;
  close_pair(pair);
  return !is_taken && is_whole && is_closed;
}

void test_other_orders(void) {
  for (size_t length = 1; length < sizeof fork_order; length++) assert(is_left_alone(fork_order, length, 1));
  for (size_t descriptors = 0; descriptors <= MOST_DESCRIPTORS; descriptors++)
    assert(descriptors == 1 || is_left_alone(fork_order, sizeof fork_order, descriptors));
  for (size_t at = 0; at < 8; at++) {
    uint8_t other[FRAME_HEADER_BYTES];
    memcpy(other, fork_order, sizeof other);
    other[at] ^= 2;
    for (size_t descriptors = 1; descriptors <= MOST_DESCRIPTORS; descriptors++)
      assert(is_left_alone(other, sizeof other, descriptors));
  }
  int pair[2], control;
  uint32_t id;
  open_pair(pair);
  assert(!frame_take_fork(pair[0], &id, &control)); /* nothing has arrived */
  close(pair[1]);
  assert(!frame_take_fork(pair[0], &id, &control) && close(pair[0]) == 0);
}

void test_order_without_descriptors(void) {
  int pair[2], control = -1;
  uint32_t id;
  open_pair(pair);
  send_with(pair[1], fork_order, sizeof fork_order, 1);
  fill_table(0);
  bool is_taken = frame_take_fork(pair[0], &id, &control);
  empty_table();
  assert(!is_taken);
  assert(frame_take_fork(pair[0], &id, &control) && close(control) == 0);
  close_pair(pair);
}

void test_reports(void) {
  static const uint8_t forked[] = {66, 0, 0xa5, 0xb7, 5, 0, 0, 0, 7, 0, 0, 0, 0x34, 0x12, 0, 0, 0};
  static const uint8_t started[] = {69, 1, 0xa5, 0xb7, 5, 0, 0, 0, 0, 0, 0, 0, 0x34, 0x12, 0, 0, 0};
  static const uint8_t exited[] = {68, 0, 0xa5, 0xb7, 7, 0, 0, 0, 0, 0, 0, 0, 0x34, 0x12, 0, 0, 0xff, 0xff, 9};
  uint8_t bytes[100];
  int pair[2];
  open_pair(pair);
  assert(frame_send_forked(pair[0], 7, 0x1234) == 0);
  assert(recv(pair[1], bytes, sizeof bytes, 0) == sizeof forked && memcmp(bytes, forked, sizeof forked) == 0);
  assert(frame_send_started(pair[0], 0x1234, 0) == 0);
  assert(recv(pair[1], bytes, sizeof bytes, 0) == sizeof started && memcmp(bytes, started, sizeof started) == 0);
  assert(frame_send_exited(pair[0], 0x1234, -1, 9) == 0);
  assert(recv(pair[1], bytes, sizeof bytes, 0) == sizeof exited && memcmp(bytes, exited, sizeof exited) == 0);
  while (frame_send_forked(pair[0], 7, 0x1234) == 0)
    ;
  assert(frame_send_exited(pair[0], 1, 0, 0) == -EAGAIN);
  size_t length = 0;
  for (ssize_t n; (n = recv(pair[1], bytes, sizeof bytes, MSG_DONTWAIT)) > 0;) length += (size_t)n;
  assert(length % sizeof forked == 0); /* no frame was sent in part */
  close(pair[1]);
  assert(frame_send_started(pair[0], 1, -1) == -EPIPE && close(pair[0]) == 0);
}
