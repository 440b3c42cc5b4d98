import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import {
  notifySystemd,
  pipe,
  removeStoredDescriptors,
  type SystemdFields,
  storeDescriptors,
  systemdDescriptors,
} from '@anyfork/fdpass'
import { openDescriptors, runCommand } from '@anyfork/test-support'
import { after, afterEach, before, describe, it } from 'mocha'
import { needsPython, pythonFlags } from './support/python.js'

/** Prints what a process gets from systemd, and what is left of the variables. */
const report = `
  import { isCloseOnExec, read, systemdDescriptors } from '@anyfork/fdpass'
  const result = []
  for (let call = 0; call < 2; call++) {
    try {
      const got = systemdDescriptors({ keepEnvironment: process.env.KEEP === '1' })
      result.push(got.map(({ name, descriptor }) => [name, descriptor.fd, isCloseOnExec(descriptor)]))
    } catch (error) {
      result.push(error.code)
    }
  }
  result.push(Object.keys(process.env).filter(name => name.startsWith('LISTEN_')).length)
  console.log(JSON.stringify(result))`

const run = ['--input-type=module', '-e']

/** Starts a process as systemd does: with two descriptors from 3 on, and variables in which $$ is its own pid. */
async function started(variables: string): Promise<unknown> {
  const [reader, writer] = pipe()
  const child = spawn('sh', ['-c', `${variables} exec "$0" "$@"`, process.execPath, ...run, report], {
    cwd: import.meta.dirname,
    stdio: ['ignore', 'pipe', 'inherit', reader.fd, writer.fd],
  })
  for (const end of [reader, writer]) end.close()
  const [output] = await Promise.all([text(child.stdout!), once(child, 'exit')])
  return JSON.parse(output)
}

describe('systemdDescriptors()', () => {
  afterEach(() => {
    for (const name of ['PID', 'FDS', 'FDNAMES']) delete process.env[`LISTEN_${name}`]
  })

  it('returns close-on-exec descriptors with their names once, and removes the variables', async () => {
    const got = [
      ['http', 3, true],
      ['', 4, true],
    ]
    assert.deepEqual(await started('LISTEN_PID=$$ LISTEN_FDS=2 LISTEN_FDNAMES=http:'), [got, [], 0])
  })

  it('calls descriptors unknown if systemd passes no names, and returns them again if the environment is kept', async () => {
    const got = [['unknown', 3, true]]
    assert.deepEqual(await started('KEEP=1 LISTEN_PID=$$ LISTEN_PIDFDID=1 LISTEN_FDS=1'), [got, got, 3])
  })

  const own = String(process.pid)
  for (const [fact, variables] of [
    ['another process was meant', { PID: '1', FDS: '2' }],
    ['LISTEN_PID is not set', { FDS: '2' }],
    ['LISTEN_FDS is not set', { PID: own }],
  ] as [string, Record<string, string>][]) {
    it(`returns nothing if ${fact}`, () => {
      for (const [name, value] of Object.entries(variables)) process.env[`LISTEN_${name}`] = value
      assert.deepEqual(systemdDescriptors(), [])
      assert.deepEqual([process.env['LISTEN_PID'], process.env['LISTEN_FDS']], [undefined, undefined])
    })
  }

  for (const [fact, code, variables] of [
    ['the pid is not a number', 'EINVAL', { PID: 'abc', FDS: '2' }],
    ['the number of descriptors is not a number', 'EINVAL', { PID: own, FDS: '2x' }],
    ['the number of descriptors is 0', 'EINVAL', { PID: own, FDS: '0' }],
    ['the number of descriptors is too high', 'EINVAL', { PID: own, FDS: '2147483645' }],
    ['there are fewer names than descriptors', 'EINVAL', { PID: own, FDS: '2', FDNAMES: 'http' }],
    ['there are more names than descriptors', 'EINVAL', { PID: own, FDS: '1', FDNAMES: 'http:metrics' }],
    ['a descriptor is not open', 'EBADF', { PID: own, FDS: '100000' }],
  ] as [string, string, Record<string, string>][]) {
    it(`throws ${code} if ${fact}, and removes the variables`, () => {
      for (const [name, value] of Object.entries(variables)) process.env[`LISTEN_${name}`] = value
      assert.throws(() => systemdDescriptors(), { code })
      assert.deepEqual(systemdDescriptors(), [])
    })
  }

  it('throws a TypeError for an invalid option', () => {
    assert.throws(() => systemdDescriptors({ keepEnvironment: 1 as unknown as boolean }), TypeError)
  })
})

