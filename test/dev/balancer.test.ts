import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import t, { type Test } from 'tap'
import { createBalancer } from '../../src/dev/balancer.ts'

/** What a socket sends until it ends its half: an async iterator would close ours as well. */
const read = async (socket: Socket) => {
  let heard = ''
  socket.on('data', (chunk) => {
    heard += chunk
  })
  await Promise.race([once(socket, 'end'), once(socket, 'close')])
  return heard
}

/** Reads to the end, then answers with its name and what it read: a client that is cut off early gets no answer. */
async function target(t: Test, name: string, port = 0): Promise<{ port: number; server: Server }> {
  const server = createServer({ allowHalfOpen: true }, async (socket) => socket.end(`${name} ${await read(socket)}`))
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  return { server, port: (server.address() as AddressInfo).port }
}

const ask = async (port: number) => {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  socket.end('hello')
  return read(socket)
}

t.test('takes turns, passes a dead target over and finds it again', async (t) => {
  const a = await target(t, 'a')
  const b = await target(t, 'b')
  const balancer = await createBalancer({ targets: [a.port, b.port], restMs: 0 })
  t.teardown(() => balancer.close())
  t.equal(balancer.url, `http://127.0.0.1:${balancer.port}`)
  t.same([await ask(balancer.port), await ask(balancer.port)], ['a hello', 'b hello'])
  b.server.close()
  await once(b.server, 'close')
  t.same([await ask(balancer.port), await ask(balancer.port)], ['a hello', 'a hello'])
  await target(t, 'b again', b.port)
  t.same([await ask(balancer.port), await ask(balancer.port)], ['a hello', 'b again hello'])
})

t.test('drops the connection when every target refuses, and all of them on close', async (t) => {
  const { port, server } = await target(t, 'a')
  const balancer = await createBalancer({ targets: [port] })
  t.teardown(() => balancer.close())
  const idle = connect(balancer.port, '127.0.0.1')
  await once(server, 'connection')
  server.close()
  t.equal(await ask(balancer.port).catch(() => ''), '')
  idle.on('error', () => {})
  const closed = new Promise((resolve) => idle.on('close', resolve))
  await balancer.close()
  await closed
  await balancer.close()
})

t.test('loses answers: what was asked is heard, and nothing comes back', async (t) => {
  const heard: string[] = []
  const server = createServer((socket) =>
    socket.on('data', (chunk) => socket.write(`re: ${heard.push(String(chunk))}`)),
  )
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const balancer = await createBalancer({ targets: [(server.address() as AddressInfo).port] })
  t.teardown(balancer.close)
  const client = connect(balancer.port, '127.0.0.1')
  const answers: string[] = []
  client.on('data', (chunk) => answers.push(String(chunk)))
  client.on('error', () => {})
  client.write('first')
  await once(client, 'data')
  const lost = balancer.loseAnswers(100)
  client.write('second')
  await Promise.all([lost, once(client, 'close')])
  t.same(heard, ['first', 'second'])
  t.same(answers, ['re: 1'])
})
