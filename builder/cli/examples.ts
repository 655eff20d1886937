/**
 * Command lines that the help of each verb shows, most common first. Each works as it is, with names of your own, and fits
 * 80 columns.
 */
export const EXAMPLES: Readonly<Record<string, readonly string[]>> = {
  init: ['init'],
  create: ['create ./my-mirror jq wget --cask firefox', 'create ./my-mirror --packages-file approved.txt'],
  update: ['update ./my-mirror', 'update ./my-mirror jq --dry-run'],
  outdated: ['outdated ./my-mirror'],
  fill: ['fill ./my-mirror jq wget', 'fill --bucket stout-mirror --max-size 50G'],
  prune: ['prune ./my-mirror --dry-run'],
  withdraw: ['withdraw ./my-mirror xz', 'withdraw ./my-mirror --cask firefox'],
  verify: ['verify ./my-mirror', 'verify https://mirror.example.com --trust mirror.pub'],
  info: ['info ./my-mirror'],
  why: ['why ./my-mirror libevent'],
  diff: ['diff ./my-mirror upstream', 'diff ./my-mirror https://mirror.example.com --markdown'],
  doctor: ['doctor ./my-mirror', 'doctor ./my-mirror --url https://mirror.example.com'],
  sbom: ['sbom ./my-mirror > sbom.cdx.json'],
  sign: ['sign ./my-mirror --valid-for 7d'],
  keygen: ['keygen --encrypt'],
  serve: [
    'serve ./my-mirror',
    'serve ./my-mirror --host 0.0.0.0 --port 8080 --log-access',
    'serve ./my-mirror --metrics 127.0.0.1:9001 --log-format json',
  ],
  config: [
    'config https://mirror.example.com',
    'config https://mirror.example.com --client brew -o brew.env',
  ],
  bundle: [
    'bundle ./my-mirror -o mirror.tar --max-size 4000M',
    'bundle ./my-mirror -o monday.tar --since receipt.tar',
  ],
  unbundle: ['unbundle mirror-1.tar mirror-2.tar ./my-mirror', 'unbundle - ./my-mirror --receipt r.tar'],
  publish: [
    'publish ./my-mirror --bucket stout-mirror',
    'publish ./my-mirror --bucket stout-mirror --channel canary',
  ],
  pull: ['pull ./my-mirror --url https://mirror.example.com'],
  promote: [
    'promote canary current --bucket stout-mirror',
    'promote canary current --bucket stout-mirror --after 24h',
  ],
  channels: ['channels --bucket stout-mirror', 'channels --bucket stout-mirror --remove canary'],
  rollback: ['rollback --bucket stout-mirror --dry-run'],
  snapshots: ['snapshots --bucket stout-mirror'],
  pin: ['pin 1764200000 --bucket stout-mirror --until 2026-12-31'],
  'prune-bucket': ['prune-bucket --bucket stout-mirror --keep 5 --dry-run'],
  completion: ['completion zsh'],
};
