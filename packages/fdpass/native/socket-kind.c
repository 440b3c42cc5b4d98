#include "fdpass.h"

#include <errno.h>
#include <sys/socket.h>

static int option(int socket, int name, int *value) {
  socklen_t size = sizeof *value;
  return getsockopt(socket, SOL_SOCKET, name, value, &size) < 0 ? -errno : 0;
}

static int family_of(int socket, int *family) {
#ifdef SO_DOMAIN
  return option(socket, SO_DOMAIN, family);
#else
  struct sockaddr_storage address = {0};
  socklen_t size = sizeof address;
  if (getsockname(socket, (struct sockaddr *)&address, &size) < 0) return -errno;
  *family = address.ss_family;
  return 0;
#endif
}

int fdpass_socket_kind(int socket, struct fdpass_socket_kind *out) {
  int family;
  int rc = family_of(socket, &family);
  if (rc == 0) rc = option(socket, SO_TYPE, &out->type);
  if (rc == 0) rc = option(socket, SO_ACCEPTCONN, &out->is_listening);
  if (rc == 0) out->is_unix = family == AF_UNIX;
  return rc;
}
