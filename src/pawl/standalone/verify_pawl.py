#!/usr/bin/env python3
"""Checks a bundle that `pawl export` wrote: was this release judged, signed and logged as it says? Without Pawl.

    python3 verify_pawl.py release.bundle --log-key VKEY --policy-digest HEX      (or --signers FILE)

Needs Python 3.9 or newer, its standard library, and `ssh-keygen`. No network. It shares no code with Pawl: it was
written from the description of the format (docs/explanation/bundle.md), so that an error in one is not an error in
the other. It is one file, longer than Pawl's own may be, because it is to be read from top to bottom, by you, before
you believe it: the tools first (JSON, Ed25519, Merkle proofs, SSH signatures), then what records look like, then the
questions, in order.

Exit status: 0 the release is sound; 2 wrong usage; 4 the file is not what was written, or contradicts itself; 5 the
file may be sound, but the right people did not sign, or you gave nothing from outside to hold it against.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import itertools
import json
import math
import random
import re
import subprocess
import sys
import tempfile
import unicodedata
from collections.abc import Callable
from pathlib import Path
from statistics import fmean, median, stdev
from typing import Any, NoReturn

try:
    import tomllib
except ModuleNotFoundError:  # before Python 3.11: see `toml` below
    tomllib = None  # type: ignore[assignment]

CHANGED, UNSIGNED = 4, 5
Json = Any


class Refused(Exception):
    """The bundle does not hold; `code` is the exit status."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code


def refuse(text: str, code: int = CHANGED) -> NoReturn:
    raise Refused(code, text)


def must(true: bool, text: str, code: int = CHANGED) -> None:
    if not true:
        refuse(text, code)


# == Tools: bytes that can be written in one way only ================================================================


def sha256(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()


def unbase64(text: Json, what: str) -> bytes:
    """Decode base64; spaces, missing padding and stray bits in the last letter are refused."""
    must(isinstance(text, str) and text.isascii(), f"{what} is not base64")
    try:
        content = base64.b64decode(text, validate=True)
    except ValueError:
        refuse(f"{what} is not base64")
    must(base64.b64encode(content).decode() == text, f"{what} is not written as base64 is")
    return content


def unjson(raw: bytes, what: str, ascii: bool = True) -> Json:
    """Decode JSON that must be exactly what Python writes with sorted keys and without spaces. This refuses white
    space, other orders, other escapes, keys that stand twice, and anything after the end."""
    try:
        value = json.loads(raw.decode("utf-8"), parse_constant=lambda name: refuse(f"{what} holds {name}"))
        again = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=ascii).encode("utf-8")
    except (ValueError, RecursionError) as error:
        refuse(f"{what} is not JSON: {error}")
    must(again == raw, f"{what} is not in its one canonical form")
    return value


def fields(value: Json, what: str, **kinds: type) -> list[Json]:
    """The values of an object that must have exactly these fields, of these types."""
    must(type(value) is dict and sorted(value) == sorted(kinds), f"{what} must have the fields {', '.join(kinds)}")
    for name, kind in kinds.items():
        must(type(value[name]) is kind, f"{what}: '{name}' is of the wrong type")
    return [value[name] for name in kinds]


# == Tools: Ed25519, verification only (RFC 8032, section 5.1.7) =====================================================

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
Point = tuple[int, int, int, int]  # x = X/Z, y = Y/Z, x*y = T/Z
ZERO: Point = (0, 1, 1, 0)


def point(encoded: bytes) -> Point | None:
    """Section 5.1.3: the point in 32 bytes; None where there is none, or where it could be written otherwise."""
    y, sign = int.from_bytes(encoded, "little") & (2**255 - 1), encoded[31] >> 7
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    if (x * x - square) % P or (x == 0 and sign):
        return None
    x = P - x if x & 1 != sign else x
    return (x, y, 1, x * y % P)


def add(p: Point, q: Point) -> Point:
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % P, (p[1] + p[0]) * (q[1] + q[0]) % P
    c, d = 2 * p[3] * q[3] * D % P, 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return (e * f % P, g * h % P, f * g % P, e * h % P)


def times(scalar: int, p: Point) -> Point:
    total = ZERO
    while scalar:
        if scalar & 1:
            total = add(total, p)
        p, scalar = add(p, p), scalar >> 1
    return total


def encoded(p: Point) -> bytes:
    inverse = pow(p[2], -1, P)
    x, y = p[0] * inverse % P, p[1] * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


BASE = point((4 * pow(5, -1, P) % P).to_bytes(32, "little"))


def ed25519(public: bytes, signature: bytes, message: bytes) -> bool:
    """Is this the signature? Strict: one encoding of each number and point, and no key of small order."""
    key = point(public) if len(public) == 32 else None
    s = int.from_bytes(signature[32:], "little")
    if BASE is None or key is None or len(signature) != 64 or s >= ORDER or encoded(times(8, key)) == encoded(ZERO):
        return False
    k = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % ORDER
    minus = (P - key[0], key[1], 1, P - key[3])
    return encoded(add(times(s, BASE), times(k, minus))) == signature[:32]


# == Tools: keys, notes and envelopes ================================================================================


class VerifierKey:
    """`name+id+base64`, as C2SP writes keys of logs (type 1) and witnesses (type 4)."""

    def __init__(self, text: str, kind: int) -> None:
        name, _, rest = text.partition("+")
        content = unbase64(rest.partition("+")[2], "a verifier key")
        role = "log" if kind == 1 else "witness"
        must(len(content) == 33 and content[0] == kind, f"{text[:60]!r} is not a {role}'s key")
        self.name, self.key, self.kind = name, content[1:], kind
        self.id = sha256(name.encode() + b"\n" + content)[:4]
        must(f"{name}+{self.id.hex()}+{rest.partition('+')[2]}" == text, f"{text[:60]!r} is not a verifier key")
        must(re.fullmatch(r"[^\s+]{1,200}", name) is not None, "a verifier key's name may have no spaces")

    def __str__(self) -> str:
        return f"{self.name}+{self.id.hex()}"


def envelope(value: Json, what: str, key: VerifierKey) -> Json:
    """The in-toto statement in a DSSE envelope that this key, and nobody else, signed."""
    payload, kind, signatures = fields(value, what, payload=str, payloadType=str, signatures=list)
    must(kind == "application/vnd.in-toto+json", f"{what} is not an in-toto statement")
    must(len(signatures) == 1, f"{what} must have one signature")
    name, signature = fields(signatures[0], what, keyid=str, sig=str)
    content = unbase64(payload, what)
    signed = b"DSSEv1 %d %b %d %b" % (len(kind), kind.encode(), len(content), content)
    must(name == log_key_text(key), f"{what} is by another key than {key}")
    must(ed25519(key.key, unbase64(signature, what), signed), f"{what} is not as {key} signed it")
    return unjson(content, what)


def log_key_text(key: VerifierKey) -> str:
    return f"{key}+{base64.b64encode(bytes([key.kind]) + key.key).decode()}"


class Note:
    """A checkpoint (C2SP tlog-checkpoint in a signed note): origin, size, root, and who signed it."""

    def __init__(self, text: str) -> None:
        body, gap, tail = text.partition("\n\n")
        lines, self.lines = body.split("\n"), tail.split("\n")[:-1]
        must(bool(gap) and len(lines) == 3 and bool(lines[0]) and tail.endswith("\n"), "the checkpoint is not one")
        must(re.fullmatch(r"0|[1-9][0-9]{0,18}", lines[1]) is not None, "the checkpoint's size is not a number")
        self.origin, self.size, self.text = lines[0], int(lines[1]), body + "\n"
        self.root = unbase64(lines[2], "the checkpoint's root")
        must(len(self.root) == 32, "the checkpoint's root is not 32 bytes long")
        form = r"\u2014 [^\s+]{1,200} [A-Za-z0-9+/]+={0,2}"
        must(all(re.fullmatch(form, line) for line in self.lines), "the checkpoint has a line that is no signature")

    def signed_by(self, key: VerifierKey) -> bool:
        """Whether there is a line by this key; refuses if it is there and false."""
        for line in self.lines:
            _, name, text = line.split(" ")
            content = unbase64(text, "a signature on the checkpoint")
            if name != key.name or content[:4] != key.id:
                continue
            stamp, signature = (b"", content[4:]) if key.kind == 1 else (content[4:12], content[12:])
            prefix = f"cosignature/v1\ntime {int.from_bytes(stamp, 'big')}\n" if key.kind == 4 else ""
            must(ed25519(key.key, signature, (prefix + self.text).encode()), f"{key} did not sign this checkpoint")
            return True
        return False


