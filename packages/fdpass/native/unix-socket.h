/* What connection.c and listen.c share. */
#ifndef FDPASS_UNIX_SOCKET_H
#define FDPASS_UNIX_SOCKET_H

#include "platform.h"

#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

/* Stores the address of a path, and returns its size. Rejects a path that is too long, instead of cutting it: see the
 * comment about paths in fdpass.h for the errors. */
int fdpass_unix_address(const char *path, size_t length, struct sockaddr_un *address);

/* Returns a new socket with FD_CLOEXEC (socket(2)), or a negative errno. */
int fdpass_unix_socket(int type);

#ifndef ANYFORK_LINUX
/* Does for a new socket what Linux does with flags of socket(2) and accept4(2). `fd` may be -1, with an errno. Returns
 * it, or closes it and returns a negative errno. */
int fdpass_prepare_socket(int fd);
#endif

/* Closes a socket, and returns the negative errno of the call before. */
int fdpass_close_failed(int fd);

#endif
