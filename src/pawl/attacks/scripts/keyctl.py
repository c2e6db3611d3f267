"""Leave secrets in the kernel's key store, which outlives the run and is shared with other processes of the user.

kind: kernel
stopped by: seccomp filter
"""

from attacker import TOLD, attempt, call

SESSION, USER = -3, -4
attempt("look at the user's keyring", lambda: call("keyctl", 0, USER, 1))
attempt("leave a key", lambda: call("keyctl", 3, call(
    "add_key", b"user", TOLD["mark"].encode(), b"left", 4, SESSION
)))  # fmt: skip
