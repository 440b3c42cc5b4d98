// The rows of the table: a condition, what is expected there, and the command that runs the program under it.
import { cpSync, existsSync, mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { install, nodeOf, succeeds, top } from '../tools.js'
import { buildApplication, bundle, compileFilter } from './project.js'

const node = process.execPath
const unshare = ['unshare', '--fork', '--kill-child']
const makesNamespaces = () => succeeds('unshare', '--mount', '--pid', '--fork', 'true')
const hasFilter = () => succeeds('cc', '--version')
const jemalloc = `/usr/lib/${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux-gnu/libjemalloc.so.2`
const simulate = code => ['--import', `data:text/javascript,${encodeURIComponent(code)}`]

/**
 * `expected` is `'fork'` (real forks), `'exec'` (fresh processes and a warning), or the code of an error. `command` returns
 * the command that runs the program in a folder, and options. `needs` returns whether this machine can do it. A row with a
 * `job` runs only in that job of .github/workflows/ci.yml.
 */
export const rows = [
  ...[20, 22, 24, 26].map(major => ({
    platform: `Linux, glibc, Node ${major}`,
    expected: 'fork',
    command: folder => [[nodeOf(major), 'main.mjs'], { cwd: folder }],
  })),
  { platform: 'Linux with the oldest glibc, 2.28: the symbols of the prebuilt addons', job: 'prebuilds' },
  { platform: 'Linux with musl (Alpine)', job: 'alpine' },
  { platform: 'Linux on arm64', job: 'arm64' },
  { platform: 'macOS, arm64 and x64', job: 'macos' },
  { platform: 'npm 10, 11, and 12, pnpm, yarn (node_modules and PnP), bun install', job: 'dry-release' },
  {
    platform: 'Windows (simulated by process.platform)',
    expected: 'ERR_UNSUPPORTED_PLATFORM',
    command: folder => [
      [node, ...simulate("Object.defineProperty(process, 'platform', { value: 'win32' })"), 'main.mjs'],
      { cwd: folder },
    ],
  },
  {
    platform: 'Bun',
    expected: 'ERR_UNSUPPORTED_RUNTIME',
    command: folder => [[join(install('bun@1', { scripts: true }), 'bin/bun.exe'), 'main.mjs'], { cwd: folder }],
  },
  {
    platform: 'Deno',
    expected: 'ERR_UNSUPPORTED_RUNTIME',
    command: folder => [
      [
        join(install('deno@2', { scripts: true }), 'deno'),
        'run',
        '--allow-all',
        '--node-modules-dir=manual',
        'main.mjs',
      ],
      { cwd: folder, env: { DENO_NO_UPDATE_CHECK: '1', NO_COLOR: '1' } },
    ],
  },
  {
    platform: 'a path with spaces, ü, and 日本',
    expected: 'fork',
    command: folder => {
      const other = join(folder, 'mit Leerzeichen, ü, 日本')
      mkdirSync(other)
      for (const file of ['main.mjs', 'worker.mjs']) cpSync(join(folder, file), join(other, file))
      return [[node, 'main.mjs'], { cwd: other }]
    },
  },
  ...['esbuild', 'rollup', 'rolldown'].map(bundler => ({
    platform: `${bundler}, @anyfork/* external`,
    expected: 'fork',
    command: folder => [[node, bundle(folder, bundler, true)], { cwd: folder }],
  })),
  {
    platform: 'ncc, @anyfork/* external',
    expected: 'fork',
    command: folder => {
      const file = bundle(folder, 'ncc', true)
      cpSync(join(folder, 'worker.mjs'), join(dirname(file), 'worker.mjs'))
      return [[node, file], { cwd: folder }]
    },
  },
  ...['esbuild', 'rolldown', 'ncc'].map(bundler => ({
    platform: `${bundler}, all in one file`,
    expected: 'ERR_BUNDLED',
    command: folder => [[node, bundle(folder, bundler, false)], { cwd: folder }],
  })),
  {
    platform: 'a single executable application',
    expected: 'ERR_NO_INTERPRETER',
    command: folder => [[buildApplication(folder, nodeOf(26))], { cwd: folder }],
  },
  {
    platform: 'a single executable application, execPath: node',
    expected: 'fork',
    command: folder => [[buildApplication(folder, nodeOf(26), nodeOf(26))], { cwd: folder }],
  },
  {
    platform: 'pkg (simulated by process.pkg)',
    expected: 'ERR_NO_INTERPRETER',
    command: folder => [[node, ...simulate('process.pkg = {}'), 'main.mjs'], { cwd: folder }],
  },
  ...[20, 26].map(major => ({
    platform: `--permission, everything needed allowed, Node ${major}`,
    expected: 'fork',
    command: folder => [[nodeOf(major), ...permissions(folder, major), 'main.mjs'], { cwd: folder }],
  })),
  {
    platform: '--permission, /proc not allowed',
    expected: 'exec',
    command: folder => [
      [nodeOf(26), ...permissions(folder, 26).filter(flag => !flag.includes('/proc')), 'main.mjs'],
      { cwd: folder },
    ],
  },
  { platform: '--frozen-intrinsics', expected: 'exec', command: withFlags('--frozen-intrinsics') },
  { platform: '--no-addons', expected: 'ERR_ADDON_NOT_ALLOWED', command: withFlags('--no-addons') },
  { platform: '--jitless --no-opt', expected: 'fork', command: withFlags('--jitless', '--no-opt') },
  { platform: 'a heap of 32 MiB', expected: 'fork', command: withFlags('--max-old-space-size=32') },
  { platform: '--import tsx', expected: 'fork', command: withFlags('--import', 'tsx') },
  {
    platform: 'jemalloc preloaded',
    expected: 'fork',
    needs: () => existsSync(jemalloc) || 'jemalloc is not installed',
    command: folder => [[node, 'main.mjs'], { cwd: folder, env: { LD_PRELOAD: jemalloc } }],
  },
  {
    platform: 'no_new_privs, the user nobody, no capabilities',
    expected: 'fork',
    needs: () => succeeds('setpriv', '--reuid=65534', '--clear-groups', 'true') || 'only root may change the user',
    command: folder => [
      ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '--no-new-privs', node, 'main.mjs'],
      { cwd: folder },
    ],
  },
  ...namespaces(),
  {
    platform: 'seccomp: waitid refused (ENOSYS)',
    expected: 'exec',
    needs: () => hasFilter() || 'there is no C compiler',
    command: folder => [[compileFilter(folder), 'ENOSYS', 'waitid', '--', node, 'main.mjs'], { cwd: folder }],
  },
  ...['ENOSYS', 'EPERM'].map(error => ({
    platform: `seccomp: pidfds, memfd_create, prctl, prlimit64, fchmod, recvmmsg, … refused (${error})`,
    expected: 'fork',
    needs: () => hasFilter() || 'there is no C compiler',
    command: folder => [
      [
        ...[compileFilter(folder), error, 'pidfd_open', 'pidfd_send_signal', 'memfd_create', 'prctl', 'prlimit64'],
        ...['fchmod', 'accept4', 'dup3', 'close_range', 'sendmmsg', 'recvmmsg', '--', node, 'main.mjs'],
      ],
      { cwd: folder },
    ],
  })),
  {
    platform: 'no prebuilt addon fits, and none is compiled (simulated by LIBC)',
    expected: 'ERR_ADDON_NOT_FOUND',
    command: folder => [[node, 'main.mjs'], { cwd: folder, env: { LIBC: 'unknown', PREBUILDS_ONLY: '1' } }],
  },
]

