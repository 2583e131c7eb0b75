import type { Interaction } from 'grantor'
import type { FC } from 'hono/jsx'
import { clientName, Layout } from './layout.tsx'

/** Whether the person means it. `action`: where the form goes, with `fields`; `client`: the application that asks, if one does. */
export const SignOutPage: FC<{ name: string; action: string; fields: Readonly<Record<string, string>>; client?: string }> = ({
  name,
  action,
  fields,
  client
}) => (
  <Layout title="Sign out">
    <h1>Sign out?</h1>
    {client && <p>{client} asks for it.</p>}
    <p>You are signed in as {name}. To stay signed in, close this page.</p>
    <form method="post" action={action}>
      {Object.entries(fields).map(([field, value]) => (
        <input type="hidden" name={field} value={value} />
      ))}
      <button type="submit" id="logout-confirm">
        Sign out
      </button>
    </form>
  </Layout>
)

/** `frames`: URLs by which applications learn of it; `onward`: where the browser goes next, and the application there. */
export const SignedOutPage: FC<{ frames?: readonly string[]; onward?: { url: string; client: string } | undefined }> = ({
  frames = [],
  onward
}) => (
  <Layout title="Signed out">
    <h1>You are signed out</h1>
    {onward ? (
      <p>
        <a id="logout-continue" href={onward.url}>
          Continue to {onward.client}
        </a>
      </p>
    ) : (
      <p>You can close this page.</p>
    )}
    <Frames urls={frames} />
  </Layout>
)

/** In the midst of a request: another person was signed in, and `frames` tell the applications that this is over. */
export const SwitchedPage: FC<{ interaction: Interaction; frames: readonly string[] }> = ({ interaction, frames }) => (
  <Layout title="One moment">
    <h1>One moment</h1>
    <p>The account that was signed in here is being signed out.</p>
    <p>
      <a id="switch-continue" href={interaction.returnTo}>
        Continue to {clientName(interaction)}
      </a>
    </p>
    <Frames urls={frames} />
  </Layout>
)

const Frames: FC<{ urls: readonly string[] }> = ({ urls }) => (
  <>
    {urls.map((url) => (
      <iframe src={url} title="Signing out" hidden />
    ))}
  </>
)
