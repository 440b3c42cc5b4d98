/** The codes of `PasserError`. The README says what each one means and what to do. */
export type PasserErrorCode = 'ERR_PASSER_CLOSED' | 'ERR_PASSER_ENDED'

/** The error of this package for descriptors that will never be sent or received. */
export class PasserError extends Error {
  /** `'ERR_PASSER_CLOSED'` if this end was closed, `'ERR_PASSER_ENDED'` if the peer has closed its end. */
  readonly code: PasserErrorCode

  constructor(code: PasserErrorCode, message: string) {
    super(message)
    this.name = 'PasserError'
    this.code = code
  }
}
