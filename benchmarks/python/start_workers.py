"""Starts workers with the forkserver of multiprocessing, a fixed number at a time, for a period.

Measures from the request until the first byte of the worker arrives. Reads two lines from standard input. After the
first one, it warms up, and prints a line; after the second one, it measures, and prints JSON: workers per second, and
the milliseconds of each. It ends with its input. Arguments are names and values; durations are in milliseconds.
"""

import json
import multiprocessing
import os
import sys
import time
from multiprocessing.connection import wait

setting = dict(concurrency="1", warmUp="5", measured="20", templateMebibytes="0", programMebibytes="0")
setting.update(zip(sys.argv[1::2], sys.argv[2::2]))


def now():
    return 1000 * time.monotonic()


def start_for(context, hello, milliseconds):
    """Starts workers for a period. Returns the workers per second and the times."""
    times = []
    pending = {}
    started = last = now()
    end = started + milliseconds

    def start():
        requested_at = now()
        ours, theirs = context.Pipe()
        process = context.Process(target=hello, args=(theirs,))
        process.start()
        theirs.close()
        pending[ours] = (requested_at, process)

    for _ in range(int(setting["concurrency"])):
        start()
    while pending:
        for connection in wait(list(pending)):
            connection.recv_bytes()
            last = now()
            requested_at, process = pending.pop(connection)
            times.append(last - requested_at)
            connection.close()  # ends the worker
            if last < end:
                start()
    return dict(perSecond=1000 * len(times) / (last - started), milliseconds=times)


if __name__ == "__main__":
    os.environ["ANYFORK_BENCH_BALLAST_MIB"] = "0"
    import hello_worker

    ballast = b"x" * (int(setting["programMebibytes"]) << 20)
    os.environ["ANYFORK_BENCH_BALLAST_MIB"] = setting["templateMebibytes"]
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["__main__", "hello_worker"])
    sys.stdin.readline()
    start_for(context, hello_worker.hello, float(setting["warmUp"]))
    print("warm", flush=True)
    sys.stdin.readline()
    print(json.dumps(start_for(context, hello_worker.hello, float(setting["measured"]))), flush=True)
    sys.stdin.read()
