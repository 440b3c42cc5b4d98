#include "message.h"
#include "receive-if-room.h"
#include "socket-flags.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/time.h>

static ssize_t receive_at_once(int socket, void *bytes, size_t length, int fds[FDPASS_MAX_DESCRIPTORS],
  struct fdpass_received *received, int wait_flag) {
  struct fdpass_once once;
  ssize_t n = fdpass_receive_once(socket, bytes, length, wait_flag, fds, &once);
#ifndef ANYFORK_LINUX
  if (n == -EMSGSIZE) return -EMFILE; /* XNU: the table is too full for the message */
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
#ifdef ANYFORK_LINUX
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

int fdpass_set_receive_timeout(int socket, int milliseconds) {
  struct timeval time = {.tv_sec = milliseconds / 1000, .tv_usec = milliseconds % 1000 * 1000};
  return setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time) < 0 ? -errno : 0;
}
