import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../start/free-port.ts';

/** A web server in a process of its own. */
export interface Host {
  origin: string;
  close(): Promise<void>;
}

/** Debian's nginx over a directory; its own files go to `scratch`. */
export async function startNginx(directory: string, scratch: string): Promise<Host> {
  const port = await freePort(0);
  await mkdir(scratch, { recursive: true });
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (kind) => `${kind}_temp_path ${join(scratch, kind)};`,
  );
  const config = join(scratch, 'nginx.conf');
  await writeFile(
    config,
    `daemon off; worker_processes 1; pid ${join(scratch, 'nginx.pid')}; error_log stderr crit;
${process.getuid?.() === 0 ? 'user root;' : ''}
events {}
http { access_log off; ${temporary.join(' ')} server { listen 127.0.0.1:${port}; root ${directory};
  location /api/ { gzip_static on; gzip_vary on; } } }
`,
  );
  return started(spawn('nginx', ['-c', config, '-e', 'stderr'], { stdio: 'ignore' }), port);
}

/** `rclone serve http` over a directory. */
export async function startRclone(directory: string): Promise<Host> {
  const port = await freePort(0);
  const args = ['serve', 'http', directory, '--addr', `127.0.0.1:${port}`, '--config', '/dev/null'];
  return started(spawn('rclone', args, { stdio: 'ignore' }), port);
}

/** A web server that was started, once it answers. Throws when it does not. */
export async function started(child: ChildProcess, port: number): Promise<Host> {
  const origin = `http://127.0.0.1:${port}`;
  for (let attempt = 0; ; attempt++) {
    const answered = await fetch(origin).then(
      () => true,
      () => false,
    );
    if (answered) break;
    if (attempt > 100 || child.exitCode !== null) throw new Error(`${child.spawnfile} does not start`);
    await sleep(50);
  }
  return {
    origin,
    close: async () => {
      const ended = once(child, 'exit');
      child.kill();
      await ended;
    },
  };
}
