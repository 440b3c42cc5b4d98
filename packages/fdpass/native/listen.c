#include "fdpass.h"
#include "platform.h"
#include "unix-socket.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* Removes a socket file that no process uses any more. Connects a datagram socket to find that out, which disturbs no
 * owner: for a stream or packet socket that is EPROTOTYPE, whether or not it listens yet and even if its queue is full,
 * and a datagram socket does not notice it. */
static int make_way(const struct sockaddr_un *address, socklen_t size) {
  struct stat status;
  if (address->sun_path[0] == '\0') return -EADDRINUSE;
  if (lstat(address->sun_path, &status) < 0) return errno == ENOENT ? 0 : -errno;
  if (!S_ISSOCK(status.st_mode)) return -EADDRINUSE;
  int fd = fdpass_unix_socket(SOCK_DGRAM);
  if (fd < 0) return fd;
  int error = connect(fd, (const struct sockaddr *)address, size) < 0 ? errno : 0;
  close(fd);
  if (error == ENOENT) return 0;
  if (error != ECONNREFUSED) return -EADDRINUSE;
  unlink(address->sun_path);
  return 0;
}

int fdpass_listen(const char *path, size_t length, int backlog) {
  struct sockaddr_un address;
  int size = fdpass_unix_address(path, length, &address);
  if (size < 0) return size;
  int fd = fdpass_unix_socket(SOCK_STREAM);
  if (fd < 0) return fd;
  int rc = bind(fd, (struct sockaddr *)&address, (socklen_t)size);
  if (rc < 0 && errno == EADDRINUSE) {
    rc = make_way(&address, (socklen_t)size);
    if (rc < 0) {
      close(fd);
      return rc;
    }
    rc = bind(fd, (struct sockaddr *)&address, (socklen_t)size);
  }
  if (rc < 0 || listen(fd, backlog) < 0) return fdpass_close_failed(fd);
  return fd;
}

int fdpass_accept(int listener) {
  int fd;
#ifdef ANYFORK_LINUX
  do fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
  while (fd < 0 && errno == EINTR);
  return fd < 0 ? -errno : fd;
#else
  do fd = accept(listener, NULL, NULL);
  while (fd < 0 && errno == EINTR);
  fd = fdpass_prepare_socket(fd);
  /* BSD's sockets inherit the flag from the listener. */
  int rc = fd < 0 ? 0 : fdpass_set_nonblocking(fd, 0);
  if (rc < 0) close(fd);
  return rc < 0 ? rc : fd;
#endif
}
