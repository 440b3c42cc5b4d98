{
  "targets": [
    {
      "target_name": "fdpass",
      "sources": [
        "native/binding.c",
        "native/connection.c",
        "native/descriptor.c",
        "native/message.c",
        "native/watch.c"
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
