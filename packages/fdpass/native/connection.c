#include "fdpass.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#ifndef __linux__
#include <fcntl.h>
#include <sys/ucred.h>
#endif

/* Stores the address of a path, and returns its size. Rejects a path that is too long, instead of cutting it. */
static int address_of(const char *path, size_t length, struct sockaddr_un *address) {
  memset(address, 0, sizeof *address);
  address->sun_family = AF_UNIX;
  if (length == 0) return -EINVAL;
  if (length >= sizeof address->sun_path) return -ENAMETOOLONG;
  memcpy(address->sun_path, path, length);
  int is_abstract = path[0] == '\0';
  if (!is_abstract && memchr(path, '\0', length) != NULL) return -EINVAL;
  return (int)(offsetof(struct sockaddr_un, sun_path) + length + (is_abstract ? 0 : 1));
}

static int fail(int fd) {
  int rc = -errno;
  close(fd);
  return rc;
}

#ifndef SOCK_CLOEXEC
/* Does what Linux does with flags of socket(2). */
static int prepare(int fd) {
  int on = 1;
  if (fd < 0) return -errno;
  if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 || setsockopt(fd, SOL_SOCKET, SO_NOSIGPIPE, &on, sizeof on) < 0)
    return fail(fd);
  return fd;
}
#endif

static int new_socket(int type) {
#ifdef SOCK_CLOEXEC
  int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
  return fd < 0 ? -errno : fd;
#else
  return prepare(socket(AF_UNIX, type, 0));
#endif
}

/* Removes a socket file that no process uses any more. Connects a datagram socket to find that out, which disturbs no
 * owner: for a stream or packet socket that is EPROTOTYPE, whether or not it listens yet and even if its queue is full,
 * and a datagram socket does not notice it. */
static int make_way(const struct sockaddr_un *address, socklen_t size) {
  struct stat status;
  if (address->sun_path[0] == '\0') return -EADDRINUSE;
  if (lstat(address->sun_path, &status) < 0) return errno == ENOENT ? 0 : -errno;
  if (!S_ISSOCK(status.st_mode)) return -EADDRINUSE;
  int fd = new_socket(SOCK_DGRAM);
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
  int size = address_of(path, length, &address);
  if (size < 0) return size;
  int fd = new_socket(SOCK_STREAM);
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
  if (rc < 0 || listen(fd, backlog) < 0) return fail(fd);
  return fd;
}

int fdpass_accept(int listener) {
  int fd;
#ifdef SOCK_CLOEXEC
  do fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
  while (fd < 0 && errno == EINTR);
  return fd < 0 ? -errno : fd;
#else
  do fd = accept(listener, NULL, NULL);
  while (fd < 0 && errno == EINTR);
  return prepare(fd);
#endif
}

int fdpass_connect(const char *path, size_t length, int type) {
  struct sockaddr_un address;
  int size = address_of(path, length, &address);
  if (size < 0) return size;
  int fd = new_socket(type);
  if (fd < 0) return fd;
  /* Non-blocking, so that it does not wait for a place in the listener's queue. */
  int rc = fdpass_set_nonblocking(fd, 1);
  if (rc == 0 && connect(fd, (struct sockaddr *)&address, (socklen_t)size) < 0) return fail(fd);
  if (rc == 0) rc = fdpass_set_nonblocking(fd, 0);
  if (rc < 0) close(fd);
  return rc < 0 ? rc : fd;
}

int fdpass_shutdown(int fd, int how) { return shutdown(fd, how) < 0 ? -errno : 0; }

int fdpass_peer_credentials(int socket, struct fdpass_credentials *out) {
#ifdef __linux__
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
