#include "all-threads.h"

#ifdef FORK_COPIES_THREADS

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/* getdents64(2) */
struct entry {
  uint64_t inode;
  int64_t next;
  unsigned short length;
  unsigned char type;
  char name[];
};

ssize_t fork_read_file(const char *path, char *text, size_t size) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return -errno;
  size_t length = 0;
  ssize_t n = 1;
  while (n > 0 && length < size - 1) {
    n = read(fd, text + length, size - 1 - length);
    if (n > 0) length += (size_t)n;
    if (n < 0 && errno == EINTR) n = 1;
  }
  int error = errno;
  close(fd);
  text[length] = '\0';
  return n < 0 ? -error : (ssize_t)length;
}

int fork_each_number(const char *folder, int (*visit)(int number, int folder, void *context), void *context) {
  int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return -errno;
  _Alignas(struct entry) char entries[8192];
  int rc = 0;
  while (rc == 0) {
    long n = syscall(SYS_getdents64, fd, entries, sizeof entries);
    if (n < 0) rc = -errno;
    if (n <= 0) break;
    for (long at = 0; at < n && rc == 0;) {
      const struct entry *entry = (const struct entry *)(entries + at);
      at += entry->length;
      int number = atoi(entry->name);
      if (entry->name[0] >= '0' && entry->name[0] <= '9') rc = visit(number, fd, context);
    }
  }
  close(fd);
  return rc;
}

#endif