# == Tools: Merkle proofs (RFC 9162, sections 2.1.1, 2.1.3.2 and 2.1.4.2) ============================================


def parent(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right)


def included(content: bytes, index: int, size: int, proof: list[bytes], root: bytes) -> bool:
    """Is the entry at `index`, from 0, in the tree of `size` entries with this root?"""
    must(0 <= index < size, f"a tree of {size} entries has no entry {index + 1}")
    fn, sn, r = index, size - 1, sha256(b"\x00" + content)
    for p in proof:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            r = parent(p, r)
            while fn and not fn & 1:
                fn, sn = fn >> 1, sn >> 1
        else:
            r = parent(r, p)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and r == root


def grown(first: int, first_root: bytes, second: int, second_root: bytes, proof: list[bytes]) -> bool:
    """Does the tree of `second` entries begin with the `first` entries of the other, unchanged?"""
    if not 0 < first <= second:
        return False
    if first == second:
        return not proof and first_root == second_root
    steps = proof if first & (first - 1) else [first_root, *proof]
    if not proof:
        return False
    fn, sn = first - 1, second - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    fr = sr = steps[0]
    for c in steps[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            fr, sr = parent(c, fr), parent(c, sr)
            while fn and not fn & 1:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = parent(sr, c)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and fr == first_root and sr == second_root


def hashes(value: Json, what: str) -> list[bytes]:
    must(type(value) is list, f"{what} is not a list")
    steps = [unbase64(step, what) for step in value]
    must(all(len(step) == 32 for step in steps), f"{what} holds something that is no hash")
    return steps


# == Tools: people's signatures (OpenSSH, PROTOCOL.sshsig and PROTOCOL.u2f) ==========================================

NAMESPACE = "pawl-decision@v1"  # a signature made for anything else is not a decision


def strings(blob: bytes) -> list[bytes]:
    """Length-prefixed strings, one after another, to the end."""
    found = []
    while blob:
        end = 4 + int.from_bytes(blob[:4], "big")
        must(len(blob) >= max(end, 4), "an SSH signature ends in the middle")
        found.append(blob[4:end])
        blob = blob[end:]
    return found


def signed(message: str, armored: str, name: str, public: str, revoked: list[bytes]) -> tuple[str, str, bool]:
    """Fingerprint, kind and presence of the key that signed this message. Refuses if it is another key, another
    purpose, a false signature, or a key that a list in `revoked` names. The arithmetic is ssh-keygen's."""
    wrong = f"this is not {name}'s signature over these bytes"
    with tempfile.TemporaryDirectory(prefix="verify-pawl-") as folder:
        Path(folder, "allowed").write_text(f'{name} namespaces="{NAMESPACE}" {public}\n')
        Path(folder, "signature").write_text(armored)
        command = ["ssh-keygen", "-Y", "verify", "-f", f"{folder}/allowed", "-I", name, "-n", NAMESPACE]
        command += ["-s", f"{folder}/signature"]
        must(ssh(command, message), wrong, UNSIGNED)
        for content in revoked:
            Path(folder, "revoked").write_bytes(content)
            must(ssh([*command, "-r", f"{folder}/revoked"], message), f"{name}'s key is revoked", UNSIGNED)
    lines = armored.strip().splitlines()
    must(lines[0] == "-----BEGIN SSH SIGNATURE-----" and lines[-1] == "-----END SSH SIGNATURE-----", wrong, UNSIGNED)
    blob = base64.b64decode("".join(lines[1:-1]), validate=True)
    must(blob[:10] == b"SSHSIG\0\0\0\1", wrong, UNSIGNED)
    parts = strings(blob[10:])
    must(len(parts) == 5 and parts[1] == NAMESPACE.encode(), wrong, UNSIGNED)
    must(parts[0] == base64.b64decode(public.split(" ")[1]), wrong, UNSIGNED)
    kind, hardware = public.split(" ")[0], public.startswith("sk-")
    tail = parts[4][4 + int.from_bytes(parts[4][:4], "big") :]
    tail = tail[4 + int.from_bytes(tail[:4], "big") :]  # after the signature: flags and counter of hardware keys
    must(len(tail) == (5 if hardware else 0), wrong, UNSIGNED)
    fingerprint = "SHA256:" + base64.b64encode(sha256(parts[0])).decode().rstrip("=")
    return fingerprint, kind, hardware and bool(tail[0] & 1)


def ssh(command: list[str], message: str) -> bool:
    try:
        return subprocess.run(command, input=message.encode(), capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        refuse("ssh-keygen is not installed, so that no signature can be checked", UNSIGNED)


# == Tools: policy.toml ==============================================================================================

SCALAR = (
    r'"(?:[^"\\\x00-\x1f]|\\["\\])*"' r"|'[^'\x00-\x1f]*'" r"|true|false|\d{4}-\d\d-\d\d"
    r"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?"
)  # fmt: skip
HEADER = re.compile(r"(\[|\[\[)([A-Za-z0-9_.-]+)(\]|\]\])[ \t]*(?:#.*)?")
SETTING = re.compile(rf"([A-Za-z0-9_-]+)[ \t]*=[ \t]*({SCALAR}|\[[ ,]*(?:(?:{SCALAR})[ ,]*)*\])[ \t]*(?:#.*)?")


def toml(text: str) -> Json:
    """A TOML document. Python has a parser since 3.11. Before, this one reads what policies are usually made of, a
    setting in a line, and refuses what it does not know, rather than guess."""
    if tomllib is not None:
        try:
            return tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            refuse(f"the policy is not TOML: {error}")
    top: Json = {}
    table = top
    for line in (line.strip(" \t\r") for line in text.split("\n")):
        header, setting = HEADER.fullmatch(line), SETTING.fullmatch(line)
        if header and len(header[1]) == len(header[3]):
            place, table = top, {}
            *path, name = header[2].split(".")
            for step in path:
                place = place.setdefault(step, {})
            must(type(place) is dict, f"the policy has '{header[2]}' twice")
            if len(header[1]) == 2:
                must(type(place.setdefault(name, [])) is list, f"the policy has '{name}' twice")
                place[name].append(table)
            else:
                must(name not in place, f"the policy has '{name}' twice")
                place[name] = table
        elif setting:
            must(setting[1] not in table, f"the policy has '{setting[1]}' twice")
            found = [scalar(one) for one in re.findall(SCALAR, setting[2])]
            table[setting[1]] = found if setting[2][0] == "[" else found[0]
        else:
            must(
                not line or line[0] == "#",
                f"use Python 3.11 or newer: only it can read this line of the policy: {line}",
            )
    return top


def scalar(text: str) -> Json:
    """A string, number, truth value, or (as a string) a day."""
    if text[0] == "'" or re.fullmatch(r"\d{4}-\d\d-\d\d", text):
        return text.strip("'")
    return json.loads(text)


# == What records look like ==========================================================================================

SHAPES = """
Study name=s metric=s direction=minimize|maximize commit=s comparable=s environment=s config=s policy=s self_reported=b hardware={s}*
Proposal parent=i patch=s hypothesis=s proposer=s settings={j} chosen=s*
Variant proposal=i? commit=s parent=s problem=s
Artifact name=s digest=s size=i
Usage wall_s=n cpu_s=n peak_bytes=i
Isolation sandbox=s version=s safe=b held=[s]
Run variant=i seed=i purpose=noise|screen|certify|ablate|regress outcome=OUTCOME reason=s artifacts=[Artifact] usage=Usage isolation=Isolation environment=s summary={n} log=s tail=s resumed=i*
Evaluation run=i split=validation| outcome=OUTCOME reason=s metrics={n} scorer=s sealed=s self_reported=b usage=Usage
Partial variant=i seed=i purpose=noise|screen|certify|ablate|regress outcome=OUTCOME reason=s artifacts=[Artifact] usage=Usage isolation=Isolation environment=s summary={n} log=s tail=s resumed=i* share=n
PartialEvaluation run=i split=validation| outcome=OUTCOME reason=s metrics={n} scorer=s sealed=s self_reported=b usage=Usage
Noise variant=i evaluations=[i] sd=n low=n high=n correlation=n pairs=i scale=n
CommonSeeds seeds=[i] reason=s
Screening proposal=i variant=i head=i evaluations=[i] decision=accepted|refused|crashed reason=s gain=n? broken_guard=s same_as=i*
Forecast gain=n gain_sd=n pairs=i pairs_late=i chance=n wall_s=n
Preregistration reference=i head=i noise=i step=i wins=i threshold=n scale=n seeds=[i] test=sign-flip|clipped-mean* forecast=Forecast?*
Pair seed=i reference=i head=i reference_score=n? head_score=n? gain=n? cpu_ratio=n?
Certificate preregistration=i outcome=certified|futile|exhausted|no-noise reason=s pairs=[Pair] e_value=n estimate=n? low=n? high=n? level=n reference_failures=i head_failures=i cpu_ratio=n? cpu_s=n
Control certificate=i kind=pair|unlearned variant=i seed=i share=n outcome=OUTCOME reason=s measures={n} usage=Usage
Finding gate=s passed=b reason=s
Verdict certificate=i policy=s findings=[Finding] passed=b
Dossier verdict=i variant=i reference=i policy=s statement=s attachments=[Artifact] proposers=[s] until=s
PolicyChange previous=s digest=s text=s statement=s proposer=s until=s
PolicyInForce digest=s text=s change=i? approvals=[i] threshold=i
Signature approver=s key=s kind=s present=b armored=s
Approval dossier=i request=s signature=Signature note=s
Rejection dossier=i request=s signature=Signature reason=s
Release dossier=i variant=i commit=s approvals=[i] threshold=i
Revocation keys=s reason=s by=s
Exchange task=s rule=s method=s host=s path=s status=i allowed=b reason=s bytes_up=i bytes_down=i tokens_in=i? tokens_out=i? wall_s=n
Completion proposer=s model=s purpose=s prompt=s answer=s outcome=ok|limited|timed-out|cut|refused|unreachable|invalid|stopped reason=s tokens_in=i tokens_out=i estimated=b money=n wall_s=n tokens_cached=i* cpu_s=n?*
Halt reason=s by=s token=s
Resume halt=i request=s signature=Signature note=s
Holdout digest=s rows=i previous=s reason=s by=s
OpeningIntent certificate=i sealed=s number=i of=i mode=standard|adversarial threshold=n head=i reference=i
Opening certificate=i sealed=s number=i of=i mode=standard|adversarial threshold=n head=i reference=i intent=i better=b
Reduced proposal=i? commit=s parent=s problem=s plan=i without=[i]
Piece path=s first=i removed=s added=s
Change name=s proposals=[i] pieces=[Piece] note=s
AblationPlan certificate=i reference=i head=i changes=[Change] margin=n pairs=i scale=n alpha=n seeds=[i]
AblationClaims plan=i attempt=i removed=[i] smaller=i suspects=[i] without=[i] alpha=n seeds=[i]
Difference seed=i base=i other=i base_score=n? other_score=n?
Effect claim=removable|carries changes=[i] base=i variant=i shown=b reason=s e_value=n threshold=n cost=n? low=n? high=n? pairs=[Difference]
Ablation claims=i shown=b effects=[Effect] level=n runs=i cpu_s=n
SuiteEvaluation plan=i suite=s run=i outcome=s reason=s metrics={n} scorer=s sealed=s
RegressionPlan releases=[i] suites=[s] measures=[s] alpha=n seeds=[i]
Drop suite=s before=i after=i pairs=i found=b e_value=n threshold=n loss=n? low=n? high=n?
Regression plan=i drops=[Drop] level=n notes=[s] runs=i
Probe variant=i pairs=i answer=worse-than-good|better-than-bad|undecided e_worse=n e_better=n
BisectionPlan regression=i suite=s variants=[i] threshold=n seeds=[i]
Bisection plan=i probes=[Probe] good=i bad=i decided=b
"""  # noqa: E501
"""Every kind of record, and the parts of some: s text, i whole number, n number, b truth value, j anything, `?` or
null, [x] a list, {x} values by name, a|b one of these words, `*` not there in older logs."""
OUTCOME = "ok|crashed|timed-out|out-of-memory|disk-full|output-flood|not-built|invalid"
PARTS = (
    "Artifact", "Usage", "Isolation", "Pair", "Forecast", "Finding", "Signature", "Piece", "Change", "Difference",
    "Effect", "Drop", "Probe",
)  # fmt: skip
KINDS = {line.split()[0]: dict(one.split("=") for one in line.split()[1:]) for line in SHAPES.strip().split("\n")}


def fits(found: Json, shape: str) -> bool:
    """Whether a value is of a shape in the table above."""
    if shape.endswith("?"):
        return found is None or fits(found, shape[:-1])
    if shape[0] == "[":
        return type(found) is list and all(fits(one, shape[1:-1]) for one in found)
    if shape[0] == "{":
        return type(found) is dict and all(fits(one, shape[1:-1]) for one in found.values())
    if shape in KINDS:
        known = KINDS[shape]
        later = {name for name, kind in known.items() if kind[-1] == "*"}
        full = type(found) is dict and found.keys() | later == known.keys()
        return full and all(fits(found[name], known[name].rstrip("*")) for name in found)
    shape = OUTCOME if shape == "OUTCOME" else shape
    if "|" in shape:
        return found in shape.strip("|").split("|")
    kinds: Json = {"s": (str,), "i": (int,), "n": (int, float), "b": (bool,)}
    return shape == "j" or (type(found) in kinds[shape] and (shape != "n" or math.isfinite(found)))


class Entry:
    """An entry of the log: its place (from 1), kind, time (as the log's clock said) and record."""

    def __init__(self, id: int, body: bytes) -> None:
        self.id, what = id, f"entry {id}"
        self.at, self.kind, self.record = fields(unjson(body, what, ascii=False), what, at=str, kind=str, record=dict)
        must(self.kind in KINDS and self.kind not in PARTS, f"{what} is of no kind that exists: {self.kind}")
        must(fits(self.record, self.kind), f"{what} does not have the fields of a {self.kind}")
        moment(self.at)

    def __getattr__(self, name: str) -> Json:
        return self.record[name]


def moment(text: str) -> str:
    """A time as Pawl writes it, in UTC: such times compare as text."""
    form = r"[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-6][0-9]\+00:00"
    must(re.fullmatch(form, text) is not None, f"{text!r} is not a time as Pawl writes it")
    return text


# == What a person read ==============================================================================================

RULE = "-" * 100


def printable(text: str) -> str:
    """Text as Pawl shows it: what moves a cursor or hides letters becomes a replacement character."""
    text = text.replace("\r\n", "\n")
    shown = (sign in "\n\t" or sign.isprintable() or unicodedata.category(sign) == "Zs" for sign in text)
    return "".join(sign if yes else "\ufffd" for sign, yes in zip(text, shown))


def one_line(text: str) -> str:
    return " ".join(printable(text).split())


def row(name: str, text: str) -> str:
    line = one_line(text)
    return f"  {name:11s} {line if len(line) <= 400 else line[:400] + ' ... (cut)'}\n"


def number(found: float | None) -> str:
    return "open" if found is None else f"{found:.4g}"


# == The questions ===================================================================================================


class Bundle:
    """A bundle, opened: whose bytes are the log's. `say` collects what was found."""

    def __init__(self, raw: bytes, asked: argparse.Namespace, findings: list[str]) -> None:
        self.asked, self.findings = asked, findings
        self.entries: dict[int, Entry] = {}
        self.case, history, self.files = self.open(raw)
        predicate = history["predicate"]
        self.log, self.dossier_id, bodies, self.named, roots = fields(
            predicate, "the history", checkpoint=str, dossier=int, entries=list, files=list, roots=list
        )
        self.note = Note(self.log)
        self.signed_checkpoint(history)
        self.roots = self.growth(roots)
        self.read_entries(bodies)
        self.dossier = self.get(self.dossier_id, "Dossier", "the bundle")

    def say(self, text: str) -> None:
        self.findings.append(text)

    def open(self, raw: bytes) -> tuple[Json, Json, dict[str, bytes]]:
        """The two statements and the files. Nothing in them is believed yet but that the log's key signed them."""
        whole = unjson(raw[:-1], "the bundle")
        must(raw[-1:] == b"\n", "the bundle is cut off")
        case, files, form, history = fields(whole, "the bundle", case=dict, files=dict, format=str, history=dict)
        must(form == "pawl bundle v1", f"this verifier does not know the format {form[:40]!r}")
        given = self.asked.log_key
        try:
            text = given or str(case["signatures"][0]["keyid"])
        except (KeyError, IndexError, TypeError):
            refuse("the case must have one signature")
        self.key = VerifierKey(text, 1)
        opened = [envelope(value, what, self.key) for value, what in ((case, "the case"), (history, "the history"))]
        for statement, kind in zip(opened, ("urn:pawl:dossier:v1", "urn:pawl:history:v1")):
            told = fields(statement, kind, _type=str, subject=list, predicateType=str, predicate=dict)
            must(told[0] == "https://in-toto.io/Statement/v1" and told[2] == kind, f"this is not a statement {kind}")
        contents = {name: unbase64(text, f"file {name[:12]}") for name, text in files.items()}
        for name, content in contents.items():
            must(sha256(content).hex() == name, f"file {name[:12]} is not what its name says")
        whose = "the key that you gave" if given else "the key IN THE FILE"
        self.say(f"The file is in its one form, and both statements are signed by {self.key}: {whose}.")
        return opened[0], opened[1], contents

    def signed_checkpoint(self, history: Json) -> None:
        subject = {"name": self.note.origin, "digest": {"sha256": self.note.root.hex()}}
        must(history["subject"] == [subject], "the history is not about the checkpoint's root")
        must(self.note.origin == self.key.name, f"the checkpoint is of {self.note.origin}, the key of {self.key.name}")
        must(self.note.signed_by(self.key), "the log did not sign the checkpoint")
        keys = {key.key: key for key in (VerifierKey(text, 4) for text in self.asked.witness)}
        names = [key.name for key in keys.values() if self.note.signed_by(key)]
        wanted = len(keys) if self.asked.witnesses is None else self.asked.witnesses
        must(len(names) >= wanted, f"{len(names)} of {wanted} witnesses signed the checkpoint", UNSIGNED)
        seen = f"and cosigned by {', '.join(names)}" if names else "and you asked for no witness"
        self.say(f"The log had {self.note.size} entries; that checkpoint is signed by {self.key}, {seen}.")

    def growth(self, roots: Json) -> dict[int, bytes]:
        """The log's root at each size that somebody signed or named, each proven to grow into the next."""
        found = []
        for value in roots:
            proof, root, size = fields(value, "a root", proof=list, root=str, size=int)
            must(re.fullmatch("[0-9a-f]{64}", root) is not None, "a root is not a digest")
            found.append((size, bytes.fromhex(root), hashes(proof, "a proof of growth")))
        ends = [(size, root) for size, root, _ in found[1:]] + [(self.note.size, self.note.root)]
        for (size, root, proof), (later, root_then) in zip(found, ends):
            must(size < later or later == self.note.size, "the roots are not in order")
            must(grown(size, root, later, root_then, proof), f"the log at {later} does not go on from that at {size}")
        return {size: root for size, root, _ in found}

    def root(self, size: int) -> str:
        must(size in self.roots, f"the log's root at entry {size} is not in the file")
        return self.roots[size].hex()

    def read_entries(self, bodies: Json) -> None:
        """Entries up to the dossier are proven under the dossier's root, which approvers sign; later ones under the
        checkpoint's, which only the log and its witnesses sign."""
        self.root(self.dossier_id)
        last = 0
        for value in bodies:
            text, id, steps = fields(value, "an entry", body=str, id=int, proof=list)
            must(id > last, "the entries are not in order")
            body, proof, last = unbase64(text, f"entry {id}"), hashes(steps, f"the proof of entry {id}"), id
            early = id <= self.dossier_id
            size, root = (self.dossier_id, self.roots[self.dossier_id]) if early else (self.note.size, self.note.root)
            must(included(body, id - 1, size, proof, root), f"entry {id} is not in the log")
            self.entries[id] = Entry(id, body)
        early, end = sum(id <= self.dossier_id for id in self.entries), self.root(self.dossier_id)[:12]
        self.say(f"{early} entries are in the log that dossier {self.dossier_id} ends (root {end}), "
                 f"{len(self.entries) - early} later ones under the checkpoint.")  # fmt: skip
        self.whole = len(self.entries) == self.note.size
        must(self.whole or not self.asked.whole, "the file does not have every entry of the log", UNSIGNED)
        if self.whole:
            self.say("Nothing is left out: every entry of the log is in the file.")
        else:
            self.say("The file has only entries that bear on this dossier. That no other does (a revocation, say), the "
                     "log's holder says; `pawl export --whole` shows.")  # fmt: skip

    def get(self, id: int, kind: str, by: str) -> Entry:
        must(id in self.entries, f"entry {id} is not in the file, and {by} rests on it")
        must(self.entries[id].kind == kind, f"entry {id} is not a {kind}, and {by} rests on it")
        return self.entries[id]

    def all(self, kind: str, before: int | None = None) -> list[Entry]:
        """The entries of a kind, oldest first, older than an id."""
        return [e for e in self.entries.values() if e.kind == kind and (before is None or e.id < before)]

    # -- the rules --------------------------------------------------------------------------------------------------

    def check_policies(self) -> None:
        """Each policy after the first was signed by people of the one before it."""
        chain = self.all("PolicyInForce")
        must(bool(chain) and chain[0].change is None, "the file does not have the study's first policy")
        for entry in chain:
            must(sha256(entry.text.encode()).hex() == entry.digest, f"entry {entry.id}: the policy is not its digest")
        for before, entry in zip(chain, chain[1:]):
            must(entry.change is not None, f"policy {entry.id} was put in force without a change that people signed")
            change = self.get(entry.change, "PolicyChange", f"policy {entry.id}")
            must((change.previous, change.digest, change.text) == (before.digest, entry.digest, entry.text),
                 f"policy {entry.id} is not the one that change {change.id} proposes")  # fmt: skip
            self.approved(change, entry, Rules(before.text), entry.approvals, entry.threshold)
        self.say(f"{len(chain)} policies were in force, one after another, each signed by people of the one before; "
                 "the first was there at the start.")  # fmt: skip

    def policy_at(self, id: int) -> Entry:
        found = self.all("PolicyInForce", before=id)
        must(bool(found), f"no policy was in force before entry {id}")
        return found[-1]

    def approved(self, case: Entry, by: Entry, rules: Rules, ids: list[int], threshold: int) -> list[str]:
        """The names of those who signed `case` before `by` was written. Refuses unless they are enough."""
        approvals = [self.get(id, "Approval", f"entry {by.id}") for id in ids]
        found = [self.signature(case, "approve", one, one.note, rules, by.id) for one in approvals]
        names, keys = {name for name, _ in found}, {key for _, key in found}
        must(len(set(ids)) == len(ids) and threshold == rules.threshold, f"entry {by.id} does not follow its policy")
        count = min(len(names), len(keys))  # two names that share a key are one person
        must(count >= max(threshold, 1), f"{count} of {threshold} people signed entry {case.id}", UNSIGNED)
        for role, wanted in rules.roles.items():
            having = {name for name in names if any(role in roles for who, _, roles in rules.people if who == name)}
            must(len(having) >= wanted, f"{len(having)} of {wanted} by role '{role}' signed entry {case.id}", UNSIGNED)
        return sorted(names)

    def signature(self, case: Entry, word: str, said: Entry, remark: str, rules: Rules, until: int) -> tuple[str, str]:
        """The name and key of a decision that holds: over this case, by a person whom the rules name, in time, with
        a key that was not revoked before entry `until`."""
        name, what = said.signature["approver"], "dossier" if case.kind == "Dossier" else "policy change"
        text = (f"PAWL DECISION v2\ndecision: {word}\n{what}: {case.id}\nlog root: sha256:{self.root(case.id)}\n"
                f"until: {case.until}\napprover: {name}\nremark: {one_line(remark)}\n\n{case.statement}")  # fmt: skip
        must(said.dossier == case.id and said.request == text, f"entry {said.id} is not over entry {case.id}", UNSIGNED)
        must(case.id < said.id < until, f"entry {said.id} was not written between what it decides and what rests on it")
        must(moment(said.at) <= moment(case.until), f"entry {said.id} came after {case.until}", UNSIGNED)
        if word == "approve" and case.kind == "Dossier":
            must(name not in case.proposers, f"{name} proposed what entry {said.id} approves", UNSIGNED)
        revoked = [unbase64(entry.keys, f"entry {entry.id}") for entry in self.all("Revocation", before=until)]
        keys = [key for who, key, _ in rules.people if who == name and self.known(who, key)]
        must(bool(keys), f"{name} is not an approver in the policy, or not in your list of signers", UNSIGNED)
        for number, key in enumerate(keys, 1):
            try:
                fingerprint, kind, present = signed(text, said.signature["armored"], name, key, revoked)
                break
            except Refused:
                if number == len(keys):
                    raise
        claimed = (said.signature["key"], said.signature["kind"], said.signature["present"])
        must(claimed == (fingerprint, kind, present), f"entry {said.id} misnames its key", UNSIGNED)
        must(present or not rules.presence, f"{name} signed without touching a hardware key", UNSIGNED)
        return name, fingerprint

    def known(self, name: str, key: str) -> bool:
        """Whether the signers that the auditor gave, if any, have this person with this key."""
        return self.asked.signers is None or (name, *key.split(" ")[:2]) in self.asked.signers

    # -- the evidence -----------------------------------------------------------------------------------------------

    def check_evidence(self) -> None:
        """Certificate, verdict: done again from the scores."""
        self.verdict = self.get(self.dossier.verdict, "Verdict", "the dossier")
        self.certificate = self.get(self.verdict.certificate, "Certificate", "the verdict")
        self.plan = self.get(self.certificate.preregistration, "Preregistration", "the certificate")
        order = [self.plan.id, self.certificate.id, self.verdict.id, self.dossier_id]
        must(order == sorted(set(order)), "evidence and dossier are not in order")
        studies = self.all("Study", before=self.dossier_id)
        must(bool(studies), "the file does not say what was studied")
        self.study = studies[-1]
        self.check_noise()
        self.check_pairs()
        self.check_certificate()
        findings = self.verdict.findings
        fine = bool(findings) and all(one["passed"] for one in findings) and self.verdict.passed
        must(fine, f"verdict {self.verdict.id} did not pass", UNSIGNED)
        must(self.verdict.policy == self.dossier.policy, "verdict and dossier are under two policies")
        gates = ", ".join(one["gate"] for one in findings)
        self.say(f"Verdict {self.verdict.id}: all {len(findings)} gates passed ({gates}).")
        if "holdout" in {one["gate"] for one in findings}:
            self.check_holdout()

    def check_holdout(self) -> None:
        """The gate rests on one bit, asked for in its turn, by the rules of then, about runs of the certificate."""
        verdict, cert = self.verdict, self.certificate
        claims = [one for one in self.all("Opening", before=verdict.id) if one.certificate == cert.id]
        if not claims:
            bare = not self.all("Holdout", before=verdict.id) and not Rules(self.policy_at(verdict.id).text).held_out
            must(bare, f"verdict {verdict.id} passed the gate 'holdout' without an answer", UNSIGNED)
            self.say("The study had no holdout, and its policy lets that pass.")
            return
        said, sets = claims[0], self.all("Holdout", before=claims[0].intent)
        asked = self.get(said.intent, "OpeningIntent", f"opening {said.id}")
        same = {name: said.record[name] for name in asked.record} == asked.record
        must(same and cert.id < asked.id < said.id, f"opening {said.id} is no answer to intent {asked.id}")
        must(bool(sets) and sets[-1].digest == asked.sealed, f"intent {asked.id} is not about the holdout in use")
        turn = sum(one.sealed == asked.sealed for one in self.all("OpeningIntent", before=asked.id)) + 1
        in_turn = turn == asked.number or (turn < asked.number and not self.whole)
        must(in_turn and asked.number <= asked.of, f"intent {asked.id} was not in its turn")
        rules = Rules(self.policy_at(asked.id).text)
        must(rules.asks(asked), f"intent {asked.id} is not by the rules of its time")
        others = {self.get(one["reference"], "Evaluation", "the certificate").run for one in cert.pairs}
        released = sorted(self.heads, key=lambda head: head[0])[len(self.heads) // 2][1]
        both = asked.head == released.id and self.get(asked.reference, "Run", f"intent {asked.id}").id in others
        must(both, f"intent {asked.id} is about other runs than the certificate's")
        must(said.better, f"the holdout said no (entry {said.id})", UNSIGNED)
        self.say(f"The holdout sha256:{asked.sealed[:12]}... was asked, opening {asked.number} of {asked.of} (entries "
                 f"{asked.id} and {said.id}): the gain is above {asked.threshold:.3g} standard errors on it. That bit "
                 "cannot be done again.")  # fmt: skip

    def score(self, id: int, variant: int, by: str) -> tuple[float | None, Entry]:
        """The metric that an evaluation measured, and the run of this variant that it measured."""
        evaluation = self.get(id, "Evaluation", by)
        run = self.get(evaluation.run, "Run", f"evaluation {id}")
        must(run.id < id and run.variant == variant, f"evaluation {id} is not of a run of variant {variant}")
        return evaluation.metrics.get(self.study.metric), run

    def check_noise(self) -> None:
        noise = self.get(self.plan.noise, "Noise", "the plan")
        must(noise.id < self.plan.id, "the noise was measured after the plan")
        scores = [self.score(id, noise.variant, "the noise")[0] for id in noise.evaluations]
        known = [one for one in scores if one is not None]
        must(len(known) == len(scores) > 2 and close(stdev(known), noise.sd), f"the noise {noise.sd} does not follow")
        scale = noise.sd * math.sqrt(2 * (1 - noise.correlation)) if noise.correlation < 1 else 0.0
        must(close(scale, noise.scale) and noise.scale == self.plan.scale, "the scale of the bets does not follow")

    def check_pairs(self) -> None:
        """Every pair: a seed as planned, both arms, run after the plan was written; scores as measured."""
        plan, pairs = self.plan, self.certificate.pairs
        must([one["seed"] for one in pairs] == plan.seeds[: len(pairs)], "the seeds are not those that were planned")
        must(len(set(plan.seeds)) == len(plan.seeds), "a seed was planned twice")
        sign = -1 if self.study.direction == "minimize" else 1
        self.cpu, self.heads = 0.0, []
        for one in pairs:
            arms = [self.score(one[arm], getattr(plan, arm), "the certificate") for arm in ("reference", "head")]
            for arm, (score, run) in zip(("reference", "head"), arms):
                made = plan.id < run.id < one[arm] < self.certificate.id
                must(made, f"run {run.id} was not made for the certificate")
                must(run.seed == one["seed"] and score == one[f"{arm}_score"], f"pair {one['seed']} is not as measured")
            (theirs, first), (mine, second) = arms
            both = theirs is not None and mine is not None
            gain = sign * (mine - theirs) if mine is not None and theirs is not None else None
            ratio = second.usage["cpu_s"] / max(first.usage["cpu_s"], 0.01) if both else None
            must(one["gain"] == gain and one["cpu_ratio"] == ratio, f"pair {one['seed']} does not follow from its runs")
            self.cpu += first.usage["cpu_s"] + second.usage["cpu_s"]
            self.heads += [((mine, one["seed"]), second)] if mine is not None else []

    def check_certificate(self) -> None:
        """The betting test: under the null, E exceeds 1/a with probability at most a, whenever one stops."""
        cert, plan = self.certificate, self.plan
        rules = [Rules(self.policy_at(entry.id).text) for entry in (plan, cert)]
        gains = [bet(one) for one in cert.pairs]
        kind = plan.record.get("test", "sign-flip")
        must(kind == rules[0].test, "the test is not the policy's")
        tests = [each.betting(kind, plan.scale, plan.threshold) for each in rules]
        must(any(close(one.e_value(gains), cert.e_value) for one in tests), "the e-value does not follow")
        must(plan.step > 0 and plan.wins >= 0, "the threshold does not follow")
        bar = 2.1098 * (plan.step + 1) * math.log(plan.step + 1) ** 2 / (rules[0].alpha * (plan.wins + 1))
        must(close(bar, plan.threshold), "the threshold does not follow")
        must(cert.outcome == "certified" and cert.e_value >= plan.threshold, "the certificate was not won", UNSIGNED)
        earlier = [one for one in self.all("Certificate", before=plan.id) if one.outcome != "no-noise"]
        won = sum(one.outcome == "certified" for one in earlier)
        must(won >= plan.wins and len(earlier) < plan.step, "the threshold counts other certificates than these")
        counted = (won, len(earlier)) == (plan.wins, plan.step - 1)
        must(counted or not self.whole, "the threshold miscounts certificates")
        said = [cert.estimate, cert.low, cert.high]
        found = [[one.estimate(gains), *one.interval(gains, each.level)] for one, each in zip(tests, rules)]
        follows = [all(near(*pair, plan.scale) for pair in zip(said, each)) for each in found]
        must(cert.estimate is not None and any(follows), "the estimate or its interval does not follow")
        must(cert.level in [each.level for each in rules], "the interval is of another level")
        ratios = [one["cpu_ratio"] for one in cert.pairs if one["cpu_ratio"] is not None]
        must(close(median(ratios), cert.cpu_ratio) and close(self.cpu, cert.cpu_s), "the cost does not follow")
        failed = [sum(one[f"{arm}_score"] is None for one in cert.pairs) for arm in ("reference", "head")]
        must(failed == [cert.reference_failures, cert.head_failures], "the failures do not follow")
        self.say(f"Certificate {cert.id}, done again from {len(cert.pairs)} pairs on seeds fixed beforehand "
                 f"(entry {plan.id}): e-value {cert.e_value:.4g}, threshold {plan.threshold:.4g}.")  # fmt: skip

    # -- the dossier ------------------------------------------------------------------------------------------------

    def check_dossier(self) -> None:
        d, plan = self.dossier, self.plan
        must((d.variant, d.reference) == (plan.head, plan.reference), "dossier and evidence are of two variants")
        releases = self.all("Release", before=d.id)
        baselines = [one for one in self.all("Variant") if one.proposal is None]
        must(len(baselines) == 1, "the file does not have the one variant that nobody proposed")
        champion = self.get(releases[-1].variant if releases else baselines[0].id, "Variant", "the dossier")
        variant = self.get(d.variant, "Variant", "the dossier")
        changes = self.lineage(variant, champion)
        must(d.proposers == sorted({one.proposer for one in changes}), "the dossier does not name its proposers")
        patch = self.attached()
        since = [one for one in changes if one.id > d.reference]
        self.check_statement(champion, variant, since, patch)
        before, after = (f"variant {one.id} (commit {one.commit[:12]})" for one in (champion, variant))
        self.say(f"Dossier {d.id}: from {before} to {after} by {len(changes)} accepted changes of "
                 f"{', '.join(d.proposers) or 'nobody'}; what people read says what the entries say; the patch is in "
                 "the file.")  # fmt: skip
        self.variant = variant

    def lineage(self, variant: Entry, champion: Entry) -> list[Entry]:
        """The accepted proposals from the champion to the variant, oldest first."""
        accepted = {one.variant for one in self.all("Screening", before=self.plan.id) if one.decision == "accepted"}
        found = []
        while variant.id != champion.id:
            must(variant.proposal is not None and variant.id in accepted, f"variant {variant.id} was never accepted")
            proposal = self.get(variant.proposal, "Proposal", f"variant {variant.id}")
            before = self.get(proposal.parent, "Variant", f"proposal {proposal.id}")
            must(before.id < proposal.id < variant.id, "the lineage is not in order")
            must(variant.parent == before.commit and not variant.problem, f"variant {variant.id} is not its proposal")
            found.append(proposal)
            variant = before
        return found[::-1]

    def attached(self) -> str:
        """The patch, out of the dossier's files, all of which are here."""
        files = {one["name"]: one for one in self.dossier.attachments}
        must("patch.diff" in files and len(files) == len(self.dossier.attachments), "the dossier has no one patch")
        run = sorted(self.heads, key=lambda pair: pair[0])[len(self.heads) // 2][1]
        self.released = run
        wanted = {one["digest"]: one["size"] for one in files.values()}
        outputs = {one["digest"]: one["size"] for one in run.artifacts}
        must(self.named == sorted(self.files), "the file does not have the files that its history names")
        must(wanted.keys() <= self.files.keys() <= {**wanted, **outputs}.keys(), "files are missing, or too many")
        sizes = {**outputs, **wanted}
        must(all(len(text) == sizes[name] for name, text in self.files.items()), "a file's size does not follow")
        try:
            return self.files[files["patch.diff"]["digest"]].decode("utf-8")
        except UnicodeDecodeError:
            refuse("the patch is not text")

    def check_statement(self, champion: Entry, variant: Entry, changes: list[Entry], patch: str) -> None:
        """What a person read: its first line, its evidence, its gates, its digests and its patch, from the entries."""
        cert, plan, run, text = self.certificate, self.plan, self.released, self.dossier.statement
        sealed = self.get(cert.pairs[0]["head"], "Evaluation", "the certificate").sealed
        word, interval = "better" if cert.estimate > 0 else "worse", f"{number(cert.low)} to {number(cert.high)}"
        name = one_line(self.study.name)
        head = (
            f"PAWL DOSSIER: may {name} move from variant {champion.id} to variant {variant.id}?\n\n"
            + row("decide by", self.dossier.until)
            + row("gain", f"{number(abs(cert.estimate))} {self.study.metric} {word} "
                          f"(median-unbiased estimate; {cert.level:.0%} interval {interval})")
        )  # fmt: skip
        middle = (
            "\nGATES\n" + "".join(row("pass", f"{one['gate']}: {one['reason']}") for one in self.verdict.findings)
            + "\nCHANGES ACCEPTED ON THE WAY (not proven one by one; some may be passengers)\n"
            + "".join(row(f"#{one.id}", f"{one.proposer}: {one.hypothesis}") for one in changes)
            + "\nWHAT WOULD BE RELEASED\n" + row("commit", variant.commit)
            + row("patch", f"sha256:{sha256(patch.encode()).hex()}")
            + row("weights", f"of run {run.id}, seed {run.seed}: the median of the certificate, not the best")
            + "".join(row("artifact", f"sha256:{a['digest']}  {a['size']} bytes  {a['name']}") for a in run.artifacts)
            + row("environment", f"sha256:{self.study.environment}")
            + row("sealed set", f"sha256:{sealed}" if sealed else "none")
            + row("policy", f"sha256:{self.verdict.policy}")
            + row("evidence", f"certificate #{cert.id} sha256:{self.root(cert.id)}")
            + row("verdict", f"#{self.verdict.id} sha256:{self.root(self.verdict.id)}")
        )  # fmt: skip
        tail = f"\nTHE PATCH, from the champion's commit {champion.commit}\n{RULE}\n{printable(patch)}\n{RULE}\n"
        evidence = row("evidence", f"e-value {cert.e_value:.4g}, threshold {plan.threshold:.4g}")
        place = text.find(middle)
        must(text.startswith(head), "what people read begins otherwise than the entries say")
        must(place > 0 and evidence in text[:place], "what people read is not what the entries say")
        must(text[place + len(middle) :].endswith(tail), "the patch that people read is not the patch in the file")

    # -- the decision -----------------------------------------------------------------------------------------------

    def check_decision(self) -> tuple[str, list[str], int | None]:
        """`released`, `rejected` or `undecided`; by whom; and the entry that settled it."""
        d, rules_entry = self.dossier, None
        for entry in self.all("PolicyInForce"):
            rules_entry = entry if entry.digest == d.policy and entry.id < self.verdict.id else rules_entry
        if rules_entry is None:
            refuse(f"the policy of dossier {d.id} was never in force", UNSIGNED)
        rules = Rules(rules_entry.text)
        must(len(rules.gates) == len(self.verdict.findings), "the verdict does not have an answer of each gate")
        if self.asked.policy_digest:
            must(d.policy == self.asked.policy_digest, "the policy is not the one that you gave", UNSIGNED)
        whose = "the digest that you gave" if self.asked.policy_digest else "your list of signers is what counts"
        if not self.asked.policy_digest and self.asked.signers is None:
            whose = "which is only IN THE FILE"
        self.say(f"The policy is sha256:{d.policy[:12]}..., {rules.threshold} signature(s) needed: {whose}.")
        releases = [one for one in self.all("Release") if one.dossier == d.id]
        rejections = [one for one in self.all("Rejection") if one.dossier == d.id]
        must(len(releases) + len(rejections) <= 1, f"dossier {d.id} was settled twice")
        if releases:
            return "released", self.check_release(d, releases[0]), releases[0].id
        if rejections:
            name, _ = self.signature(d, "reject", rejections[0], rejections[0].reason, rules, rejections[0].id + 1)
            self.say(f"Entry {rejections[0].id}: {name} said no: {one_line(rejections[0].reason)}")
            return "rejected", [name], rejections[0].id
        names = {self.signature(d, "approve", one, one.note, rules, self.note.size + 1)[0]
                 for one in self.all("Approval") if one.dossier == d.id}  # fmt: skip
        self.say(f"{len(names)} of {rules.threshold} signed; nobody released it. "
                 "Its history is vouched for by the log alone.")  # fmt: skip
        return "undecided", sorted(names), None

    def check_release(self, dossier: Entry, release: Entry) -> list[str]:
        """The people who released a dossier: enough, under the policy of that moment, with keys then good."""
        in_force = self.policy_at(release.id)
        must(in_force.digest == dossier.policy, f"dossier {dossier.id} was released under another policy", UNSIGNED)
        rules = Rules(in_force.text)
        must(release.at[:10] <= rules.expires, f"the policy had expired when release {release.id} was made", UNSIGNED)
        variant = self.get(release.variant, "Variant", f"release {release.id}")
        must((release.variant, release.commit) == (dossier.variant, variant.commit), "another variant was released")
        names = self.approved(dossier, release, rules, release.approvals, release.threshold)
        self.say(f"Release {release.id} of dossier {dossier.id}: signed by {', '.join(names)} "
                 f"({rules.threshold} needed), each over the log up to the dossier.")  # fmt: skip
        return names

    def check_before_and_after(self) -> None:
        """How the champion before came to be; what was revoked or halted since."""
        for release in self.all("Release", before=self.dossier_id)[-1:]:
            self.check_release(self.get(release.dossier, "Dossier", f"release {release.id}"), release)
        for entry in self.all("Revocation"):
            self.say(f"Entry {entry.id}, {entry.at}: keys were revoked: {one_line(entry.reason)}")
        for entry in self.all("Halt"):
            self.say(f"Entry {entry.id}, {entry.at}: the study was halted: {one_line(entry.reason)}")

    def check_case(self, decision: str, names: list[str], settled: int | None) -> None:
        """The first statement, for tools that read in-toto: it must say what follows from the entries."""
        d = self.dossier
        named = [("commit", "gitCommit", self.variant.commit)]
        named += [(one["name"], "sha256", one["digest"]) for one in d.attachments]
        named += [(f"run-{self.released.id}/{one['name']}", "sha256", one["digest"]) for one in self.released.artifacts]
        subject = [{"name": name, "digest": {kind: digest}} for name, kind, digest in named]
        predicate = {"decision": decision, "dossier": d.id, "entry": settled, "log": self.note.origin, "people": names,
                     "policy": {"sha256": d.policy}, "study": self.study.name}  # fmt: skip
        same = self.case["subject"] == subject and self.case["predicate"] == predicate
        must(same, "the case is not what the entries say")
        have = sum(one["digest"] in self.files for one in self.released.artifacts)
        self.say(f"The released files are those of run {self.released.id}; {have} of {len(self.released.artifacts)} "
                 "are in the file, the others by digest.")  # fmt: skip


class Rules:
    """What a policy says about evidence and signatures."""

    def __init__(self, text: str) -> None:
        policy = toml(text)
        try:
            approval, table = policy["approval"], policy.get("certification", {})
            self.threshold, self.presence = approval["threshold"], approval.get("presence", False)
            self.roles: dict[str, int] = approval.get("roles", {})
            self.people = [(one["name"], one["key"], one.get("roles", [])) for one in policy["approver"]]
            self.gates, self.expires = [one["use"] for one in policy["gate"]], str(policy["expires"])
            self.alpha, self.lambdas = table.get("alpha", 0.10), table.get("lambdas", [0.5, 1.0, 2.0, 8.0])
            sealed = policy.get("holdout", {})
            self.openings, self.mode = sealed.get("openings", 20), sealed.get("mode", "standard")
            self.z, self.delta = sealed.get("z", 2.8), sealed.get("delta", 0.05)
            self.held_out = any(one.get("required", True) for one in policy["gate"] if one["use"] == "holdout")
            self.test, self.clip = table.get("test", "sign-flip"), table.get("clip", 3.0)
            self.stakes, self.level = table.get("stakes", [0.5, 0.98]), table.get("level", 0.90)
            self.pairs, self.futility = table.get("pairs", 20), table.get("futility", 0.15)
            numbers = [self.threshold, *self.roles.values(), *self.lambdas, self.alpha, self.clip, *self.stakes]
            numbers += [self.level, self.pairs, 1 + self.futility, *(1 - stake for stake in self.stakes)]
            numbers += [self.openings, self.z, self.delta]
            good = all(type(one) in (int, float) and one > 0 for one in numbers) and len(numbers) > 5
            good = good and 0.5 < self.level < 1 and self.test in ("sign-flip", "clipped-mean")
            good = good and type(self.presence) is bool and re.fullmatch(r"\d{4}-\d\d-\d\d", self.expires) is not None
            form = r"(ssh|sk-ssh|ecdsa|sk-ecdsa)[A-Za-z0-9@.-]* [A-Za-z0-9+/=]+( [^\n]*)?"
            named = [re.fullmatch(r"[^\s,*?!]+", name) and re.fullmatch(form, key) for name, key, _ in self.people]
            keys = {key.split(" ")[1] for _, key, _ in self.people}
        except (KeyError, TypeError, AttributeError, IndexError) as error:
            refuse(f"the policy lacks something: {error!r}", UNSIGNED)
        must(good and all(named) and bool(self.gates), "the policy is not one that can be relied on", UNSIGNED)
        must(len(keys) == len(self.people) > 0, "the policy gives one key to two people, or none", UNSIGNED)

    def asks(self, intent: Entry) -> bool:
        """Whether an opening of the holdout has the bar that these rules set for its number."""
        bar = math.sqrt(2 * ((intent.number - 1) * math.log(2) + math.log(self.openings / self.delta)))
        bar = self.z if self.mode == "standard" else bar
        return (intent.of, intent.mode) == (self.openings, self.mode) and close(bar, intent.threshold)

    def betting(self, test: str, scale: float, bar: float) -> Betting:
        return Betting(self, test, scale, bar)


def close(a: float | None, b: float | None) -> bool:
    """Equal, but for the last digits, in which machines differ."""
    return a is not None and b is not None and math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-12)


def near(a: float | None, b: float | None, scale: float) -> bool:
    """Both nothing, or equal to within what a bisection leaves open."""
    return a is b is None or (a is not None and b is not None and abs(a - b) <= 1e-5 * scale)


def bet(pair: Json) -> float:
    """A pair's gain; where one arm failed alone, the other won by infinity; NaN where both did."""
    if pair["gain"] is not None:
        return float(pair["gain"])
    if pair["reference_score"] is pair["head_score"] is None:
        return math.nan
    return -math.inf if pair["head_score"] is None else math.inf


class Betting:
    """The test of a certificate: gamblers bet on each gain being positive, and E is the mean of their wealth."""

    def __init__(self, rules: Rules, test: str, scale: float, bar: float) -> None:
        self.rules, self.test, self.scale, self.bar = rules, test, scale, bar

    def factors(self, gain: float) -> list[float]:
        """What a gain multiplies wealth by: 1 + .98 tanh(lambda gain / c), or 1 + stake clip(gain / c) / clip."""
        strict = self.test == "clipped-mean"
        if not abs(gain) > 0:
            return [1.0] * len(self.rules.stakes if strict else self.rules.lambdas)
        stretch = gain / self.scale if self.scale else math.copysign(math.inf, gain)
        if strict:
            share = max(min(stretch / self.rules.clip, 1.0), -1.0)
            return [1 + stake * share for stake in self.rules.stakes]
        return [1 + 0.98 * math.tanh(size * stretch) for size in self.rules.lambdas]

    def evidence(self, rows: list[list[float]]) -> list[list[float]]:
        """Wealth after each pair, from the factors of each pair."""
        held = [[1.0] * len(rows[0])] if rows else []
        for row in rows:
            held.append([min(a * b, 1e250) for a, b in zip(held[-1], row)])
        return held[1:]

    def e_value(self, gains: list[float]) -> float:
        return fmean(self.evidence([self.factors(gain) for gain in gains])[-1]) if gains else 1.0

    def interval(self, gains: list[float], level: float) -> tuple[float | None, float | None]:
        """The m that the test of gain - m has not rejected after any pair, at half of 1 - level on each side."""
        low, high = self.bound(gains, 2 / (1 - level)), self.bound([-gain for gain in gains], 2 / (1 - level))
        return low, None if high is None else -high

    def bound(self, gains: list[float], bar: float) -> float | None:
        finite = [gain for gain in gains if math.isfinite(gain)]
        span = 100 * self.scale + max(finite, default=0) - min(finite, default=0)

        def rejected(middle: float) -> bool:
            held = self.evidence([self.factors(gain - middle) for gain in gains])
            return any(fmean(wealth) >= bar for wealth in held)

        if not finite or not rejected(min(finite) - span):
            return None
        width = max(self.scale, 1e-9 * span, 1e-300) * 1e-6
        return edge(rejected, min(finite) - span, max(finite), width)

    def estimate(self, gains: list[float]) -> float | None:
        """The m as often too high as too low: paths with signs of gain - m exchanged end better as often as worse."""
        finite = [gain for gain in gains if math.isfinite(gain)]
        if not finite:
            return None
        reach = max(finite) - min(finite) + 4 * self.scale
        paths, real = patterns(len(gains)), [self.factors(gain) for gain in gains]

        def balance(m: float) -> int:
            turned, far = [self.factors(2 * m - gain) for gain in gains], 1e6 * (self.scale or 1.0)
            known = [m if math.isnan(gain) else max(min(gain, m + far), m - far) for gain in gains]
            ends = []
            for path in paths:
                rank, last = self.end([a if same else b for same, a, b in zip(path, real, turned)])
                taken = [gain if same else 2 * m - gain for same, gain in zip(path, known)][: last + 1]
                ends.append((rank, sum(taken) / len(taken)))
            (rank, mean), score = ends[0], 0
            for other, found in ends:
                tied = abs(found - mean) <= 1e-9 * (self.scale or abs(m) or 1.0)
                close_call = (not tied) * ((found > mean) - (found < mean))
                score += (other > rank) - (other < rank) if other != rank else close_call
            return score

        width = max(self.scale, 1e-9 * reach) * 1e-6
        return edge(lambda m: balance(m) < 0, min(finite) - reach, max(finite) + reach, width)

    def end(self, rows: list[list[float]]) -> tuple[int, int]:
        """How a path ends, better ones higher: certified (the earlier the better), open, futile (the later the better);
        and at which pair, from 0."""
        most, held = self.factors(math.inf), [1.0] * len(rows[0])
        for at, row in enumerate(rows):
            held = [a * b for a, b in zip(held, row)]
            e, left = sum(held) / len(held), self.rules.pairs - at - 1
            if e >= self.bar:
                return len(rows) - at, at
            if left > 0:
                best = sum(a * b ** min(left, 500) for a, b in zip(held, most)) / len(held)
                if e < self.rules.futility or best < self.bar:
                    return at - len(rows), at
        return 0, len(rows) - 1


def patterns(count: int) -> list[tuple[bool, ...]]:
    """Which signs stay, for each path: all ways up to 256, else a fixed choice with its mirror images."""
    if 2**count <= 256:
        return list(itertools.product((True, False), repeat=count))
    toss = random.Random(0)
    rows = [(True,) * count, *(tuple(toss.random() < 0.5 for _ in range(count)) for _ in range(127))]
    return [*rows, *(tuple(not same for same in row) for row in rows)]


def edge(holds: Callable[[float], bool], low: float, high: float, width: float) -> float:
    """The end of the stretch from `low` on which it holds."""
    while high - low > width:
        middle = (low + high) / 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low


def verify(raw: bytes, asked: argparse.Namespace, findings: list[str]) -> str:
    """The decision: released, rejected or undecided. Raises Refused. `findings` gets a sentence for all that held."""
    try:
        bundle = Bundle(raw, asked, findings)
        bundle.check_policies()
        bundle.check_evidence()
        bundle.check_dossier()
        decision, names, settled = bundle.check_decision()
        bundle.check_before_and_after()
        bundle.check_case(decision, names, settled)
        return decision
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
        refuse(f"the file is not made as a bundle is: {error!r}")


def signers(file: str) -> set[tuple[str, ...]]:
    """The people in a file of lines `name key-type key`."""
    lines = [line.split() for line in Path(file).read_text().splitlines() if line.strip() and line.strip()[0] != "#"]
    must(bool(lines) and all(len(line) >= 3 for line in lines), f"{file} must have lines `name key-type key`", 2)
    return {tuple(line[:3]) for line in lines}


def main() -> int:
    parser = argparse.ArgumentParser(description="Check a bundle that `pawl export` wrote, without Pawl.")
    parser.add_argument("file")
    parser.add_argument("--log-key", help="the log's key, as `pawl ledger key` printed it to somebody you trust")
    parser.add_argument("--policy-digest", help="sha256 of the policy.toml that you know of")
    parser.add_argument("--signers", help="who may approve: lines `name key-type key`")
    parser.add_argument("--witness", action="append", default=[], help="the key of a witness")
    parser.add_argument("--witnesses", type=int, help="how many of them must have signed; else all")
    parser.add_argument("--whole", action="store_true", help="refuse a file that leaves out an entry of the log")
    parser.add_argument("--self-consistent-only", action="store_true", help="hold the file against nothing but itself")
    asked = parser.parse_args()
    anchored = bool(asked.log_key and (asked.policy_digest or asked.signers))
    findings: list[str] = []
    try:
        asked.signers = signers(asked.signers) if asked.signers else None
        try:
            decision = verify(Path(asked.file).read_bytes(), asked, findings)
        finally:
            for number, text in enumerate(findings, 1):
                print(f"{number:2d}. {one_line(text)}")
        alone = "the file agrees with itself, and that is all that was checked. Say what you know from elsewhere: "
        must(anchored or asked.self_consistent_only, f"{alone}--log-key, and --policy-digest or --signers", UNSIGNED)
        must(decision == "released", f"the dossier is {decision}: nobody may use it", UNSIGNED)
    except (Refused, OSError) as error:
        print(f"REFUSED: {one_line(str(error))}")
        return error.code if isinstance(error, Refused) else 2
    whose = "as the keys you gave say" if anchored else "says a file that agrees with itself, and no more"
    print(f"RELEASED, {whose}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
