{
  # A warning is an error in this repository's CI. It must not be one in the CI of those who install the package: their
  # compiler may be newer and warn of more.
  "variables": {
    "are_warnings_errors": "<!(node -p \"process.env.CI && !process.cwd().includes('node_modules') ? 1 : 0\")"
  },
  "targets": [
    {
      "target_name": "fork",
      "sources": [
        "native/all-threads/clone-threads.c",
        "native/all-threads/counters.c",
        "native/all-threads/descriptors.c",
        "native/all-threads/epoll-sets.c",
        "native/all-threads/files.c",
        "native/all-threads/fork-with-threads.c",
        "native/all-threads/glibc.c",
        "native/all-threads/notes.c",
        "native/all-threads/park.c",
        "native/all-threads/pipes.c",
        "native/all-threads/privileges.c",
        "native/all-threads/refusal.c",
        "native/all-threads/rings.c",
        "native/all-threads/safe-point.c",
        "native/all-threads/signals.c",
        "native/binding/binding.c",
        "native/binding/callback.c",
        "native/binding/server.c",
        "native/children.c",
        "native/code-pages.c",
        "native/execute.c",
        "native/fork-server.c",
        "native/fork.c",
        "native/frame.c",
        "native/inherit-memory.c",
        "native/interrupt.c",
        "native/isolate.c",
        "native/lifeline.c",
        "native/limits.c",
        "native/loop-end.c",
        "native/proc-lines.c",
        "native/process.c",
        "native/processor-time.c",
        "native/random.c",
        "native/reap.c",
        "native/reduce-memory.c",
        "native/signal.c",
        "native/thread-end.c",
        "native/thread-limit.c",
        "native/threads.c"
      ],
      "include_dirs": [
        "<!(node -p \"require('path').relative('', require('path').dirname(require.resolve('@anyfork/fdpass/package.json')))\")/native"
      ],
      "defines": ["NAPI_VERSION=8", "_GNU_SOURCE"],
      "cflags": ["-std=c11", "-Wall", "-Wextra", "-fvisibility=hidden"],
      # Node unloads an addon together with the last thread that has loaded it. The list of orphans (thread-end.c) must
      # outlive the threads of a program whose main thread does not load the addon.
      # Symbols are looked up when the addon is loaded, in the template, and not anew in each forked process.
      "ldflags": ["-Wl,-z,nodelete", "-Wl,-z,now"],
      "xcode_settings": {
        "GCC_SYMBOLS_PRIVATE_EXTERN": "YES",
        "WARNING_CFLAGS": ["-Wall", "-Wextra"]
      },
      "conditions": [
        ["are_warnings_errors==1", { "cflags": ["-Werror"], "xcode_settings": { "GCC_TREAT_WARNINGS_AS_ERRORS": "YES" } }]
      ]
    }
  ]
}
