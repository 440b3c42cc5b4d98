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
