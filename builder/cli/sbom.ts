import { Command } from 'commander';
import { trustOption } from './options.ts';
import { directoryOf, type Session } from './session.ts';
import { jsonText, linesOf } from './terminal.ts';

export function sbomCommand(session: Session): Command {
  return new Command('sbom')
    .summary('print a bill of materials')
    .description(
      'Print what a mirror folder holds as a software bill of materials: CycloneDX 1.6, in JSON. It verifies the ' +
        'signature and the documents that it reads, but not the bytes of bottles and casks: run verify for that.',
    )
    .argument('[dir]', 'folder of the mirror; without it, that of mirror.toml')
    .addOption(trustOption())
    .action((dir: string, { trust }: { trust: string[] }) => run(session, dir, trust));
}

async function run(session: Session, dir: string, trust: readonly string[]): Promise<void> {
  const { isExpired } = await import('../../format/snapshot/root.ts');
  const { trustedKeys } = await import('../keys.ts');
  const { readSbomContents } = await import('../sbom/contents.ts');
  const { sbomOf } = await import('../sbom/sbom.ts');
  const contents = await readSbomContents(directoryOf(dir), await trustedKeys(trust, session.environment));
  const { root } = contents;
  if (isExpired(root, session.clock())) {
    session.reporter.warn(`This snapshot has expired: it was signed until ${root.expires_at}.`);
  }
  session.print(linesOf(jsonText(sbomOf(contents))));
}
