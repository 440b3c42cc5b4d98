/** What the sister packages share with this one. Not part of the documented API: it may change in any release. */
export { bindContext } from './async-context.js'
export { callSafely } from './call-safely.js'
export {
  aBoolean,
  aFunction,
  aName,
  aNumber,
  anAbortSignal,
  anInteger,
  anObject,
  anything,
  checkArgument,
  checkOptions,
  describeValue,
  type Expectation,
  type Expectations,
  isUrl,
  oneOf,
} from './check-options.js'
export { descriptorNumber, isHandle } from './handle.js'
export { forgetDescriptor, keepDescriptor, keepOpened } from './kept-descriptors.js'
export { MOST_RECEIVED } from './most-received.js'
export { isLinux } from './platform.js'
export { setReceiveTimeout } from './receive-timeout.js'
export { passCredentials, peekSender, type Sender } from './sender.js'
export { mapSharedWords, type SharedWords, shareWords } from './shared-words.js'
export { checked, systemError } from './system-error.js'
