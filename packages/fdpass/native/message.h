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

#define RIGHTS_SPACE(count) CMSG_SPACE((count) * sizeof(int))

/* The control message that carries descriptors, into a buffer of RIGHTS_SPACE(count)
 * that is aligned as one. */
void fdpass_put_rights(struct msghdr *message, void *control, const int *fds, size_t count);

/* The descriptors that a received message brought, however many headers they came
 * in, made close-on-exec; those beyond room are closed, and that is MSG_CTRUNC. */
size_t fdpass_take_rights(struct msghdr *message, int *fds, size_t room);

void fdpass_close_all(const int *fds, size_t count);

/* receive.c: one recvmsg as it is. */
ssize_t fdpass_receive_once(int socket, void *bytes, size_t length, int flags,
                            int fds[FDPASS_MAX_DESCRIPTORS], size_t *count, int *message_flags);

/* peek.c: only on Linux */
ssize_t fdpass_receive_peeking(int socket, void *bytes, size_t length,
                               int fds[FDPASS_MAX_DESCRIPTORS],
                               struct fdpass_received *received, int wait_flag);

#endif
