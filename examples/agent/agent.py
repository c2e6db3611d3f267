"""A small agent that writes code: asks its model for another value of a constant, and writes the patch.

It runs inside Pawl's agent sandbox with nothing but the standard library. It reads /study/train.py, writes
/out/change.diff and /out/hypothesis.txt, and prints what its model says that the answer cost.
"""

import difflib
import json
import os
import re
import urllib.request

CONSTANT = "HIDDEN"
VALUES = (8, 16, 32, 48, 64, 96, 128)


def main() -> None:
    with open("/study/train.py") as file:
        before = file.read()
    now = int(re.search(rf"^{CONSTANT} = (\d+)", before, re.MULTILINE)[1])
    answer = ask(f"This script trains a small network:\n\n{before}\nName a better {CONSTANT}, and why.", now)
    edit = json.loads(answer["choices"][0]["message"]["content"])
    value, why = edit["value"], edit["why"]
    if value not in VALUES or value == now:
        raise SystemExit(f"the model answered {value}, which is not among the values to try")
    after = re.sub(rf"^({CONSTANT} = )\d+", rf"\g<1>{value}", before, count=1, flags=re.MULTILINE)
    lines = (text.splitlines(keepends=True) for text in (before, after))
    with open("/out/change.diff", "w") as file:
        file.writelines(difflib.unified_diff(*lines, "a/train.py", "b/train.py"))
    with open("/out/hypothesis.txt", "w") as file:
        file.write(f"{CONSTANT} {now} -> {value}: {why}\n")
    print(json.dumps(answer["usage"]))


def ask(prompt: str, now: int) -> dict:
    """One chat completion. The schema holds the form; whether the answer makes sense is another matter."""
    properties = {
        "value": {"type": "integer", "enum": [value for value in VALUES if value != now]},
        "why": {"type": "string", "maxLength": 100},
    }
    schema = {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}
    body = {
        "model": os.environ.get("AGENT_MODEL", "local"),
        "messages": [{"role": "user", "content": prompt}],
        "max_tokens": 200,
        "temperature": 0,
        "response_format": {"type": "json_schema", "json_schema": {"name": "edit", "schema": schema}},
    }
    request = urllib.request.Request(
        os.environ["OPENAI_BASE_URL"] + "/chat/completions",
        json.dumps(body).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=300) as answer:
        return json.load(answer)


if __name__ == "__main__":
    main()
