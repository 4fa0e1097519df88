"""One file per command of `qudao`: NEEDS, add_arguments(parser), run(args) -> exit code."""
