#include "fdpass.h"
#include "platform.h"
#include "unix-socket.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>
#ifdef __APPLE__
#include <sys/ucred.h>
#endif

int fdpass_connect(const char *path, size_t length, int type) {
  struct sockaddr_un address;
  int size = fdpass_unix_address(path, length, &address);
  if (size < 0) return size;
  int fd = fdpass_unix_socket(type);
  if (fd < 0) return fd;
  /* Non-blocking, so that it does not wait for a place in the listener's queue. */
  int rc = fdpass_set_nonblocking(fd, 1);
  if (rc == 0 && connect(fd, (struct sockaddr *)&address, (socklen_t)size) < 0) return fdpass_close_failed(fd);
  if (rc == 0) rc = fdpass_set_nonblocking(fd, 0);
  if (rc < 0) close(fd);
  return rc < 0 ? rc : fd;
}

int fdpass_shutdown(int fd, int how) { return shutdown(fd, how) < 0 ? -errno : 0; }

int fdpass_peer_credentials(int socket, struct fdpass_credentials *out) {
#ifndef __APPLE__
  struct ucred credentials;
  socklen_t size = sizeof credentials;
  if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &size) < 0) return -errno;
  *out = (struct fdpass_credentials){.pid = credentials.pid, .uid = credentials.uid, .gid = credentials.gid};
#else
  struct xucred credentials;
  socklen_t size = sizeof credentials;
  if (getsockopt(socket, 0 /* SOL_LOCAL */, LOCAL_PEERCRED, &credentials, &size) < 0) return -errno;
  pid_t pid = 0;
  size = sizeof pid;
  if (getsockopt(socket, 0, LOCAL_PEERPID, &pid, &size) < 0) return -errno;
  *out = (struct fdpass_credentials){.pid = pid, .uid = credentials.cr_uid, .gid = credentials.cr_groups[0]};
#endif
  /* Linux reports an unconnected socket like this. */
  if (out->uid == (uid_t)-1) return -ENOTCONN;
  return 0;
}
