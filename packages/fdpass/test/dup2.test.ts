import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { closeSync } from 'node:fs'
import {
  type Descriptor,
  dup,
  dup2,
  isCloseOnExec,
  read,
  setCloseOnExec,
  socketpair,
  watch,
  write,
} from '@anyfork/fdpass'
import { describe, it } from 'mocha'
import { useSocketPair } from './support/socket-pair.js'

/** Redirects its standard output, and starts another program that inherits it. */
const redirect = `
  import { execFileSync } from 'node:child_process'
  import { dup2, isCloseOnExec } from '@anyfork/fdpass'
  dup2(2, 1)
  console.error(isCloseOnExec(1))
  execFileSync('sh', ['-c', 'echo inherited'], { stdio: 'inherit' })`

describe('dup2()', () => {
  const sockets = useSocketPair()
  const contentOf = (socket: Descriptor): string => {
    const buffer = Buffer.alloc(8)
    return buffer.toString('utf8', 0, read(socket, buffer))
  }

  it('makes a number refer to another file, close-on-exec, and closes the one that had it', () => {
    const { left, right } = sockets
    const [other, peer] = socketpair()
    const number = other.release()
    setCloseOnExec(number, false)
    const copy = dup2(left, number)
    assert.equal(copy.fd, number)
    assert.equal(isCloseOnExec(number), true)
    assert.equal(read(peer, Buffer.alloc(1)), 0) // the end of the stream
    write(copy, Buffer.from('hello'))
    assert.equal(contentOf(right), 'hello')
    copy.close()
    peer.close()
  })

  it('opens a number that was free', () => {
    const number = dup(0).release()
    closeSync(number)
    const copy = dup2(sockets.left, number)
    write(copy, Buffer.from('hello'))
    assert.equal(contentOf(sockets.right), 'hello')
    copy.close()
  })

  it('leaves a standard stream open for programs that the process executes', () => {
    const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', redirect], {
      cwd: import.meta.dirname,
      encoding: 'utf8',
    })
    assert.deepEqual([stdout, stderr], ['', 'false\ninherited\n'])
  })

  it('throws EINVAL for the number that the handle has, which stays open', () => {
    const { left, right } = sockets
    assert.throws(() => dup2(left, left.fd), { code: 'EINVAL', syscall: 'dup3' })
    write(left, Buffer.from('hello'))
    assert.equal(contentOf(right), 'hello')
  })

  it('throws EBADF for a closed handle or too high a number, and leaves the number as it was', () => {
    const { left, right } = sockets
    const closed = dup(left)
    const number = closed.fd
    closed.close()
    assert.throws(() => dup2(number, left.fd), { code: 'EBADF' })
    assert.throws(() => dup2(left, 2 ** 31 - 1), { code: 'EBADF' })
    write(left, Buffer.from('hello'))
    assert.equal(contentOf(right), 'hello')
  })

  it('throws EBUSY for a number that the event loop watches', () => {
    const { left, right } = sockets
    const copy = dup(right)
    const watching = watch(copy, { readable: true }, () => {})
    assert.throws(() => dup2(left, copy.fd), { code: 'EBUSY' })
    watching.close()
    const number = copy.release()
    dup2(left, number).close()
  })

  it('throws a TypeError for a number that is not an integer from 0 below 2 ** 31', () => {
    for (const number of [-1, 1.5, NaN, 2 ** 31, '3', undefined, sockets.right])
      assert.throws(() => dup2(sockets.left, number as number), { name: 'TypeError', message: /^number must be/ })
    assert.throws(() => dup2({}, 3), TypeError)
  })
})
