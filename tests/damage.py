"""What may happen to a bundle on its way, or be done to it by whoever holds the log's key: for tests and benches."""

from __future__ import annotations

import base64
import copy
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bundles import Bundles, both_say, pawl_says
from pawl import bundle
from pawl.artifacts import ArtifactStore
from pawl.audit import Anchors
from pawl.checkpoint import Note, SecretKey, parse
from pawl.errors import PawlError
from pawl.export import Export
from pawl.ledger import Ledger, Row
from pawl.merkle import Tree, leaf_hash
from pawl.records import Dossier

Json = Any


# -- what may happen to a bundle ------------------------------------------------------------------------------------


def opened(raw: bytes) -> Json:
    """A bundle as JSON, its two payloads too."""
    whole = json.loads(raw)
    for name in ("case", "history"):
        whole[name]["payload"] = json.loads(base64.b64decode(whole[name]["payload"]))
    return whole


def closed(whole: Json, key: SecretKey | None) -> bytes:
    """JSON as a bundle again: the signatures as they were, or made anew with the log's key."""
    whole = json.loads(json.dumps(whole))
    for name in ("case", "history"):
        envelope = whole[name]
        payload = bundle.canonical(envelope["payload"])
        envelope["payload"] = base64.b64encode(payload).decode()
        if key:
            kind = envelope["payloadType"].encode()
            signature = key.secret.sign(b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload))
            envelope["signatures"][0]["sig"] = base64.b64encode(signature).decode()
    return bundle.canonical(whole) + b"\n"


Edit = Callable[[Random, bytes], bytes]


def changed(random: Random, raw: bytes) -> bytes:
    place = random.randrange(len(raw))
    return raw[:place] + bytes([(raw[place] + random.randrange(1, 256)) % 256]) + raw[place + 1 :]


def likely(random: Random, raw: bytes) -> bytes:
    """A byte becomes another that often stands in bundles: the change that parsers are most likely to overlook."""
    place = random.randrange(len(raw))
    letters = [letter for letter in b'ABCDEFGHwxyz0189+/= ",:{}[]\n' if letter != raw[place]]
    return raw[:place] + bytes([random.choice(letters)]) + raw[place + 1 :]


def inserted(random: Random, raw: bytes) -> bytes:
    place = random.randrange(len(raw) + 1)
    return raw[:place] + bytes([random.choice(b' \n\t0A=,"\0\xff')]) + raw[place:]


def removed(random: Random, raw: bytes) -> bytes:
    place = random.randrange(len(raw))
    return raw[:place] + raw[place + 1 :]


def truncated(random: Random, raw: bytes) -> bytes:
    return raw[: random.randrange(len(raw))]


def doubled(random: Random, raw: bytes) -> bytes:
    """A key stands twice, with the same or another value."""
    name = random.choice([b"case", b"files", b"format", b"history"])
    value = random.choice([b"1", b'"pawl bundle v1"', b"{}"])
    return raw.replace(b'"%b":' % name, b'"%b":%b,"%b":' % (name, value, name), 1)


BYTES: dict[str, Edit] = {
    "byte changed": changed, "byte changed to a likely one": likely, "byte inserted": inserted,
    "byte removed": removed, "truncated": truncated, "key doubled": doubled,
}  # fmt: skip

Rebuilt = Callable[[Random, Json, Json], None]


def _lists(whole: Json) -> list[list[Json]]:
    predicate = whole["history"]["payload"]["predicate"]
    found = [predicate["entries"], predicate["roots"], predicate["files"], whole["case"]["payload"]["subject"]]
    return [*found, *(one["proof"] for one in (*predicate["entries"], *predicate["roots"]) if one["proof"])]


def dropped(random: Random, whole: Json, other: Json) -> None:
    target = random.choice(_lists(whole)[: random.choice([1, 4, 10**6])])
    del target[random.randrange(len(target))]


def swapped(random: Random, whole: Json, other: Json) -> None:
    target = random.choice([one for one in _lists(whole) if len(one) > 1 and any(a != one[0] for a in one)])
    first, second = random.sample(range(len(target)), 2)
    target[first], target[second] = target[second], target[first]


def exchanged(random: Random, whole: Json, other: Json) -> None:
    """Two entries change bodies, or proofs, and keep their places."""
    entries, what = whole["history"]["payload"]["predicate"]["entries"], random.choice(["body", "proof", "id"])
    first, second = random.sample(entries, 2)
    first[what], second[what] = second[what], first[what]


def duplicated(random: Random, whole: Json, other: Json) -> None:
    target = random.choice(_lists(whole)[: random.choice([1, 10**6])])
    target.insert(random.randrange(len(target) + 1), random.choice(target))


def cut(random: Random, whole: Json, other: Json) -> None:
    target = random.choice(_lists(whole)[: random.choice([1, 10**6])])
    del target[random.randrange(len(target)) :]


