#!/usr/bin/env python3
"""A verifier written from docs/format.md alone. It shares no code with the project, on purpose: keep it so.

usage: second-implementation.py verify DIR KEY [--seen VERSION]   one finding a line, `path: what`; exits with 1 if any
       second-implementation.py leaves                            names on standard input; prints the first of each leaf
       second-implementation.py rewrite ORIGIN                    stored package JSON on standard input; prints what is sent

It needs Python 3.10, minisign, openssl and zstd.
"""

import base64
import datetime
import hashlib
import json
import os
import re
import sqlite3
import subprocess
import sys
import tempfile

SEGMENT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9@+~,._=-]{0,199}")
DEVICE = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.I)
SHA256 = re.compile(r"[0-9a-f]{64}")
COMMENT = re.compile(r"timestamp:(\d+)\tfile:([^\t]+)\tsha256:([0-9a-f]{64})\tsize:(\d+)")
ADDRESS = "blobs/sha256/"
ROOT = "snapshot/root.json"
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


def is_path(text):
    segments = text.split("/")
    return len(text) <= 1000 and all(
        SEGMENT.fullmatch(s) and not s.endswith(".") and not DEVICE.match(s) for s in segments
    )


class Mirror:
    def __init__(self, folder, key):
        self.folder, self.key = folder, key
        self.findings = []
        self.entries = {}

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
        except (ValueError, KeyError, TypeError, AttributeError, sqlite3.Error) as error:
            self.findings.append(f"{path}: {error!r}")
        return None

    def check_signature(self, path, data):
        """Section 2. minisign checks lines 2 and 4; what the comment must say it cannot know."""
        signature = path + ".sig"
        text = self.read(signature, 10_240).decode()
        lines = text.split("\n")
        check(len(lines) == 5 and lines[4] == "", signature, "does not have four lines")
        check(base64.b64decode(lines[1])[:2] == b"ED", signature, "is not of the prehashed kind")
        comment = COMMENT.fullmatch(lines[2].removeprefix("trusted comment: "))
        check(comment, signature, "has no comment of a mirror's")
        check(comment[2] == path, signature, "was made for another file")
        check((comment[3], int(comment[4])) == (sha256(data), len(data)), path, "is not what was signed")
        command = ["minisign", "-V", "-H", "-q", "-P", self.key, "-m", self.local(path), "-x", self.local(signature)]
        done = subprocess.run(command, capture_output=True)
        check(done.returncode == 0, signature, "does not hold")

    def open_root(self, path):
        data = self.read(path, 8 << 20)
        self.check_signature(path, data)
        root = json.loads(data)
        check(root["format"] == 1, path, "is of another format")
        leaves = root["leaves"]
        firsts = [leaf["first"] for leaf in leaves]
        check(leaves and firsts == sorted(set(firsts)), path, "has leaves out of order")
        for total in ("files", "bytes"):
            check(root["totals"][total] == sum(leaf[total] for leaf in leaves), path, "has wrong totals")
        return root

    def check_age(self, path, root, seen):
        check(datetime.datetime.now(datetime.timezone.utc) < instant(root["expires_at"]), path, "has expired")
        check(root["version"] >= seen, path, "is older than one seen before")

    def open_leaf(self, path, leaf, after):
        data = self.read(path, leaf["size"])
        check(sha256(data) == leaf["sha256"], path, "has other bytes")
        document = json.loads(data)
        check(set(document) == {"files"}, path, "has other keys")
        entries = document["files"]
        names = [entry["name"] for entry in entries]
        check(names == sorted(set(names)) and names[0] == leaf["first"], path, "has entries out of order")
        check(not after or names[-1] < after[0]["first"], path, "has names of the next leaf")
        for entry in entries:
            self.check_entry(path, entry)
        own = [entry for entry in entries if is_own(entry)]
        totals = (len(own), sum(entry["size"] for entry in own))
        check(totals == (leaf["files"], leaf["bytes"]), path, "has wrong totals")
        self.entries.update(zip(names, entries))

    def check_entry(self, leaf, entry):
        keys = {"name", "size", "sha256", "md5", "modified"}
        check(keys <= set(entry) <= keys | {"path", "until"}, leaf, "has an entry with other keys")
        check(is_path(entry["name"]) and is_path(entry.get("path", "x")), leaf, "has a path that no mirror has")
        if entry["name"].startswith(ADDRESS):
            check(entry["name"] == ADDRESS + entry["sha256"] and "path" in entry, leaf, "has a false content address")
        else:
            check("path" not in entry and "until" not in entry, leaf, "has a path with a path")

    def listed(self, path, limit):
        check(path in self.entries, path, "is not listed")
        data = self.read(path, limit)
        check(sha256(data) == self.entries[path]["sha256"], path, "has other bytes")
        return data

    def check_manifest(self, path):
        manifest = json.loads(self.listed(path, 64 << 20))
        check(manifest["generator"]["format"] == 1, path, "is of another format")

    def check_index_manifest(self, path, created_at):
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
        check(self.holds(bytes.fromhex(manifest["signature"]), text.encode()), path, "has a false stout signature")
        check(manifest["signed_at"] >= instant(created_at).timestamp(), path, "was signed before the snapshot")
        for kind, index in (("formulas", indexes["formulas"]), ("casks", casks)):
            entry = self.entries.get(f"index/{kind}/index.db.zst", {})
            check(entry.get("sha256") == index.get("db_sha256"), path, f"names another {kind} database")

    def holds(self, signature, message):
        """Plain Ed25519, by openssl: the raw key behind the head that X.509 gives it (RFC 8410)."""
        key = bytes.fromhex("302a300506032b6570032100") + base64.b64decode(self.key)[10:]
        with tempfile.TemporaryDirectory() as folder:
            files = {"key": key, "sig": signature, "text": message}
            for name, data in files.items():
                with open(os.path.join(folder, name), "wb") as file:
                    file.write(data)
            command = "openssl pkeyutl -verify -pubin -keyform DER -inkey key -rawin -in text -sigfile sig"
            return subprocess.run(command.split(), cwd=folder, capture_output=True).returncode == 0

    def check_database(self, path):
        if path not in self.entries:
            return
        check(path + ".sig" in self.entries, path + ".sig", "is not listed")
        self.check_signature(path, self.listed(path, self.entries[path]["size"]))

    def check_file(self, path, entry):
        digest, size = hashlib.sha256(), 0
        try:
            with open(self.local(path), "rb") as file:
                while size <= entry["size"] and (chunk := file.read(1 << 20)):
                    digest.update(chunk)
                    size += len(chunk)
        except OSError:
            raise Finding(path, "is missing") from None
        check(size == entry["size"], path, f"does not have {entry['size']} bytes")
        check(digest.hexdigest() == entry["sha256"], path, "has other bytes")

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
            check(entry, row, f"is in {path}, but not listed")
            check((entry["sha256"], entry["size"]) == (digest, size), row, f"is listed otherwise than in {path}")
        paths = {row for row, _, _ in rows}
        for name in self.entries:
            own = name.startswith(folder + "/") and name.count("/") == 1
            check(not own or name in paths, name, f"is not in {path}")

    def check_vulnerabilities(self, path):
        if path not in self.entries:
            return
        with sqlite3.connect(f"file:{self.local(path)}?mode=ro", uri=True) as database:
            check(database.execute("PRAGMA integrity_check").fetchone() == ("ok",), path, "is damaged")

    def verify(self, seen):
        """Section 9, in its order."""
        root = self.attempt(self.open_root, ROOT)
        if root is None:
            return
        self.attempt(self.check_age, ROOT, root, seen)
        leaves = root["leaves"]
        for at, leaf in enumerate(leaves):
            self.attempt(self.open_leaf, f"snapshot/leaves/{leaf['sha256']}.json", leaf, leaves[at + 1 : at + 2])
        self.attempt(self.check_manifest, "manifest.json")
        self.attempt(self.check_index_manifest, "index/manifest.json", root["created_at"])
        for path in [*(f"index/{kind}.db" for kind in KINDS), "vulns/cve.db"]:
            self.attempt(self.check_database, path)
        for entry in self.entries.values():
            if is_own(entry):
                self.attempt(self.check_file, entry.get("path", entry["name"]), entry)
        for kind, (folder, tables) in KINDS.items():
            self.attempt(self.check_agreement, f"index/{kind}.db", folder, tables)
        self.attempt(self.check_vulnerabilities, "vulns/cve.db")


