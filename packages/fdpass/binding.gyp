{
  # A warning is an error in this repository's CI. It must not be one in the CI of those who install the package: their
  # compiler may be newer and warn of more.
  "variables": {
    "are_warnings_errors": "<!(node -p \"process.env.CI && !process.cwd().includes('node_modules') ? 1 : 0\")"
  },
  "targets": [
    {
      "target_name": "fdpass",
      "sources": [
        "native/binding/addon.c",
        "native/binding/arguments.c",
        "native/binding/connections.c",
        "native/binding/deferred-writes.c",
        "native/binding/descriptors.c",
        "native/binding/messages.c",
        "native/binding/shared-memory.c",
        "native/binding/threads.c",
        "native/binding/watches.c",
        "native/connection.c",
        "native/deferred-write.c",
        "native/descriptor.c",
        "native/huge-pages.c",
        "native/keep-path.c",
        "native/kept-descriptors.c",
        "native/listen.c",
        "native/message.c",
        "native/receive-if-room.c",
        "native/receive-many.c",
        "native/receive.c",
        "native/send-many.c",
        "native/send.c",
        "native/sender.c",
        "native/shared-memory.c",
        "native/socket-kind.c",
        "native/spin.c",
        "native/splice.c",
        "native/unix-socket.c",
        "native/watch.c"
      ],
      "defines": ["NAPI_VERSION=8", "_GNU_SOURCE"],
      "cflags": ["-std=c11", "-Wall", "-Wextra", "-fvisibility=hidden"],
      # Symbols are looked up when the addon is loaded: processes that are forked later need not look them up.
      "ldflags": ["-Wl,-z,now"],
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
