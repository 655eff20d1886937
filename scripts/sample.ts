#!/usr/bin/env node
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { startSampleServer } from './sample/server.ts';
import { writeSampleUpstream } from './sample/write.ts';

const program = new Command('sample')
  .description('Make a small upstream that needs no network, and serve it if wanted.')
  .argument('[dir]', 'directory to write it to (with --serve: default is a temporary one)')
  .option(
    '--serve <port>',
    'serve it on 127.0.0.1 until Ctrl-C, with URLs of casks there; 0 is any free port',
    parsePort,
  )
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2))
  .parse();

const [dir] = program.args;
const { serve: port } = program.opts<{ serve?: number }>();
if (dir === undefined && port === undefined) program.error('error: name a directory, or --serve PORT');
if (port === undefined) await write(dir ?? '');
else await (dir === undefined ? serveTemporary(port) : serve(dir, port));

async function write(target: string, origin?: string): Promise<void> {
  const { formulas, casks, linuxApps, files, bytes, version } = await writeSampleUpstream(target, {
    now: new Date(),
    ...(origin === undefined ? {} : { origin }),
  });
  const packages = `${formulas} formulas, ${casks} casks, ${linuxApps} Linux apps`;
  console.log(`${target}: version ${version}, ${packages}, ${files} files, ${(bytes / 1e6).toFixed(1)} MB`);
}

async function serveTemporary(port: number): Promise<void> {
  const temporary = await mkdtemp(join(tmpdir(), 'sample-upstream-'));
  try {
    await serve(temporary, port);
  } finally {
    await rm(temporary, { recursive: true });
  }
}

async function serve(directory: string, port: number): Promise<void> {
  const server = await startSampleServer(directory, { port });
  await write(directory, server.origin);
  console.log(`upstream  ${server.origin}\nblobs     ${server.blobOrigin}\nCtrl-C stops it.`);
  await stopped();
  await server.close();
}

function stopped(): Promise<void> {
  return new Promise((resolve) => {
    process.once('SIGINT', () => resolve());
    process.once('SIGTERM', () => resolve());
  });
}

function parsePort(text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port <= 65535) return port;
  throw new InvalidArgumentError('a port is a number from 0 to 65535.');
}
