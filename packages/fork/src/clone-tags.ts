/** The tags with which values begin in the format of V8's structured clone (value-serializer.cc). */
export const Tag = {
  hole: 0x2d, // -
  undefined: 0x5f, // _
  null: 0x30, // 0
  true: 0x54, // T
  false: 0x46, // F
  trueObject: 0x79, // y
  falseObject: 0x78, // x
  int32: 0x49, // I
  uint32: 0x55, // U
  double: 0x4e, // N
  numberObject: 0x6e, // n
  date: 0x44, // D
  bigint: 0x5a, // Z
  bigintObject: 0x7a, // z
  utf8: 0x53, // S
  oneByte: 0x22, // "
  twoByte: 0x63, // c
  stringObject: 0x73, // s
  regExp: 0x52, // R
  reference: 0x5e, // ^
  objectCount: 0x3f, // ?
  arrayBuffer: 0x42, // B
  resizableBuffer: 0x7e, // ~
  view: 0x56, // V
  /** A typed array or a buffer, as Node writes it: its class, its length, its bytes. */
  hostObject: 0x5c, // \
  object: 0x6f, // o
  sparseArray: 0x61, // a
  denseArray: 0x41, // A
  map: 0x3b, // ;
  set: 0x27, // '
  error: 0x72, // r
} as const

/** The tags that end the parts of a value, and how many numbers follow each. */
export const Ending = {
  object: 0x7b, // {
  sparseArray: 0x40, // @
  denseArray: 0x24, // $
  map: 0x3a, // :
  set: 0x2c, // ,
} as const

/** The parts of an error. */
export const ErrorPart = {
  message: 0x6d, // m
  stack: 0x73, // s
  cause: 0x63, // c
  end: 0x2e, // .
} as const
/** The tags of the classes of errors. */
export const errorClasses: ReadonlySet<number> = new Set([...'ERFSTU'].map(initial => initial.charCodeAt(0)))