/**
 * Plays systemd. Starts a service, prints its messages, and restarts it with the descriptors that it has stored.
 * Arguments: the address in NOTIFY_SOCKET, and the command of the service.
 */
const systemd = `
import array, json, os, socket, sys
address, command = sys.argv[1], sys.argv[2:]
notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
notify.bind(address.replace("@", "\\0"))
stored = {}
for run in range(2):
    fds = [fd for name in stored for fd in stored[name]]
    names = ":".join(name for name in stored for fd in stored[name])
    pid = os.fork()
    if pid == 0:
        environment = {**os.environ, "NOTIFY_SOCKET": address}
        if fds: environment.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(fds)), LISTEN_FDNAMES=names)
        copies = [os.dup(fd) for fd in fds]
        for i, fd in enumerate(copies): os.dup2(fd, 3 + i)
        os.execve(command[0], command, environment)
    while True:
        message, ancillary, _, _ = notify.recvmsg(4096, socket.CMSG_SPACE(4 * 8))
        received = array.array("i")
        for _, _, content in ancillary: received.frombytes(content)
        fields = dict(line.split("=", 1) for line in message.decode().split("\\n"))
        monotonic = fields.pop("MONOTONIC_USEC", None)
        if monotonic: fields["MONOTONIC_USEC"] = monotonic.isdigit()
        print(json.dumps([fields, len(received)]), flush=True)
        if "FDSTORE" in fields: stored.setdefault(fields["FDNAME"], []).extend(received)
        if "FDSTOREREMOVE" in fields: stored.pop(fields["FDNAME"])
        if "STOPPING" in fields: break
    assert os.waitpid(pid, 0)[1] == 0
assert not stored
`

const service = `
  import {
    notifySystemd, read, removeStoredDescriptors, socketpair, storeDescriptors, systemdDescriptors, write,
  } from '@anyfork/fdpass'
  const stored = systemdDescriptors()
  if (stored.length) {
    const names = stored.map(({ name }) => name)
    const buffer = Buffer.alloc(100)
    console.log(JSON.stringify([names, buffer.toString('utf8', 0, read(stored[2].descriptor, buffer))]))
    removeStoredDescriptors('pair')
    removeStoredDescriptors('output')
  } else {
    const [left, right] = socketpair()
    storeDescriptors('output', [1])
    storeDescriptors('pair', [left, right], { poll: false })
    write(left, Buffer.from('written before the restart'))
  }
  notifySystemd({ READY: 1, STATUS: 'serving: a=b', MAINPID: BigInt(1) })
  notifySystemd({ RELOADING: 1 })
  notifySystemd({ STOPPING: 1 })
`

