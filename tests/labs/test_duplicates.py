"""Two editions of one work are found; two works are told apart; a shared passage is seen."""

from __future__ import annotations

import random

import numpy as np
import pytest

from pawl.labs import duplicates

MODERN = b"""Nay, answer me: stand, and unfold yourself. You come most carefully upon your hour. For this relief much
thanks: 'tis bitter cold, and I am sick at heart. If you do meet Horatio and Marcellus, the rivals of my watch, bid
them make haste. Therefore I have entreated him along with us to watch the minutes of this night."""
FOLIO = b"""Nay answer me: Stand & vnfold your selfe. You come most carefully vpon your houre. For this releefe much
thankes: 'Tis bitter cold, And I am sicke at heart. If you do meet Horatio and Marcellus, the Riuals of my Watch, bid
them make hast. Therefore I haue intreated him along With vs, to watch the minutes of this Night."""
OTHER = b"""When shall we three meet again? In thunder, lightning, or in rain? When the hurlyburly's done, when the
battle's lost and won. That will be ere the set of sun. Fair is foul, and foul is fair: hover through the fog and
filthy air. What bloody man is that? He can report, as seemeth by his plight, of the revolt the newest state."""


def scrambled(seed: int, size: int = 20_000) -> bytes:
    return bytes(random.Random(seed).choices(b"abcdefghijklmnopqrstuvwxyz ,.\n", k=size))


def test_editions_in_old_and_new_spelling_are_one_work() -> None:
    groups = duplicates.group_editions({"hamlet": MODERN, "hamlet_f": FOLIO, "macbeth": OTHER})
    assert groups == [["hamlet", "hamlet_f"], ["macbeth"]]


def test_names_do_not_matter() -> None:
    groups = duplicates.group_editions({"hamlet": MODERN, "hamlet_f": OTHER, "tragedie": FOLIO})
    assert groups == [["hamlet", "tragedie"], ["hamlet_f"]]


def test_an_excerpt_belongs_to_its_work() -> None:
    whole = scrambled(1)
    assert duplicates.group_editions({"a": whole, "b": whole[5000:9000], "c": scrambled(2)}) == [["a", "b"], ["c"]]


def test_a_collection_joins_the_works_that_it_holds() -> None:
    one, two = scrambled(1), scrambled(2)
    assert duplicates.group_editions({"one": one, "two": two, "both": one + two}) == [["both", "one", "two"]]


def test_one_edition_is_kept_and_it_is_the_first_by_rank() -> None:
    texts = {"hamlet": MODERN, "hamlet_f": FOLIO, "macbeth": OTHER}
    kept = duplicates.one_edition_each(texts, lambda name: (not name.endswith("_f"), name))
    assert kept == {"hamlet_f": FOLIO, "macbeth": OTHER}


def test_an_empty_text_is_like_nothing() -> None:
    assert duplicates.group_editions({"a": b"", "b": b"", "c": MODERN}) == [["a"], ["b"], ["c"]]


@pytest.mark.parametrize("length", [1, 16, 64])
def test_equal_windows_have_equal_hashes_and_others_do_not(length: int) -> None:
    data = scrambled(3, 5000) + MODERN + scrambled(4, 5000) + MODERN
    hashes = duplicates.window_hashes(data, length)
    windows = [data[start : start + length] for start in range(len(data) - length + 1)]
    assert len(hashes) == len(windows)
    assert len(set(hashes.tolist())) == len(set(windows))
    assert len(set(zip(hashes.tolist(), windows, strict=True))) == len(set(windows))


def test_no_window_in_less_than_its_length() -> None:
    assert len(duplicates.window_hashes(b"x" * 63, 64)) == 0
    assert len(duplicates.window_hashes(b"x" * 64, 64)) == 1


def test_a_passage_is_found_whatever_its_case_and_punctuation() -> None:
    known = duplicates.passages(OTHER + MODERN)
    assert duplicates.shares_passage(MODERN[40:140].upper().replace(b",", b" --"), known)
    assert not duplicates.shares_passage(FOLIO[:60] + OTHER[100:130], known)
    assert not duplicates.shares_passage(MODERN[40:140], np.zeros(0, dtype=np.uint64))
