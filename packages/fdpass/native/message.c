#include "fdpass.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0
#endif
#ifndef MSG_CMSG_CLOEXEC
#define MSG_CMSG_CLOEXEC 0
#endif

#define RIGHTS_SPACE CMSG_SPACE(FDPASS_MAX_DESCRIPTORS * sizeof(int))
/* Room beside the descriptors for what a socket may have been told to add
 * (SO_PASSCRED, SO_PASSPIDFD, timestamps), so that it does not displace them. */
#define CONTROL_SPACE (RIGHTS_SPACE + 512)

union control {
  struct cmsghdr align;
  char bytes[CONTROL_SPACE];
};

ssize_t fdpass_send(int socket, const void *bytes, size_t length,
                    const int *fds, size_t count, int flags) {
  if (count > FDPASS_MAX_DESCRIPTORS) return -EINVAL;
  /* A stream queues nothing for an empty message, and its descriptors with it. */
  if (length == 0 && count > 0) {
    int type;
    socklen_t size = sizeof type;
    if (getsockopt(socket, SOL_SOCKET, SO_TYPE, &type, &size) < 0) return -errno;
    if (type == SOCK_STREAM) return -EINVAL;
  }

  union control control;
  struct iovec iov = {.iov_base = (void *)bytes, .iov_len = length};
  struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};
  if (count > 0) {
    message.msg_control = control.bytes;
    message.msg_controllen = CMSG_SPACE(count * sizeof(int));
    memset(control.bytes, 0, message.msg_controllen);
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(count * sizeof(int));
    memcpy(CMSG_DATA(header), fds, count * sizeof(int));
  }

  ssize_t n;
  do n = sendmsg(socket, &message, MSG_NOSIGNAL | (flags & FDPASS_DONT_WAIT ? MSG_DONTWAIT : 0));
  while (n < 0 && errno == EINTR);
  return n < 0 ? -errno : n;
}

static void close_all(const int *fds, size_t count) {
  for (size_t i = 0; i < count; i++) close(fds[i]);
}

/* One recvmsg. Stores every descriptor that came, however many headers they
 * came in; what does not fit in fds is closed and counts as cut off. */
static ssize_t receive_once(int socket, void *bytes, size_t length, int flags,
                            int fds[FDPASS_MAX_DESCRIPTORS], size_t *count, int *message_flags) {
  union control control;
  struct iovec iov = {.iov_base = bytes, .iov_len = length};
  struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};
  ssize_t n;
  do {
    message.msg_control = control.bytes;
    message.msg_controllen = sizeof control.bytes;
    n = recvmsg(socket, &message, flags | MSG_CMSG_CLOEXEC);
  } while (n < 0 && errno == EINTR);
  *count = 0;
  if (n < 0) return -errno;

  *message_flags = message.msg_flags;
  for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header != NULL;
       header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET) continue;
    const unsigned char *data = CMSG_DATA(header);
    /* A header may claim more than the buffer held (seen on macOS). */
    size_t room = (size_t)((unsigned char *)message.msg_control + message.msg_controllen - data);
    size_t size = header->cmsg_len - CMSG_LEN(0);
    if (size > room) size = room;
#ifdef SCM_PIDFD
    if (header->cmsg_type == SCM_PIDFD && size >= sizeof(int)) {
      int pidfd; /* nobody here asked for it, and it would leak */
      memcpy(&pidfd, data, sizeof pidfd);
      close(pidfd);
    }
#endif
    if (header->cmsg_type != SCM_RIGHTS) continue;
    for (size_t i = 0; i + sizeof(int) <= size; i += sizeof(int)) {
      int fd;
      memcpy(&fd, data + i, sizeof fd);
      if (*count < FDPASS_MAX_DESCRIPTORS) {
        fds[(*count)++] = fd;
      } else {
        close(fd);
        *message_flags |= MSG_CTRUNC;
      }
    }
  }
  if (MSG_CMSG_CLOEXEC == 0)
    for (size_t i = 0; i < *count; i++) fcntl(fds[i], F_SETFD, FD_CLOEXEC);
  return n;
}

#ifdef __linux__

/* Takes the message that was peeked at off the queue, but not its descriptors:
 * the copies that the peek installed stay. */
static ssize_t consume(int socket, void *bytes, size_t length) {
  struct iovec iov = {.iov_base = bytes, .iov_len = length};
  struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};
  ssize_t n;
  do n = recvmsg(socket, &message, 0);
  while (n < 0 && errno == EINTR);
  return n < 0 ? -errno : n;
}

/* After this many peeks that failed though a slot could be had each time, it is
 * not other threads racing for the last slots: the system does not want us to
 * have this descriptor (a security module's refusal looks just so). */
#define MOST_PEEKS 1000

/* Linux destroys descriptors that do not fit in the table and only sets a flag.
 * So: look first. A peek that finds the table full leaves the message alone; one
 * that succeeds installs copies, and the message is then consumed without
 * control buffer. Only a single reader at a time may do this. */
static ssize_t receive_peeking(int socket, void *bytes, size_t length,
                               int fds[FDPASS_MAX_DESCRIPTORS],
                               struct fdpass_received *received, int wait_flag) {
  for (int peeks = 0;; peeks++) {
    int flags = 0;
    ssize_t n = receive_once(socket, bytes, length, MSG_PEEK | wait_flag, fds, &received->count, &flags);
    if (n < 0) return n;
    received->truncated = (flags & MSG_TRUNC) != 0;
    if (!(flags & MSG_CTRUNC)) {
      if (n == 0 && received->count == 0 && !received->truncated) {
        /* The end of a stream, or an empty datagram, which has to be consumed. */
        return consume(socket, bytes, length);
      }
      ssize_t taken = consume(socket, bytes, (size_t)n);
      if (taken < 0) {
        close_all(fds, received->count);
        received->count = 0;
      }
      return taken;
    }

    /* With all those held that did fit: is there room for one more? */
    int slot = fcntl(socket, F_DUPFD_CLOEXEC, 0);
    int full = slot < 0 ? -errno : 0;
    if (slot >= 0) close(slot);
    close_all(fds, received->count);
    received->count = 0;
    if (full < 0) return full; /* EMFILE: the message is still queued */
    if (peeks >= MOST_PEEKS) {
      consume(socket, bytes, (size_t)n);
      return -EBADMSG;
    }
  }
}

#endif

static ssize_t receive_at_once(int socket, void *bytes, size_t length,
                               int fds[FDPASS_MAX_DESCRIPTORS],
                               struct fdpass_received *received, int wait_flag) {
  int flags = 0;
  ssize_t n = receive_once(socket, bytes, length, wait_flag, fds, &received->count, &flags);
#ifndef __linux__
  if (n == -EMSGSIZE) return -EMFILE; /* XNU: too few slots for the message */
#endif
  if (n < 0) return n;
  if (flags & MSG_CTRUNC) {
    close_all(fds, received->count);
    received->count = 0;
    return -EBADMSG;
  }
  received->truncated = (flags & MSG_TRUNC) != 0;
  return n;
}

ssize_t fdpass_receive(int socket, void *bytes, size_t length,
                       int fds[FDPASS_MAX_DESCRIPTORS],
                       struct fdpass_received *received, int flags) {
  *received = (struct fdpass_received){0};
  int wait_flag = flags & FDPASS_DONT_WAIT ? MSG_DONTWAIT : 0;
#ifdef __linux__
  if (flags & FDPASS_PEEK) return receive_peeking(socket, bytes, length, fds, received, wait_flag);
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
