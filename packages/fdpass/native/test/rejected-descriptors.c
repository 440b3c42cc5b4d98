#include "../fdpass.h"
#include "tests.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Imitates a security module that rejects a descriptor: the kernel drops it and those after it, and sets MSG_CTRUNC.
 * Linked with --wrap=recvmsg,--wrap=recvmmsg. */
static int is_rejecting, recvmsg_calls;
ssize_t __real_recvmsg(int socket, struct msghdr *message, int flags);
int __real_recvmmsg(int socket, struct mmsghdr *messages, unsigned length, int flags, struct timespec *timeout);

static void reject(struct msghdr *message) {
  struct cmsghdr *header = message->msg_controllen > 0 ? CMSG_FIRSTHDR(message) : NULL;
  if (header == NULL || header->cmsg_type != SCM_RIGHTS) return;
  for (size_t i = 0; i < (header->cmsg_len - CMSG_LEN(0)) / sizeof(int); i++) close(((int *)CMSG_DATA(header))[i]);
  message->msg_controllen = 0;
  message->msg_flags |= MSG_CTRUNC;
}

ssize_t __wrap_recvmsg(int socket, struct msghdr *message, int flags) {
  ssize_t n = __real_recvmsg(socket, message, flags);
  recvmsg_calls++;
  if (n >= 0 && is_rejecting) reject(message);
  return n;
}

int __wrap_recvmmsg(int socket, struct mmsghdr *messages, unsigned length, int flags, struct timespec *timeout) {
  int n = __real_recvmmsg(socket, messages, length, flags, timeout);
  for (int i = 0; i < n && is_rejecting; i++) reject(&messages[i].msg_hdr);
  return n;
}

static int fds[FDPASS_MAX_DESCRIPTORS];
static struct fdpass_received received;
static char bytes[64];

static ssize_t receive(int socket, int flags) {
  return fdpass_receive(socket, bytes, sizeof bytes, fds, &received, flags);
}

static void close_received(void) {
  for (size_t i = 0; i < received.count; i++) assert(fdpass_close(fds[i]) == 0);
}

void test_rejected_descriptors(void) {
  int pair[2], one = 0;
  struct fdpass_many result;
  assert(fdpass_socketpair(SOCK_STREAM, pair) == 0);
  size_t open = open_descriptors();
  for (int i = 0; i < 3; i++) assert(fdpass_send(pair[0], "a", 1, &one, 1, 0) == 1);
  assert(fdpass_write(pair[0], "bcd", 3) == 3);
  is_rejecting = 1;
  recvmsg_calls = 0;
  assert(receive(pair[1], FDPASS_PEEK) == -EBADMSG && received.count == 0);
  assert(recvmsg_calls < 2000); /* after a bounded number of tries */
  assert(fdpass_receive_many(pair[1], fds, 64, &result, FDPASS_PEEK) == -EBADMSG);
  assert(receive(pair[1], 0) == -EBADMSG);
  assert(receive(pair[1], FDPASS_PEEK) == 3 && memcmp(bytes, "bcd", 3) == 0);
  /* Bytes before a rejected descriptor arrive without it. */
  assert(fdpass_write(pair[0], "x", 1) == 1 && fdpass_send(pair[0], "y", 1, &one, 1, 0) == 1);
  assert(fdpass_receive(pair[1], bytes, 1, fds, &received, FDPASS_PEEK) == 1 && bytes[0] == 'x');
  is_rejecting = 0;
  assert(fdpass_receive(pair[1], bytes, 1, fds, &received, FDPASS_PEEK) == 1 && bytes[0] == 'y' && received.count == 1);
  close_received();
  assert(open_descriptors() == open);
  close(pair[0]);
  close(pair[1]);
}
