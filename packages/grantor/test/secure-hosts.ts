import type { RequestListener } from 'node:http'
import { afterEach, beforeAll } from 'vitest'
import { createAuthority, type TestCertificate } from '../../server/test/certificates.ts'
import { Listener } from './listener.ts'

/** Other people's servers at https://localhost, each closed after the test that opened it. For the scope in which it is called. */
export function secureHosts() {
  let authority = ''
  let certificate: TestCertificate
  beforeAll(async () => {
    const { certificate: root, issue } = await createAuthority()
    authority = root
    certificate = await issue(['localhost'])
  })
  const opened: Listener[] = []
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((host) => host.close()))
  })
  return {
    opened,
    async open(answer: RequestListener) {
      const host = await Listener.https(certificate, answer)
      opened.push(host)
      return { host, origin: `https://localhost:${host.port}`, ca: [authority] }
    }
  }
}
