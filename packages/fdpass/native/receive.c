#include "message.h"

#include <errno.h>

/* Room beside the descriptors for what a socket may have been told to add
 * (SO_PASSCRED, SO_PASSPIDFD, timestamps), so that it does not displace them. */
#define OTHER_SPACE 512

static int has_others(struct msghdr *message) {
  for (struct cmsghdr *header = CMSG_FIRSTHDR(message); header != NULL; header = CMSG_NXTHDR(message, header))
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) return 1;
  return 0;
}

ssize_t fdpass_receive_once(
  int socket, void *bytes, size_t length, int flags, int fds[FDPASS_MAX_DESCRIPTORS], struct fdpass_once *once) {
  union {
    struct cmsghdr align;
    char bytes[RIGHTS_SPACE(FDPASS_MAX_DESCRIPTORS) + OTHER_SPACE];
  } control;
  struct iovec iov = {.iov_base = bytes, .iov_len = length};
  struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};
  *once = (struct fdpass_once){0};
  ssize_t n;
  do {
    message.msg_control = control.bytes;
    message.msg_controllen = sizeof control.bytes;
    n = recvmsg(socket, &message, flags | MSG_CMSG_CLOEXEC);
  } while (n < 0 && errno == EINTR);
  if (n < 0) return -errno;
  once->others = has_others(&message);
  once->count = fdpass_take_rights(&message, fds, FDPASS_MAX_DESCRIPTORS);
  once->flags = message.msg_flags;
  return n;
}

static ssize_t receive_at_once(int socket, void *bytes, size_t length, int fds[FDPASS_MAX_DESCRIPTORS],
  struct fdpass_received *received, int wait_flag) {
  struct fdpass_once once;
  ssize_t n = fdpass_receive_once(socket, bytes, length, wait_flag, fds, &once);
#ifndef __linux__
  if (n == -EMSGSIZE) return -EMFILE; /* XNU: too few slots for the message */
#endif
  if (n < 0) return n;
  if (once.flags & MSG_CTRUNC) {
    fdpass_close_all(fds, once.count);
    return -EBADMSG;
  }
  *received = (struct fdpass_received){.count = once.count, .truncated = (once.flags & MSG_TRUNC) != 0};
  return n;
}

ssize_t fdpass_receive(int socket, void *bytes, size_t length, int fds[FDPASS_MAX_DESCRIPTORS],
  struct fdpass_received *received, int flags) {
  *received = (struct fdpass_received){0};
  int wait_flag = flags & FDPASS_DONT_WAIT ? MSG_DONTWAIT : 0;
#ifdef __linux__
  if (flags & FDPASS_PEEK) return fdpass_receive_peeking(socket, bytes, length, fds, received, wait_flag);
#endif
  return receive_at_once(socket, bytes, length, fds, received, wait_flag);
}

int fdpass_pending(int socket) {
  char byte;
  ssize_t n;
  do n = recv(socket, &byte, sizeof byte, MSG_PEEK | MSG_DONTWAIT);
  while (n < 0 && errno == EINTR);
  return n < 0 ? -errno : n > 0;
}
