import assert from 'node:assert/strict'
import { setAsyncOwner, socketpair } from '@anyfork/fdpass'
import { runProgram } from '@anyfork/test-support'
import { describe, it } from 'mocha'
import { useSocketPair } from './support/socket-pair.js'

/** Moves ownership to this process, and away again. Prints what it receives at each signal. */
const receiver = `
  import { read, setAsyncOwner, setNonblocking, socketpair, write } from '@anyfork/fdpass'
  const [left, right] = socketpair()
  const alive = setInterval(() => {}, 1000)
  process.on('SIGIO', () => {
    const buffer = Buffer.alloc(9)
    console.log(buffer.toString('utf8', 0, read(right, buffer)))
    setAsyncOwner(right, 0)
    write(left, Buffer.from('silent'))
    clearInterval(alive)
  })
  setNonblocking(right, true)
  setAsyncOwner(right, process.pid)
  write(left, Buffer.from('announced'))`

const withoutListener = `
  import { setAsyncOwner, socketpair, write } from '@anyfork/fdpass'
  const [left, right] = socketpair()
  setAsyncOwner(right, process.pid)
  write(left, Buffer.from('announced'))
  setInterval(() => {}, 1000)`

describe('setAsyncOwner()', () => {
  const sockets = useSocketPair()

  it('makes the kernel send SIGIO when a socket becomes readable, until it is given pid 0', async () => {
    const { code, signal, stdout } = await runProgram(receiver, [], { cwd: import.meta.dirname })
    assert.deepEqual([code, signal, stdout], [0, null, 'announced\n'])
  })

  it('kills a process that does not listen for the signal', async () => {
    const { code, signal } = await runProgram(withoutListener, [], { cwd: import.meta.dirname })
    assert.deepEqual([code, signal], [null, 'SIGIO'])
  })

  it('throws ESRCH for a process that does not exist, and EBADF for a closed handle', () => {
    assert.throws(() => setAsyncOwner(sockets.left, 2 ** 31 - 1), { code: 'ESRCH', syscall: 'fcntl' })
    const [one, other] = socketpair()
    const number = one.fd
    for (const end of [one, other]) end.close()
    assert.throws(() => setAsyncOwner(number, process.pid), { code: 'EBADF' })
    assert.throws(() => setAsyncOwner(number, 0), { code: 'EBADF' })
  })

  it('throws a TypeError for a pid that is not an integer from 0 below 2 ** 31', () => {
    for (const pid of [-1, 1.5, NaN, 2 ** 31, '1', undefined] as number[])
      assert.throws(() => setAsyncOwner(sockets.left, pid), { name: 'TypeError', message: /^pid must be/ })
  })
})
