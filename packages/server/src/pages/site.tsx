import type { FC } from 'hono/jsx'
import { Layout } from './layout.tsx'

export const ErrorPage: FC<{ error: string; description: string; requestId: string }> = (props) => (
  <RejectedPage title="Request rejected" {...props} />
)

export const SignOutRejectedPage: FC<{ error: string; description: string; requestId: string }> = (props) => (
  <RejectedPage title="Sign-out request rejected" {...props} />
)

const RejectedPage: FC<{ title: string; error: string; description: string; requestId: string }> = ({
  title,
  error,
  description,
  requestId
}) => (
  <Layout title={title}>
    <h1>{title}</h1>
    <p>{description}</p>
    <p class="quiet">
      <code>{error}</code>, request <code>{requestId}</code>
    </p>
  </Layout>
)

export const SignOutPage: FC<{ name: string; csrf: string }> = ({ name, csrf }) => (
  <Layout title="Sign out">
    <h1>Sign out?</h1>
    <p>You are signed in as {name}.</p>
    <form method="post" action="/sign-out">
      <input type="hidden" name="csrf" value={csrf} />
      <button type="submit" id="logout-confirm">
        Sign out
      </button>
    </form>
  </Layout>
)

export const SignedOutPage: FC = () => (
  <Layout title="Signed out">
    <h1>You are signed out</h1>
    <p>You can close this page.</p>
  </Layout>
)

export const HomePage: FC<{ issuer: string; metadata: string; name: string | undefined }> = ({ issuer, metadata, name }) => (
  <Layout title="Grantor">
    <h1>Grantor is running</h1>
    <p>
      Issuer <code>{issuer}</code>
    </p>
    <p>
      <a href={metadata}>Metadata</a>
    </p>
    {name && (
      <p class="quiet">
        You are signed in as {name}. <a href="/sign-out">Sign out</a>
      </p>
    )}
  </Layout>
)
