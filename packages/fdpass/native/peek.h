#ifndef FDPASS_PEEK_H
#define FDPASS_PEEK_H

#include "fdpass.h"

/* peek.c: only on Linux */
ssize_t fdpass_receive_peeking(int socket, void *bytes, size_t length, int fds[FDPASS_MAX_DESCRIPTORS],
  struct fdpass_received *received, int wait_flag);

#endif
