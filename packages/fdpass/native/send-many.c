#include "message.h"
#include "socket-flags.h"

#include <errno.h>

static const char zero = 0;

/* Returns whether this is a size of a batch, and limits the count to whole batches. */
static bool is_batch(size_t batch, size_t *count) {
  if (batch < 1 || batch > FDPASS_MAX_DESCRIPTORS) return false;
  size_t most = FDPASS_MAX_DESCRIPTORS / batch * batch;
  if (*count > most) *count = most;
  return true;
}

#ifdef ANYFORK_LINUX

ssize_t fdpass_send_many(int socket, const int *fds, size_t count, size_t batch, int flags) {
  if (!is_batch(batch, &count)) return -EINVAL;

  struct mmsghdr messages[FDPASS_MAX_DESCRIPTORS];
  union {
    struct cmsghdr align;
    char bytes[FDPASS_MAX_DESCRIPTORS * RIGHTS_SPACE(1)]; /* a larger batch needs less */
  } control;
  struct iovec iov = {.iov_base = (void *)&zero, .iov_len = 1};
  unsigned length = 0;
  size_t used = 0;
  for (size_t from = 0; from < count; from += batch, length++) {
    size_t these = count - from < batch ? count - from : batch;
    messages[length].msg_hdr = (struct msghdr){.msg_iov = &iov, .msg_iovlen = 1};
    fdpass_put_rights(&messages[length].msg_hdr, control.bytes + used, fds + from, these);
    used += RIGHTS_SPACE(these);
  }

  int n;
  do n = sendmmsg(socket, messages, length, MSG_NOSIGNAL | (flags & FDPASS_DONT_WAIT ? MSG_DONTWAIT : 0));
  while (n < 0 && errno == EINTR);
  if (n < 0) return -errno;
  size_t sent = (size_t)n * batch;
  return (ssize_t)(sent < count ? sent : count);
}

#else

ssize_t fdpass_send_many(int socket, const int *fds, size_t count, size_t batch, int flags) {
  if (!is_batch(batch, &count)) return -EINVAL;
  size_t sent = 0;
  while (sent < count) {
    size_t these = count - sent < batch ? count - sent : batch;
    ssize_t n = fdpass_send(socket, &zero, 1, fds + sent, these, flags);
    if (n < 0) return sent > 0 ? (ssize_t)sent : n;
    sent += these;
  }
  return (ssize_t)sent;
}

#endif
