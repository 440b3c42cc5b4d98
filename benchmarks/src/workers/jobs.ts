import { once } from 'node:events'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'

// Real work, in the form in which services do it. The first call loads the modules, unless the worker has loaded them when
// it started: every worker of every benchmark loads this file, and none should pay for modules that it does not use.

const require = createRequire(import.meta.url)

/**
 * Compiles a program of ten functions in TypeScript. It allocates, leaves garbage, and gets code compiled.
 *
 * @param number - up to 4 digits; makes the program differ from others of the same length
 * @returns the length of the JavaScript
 */
export function transpile(number: number): number {
  const name = `compute${fourDigits(number)}`
  const functions = Array.from(
    { length: 10 },
    (_, i) =>
      `export function ${name}_${i}<T extends number>(values: readonly T[], limit: T): number {
  const { length } = values.filter((value: T): boolean => value < limit)
  return values.map(value => ({ value, ratio: value / length })).reduce((sum, { ratio }) => sum + ratio, ${i})
}`,
  )
  typescript ??= require('typescript') as typeof import('typescript')
  return typescript.transpileModule(functions.join('\n'), {}).outputText.length
}

let typescript: typeof import('typescript') | undefined

/** How many requests one call of `answerRequests` makes. */
const REQUESTS = 20

/**
 * Makes requests to an Express application in the same worker, one after the other. Each response is a list of products
 * in JSON.
 *
 * @param number - up to 4 digits; makes the responses differ from others of the same length
 * @returns the length of the responses
 */
export async function answerRequests(number: number): Promise<number> {
  shop ??= openShop()
  const url = await shop
  let length = 0
  for (let request = 0; request < REQUESTS; request++) {
    const response = await fetch(`${url}/products/${fourDigits(number)}?from=${request}`)
    if (!response.ok) throw new Error(`the application has answered ${response.status}`)
    length += (await response.text()).length
  }
  return length
}

let shop: Promise<string> | undefined

/** Starts the application on a free port, and returns its address. */
async function openShop(): Promise<string> {
  const { createServer } = require('node:http') as typeof import('node:http')
  const express = require('express') as typeof import('express')
  const app = express()
  app.use(express.json())
  app.get('/products/:number', ({ params: { number }, query: { from } }, response) => {
    const products = Array.from({ length: 500 }, (_, id) => ({
      id: 1000 + id,
      name: `Product ${number}-${1000 + ((id * 7919) % 500)}`,
      price: 10 + ((id * 31) % 90),
      tags: ['red', 'green', 'blue'].filter((_, tag) => (id >> tag) & 1),
    }))
    const sorted = products.toSorted((a, b) => a.name.localeCompare(b.name))
    response.json({ from, products: sorted.slice(0, 100) })
  })
  const server = createServer(app).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const [WIDTH, HEIGHT] = [2000, 1500]

/**
 * Makes a preview of a photo of three megapixels.
 *
 * @returns the length of the JPEG
 */
export async function resizeImage(): Promise<number> {
  const sharp = require('sharp') as typeof import('sharp').default
  photo ??= sharp(gradient(), { raw: { width: WIDTH, height: HEIGHT, channels: 3 } })
    .jpeg({ quality: 95 })
    .toBuffer()
  const preview = await sharp(await photo)
    .rotate(90)
    .resize(640, 640, { fit: 'inside' })
    .sharpen()
    .jpeg()
    .toBuffer()
  return preview.length
}

let photo: Promise<Buffer> | undefined

/** Returns pixels whose colours change from one to the next. */
function gradient(): Buffer {
  const pixels = Buffer.alloc(WIDTH * HEIGHT * 3)
  for (let i = 0; i < pixels.length; i++) pixels[i] = (i * 7 + ((i / WIDTH) | 0)) % 256
  return pixels
}

function fourDigits(number: number): string {
  return `${number}`.padStart(4, '0')
}
