/* message.c: the descriptors of one message, and one recvmsg(2). Every thread may call these functions. */
#ifndef FDPASS_MESSAGE_H
#define FDPASS_MESSAGE_H

#include "fdpass.h"

#include <sys/socket.h>

/* The size of a control buffer for this many descriptors (cmsg(3)). */
#define RIGHTS_SPACE(count) CMSG_SPACE((count) * sizeof(int))

/* Adds a control message that carries `count` descriptors, at least 1, to a message (SCM_RIGHTS, unix(7)). `control`
 * has RIGHTS_SPACE(count) bytes, is aligned as a struct cmsghdr, and must stay until the message is sent. */
void fdpass_put_rights(struct msghdr *message, void *control, const int *fds, size_t count);

/* Stores the descriptors of a received message, from all of its headers, and makes them close-on-exec. The caller owns
 * them. Returns their number. Closes those for which there is no `room`, and then sets MSG_CTRUNC in the message.
 * Closes descriptors of other kinds, too (SCM_PIDFD). */
size_t fdpass_take_rights(struct msghdr *message, int *fds, size_t room);

/* Closes descriptors. Ignores errors. */
void fdpass_close_all(const int *fds, size_t count);

struct fdpass_once {
  size_t count; /* the number of descriptors that were stored; the caller owns them */
  int flags;    /* the flags of the message: MSG_CTRUNC, MSG_TRUNC */
  int others;   /* whether it had control messages other than descriptors */
};

/* Makes one call of recvmsg(2) with these flags, and repeats it if a signal interrupts it. Stores the descriptors, even
 * if the message is cut. Returns the number of bytes or a negative errno. */
ssize_t fdpass_receive_once(
  int socket, void *bytes, size_t length, int flags, int fds[FDPASS_MAX_DESCRIPTORS], struct fdpass_once *once);

#endif
