import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, readdir, readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { jsonOf, send } from '../support/http.ts';

const SCRIPT = fileURLToPath(new URL('../../scripts/start.ts', import.meta.url));

test('when Ctrl-C comes while the Worker starts, everything ends and nothing is left', {
  tags: 'long',
}, async () => {
  const child = spawn(process.execPath, [SCRIPT], { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.on('data', (chunk) => {
    output += chunk;
    if (output.includes('── 4.')) child.kill('SIGINT');
  });
  expect(await once(child, 'exit')).toEqual([0, null]);
  const folder = /(\/\S+)\/my-mirror/.exec(output)?.[1] ?? '';
  await expect(access(folder)).rejects.toThrow('ENOENT');
  expect(await commandsWith(folder)).toEqual([]);
});

test('npm start goes the whole way and stays up until Ctrl-C, also when its port is taken', {
  tags: 'long',
}, async () => {
  const squatter = createServer().listen(8787, '127.0.0.1');
  squatter.on('error', () => undefined); // the port is taken already: as good
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
});

/** Returns the command lines of running processes that contain `text`; none where the system has no /proc. */
async function commandsWith(text: string): Promise<string[]> {
  const processes = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name));
  const commands = processes.map((id) => readFile(`/proc/${id}/cmdline`, 'utf8').catch(() => ''));
  return (await Promise.all(commands)).filter((command) => command.includes(text));
}
