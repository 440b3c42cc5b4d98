#include "message.h"
#include "socket-flags.h"

#include <errno.h>

#ifdef ANYFORK_LINUX

/* The number of messages in one burst. For each message that it looks at, the kernel walks the queue from its start:
 * many more messages would cost more than calls do. */
#define BURST 32

/* Room for one descriptor. Its padding has room for a second one. */
union slot {
  struct cmsghdr align;
  char bytes[RIGHTS_SPACE(1)];
};

static int set_peek_offset(int socket, int offset) {
  return setsockopt(socket, SOL_SOCKET, SO_PEEK_OFF, &offset, sizeof offset);
}

/* Looks at the first messages in the queue. Stores the descriptors of the messages before the first that is not one
 * byte with descriptors, or for which there was no room. Returns the number of these messages. */
static int peek_burst(int socket, unsigned length, int *fds, size_t *count) {
  struct mmsghdr messages[BURST];
  union slot control[BURST];
  char bytes[BURST][2]; /* the second shows a longer message */
  struct iovec iov[BURST];
  for (unsigned i = 0; i < length; i++) {
    iov[i] = (struct iovec){.iov_base = bytes[i], .iov_len = sizeof bytes[i]};
    messages[i].msg_hdr = (struct msghdr){
      .msg_iov = &iov[i], .msg_iovlen = 1, .msg_control = control[i].bytes, .msg_controllen = sizeof control[i].bytes};
  }
  int n;
  do n = recvmmsg(socket, messages, length, MSG_PEEK | MSG_DONTWAIT | MSG_CMSG_CLOEXEC, NULL);
  while (n < 0 && errno == EINTR);
  if (n < 0) return -errno;

  int good = 0;
  for (int i = 0; i < n; i++) {
    struct msghdr *header = &messages[i].msg_hdr;
    size_t these = fdpass_take_rights(header, fds + *count, FDPASS_MAX_DESCRIPTORS - *count);
    if (good == i && messages[i].msg_len == 1 && these > 0 && !(header->msg_flags & MSG_CTRUNC)) {
      good++;
      *count += these;
    } else {
      fdpass_close_all(fds + *count, these);
    }
  }
  return good;
}

/* Takes messages off the queue that peek_burst has looked at, without their descriptors. Unlike recvmsg(2), recvmmsg(2)
 * reports an error of the connection before the messages that are still queued, and only once. */
static int consume_burst(int socket, int length, int *later) {
  struct mmsghdr messages[BURST];
  char byte;
  struct iovec iov = {.iov_base = &byte, .iov_len = 1};
  for (int i = 0; i < length; i++) messages[i].msg_hdr = (struct msghdr){.msg_iov = &iov, .msg_iovlen = 1};
  for (int taken = 0; taken < length;) {
    int n = recvmmsg(socket, messages, (unsigned)(length - taken), MSG_DONTWAIT, NULL);
    if (n >= 0)
      taken += n;
    else if (errno == EAGAIN || *later != 0)
      return -errno;
    else if (errno != EINTR)
      *later = -errno;
  }
  return 0;
}

/* Receives several messages: one call looks at them, each after the former (SO_PEEK_OFF, socket(7)), and another one
 * takes them. Returns 0 if the socket has no such option, and if the first message needs a closer look. */
static ssize_t receive_burst(int socket, int *fds, size_t wanted, int *later) {
  if (set_peek_offset(socket, 0) < 0) return 0;
  size_t count = 0;
  int rc = peek_burst(socket, wanted < BURST ? (unsigned)wanted : BURST, fds, &count);
  if (rc > 0)
    rc = consume_burst(socket, rc, later);
  else if (rc < 0 && rc != -EAGAIN)
    *later = rc, rc = 0;
  set_peek_offset(socket, -1);
  if (rc == 0) return (ssize_t)count;
  fdpass_close_all(fds, count); /* none, unless another reader came in between */
  return rc;
}

#endif

ssize_t fdpass_receive_many(
  int socket, int fds[FDPASS_MAX_DESCRIPTORS], size_t wanted, struct fdpass_many *many, int flags) {
  *many = (struct fdpass_many){0};
#ifdef ANYFORK_LINUX
  if (wanted > 1 && flags & FDPASS_PEEK) {
    ssize_t n = receive_burst(socket, fds, wanted, &many->later);
    many->was_burst = n > 0;
    if (n > 0 || (n == -EAGAIN && flags & FDPASS_DONT_WAIT)) return n;
  }
#else
  (void)wanted;
#endif
  char byte;
  struct fdpass_received received;
  ssize_t n = fdpass_receive(socket, &byte, 1, fds, &received, flags);
  if (n < 0) return n;
  if (n > 0 && received.count == 0) return -EPROTO;
  return (ssize_t)received.count;
}
