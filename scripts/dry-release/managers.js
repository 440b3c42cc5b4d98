// How each package manager installs `@anyfork/fork-pool` into an empty project: the files that configure it, and its command.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { install } from '../tools.js'

/** The packages with install scripts, with that which cbor-x may use. */
const addons = ['@anyfork/fdpass', '@anyfork/fork', 'cbor-extract']
const all = value => Object.fromEntries(addons.map(name => [name, value]))
const npmrc = (registry, scripts) =>
  `@anyfork:registry=${registry}\nignore-scripts=${!scripts}\naudit=false\nfund=false\n`

/** Returns the script of a command that an npm package has, and the Nodes that it needs. */
function commandOf(specifier, name) {
  const folder = install(specifier)
  const { bin, engines } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  return { script: join(folder, typeof bin === 'string' ? bin : bin[name]), engines: engines?.node ?? '*' }
}

function npm(major) {
  return {
    name: `npm ${major}`,
    expected: 'fork',
    prepare: () => commandOf(`npm@${major}`, 'npm'),
    files: (registry, scripts) => ({ '.npmrc': npmrc(registry, scripts) }),
    manifest: scripts => ({ allowScripts: all(scripts) }), // since npm 11.10; npm 12 runs no others
    install: ({ script }, node) => [node, script, 'install'],
    run: (_command, node) => [node, 'main.mjs'],
  }
}

function yarn(linker, expected) {
  return {
    name: `yarn 4, ${linker}`,
    expected,
    prepare: () => commandOf('@yarnpkg/cli-dist@4', 'yarn'),
    files: (registry, scripts) => ({
      '.yarnrc.yml': [
        ...[`nodeLinker: ${linker}`, `enableScripts: ${scripts}`, 'enableTelemetry: false'],
        'globalFolder: ../yarn', // the usual one keeps what earlier registries at this address have said
        'npmRegistryServer: "https://registry.npmjs.org"',
        'unsafeHttpWhitelist: ["127.0.0.1"]',
        `npmScopes: { anyfork: { npmRegistryServer: "${registry}" } }`,
        '',
      ].join('\n'),
      'yarn.lock': '',
    }),
    manifest: scripts => ({
      dependenciesMeta: all({ built: scripts }),
      // yarn also looks up what other systems need; mirrors of the registry lack that for the newest version of this one
      resolutions: { 'cbor-extract': '2.2.2' },
    }),
    install: ({ script }, node) => [node, script, 'install', '--no-immutable'],
    run: ({ script }, node) => (linker === 'pnp' ? [node, script, 'node', 'main.mjs'] : [node, 'main.mjs']),
  }
}

function pnpm(major, file) {
  return {
    name: `pnpm ${major}`,
    expected: 'fork',
    prepare: () => {
      const { engines } = commandOf(`pnpm@${major}`, 'pnpm')
      return { script: join(install(`pnpm@${major}`), 'bin', file), engines }
    },
    files: (registry, scripts) => ({
      '.npmrc': npmrc(registry, scripts),
      'pnpm-workspace.yaml': [
        `ignoreScripts: ${!scripts}`,
        `onlyBuiltDependencies: ${JSON.stringify(scripts ? addons : [])}`, // until version 10
        'allowBuilds:', // since version 11
        ...addons.map(name => `  '${name}': ${scripts}`),
        '',
      ].join('\n'),
    }),
    manifest: () => ({}),
    install: ({ script }, node) => [node, script, 'install', '--no-frozen-lockfile'],
    run: (_command, node) => [node, 'main.mjs'],
  }
}

export const managers = [
  ...[10, 11, 12].map(npm),
  pnpm(10, 'pnpm.cjs'),
  pnpm(12, 'pnpm.mjs'),
  yarn('node-modules', 'fork'),
  yarn('pnp', 'fork'),
  {
    name: 'bun',
    expected: 'fork',
    prepare: () => ({ script: join(install('bun@1', { scripts: true }), 'bin/bun.exe'), engines: '*' }),
    files: registry => ({ 'bunfig.toml': `[install.scopes]\n"@anyfork" = "${registry}"\n` }),
    manifest: scripts => ({ trustedDependencies: scripts ? addons : [] }),
    install: ({ script }) => [script, 'install'],
    run: (_command, node) => [node, 'main.mjs'],
  },
]
