/**
 * The program of a remote process. It has no dependencies but Node: the bundler makes one file of it, which the owner sends
 * over the connection.
 */
import { bindContext, checkArgument, describeValue, isUrl, systemError } from '@anyfork/fdpass/internal'
import { loadFunction, loadModule, lookUpByDefaultFrom } from '../child/modules.js'
import * as errorCodec from '../error-codec.js'
import { resolveSpecifier } from '../module-specifier.js'
import { clone } from '../protocol/clone.js'
import { setMemoryPolicy } from '../safety/memory-policy.js'
import * as fdpass from './fdpass.js'
import { ProvidedModules } from './provided-modules.js'
import { RemoteOrderServer } from './remote-order-server.js'
import { takeStandardStreams } from './standard-streams.js'

const noHook = (): (() => void) => () => {}

/** What the code of sister packages that is sent here may require. */
const modules = new ProvidedModules({
  '@anyfork/fdpass': { ...fdpass },
  '@anyfork/fdpass/internal': {
    bindContext,
    checkArgument,
    describeValue,
    isHandle: (value: unknown) => value instanceof fdpass.Descriptor,
    isUrl,
    MOST_RECEIVED: fdpass.MAX_DESCRIPTORS,
    systemError,
  },
  '@anyfork/fork/internal/clone': { clone },
  '@anyfork/fork/internal/error-codec': { ...errorCodec },
  '@anyfork/fork/internal/child': {
    afterFork: noHook,
    beforeFork: noHook,
    bytesInStatus: () => 0,
    closeAtThreadEnd: noHook,
    growthToReduce: () => undefined,
    hasUnwrittenOutput: () => process.stderr.writableLength > 0,
    loadFunction,
    loadModule,
    outputWritten: () => new Promise<void>(resolve => process.stderr.write('', () => resolve())),
    reduceMemory: () => {},
    resolveSpecifier,
    setMemoryPolicy,
  },
})

lookUpByDefaultFrom(() => process.cwd())
new RemoteOrderServer(takeStandardStreams(), modules)
setImmediate(() => {
  // `node -e` makes these global.
  for (const name of ['require', 'module', 'exports', '__filename', '__dirname'])
    Reflect.deleteProperty(globalThis, name)
})
