#ifndef FDPASS_RECEIVE_IF_ROOM_H
#define FDPASS_RECEIVE_IF_ROOM_H

#include "fdpass.h"

/* Does the work of fdpass_receive with FDPASS_PEEK, whose contract it has. `wait_flag` is MSG_DONTWAIT or 0. Linux
 * only: it is not defined elsewhere. */
ssize_t fdpass_receive_peeking(int socket, void *bytes, size_t length, int fds[FDPASS_MAX_DESCRIPTORS],
  struct fdpass_received *received, int wait_flag);

#endif