function withFlags(...flags) {
  return folder => [[node, ...flags, 'main.mjs'], { cwd: folder }]
}

/** The flags that the README of @anyfork/fork lists. */
function permissions(folder, major) {
  return [
    major < 24 ? '--experimental-permission' : '--permission',
    ...['--allow-addons', '--allow-child-process', '--allow-fs-read=/etc/alpine-release', '--allow-fs-read=/proc/'],
    ...[dirname(folder), top].map(path => `--allow-fs-read=${join(path, '/')}`),
  ]
}

/** What containers do. Each command is the first process of a pid namespace, or sees other mounts. */
function namespaces() {
  const inShell = script => ['sh', '-c', `${script} && exec "$0" "$@"`]
  const conditions = [
    ['no /proc', 'ERR_NO_PROC', ['unshare', '--mount', ...inShell('mount -t tmpfs none /proc')]],
    ['the /proc of another pid namespace', 'exec', [...unshare, '--pid']],
    ['the first process of a pid namespace', 'fork', [...unshare, '--pid', '--mount-proc']],
    ['hidepid=2', 'fork', [...unshare, '--pid', '--mount', ...inShell('mount -t proc -o hidepid=2 proc /proc')]],
    [
      'like a container: namespaces of its own for users, pids, mounts, network, IPC, and cgroups',
      'fork',
      [...unshare, '--user', '--map-root-user', '--pid', '--mount-proc', '--net', '--ipc', '--uts', '--cgroup'],
    ],
    [
      'read-only root and /tmp',
      'fork',
      [
        'unshare',
        '--mount',
        ...inShell(
          'mount --bind / /mnt && mount -o remount,ro,bind /mnt && mount -t proc proc /mnt/proc && mount --bind /dev /mnt/dev',
        ),
        'chroot',
        '/mnt',
        ...inShell('cd "$FOLDER" && ! touch file 2> /dev/null'),
      ],
    ],
  ]
  return conditions.map(([platform, expected, command]) => ({
    platform,
    expected,
    needs: () => makesNamespaces() || 'only root may make namespaces',
    command: folder => [[...command, node, 'main.mjs'], { cwd: folder, env: { FOLDER: folder } }],
  }))
}
