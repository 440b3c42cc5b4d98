// Tries packages that start threads or keep sockets, in forks with one thread and with all threads, and writes the table of
// docs/THREADS.md:
//
//     node scripts/thread-packages/run.js                 all packages
//     node scripts/thread-packages/run.js sharp pino      these; prints their rows, and writes nothing
//
// Installs each package in a folder of its own, without its install scripts: nothing is compiled. Needs the network for
// that, and the packages of this repository built. With the variable TRIED_FOLDER, the folders are kept there.

import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { packages } from './packages.js'

const DOCUMENT = new URL('../../docs/THREADS.md', import.meta.url)
const CERTIFICATES = '/etc/ssl/certs/ca-certificates.crt'
const [BEGIN, END] = ['<!-- table -->', '<!-- end of the table -->']
const MOST_TEXT = 160
/** Threads without a name have that of the process. */
const UNNAMED = /^(anyfork templat|node)$/

const folder = process.env.TRIED_FOLDER ?? mkdtempSync(join(tmpdir(), 'thread-packages-'))
const asked = process.argv.slice(2)

/** Runs a program, and returns its standard output; `undefined` if it fails. */
function run(file, args, options) {
  return new Promise(resolve => {
    const child = spawn(file, args, {
      ...options,
      stdio: ['ignore', 'pipe', 'ignore'],
      timeout: 300_000,
      killSignal: 'SIGKILL',
    })
    let stdout = ''
    child.stdout.on('data', bytes => (stdout += bytes))
    child.on('close', code => resolve(code === 0 ? stdout : undefined))
  })
}

/** Installs a package, and writes the module that uses it. Returns its folder. */
async function install({ name, also = [], load, use, files = {} }) {
  const place = join(folder, name.replaceAll('/', '-'))
  mkdirSync(place, { recursive: true })
  const write = (file, text) => {
    mkdirSync(dirname(join(place, file)), { recursive: true })
    writeFileSync(join(place, file), text)
  }
  if (!existsSync(join(place, 'node_modules', name))) {
    write('package.json', '{ "type": "module" }')
    const env = { ...process.env, ...(existsSync(CERTIFICATES) && { NODE_EXTRA_CA_CERTS: CERTIFICATES }) }
    await run('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', name, ...also], { cwd: place, env })
  }
  const module = `${load}
const kept = new Map()
const once = (name, make) => kept.get(name) ?? kept.set(name, make()).get(name)
const server = process.env.TRIED_SERVER
const data = process.env.TRIED_DATA
const port = Number(process.env.TRIED_PORT)
export async function use() {
  ${use}
}
`
  write('use.js', module)
  for (const [file, text] of Object.entries(files)) write(file, text)
  return place
}

function versionOf(place, name) {
  try {
    return JSON.parse(readFileSync(join(place, 'node_modules', name, 'package.json'), 'utf8')).version
  } catch {
    return undefined
  }
}

async function attempt(place, threads, { execArgv = [] }) {
  const script = new URL('./try.js', import.meta.url).pathname
  const output = await run(process.execPath, [script, join(place, 'use.js'), threads, JSON.stringify(execArgv)], {
    cwd: place,
  })
  return output === undefined ? { error: 'the attempt has failed' } : JSON.parse(output)
}

const shorten = text => text.replaceAll('|', '/').replaceAll(folder, '').slice(0, MOST_TEXT)

/** Describes how a fork has used the package. */
function cell(outcome, warnings = []) {
  if (outcome === undefined) return '–'
  if (outcome.error !== undefined) return `**fails**: ${shorten(outcome.error)}`
  if (outcome.mode === 'exec')
    return `fresh interpreter: ${shorten((outcome.obstacle ?? '').replace(/, (started|called) at .*/, ''))}`
  const shared = [
    ...new Set(warnings.map(({ topic, subject }) => (topic === 'process' ? `process \`${subject}\`` : topic))),
  ]
  return `works${shared.length ? `; warns: ${shared.join(', ')}` : ''}`
}

function row({ name }, version, one, all) {
  const named = [...new Set(one.foreign)].filter(thread => !UNNAMED.test(thread)).map(thread => `\`${thread}\``)
  const has = one.foreign?.length
    ? [one.foreign.length, named.slice(0, 3).join(', ')].filter(Boolean).join(': ')
    : 'none'
  const cells = [one, all].flatMap(report =>
    report.error === undefined
      ? [cell(report.loaded), `${cell(report.used, report.warnings)}${report.again ? '' : '; **not in the template**'}`]
      : [cell(report.loaded), `**fails**: ${shorten(report.error)}`],
  )
  return `| ${name} ${version} | ${has} | ${cells.join(' | ')} |`
}

const chosen = packages.filter(({ name }) => !asked.length || asked.includes(name))
const rows = []
/** How many packages a fork has used like their template. */
const works = { one: 0, all: 0 }
const isLikeTemplate = ({ used, error }) => error === undefined && used?.mode === 'fork' && used.error === undefined
const missing = []
for (const tried of chosen) {
  const place = await install(tried)
  const version = versionOf(place, tried.name)
  const one = version === undefined ? { error: 'is not installed' } : await attempt(place, 'one', tried)
  if (one.loaded === undefined) {
    missing.push(`${tried.name}: ${shorten(one.error)}`)
    console.log(`${tried.name} does not load: ${one.error}`)
    continue
  }
  const all = await attempt(place, 'all', tried)
  const line = row(tried, version, one, all)
  works.one += isLikeTemplate(one)
  works.all += isLikeTemplate(all)
  console.log(line)
  rows.push(line)
}
if (!asked.length) {
  const date = new Date().toISOString().slice(0, 10)
  const table = `Measured on ${date} with Node ${process.versions.node}, ${process.platform} ${process.arch}. After their first use, ${works.one} of
${rows.length} packages work in a fork with one thread, and ${works.all} in a fork with all threads.

| package | threads of its own | \`'one'\`, loaded | \`'one'\`, used | \`'all'\`, loaded | \`'all'\`, used |
|---|---|---|---|---|---|
${rows.join('\n')}

Not tried, because they do not load without an install script: ${missing.map(text => text.split(':')[0]).join(', ')}.`
  const text = readFileSync(DOCUMENT, 'utf8')
  const [before, after] = [text.slice(0, text.indexOf(BEGIN) + BEGIN.length), text.slice(text.indexOf(END))]
  writeFileSync(DOCUMENT, `${before}\n${table}\n${after}`)
}
if (process.env.TRIED_FOLDER === undefined) rmSync(folder, { recursive: true })
