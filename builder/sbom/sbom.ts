import { createHash } from 'node:crypto';
import { ComponentType, ExternalReferenceType, HashAlgorithm } from '@cyclonedx/cyclonedx-library/Enums';
import {
  Bom,
  Component,
  ExternalReference,
  type License,
  LicenseExpression,
  NamedLicense,
  Property,
  SpdxLicense,
} from '@cyclonedx/cyclonedx-library/Models';
import { JSON as Cyclone, JsonSerializer } from '@cyclonedx/cyclonedx-library/Serialize';
import { isSupportedSpdxId } from '@cyclonedx/cyclonedx-library/SPDX';
import { Spec1dot6 } from '@cyclonedx/cyclonedx-library/Spec';
import { PackageURL } from 'packageurl-js';
import parseExpression from 'spdx-expression-parse';
import { ROOT } from '../../format/layout.ts';
import type { SnapshotEntry } from '../../format/snapshot/entry.ts';
import type { PackageName } from '../plan/closure.ts';
import { NAME, VERSION } from '../version.ts';
import type { SbomContents, SbomPackage } from './contents.ts';
import { isWebAddress, vulnerabilitiesOf } from './vulnerabilities.ts';

/**
 * Returns a software bill of materials as a CycloneDX 1.6 document: each package of a snapshot with its licence, its purl, its
 * files with their SHA-256, and what it needs at run time, and the vulnerabilities that the mirror knows. The same snapshot
 * gives the same document, byte for byte: its time is the snapshot's, and its serial number follows from mirror and version.
 */
export function sbomOf(contents: SbomContents): object {
  const { root, packages, others, advisories } = contents;
  const components = new Map(packages.map((item) => [refOf(item), componentOf(item)]));
  const mirror = mirrorComponent(contents);
  for (const item of packages) {
    const component = components.get(refOf(item));
    for (const needed of item.needs) addDependency(component, components.get(refOf(needed)));
    if (item.isAskedFor) addDependency(mirror, component);
  }
  const bom = new Bom({ serialNumber: serialNumber(`${root.mirror} ${root.version}`), version: 1 });
  bom.metadata.timestamp = new Date(root.created_at);
  bom.metadata.component = mirror;
  bom.metadata.tools.components.add(
    new Component(ComponentType.Application, NAME, { bomRef: NAME, version: VERSION }),
  );
  for (const component of components.values()) bom.components.add(component);
  for (const file of others) bom.components.add(fileComponent(file));
  const formulas = Map.groupBy(
    packages.filter(({ kind }) => kind === 'formula'),
    ({ name }) => name,
  );
  const versionsOf = (name: string): Component[] =>
    (formulas.get(name) ?? []).flatMap((item) => components.get(refOf(item)) ?? []);
  for (const found of advisories ? vulnerabilitiesOf(advisories, versionsOf) : [])
    bom.vulnerabilities.add(found);
  const serializer = new JsonSerializer(new Cyclone.Normalize.Factory(Spec1dot6));
  // All lists are in the order of the signed ones. The library would sort by the language of the user.
  return JSON.parse(serializer.serialize(bom, { sortLists: false }));
}

/** A version that only brew gets stands beside the one that stout gets. */
const refOf = ({ kind, name, version, isForBrew }: PackageName & Partial<SbomPackage>): string =>
  `${kind}/${name}${isForBrew ? `@${version}` : ''}`;

function addDependency(from: Component | undefined, to: Component | undefined): void {
  if (from && to) from.dependencies.add(to.bomRef);
}

/** Describes the mirror itself, which the document is about. */
function mirrorComponent({ root, sha256, signedBy }: SbomContents): Component {
  const component = new Component(ComponentType.Data, root.mirror, {
    bomRef: 'mirror',
    version: String(root.version),
    description: 'A signed mirror of packages',
  });
  component.hashes.set(HashAlgorithm['SHA-256'], sha256);
  const facts = { root: ROOT, signed_by: signedBy, expires_at: root.expires_at };
  for (const [name, value] of Object.entries(facts)) {
    component.properties.add(new Property(`${NAME}:${name}`, value));
  }
  return component;
}

function componentOf(item: SbomPackage): Component {
  const { name, version, desc, homepage, license, files } = item;
  const component = new Component(ComponentType.Application, name, {
    ...{ bomRef: refOf(item), version, purl: purlOf(item) },
    ...(desc === null ? {} : { description: desc }),
  });
  if (license) component.licenses.add(licenseOf(license));
  if (homepage && isWebAddress(homepage)) {
    component.externalReferences.add(new ExternalReference(homepage, ExternalReferenceType.Website));
  }
  for (const file of files) component.components.add(fileComponent(file));
  return component;
}

function fileComponent({ name, sha256, source }: SnapshotEntry): Component {
  const component = new Component(ComponentType.File, name, { bomRef: `file/${name}` });
  component.hashes.set(HashAlgorithm['SHA-256'], sha256);
  if (source !== undefined) {
    component.externalReferences.add(new ExternalReference(source, ExternalReferenceType.Distribution));
  }
  return component;
}

/** Returns a licence as SPDX names it: by its id, or as an expression; by its name where it is neither. */
function licenseOf(text: string): License {
  if (isSupportedSpdxId(text)) return new SpdxLicense(text);
  try {
    parseExpression(text);
    return new LicenseExpression(text);
  } catch {
    return new NamedLicense(text);
  }
}

const CORE = 'homebrew/core';

/** Returns the package URL: type `brew`, with the tap as namespace unless it is `homebrew/core`; `generic` for a Linux app. */
function purlOf({ kind, name, version, tap }: SbomPackage): string {
  const type = kind === 'linux-app' ? 'generic' : 'brew';
  const namespace = tap === null || tap.toLowerCase() === CORE ? undefined : tap.toLowerCase();
  return new PackageURL(type, namespace, name.toLowerCase(), version, undefined, undefined).toString();
}

/** Returns a URN of a UUID of version 8 (RFC 9562, section 5.8) that is made from the SHA-256 of a text. */
function serialNumber(text: string): string {
  const bytes = createHash('sha256').update(text).digest().subarray(0, 16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x80;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return `urn:uuid:${bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')}`;
}
