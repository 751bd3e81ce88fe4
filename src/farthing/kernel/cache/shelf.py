"""What lies in Redis under one epoch: answers, marks of who is about to fill, marks of who is about to change.

A value is one of three, told by its first character:
  `?` and a token            somebody is loading the answer
  `!` and a token            somebody is changing what it shows: nothing may be filled
  `=`, release, space, version, newline, body      the answer, as this release renders it
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from farthing import __version__
from farthing.kernel.cache.beliefs import Belief
from farthing.kernel.cache.server import Command, Server
from farthing.kernel.cache.values import Kept

FILLING, CHANGING, ANSWER = b"?", b"!", b"="
FILL_MS: Final = 1_000  # that a load may take before somebody else may fill
CHANGE_MS: Final = 30_000  # that a commit may take before nobody remembers that it is under way
ANSWER_MS: Final = 3_600_000
AT_ONCE: Final = 500  # names in a command
RELEASE: Final = f"{__version__} ".encode()

# what lies there, after putting the mark there where nothing or another release's answer lay
CLAIM: Final = """
local lies = redis.call('GET', KEYS[1])
if lies and not (string.sub(lies, 1, 1) == '=' and string.sub(lies, 2, #ARGV[3] + 1) ~= ARGV[3]) then return lies end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return ARGV[1]
"""
# puts the answer, or nothing, where one's own mark still lies
FILL: Final = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
if ARGV[2] == '' then redis.call('DEL', KEYS[1]) else redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3]) end
return 1
"""
MARK: Final = "for _, key in ipairs(KEYS) do redis.call('SET', key, ARGV[1], 'PX', ARGV[2]) end return 1"
# takes away whatever was loaded before the commit, and leaves the marks of other writers
CLEAR: Final = """
for _, key in ipairs(KEYS) do
    local lies = redis.call('GET', key)
    if lies and (lies == ARGV[1] or string.sub(lies, 1, 1) ~= '!') then redis.call('DEL', key) end
end
return 1
"""


@dataclass(frozen=True, slots=True)
class Shelf:
    """The answers under one belief; every call raises Gone, and Another where the believed server is no more."""

    server: Server
    epoch: int
    identity: str

    @classmethod
    def under(cls, belief: Belief, server: Server | None) -> "Shelf | None":
        """None where nobody is believed, or where this process knows no server."""
        if server is None or belief.server is None:
            return None
        return cls(server, belief.epoch, belief.server)

    def look(self, name: str) -> Kept | None:
        """The answer, if one lies there."""
        [lies] = self.server.ask(self.identity, [("GET", self._key(name))])
        return answer_in(lies)

    def claim(self, name: str, token: bytes) -> bytes:
        """What lies there; the token itself if the caller is to load."""
        [lies] = self.server.ask(self.identity, [("EVAL", CLAIM, 1, self._key(name), token, FILL_MS, RELEASE)])
        return bytes(lies)

    def fill(self, name: str, token: bytes, kept: Kept | None) -> None:
        """Put the answer where the token still lies: a fill that lost a race is dropped. None: give up the token."""
        value = b"" if kept is None else ANSWER + RELEASE + b"%d\n" % kept.version + kept.body
        self.server.ask(self.identity, [("EVAL", FILL, 1, self._key(name), token, value, ANSWER_MS)])

    def mark(self, names: Sequence[str], token: bytes) -> None:
        """From now on nobody fills these until they are cleared."""
        self.server.ask(self.identity, list(self._each(MARK, names, token, CHANGE_MS)))

    def clear(self, names: Sequence[str], token: bytes) -> None:
        """From now on nothing that was loaded before lies there."""
        self.server.ask(self.identity, list(self._each(CLEAR, names, token)))

    def _each(self, script: str, names: Sequence[str], *values: bytes | int) -> Iterator[Command]:
        for start in range(0, len(names), AT_ONCE):
            keys = [self._key(name) for name in names[start : start + AT_ONCE]]
            yield ("EVAL", script, len(keys), *keys, *values)

    def _key(self, name: str) -> str:
        return f"farthing:{self.epoch:x}:{name}"


def answer_in(lies: bytes | None) -> Kept | None:
    """The answer of this release that a value is, if it is one."""
    if lies is None or not lies.startswith(ANSWER + RELEASE):
        return None
    head, _, body = lies.partition(b"\n")
    return Kept(body, int(head[1 + len(RELEASE) :]))
