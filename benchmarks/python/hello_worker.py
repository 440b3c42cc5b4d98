"""The worker that start_workers.py starts. The forkserver imports this module once, before it forks."""

import os

loaded_by = os.getpid()

# Memory that all workers share, as the benchmark asks for it: each page is written once.
ballast = b"x" * (int(os.environ.get("ANYFORK_BENCH_BALLAST_MIB", "0")) << 20)


def hello(connection):
    """Sends one byte, and then waits until the connection ends, as the other workers do."""
    assert loaded_by != os.getpid(), "the forkserver has not imported this module"
    connection.send_bytes(b"x")
    try:
        connection.recv_bytes()
    except EOFError:
        pass
