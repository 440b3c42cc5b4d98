/* Starts processes with fork(2), argv[1] at a time, first for argv[2] milliseconds to warm up, and then for argv[3].
 * Measures from the request until the first byte of the process arrives over a socketpair. The process is then made to
 * end, by the end of its socket. argv[4] is the memory that this program has written before, in MiB: in pages of 4 KiB,
 * or, if argv[5] is 1, in huge pages. Prints the processes per second, the processor time of all of them and of this
 * program in milliseconds per process, and the milliseconds of each start. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_PENDING 64
#define MAX_SAMPLES 100000
#define HUGE_PAGE (2UL << 20)

static float times[MAX_SAMPLES];

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static double processor_time(int who) {
  struct rusage usage;
  getrusage(who, &usage);
  return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e3 +
         (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e3;
}

/* Maps and writes memory. It stays until the program ends. */
static int grow(size_t mebibytes, int is_huge) {
  if (mebibytes == 0) return 0;
  size_t size = (mebibytes << 20) + HUGE_PAGE;
  char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED || madvise(memory, size, is_huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE) < 0) return -1;
  memset(memory, 1, size);
  return 0;
}

/* Starts a process that writes a byte to its socket, and waits for the end of it. Returns the other end. */
static int start(void) {
  int pair[2];
  char byte = 'x';
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0) return -1;
  pid_t child = fork();
  if (child < 0) return -1;
  if (child == 0) {
    close(pair[0]);
    if (write(pair[1], &byte, 1) == 1) (void)!read(pair[1], &byte, 1);
    _exit(0);
  }
  close(pair[1]);
  return pair[0];
}

/* Starts processes for a period, and waits for all of them. Returns how many. */
static long start_for(int concurrency, double milliseconds, double *last) {
  struct pollfd pending[MAX_PENDING];
  double requested_at[MAX_PENDING], end = now() + milliseconds;
  long count = 0;
  int open = 0;
  for (; open < concurrency; open++) {
    requested_at[open] = now();
    pending[open] = (struct pollfd){.fd = start(), .events = POLLIN};
    if (pending[open].fd < 0) return -1;
  }
  while (open > 0) {
    if (poll(pending, (nfds_t)open, -1) < 0) return -1;
    for (int i = 0; i < open; i++) {
      char byte;
      if (!pending[i].revents) continue;
      if (read(pending[i].fd, &byte, 1) != 1) return -1;
      *last = now();
      times[count++ % MAX_SAMPLES] = (float)(*last - requested_at[i]);
      close(pending[i].fd);
      while (waitpid(-1, NULL, WNOHANG) > 0) continue;
      if (*last < end && count < MAX_SAMPLES) {
        requested_at[i] = now();
        pending[i] = (struct pollfd){.fd = start(), .events = POLLIN};
        if (pending[i].fd < 0) return -1;
      } else {
        open--;
        pending[i] = pending[open];
        requested_at[i] = requested_at[open];
        i--;
      }
    }
  }
  while (waitpid(-1, NULL, 0) > 0) continue;
  return count;
}

int main(int argc, char **argv) {
  if (argc < 6) return 1;
  int concurrency = atoi(argv[1]);
  double last;
  if (concurrency < 1 || concurrency > MAX_PENDING || grow((size_t)atol(argv[4]), atoi(argv[5])) < 0) return 1;
  if (start_for(concurrency, atof(argv[2]), &last) < 0) return 1;
  double started = now(), used = processor_time(RUSAGE_SELF) + processor_time(RUSAGE_CHILDREN);
  long count = start_for(concurrency, atof(argv[3]), &last);
  if (count < 1) return 1;
  used = processor_time(RUSAGE_SELF) + processor_time(RUSAGE_CHILDREN) - used;
  printf("%f %f", 1e3 * (double)count / (last - started), used / (double)count);
  for (long i = 0; i < count; i++) printf(" %f", (double)times[i]);
  printf("\n");
  return 0;
}
