#include "fdpass.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

struct search {
  int fd;
  const struct sockaddr_un *address;
};

/* When libuv closes a socket that it has bound, it removes the file at the path that it has noted, and no call prevents
 * that. This empties the note, so that there is no file to remove. The note is a private field, so it is changed only
 * if it is the path of the socket. */
static void visit(uv_handle_t *handle, void *context) {
  const struct search *search = context;
  uv_os_fd_t fd;
  if (handle->type != UV_NAMED_PIPE || uv_fileno(handle, &fd) < 0 || fd != search->fd) return;
  char *noted = (char *)((uv_pipe_t *)handle)->pipe_fname;
  if (noted != NULL && strncmp(noted, search->address->sun_path, sizeof search->address->sun_path) == 0)
    noted[0] = '\0';
}

int fdpass_keep_path(uv_loop_t *loop, int fd) {
  struct sockaddr_un address = {0};
  socklen_t size = sizeof address;
  if (getsockname(fd, (struct sockaddr *)&address, &size) < 0) return -errno;
  if (address.sun_family == AF_UNIX && address.sun_path[0] != '\0')
    uv_walk(loop, visit, &(struct search){fd, &address});
  return 0;
}