describe('notifySystemd() and storeDescriptors()', () => {
  let folder: string

  before(needsPython)
  before(() => void (folder = mkdtempSync(join(tmpdir(), 'anyfork-'))))
  after(() => folder && rmSync(folder, { recursive: true }))
  afterEach(() => delete process.env['NOTIFY_SOCKET'])

  for (const kind of ['a path', 'an abstract name']) {
    it(`reach systemd at ${kind}, and get stored descriptors back after a restart`, async () => {
      const address = kind === 'a path' ? join(folder, 'notify') : `@anyfork-test-${process.pid}`
      const args = [...pythonFlags, '-c', systemd, address, process.execPath, ...run, service]
      const { code, stdout, stderr } = await runCommand('python3', args, { cwd: import.meta.dirname })
      const end = [
        [{ READY: '1', STATUS: 'serving: a=b', MAINPID: '1' }, 0],
        [{ RELOADING: '1', MONOTONIC_USEC: true }, 0],
        [{ STOPPING: '1' }, 0],
      ]
      assert.deepEqual(
        stdout
          .trim()
          .split('\n')
          .map(line => JSON.parse(line)),
        [
          [{ FDSTORE: '1', FDNAME: 'output' }, 1],
          [{ FDSTORE: '1', FDNAME: 'pair', FDPOLL: '0' }, 2],
          ...end,
          [['output', 'pair', 'pair'], 'written before the restart'],
          [{ FDSTOREREMOVE: '1', FDNAME: 'pair' }, 0],
          [{ FDSTOREREMOVE: '1', FDNAME: 'output' }, 0],
          ...end,
        ],
      )
      assert.deepEqual([code, stderr], [0, ''])
    })
  }

  it('return false if systemd does not expect messages', () => {
    for (const address of [undefined, '']) {
      if (address !== undefined) process.env['NOTIFY_SOCKET'] = address
      assert.equal(notifySystemd({ READY: 1 }), false)
      assert.equal(storeDescriptors('output', [1]), false)
      assert.equal(removeStoredDescriptors('output'), false)
    }
  })

  it('throw the error of the kernel if systemd cannot be reached', () => {
    for (const [address, code] of [
      ['relative', 'EAFNOSUPPORT'],
      ['vsock:2:1234', 'EAFNOSUPPORT'],
      [join(folder, 'absent'), 'ENOENT'],
      [`@anyfork-absent-${process.pid}`, 'ECONNREFUSED'],
      [`/${'x'.repeat(200)}`, 'ENAMETOOLONG'],
    ] as const) {
      process.env['NOTIFY_SOCKET'] = address
      assert.throws(() => notifySystemd({ READY: 1 }), { code })
    }
  })

  it('throw a TypeError for invalid arguments, without their content', () => {
    for (const fields of [
      undefined,
      'READY=1',
      {},
      { ready: 1 },
      { 'READY=1\nX': 1 },
      { STATUS: 'secret\nREADY=1' },
      { READY: 0.5 },
      { READY: true },
    ] as unknown as SystemdFields[])
      assert.throws(
        () => notifySystemd(fields),
        (error: Error) => error instanceof TypeError && !/secret|ready/.test(error.message),
      )
    for (const name of ['', 'a:b', 'a\nb', 'ü', 'x'.repeat(256), 3] as string[]) {
      assert.throws(() => storeDescriptors(name, [1]), TypeError)
      assert.throws(() => removeStoredDescriptors(name), TypeError)
    }
    assert.throws(() => storeDescriptors('output', []), TypeError)
    assert.throws(() => storeDescriptors('output', [1], { poll: 0 as unknown as boolean }), TypeError)
    assert.throws(() => notifySystemd({ READY: 1 }, 1 as unknown as number[]), TypeError)
  })

  it('throw a RangeError for a message that systemd would ignore', () => {
    assert.throws(() => notifySystemd({ STATUS: 'x'.repeat(4090) }), RangeError)
    assert.equal(notifySystemd({ STATUS: 'x'.repeat(4089) }), false)
  })

  it('leave exactly the descriptors of the caller open if they fail', () => {
    const [reader, writer] = pipe()
    const before = openDescriptors()
    process.env['NOTIFY_SOCKET'] = join(folder, 'absent')
    assert.throws(() => storeDescriptors('pipe', [writer]), { code: 'ENOENT' })
    assert.equal(openDescriptors(), before)
    for (const end of [reader, writer]) end.close()
  })
})
