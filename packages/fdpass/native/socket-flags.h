/* Flags of sockets that not every system, or not every header, has. */
#ifndef FDPASS_SOCKET_FLAGS_H
#define FDPASS_SOCKET_FLAGS_H

#include "platform.h"

#include <sys/socket.h>

#ifdef __linux__ /* also with ANYFORK_PORTABLE: messages of that kernel may have them */

/* Newer than some C libraries' headers. */
#ifndef SCM_PIDFD
#define SCM_PIDFD 4
#endif
#ifndef SO_PASSPIDFD
#define SO_PASSPIDFD 76
#endif

#endif

#ifndef ANYFORK_LINUX

/* Only some versions of macOS have the first. SO_NOSIGPIPE is set on the socket instead. */
#undef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0
#undef MSG_CMSG_CLOEXEC
#define MSG_CMSG_CLOEXEC 0

#endif

/* Lets no write to the socket raise SIGPIPE. Does nothing where a flag of each call does that. Returns 0 or -1. */
static inline int fdpass_prevent_signals(int socket) {
#ifdef SO_NOSIGPIPE
  int on = 1;
  return setsockopt(socket, SOL_SOCKET, SO_NOSIGPIPE, &on, sizeof on);
#else
  (void)socket;
  return 0;
#endif
}

#endif
