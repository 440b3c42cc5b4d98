import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type Descriptor,
  DescriptorReceiver,
  listen,
  receiveMessage,
  recv,
  send,
  sendMany,
  sendMessage,
  setNonblocking,
  socketpair,
  write,
} from '@anyfork/fdpass'
import { openDescriptors } from '@anyfork/test-support'
import { after, afterEach, before, describe, it } from 'mocha'
import { needsPython, pythonFlags, usePython } from './support/python.js'

// Python programs that get a socket do to it what this package does not do itself.

function closeAll(descriptors: readonly Descriptor[]): number {
  for (const descriptor of descriptors) descriptor.close()
  return descriptors.length
}

describe('a socket that receives control messages from the kernel', () => {
  const python = usePython()

  for (const [name, option] of [
    ['SO_PASSCRED', 16],
    ['SO_PASSSEC', 34],
    ['SO_PASSPIDFD', 76],
    ['SO_TIMESTAMP', 29],
  ] as const) {
    describe(`because of ${name}`, () => {
      let countBefore: number
      let left: Descriptor
      let right: Descriptor

      before(() => {
        countBefore = openDescriptors()
        ;[left, right] = socketpair()
        setNonblocking(right, true)
        python(
          `try: s.setsockopt(socket.SOL_SOCKET, ${option}, 1)\nexcept OSError as error: assert ${option} == 76, error`,
          right,
        )
      })
      afterEach(() => assert.equal(openDescriptors(), countBefore + 2))
      after(() => void closeAll([left, right]))

      it('receives 253 descriptors in a message, and keeps no descriptor of the kernel open', () => {
        sendMessage(left, Buffer.from('x'), new Array(253).fill(0))
        assert.equal(closeAll(receiveMessage(right, Buffer.alloc(10)).descriptors), 253)
        send(left, 0)
        recv(right)!.close()
        sendMessage(left, Buffer.from('plain'))
        assert.equal(receiveMessage(right, Buffer.alloc(10)).bytes, 5)
      })

      it('returns descriptors with the first byte of their own message', () => {
        for (const text of ['A', 'AA']) write(left, Buffer.from(text))
        sendMessage(left, Buffer.from('BB'), [0])
        send(left, 0)
        const counts = Array.from({ length: 6 }, () => closeAll(receiveMessage(right, Buffer.alloc(1)).descriptors))
        assert.deepEqual(counts, [0, 0, 0, 1, 0, 1])
        assert.throws(() => recv(right), { code: 'EAGAIN' })
      })

      it('receives 100 descriptors of one sendMany()', () => {
        assert.equal(sendMany(left, new Array(100).fill(0)), 100)
        write(left, Buffer.from('x'))
        const receiver = new DescriptorReceiver(right)
        let received = 0
        assert.throws(
          () => {
            for (;;) received += closeAll(receiver.receive(64)!)
          },
          { code: 'EPROTO' },
        )
        assert.equal(received, 100)
      })
    })
  }
})

describe('a peer that accepts no descriptors (SO_PASSRIGHTS)', () => {
  const python = usePython()

  it('makes send() and sendMany() throw EPERM, and still receives bytes', function () {
    const [left, right] = socketpair()
    try {
      try {
        python('s.setsockopt(socket.SOL_SOCKET, 83, 0)', right)
      } catch {
        return this.skip() // before Linux 6.16
      }
      assert.throws(() => send(left, 0), { code: 'EPERM' })
      assert.throws(() => sendMany(left, [0, 0]), { code: 'EPERM' })
      assert.equal(write(left, Buffer.from('abc')), 3)
      assert.equal(receiveMessage(right, Buffer.alloc(10)).bytes, 3)
    } finally {
      closeAll([left, right])
    }
  })
})

