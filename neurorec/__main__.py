"""`neurorec` and `python -m neurorec`."""

from neurorec.cli import main

__all__ = ["main"]

if __name__ == "__main__":
    main()
