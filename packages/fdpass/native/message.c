#include "message.h"
#include "socket-flags.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* Room for the control messages that a socket adds if it has an option such as SO_PASSCRED, SO_PASSPIDFD, or
 * SO_TIMESTAMP. Without it, they would displace descriptors. */
#define OTHER_SPACE 512

void fdpass_put_rights(struct msghdr *message, void *control, const int *fds, size_t count) {
  message->msg_control = control;
  message->msg_controllen = RIGHTS_SPACE(count);
  memset(control, 0, RIGHTS_SPACE(count));
  struct cmsghdr *header = CMSG_FIRSTHDR(message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(count * sizeof(int));
  memcpy(CMSG_DATA(header), fds, count * sizeof(int));
}

size_t fdpass_take_rights(struct msghdr *message, int *fds, size_t room) {
  size_t count = 0;
  for (struct cmsghdr *header = CMSG_FIRSTHDR(message); header != NULL; header = CMSG_NXTHDR(message, header)) {
    if (header->cmsg_level != SOL_SOCKET) continue;
    const unsigned char *data = CMSG_DATA(header);
    /* A header may claim to be longer than the buffer (seen on macOS). */
    size_t held = (size_t)((unsigned char *)message->msg_control + message->msg_controllen - data);
    size_t size = header->cmsg_len - CMSG_LEN(0);
    if (size > held) size = held;
#ifdef SCM_PIDFD
    if (header->cmsg_type == SCM_PIDFD && size >= sizeof(int)) {
      int pidfd; /* unwanted: it would leak */
      memcpy(&pidfd, data, sizeof pidfd);
      close(pidfd);
    }
#endif
    if (header->cmsg_type != SCM_RIGHTS) continue;
    for (size_t i = 0; i + sizeof(int) <= size; i += sizeof(int)) {
      int fd;
      memcpy(&fd, data + i, sizeof fd);
      if (count < room) {
        fds[count++] = fd;
      } else {
        close(fd);
        message->msg_flags |= MSG_CTRUNC;
      }
    }
  }
  if (MSG_CMSG_CLOEXEC == 0)
    for (size_t i = 0; i < count; i++) fcntl(fds[i], F_SETFD, FD_CLOEXEC);
  return count;
}

void fdpass_close_all(const int *fds, size_t count) {
  for (size_t i = 0; i < count; i++) close(fds[i]);
}

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
