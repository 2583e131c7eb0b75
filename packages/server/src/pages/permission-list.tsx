import type { DetailDescription, Interaction } from 'grantor'
import type { FC } from 'hono/jsx'
import { permissionsOf, type resourcesOf } from './permissions.ts'

export type Resources = ReturnType<typeof resourcesOf>

/** What it asks for besides scope (RFC 9396), in words for the person. */
export type Details = readonly Required<DetailDescription>[]

/** What the application will be able to do. */
export const Permissions: FC<{ interaction: Pick<Interaction, 'scope' | 'newScope' | 'details'>; details: Details }> = ({
  interaction,
  details
}) => {
  const permissions = permissionsOf(interaction)
  if (permissions.length + details.length === 0) return <p>It will only learn that you signed in.</p>
  return (
    <>
      {details.map((detail) => (
        <Detail detail={detail} />
      ))}
      {permissions.length > 0 && (
        <>
          <p>It will be able to:</p>
          <ul>
            {permissions.map(({ name, description, isNew }) => (
              <li>
                {description ?? (
                  <>
                    use <code>{name}</code>
                  </>
                )}
                {!isNew && <span class="quiet"> (you allowed this before)</span>}
              </li>
            ))}
          </ul>
        </>
      )}
    </>
  )
}

const Detail: FC<{ detail: Details[number] }> = ({ detail: { title, lines } }) => (
  <section>
    <h2>{title}</h2>
    {lines.length > 0 && (
      <ul>
        {lines.map((line) => (
          <li>{line}</li>
        ))}
      </ul>
    )}
  </section>
)

/** The APIs that it will use; none: it names none. */
export const ResourceList: FC<{ resources: Resources }> = ({ resources }) =>
  resources.length > 0 ? (
    <>
      <p>It will use this at:</p>
      <ul>
        {resources.map((resource) => (
          <li>
            {resource.name} <code>{resource.identifier}</code>
          </li>
        ))}
      </ul>
    </>
  ) : null

export const Unverified: FC<{ interaction: Pick<Interaction, 'client'> }> = ({ interaction }) =>
  interaction.client.verified === false ? (
    <p>This application registered itself. Nobody here has verified who it is: go on only if you know where you came from.</p>
  ) : null
