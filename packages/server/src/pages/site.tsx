import type { FC } from 'hono/jsx'
import { Layout } from './layout.tsx'

export const ErrorPage: FC<{ heading: string; error: string; description: string; requestId: string }> = ({
  heading,
  error,
  description,
  requestId
}) => (
  <Layout title={heading}>
    <h1>{heading}</h1>
    <p>{description}</p>
    <p class="quiet">
      <code>{error}</code>, request <code>{requestId}</code>
    </p>
  </Layout>
)

/** `device`: where people bring the codes of their devices; `requests`: where they see what they are asked elsewhere; if they can. */
export const HomePage: FC<{
  issuer: string
  metadata: string
  device: string | undefined
  requests: string | undefined
  name: string | undefined
}> = ({ issuer, metadata, device, requests, name }) => (
  <Layout title="Grantor">
    <h1>Grantor is running</h1>
    <p>
      Issuer <code>{issuer}</code>
    </p>
    <p>
      <a href={metadata}>Metadata</a>
    </p>
    {device && (
      <p>
        <a href={device}>Connect a device</a>
      </p>
    )}
    {requests && (
      <p>
        <a href={requests}>Requests for you</a>
      </p>
    )}
    {name && (
      <p class="quiet">
        You are signed in as {name}. <a href="/sign-out">Sign out</a>
      </p>
    )}
  </Layout>
)
