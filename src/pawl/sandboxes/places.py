"""Addresses as they are written. Nothing is decoded, joined or corrected: what could be read in two ways is odd."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

PORTS = {"http": 80, "https": 443}
HOST = r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\]"
URL = re.compile(rf"(https?)://({HOST})(?::([0-9]{{1,5}}))?(/[^?#]*)?(\?[^#]*)?", re.IGNORECASE)
AUTHORITY = re.compile(rf"({HOST})(?::([0-9]{{1,5}}))?")
PATH = re.compile(r"(?:/(?:[A-Za-z0-9._~!$&'()*+,=:@-]|%[0-9A-Fa-f]{2})*)*")
QUERY = re.compile(r"\?(?:[A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2})*")


@dataclass(frozen=True, slots=True)
class Place:
    """A scheme, a host, a port, and a path without its last slash."""

    scheme: str
    host: str
    port: int
    path: str

    @classmethod
    def of(cls, scheme: str, host: str, port: str | None, path: str) -> Place:
        scheme = scheme.lower()
        return cls(scheme, host.lower(), int(port) if port else PORTS[scheme], path)

    @property
    def authority(self) -> str:
        """What the Host header says: the port only where it is not the scheme's own."""
        return self.host if self.port == PORTS[self.scheme] else f"{self.host}:{self.port}"

    def covers(self, other: Place) -> bool:
        """Whether another place is this one or below it."""
        here = (other.scheme, other.host, other.port) == (self.scheme, self.host, self.port)
        return here and (other.path == self.path or other.path.startswith(self.path + "/"))


def odd(path: str) -> str:
    """Why a path could be read as another one than it is, or ""."""
    if not PATH.fullmatch(path):
        return "its path holds characters that must be escaped"
    segments = [unquote_to_bytes(segment) for segment in path.split("/")[1:]]
    if any(segment in (b".", b"..") for segment in segments) or b"" in segments[:-1]:
        return "its path has '.', '..' or empty steps"
    if any(re.search(rb"[/\\%;\x00-\x1f\x7f]", segment) for segment in segments):
        return "its path hides a slash, a percent sign or a control character behind an escape"
    return ""
