/* What the files about messages share. */
#ifndef FDPASS_MESSAGE_H
#define FDPASS_MESSAGE_H

#include "fdpass.h"

#include <sys/socket.h>

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0 /* macOS: SO_NOSIGPIPE is set on the socket instead */
#endif
#ifndef MSG_CMSG_CLOEXEC
#define MSG_CMSG_CLOEXEC 0
#endif

#ifdef __linux__ /* newer than many a header */
#ifndef SCM_PIDFD
#define SCM_PIDFD 4
#endif
#ifndef SO_PASSPIDFD
#define SO_PASSPIDFD 76
#endif
#endif

#define RIGHTS_SPACE(count) CMSG_SPACE((count) * sizeof(int))

/* The control message that carries descriptors, into a buffer of RIGHTS_SPACE(count)
 * that is aligned as one. */
void fdpass_put_rights(struct msghdr *message, void *control, const int *fds, size_t count);

/* The descriptors that a received message brought, however many headers they came
 * in, made close-on-exec; those beyond room are closed, and that is MSG_CTRUNC. */
size_t fdpass_take_rights(struct msghdr *message, int *fds, size_t room);

void fdpass_close_all(const int *fds, size_t count);

/* receive.c: one recvmsg as it is. */
struct fdpass_once {
  size_t count; /* of descriptors, which are in fds */
  int flags;    /* of the message: MSG_CTRUNC, MSG_TRUNC */
  int others;   /* whether anything but descriptors came with it */
};
ssize_t fdpass_receive_once(
  int socket, void *bytes, size_t length, int flags, int fds[FDPASS_MAX_DESCRIPTORS], struct fdpass_once *once);

/* peek.c: only on Linux */
ssize_t fdpass_receive_peeking(int socket, void *bytes, size_t length, int fds[FDPASS_MAX_DESCRIPTORS],
  struct fdpass_received *received, int wait_flag);

#endif
