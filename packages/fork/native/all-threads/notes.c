#include "notes.h"

#ifdef FORK_COPIES_THREADS

#include <string.h>
#include <sys/mman.h>

/* Only the pages that are used take memory. */
#define NOTES_SIZE ((size_t)16 << 20)
#define ALIGNMENT 16

static struct {
  char *memory;
  size_t used;
} notes;

int fork_clear_notes(void) {
  fork_clear_counters();
  fork_clear_epoll_sets();
  fork_clear_pipes();
  fork_clear_rings();
  notes.used = 0;
  if (notes.memory != NULL) return 0;
  void *memory = mmap(NULL, NOTES_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) return -errno;
  notes.memory = memory;
  return 0;
}

void *fork_note(size_t size) {
  size_t rounded = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
  if (rounded > NOTES_SIZE - notes.used) return NULL;
  void *note = notes.memory + notes.used;
  notes.used += rounded;
  return memset(note, 0, size);
}

#endif
