import grantor = require('grantor')

export const server: grantor.AuthorizationServer = new grantor.AuthorizationServer({
  issuer: 'https://id.example.com',
  store: new grantor.MemoryStore()
})
// @ts-expect-error the package has types here too: this is not one of its names
export type None = grantor.NoSuchType
