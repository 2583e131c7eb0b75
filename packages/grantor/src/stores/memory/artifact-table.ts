import type { Artifact } from '../../models/artifacts.ts'
import { Sweep } from './sweep.ts'

export interface StoredArtifact extends Artifact<unknown> {
  consumedAt?: number
}

interface Shelf {
  artifacts: Map<string, StoredArtifact>
  sweep: Sweep
}

/** Artifacts by kind, then by id: no key is made of the two to find one. */
export class ArtifactTable {
  readonly #shelves = new Map<string, Shelf>()

  get(kind: string, id: string): StoredArtifact | undefined {
    return this.#shelves.get(kind)?.artifacts.get(id)
  }

  /** Stores one that is new, or in the place of one that has expired. */
  add(artifact: StoredArtifact, now: number): void {
    const shelf = this.#shelves.get(artifact.kind) ?? this.#shelfFor(artifact.kind)
    shelf.artifacts.set(artifact.id, artifact)
    shelf.sweep.step(now)
  }

  /** Puts one in the place of the one that has its id. */
  replace(artifact: StoredArtifact): void {
    this.#shelves.get(artifact.kind)?.artifacts.set(artifact.id, artifact)
  }

  delete(kind: string, id: string): boolean {
    return this.#shelves.get(kind)?.artifacts.delete(id) ?? false
  }

  ofKind(kind: string): Iterable<StoredArtifact> {
    return this.#shelves.get(kind)?.artifacts.values() ?? []
  }

  *byKind(): Iterable<Map<string, StoredArtifact>> {
    for (const { artifacts } of this.#shelves.values()) yield artifacts
  }

  #shelfFor(kind: string): Shelf {
    const artifacts = new Map<string, StoredArtifact>()
    const shelf = { artifacts, sweep: new Sweep(artifacts) }
    this.#shelves.set(kind, shelf)
    return shelf
  }
}
