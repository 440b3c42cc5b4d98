/* message.c: the descriptors of one message, and one recvmsg(2). */
#ifndef FDPASS_MESSAGE_H
#define FDPASS_MESSAGE_H

#include "fdpass.h"

#include <sys/socket.h>

#define RIGHTS_SPACE(count) CMSG_SPACE((count) * sizeof(int))

/* The control message that carries descriptors, into a buffer of RIGHTS_SPACE(count)
 * that is aligned as one. */
void fdpass_put_rights(struct msghdr *message, void *control, const int *fds, size_t count);

/* The descriptors that a received message brought, however many headers they came
 * in, made close-on-exec; those beyond room are closed, and that is MSG_CTRUNC. */
size_t fdpass_take_rights(struct msghdr *message, int *fds, size_t room);

void fdpass_close_all(const int *fds, size_t count);

/* One recvmsg as it is. */
struct fdpass_once {
  size_t count; /* of descriptors, which are in fds */
  int flags;    /* of the message: MSG_CTRUNC, MSG_TRUNC */
  int others;   /* whether anything but descriptors came with it */
};
ssize_t fdpass_receive_once(
  int socket, void *bytes, size_t length, int flags, int fds[FDPASS_MAX_DESCRIPTORS], struct fdpass_once *once);

#endif
