import { expect, test } from 'vitest'
import { parseConfig } from '../src/index.ts'

const ISSUER = 'https://id.example.com'

test.each([
  [{ available: 'false' }, 'available is true or false'],
  [{ insecureIssuer: 'false' }, 'insecureIssuer is true or false'],
  [{ clockSkew: 'x' }, 'clockSkew is a whole number of seconds'],
  [{ signingAlgorithms: 'ES256' }, 'signingAlgorithms is a list'],
  [{ accessTokenLifetime: '3600' }, 'accessTokenLifetime is a whole number of seconds'],
  [{ paths: ['/token'] }, 'paths is an object'],
  [{ issuer: null }, 'issuer is a text'],
  [{ resources: [{ identifier: 'https://api.example.com', audience: 'x' }] }, 'there is no audience'],
  [{ dpop: { algorithms: ['HS256'] } }, /dpop: algorithms is a list, each entry of it one of ES256/],
  [{ dpop: { nonce: true } }, /nonce/],
  [{ tokenExchange: { allow: [{ client: 'gateway', from: 'shop' }] } }, /expected array/],
  [
    { tokenExchange: { allow: [{ client: 'gateway', from: [''] }] } },
    /tokenExchange: allow: rule 1: from is a list, each entry of it a text/
  ],
  [{ jwtBearer: { issuers: [{ issuer: 'https://a.example.com', clients: [] }] } }, /jwtBearer: issuer 1 has jwks or jwksUri/],
  [{ tokenExchange: { issuers: [{ issuer: 'https://a.example.com', jwksUri: 'http://a' }] } }, /jwksUri is an https URL/],
  [{ richAuthorizationRequests: { types: { a: {} } } }, /schema/],
  [{ richAuthorizationRequests: { types: { a: { schema: { $ref: 'https://example.com/schema' } } } } }, /\$ref/],
  [{ port: '80', clockSkew: 'x' }, /port[\s\S]*clockSkew is a whole number/]
])('%j is refused before anything is opened, each fault by its name', (settings, message) => {
  expect(() => parseConfig({ issuer: ISSUER, ...settings })).toThrow(message)
})

test('the settings reach the library as they were written', () => {
  expect(parseConfig({ issuer: ISSUER, clockSkew: 5 }).settings).toEqual({ issuer: ISSUER, clockSkew: 5 })
})
