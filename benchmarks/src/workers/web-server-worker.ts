// A worker of node:cluster or PM2.
import makeServer from './web-server.js'

makeServer().listen(Number(process.env['PORT']), '127.0.0.1')
