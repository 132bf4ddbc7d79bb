"""`python -m analysis` is `actions-incident`."""

from analysis.cli import main

if __name__ == "__main__":
    main()
