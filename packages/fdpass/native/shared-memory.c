#include "fdpass.h"

#include <errno.h>
#include <sys/mman.h>

#ifdef ANYFORK_LINUX

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Flags of memfd_create(2), which needs a newer C library than the system call. */
#define CLOSE_ON_EXEC 0x0001U
#define ALLOW_SEALING 0x0002U

int fdpass_shared_memory(size_t length) {
  int fd = (int)syscall(SYS_memfd_create, "anyfork", CLOSE_ON_EXEC | ALLOW_SEALING);
  if (fd < 0) return -errno;
  if (ftruncate(fd, (off_t)length) == 0 && fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0)
    return fd;
  int rc = -errno;
  close(fd);
  return rc;
}

#else

int fdpass_shared_memory(size_t length) {
  (void)length;
  return -ENOSYS;
}

#endif

int fdpass_map(int fd, size_t length, void **out) {
  void *memory = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (memory == MAP_FAILED) return -errno;
  *out = memory;
  return 0;
}

int fdpass_unmap(void *memory, size_t length) { return munmap(memory, length) < 0 ? -errno : 0; }
