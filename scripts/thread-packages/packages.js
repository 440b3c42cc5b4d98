/**
 * Packages that start threads or processes, keep sockets, or have an addon, and what to do with each.
 *
 * @typedef {object} Tried
 * @property {string} name - what is installed; the version is that of the day
 * @property {string[]} [also] - what is installed with it
 * @property {string} load - imports it
 * @property {string} use - the body of an asynchronous function that uses it. `once(name, make)` keeps what it makes. `data`
 *   is a folder for a database.
 *   `server` is the address of an HTTP server, and `port` the port of one that speaks the protocol of Redis
 * @property {string[]} [execArgv] - flags of the interpreter
 * @property {Record<string, string>} [files] - files beside the module, by name
 */

const TASK = { 'task.cjs': 'module.exports = number => 2 * number' }

/** @type {Tried[]} */
export const packages = [
  {
    name: 'sharp',
    load: "import sharp from 'sharp'",
    use: "return (await sharp({ create: { width: 64, height: 64, channels: 3, background: 'red' } }).png().toBuffer()).length",
  },
  {
    name: 'pino',
    load: "import pino from 'pino'",
    use: "const log = once('log', () => pino(pino.transport({ target: 'pino/file', options: { destination: '/dev/null' } }))); log.info('x'); return new Promise((resolve, reject) => log.flush(error => error ? reject(error) : resolve('flushed')))",
  },
  {
    name: 'tsx',
    load: '',
    use: "return (await import('./typed.ts?' + Math.random())).value",
    execArgv: ['--import', 'tsx'],
    files: { 'typed.ts': 'export const value: number = 1' },
  },
  {
    name: '@swc-node/register',
    also: ['typescript', '@swc/core'],
    load: '',
    use: "return (await import('./typed.ts?' + Math.random())).value",
    execArgv: ['--import', '@swc-node/register/esm-register'],
    files: { 'typed.ts': 'export const value: number = 1' },
  },
  {
    name: 'esbuild',
    load: "import * as esbuild from 'esbuild'",
    use: "return (await esbuild.transform('let a: number = 1', { loader: 'ts' })).code",
  },
  {
    name: '@swc/core',
    load: "import swc from '@swc/core'",
    use: "return (await swc.transform('let a: number = 1', { jsc: { parser: { syntax: 'typescript' } } })).code",
  },
  {
    name: 'rolldown',
    load: "import { rolldown } from 'rolldown'",
    use: "const bundle = await rolldown({ input: new URL('./entry.js', import.meta.url).pathname }); const { output } = await bundle.generate({}); await bundle.close(); return output[0].code",
    files: { 'entry.js': 'export const a = 1' },
  },
  {
    name: 'rollup',
    load: "import { rollup } from 'rollup'",
    use: "const bundle = await rollup({ input: new URL('./entry.js', import.meta.url).pathname }); return (await bundle.generate({ format: 'es' })).output[0].code",
    files: { 'entry.js': 'export const a = 1' },
  },
  {
    name: '@rspack/core',
    load: "import { rspack } from '@rspack/core'",
    use: "return new Promise((resolve, reject) => rspack({ mode: 'production', entry: new URL('./entry.js', import.meta.url).pathname, output: { path: new URL('./out-' + process.pid, import.meta.url).pathname } }, (error, stats) => error ? reject(error) : resolve(stats.hasErrors())))",
    files: { 'entry.js': 'console.log(1)' },
  },
  {
    name: 'oxc-parser',
    load: "import { parse } from 'oxc-parser'",
    use: "return (await parse('a.js', 'let a = 1')).program.body.length",
  },
  {
    name: 'lightningcss',
    load: "import { bundleAsync } from 'lightningcss'",
    use: "return (await bundleAsync({ filename: new URL('./a.css', import.meta.url).pathname, minify: true })).code.toString()",
    files: { 'a.css': 'a { color: red }' },
  },
  {
    name: '@tailwindcss/oxide',
    load: "import { Scanner } from '@tailwindcss/oxide'",
    use: "return new Scanner({ sources: [{ base: new URL('./pages', import.meta.url).pathname, pattern: '**/*', negated: false }] }).scan()",
    files: { 'pages/a.html': '<p class="flex">', 'pages/b.html': '<p class="grid">' },
  },
  {
    name: 'sass-embedded',
    load: "import * as sass from 'sass-embedded'",
    use: "const compiler = await once('compiler', () => sass.initAsyncCompiler()); return (await compiler.compileStringAsync('a { b { c: 1 + 1 } }')).css",
  },
  {
    name: 'piscina',
    load: "import { Piscina } from 'piscina'",
    use: "return once('pool', () => new Piscina({ filename: new URL('./task.cjs', import.meta.url).href, maxThreads: 2 })).run(21)",
    files: TASK,
  },
  {
    name: 'tinypool',
    load: "import { Tinypool } from 'tinypool'",
    use: "return once('pool', () => new Tinypool({ filename: new URL('./task.cjs', import.meta.url).href, maxThreads: 2 })).run(21)",
    files: TASK,
  },
  {
    name: 'workerpool',
    load: "import workerpool from 'workerpool'",
    use: "return once('pool', () => workerpool.pool({ workerType: 'thread', maxWorkers: 2 })).exec(number => 2 * number, [21])",
  },
  {
    name: 'jest-worker',
    load: "import { Worker } from 'jest-worker'",
    use: "return once('pool', () => new Worker(new URL('./double.cjs', import.meta.url).pathname, { enableWorkerThreads: true, numWorkers: 2, exposedMethods: ['double'] })).double(21)",
    files: { 'double.cjs': 'exports.double = number => 2 * number' },
  },
  {
    name: 'poolifier',
    load: "import { DynamicThreadPool } from 'poolifier'",
    use: "return once('pool', () => new DynamicThreadPool(1, 2, new URL('./worker.js', import.meta.url).pathname)).execute(21)",
    files: {
      'worker.js': "import { ThreadWorker } from 'poolifier'\nexport default new ThreadWorker(number => 2 * number)",
    },
  },
  {
    name: 'synckit',
    load: "import { createSyncFn } from 'synckit'",
    use: "return once('call', () => createSyncFn(new URL('./worker.js', import.meta.url).href))(21)",
    files: { 'worker.js': "import { runAsWorker } from 'synckit'\nrunAsWorker(async number => 2 * number)" },
  },
  {
    name: 'make-synchronous',
    load: "import makeSynchronous from 'make-synchronous'",
    use: 'return makeSynchronous(async number => 2 * number)(21)',
  },
  {
    name: 'undici',
    load: "import { Agent, request } from 'undici'",
    use: "const { body } = await request(server, { dispatcher: once('agent', () => new Agent()) }); return body.text()",
  },
  {
    name: 'axios',
    load: "import axios from 'axios'; import { Agent } from 'node:http'",
    use: "return (await axios.get(server, { httpAgent: once('agent', () => new Agent({ keepAlive: true })) })).data",
  },
  {
    name: 'got',
    load: "import got from 'got'; import { Agent } from 'node:http'",
    use: "return got(server, { agent: { http: once('agent', () => new Agent({ keepAlive: true })) } }).text()",
  },
  {
    name: 'ioredis',
    load: "import { Redis } from 'ioredis'",
    use: "return once('redis', () => new Redis(port, { enableReadyCheck: false, disableClientInfo: true })).ping()",
  },
  {
    name: 'bcrypt',
    load: "import bcrypt from 'bcrypt'",
    use: "return bcrypt.compare('a', await bcrypt.hash('a', 4))",
  },
  {
    name: 'argon2',
    load: "import argon2 from 'argon2'",
    use: "return argon2.verify(await argon2.hash('a', { timeCost: 2, memoryCost: 1024 }), 'a')",
  },
  {
    name: '@node-rs/argon2',
    load: "import { hash, verify } from '@node-rs/argon2'",
    use: "return verify(await hash('a'), 'a')",
  },
  {
    name: '@node-rs/bcrypt',
    load: "import { hash, verify } from '@node-rs/bcrypt'",
    use: "return verify('a', await hash('a', { cost: 4 }))",
  },
  {
    name: 'better-sqlite3',
    load: "import Database from 'better-sqlite3'",
    use: "return once('db', () => new Database(':memory:')).prepare('select 1 as one').get().one",
  },
  {
    name: 'sqlite3',
    load: "import sqlite3 from 'sqlite3'",
    use: "const db = once('db', () => new sqlite3.Database(':memory:')); return new Promise((resolve, reject) => db.get('select 1 as one', (error, row) => error ? reject(error) : resolve(row.one)))",
  },
  {
    name: 'libsql',
    load: "import Database from 'libsql'",
    use: "return once('db', () => new Database(':memory:')).prepare('select 1 as one').get().one",
  },
  {
    name: '@libsql/client',
    load: "import { createClient } from '@libsql/client'",
    use: "return (await once('db', () => createClient({ url: ':memory:' })).execute('select 1 as one')).rows[0].one",
  },
  {
    name: '@duckdb/node-api',
    load: "import { DuckDBInstance } from '@duckdb/node-api'",
    use: "const instance = await once('db', () => DuckDBInstance.create(':memory:')); const connection = await instance.connect(); return String((await connection.runAndReadAll('select sum(i) from range(100000) t(i)')).getRows())",
  },
  {
    name: 'lmdb',
    load: "import { open } from 'lmdb'",
    use: "const db = once('db', () => open({ path: data })); await db.put('a', 1); return db.get('a')",
  },
  {
    name: 'classic-level',
    load: "import { ClassicLevel } from 'classic-level'",
    use: "const db = once('db', () => new ClassicLevel(data)); await db.put('a', '1'); return db.get('a')",
  },
  {
    name: '@lancedb/lancedb',
    also: ['apache-arrow@18'],
    load: "import * as lancedb from '@lancedb/lancedb'",
    use: "const db = await once('db', () => lancedb.connect(data)); return db.tableNames()",
  },
  {
    name: 'nodejs-polars',
    load: "import pl from 'nodejs-polars'",
    use: "return pl.DataFrame({ a: [3, 1, 2] }).sort('a').toRecords()",
  },
  {
    name: 'onnxruntime-node',
    load: "import ort from 'onnxruntime-node'",
    use: `const field = (number, bytes) => [8 * number + 2, bytes.length, ...bytes]
      const text = (number, value) => field(number, Buffer.from(value))
      const value = name => [...text(1, name), ...field(2, field(1, [8, 1, ...field(2, field(1, [8, 4]))]))]
      const node = [...text(1, 'x'), ...text(2, 'y'), ...text(4, 'Abs')]
      const graph = [...field(1, node), ...text(2, 'g'), ...field(11, value('x')), ...field(12, value('y'))]
      const model = Uint8Array.from([8, 8, ...field(7, graph), ...field(8, [16, 13])])
      const session = await once('session', () => ort.InferenceSession.create(model))
      const { y } = await session.run({ x: new ort.Tensor('float32', [-1, 2, -3, 4], [4]) })
      return [...y.data]`,
  },
  {
    name: '@napi-rs/canvas',
    load: "import { createCanvas } from '@napi-rs/canvas'",
    use: "const canvas = createCanvas(64, 64); canvas.getContext('2d').fillRect(0, 0, 9, 9); return (await canvas.encode('png')).length",
  },
  {
    name: 'canvas',
    load: "import { createCanvas } from 'canvas'",
    use: 'return new Promise((resolve, reject) => createCanvas(64, 64).toBuffer((error, bytes) => error ? reject(error) : resolve(bytes.length)))',
  },
  {
    name: '@napi-rs/image',
    load: "import { Transformer } from '@napi-rs/image'",
    use: 'return (await Transformer.fromRgbaPixels(new Uint8Array(64 * 64 * 4), 64, 64).png()).length',
  },
  {
    name: '@resvg/resvg-js',
    load: "import { renderAsync } from '@resvg/resvg-js'",
    use: 'return (await renderAsync(\'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>\')).width',
  },
  {
    name: 'wasm-vips',
    load: "import Vips from 'wasm-vips'",
    use: "const vips = await once('vips', () => Vips()); return vips.Image.black(9, 9).writeToBuffer('.png').length > 0",
  },
  {
    name: 'snappy',
    load: "import { compress, uncompress } from 'snappy'",
    use: "return String(await uncompress(await compress(Buffer.from('abc'))))",
  },
  {
    name: 'zeromq',
    load: "import * as zmq from 'zeromq'",
    use: "const push = new zmq.Push(); const pull = new zmq.Pull(); await push.bind('tcp://127.0.0.1:*'); pull.connect(push.lastEndpoint); await push.send('x'); const [message] = await pull.receive(); push.close(); pull.close(); return String(message)",
  },
  {
    name: 'node-rdkafka',
    load: "import kafka from 'node-rdkafka'",
    use: "once('producer', () => new kafka.Producer({ 'metadata.broker.list': '127.0.0.1:1' })); return kafka.features.length > 0",
  },
  {
    name: '@roamhq/wrtc',
    load: "import wrtc from '@roamhq/wrtc'",
    use: "const connection = new wrtc.RTCPeerConnection(); connection.createDataChannel('x'); const { type } = await connection.createOffer(); connection.close(); return type",
  },
  {
    name: 'aws-crt',
    load: "import { checksums, io } from 'aws-crt'",
    use: "once('bootstrap', () => new io.ClientBootstrap()); return checksums.crc32(Buffer.from('abc'))",
  },
  {
    name: '@parcel/watcher',
    load: "import watcher from '@parcel/watcher'",
    use: "await once('subscription', () => watcher.subscribe(new URL('.', import.meta.url).pathname, () => {})); return 'subscribed'",
  },
  {
    name: 'chokidar',
    load: "import { watch } from 'chokidar'",
    use: "const watcher = once('watcher', () => watch(new URL('./watched', import.meta.url).pathname)); return Object.keys(watcher.getWatched()).length >= 0",
    files: { 'watched/a.txt': 'a' },
  },
  {
    name: '@datadog/pprof',
    load: "import { time } from '@datadog/pprof'",
    use: 'if (!time.isStarted()) time.start({ intervalMicros: 1000 }); return time.stop().sample.length >= 0',
  },
  {
    name: 'dd-trace',
    load: "import tracer from 'dd-trace'",
    use: "once('tracer', () => tracer.init({ startupLogs: false, port: 1 })).startSpan('x').finish(); return 'traced'",
  },
]
