import { ConfigurationError, type MutualTlsOptions, mutualTls } from 'grantor'
import { z } from 'zod'
import { judgedBy } from './library-judged.ts'

// RFC 9110 §5.6.2
const headerName = z
  .string()
  .regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, 'the name of a header')
  .transform((name) => name.toLowerCase())

/** `MutualTlsOptions`, and where certificates of clients come from. */
export const MutualTlsConfig = z
  .strictObject({
    required: z.boolean().exactOptional(),
    endpointAliases: z.string().exactOptional(),
    /** Another port, which asks for certificates in place of the first: browsers that come there are not asked. */
    port: z.int().min(0).max(65_535).exactOptional(),
    /** A file with the authorities of `tls_client_auth`, in PEM. Without it nobody can authenticate so. */
    clientCaFile: z.string().exactOptional(),
    /** Where a proxy that ends TLS says what the certificate is, in place of our own TLS. */
    header: z
      .strictObject({
        name: headerName,
        /** Another header, which says SUCCESS for a certificate of an authority that the proxy trusts. */
        verify: headerName.exactOptional(),
        /** The proxy lets no other certificate through. */
        verified: z.boolean().exactOptional()
      })
      .exactOptional()
  })
  .superRefine(judgedBy((options) => mutualTls(libraryOptions(options))))

/** What of them is the library's. */
export function libraryOptions({ required, endpointAliases }: MutualTlsOptions): MutualTlsOptions {
  return { ...(required !== undefined && { required }), ...(endpointAliases !== undefined && { endpointAliases }) }
}

/** @throws ConfigurationError if no certificate could come, or one from somebody who is not to be trusted */
export function checkMutualTls(config: {
  extensions: readonly string[]
  mutualTls: z.infer<typeof MutualTlsConfig>
  tls?: object | undefined
  trustedProxies: number | readonly string[]
}): void {
  const { header, port, clientCaFile } = config.mutualTls
  if (!config.extensions.includes('mutual_tls')) return
  if (!header && !config.tls) throw new ConfigurationError('configuration: mutual_tls needs tls, or mutualTls.header of a proxy')
  if (!header) return
  // Who counts proxies trusts whoever calls; a certificate must not come from anybody.
  if (typeof config.trustedProxies === 'number' || config.trustedProxies.length === 0)
    throw new ConfigurationError('configuration: mutualTls.header needs trustedProxies, with their addresses')
  if (port !== undefined || clientCaFile !== undefined)
    throw new ConfigurationError(
      'configuration: with mutualTls.header the proxy asks for certificates and judges them: no port, no clientCaFile'
    )
}
