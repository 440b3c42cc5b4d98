// What @anyfork/fork-pool/child exports. Made by `npm run update --workspace @anyfork/reference`.

export { Done } from '@anyfork/fork-rpc'

export { PassedDescriptor } from '@anyfork/fork-rpc'

export { callSignal } from '@anyfork/fork-rpc'

export { event } from '@anyfork/fork-rpc'

export { fd } from '@anyfork/fork-rpc'

export { flush } from '@anyfork/fork-rpc'

export { isWorker } from '@anyfork/fork-rpc'

export declare function retire(): void;

export { withDone } from '@anyfork/fork-rpc'