describe('the path of a Python socket', () => {
  before(needsPython)

  for (const [kind, program] of [
    ['seqpacket', 's = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET); s.bind(path); s.listen()'],
    ['dgram', 's = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); s.bind(path)'],
    ['a stream that does not listen yet', 's = socket.socket(socket.AF_UNIX); s.bind(path)'],
  ] as const) {
    it(`makes listen() throw EADDRINUSE until the Python program has exited (${kind})`, async () => {
      const folder = mkdtempSync(join(tmpdir(), 'anyfork-'))
      const path = join(folder, 'socket')
      const server = spawn(
        'python3',
        [
          ...pythonFlags,
          '-c',
          `import socket, sys\npath = sys.argv[1]\n${program}\nprint('bound', flush=True)\nsys.stdin.read()`,
          path,
        ],
        { stdio: ['pipe', 'pipe', 'inherit'] },
      )
      await once(server.stdout, 'data')
      const ended = once(server, 'exit')
      try {
        const { ino } = statSync(path)
        assert.throws(() => listen(path), { code: 'EADDRINUSE' })
        assert.equal(statSync(path).ino, ino)
      } finally {
        server.stdin.end()
        await ended
      }
      listen(path).close()
      rmSync(folder, { recursive: true })
    })
  }
})

describe('descriptors that Python has opened', () => {
  before(needsPython)

  it('return to Python unchanged: an epoll, an eventfd, a pidfd, a sealed memfd, a pipe, and a tty', async () => {
    const [ours, theirs] = socketpair()
    const program = `
import array, fcntl, os, select, socket, mmap
s = socket.socket(fileno=3)
m = os.memfd_create("sealed", os.MFD_ALLOW_SEALING)
os.write(m, b"seal")
fcntl.fcntl(m, 1033, 0xf)  # F_ADD_SEALS: all
r, w = os.pipe()
master, slave = os.openpty()
epoll = select.epoll()
made = [epoll.fileno(), os.eventfd(7), os.pidfd_open(os.getpid()), m, r, slave]
for fd in made:
    s.sendmsg([b"\\0"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [fd]))])
back = [socket.recv_fds(s, 1, 1)[1][0] for _ in made]
assert [os.readlink(f"/proc/self/fd/{a}") for a in back] == [os.readlink(f"/proc/self/fd/{b}") for b in made]
assert os.eventfd_read(back[1]) == 7
assert fcntl.fcntl(back[3], 1034) == 0xf  # F_GET_SEALS
try:
    mmap.mmap(back[3], 4)
    raise SystemExit("could be mapped for writing")
except PermissionError:
    pass
assert os.isatty(back[5])`
    const peer = spawn('python3', [...pythonFlags, '-c', program], {
      stdio: ['ignore', 'inherit', 'inherit', theirs.fd],
    })
    theirs.close()
    const exited = once(peer, 'exit')
    for (let i = 0; i < 6; i++) {
      const received = recv(ours)!
      send(ours, received)
      received.close()
    }
    assert.deepEqual(await exited, [0, null])
    ours.close()
  })
})

describe('a message of a Python program', () => {
  const python = usePython()

  for (const [parts, ancillary, count] of [
    [
      'two control messages with descriptors',
      '(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [3, 3])), (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [3, 3, 3]))',
      5,
    ],
    [
      'credentials before descriptors',
      '(socket.SOL_SOCKET, 2, struct.pack("3i", os.getpid(), os.getuid(), os.getgid())), (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [3, 3]))',
      2,
    ],
    [
      'descriptors before credentials',
      '(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [3, 3])), (socket.SOL_SOCKET, 2, struct.pack("3i", os.getpid(), os.getuid(), os.getgid()))',
      2,
    ],
    ['credentials alone', '(socket.SOL_SOCKET, 2, struct.pack("3i", os.getpid(), os.getuid(), os.getgid()))', 0],
  ] as const) {
    for (const passesCredentials of [false, true]) {
      it(`with ${parts} delivers all its descriptors${passesCredentials ? ' to a socket with SO_PASSCRED' : ''}`, () => {
        const before = openDescriptors()
        const [left, right] = socketpair()
        python(
          `t.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, ${passesCredentials ? 1 : 0})\ns.sendmsg([b"abc"], [${ancillary}])`,
          left,
          right,
        )
        const { bytes, descriptors } = receiveMessage(right, Buffer.alloc(10))
        assert.deepEqual([bytes, closeAll(descriptors)], [3, count])
        closeAll([left, right])
        assert.equal(openDescriptors(), before)
      })
    }
  }

  it('with 200 descriptors makes recv() throw EPROTO, and leaves none of them open', () => {
    const before = openDescriptors()
    const [left, right] = socketpair()
    python('s.sendmsg([b"\\0"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [3] * 200))])', left)
    assert.throws(() => recv(right), { code: 'EPROTO' })
    closeAll([left, right])
    assert.equal(openDescriptors(), before)
  })
})
