// The library at work, with nothing of any runtime.
export async function flow({ AuthorizationServer, MemoryStore }) {
  const issuer = 'https://id.example.com'
  const server = new AuthorizationServer({ issuer, store: new MemoryStore(), accessTokenFormat: 'jwt' })
  const client = await server.clients.create({ grant_types: ['client_credentials'], scope: 'read' })
  const post = async (path, params) => {
    const headers = { authorization: `Basic ${btoa(`${client.client_id}:${client.client_secret}`)}` }
    const response = await server.handle(new Request(issuer + path, { method: 'POST', headers, body: new URLSearchParams(params) }))
    return response.json()
  }
  const { access_token } = await post('/token', { grant_type: 'client_credentials' })
  const { active, scope } = await post('/introspect', { token: access_token })
  const { keys } = await (await server.handle(new Request(`${issuer}/jwks`))).json()
  return `${access_token.split('.').length} parts, active ${active}, scope ${scope}, ${keys[0].alg}`
}
