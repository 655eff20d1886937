import { readFile } from 'node:fs/promises';
import { request } from 'node:http';
import { createServer } from 'node:https';
import { join } from 'node:path';
import { runProgram } from '../support/programs.ts';
import { temporaryFolder } from '../support/temporary.ts';

/** A TLS front, with a self-signed certificate, before a plain HTTP server. */
export interface TlsFront {
  origin: string;
  /** The certificate, PEM, that clients have to trust. */
  certificate: string;
  /** Says where requests go. */
  leadTo(origin: string): void;
  close(): void;
}

/** Starts a front on a free port, so that the server behind it can start with its public address known. */
export async function startTlsFront(): Promise<TlsFront> {
  const { key, certificate } = await selfSigned();
  let target = new URL('http://127.0.0.1');
  const server = createServer({ key, cert: certificate }, (incoming, outgoing) => {
    const { method, url: path, headers } = incoming;
    const { hostname, port } = target;
    const onward = request({ hostname, port, path, method, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    onward.on('error', () => outgoing.destroy());
    incoming.pipe(onward);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  return {
    origin: `https://127.0.0.1:${port}`,
    certificate,
    leadTo: (origin) => {
      target = new URL(origin);
    },
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

async function selfSigned(): Promise<{ key: string; certificate: string }> {
  const folder = await temporaryFolder();
  const [key, certificate] = [join(folder, 'key.pem'), join(folder, 'certificate.pem')];
  const options = '-x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=127.0.0.1';
  const { status, stderr } = await runProgram('openssl', [
    ...['req', ...options.split(' '), '-addext', 'subjectAltName=IP:127.0.0.1'],
    ...['-keyout', key, '-out', certificate],
  ]);
  if (status !== 0) throw new Error(`openssl made no certificate: ${stderr}`);
  return { key: await readFile(key, 'utf8'), certificate: await readFile(certificate, 'utf8') };
}
