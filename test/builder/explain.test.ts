import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { KindIndex } from '../../builder/database/kind-index.ts';
import { closureOf, type PackageGraph, packageKey } from '../../builder/plan/closure.ts';
import { explain } from '../../builder/plan/explain.ts';
import { hasReason } from '../../builder/plan/explanation.ts';
import type { Manifest } from '../../format/manifest.ts';
import { REQUEST } from '../support/mirror.ts';

const TYPES = ['runtime', 'recommended', 'build', 'test'];
const COUNT = 12;

/** Edges of a graph of formulas, and which of them are asked for. */
const graphs = fc.record({
  edges: fc.array(fc.record({ from: fc.nat(COUNT), to: fc.nat(COUNT), type: fc.constantFrom(...TYPES) }), {
    maxLength: 40,
  }),
  asked: fc.uniqueArray(fc.nat(COUNT), { minLength: 1, maxLength: 3 }),
  dependencies: fc.boolean(),
  dev_dependencies: fc.boolean(),
});

const nameOf = (number: number): string => `p${number}`;

test('everything in a closure is explained, on a way of which each step is true', () => {
  fc.assert(
    fc.property(graphs, ({ edges, asked, ...how }) => {
      const needed = (from: string, types: readonly string[]): string[] =>
        edges
          .filter((edge) => nameOf(edge.from) === from && types.includes(edge.type))
          .map(({ to }) => nameOf(to));
      const graph: PackageGraph = {
        find: ({ kind, name }) => (kind === 'formula' ? { name } : undefined),
        dependencies: ({ name }, types) => needed(name, types),
      };
      const packages = asked.map(nameOf);
      const roots = packages.map((name) => ({ kind: 'formula', name }) as const);
      const names = closureOf(graph, roots, how).names.formula;
      const index: KindIndex = {
        find: (name) => (names.includes(name) ? { name, hash: null, updatedAt: null } : undefined),
        names: () => names,
        dependencies: needed,
      };
      const manifest = { request: { ...REQUEST, packages, casks: [], ...how } } as unknown as Manifest;
      for (const name of names) {
        const [found, ...others] = explain(name, {
          ...{ manifest, decisions: [], forBrew: new Set<string>(), catalog: { formula: index } },
          versions: new Map(names.map((one) => [packageKey({ kind: 'formula', name: one }), '1'])),
          indexOf: ({ id }) => (id === 'formula' ? index : undefined),
        }).packages;
        if (!found) return expect.unreachable();
        expect([others, hasReason(found), found.in_mirror]).toEqual([[], true, true]);
        expect(found.asked_for !== undefined).toBe(packages.includes(name));
        const way = found.needed_by;
        if (way[0]) expect([packages.includes(way[0].name), found.root_asked_for]).toMatchObject([true, {}]);
        way.forEach((step, at) => {
          expect(needed(step.name, [step.reason])).toContain(way[at + 1]?.name ?? name);
          if (at > 0) expect(['runtime', 'recommended']).toContain(step.reason);
        });
      }
    }),
    { numRuns: 200 },
  );
});
