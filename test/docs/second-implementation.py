#!/usr/bin/env python3
"""A verifier written from docs/format.md alone. It shares no code with the project, on purpose: keep it so.

usage: second-implementation.py verify DIR --trust KEY [--trust KEY …] [--mirror ID] [--seen FILE] [--now SECONDS]
           prints one finding a line, `path: what`, and exits with 1 if there are any
       second-implementation.py find DIR NAME
           prints the line of a name, found by binary search over the bytes of one leaf; exits with 1 if there is none
       second-implementation.py leaves
           reads names from standard input and prints the first of each leaf
       second-implementation.py rewrite BASE
           reads stored package JSON from standard input and prints what a server sends

`--trust` is given once for each key, newest first. `--seen` names a file of JSON, `{mirror: {key id: version}}`: what the reader
remembers. It is read, and written again when the snapshot is accepted.

It needs Python 3.10, minisign, openssl and zstd.
"""

import argparse
import base64
import bisect
import dataclasses
import datetime
import hashlib
import json
import os
import re
import sqlite3
import subprocess
import sys
import tempfile
import time
import zlib

SEGMENT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9@+~,._=-]{0,199}")
DEVICE = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.I)
SHA256 = re.compile(r"[0-9a-f]{64}")
COMMENT = re.compile(r"timestamp:(\d+)\tfile:([^\t]+)\tsha256:([0-9a-f]{64})\tsize:(\d+)")
HOST = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z](?:[a-z0-9-]*[a-z0-9])?")
SOURCE = re.compile(rf"https://({HOST.pattern})/[!-~]*")
MIRROR = re.compile(r"[0-9A-F]{16}-([1-9][0-9]{0,15})")
LINE = re.compile(
    r"([^\t]+)\t([0-9a-f]{64})\t(0|[1-9][0-9]{0,15}|-)\t([0-9a-f]{32}|-)\t(0|[1-9][0-9]{0,15})"
    r"(?:\tpath=([^\t]+))?(?:\tuntil=([1-9][0-9]{0,15}))?(?:\tsource=([^\t]+))?"
)
PACKAGE_FILE = re.compile(r"(bottles|casks|linux-apps)/[^/]+")
IMAGE_DOCUMENT = re.compile(r"bottles/.+/(manifests|blobs)/.+")
ADDRESS = "blobs/sha256/"
ROOT = "snapshot/root.json"
FORMAT = 2
LARGEST = 2**53 - 1
LAST_SECOND = 253_402_300_799
KINDS = {
    "formulas": ("bottles", ("bottles", "brew_bottles")),
    "casks": ("casks", ("artifacts",)),
    "linux-apps": ("linux-apps", ("artifacts",)),
}


class Finding(Exception):
    """What is wrong with the file at a path."""

    def __init__(self, path, what):
        super().__init__(f"{path}: {what}")


