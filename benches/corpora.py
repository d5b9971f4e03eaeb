"""Makes the trees that script/bench measures on, the same ones every time.

    corpora.py tree FOLDER FILES BYTES     like source code: nested folders, many small files and few large ones
    corpora.py many FOLDER FILES           nested folders with so many names, all of them for a few empty files
    corpora.py large FOLDER FILES BYTES    files of so many bytes each
"""

import os
import random
import sys

SUFFIXES = [".rs", ".rs", ".rs", ".toml", ".md", ".json", ".sh", ".py", ".txt", ""]
FILES_IN_A_FOLDER = 12
FILES_IN_A_FOLDER_OF_MANY = 1000
# A file can have 65,000 names on ext4; a fresh one is taken well before.
NAMES_OF_A_FILE = 50_000
BLOCK = 1 << 20


def tree(top, files, size):
    """Sizes of source files are about log-normal: here the median is 2.5 KB where the mean is 7.7 KB."""
    chance = random.Random(1)
    weights = [chance.lognormvariate(0, 1.5) for _ in range(files)]
    scale = size / sum(weights)
    for number, weight in enumerate(weights):
        folder = nested(top, number // FILES_IN_A_FOLDER)
        if number % FILES_IN_A_FOLDER == 0:
            os.makedirs(folder, exist_ok=True)
        write(os.path.join(folder, f"file-{number}{chance.choice(SUFFIXES)}"), chance, round(weight * scale))


def nested(top, number):
    """Every folder has up to nine others in it: numbers become paths digit by digit."""
    return os.path.join(top, *(f"part-{digit}" for digit in str(number)))


def many(top, files):
    one = None
    for number in range(files):
        if number % FILES_IN_A_FOLDER_OF_MANY == 0:
            folder = nested(top, number // FILES_IN_A_FOLDER_OF_MANY)
            os.makedirs(folder, exist_ok=True)
        path = os.path.join(folder, f"file-{number}")
        if number % NAMES_OF_A_FILE == 0:
            one = path
            open(path, "xb").close()
        else:
            os.link(one, path)


def large(top, files, size):
    os.makedirs(top)
    for number in range(files):
        write(os.path.join(top, f"file-{number}"), random.Random(number), size)


def write(path, chance, size):
    """Chance is slow: of a large file, only the first block is random."""
    block = chance.randbytes(min(size, BLOCK))
    with open(path, "xb") as file:
        while size > 0:
            size -= file.write(block[:size])


def main():
    kind, top, *numbers = sys.argv[1:]
    {"tree": tree, "many": many, "large": large}[kind](top, *map(int, numbers))


main()
