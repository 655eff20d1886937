import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { access } from 'node:fs/promises';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { jsonOf, send } from '../support/http.ts';
import { runProgram } from '../support/programs.ts';

const SCRIPT = fileURLToPath(new URL('../../scripts/start.ts', import.meta.url));
const MINUTE = 60_000;

test(
  'when Ctrl-C comes while the Worker starts, everything ends and nothing is left',
  async () => {
    const child = spawn(process.execPath, [SCRIPT], { stdio: ['ignore', 'pipe', 'inherit'] });
    let output = '';
    child.stdout.on('data', (chunk) => {
      output += chunk;
      if (output.includes('── 4.')) child.kill('SIGINT');
    });
    expect(await once(child, 'exit')).toEqual([0, null]);
    const folder = /(\/\S+)\/my-mirror/.exec(output)?.[1] ?? '';
    await expect(access(folder)).rejects.toThrow('ENOENT');
    const { stdout } = await runProgram('ps', ['-eo', 'args']);
    expect(stdout).not.toContain(folder);
  },
  MINUTE,
);

test(
  'npm start goes the whole way and stays up until Ctrl-C, also when its port is taken',
  async () => {
    const squatter = createServer().listen(8787, '127.0.0.1');
    squatter.on('error', () => undefined); // somebody else has it: as good
    const child = spawn(process.execPath, [SCRIPT], { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    child.stderr.on('data', (chunk) => {
      output += chunk;
    });
    for await (const chunk of child.stdout) {
      output += chunk;
      if (output.includes('Ctrl-C.')) break;
    }
    const origin = /Ready: (http:\/\/127\.0\.0\.1:\d+)\//.exec(output)?.[1];
    expect(origin, output).toMatch(/^http:/);
    expect(origin).not.toContain(':8787');
    expect(output).toContain('"ok": true');
    expect(output).toContain(`base_url = "${origin}/index"`);
    expect(jsonOf(await send(origin ?? '', '/verify?deep=1')).ok).toBe(true);
    child.kill('SIGINT');
    expect(await once(child, 'exit')).toEqual([0, null]);
    await expect(send(origin ?? '', '/')).rejects.toThrow('ECONNREFUSED');
    squatter.close();
  },
  2 * MINUTE,
);
