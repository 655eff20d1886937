import { MirrorError } from '../../format/errors.ts';
import type { Head } from './head.ts';

interface Part {
  head: Head;
  /** How messages name it. */
  where: string;
}

/** The parts of one bundle, by number. */
export class PartSet {
  readonly #begin: (head: Head, where: string) => Promise<void>;
  readonly #places = new Map<number, string>();
  #first: Part | undefined;

  /** `begin` is called with the first part. */
  constructor(begin: (head: Head, where: string) => Promise<void>) {
    this.#begin = begin;
  }

  /** The number of parts that were added. */
  get size(): number {
    return this.#places.size;
  }

  /** Adds a part. Throws `refused` if it is of another bundle, or came before. */
  async add(head: Head, where: string): Promise<void> {
    const { part } = head.about;
    if (!this.#first) await this.#begin(head, where);
    this.#first ??= { head, where };
    expectSameBundle({ head, where }, this.#first);
    const before = this.#places.get(part);
    if (before !== undefined) {
      const message = `${where} is part ${part}, which ${before} is too: each part is needed once.`;
      throw new MirrorError('refused', message, { where });
    }
    this.#places.set(part, where);
  }

  /** Returns the first part that was added. Throws `missing` unless every part was. */
  complete(): Part {
    if (!this.#first) throw new MirrorError('missing', 'There is no part of a bundle.');
    const { parts } = this.#first.head.about;
    const missing = Array.from({ length: parts }, (_, index) => index + 1).filter(
      (part) => !this.#places.has(part),
    );
    if (missing.length === 0) return this.#first;
    const shown = missing.slice(0, 10).join(', ') + (missing.length > 10 ? ' …' : '');
    const message = `Of ${parts} parts of this bundle, ${missing.length === 1 ? 'one is' : `${missing.length} are`} missing: ${shown}.`;
    throw new MirrorError('missing', message, { expected: `${parts} parts`, found: `${this.#places.size}` });
  }
}

function expectSameBundle({ head, where }: Part, first: Part): void {
  const [one, other] = [first.head, head];
  const isSame =
    one.signed.sha256 === other.signed.sha256 &&
    one.about.parts === other.about.parts &&
    one.about.since === other.about.since;
  if (isSame) return;
  const message = `${where} and ${first.where} are of two bundles: apply one at a time, the older one first.`;
  throw new MirrorError('refused', message, { where, expected: titleOf(one), found: titleOf(other) });
}

const titleOf = ({ about: { parts, since }, signed: { snapshot } }: Head): string =>
  `version ${snapshot.version} of ${snapshot.mirror}, ${since === null ? 'whole' : `since ${since}`}, ${parts === 1 ? 'in one part' : `in ${parts} parts`}`;
