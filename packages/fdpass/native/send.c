#include "message.h"
#include "socket-flags.h"

#include <errno.h>

ssize_t fdpass_send(int socket, const void *bytes, size_t length, const int *fds, size_t count, int flags) {
  if (count > FDPASS_MAX_DESCRIPTORS) return -EINVAL;
  /* A stream does not queue an empty message, so its descriptors would be lost. */
  if (length == 0 && count > 0) {
    int type;
    socklen_t size = sizeof type;
    if (getsockopt(socket, SOL_SOCKET, SO_TYPE, &type, &size) < 0) return -errno;
    if (type == SOCK_STREAM) return -EINVAL;
  }

  union {
    struct cmsghdr align;
    char bytes[RIGHTS_SPACE(FDPASS_MAX_DESCRIPTORS)];
  } control;
  struct iovec iov = {.iov_base = (void *)bytes, .iov_len = length};
  struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};
  if (count > 0) fdpass_put_rights(&message, control.bytes, fds, count);

  ssize_t n;
  do n = sendmsg(socket, &message, MSG_NOSIGNAL | (flags & FDPASS_DONT_WAIT ? MSG_DONTWAIT : 0));
  while (n < 0 && errno == EINTR);
  return n < 0 ? -errno : n;
}

/* Returns the error of sending so many descriptors over no socket. */
static int refusal_of(size_t count) {
  static const int fds[FDPASS_MAX_DESCRIPTORS];
  union {
    struct cmsghdr align;
    char bytes[RIGHTS_SPACE(FDPASS_MAX_DESCRIPTORS)];
  } control;
  struct msghdr message = {0};
  fdpass_put_rights(&message, control.bytes, fds, count);
  return sendmsg(-1, &message, MSG_NOSIGNAL) < 0 ? errno : 0;
}

/* On 64-bit systems, musl copies the control messages, to correct their headers. Before 1.2.4, its buffer had 1024
 * bytes, and it refused more with ENOMEM, before the system call (src/network/sendmsg.c, commit f79b973d). An addon
 * runs with the musl of the system, so only that can say. The kernel's answer is EBADF. */
size_t fdpass_most_descriptors(void) {
  size_t count = FDPASS_MAX_DESCRIPTORS;
  while (count > 1 && refusal_of(count) == ENOMEM) count--;
  return count;
}