def spliced(random: Random, whole: Json, other: Json) -> None:
    """Part of another bundle of the same log."""
    mine, theirs = (one["history"]["payload"]["predicate"] for one in (whole, other))
    part = random.choice(["checkpoint", "dossier", "entries", "roots", "case", "history", "files", "entry", "tail"])
    if part in ("case", "history", "files"):
        whole[part] = other[part]
    elif part == "entry":
        mine["entries"][random.randrange(len(mine["entries"]))] = random.choice(theirs["entries"])
    elif part == "tail":
        place = random.randrange(1, min(len(mine["entries"]), len(theirs["entries"])))
        mine["entries"][place:] = theirs["entries"][place:]
    else:
        mine[part] = theirs[part]


def retyped(random: Random, whole: Json, other: Json) -> None:
    """A value becomes one of another type, or its neighbour."""
    places = list(_places(whole))
    holder, key = random.choice(places)
    old = holder[key]
    choices: list[Json] = [None, True, 0, 1, -1, 10**30, "", "x", [], {}, [old], {"x": old}, str(old)]
    if type(old) is int:
        choices += [old + 1, old - 1]
    holder[key] = random.choice([choice for choice in choices if choice != old or type(choice) is not type(old)])


def _places(value: Json) -> Iterable[tuple[Json, Json]]:
    for key in list(value) if isinstance(value, dict) else range(len(value)):
        yield value, key
        if isinstance(value[key], dict | list):
            yield from _places(value[key])


def _letters(random: Random, whole: Json, other: Json) -> None:
    """One letter of one string."""
    holder, key = random.choice([(h, k) for h, k in _places(whole) if isinstance(h[k], str) and h[k] and k != "sig"])
    place = random.randrange(len(holder[key]))
    holder[key] = holder[key][:place] + random.choice("AQgw019zZ+/=- \n\u00e9") + holder[key][place + 1 :]


STRUCTURE: dict[str, Rebuilt] = {
    "dropped": dropped, "swapped": swapped, "bodies exchanged": exchanged, "duplicated": duplicated, "cut": cut,
    "spliced": spliced, "another type": retyped, "letter changed": _letters,
}  # fmt: skip


# -- by whoever holds the log's key: a history that is made anew ----------------------------------------------------


@dataclass
class Rows:
    """Rows in memory, to be read."""

    held: list[Row] = field(default_factory=list)

    def append(self, body: bytes, link: Callable[[str, int, bytes], str]) -> Row:
        raise NotImplementedError

    def rows(self, after: int) -> list[Row]:
        return self.held[after:]


def remade(
    bodies: Sequence[bytes], artifacts: ArtifactStore, key: SecretKey, dossier: int, witness: SecretKey | None = None
) -> bytes:
    """A bundle of a log of these bodies, every proof and every signature of the log's made anew."""
    rows, tree = Rows(), Tree()
    for id, body in enumerate(bodies, 1):
        rows.held.append(Row(id, body, tree.append(leaf_hash(body)).hex()))
    ledger = Ledger(rows)
    note = key.sign(Note(key.name, len(bodies), ledger.root(len(bodies))))
    note = witness.sign(note) if witness else note
    return bundle.write(Export(ledger, artifacts, note).bundle(ledger.get(dossier, Dossier)), key)


def edited(random: Random, body: bytes) -> bytes:
    """An entry with one value changed."""
    content = json.loads(body)
    places = [(h, k) for h, k in _places(content) if not isinstance(h[k], dict | list) and k != "kind"]
    holder, key = random.choice(places)
    old = holder[key]
    if isinstance(old, bool):
        holder[key] = not old
    elif isinstance(old, int):
        holder[key] = old + random.choice([1, -1])
    elif isinstance(old, float):
        holder[key] = old * random.choice([1.5, 0.5, 1.000001])
    elif isinstance(old, str) and old:
        place = 3 if key == "at" else random.randrange(len(old))
        holder[key] = old[:place] + random.choice("019" if key == "at" else "abc019 X") + old[place + 1 :]
    return bundle.canonical(content, ascii=False)


def forged(random: Random, bodies: Sequence[bytes], dossier: int, late: bool) -> tuple[list[bytes], str]:
    """A history in which one entry up to the dossier, or a later one, is another; and what was done to which."""
    place = random.randrange(dossier, len(bodies)) if late else random.randrange(dossier)
    new, other = list(bodies), random.randrange(len(bodies))
    what = random.choice(["edited", "edited", "edited", "overwritten", "exchanged"])
    if what == "edited":
        new[place] = edited(random, new[place])
    elif what == "overwritten":
        new[place] = new[other]
    else:
        new[place], new[other] = new[other], new[place]
        what = "exchanged" if late and other >= dossier else "edited"
    return new, f"{json.loads(bodies[place])['kind']} {what}"


