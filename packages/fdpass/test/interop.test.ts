import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { pipe, receiveMessage, recv, send, sendMessage, setNonblocking, socketpair, write } from '@anyfork/fdpass'
import { tagOf } from '@anyfork/test-support'
import { describe, it } from 'mocha'
import { needsPython, pythonFlags } from './support/python.js'

/**
 * Programs that get a socket as descriptor 3. They send the reading ends of three pipes with the tags 0, 1, and 2. Then
 * they receive the writing ends of three pipes, and write the tags 3, 4, and 5 to them.
 */
const peers: Record<string, { command: string; probe: string[]; program: string[] }> = {
  "Perl's IO::FDPass": {
    command: 'perl',
    probe: ['-MIO::FDPass', '-e', '1'],
    program: [
      '-MIO::FDPass',
      '-e',
      `for my $tag (0..2) {
         pipe my $r, my $w or die; syswrite $w, $tag; close $w;
         IO::FDPass::send 3, fileno $r or die "send: $!";
       }
       for my $tag (3..5) {
         my $fd = IO::FDPass::recv 3; $fd >= 0 or die "recv: $!";
         open my $w, ">&=$fd" or die; syswrite $w, $tag; close $w;
       }`,
    ],
  },
  "Python's socket.send_fds and recv_fds": {
    command: 'python3',
    probe: [...pythonFlags, '-c', 'import socket; socket.send_fds'],
    program: [
      ...pythonFlags,
      '-c',
      `import os, socket
s = socket.socket(fileno=3)
ends = []
for tag in b"012":
    r, w = os.pipe()
    os.write(w, bytes([tag])); os.close(w)
    ends.append(r)
socket.send_fds(s, [b"\\0"], ends[:1]); socket.send_fds(s, [b"\\0"], ends[1:2]); socket.send_fds(s, [b"\\0"], ends[2:])
tags = list(b"345")
while tags:
    data, fds, flags, address = socket.recv_fds(s, 1, 8)
    for fd in fds:
        os.write(fd, bytes([tags.pop(0)])); os.close(fd)`,
    ],
  },
}

describe('a socket shared with another program', () => {
  for (const [name, { command, probe, program }] of Object.entries(peers)) {
    it(`passes descriptors both ways with ${name}`, async function () {
      // With ANYFORK_PEERS=required, a missing program is a failure.
      if (process.env['ANYFORK_PEERS'] !== 'required' && spawnSync(command, probe).status !== 0) return this.skip()
      const [ours, theirs] = socketpair()
      const peer = spawn(command, program, { stdio: ['ignore', 'inherit', 'inherit', theirs.fd] })
      theirs.close()
      const exited = once(peer, 'exit')
      for (const tag of ['0', '1', '2']) assert.equal(tagOf(recv(ours)!), tag)
      for (const tag of ['3', '4', '5']) {
        const [readEnd, writeEnd] = pipe()
        send(ours, writeEnd)
        writeEnd.close()
        assert.equal(tagOf(readEnd), tag)
      }
      assert.deepEqual(await exited, [0, null])
      assert.equal(recv(ours), undefined)
      ours.close()
    })
  }

  it('passes 253 descriptors in one message both ways with Python', async function () {
    needsPython.call(this)
    const [ours, theirs] = socketpair()
    const program =
      'import socket; s = socket.socket(fileno=3); d, f, _, _ = socket.recv_fds(s, 100, 253); socket.send_fds(s, [d], f)'
    const peer = spawn('python3', [...pythonFlags, '-c', program], {
      stdio: ['ignore', 'inherit', 'inherit', theirs.fd],
    })
    theirs.close()
    const [readEnd, writeEnd] = pipe()
    sendMessage(ours, Buffer.from('hello'), new Array(253).fill(writeEnd))
    writeEnd.close()
    setNonblocking(ours, false)
    const buffer = Buffer.alloc(100)
    const { bytes, descriptors } = receiveMessage(ours, buffer)
    assert.equal(buffer.toString('utf8', 0, bytes), 'hello')
    assert.equal(descriptors.length, 253)
    write(descriptors[252]!, Buffer.from('same pipe'))
    for (const descriptor of descriptors) descriptor.close()
    assert.equal(tagOf(readEnd), 'same pipe')
    if (peer.exitCode === null) await once(peer, 'exit')
    ours.close()
  })
})
