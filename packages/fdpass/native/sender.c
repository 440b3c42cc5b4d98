#include "fdpass.h"
#include "socket-flags.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#ifdef ANYFORK_LINUX

int fdpass_pass_credentials(int socket, int on) {
  return setsockopt(socket, SOL_SOCKET, SO_PASSCRED, &on, sizeof on) < 0 ? -errno : 0;
}

int fdpass_peek_sender(int socket, struct fdpass_credentials *out) {
  char byte;
  struct iovec iov = {.iov_base = &byte, .iov_len = 1};
  union {
    struct cmsghdr align;
    char bytes[CMSG_SPACE(sizeof(struct ucred))]; /* the kernel stores credentials first; descriptors find no room */
  } control;
  struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};
  struct ucred credentials = {.pid = 0, .uid = (uid_t)-1, .gid = (gid_t)-1};
  ssize_t n;
  do {
    message.msg_control = control.bytes;
    message.msg_controllen = sizeof control.bytes;
    n = recvmsg(socket, &message, MSG_PEEK | MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  } while (n < 0 && errno == EINTR);
  if (n < 0) return -errno;
  const struct cmsghdr *header = CMSG_FIRSTHDR(&message);
  if (header != NULL && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_CREDENTIALS &&
      header->cmsg_len >= CMSG_LEN(sizeof credentials))
    memcpy(&credentials, CMSG_DATA(header), sizeof credentials);
  *out = (struct fdpass_credentials){.pid = credentials.pid, .uid = credentials.uid, .gid = credentials.gid};
  return n > 0;
}

#else

int fdpass_pass_credentials(int socket, int on) {
  (void)socket;
  (void)on;
  return -ENOSYS;
}

int fdpass_peek_sender(int socket, struct fdpass_credentials *out) {
  (void)socket;
  (void)out;
  return -ENOSYS;
}

#endif
