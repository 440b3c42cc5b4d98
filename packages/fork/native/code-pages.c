#include "fork.h"

#ifdef __linux__

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Smaller mappings are not worth it. */
#define MIN_BYTES (256 * 1024)

/* A private mapping of a file that is not written to: code and constants. */
struct mapping {
  uintptr_t from, to;
};

/* The first line of an entry of /proc/self/smaps: "from-to perms offset device inode name". */
static bool parse_mapping(const char *line, struct mapping *mapping) {
  char *rest;
  mapping->from = (uintptr_t)strtoull(line, &rest, 16);
  if (*rest != '-') return false;
  mapping->to = (uintptr_t)strtoull(rest + 1, &rest, 16);
  bool eligible = strncmp(rest, " r-", 3) == 0 && rest[4] == 'p' && strchr(rest, '/') != NULL;
  return eligible && mapping->to - mapping->from >= MIN_BYTES;
}

/* Whether the page belongs to the process, not to the file (proc_pid_pagemap(5)). */
static bool is_own_page(int pagemap, uintptr_t address, uintptr_t page) {
  uint64_t entry;
  if (pread(pagemap, &entry, sizeof entry, (off_t)(address / page * sizeof entry)) != sizeof entry) return false;
  return (entry >> 63 & 1) && !(entry >> 61 & 1);
}

/* Lets go of the pages, which come back from the file when they are needed, and
 * writes the first byte to itself, by /proc/self/mem, which needs no permission. */
static void refresh(const struct mapping *mapping, uintptr_t page, int memory) {
  (void)madvise((void *)(mapping->from + page), mapping->to - mapping->from - page, MADV_DONTNEED);
  char byte;
  if (pread(memory, &byte, 1, (off_t)mapping->from) == 1) (void)!pwrite(memory, &byte, 1, (off_t)mapping->from);
}

/* fork(2) copies the page table of a file's mapping only where the process has a
 * page of its own in it; without, a child takes a fault for every few pages of code.
 * So each gets one, and lets go of all that only starting and loading needed: what
 * is used from now on is what children have. Nothing is lost where the only page of
 * the process's own is that first one. */
void fork_refresh_code_pages(void) {
  FILE *maps = fopen("/proc/self/smaps", "re");
  int memory = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
  int pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
  uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
  struct mapping mapping = {0};
  bool eligible = false;
  char line[4352];
  unsigned long kilobytes;
  while (maps != NULL && memory >= 0 && pagemap >= 0 && fgets(line, sizeof line, maps) != NULL) {
    if (sscanf(line, "Anonymous: %lu", &kilobytes) == 1) {
      eligible = eligible && (kilobytes == 0 || (kilobytes * 1024 == page && is_own_page(pagemap, mapping.from, page)));
    } else if (sscanf(line, "Swap: %lu", &kilobytes) == 1) { /* after the other; those are its own, too */
      if (eligible && kilobytes == 0) refresh(&mapping, page, memory);
    } else if (strchr(line, '-') != NULL && strchr(line, ':') > strchr(line, '-')) {
      eligible = parse_mapping(line, &mapping);
    }
  }
  if (maps != NULL) fclose(maps);
  if (memory >= 0) close(memory);
  if (pagemap >= 0) close(pagemap);
}

#else

void fork_refresh_code_pages(void) {}

#endif
