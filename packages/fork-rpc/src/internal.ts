/**
 * The parts of this package that @anyfork/fork-pool uses, and those that tests feed with random bytes. Not a documented API:
 * it may change in any release.
 */

export { withAsyncStack } from './caller/async-stack.js'
export { CallPromise } from './caller/call-promise.js'
export { forgetAbort, onceAborted } from './caller/cancellation.js'
export type { SentAhead } from './caller/requests.js'
export { TAKEN_BACK } from './caller/shared-page.js'
export { isRemoteName, likeAnObject } from './connect.js'
export { type EncodedRpc, openEncodedRpc } from './encoded-rpc.js'
export { checkRpcOptions } from './options.js'
export { RemoteIterable } from './streams/remote-iterable.js'
export { closeDescriptors, dropDescriptors } from './values/discard.js'
export type { EncodedRequest } from './values/encoded-request.js'
export { RequestEncoder } from './values/request-encoder.js'
export { codecOf } from './values/serialiser.js'
export { acceptedFromCaller, acceptedFromProcess } from './wire/frame.js'
export { FrameReader } from './wire/frame-reader.js'
export { MAX_MESSAGE_BYTES } from './wire/serve-settings.js'
