#include "fork.h"

#include <errno.h>

#ifdef __linux__

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* As many octets of a line are kept if it does not fit in the buffer. */
#define KEPT 512

int fork_each_line(const char *path, int (*visit)(const char *line, void *context), void *context) {
  char buffer[8192];
  size_t held = 0;
  int fd = open(path, O_RDONLY | O_CLOEXEC), rc = 0;
  if (fd < 0) return -errno;
  while (rc == 0) {
    ssize_t n = read(fd, buffer + held, sizeof buffer - 1 - held);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) rc = -errno;
    if (n <= 0) break;
    held += (size_t)n;
    buffer[held] = '\0';
    char *line = buffer, *end;
    while (rc == 0 && (end = strchr(line, '\n')) != NULL) {
      *end = '\0';
      rc = visit(line, context);
      line = end + 1;
    }
    held -= (size_t)(line - buffer);
    memmove(buffer, line, held);
    if (held == sizeof buffer - 1) held = KEPT;
  }
  close(fd);
  return rc;
}

#endif
