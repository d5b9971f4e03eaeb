"""Prints docs/BENCHMARKS.md from what script/bench measured: the folder with its results is the argument."""

import json
import pathlib
import statistics
import sys

HEAD = """\
# Benchmarks

Written by `script/bench`, which makes the trees, runs fp and its peers in turns, and removes everything again. It takes some
minutes, needs what `script/test` needs, and node and npm for the comparison with `hashFiles`. To measure again:

```sh
script/bench
```
"""

TABLE_HEAD = """
## Whole commands

Medians. The share is that of fp in its peer's time: the median over the rounds, in each of which both ran one after the other.

| what is read | `fp hash` | beside | takes | share | at most |
|---|---:|---|---:|---:|---:|"""

NOTES = """
- `git hash-object`: `git ls-files app | git hash-object --stdin-paths`; `git ls-files`: `git ls-files --stage -z`, the question
  that fp itself asks where .gitignore matches something under the inputs.
- `sha256sum` and `b3sum`: `find app -type f -print0 | xargs -0 …`, for large files the program alone. `b3sum` maps files into
  memory, which fp does not: a file that shrinks would end it by a signal.
- `hashFiles`: what the expression of that name does in a GitHub workflow, by the toolkit's own package, `@actions/glob`.
- The bare reading: a program that lists the folders, reads the files and hashes each with BLAKE3, and does nothing else
  (`benches/floor.rs`; for 40 files on one thread). It has no rules and no order to keep and writes no record, but hashes each
  file alone, where fp hashes many at once.
- hello, world: what it costs to start a process at all.
- The ten inputs are selected by a glob (`scripts/*`) and a folder (`tools`). The million files are names of empty files, and
  except in the last row git does not track them.
"""

MISSING_NODE = "- `hashFiles` is not in the table: there was no node with npm on the machine.\n"

ENSURE_HEAD = """
## Engine and registry

What `fp ensure` and `fp status` take beside the programs that they do the work of, with an engine and a registry on this machine.

| what | fp | beside | takes | share | more | at most |
|---|---:|---|---:|---:|---:|---:|"""

ENSURE_NOTES = """
- A miss: another small file each time, in an image of 40 files on a base of 2 MB. fp looks the image up before and after, has it
  in the engine as well, and writes the tag itself; the bare build pushes straight from the builder and looks at nothing.
- A hit, the image is in the engine: beside looking the image up and inspecting it, fp asks the engine what it is, since an image for
  another platform is none. It does all three at once, and two of docker's clients at a time are slower than one.
- A hit, only the name is wanted: `fp ensure --no-pull`, which reads and hashes the inputs before it asks.
- 100 images, each in a repository of its own; the engine has none of them, and is asked about them too. The way to the registry is
  one of 50 ms there and back (`benches/far.py`), which a new connection takes once more. fp may take 1 s. That none is published
  takes two requests for each image: the registry has to say so in its own words.
"""

PURE_HEAD = """
## Pure parts

Medians of `cargo bench`, which shows what changed since the last run.

| what | takes |
|---|---:|"""

NOT_MEASURED = """
## What is not measured

- **Cold caches.** Everything that is read lies in the page cache; on a disk, the disk decides.
- **Network file systems**, and file systems that are themselves programs.
- **Registries elsewhere.** There, what they and the way to them take decides.
- **Other machines.** The shares depend on the number of cores, and on whether the processor helps with SHA-1, SHA-256 and wide
  vectors."""


def main(results):
    print(HEAD)
    print("| machine | |\n|---|---|")
    for fact, value in lines(results / "machine.tsv"):
        print(f"| {fact} | {value} |")
    print(TABLE_HEAD)
    peers = [row for corpus in sorted(results.glob("corpus-*")) for row in rows(corpus)]
    print("\n".join(peers))
    print(NOTES, end="")
    if not any("hashFiles" in row for row in peers):
        print(MISSING_NODE, end="")
    print(ENSURE_HEAD)
    for group in sorted(results.glob("ensure-*")):
        print("\n".join(rows(group, with_difference=True)))
    print(ENSURE_NOTES, end="")
    print(PURE_HEAD)
    for estimates in sorted((results / "criterion").rglob("new/estimates.json")):
        nanoseconds = json.loads(estimates.read_text())["median"]["point_estimate"]
        name = json.loads((estimates.parent / "benchmark.json").read_text())["full_id"]
        print(f"| {name} | {duration(nanoseconds / 1e9)} |")
    print(NOT_MEASURED)


def rows(corpus, with_difference=False):
    (_, what), *peers = lines(corpus / "peers.tsv")
    own = rounds(corpus, "fp")
    for name, target in peers:
        theirs = rounds(corpus, name)
        pairs = [tuple(map(statistics.median, pair)) for pair in zip(own, theirs, strict=True)]
        compared = [digits(statistics.median(ours / other for ours, other in pairs))]
        if with_difference:
            more = statistics.median(ours - other for ours, other in pairs)
            compared.append(duration(more) if more > 0 else "")
        our_time, their_time = (duration(statistics.median(sum(runs, []))) for runs in (own, theirs))
        cells = [what, our_time, name, their_time, *compared, target]
        yield "| " + " | ".join(cells) + " |"


def rounds(corpus, name):
    """The seconds of every run, by rounds."""
    count = len(list(corpus.glob(f"{name}.*.json")))
    files = (corpus / f"{name}.{number}.json" for number in range(count))
    return [json.loads(file.read_text())["results"][0]["times"] for file in files]


def lines(file):
    return [line.split("\t") for line in file.read_text().splitlines()]


def duration(seconds):
    for unit, size in (("s", 1), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= size:
            return f"{digits(seconds / size)} {unit}"
    return f"{digits(seconds * 1e9)} ns"


def digits(number):
    """Two significant digits, or all those before the point."""
    return f"{number:.2g}" if number < 10 else f"{number:.0f}"


main(pathlib.Path(sys.argv[1]))
