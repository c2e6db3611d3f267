"""Leave JSON that is nested so deeply that its reader falls over, or holds numbers that are none.

kind: outputs
stopped by: parsers' errors are refusals
ends: invalid
"""

from attacker import leave

leave("deep.json", b"[" * 200_000)
leave("digits.json", b"1" * 100_000)
leave("nan.json", b'{"loss": NaN, "gain": 1e999}')
