import { AuthorizationServer, type HttpRequest, MemoryStore, type Store } from 'grantor'
import { oauth21 } from 'grantor/presets'
import { storeContract } from 'grantor/stores/contract'

const store: Store = new MemoryStore()
export const server: AuthorizationServer = new AuthorizationServer({ issuer: 'https://id.example.com', store })
export const preset: AuthorizationServer = new AuthorizationServer({ ...oauth21(), issuer: 'https://id.example.com', store })
export const answer: Promise<Response> = server.handle(new Request('https://id.example.com/jwks'))
export const method = (request: HttpRequest): string => request.method
export const tests: readonly { name: string }[] = storeContract(async () => ({ store, close: async () => {} }))
// @ts-expect-error an unknown setting is a compile error
export const misspelt = new AuthorizationServer({ issuer: 'https://id.example.com', store, acessTokenLifetime: 60 })
// @ts-expect-error a lifetime is a number of seconds
export const mistyped = new AuthorizationServer({ issuer: 'https://id.example.com', store, accessTokenLifetime: '1h' })
