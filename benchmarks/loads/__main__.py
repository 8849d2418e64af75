"""Write the load shapes anew: `python -m benchmarks.loads`."""

from benchmarks.loads import FOLDER, NAMES, made

for name in NAMES:
    lines = [",".join(map(str, day)) for day in made(name)]
    (FOLDER / f"{name}.csv").write_text("\n".join(lines) + "\n")
