"""Fuzz one target by coverage: `python -m tests.fuzz.run TARGET [FOLDER | FILE...] [-OPTION...]`.

A target is a module of this folder that has a `TARGET`. The folder (else `build/fuzz/TARGET`) holds
what was found so far, and is given the seeds; files are run once each, as after a crash. The
options are libFuzzer's: `-max_total_time=600`, `-runs=1000`, `-seed=1`.

With `NUMBA_DISABLE_JIT=1` kernels are Python, so that their coverage guides, too. Without it they
are the machine code that people run, and only the coverage of what is around them guides.
"""

import importlib
import random
import sys
from pathlib import Path

import atheris

from geophone_shared.jit import is_interpreted
from tests.fuzz.mutations import MOST_BYTES, mutated
from tests.fuzz.target import Target

PROJECT = Path(__file__).resolve().parents[2]
_SHARED, _SERVICES = PROJECT / "shared", PROJECT / "services"
_OWN_MUTATION_ONE_IN = 5


def main(name: str, *arguments: str) -> None:
    with atheris.instrument_imports(
        include=["geophone_capture", "geophone_shared"],
        exclude=[] if is_interpreted() else _kernel_modules(),
    ):
        target: Target = importlib.import_module(f"tests.fuzz.{name}").TARGET
    options = [argument for argument in arguments if argument.startswith("-")]
    places = [Path(argument) for argument in arguments if not argument.startswith("-")]
    places = places or [PROJECT / "build" / "fuzz" / name]
    defaults = ["-timeout=60", f"-max_len={MOST_BYTES}", f"-artifact_prefix={places[0]}-"]
    for folder in places:
        if not folder.is_file():
            write_seeds(target, folder)

    def change(data: bytes, max_size: int, seed: int) -> bytes:
        chance = random.Random(seed)  # noqa: S311  # libFuzzer's seed, so that a run can be repeated

        def once(old: bytes) -> bytes:
            if chance.randrange(_OWN_MUTATION_ONE_IN) == 0:
                return mutated(old, chance, target.words)
            return bytes(atheris.Mutate(old, max(max_size, len(old))))

        return target.changed(bytes(data), once, chance)[:max_size]

    atheris.Setup(
        [sys.argv[0], *defaults, *options, *map(str, places)],
        target.fuzz_one,
        custom_mutator=change,
    )
    atheris.Fuzz()


def write_seeds(target: Target, folder: Path) -> None:
    """The seeds as files, beside what is there already."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(target.seeds()):
        (folder / f"seed-{number:02}").write_bytes(seed)


def _kernel_modules() -> list[str]:
    """What numba compiles: it can't read instrumented bytecode."""
    return [
        ".".join(file.relative_to(file.parents[2]).with_suffix("").parts)
        for root in (_SHARED, _SERVICES)
        for file in root.glob("**/kernels/*.py")
    ]


if __name__ == "__main__":
    main(*sys.argv[1:])
