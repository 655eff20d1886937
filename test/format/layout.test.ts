import { describe, expect, it } from 'vitest';
import { bottleManifestPath, bottlePath, imageName } from '../../format/bottle.ts';
import {
  apiPath,
  blobName,
  leafPath,
  packageJsonPath,
  parseSnapshotName,
  sha256OfBlobName,
  signaturePath,
  snapshotKey,
  snapshotName,
} from '../../format/layout.ts';
import { encodePath, plainName, treePath, withExtension } from '../../format/paths.ts';
import { HOSTILE_COMPONENTS } from './hostile.ts';
import { appFile, caskFile } from './package-files.ts';
import { failing } from './support.ts';

const bottle = { name: 'jq', version: '1.7.1', revision: 0, tag: 'arm64_sonoma', rebuild: 0 };
const SHA256 = 'ab'.repeat(32);

describe('the path of a bottle', () => {
  it.each([
    [bottle, 'bottles/jq-1.7.1.arm64_sonoma.bottle.tar.gz'],
    [{ ...bottle, rebuild: 2 }, 'bottles/jq-1.7.1.arm64_sonoma.bottle.2.tar.gz'],
    [{ ...bottle, revision: 1 }, 'bottles/jq-1.7.1_1.arm64_sonoma.bottle.tar.gz'],
    [{ ...bottle, revision: 3, rebuild: 1, tag: 'all' }, 'bottles/jq-1.7.1_3.all.bottle.1.tar.gz'],
    [
      { ...bottle, name: 'openssl@3', version: '3.5.2' },
      'bottles/openssl@3-3.5.2.arm64_sonoma.bottle.tar.gz',
    ],
    [{ ...bottle, name: 'gtk+3', tag: 'x86_64_linux' }, 'bottles/gtk+3-1.7.1.x86_64_linux.bottle.tar.gz'],
  ])('when it is %j, is the name that Homebrew gives the file', (name, path) => {
    expect(bottlePath(name)).toBe(path);
  });

  it('when name, version or tag are hostile, is refused', () => {
    for (const bad of HOSTILE_COMPONENTS) {
      expect(() => bottlePath({ ...bottle, name: bad }), `name ${bad}`).toThrow(failing('bad-input'));
      expect(() => bottlePath({ ...bottle, version: bad }), `version ${bad}`).toThrow(failing('bad-input'));
      expect(() => bottlePath({ ...bottle, tag: bad }), `tag ${bad}`).toThrow(failing('bad-input'));
    }
  });

  it('when every part is short enough but the whole is not, is refused', () => {
    const long = 'x'.repeat(150);
    expect(() => bottlePath({ ...bottle, name: long, version: long })).toThrow(failing('bad-input'));
  });
});

describe('the path of a cask', () => {
  it.each([
    ['firefox', '130.0', undefined, 'dmg', 'casks/firefox-130.0.dmg'],
    ['zoom', '6.1.11,35545', 'arm64', 'pkg', 'casks/zoom-6.1.11,35545.arm64.pkg'],
    ['1password', '8.10', 'intel', 'tar.gz', 'casks/1password-8.10.intel.tar.gz'],
  ] as const)('when it is %s %s %s .%s, is %s', (token, version, arch, extension, path) => {
    expect(caskFile(token, version, `https://example.org/file.${extension}`, arch)).toBe(path);
  });

  it('when a part is hostile, is refused', () => {
    for (const bad of HOSTILE_COMPONENTS) {
      expect(() => caskFile(bad, '1', 'x.dmg'), `token ${bad}`).toThrow(failing('bad-input'));
      expect(() => caskFile('a', bad, 'x.dmg'), `version ${bad}`).toThrow(failing('bad-input'));
    }
  });

  it.each(['', '.', '..', 'a/b', '.gz', 'gz.', 'tar..gz', 'a.b.c', 'x y', 'é', 'a\0', 'x'.repeat(300)])(
    'when the extension is %j, is refused',
    (extension) => {
      expect(() => plainName(withExtension('a-1', extension))).toThrow(failing('bad-input'));
    },
  );
});

