import { expect, test } from 'vitest'
import { AuthorizationServer, MemoryStore } from '../src/index.ts'

test('client_credentials through handle', async () => {
  const server = new AuthorizationServer({ issuer: 'https://id.example.com', store: new MemoryStore() })
  const { client_id, client_secret } = await server.clients.create({ grant_types: ['client_credentials'], scope: 'read write' })
  const response = await server.handle(
    new Request('https://id.example.com/token', {
      method: 'POST',
      headers: { authorization: `Basic ${btoa(`${client_id}:${client_secret}`)}` },
      body: new URLSearchParams({ grant_type: 'client_credentials', scope: 'read' })
    })
  )
  const body = await response.json()
  expect(body).toMatchObject({ token_type: 'Bearer', scope: 'read' })
  console.log(body, response.headers)
  const meta = await server.handle(new Request('https://id.example.com/.well-known/oauth-authorization-server'))
  console.log(await meta.json())
})
