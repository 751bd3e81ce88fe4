"""`farthing`, or `python -m farthing`."""

import gc


def main() -> None:
    """Run the command line. What an import makes lives on, so looking for garbage meanwhile only costs time."""
    gc.disable()
    from farthing.cli import main as command_line

    gc.freeze()
    gc.enable()
    command_line()


if __name__ == "__main__":
    main()
