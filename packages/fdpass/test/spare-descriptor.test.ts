import { before } from 'mocha'
import { socketpair } from '@anyfork/fdpass'

// libuv opens a spare descriptor of its own with the first stream of a process. Tests
// that count descriptors want it there before.
before(done => {
  const [one, other] = socketpair()
  other.close()
  one
    .toSocket()
    .on('close', () => done())
    .destroy()
})
