import type { Artifact, ArtifactStore, ConsumeOptions, Consumption, Found, Kind, Reference } from 'grantor'
import type { Database } from './database.ts'
import { artifactValues, foundOf } from './rows.ts'
import { DELETE_ARTIFACT, FIND_ARTIFACT, INSERT_NEW_ARTIFACT, LIST_ARTIFACTS } from './statements.ts'

/** Artifacts in either database; how one is spent or changed atomically is each one's own. */
export abstract class SqlArtifacts implements ArtifactStore {
  readonly #database: Database
  protected readonly realm: string

  constructor(database: Database, realm: string) {
    this.#database = database
    this.realm = realm
  }

  async insert<T>(artifact: Artifact<T>): Promise<boolean> {
    return (await this.#database.write(INSERT_NEW_ARTIFACT, ...artifactValues(this.realm, artifact))) > 0
  }

  async find<T>(kind: Kind<T>, id: string, now: number): Promise<Found<T> | undefined> {
    const [row] = await this.#database.read(FIND_ARTIFACT, this.realm, kind, id, now)
    return row && foundOf<T>(row)
  }

  async list<T>(kind: Kind<T>, { limit, after = '' }: { limit: number; after?: string }, now: number): Promise<readonly Found<T>[]> {
    const rows = await this.#database.bulk.read(LIST_ARTIFACTS, this.realm, kind, after, now, limit)
    return rows.map((row) => foundOf<T>(row))
  }

  abstract consume<T>(reference: Reference & { kind: Kind<T> }, options: ConsumeOptions): Promise<Consumption<T> | undefined>

  abstract update<T>(kind: Kind<T>, id: string, patch: Partial<T>, where: Partial<T>, now: number): Promise<boolean>

  async delete(kind: Kind<unknown>, id: string): Promise<boolean> {
    return (await this.#database.write(DELETE_ARTIFACT, this.realm, kind, id)) > 0
  }
}
