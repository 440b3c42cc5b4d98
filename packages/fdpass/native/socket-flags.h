/* Flags of sockets that not every system, or not every header, has. */
#ifndef FDPASS_SOCKET_FLAGS_H
#define FDPASS_SOCKET_FLAGS_H

#include <sys/socket.h>

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0 /* macOS: SO_NOSIGPIPE is set on the socket instead */
#endif
#ifndef MSG_CMSG_CLOEXEC
#define MSG_CMSG_CLOEXEC 0
#endif

#ifdef __linux__ /* newer than some C libraries' headers */
#ifndef SCM_PIDFD
#define SCM_PIDFD 4
#endif
#ifndef SO_PASSPIDFD
#define SO_PASSPIDFD 76
#endif
#endif

#endif
