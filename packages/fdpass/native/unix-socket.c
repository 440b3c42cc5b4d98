#include "unix-socket.h"
#include "socket-flags.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>
#ifndef ANYFORK_LINUX
#include <fcntl.h>
#endif

int fdpass_unix_address(const char *path, size_t length, struct sockaddr_un *address) {
  memset(address, 0, sizeof *address);
  address->sun_family = AF_UNIX;
  if (length == 0) return -EINVAL;
  if (length >= sizeof address->sun_path) return -ENAMETOOLONG;
  memcpy(address->sun_path, path, length);
  int is_abstract = path[0] == '\0';
  if (!is_abstract && memchr(path, '\0', length) != NULL) return -EINVAL;
  return (int)(offsetof(struct sockaddr_un, sun_path) + length + (is_abstract ? 0 : 1));
}

int fdpass_close_failed(int fd) {
  int rc = -errno;
  close(fd);
  return rc;
}

#ifndef ANYFORK_LINUX
int fdpass_prepare_socket(int fd) {
  if (fd < 0) return -errno;
  if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 || fdpass_prevent_signals(fd) < 0) return fdpass_close_failed(fd);
  return fd;
}
#endif

int fdpass_unix_socket(int type) {
#ifdef ANYFORK_LINUX
  int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
  return fd < 0 ? -errno : fd;
#else
  return fdpass_prepare_socket(socket(AF_UNIX, type, 0));
#endif
}
