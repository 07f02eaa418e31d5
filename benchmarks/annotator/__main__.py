"""Entry of ``python -m benchmarks.annotator``: processes cannot be started from a module of this name."""

from benchmarks.annotator.runner import main

if __name__ == "__main__":
    main()
