import { once } from 'node:events'
import { createServer } from 'node:http'
import { buffer } from 'node:stream/consumers'

/** When everything was published: package managers refuse what is new. */
const PAST = '2020-01-01T00:00:00.000Z'

/**
 * Starts a registry for one scope, in memory, on the loopback interface: as much of npm's protocol as publishing and
 * installing take. Clients get all other packages from their usual registry.
 *
 * @returns its `url`, the names of the `packages` that were published, and `close`
 */
export async function startRegistry() {
  const packuments = new Map()
  const tarballs = new Map()
  const server = createServer((request, response) => {
    answer(request).then(
      ([status, body]) => response.writeHead(status, { 'content-type': 'application/json' }).end(body),
      error => response.writeHead(500).end(JSON.stringify({ error: error.message })),
    )
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const url = `http://127.0.0.1:${server.address().port}/`

  async function answer(request) {
    const path = decodeURIComponent(new URL(request.url, url).pathname.slice(1))
    if (request.method === 'PUT') return publish(path, JSON.parse(await buffer(request)))
    if (path === '-/whoami') return [200, JSON.stringify({ username: 'local' })]
    if (tarballs.has(path)) return [200, tarballs.get(path)]
    if (packuments.has(path)) return [200, JSON.stringify(packuments.get(path))]
    return [404, JSON.stringify({ error: `there is no ${path}` })]
  }

  function publish(name, { _attachments: attachments, ...packument }) {
    for (const [file, { data }] of Object.entries(attachments))
      tarballs.set(`${name}/-/${file}`, Buffer.from(data, 'base64'))
    for (const { version, dist } of Object.values(packument.versions))
      dist.tarball = `${url}${name}/-/${Object.keys(attachments).find(file => file.endsWith(`-${version}.tgz`))}`
    const time = Object.fromEntries(['created', 'modified', ...Object.keys(packument.versions)].map(key => [key, PAST]))
    packuments.set(name, { ...packument, time })
    return [201, JSON.stringify({ ok: true })]
  }

  return {
    url,
    get packages() {
      return [...packuments.keys()]
    },
    close() {
      server.closeAllConnections()
      server.close()
    },
  }
}