describe('other paths', () => {
  it('when a path is requested, is the one in the mirror directory', () => {
    expect(appFile('krita', '5.2', 'https://example.org/krita.AppImage')).toBe(
      'linux-apps/krita-5.2.AppImage',
    );
    expect(packageJsonPath('formulas', 'openssl@3')).toBe('index/formulas/data/o/openssl@3.json.zst');
    expect(packageJsonPath('casks', '1password')).toBe('index/casks/data/1/1password.json.zst');
    expect(signaturePath('index/formulas.db')).toBe('index/formulas.db.sig');
    expect(leafPath(SHA256)).toBe(`snapshot/leaves/${SHA256}.tsv`);
    expect(apiPath('internal/packages.sonoma.jws.json')).toBe('api/internal/packages.sonoma.jws.json');
  });

  it('when a name begins with a capital, its folder is that capital', () => {
    expect(packageJsonPath('formulas', 'Rtools')).toBe('index/formulas/data/R/Rtools.json.zst');
  });

  it('when a formula has an OCI image, its index is stored under the image name', () => {
    expect(imageName('openssl@3')).toBe('openssl/3');
    expect(imageName('gtk+3')).toBe('gtkx3');
    expect(bottleManifestPath('openssl@3', '3.5.2-1')).toBe('bottles/openssl/3/manifests/3.5.2-1');
    expect(bottleManifestPath('gtk+3', '3.24')).toBe('bottles/gtkx3/manifests/3.24');
  });

  it('when replacing @ with a slash would leave an empty or dotted part, the name is refused', () => {
    for (const name of ['foo@', 'foo@@3', 'foo@.', 'foo@..', 'foo@con']) {
      expect(() => bottleManifestPath(name, '1'), name).toThrow(failing('bad-input'));
    }
  });

  it('when a part is hostile, is refused', () => {
    for (const bad of HOSTILE_COMPONENTS) {
      expect(() => appFile(bad, '1', 'x.AppImage'), bad).toThrow(failing('bad-input'));
      expect(() => packageJsonPath('formulas', bad), bad).toThrow(failing('bad-input'));
      expect(() => bottleManifestPath('jq', bad), bad).toThrow(failing('bad-input'));
      expect(() => bottleManifestPath(bad, '1'), bad).toThrow(failing('bad-input'));
    }
  });
});

describe('a path of the tree', () => {
  it.each(['manifest.json', 'bottles/gtk+3-1~2_3,4=5.all.bottle.tar.gz', `blobs/sha256/${SHA256}`])(
    'when it is %s, is accepted unchanged',
    (path) => expect(treePath(path)).toBe(path),
  );

  it('when one of its parts is hostile, is refused', () => {
    for (const bad of HOSTILE_COMPONENTS.filter((text) => text !== 'a/b' && text !== '../x')) {
      expect(() => treePath(`index/${bad}`), bad).toThrow(failing('bad-input'));
      expect(() => treePath(`${bad}/index`), bad).toThrow(failing('bad-input'));
    }
  });

  it.each(['/manifest.json', 'index/', 'index//a', 'index/../a', './a', 'C:/a', '..'])(
    'when it is %s, is refused',
    (path) => expect(() => treePath(path)).toThrow(failing('bad-input')),
  );

  it('when a hostile name is refused, the error shows only its beginning', () => {
    expect(() => treePath('x'.repeat(10_240))).toThrow(expect.objectContaining({ found: 'x'.repeat(80) }));
  });
});

describe('a content address', () => {
  it('when it is made and read, gives the digest', () => {
    expect(sha256OfBlobName(blobName(SHA256))).toBe(SHA256);
  });

  it.each([
    '',
    SHA256,
    `blobs/sha256/${SHA256.toUpperCase()}`,
    `blobs/sha256/${SHA256}/jq.tar.gz`,
    `/blobs/sha256/${SHA256}`,
    `blobs/sha512/${SHA256}`,
    'blobs/sha256/..',
  ])('when it is %j, is not one', (name) => expect(sha256OfBlobName(name)).toBeUndefined());
});

describe('the name of a kept snapshot', () => {
  const id = { version: 1_793_534_400, signer: '0123456789ABCDEF' };

  it('when it is made and parsed, is of the same version and signer', () => {
    expect(snapshotKey(id)).toBe('snapshots/1793534400-0123456789ABCDEF');
    expect(parseSnapshotName(snapshotName(id))).toEqual(id);
  });

  it('when two keys sign the same version, their snapshots have two names', () => {
    expect(snapshotName({ ...id, signer: 'FEDCBA9876543210' })).not.toBe(snapshotName(id));
  });

  it.each([
    '',
    '1793534400',
    '1-0123456789abcdef',
    '0-0123456789ABCDEF',
    '01-0123456789ABCDEF',
    '9007199254740992-0123456789ABCDEF',
    '1-0123456789ABCDEF.json',
    '1-0123456789ABCDE',
  ])('when it is %j, is not one', (name) => expect(parseSnapshotName(name)).toBeUndefined());
});

describe('a path in a URL', () => {
  it('when it has a plus, the plus is escaped: decoders read it as a space', () => {
    expect(encodePath('bottles/gtk+3-1.0.all.bottle.tar.gz')).toBe('bottles/gtk%2B3-1.0.all.bottle.tar.gz');
  });

  it.each(['bottles/openssl@3-3.5.2_1.all.bottle.1.tar.gz', 'casks/a~b-1,2=3.dmg', 'casks/a+b@c,d=e~f.dmg'])(
    'when %s is parsed as a URL again, is the same path',
    (path) => {
      const { pathname } = new URL(`https://mirror.example/${encodePath(path)}`);
      expect(decodeURIComponent(pathname)).toBe(`/${path}`);
    },
  );
});
