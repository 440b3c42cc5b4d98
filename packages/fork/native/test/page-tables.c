#include "../fork.h"
#include "tests.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

/* Returns how many large code mappings of files have exactly one page of the process's own: proc_pid_smaps(5). */
static int count_refreshed(void) {
  FILE *maps = fopen("/proc/self/smaps", "re");
  char line[4352];
  unsigned long from, to, kilobytes;
  int count = 0;
  bool is_code = false;
  assert(maps != NULL);
  while (fgets(line, sizeof line, maps) != NULL) {
    char access[5];
    if (sscanf(line, "%lx-%lx %4s", &from, &to, access) == 3)
      is_code = strcmp(access, "r-xp") == 0 && strchr(line, '/') != NULL && to - from >= 256 * 1024;
    else if (is_code && sscanf(line, "Anonymous: %lu", &kilobytes) == 1)
      count += kilobytes == 4;
  }
  fclose(maps);
  return count;
}

void test_code_pages(void) {
  int before = count_refreshed();
  for (int i = 0; i < 3; i++) fork_refresh_code_pages(); /* this program goes on in the code that was let go of */
  assert(count_refreshed() > before);
}
