{
  "targets": [
    {
      "target_name": "fork",
      "sources": [
        "native/binding.c",
        "native/fork.c",
        "native/code-pages.c",
        "native/quiet-threads.c",
        "native/loop-end.c",
        "native/signal.c",
        "native/lifeline.c",
        "native/limits.c",
        "native/random.c",
        "native/reap.c",
        "native/thread-end.c"
      ],
      "include_dirs": [
        "<!(node -p \"require('path').relative('', require('path').dirname(require.resolve('@anyfork/fdpass/package.json')))\")/native"
      ],
      "defines": ["NAPI_VERSION=8", "_GNU_SOURCE"],
      "cflags": ["-std=c11", "-Wall", "-Wextra", "-fvisibility=hidden"],
      "xcode_settings": {
        "GCC_SYMBOLS_PRIVATE_EXTERN": "YES",
        "WARNING_CFLAGS": ["-Wall", "-Wextra"]
      }
    }
  ]
}
