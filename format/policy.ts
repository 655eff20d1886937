import * as v from 'valibot';
import { utf8 } from './bytes.ts';
import { POLICY } from './layout.ts';
import { KINDS, type KindId } from './packages/kinds.ts';
import { parseJson } from './parse.ts';
import { countSchema, recordSchema, secondsSchema, sha256Schema } from './schemas.ts';

const text = v.string();
const kind = v.picklist(KINDS.map(({ id }) => id) as KindId[]);

/** Severities of advisories, the lowest first, as stout-index names them. */
export const SEVERITIES = ['low', 'medium', 'high', 'critical'] as const;

/** The rules of a policy, as mirror.toml names them. */
export const RULES = ['min-age', 'hold', 'deny', 'vulnerabilities', 'licenses'] as const;

const waiverSchema = v.object({
  package: text,
  rule: v.picklist(RULES),
  /** When the waiver ends, Unix seconds. */
  until: secondsSchema,
  reason: text,
});

/** What may come into a mirror, and when. */
export const policySchema = v.object({
  /** Seconds. */
  min_age: v.optional(countSchema),
  /** Packages that stay at the version that the mirror has. */
  hold: v.optional(v.array(text)),
  deny: v.optional(v.array(text)),
  /** The lowest severity of a known vulnerability that keeps a version out. */
  vulnerabilities: v.optional(v.picklist(SEVERITIES)),
  licenses: v.optional(v.object({ allow: v.array(text) })),
  waivers: v.optional(v.array(waiverSchema)),
});

export const decisionSchema = v.object({
  kind,
  name: text,
  /** The version that was decided about. */
  version: text,
  rule: v.picklist(RULES),
  /**
   * `held`: the mirror keeps the version that it has; `denied`: the package is left out; `waived`: the version came in by a
   * waiver; `noted`: it came in because the rule could not be applied, or did not have to be.
   */
  outcome: v.picklist(['held', 'denied', 'waived', 'noted']),
  reason: text,
  /** When the decision ends by itself, Unix seconds; absent where it does not. */
  until: v.optional(secondsSchema),
  /** The package that it needs, and that the rule keeps out. */
  needs: v.optional(text),
});

const sightingSchema = v.object({
  version: text,
  /** SHA-256 over those of its files, so that other bytes under one version count as new; absent where it is not known. */
  content: v.optional(sha256Schema),
  /** When the mirror first saw the version with these files, Unix seconds. */
  at: secondsSchema,
  /** When it was built, Unix seconds, if that was asked and declared. */
  built: v.optional(secondsSchema),
});

const policyDocumentSchema = v.object({
  decisions: v.array(decisionSchema),
  /** Homebrew's API as brew gets it, where its age counts; times in Unix seconds. */
  homebrew_api: v.optional(
    v.object({
      /** When Homebrew made what brew gets. */
      generated_at: secondsSchema,
      /** When Homebrew made what the mirror keeps until it is old enough, in ascending order. */
      waiting: v.array(secondsSchema),
      /** When the first of those is old enough. */
      until: v.optional(secondsSchema),
      /** Why brew gets it though it may be too new. */
      noted: v.optional(text),
    }),
  ),
  /** The versions that wait, by kind and name; absent where no rule counts age. */
  seen: v.optional(recordSchema(recordSchema(sightingSchema))),
});

/** policy.json: what a policy decided, and when the mirror first saw the versions that wait. */
export type PolicyDocument = v.InferOutput<typeof policyDocumentSchema>;
export type Policy = v.InferOutput<typeof policySchema>;
export type Rule = (typeof RULES)[number];
export type Severity = (typeof SEVERITIES)[number];
export type Waiver = v.InferOutput<typeof waiverSchema>;
export type Decision = v.InferOutput<typeof decisionSchema>;
export type Sighting = v.InferOutput<typeof sightingSchema>;

/** What a mirror without a policy decided. */
export const NO_DECISIONS: PolicyDocument = { decisions: [] };

/** Parses policy.json. Throws `bad-input`. */
export const parsePolicyDocument = (bytes: Uint8Array): PolicyDocument =>
  parseJson(policyDocumentSchema, bytes, POLICY);

/** Encodes policy.json. Throws `bad-input` for what {@link parsePolicyDocument} would refuse. */
export function encodePolicyDocument(document: PolicyDocument): Uint8Array {
  const bytes = utf8(`${JSON.stringify(document, null, 1)}\n`);
  parsePolicyDocument(bytes);
  return bytes;
}
