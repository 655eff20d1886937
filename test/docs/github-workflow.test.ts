import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';

const workflow = await readFile('docs/github-actions.yml', 'utf8');

describe('the workflow in docs/', () => {
  test('pins every action by commit, with its release beside it', () => {
    const uses = workflow.split('\n').filter((line) => line.includes('uses:'));
    expect(uses).toHaveLength(3);
    for (const line of uses) expect(line).toMatch(/uses: actions\/[a-z-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
  });

  test('may read the repository and nothing else, and puts no value of GitHub into a script', () => {
    expect(workflow).toMatch(/^permissions:\n {2}contents: read\n\n/m);
    expect(workflow.match(/permissions:/g)).toHaveLength(1);
    expect(workflow.split('\n').filter((line) => /run:.*\$\{\{/.test(line))).toEqual([]);
  });
});