def is_own(entry):
    return "path" not in entry or "until" in entry


def leaves(names):
    """Section 4, boundaries."""
    length = 0
    for name in sorted(names):
        begins = int.from_bytes(hashlib.sha256(name.encode()).digest()[:2], "big") % 512 == 0
        if length in (0, 2048) or begins:
            length = 0
            yield name
        length += 1


def rewrite(value, origin):
    """Section 8."""
    if isinstance(value, list):
        return [rewrite(item, origin) for item in value]
    if not isinstance(value, dict):
        return value
    made = {key: rewrite(item, origin) for key, item in value.items()}
    url, path, digest = (value.get(key) for key in ("url", "path", "sha256"))
    if all(isinstance(item, str) for item in (url, path, digest)) and SHA256.fullmatch(digest):
        name = path.rsplit("/", 1)[-1].replace("+", "%2B")
        made["url"] = f"{origin}/{ADDRESS}{digest}/{name}"
    return made


def frame(content):
    """Section 8: a Zstandard frame of raw blocks."""
    blocks = [content[at : at + 131_072] for at in range(0, len(content), 131_072)] or [b""]
    head = b"\x28\xb5\x2f\xfd\xa0" + len(content).to_bytes(4, "little")
    last = len(blocks) - 1
    return head + b"".join(
        (len(block) * 8 + (number == last)).to_bytes(3, "little") + block for number, block in enumerate(blocks)
    )


def main(arguments):
    if arguments[0] == "verify":
        mirror = Mirror(arguments[1], arguments[2])
        mirror.verify(int(arguments[4]) if arguments[3:] else 0)
        print("\n".join(mirror.findings) or f"whole: {sum(map(is_own, mirror.entries.values()))} files")
        return 1 if mirror.findings else 0
    if arguments[0] == "leaves":
        print("\n".join(leaves(sys.stdin.read().split())))
        return 0
    stored = subprocess.run(["zstd", "-dc"], stdin=sys.stdin.buffer, capture_output=True, check=True).stdout
    made = json.dumps(rewrite(json.loads(stored), arguments[1]), ensure_ascii=False, separators=(",", ":"))
    sys.stdout.buffer.write(frame(made.encode()))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