# -- many of them ---------------------------------------------------------------------------------------------------


@dataclass
class Tally:
    """How many damaged bundles of each kind were tried and refused, and those that were accepted, with the reason."""

    tried: dict[str, int] = field(default_factory=dict)
    refused: dict[str, int] = field(default_factory=dict)
    immaterial: dict[str, int] = field(default_factory=dict)

    def count(self, kind: str, accepted: str) -> None:
        self.tried[kind] = self.tried.get(kind, 0) + 1
        self.refused[kind] = self.refused.get(kind, 0) + (not accepted)
        if accepted:
            self.immaterial[accepted] = self.immaterial.get(accepted, 0) + 1


@dataclass
class Fuzz:
    """Damages bundles, and has both verifiers look at each. `whole` and `late` are the two ways in which whoever holds
    the log's key may be undetected; each must be detected by what the auditor can ask for against it."""

    made: Bundles
    random: Random
    tally: Tally = field(default_factory=Tally)

    def bytes(self, count: int) -> None:
        """Bytes changed on the way, by anybody."""
        for kind, edit in BYTES.items():
            for _ in range(count):
                damaged = edit(self.random, self.made.first)
                assert damaged != self.made.first
                assert both_say(damaged, self.made.anchors) != 0, f"{kind} was accepted"
                self.tally.count(kind, "")

    def structure(self, count: int, key: SecretKey | None) -> None:
        """Parts dropped, swapped, doubled, spliced; with the log's signatures made anew if its key is given."""
        first, second = opened(self.made.first), opened(self.made.second)
        versions = [(first, second, self.made.anchors), (second, first, self.made.later)]
        originals = {id(first): self.made.first, id(second): self.made.second}
        for kind, edit in STRUCTURE.items():
            for number in range(count):
                base, other, anchors = versions[number % 2]
                raw = originals[id(base)]
                while raw == originals[id(base)]:
                    raw = self._edited(edit, base, other, key)
                accepted = both_say(raw, anchors) == 0
                assert not accepted or (key and kind == "dropped" and base is second), f"{kind} was accepted"
                if accepted:  # an entry that nothing rests on was left out, and who asks for all of them sees it
                    assert both_say(raw, replace(anchors, whole=True)) == 5
                    same_case(raw, self.made.second, anchors)
                name = f"{kind}, {'signed anew' if key else 'not signed'}"
                self.tally.count(name, LEFT_OUT if accepted else "")

    def histories(self, count: int, late: bool) -> None:
        """The log made anew by whoever holds its key, with one entry another."""
        name = "history made anew, after the dossier" if late else "history made anew, up to the dossier"
        done = 0
        while done < count:
            original, anchors = self.random.choice(
                [(self.made.first, self.made.anchors), (self.made.second, self.made.later)]
            )
            told = opened(original)["history"]["payload"]["predicate"]
            bodies = [row.body for row in self.made.study.ledger.rows()][: parse(told["checkpoint"]).size]
            new, what = forged(self.random, bodies, told["dossier"], late)
            try:
                raw = remade(new, self.made.study.artifacts, self.made.key, told["dossier"])
            except (PawlError, LookupError, TypeError, ValueError):
                continue  # an entry that nobody could have exported
            if new == bodies:
                continue
            done += 1
            accepted = both_say(raw, anchors) == 0
            assert late or not accepted, what
            if accepted:  # nothing that an approver signed: a witness is against this
                watched = replace(anchors, witness=[WITNESS.public])
                honest = remade(bodies, self.made.study.artifacts, self.made.key, told["dossier"], WITNESS)
                assert both_say(honest, watched) == 0
                assert both_say(raw, watched) == 5
                same_case(raw, original, anchors)
            self.tally.count(name, f"{AFTERWARDS}: {what}" if accepted else "")

    def _edited(self, edit: Rebuilt, base: Json, other: Json, key: SecretKey | None) -> bytes:
        while True:
            whole = copy.deepcopy(base)
            try:
                edit(self.random, whole, copy.deepcopy(other))
                return closed(whole, key)
            except (TypeError, ValueError, LookupError, AttributeError):
                continue  # not a bundle that anybody could write: draw again


WITNESS = SecretKey("witness/tests", "witness", Ed25519PrivateKey.from_private_bytes(b"w" * 32))
LEFT_OUT = "the log's holder left out an entry that nothing rests on: `pawl verify --whole` refuses it"
AFTERWARDS = "the log's holder rewrote what no approver signed, after the dossier: a witness's key refuses it"


def same_case(raw: bytes, original: bytes, anchors: Anchors) -> None:
    """An accepted bundle must say of the release what the original says."""
    cases = [pawl_says(content, anchors)[2].case for content in (raw, original)]
    assert cases[0] is not None
    assert cases[0] == cases[1]