def check(condition, path, what):
    if not condition:
        raise Finding(path, what)


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def instant(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def is_whole_number(value, least=0):
    return type(value) is int and least <= value <= LARGEST


def is_content_file(path):
    return bool(PACKAGE_FILE.fullmatch(path) or IMAGE_DOCUMENT.fullmatch(path))


def is_path(text):
    segments = text.split("/")
    return len(text) <= 1000 and all(
        SEGMENT.fullmatch(s) and not s.endswith(".") and not DEVICE.match(s) for s in segments
    )


@dataclasses.dataclass(frozen=True)
class Key:
    """A line of base64 that begins with RW: two bytes of algorithm, eight of key id, 32 of key."""

    line: str

    @property
    def raw(self):
        return base64.b64decode(self.line)

    @property
    def id(self):
        """As minisign prints it."""
        return self.raw[2:10][::-1].hex().upper()


@dataclasses.dataclass(frozen=True)
class Entry:
    """One line of a leaf. A size or an MD5 that is not known is None."""

    name: str
    sha256: str
    size: int | None
    md5: str | None
    modified: int
    path: str | None
    until: int | None
    source: str | None

    @property
    def is_own(self):
        return self.path is None

    def agrees(self, other):
        return all(
            getattr(self, field) == getattr(other, field) for field in ("sha256", "size", "md5", "until", "source")
        )


def parse_line(text):
    """Section 4. Returns None for what is not an entry."""
    match = LINE.fullmatch(text)
    if not match:
        return None
    name, digest, size, md5, modified, path, until, source = match.groups()
    number = {"size": None if size == "-" else int(size), "modified": int(modified), "until": until and int(until)}
    entry = Entry(name, digest, path=path, md5=None if md5 == "-" else md5, source=source, **number)
    return entry if is_well_formed(entry) else None


def is_well_formed(entry):
    is_address = entry.name.startswith(ADDRESS)
    content = entry.path if is_address else entry.name
    return (
        is_path(entry.name)
        and (entry.path is not None) == is_address
        and (not is_address or (entry.name == ADDRESS + entry.sha256 and is_path(content) and is_content_file(content)))
        and (entry.until is None and entry.source is None or is_content_file(content))
        and (entry.source is not None or entry.size is not None and entry.md5 is not None)
        and (entry.source is None or (len(entry.source) <= 2000 and is_source(entry.source)))
        and (entry.size or 0) <= LARGEST
        and max(entry.modified, entry.until or 0) <= LAST_SECOND
    )


def is_source(text):
    match = SOURCE.fullmatch(text)
    return bool(match) and len(match[1]) <= 253 and "#" not in text


def holds(signer, signature, message):
    """Plain Ed25519, by openssl: the raw key behind the head that X.509 gives it (RFC 8410)."""
    key = bytes.fromhex("302a300506032b6570032100") + signer.raw[10:]
    with tempfile.TemporaryDirectory() as folder:
        files = {"key": key, "sig": signature, "text": message}
        for name, data in files.items():
            with open(os.path.join(folder, name), "wb") as file:
                file.write(data)
        command = "openssl pkeyutl -verify -pubin -keyform DER -inkey key -rawin -in text -sigfile sig"
        return subprocess.run(command.split(), cwd=folder, capture_output=True).returncode == 0


class Mirror:
    def __init__(self, folder, keys, now):
        self.folder, self.keys, self.now = folder, keys, now
        self.findings = []
        self.entries = {}
        self.on_demand = 0

    @property
    def expired(self):
        return sum(entry.is_own and not self.is_offered(entry) for entry in self.entries.values())

    def is_offered(self, entry):
        return entry.until is None or self.now < entry.until

    def local(self, path):
        return os.path.join(self.folder, *path.split("/"))

    def read(self, path, limit):
        try:
            with open(self.local(path), "rb") as file:
                data = file.read(limit + 1)
        except OSError:
            raise Finding(path, "is missing") from None
        check(len(data) <= limit, path, "is longer than listed")
        return data

    def attempt(self, step, path, *arguments):
        try:
            return step(path, *arguments)
        except Finding as finding:
            self.findings.append(str(finding))
        except (ValueError, KeyError, TypeError, AttributeError, sqlite3.Error, zlib.error) as error:
            self.findings.append(f"{path}: {error!r}")
        return None

    def check_signature(self, path, data, keys):
        """Section 2. Returns the key that signed. minisign checks lines 2 and 4, not what the comment says."""
        signature = path + ".sig"
        text = self.read(signature, 10_240).decode()
        lines = text.split("\n")
        check(len(lines) == 5 and lines[4] == "", signature, "does not have four lines")
        algorithm = base64.b64decode(lines[1])
        check(algorithm[:2] == b"ED", signature, "is not of the prehashed kind")
        key = next((key for key in keys if key.raw[2:10] == algorithm[2:10]), None)
        check(key, signature, "is not by a trusted key")
        comment = COMMENT.fullmatch(lines[2].removeprefix("trusted comment: "))
        check(comment, signature, "has no comment of a mirror's")
        check(comment[2] == path, signature, "was made for another file")
        check((comment[3], int(comment[4])) == (sha256(data), len(data)), path, "is not what was signed")
        command = ["minisign", "-V", "-H", "-q", "-P", key.line, "-m", self.local(path), "-x", self.local(signature)]
        done = subprocess.run(command, capture_output=True)
        check(done.returncode == 0, signature, "does not hold")
        return key

    def open_root(self, path):
        """Section 3. Returns the root and the key that signed it."""
        data = self.read(path, 8 << 20)
        signer = self.check_signature(path, data, self.keys)
        root = json.loads(data)
        check(root["format"] != 1, path, "is of format 1: the mirror must be made again with create")
        check(root["format"] == FORMAT, path, "is of another format")
        check(is_whole_number(root["version"], 1), path, "has no version")
        first = MIRROR.fullmatch(root["mirror"])
        check(first and int(first[1]) <= LARGEST, path, "has no id of a mirror")
        hosts = root.get("sources", [])
        check(hosts == sorted(set(hosts)), path, "has sources out of order")
        check(all(len(host) <= 253 and HOST.fullmatch(host) for host in hosts), path, "has a source that is not a host")
        leaves = root["leaves"]
        firsts = [leaf["first"] for leaf in leaves]
        check(leaves and firsts == sorted(set(firsts)), path, "has leaves out of order")
        check(all(leaf["size"] <= 8 << 20 for leaf in leaves), path, "has a leaf that is too large")
        for total in ("files", "bytes"):
            check(root["totals"][total] == sum(leaf[total] for leaf in leaves), path, "has wrong totals")
        return root, signer

    def accept(self, path, root, signer, expected, seen):
        """Section 9, step 3. Returns what is remembered from now on."""
        mirror = root["mirror"]
        check(expected in (None, mirror), path, "is of another mirror")
        check(self.now < instant(root["expires_at"]).timestamp(), path, "has expired")
        versions = seen.get(mirror, {})
        check(root["version"] >= versions.get(signer.id, 0), path, "is older than one seen before")
        earlier = self.keys[: self.keys.index(signer)]
        check(not any(key.id in versions for key in earlier), path, "is by an older key than one seen before")
        return {**seen, mirror: {**versions, signer.id: root["version"]}}

    def open_leaf(self, path, leaf, after, sources):
        data = self.read(path, leaf["size"])
        check(sha256(data) == leaf["sha256"], path, "has other bytes")
        lines = data.decode("ascii").split("\n")
        check(lines.pop() == "", path, "does not end with a line feed")
        check(all(len(line) < 4096 for line in lines), path, "has a line that is too long")
        entries = [parse_line(line) for line in lines]
        check(all(entries), path, "has a line that is not an entry")
        names = [entry.name for entry in entries]
        check(names == sorted(set(names)) and names[0] == leaf["first"], path, "has entries out of order")
        check(not after or names[-1] < after[0]["first"], path, "has names of the next leaf")
        hosts = {SOURCE.fullmatch(entry.source)[1] for entry in entries if entry.source}
        check(hosts <= set(sources), path, "has a source that the root does not name")
        own = [entry for entry in entries if entry.is_own]
        totals = (len(own), sum(entry.size or 0 for entry in own))
        check(totals == (leaf["files"], leaf["bytes"]), path, "has wrong totals")
        self.entries.update(zip(names, entries))

    def listed(self, path, limit):
        check(path in self.entries, path, "is not listed")
        data = self.read(path, limit)
        check(sha256(data) == self.entries[path].sha256, path, "has other bytes")
        return data

    def check_manifest(self, path):
        manifest = json.loads(self.listed(path, 64 << 20))
        check(manifest["generator"]["format"] == FORMAT, path, "is of another format")

    def check_index_manifest(self, path, created_at, signer):
        """Section 5."""
        manifest = json.loads(self.listed(path, 1 << 20))
        indexes = manifest["indexes"]
        casks = indexes.get("casks") or {"count": 0}
        text = "stout-index:v1:{}:{}:{}:{}:{}".format(
            indexes["formulas"]["db_sha256"],
            manifest["signed_at"],
            manifest["index_version"],
            indexes["formulas"]["count"],
            casks["count"],
        )
        check(holds(signer, bytes.fromhex(manifest["signature"]), text.encode()), path, "has a false stout signature")
        check(manifest["signed_at"] >= instant(created_at).timestamp(), path, "was signed before the snapshot")
        for kind, index in (("formulas", indexes["formulas"]), ("casks", casks)):
            entry = self.entries.get(f"index/{kind}/index.db.zst")
            check((entry and entry.sha256) == index.get("db_sha256"), path, f"names another {kind} database")

    def check_database(self, path, signer):
        if path not in self.entries:
            return
        check(path + ".sig" in self.entries, path + ".sig", "is not listed")
        self.check_signature(path, self.listed(path, self.entries[path].size), [signer])

    def check_file(self, path, entry):
        digest, size = hashlib.sha256(), 0
        try:
            with open(self.local(path), "rb") as file:
                while (entry.size is None or size <= entry.size) and (chunk := file.read(1 << 20)):
                    digest.update(chunk)
                    size += len(chunk)
        except (FileNotFoundError, NotADirectoryError):
            check(entry.source, path, "is missing")
            self.on_demand += 1
            return
        except OSError:
            raise Finding(path, "cannot be read") from None
        check(entry.size in (None, size), path, f"does not have {entry.size} bytes")
        check(digest.hexdigest() == entry.sha256, path, "has other bytes")

    def check_address(self, name, entry):
        there = self.entries.get(entry.path)
        check(there and entry.agrees(there), name, "does not agree with its path")

    def check_agreement(self, path, folder, tables):
        """Section 7, both ways."""
        if path not in self.entries:
            return
        rows = []
        with sqlite3.connect(f"file:{self.local(path)}?mode=ro", uri=True) as database:
            there = {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            for table in there.intersection(tables):
                rows += database.execute(f"SELECT path, sha256, size FROM {table} WHERE path IS NOT NULL").fetchall()
        for row, digest, size in rows:
            entry = self.entries.get(row)
            check(entry and entry.until is None, row, f"is in {path}, but not listed")
            check((entry.sha256, entry.size) == (digest, size), row, f"is listed otherwise than in {path}")
        paths = {row for row, _, _ in rows}
        for name, entry in self.entries.items():
            is_package = name.startswith(folder + "/") and name.count("/") == 1 and entry.until is None
            check(not is_package or name in paths, name, f"is not in {path}")

    def check_compressed(self, path):
        plain = self.entries.get(path[: -len(".gz")])
        check(plain, path, "is the compressed form of nothing")
        decoder = zlib.decompressobj(zlib.MAX_WBITS | 16)
        data = decoder.decompress(self.read(path, self.entries[path].size), plain.size + 1)
        is_one = decoder.eof and not decoder.unused_data
        check(is_one and sha256(data) == plain.sha256, path, "does not decode to the file beside it")

    def check_vulnerabilities(self, path):
        if path not in self.entries:
            return
        with sqlite3.connect(f"file:{self.local(path)}?mode=ro", uri=True) as database:
            check(database.execute("PRAGMA integrity_check").fetchone() == ("ok",), path, "is damaged")

    def verify(self, expected, seen):
        """Section 9, in its order. Returns what is remembered from now on."""
        opened = self.attempt(self.open_root, ROOT)
        if opened is None:
            return seen
        root, signer = opened
        remembered = self.attempt(self.accept, ROOT, root, signer, expected, seen)
        leaves, sources = root["leaves"], root.get("sources", [])
        for at, leaf in enumerate(leaves):
            self.attempt(self.open_leaf, leaf_path(leaf), leaf, leaves[at + 1 : at + 2], sources)
        self.attempt(self.check_manifest, "manifest.json")
        self.attempt(self.check_index_manifest, "index/manifest.json", root["created_at"], signer)
        for path in [*(f"index/{kind}.db" for kind in KINDS), "vulns/cve.db"]:
            self.attempt(self.check_database, path, signer)
        for name, entry in self.entries.items():
            if entry.is_own and self.is_offered(entry):
                self.attempt(self.check_file, name, entry)
        for name, entry in self.entries.items():
            if not entry.is_own:
                self.attempt(self.check_address, name, entry)
        for kind, (folder, tables) in KINDS.items():
            self.attempt(self.check_agreement, f"index/{kind}.db", folder, tables)
        self.attempt(self.check_vulnerabilities, "vulns/cve.db")
        for name in self.entries:
            if name.startswith("api/") and name.endswith(".gz"):
                self.attempt(self.check_compressed, name)
        return remembered or seen

    def summary(self):
        count = sum(entry.is_own for entry in self.entries.values()) - self.on_demand - self.expired
        states = [f"whole: {count} files"]
        if self.on_demand:
            states.append(f"{self.on_demand} on demand")
        if self.expired:
            states.append(f"{self.expired} expired")
        return ", ".join(states)

    def find(self, name):
        """Section 4, lookup: returns a line, or None. The root's signature is not checked here."""
        root = json.loads(self.read(ROOT, 8 << 20))
        at = bisect.bisect_right([leaf["first"] for leaf in root["leaves"]], name) - 1
        return None if at < 0 else find_line(self.read(leaf_path(root["leaves"][at]), 8 << 20), name)


def leaf_path(leaf):
    return f"snapshot/leaves/{leaf['sha256']}.tsv"


def find_line(data, name):
    wanted, low, high = name.encode() + b"\t", 0, len(data)
    while low < high:
        middle = (low + high) // 2
        begin = data.rfind(b"\n", 0, middle) + 1
        end = data.index(b"\n", begin)
        if data.startswith(wanted, begin):
            return data[begin:end].decode()
        low, high = (end + 1, high) if data[begin:end] < wanted else (low, begin)
    return None


def leaves(names):
    """Section 4, boundaries."""
    length = 0
    for name in sorted(names):
        begins = int.from_bytes(hashlib.sha256(name.encode()).digest()[:2], "big") % 512 == 0
        if length in (0, 2048) or begins:
            length = 0
            yield name
        length += 1


def rewrite(value, base):
    """Section 8."""
    if isinstance(value, list):
        return [rewrite(item, base) for item in value]
    if not isinstance(value, dict):
        return value
    made = {key: rewrite(item, base) for key, item in value.items()}
    url, path, digest = (value.get(key) for key in ("url", "path", "sha256"))
    if all(isinstance(item, str) for item in (url, path, digest)) and SHA256.fullmatch(digest):
        name = path.rsplit("/", 1)[-1].replace("+", "%2B")
        made["url"] = f"{base}/{ADDRESS}{digest}/{name}"
    return made


def frame(content):
    """Section 8: a Zstandard frame of raw blocks."""
    blocks = [content[at : at + 131_072] for at in range(0, len(content), 131_072)] or [b""]
    head = b"\x28\xb5\x2f\xfd\xa0" + len(content).to_bytes(4, "little")
    last = len(blocks) - 1
    return head + b"".join(
        (len(block) * 8 + (number == last)).to_bytes(3, "little") + block for number, block in enumerate(blocks)
    )


def load(path):
    if not path or not os.path.exists(path):
        return {}
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def verify(options):
    mirror = Mirror(options.directory, options.trust, options.now)
    remembered = mirror.verify(options.mirror, load(options.seen))
    if options.seen:
        with open(options.seen, "w", encoding="utf-8") as file:
            json.dump(remembered, file)
    print("\n".join(mirror.findings) or mirror.summary())
    return 1 if mirror.findings else 0


def find(options):
    line = Mirror(options.directory, [], 0).find(options.name)
    if line is not None:
        print(line)
    return 1 if line is None else 0


def print_leaves(_):
    print("\n".join(leaves(sys.stdin.read().split())))
    return 0


def print_rewrite(options):
    stored = subprocess.run(["zstd", "-dc"], stdin=sys.stdin.buffer, capture_output=True, check=True).stdout
    made = json.dumps(rewrite(json.loads(stored), options.base), ensure_ascii=False, separators=(",", ":"))
    sys.stdout.buffer.write(frame(made.encode()))
    return 0


def main():
    parser = argparse.ArgumentParser(allow_abbrev=False)
    commands = parser.add_subparsers(required=True)
    command = commands.add_parser("verify")
    command.add_argument("directory")
    command.add_argument("--trust", type=Key, action="append", required=True)
    command.add_argument("--mirror")
    command.add_argument("--seen")
    command.add_argument("--now", type=int, default=int(time.time()))
    command.set_defaults(run=verify)
    command = commands.add_parser("find")
    command.add_argument("directory")
    command.add_argument("name")
    command.set_defaults(run=find)
    commands.add_parser("leaves").set_defaults(run=print_leaves)
    command = commands.add_parser("rewrite")
    command.add_argument("base")
    command.set_defaults(run=print_rewrite)
    options = parser.parse_args()
    return options.run(options)


if __name__ == "__main__":
    sys.exit(main())
