import { flag } from '../../clients/rules.ts'
import { InvalidClientMetadataError, InvalidRequestError, UnauthorizedClientError } from '../../errors.ts'
import type { Extension } from '../../extension.ts'
import type { Client } from '../../models/client.ts'
import { CertificateBoundScheme } from './certificate-bound-scheme.ts'
import { checkCertificates } from './certificate-keys.ts'
import { ClientCertificates } from './client-certificates.ts'
import { endpointAliases } from './endpoint-aliases.ts'
import { type MutualTlsOptions, resolveOptions } from './options.ts'
import { checkSubject, SUBJECT_RULES } from './registered-subject.ts'
import { SelfSignedTlsClientAuth } from './self-signed-tls-client-auth.ts'
import { TlsClientAuth } from './tls-client-auth.ts'

/**
 * Clients that authenticate with the certificate of their TLS connection, and access tokens that only its holder can use (RFC 8705). The
 * adapter says what the certificate is: `HttpRequest.clientCertificate`.
 * @throws ConfigurationError if an option is unknown or cannot work
 */
export function mutualTls(options: MutualTlsOptions = {}): Extension {
  const { required, endpointAliases: origin } = resolveOptions(options)
  const mustBind = (client: Client) => required || client.tls_client_certificate_bound_access_tokens === true
  return (server) => {
    const certificates = new ClientCertificates(server)
    return {
      clientAuthentications: [new TlsClientAuth(server, certificates), new SelfSignedTlsClientAuth(server, certificates)],
      tokenSchemes: [new CertificateBoundScheme(certificates)],
      ...(required && { bindsTokens: 'x5t#S256' }),
      // RFC 8705 §3.3
      metadata: { tls_client_certificate_bound_access_tokens: true },
      ...(origin !== undefined && {
        origins: [origin],
        derivedMetadata: (metadata) => ({ mtls_endpoint_aliases: endpointAliases(origin, metadata) })
      }),
      // RFC 8705 §2.1.2, §3.4
      clientMetadata: { ...SUBJECT_RULES, tls_client_certificate_bound_access_tokens: flag },
      async validateClient(client) {
        checkCredential(client)
        // RFC 7800 §3.1: one key is what a token is bound to.
        if (mustBind(client) && client.dpop_bound_access_tokens)
          throw new InvalidClientMetadataError('dpop_bound_access_tokens: the tokens of this client are bound to its certificate')
      },
      async validateAuthorizationRequest({ client, responseType }) {
        // The browser's connection is not the client's, so what the authorization endpoint hands out is a bearer token.
        if (mustBind(client) && responseType.split(' ').includes('token'))
          throw new UnauthorizedClientError('this client gets no access token that is not bound to a certificate')
        return undefined
      },
      async confirm(request, client) {
        if (!mustBind(client)) return undefined
        const thumbprint = await certificates.thumbprint(request)
        // RFC 8705 §3.4 leaves it "at the authorization server's discretion as to whether to return an error or issue an unbound token".
        if (thumbprint === undefined) throw new InvalidRequestError('this client must come with a certificate: its tokens are bound to it')
        return { 'x5t#S256': thumbprint }
      }
    }
  }
}

function checkCredential(client: Client): void {
  if (client.token_endpoint_auth_method === 'tls_client_auth') checkSubject(client)
  if (client.token_endpoint_auth_method === 'self_signed_tls_client_auth') checkCertificates(client)
}
