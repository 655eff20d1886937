import { MirrorError } from '../errors.ts';
import { ROOT } from '../layout.ts';
import { keyIdText } from '../minisign/public-key.ts';
import { PORTABLE } from '../runtime-crypto.ts';
import { isExpired, openRoot, type Root, type TrustedRoot } from '../snapshot/root.ts';
import { expectMirror, expectNamed, expectNoRollback } from '../snapshot/seen.ts';
import { checkAddresses } from './addresses.ts';
import type { WalkOptions } from './context.ts';
import { checkDocuments, readManifest } from './documents.ts';
import { signatureEvidence } from './evidence.ts';
import { checkFiles, checkSelected } from './files.ts';
import { Listing } from './listing.ts';
import { ReportBuilder, type VerifyReport } from './report.ts';
import type { VerifySource } from './source.ts';

/**
 * Verifies a mirror by the steps of docs/format.md section 9. Whatever is wrong with the mirror goes into the report.
 * Throws `bad-input` for a cursor of another snapshot, and whatever `select` throws.
 */
export async function verifyMirror(source: VerifySource, options: WalkOptions): Promise<VerifyReport> {
  const { depth, now, crypto, before, cursor = before?.cursor, select, checkIndex } = options;
  const report = new ReportBuilder(depth, now, before);
  // Steps 1 to 3. Without a trusted root there is nothing to go by.
  const trusted = await checkRoot(source, options, report);
  if (!trusted) return report.build();
  const { snapshot: root, signer } = trusted;
  const start = parseCursor(cursor, root);
  const listing = new Listing(source, root, select !== undefined || checkIndex !== undefined, crypto);
  const context = { options, signer, source, listing, report };
  // Steps 5 and 6. Step 4 is part of every look into the listing.
  const documents = async (): Promise<void> => {
    if (start === '') await checkDocuments(context);
  };
  if (select) {
    await documents();
    // An unreadable manifest is in the report already.
    const manifest = await readManifest(listing).catch(() => undefined);
    await checkSelected(context, manifest ? select(manifest) : []);
    return report.build();
  }
  // Steps 4 and 7.
  const isAtEnd = await checkFiles(context, start, documents);
  report.set({ complete: isAtEnd && (start === '' || before !== undefined) });
  // Step 8.
  const entries = checkIndex && isAtEnd ? await listing.all() : undefined;
  if (entries) {
    checkAddresses(entries, report);
    await checkIndex?.(entries, root, report);
  }
  return report.build();
}

/** Returns the root if its signature holds. Whatever else is wrong with it is a finding, and it is returned all the same. */
async function checkRoot(
  source: VerifySource,
  { trusted, now, crypto = PORTABLE, seen, mirror: expected, named, refusal }: WalkOptions,
  report: ReportBuilder,
): Promise<TrustedRoot | undefined> {
  let root: TrustedRoot | undefined;
  await report.attempt('snapshot', ROOT, async () => {
    root = openRoot(await source.signedRoot(), trusted, crypto);
    const { snapshot, signer } = root;
    const { mirror, version, created_at, expires_at } = snapshot;
    const signed_by = keyIdText(signer.keyId);
    report.set({ snapshot: { mirror, version, created_at, expires_at, signed_by } });
    if (named) expectNamed(snapshot, signer, named);
    expectMirror(snapshot, expected);
    expectNoRollback(snapshot, signer, trusted, seen?.[mirror] ?? {});
    expectFresh(snapshot, now);
    if (refusal !== undefined) throw refusal;
    return signatureEvidence(crypto.blake2b512 !== undefined, signer);
  });
  return root;
}

function expectFresh(root: Root, now: Date): void {
  if (!isExpired(root, now)) return;
  throw new MirrorError('expired', `${ROOT} expired at ${root.expires_at}. Sign the mirror again.`, {
    where: ROOT,
    expected: `a time before ${root.expires_at}`,
    found: now.toISOString(),
  });
}

/** Returns the name to continue from; empty for the beginning. Throws `bad-input`. */
function parseCursor(cursor: string | null | undefined, { version }: Root): string {
  if (!cursor) return '';
  const [, of, name] = /^(\d+):(.+)$/.exec(cursor) ?? [];
  if (of === String(version) && name !== undefined) return name;
  throw new MirrorError('bad-input', 'This cursor is of another snapshot: start again without one.', {
    expected: `${version}:…`,
    found: cursor.slice(0, 80),
  });
}
