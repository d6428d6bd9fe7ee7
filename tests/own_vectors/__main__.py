"""Write the files, or say that they are written already."""

import sys

from own_vectors.writing import write

if __name__ == "__main__":
    sys.stdout.write("\n".join(write() or ["all files are as they were"]) + "\n")
