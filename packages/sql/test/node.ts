// One process of an authorization server on the database that its first argument names; its parent sends requests over IPC.
import { openStore } from '../src/index.ts'
import { ISSUER, openServer } from './authorization-server.ts'

export interface NodeRequest {
  id: number
  path: string
  form?: Record<string, string>
}

export interface NodeResponse {
  id: number
  status: number
  location: string | null
  body: string
}

const [location = '', settings = '{}'] = process.argv.slice(2)
const server = openServer(await openStore(location), JSON.parse(settings))

process.on('message', async ({ id, path, form }: NodeRequest) => {
  const response = await server.handle(
    new Request(new URL(path, ISSUER), form ? { method: 'POST', body: new URLSearchParams(form) } : { method: 'GET' })
  )
  const answer: NodeResponse = { id, status: response.status, location: response.headers.get('location'), body: await response.text() }
  process.send?.(answer)
})
await server.ready()
process.send?.({ id: 0, status: 0, location: null, body: '' } satisfies NodeResponse)
