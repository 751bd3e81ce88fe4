"""The command line."""


def main() -> None:
    """Replaced when the rooms are wired."""
