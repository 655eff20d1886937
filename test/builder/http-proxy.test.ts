import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { isInDirectSubnet, proxySettings } from '../../builder/http/proxy.ts';
import { send } from '../../builder/http/request.ts';
import { failing } from './failing.ts';

describe('proxySettings', () => {
  it.each([
    ['proxy.example.com:3128', 'http://proxy.example.com:3128/'],
    ['127.0.0.1:3128', 'http://127.0.0.1:3128/'],
    ['[::1]:3128', 'http://[::1]:3128/'],
    ['proxy', 'http://proxy/'],
    [' http://proxy:3128/\n', 'http://proxy:3128/'],
    ['HTTP://proxy:3128', 'http://proxy:3128/'],
    ['https://proxy:3129', 'https://proxy:3129/'],
    ['socks5h://proxy:1080', 'socks5://proxy:1080'],
    ['user:pass@proxy:3128', 'http://user:pass@proxy:3128/'],
    ['http://user:p@ss@proxy:3128', 'http://user:p%40ss@proxy:3128/'],
    ['http://user:50%off@proxy:3128', 'http://user:50%25off@proxy:3128/'],
    ['http://user:p%23ss%2F@proxy:3128', 'http://user:p%23ss%2F@proxy:3128/'],
    ['', ''],
    ['  ', ''],
  ])('when HTTPS_PROXY is %j, uses %j', (value, url) => {
    expect(proxySettings({ HTTPS_PROXY: value }).httpsProxy).toBe(url);
    expect(proxySettings({ https_proxy: value, HTTPS_PROXY: 'http://other' }).httpsProxy).toBe(url);
    expect(proxySettings({ http_proxy: value }).httpProxy).toBe(url);
  });

  it.each([
    'http://',
    'http://proxy:99999',
    'ftp://proxy:3128',
    'http://user:pa/ss@proxy:3128',
    'http://user:12/34@proxy:3128',
    'http://user:pa#ss@proxy:3128',
    'http://user:%ff@proxy:3128',
    'a proxy',
  ])('when a variable is %j, names the variable and not its value', (value) => {
    const refusal = failing('usage', {
      where: 'https_proxy',
      message: expect.stringContaining('https_proxy'),
    });
    expect(() => proxySettings({ https_proxy: value, HTTPS_PROXY: '' })).toThrow(refusal);
    expect(() => proxySettings({ HTTP_PROXY: value })).toThrow(failing('usage', { where: 'HTTP_PROXY' }));
  });
});

describe('isInDirectSubnet', () => {
  it.each([
    ['http://10.1.2.3/', 'localhost,10.0.0.0/8'],
    ['https://10.1.2.3:8443/', '192.168.0.0/16 10.0.0.0/8'],
    ['http://[fd00::7]/', 'fd00::/8'],
    ['http://[fd00::7]/', '[fd00::]/8'],
  ])('when %s is in %j, it is asked directly', (url, noProxy) => {
    expect(isInDirectSubnet(new URL(url), noProxy)).toBe(true);
  });

  it.each([
    ['http://11.1.2.3/', '10.0.0.0/8'],
    ['http://10.1.2.3/', '10.0.0.0/99, 10.0.0.0, fd00::/8'],
    ['http://mirror.test/', '0.0.0.0/0'],
  ])('when %s is not in %j, it is not', (url, noProxy) => {
    expect(isInDirectSubnet(new URL(url), noProxy)).toBe(false);
  });
});

describe('send', () => {
  afterEach(() => vi.unstubAllEnvs());

  /** Starts a proxy that answers every plain request itself. Returns its host and port, and what it was asked. */
  async function startProxy(): Promise<{ place: string; asked: unknown[] }> {
    const asked: unknown[] = [];
    const server = createServer(({ url, headers }, response) => {
      asked.push([url, headers['proxy-authorization']]);
      response.end('from the proxy');
    });
    server.on('connect', ({ url, headers }, socket) => {
      asked.push([url, headers['proxy-authorization']]);
      socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
    });
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    return { place: `127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
  }

  const ask = async (url: string) => {
    const { body } = await send({ method: 'GET', url: new URL(url), headers: {} });
    await body.dump();
  };

  it('when a proxy has no scheme and odd credentials, asks it with them', async () => {
    const { place, asked } = await startProxy();
    vi.stubEnv('http_proxy', `us%er:p@s%s:w\u00f6rd@${place}`);
    vi.stubEnv('no_proxy', 'direct.test');
    await ask('http://mirror.test/file');
    const credentials = `Basic ${Buffer.from('us%er:p@s%s:w\u00f6rd').toString('base64')}`;
    expect(asked).toEqual([['http://mirror.test/file', credentials]]);
  });

  it('when a proxy refuses, names the variable and does not try again', async () => {
    const { place, asked } = await startProxy();
    vi.stubEnv('https_proxy', place);
    vi.stubEnv('no_proxy', '');
    await expect(ask('https://mirror.test/')).rejects.toEqual(
      failing('unreachable', { message: expect.stringMatching(/407.*HTTPS_PROXY is set/) }),
    );
    expect(asked).toEqual([['mirror.test:443', undefined]]);
  });

  it.each(['mirror.test', '.test', '*', 'other, mirror.test:80', 'MIRROR.TEST.'])(
    'when NO_PROXY is %j, does not ask the proxy',
    async (noProxy) => {
      const { place, asked } = await startProxy();
      vi.stubEnv('http_proxy', place);
      vi.stubEnv('no_proxy', noProxy);
      await expect(ask('http://mirror.test/')).rejects.toThrow();
      expect(asked).toEqual([]);
    },
  );
});
