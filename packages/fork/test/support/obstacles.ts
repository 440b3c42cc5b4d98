/** What is in the way of a fork of the running program. */
export interface Obstacle {
  what: string
  /** Code that puts it in the way, and code that removes it. It can use `await`. */
  begin: string
  end: string
  /** The topic and the subject of the finding that names it. */
  topic: string
  subject: RegExp
}

/** Obstacles to each kind of fork. */
export const commonObstacles: readonly Obstacle[] = [
  {
    what: 'a timer',
    begin: 'const timer = setTimeout(() => {}, 1e6)',
    end: 'clearTimeout(timer)',
    topic: 'handle',
    subject: /Timeout/,
  },
  {
    what: 'a server',
    begin: "const server = (await import('node:http')).createServer().listen(0); await new Promise(setImmediate)",
    end: 'await new Promise(done => server.close(done))',
    topic: 'descriptor',
    subject: /\d/,
  },
  {
    what: 'an idle connection',
    begin:
      "const { socketpair } = await import('@anyfork/fdpass'); const pair = socketpair().map(one => one.toSocket().unref())",
    end: "await Promise.all(pair.map(one => new Promise(done => one.on('close', done).destroy())))",
    topic: 'descriptor',
    subject: /\d/,
  },
  {
    what: 'a child process',
    begin: "const child = (await import('node:child_process')).spawn('cat', { stdio: ['pipe', 'ignore', 'ignore'] })",
    end: "await new Promise(done => child.on('close', done).stdin.end())",
    topic: 'handle',
    subject: /ProcessWrap/,
  },
]
